#include "check/image.h"

#include "base/arena.h"

static bool within(bb_str bytes, uint64_t offset, uint64_t size) {
    return offset <= bytes.len && size <= bytes.len - offset;
}

static Elf64_Shdr section(const image *m, unsigned i) {
    Elf64_Shdr s = {0};
    uint64_t offset = m->header.e_shoff + (uint64_t)i * sizeof s;
    if (i < m->header.e_shnum && within(m->bytes, offset, sizeof s))
        memcpy(&s, m->bytes.ptr + offset, sizeof s);
    return s;
}

/* A section's bytes, copied to where they are aligned; absent: none of that type. */
static bb_str section_of_type(const image *m, arena *a, uint32_t type, unsigned *link) {
    for (unsigned i = 0; i < m->header.e_shnum; i++) {
        Elf64_Shdr s = section(m, i);
        if (s.sh_type != type || !within(m->bytes, s.sh_offset, s.sh_size))
            continue;
        *link = s.sh_link;
        return arena_copy(a, str_of(m->bytes.ptr + s.sh_offset, s.sh_size));
    }
    return (bb_str){NULL, 0};
}

static bb_str section_bytes(const image *m, unsigned i) {
    Elf64_Shdr s = section(m, i);
    if (s.sh_type == SHT_NOBITS || !within(m->bytes, s.sh_offset, s.sh_size))
        return (bb_str){NULL, 0};
    return str_of(m->bytes.ptr + s.sh_offset, s.sh_size);
}

bool image_read(bb_str bytes, struct arena *a, image *out, err *e) {
    *out = (image){.bytes = bytes};
    memcpy(&out->header, bytes.ptr, sizeof out->header);
    unsigned names = 0, unused = 0;
    bb_str symbols = section_of_type(out, a, SHT_DYNSYM, &names);
    bb_str dynamic = section_of_type(out, a, SHT_DYNAMIC, &unused);
    if (symbols.ptr == NULL || dynamic.ptr == NULL)
        return err_set(
            e, "its section headers are missing: do not strip them; `strip` alone leaves them in place");
    out->names = section_bytes(out, names);
    out->symbols = (const Elf64_Sym *)(const void *)symbols.ptr;
    out->symbol_count = symbols.len / sizeof(Elf64_Sym);
    out->dynamic = (const Elf64_Dyn *)(const void *)dynamic.ptr;
    out->dynamic_count = dynamic.len / sizeof(Elf64_Dyn);
    return true;
}

Elf64_Phdr image_segment(const image *m, unsigned i) {
    Elf64_Phdr p = {0};
    uint64_t offset = m->header.e_phoff + (uint64_t)i * sizeof p;
    if (i < m->header.e_phnum && within(m->bytes, offset, sizeof p))
        memcpy(&p, m->bytes.ptr + offset, sizeof p);
    return p;
}

static const char *text_at(bb_str table, uint64_t offset) {
    if (offset >= table.len || memchr(table.ptr + offset, '\0', table.len - offset) == NULL)
        return "";
    return table.ptr + offset;
}

const char *image_name(const image *m, uint32_t offset) {
    return text_at(m->names, offset);
}

bool image_dynamic(const image *m, int64_t tag, uint64_t *value) {
    for (size_t i = 0; i < m->dynamic_count && m->dynamic[i].d_tag != DT_NULL; i++) {
        if (m->dynamic[i].d_tag == tag) {
            *value = m->dynamic[i].d_un.d_val;
            return true;
        }
    }
    return false;
}

/* --- what runs on loading ------------------------------------------------------------------------ */

/* The name in .symtab of the function there; absent: stripped. */
static bb_str function_at(const image *m, arena *a, uint64_t address) {
    unsigned names = 0;
    bb_str symbols = section_of_type(m, a, SHT_SYMTAB, &names);
    const Elf64_Sym *s = (const Elf64_Sym *)(const void *)symbols.ptr;
    for (size_t i = 0; i < symbols.len / sizeof *s; i++)
        if (s[i].st_value == address && ELF64_ST_TYPE(s[i].st_info) == STT_FUNC)
            return str_from(text_at(section_bytes(m, names), s[i].st_name));
    return (bb_str){NULL, 0};
}

/* What a relocation puts into that slot; 0: nothing does. */
static uint64_t target_of(const image *m, arena *a, uint64_t slot) {
    for (unsigned i = 0; i < m->header.e_shnum; i++) {
        if (section(m, i).sh_type != SHT_RELA)
            continue;
        bb_str bytes = arena_copy(a, section_bytes(m, i));
        const Elf64_Rela *r = (const Elf64_Rela *)(const void *)bytes.ptr;
        for (size_t k = 0; k < bytes.len / sizeof *r; k++) {
            uint64_t symbol = ELF64_R_SYM(r[k].r_info);
            if (r[k].r_offset == slot)
                return symbol == 0                ? (uint64_t)r[k].r_addend
                       : symbol < m->symbol_count ? m->symbols[symbol].st_value
                                                  : 0;
        }
    }
    return 0;
}

/* Of the compiler, the C library and the sanitizers. */
static bool is_usual(bb_str name) {
    static const char *const usual[] = {"frame_dummy", "init_have_lse_atomics", "asan.", "tsan.", "sancov.",
                                        "_sub_I_0",    "__cpu_indicator_init",  NULL};
    for (size_t i = 0; usual[i] != NULL; i++)
        if (str_starts(name, str_from(usual[i])))
            return true;
    return false;
}

size_t image_constructors(const image *m, struct arena *a, bb_str *names, size_t max) {
    uint64_t address = 0, size = 0;
    size_t n = 0, named = 0, total;
    if (!image_dynamic(m, DT_INIT_ARRAY, &address) || !image_dynamic(m, DT_INIT_ARRAYSZ, &size))
        return 0;
    total = size / 8 < 4096 ? size / 8 : 4096;
    for (size_t i = 0; i < total; i++) {
        bb_str name = function_at(m, a, target_of(m, a, address + i * 8));
        named += name.len > 0;
        if (name.len > 0 && is_usual(name))
            continue;
        if (n < max)
            names[n] = name.len > 0 ? name : STR("a function without a name");
        n++;
    }
    return named == 0 && n > 0 ? n - 1 : n; /* stripped: one of them is the compiler's frame_dummy */
}
