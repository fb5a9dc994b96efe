/* image_fixes.c - what the dynamic linker would write into an image: RELR (packed), RELA and PLT relocations,
 * in the order in which it applies them. */
#include "plugin/image.h"

#include <stdlib.h>

#define FIXES_MAX ((size_t)1000000)

typedef struct fixes {
    const image *m;
    image_fix *items;
    size_t count, cap;
    err *e;
} fixes;

static bool add(fixes *f, uint64_t slot, image_fix_kind kind, uint64_t value) {
    if (f->count == FIXES_MAX)
        return err_set(f->e, "it has over %zu relocations, more than are read without loading it", FIXES_MAX);
    if (f->count == f->cap) {
        size_t cap = f->cap > 0 ? 2 * f->cap : 1024;
        image_fix *items = realloc(f->items, cap * sizeof *items);
        if (items == NULL)
            return err_set(f->e, "no memory to read its relocations");
        f->items = items;
        f->cap = cap;
    }
    f->items[f->count] = (image_fix){slot, value, (uint32_t)f->count, kind};
    f->count++;
    return true;
}

/* --- RELR ------------------------------------------------------------------------------------------ */

/* The address that the slot holds in the file is moved by where the file is loaded. */
static bool add_in_place(fixes *f, uint64_t slot) {
    bb_str bytes;
    uint64_t value = 0;
    if (!image_span(f->m, slot, sizeof value, &bytes))
        return err_set(f->e, "it is damaged: a packed relocation is at 0x%llx, outside of what it loads",
                       (unsigned long long)slot);
    memcpy(&value, bytes.ptr, sizeof value);
    return add(f, slot, IMAGE_FIX_ADDRESS, value);
}

/* An even word is a slot; an odd one says by its other 63 bits which of the slots behind are meant too. */
static bool add_packed(fixes *f, bb_str bytes) {
    uint64_t next = 0, word;
    for (size_t i = 0; i + sizeof word <= bytes.len; i += sizeof word) {
        memcpy(&word, bytes.ptr + i, sizeof word);
        if ((word & 1) == 0) {
            if (!add_in_place(f, word))
                return false;
            next = word + 8;
            continue;
        }
        for (unsigned bit = 1; bit < 64; bit++)
            if ((word >> bit & 1) != 0 && !add_in_place(f, next + (bit - 1) * 8))
                return false;
        next += 63 * 8;
    }
    return true;
}

/* --- RELA ------------------------------------------------------------------------------------------ */

typedef enum { SORT_NONE, SORT_RELATIVE, SORT_ABSOLUTE, SORT_SYMBOL, SORT_RESOLVER, SORT_OTHER } sort;

/* Of x86-64 (psABI 4.4) and aarch64 (AAELF64 5.7.12). */
static sort sort_of(const image *m, uint64_t type) {
    if (m->header.e_machine == EM_X86_64) {
        switch (type) {
        case R_X86_64_NONE: return SORT_NONE;
        case R_X86_64_RELATIVE: return SORT_RELATIVE;
        case R_X86_64_64: return SORT_ABSOLUTE;
        case R_X86_64_GLOB_DAT:
        case R_X86_64_JUMP_SLOT: return SORT_SYMBOL;
        case R_X86_64_IRELATIVE: return SORT_RESOLVER;
        default: return SORT_OTHER;
        }
    }
    switch (type) {
    case R_AARCH64_NONE: return SORT_NONE;
    case R_AARCH64_RELATIVE: return SORT_RELATIVE;
    case R_AARCH64_ABS64:
    case R_AARCH64_GLOB_DAT:
    case R_AARCH64_JUMP_SLOT: return SORT_ABSOLUTE;
    case R_AARCH64_IRELATIVE: return SORT_RESOLVER;
    default: return SORT_OTHER;
    }
}

