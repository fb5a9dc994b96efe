#include "check/constructors.h"

static bool within(bb_str bytes, uint64_t offset, uint64_t size) {
    return offset <= bytes.len && size <= bytes.len - offset;
}

/* A section's bytes, copied to where they are aligned; absent: none of that type. */
static bb_str section_of_type(const image *m, arena *a, uint32_t type, unsigned *link) {
    for (unsigned i = 0; i < m->header.e_shnum; i++) {
        Elf64_Shdr s = image_section(m, i);
        if (s.sh_type != type || !within(m->bytes, s.sh_offset, s.sh_size))
            continue;
        *link = s.sh_link;
        return arena_copy(a, str_of(m->bytes.ptr + s.sh_offset, s.sh_size));
    }
    return (bb_str){NULL, 0};
}

static bb_str section_bytes(const image *m, unsigned i) {
    Elf64_Shdr s = image_section(m, i);
    if (s.sh_type == SHT_NOBITS || !within(m->bytes, s.sh_offset, s.sh_size))
        return (bb_str){NULL, 0};
    return str_of(m->bytes.ptr + s.sh_offset, s.sh_size);
}

static const char *text_at(bb_str table, uint64_t offset) {
    if (offset >= table.len || memchr(table.ptr + offset, '\0', table.len - offset) == NULL)
        return "";
    return table.ptr + offset;
}

/* .symtab, which a stripped file lacks. */
typedef struct symtab {
    const Elf64_Sym *symbols;
    size_t count;
    bb_str names;
} symtab;

static symtab symtab_of(const image *m, arena *a) {
    unsigned names = 0;
    bb_str symbols = section_of_type(m, a, SHT_SYMTAB, &names);
    return (symtab){.symbols = (const Elf64_Sym *)(const void *)symbols.ptr,
                    .count = symbols.len / sizeof(Elf64_Sym),
                    .names = section_bytes(m, names)};
}

/* The name of the function there; absent: it is not told. */
static bb_str function_at(const symtab *t, uint64_t address) {
    for (size_t i = 0; i < t->count; i++)
        if (t->symbols[i].st_value == address && ELF64_ST_TYPE(t->symbols[i].st_info) == STT_FUNC)
            return str_from(text_at(t->names, t->symbols[i].st_name));
    return (bb_str){NULL, 0};
}

/* What a relocation puts into that slot; 0: nothing does. */
static uint64_t target_of(const image *m, uint64_t slot) {
    const image_fix *fix;
    return image_fixes(m, slot, 8, &fix) == 1 && fix->slot == slot && fix->kind == IMAGE_FIX_ADDRESS
               ? fix->value
               : 0;
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

size_t constructors_find(const image *m, arena *a, bb_str *names, size_t max) {
    uint64_t address = 0, size = 0;
    size_t n = 0, named = 0, total;
    if (!image_dynamic(m, DT_INIT_ARRAY, &address) || !image_dynamic(m, DT_INIT_ARRAYSZ, &size))
        return 0;
    symtab symbols = symtab_of(m, a);
    total = size / 8 < 4096 ? size / 8 : 4096;
    for (size_t i = 0; i < total; i++) {
        bb_str name = function_at(&symbols, target_of(m, address + i * 8));
        named += name.len > 0;
        if (name.len > 0 && is_usual(name))
            continue;
        if (n < max)
            names[n] = name.len > 0 ? name : STR("a function without a name");
        n++;
    }
    return named == 0 && n > 0 ? n - 1 : n; /* stripped: one of them is the compiler's frame_dummy */
}
