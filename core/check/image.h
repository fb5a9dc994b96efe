/* image.h - a shared object's dynamic section and symbols, read from its bytes without loading it. */
#ifndef CHECK_IMAGE_H
#define CHECK_IMAGE_H

#include "base/err.h"

#include <elf.h>

typedef struct image {
    bb_str bytes;
    const Elf64_Sym *symbols; /* .dynsym; copied, aligned */
    size_t symbol_count;
    bb_str names; /* of .dynsym */
    const Elf64_Dyn *dynamic;
    size_t dynamic_count;
    Elf64_Ehdr header;
} image;

/* `bytes` have passed elf_check. False: *e says what is missing. Copies come from `a`. */
struct arena;
bool image_read(bb_str bytes, struct arena *a, image *out, err *e);

Elf64_Phdr image_segment(const image *m, unsigned i);
const char *image_name(const image *m, uint32_t offset); /* "" outside of the table */
/* The value of the first entry with that tag; false: none. */
bool image_dynamic(const image *m, int64_t tag, uint64_t *value);
/* The names of the functions that run on loading, where relocations and symbols tell; gives how many there
 * are. */
size_t image_constructors(const image *m, struct arena *a, bb_str *names, size_t max);

#endif
