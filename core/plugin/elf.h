/* elf.h - whether bytes are a shared object of this machine: checked before the dynamic linker sees them. */
#ifndef PLUGIN_ELF_H
#define PLUGIN_ELF_H

#include "base/err.h"

/* ELF64 of this machine's byte order and processor, ET_DYN, with all its tables and segments within the
 * bytes. */
bool elf_check(bb_str bytes, err *e);

#endif