static bool add_symbol(fixes *f, const Elf64_Rela *r, uint64_t addend) {
    uint64_t index = ELF64_R_SYM(r->r_info);
    if (index >= f->m->symbol_count)
        return err_set(f->e, "it is damaged: a relocation names symbol %llu of %zu",
                       (unsigned long long)index, f->m->symbol_count);
    const Elf64_Sym *s = &f->m->symbols[index];
    unsigned type = ELF64_ST_TYPE(s->st_info);
    if (s->st_shndx == SHN_UNDEF) /* a weak one may be found, or not */
        return add(f, r->r_offset,
                   index != 0 && ELF64_ST_BIND(s->st_info) == STB_GLOBAL ? IMAGE_FIX_IMPORT : IMAGE_FIX_OTHER,
                   index);
    if (s->st_shndx == SHN_ABS || type == STT_TLS)
        return add(f, r->r_offset, IMAGE_FIX_OTHER, 0);
    return add(f, r->r_offset, type == STT_GNU_IFUNC ? IMAGE_FIX_CODE : IMAGE_FIX_ADDRESS,
               s->st_value + addend);
}

static bool add_relocations(fixes *f, bb_str bytes) {
    Elf64_Rela r;
    for (size_t i = 0; i + sizeof r <= bytes.len; i += sizeof r) {
        memcpy(&r, bytes.ptr + i, sizeof r);
        bool ok = true;
        switch (sort_of(f->m, ELF64_R_TYPE(r.r_info))) {
        case SORT_NONE: break;
        case SORT_RELATIVE: ok = add(f, r.r_offset, IMAGE_FIX_ADDRESS, (uint64_t)r.r_addend); break;
        case SORT_ABSOLUTE: ok = add_symbol(f, &r, (uint64_t)r.r_addend); break;
        case SORT_SYMBOL: ok = add_symbol(f, &r, 0); break;
        case SORT_RESOLVER: ok = add(f, r.r_offset, IMAGE_FIX_CODE, 0); break;
        case SORT_OTHER: ok = add(f, r.r_offset, IMAGE_FIX_OTHER, 0); break;
        }
        if (!ok)
            return false;
    }
    return true;
}

/* --- the tables ------------------------------------------------------------------------------------ */

static bool read_table(fixes *f, int64_t at_tag, int64_t size_tag, bool (*take)(fixes *, bb_str)) {
    uint64_t at, size;
    bb_str bytes;
    if (!image_dynamic(f->m, at_tag, &at) || !image_dynamic(f->m, size_tag, &size) || size == 0)
        return true;
    if (!image_span(f->m, at, size, &bytes))
        return err_set(f->e, "it is damaged: its table of relocations at 0x%llx reaches beyond what it loads",
                       (unsigned long long)at);
    return take(f, bytes);
}

static int by_slot(const void *a, const void *b) {
    const image_fix *x = a, *y = b;
    if (x->slot != y->slot)
        return x->slot < y->slot ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* Sorted, and of those that write to one slot the last. */
static size_t settle(image_fix *items, size_t count) {
    size_t n = 0;
    if (count > 0)
        qsort(items, count, sizeof *items, by_slot);
    for (size_t i = 0; i < count; i++)
        if (i + 1 == count || items[i + 1].slot != items[i].slot)
            items[n++] = items[i];
    return n;
}

bool image_relocate(image *m, err *e) {
    fixes f = {.m = m, .e = e};
    uint64_t unused;
    bool ok = !image_dynamic(m, DT_REL, &unused) ||
              err_set(e, "it has relocations of a kind (REL) that this machine does not use");
    ok = ok && read_table(&f, DT_RELR, DT_RELRSZ, add_packed) &&
         read_table(&f, DT_RELA, DT_RELASZ, add_relocations) &&
         read_table(&f, DT_JMPREL, DT_PLTRELSZ, add_relocations);
    if (ok) {
        m->fix_count = settle(f.items, f.count);
        bb_str copy = arena_copy(m->memory, str_of(f.items, m->fix_count * sizeof *f.items));
        m->fixes = (const image_fix *)(const void *)copy.ptr;
        ok = copy.ptr != NULL || err_set(e, "no memory to read its relocations");
    }
    free(f.items);
    return ok;
}

/* The first one whose slot ends behind `address`. */
static size_t first_from(const image *m, uint64_t address) {
    size_t low = 0, high = m->fix_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        uint64_t slot = m->fixes[middle].slot;
        if (slot < address && address - slot >= 8)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t image_fixes(const image *m, uint64_t address, uint64_t size, const image_fix **first) {
    size_t from = first_from(m, address), n = 0;
    *first = m->fix_count > 0 ? &m->fixes[from] : NULL;
    while (from + n < m->fix_count &&
           (m->fixes[from + n].slot < address || m->fixes[from + n].slot - address < size))
        n++;
    return n;
}
