/* image.h - a shared object's bytes, read as the dynamic linker would lay them out, without mapping or
 * running any of them.
 *
 * Addresses are the file's own (p_vaddr): what it declares is found by following them through its segments,
 * and what relocations would write is looked up instead of written. The bytes are a stranger's: nothing in
 * them is believed before it is within bounds. x86-64 and aarch64. */
#ifndef PLUGIN_IMAGE_H
#define PLUGIN_IMAGE_H

#include "base/arena.h"
#include "base/err.h"

#include <elf.h>

/* What a relocation writes into eight bytes. */
typedef enum {
    IMAGE_FIX_ADDRESS, /* `value` is an address in this file */
    IMAGE_FIX_IMPORT,  /* the address of symbol number `value`, which another library has */
    IMAGE_FIX_CODE,    /* a function that a resolver chooses (IFUNC) */
    IMAGE_FIX_OTHER    /* something that is known only once it is loaded */
} image_fix_kind;

typedef struct image_fix {
    uint64_t slot, value;
    uint32_t order; /* where two write to one place, the later one counts */
    uint32_t kind;
} image_fix;

typedef struct image {
    bb_str bytes;
    arena *memory; /* of the copies below, which are aligned */
    Elf64_Ehdr header;
    const Elf64_Phdr *loads; /* PT_LOAD, in the order of addresses, none over another */
    size_t load_count;
    const Elf64_Dyn *dynamic;
    size_t dynamic_count;
    const Elf64_Sym *symbols;
    size_t symbol_count;
    bb_str names;           /* of the symbols */
    const image_fix *fixes; /* in the order of slots, one a slot */
    size_t fix_count;
} image;

/* `bytes` have passed elf_check, and live as long as the image. Copies come from `a`. False: *e says what is
 * wrong. */
bool image_open(bb_str bytes, arena *a, image *out, err *e);
/* Fills in `fixes`. */
bool image_relocate(image *m, err *e);

typedef enum { IMAGE_NOWHERE, IMAGE_BYTES, IMAGE_ZEROS } image_place;

/* Where an address leads: to bytes of the file, to memory that is zero when the file is loaded (.bss), or
 * nowhere. */
image_place image_where(const image *m, uint64_t address);
bool image_is_code(const image *m, uint64_t address);
/* Whether it cannot be written once relocations are done. */
bool image_is_constant(const image *m, uint64_t address);
/* Whether code of the author's runs when it is loaded: one constructor is every compiler's own. */
bool image_runs_on_load(const image *m);
/* The file's bytes from an address to the end of its segment's; absent: it leads to none. */
bb_str image_rest(const image *m, uint64_t address);
/* Just so many of them; false: there are not so many. */
bool image_span(const image *m, uint64_t address, uint64_t size, bb_str *out);

Elf64_Phdr image_segment(const image *m, unsigned i);
const char *image_name(const image *m, uint32_t offset); /* "" outside of the table */
/* The value of the first entry with that tag; false: none. */
bool image_dynamic(const image *m, int64_t tag, uint64_t *value);
/* What dlsym would find in this file; NULL: nothing. */
const Elf64_Sym *image_symbol(const image *m, const char *name);
/* The fixes whose slots touch [address, address + size); gives how many. */
size_t image_fixes(const image *m, uint64_t address, uint64_t size, const image_fix **first);

/* Of the section headers, which a loader does not need and may not find. */
Elf64_Shdr image_section(const image *m, unsigned i); /* zeros: no such section */
bool image_section_named(const image *m, const char *name, Elf64_Shdr *out);

#endif
