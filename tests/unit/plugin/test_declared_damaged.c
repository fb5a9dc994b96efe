/* Connectors' files, damaged in thousands of ways: cut, flipped, with sizes, counts and addresses that lie.
 * What is read of them is read within their bytes (each lies in a block of just its size: the address
 * sanitizer sees what is not), a refusal has a reason, and what is taken can be used whole. $UNIT_SEED
 * repeats a run. */
#include <busbar/busbar.h> /* these first: Check has a macro `fail` */
#include <busbar/session.h>

#include "unit.h"

#include "base/sanitized.h"
#include "plugin/declared.h"
#include "plugin/elf.h"
#include "plugin/image.h"
#include "plugin/layout.h"
#include "plugin/module.h"

#include <stdio.h>

#if defined(__x86_64__)
#define RELATIVE R_X86_64_RELATIVE
#else
#define RELATIVE R_AARCH64_RELATIVE
#endif

static char *good;
static size_t good_size;
static uint64_t state;

static uint64_t draw(void) { /* xorshift64* */
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 2685821657736338717u;
}

static void load(const char *path) {
    err e = {""};
    free(good);
    good = module_read(path, &good_size, &e);
    ck_assert_msg(good != NULL, "%s: %s", path, e.text);
}

/* --- what becomes of one ----------------------------------------------------------------------------- */

typedef struct tally {
    size_t taken, refused, unknown;
} tally;

/* All of it: layout_same follows every pointer there is. */
static void use(const declared *d) {
    ck_assert(layout_same(&layout_entry, d->entry, d->entry));
    for (const bb_extension *x = d->extensions; x->id != NULL; x++)
        if (x->declared != NULL)
            ck_assert(layout_same(layout_extension(x->id), x->declared, x->declared));
}

static void try_bytes(const char *bytes, size_t size, tally *t) {
    err e = {""};
    declared d;
    char *exact = malloc(size > 0 ? size : 1);
    arena *a = arena_new((size_t)256 << 20);
    memcpy(exact, bytes, size);
    if (!elf_check(str_of(exact, size), &e)) {
        t->refused++;
    } else if (declared_read(str_of(exact, size), a, &d, &e)) {
        ck_assert_str_eq(e.text, "");
        use(&d);
        t->taken++;
    } else {
        t->refused++;
        t->unknown += d.unknown;
        ck_assert_str_ne(e.text, "");
    }
    arena_free(a);
    free(exact);
}

/* Its schemas compiled too: a damaged text is the schema room's to refuse. */
static void try_whole(const char *bytes, size_t size) {
    static const char no_hash[65];
    err e = {""};
    plugin_module *m = module_load_declared("damaged", str_of(bytes, size), no_hash, "damaged",
                                            (bb_str){NULL, 0}, NULL, &e);
    ck_assert_int_eq(m != NULL, e.text[0] == '\0');
    module_unref(m);
}

/* --- damage ------------------------------------------------------------------------------------------ */

static uint64_t odd_number(void) {
    static const uint64_t odd[] = {0,          1,          7,          8,           0x7fffffff,
                                   0x80000000, 0xffffffff, UINT64_MAX, INT64_MAX,   (uint64_t)1 << 63,
                                   0x1000,     0xfff,      0x100000,   0x100000000, (uint64_t)-8};
    switch (draw() % 3) {
    case 0: return odd[draw() % (sizeof odd / sizeof odd[0])];
    case 1: return draw() % (2 * good_size);
    default: return draw();
    }
}

/* Where a change is likely to matter: the tables by which all else is found. */
static size_t interesting(void) {
    Elf64_Ehdr h;
    memcpy(&h, good, sizeof h);
    Elf64_Phdr p;
    unsigned i = (unsigned)(draw() % h.e_phnum);
    memcpy(&p, good + h.e_phoff + i * sizeof p, sizeof p);
    switch (draw() % 6) {
    case 0: return draw() % sizeof h;
    case 1: return h.e_phoff + draw() % (h.e_phnum * sizeof p);
    case 2: return h.e_shoff + draw() % (h.e_shnum * sizeof(Elf64_Shdr));
    case 3: return draw() % good_size;
    default: /* of a segment: the dynamic section, the symbols, hash tables, relocations, constants */
        return p.p_filesz > 0 ? p.p_offset + draw() % (p.p_filesz < 4096 ? p.p_filesz : 4096) : 0;
    }
}

static void damage(char *bytes) {
    for (unsigned n = 1 + (unsigned)(draw() % 3); n > 0; n--) {
        size_t at = interesting();
        uint64_t number = odd_number();
        size_t width = (size_t)1 << draw() % 4;
        if (draw() % 2 == 0)
            bytes[at] ^= (char)(1 << draw() % 8);
        else if (at % good_size + 8 < good_size)
            memcpy(bytes + (at & ~(width - 1)), &number, width);
    }
}

static void try_damaged(size_t rounds, tally *t) {
    char *bytes = malloc(good_size);
    for (size_t i = 0; i < rounds; i++) {
        memcpy(bytes, good, good_size);
        damage(bytes);
        size_t size = draw() % 16 == 0 ? draw() % good_size : good_size;
        try_bytes(bytes, size, t);
        if (i % 16 == 0)
            try_whole(bytes, size);
    }
    free(bytes);
}

static const char *const connectors[] = {CONNECTORS "/whole.so", CONNECTORS "/by_function.so",
                                         CONNECTORS "/truth.so"};

static uint64_t seed(void) {
    const char *given = getenv("UNIT_SEED");
    return given != NULL ? strtoull(given, NULL, 10) : 20260101;
}

START_TEST(damaged_anywhere) {
    tally t = {0};
    size_t rounds = SANITIZED ? 4000 : 20000;
    state = seed() * 2 + 1;
    for (size_t i = 0; i < sizeof connectors / sizeof connectors[0]; i++) {
        load(connectors[i]);
        try_damaged(rounds, &t);
    }
    printf("plugin_declared_damaged: %zu taken, %zu refused, of these %zu unknown\n", t.taken, t.refused,
           t.unknown);
    ck_assert_uint_gt(t.taken, rounds / 20);
    ck_assert_uint_gt(t.refused, rounds / 20);
}
END_TEST

START_TEST(cut_anywhere) {
    tally t = {0};
    load(connectors[0]);
    for (size_t size = 0; size < good_size; size += size < 4096 ? 8 : 61)
        try_bytes(good, size, &t);
    ck_assert_uint_eq(t.taken, 0);
}
END_TEST

/* --- lies of the tables, one by one ------------------------------------------------------------------- */

static void set_dynamic(int64_t tag, uint64_t value) {
    Elf64_Ehdr h;
    memcpy(&h, good, sizeof h);
    for (unsigned i = 0; i < h.e_phnum; i++) {
        Elf64_Phdr p;
        memcpy(&p, good + h.e_phoff + i * sizeof p, sizeof p);
        for (size_t at = 0; p.p_type == PT_DYNAMIC && at + sizeof(Elf64_Dyn) <= p.p_filesz;
             at += sizeof(Elf64_Dyn)) {
            Elf64_Dyn d;
            memcpy(&d, good + p.p_offset + at, sizeof d);
            if (d.d_tag == tag) {
                d.d_un.d_val = value;
                memcpy(good + p.p_offset + at, &d, sizeof d);
                return;
            }
        }
    }
    ck_abort_msg("it has no such entry: %lld", (long long)tag);
}

static void refused(const char *part) {
    err e = {""};
    declared d;
    arena *a = arena_new(0);
    ck_assert_msg(elf_check(str_of(good, good_size), &e), "%s", e.text);
    ck_assert_msg(!declared_read(str_of(good, good_size), a, &d, &e), "taken; expected: %s", part);
    ck_assert_msg(strstr(e.text, part) != NULL, "\"%s\" does not say \"%s\"", e.text, part);
    arena_free(a);
}

START_TEST(tables_that_lie) {
    static const struct {
        int64_t tag;
        uint64_t value;
        const char *says;
    } lies[] = {
        {DT_RELASZ, (uint64_t)1 << 40, "its table of relocations"},
        {DT_RELA, (uint64_t)1 << 40, "its table of relocations"},
        {DT_RELA, UINT64_MAX - 16, "its table of relocations"},
        {DT_SYMTAB, UINT64_MAX, "table of symbols"},
        {DT_STRTAB, (uint64_t)1 << 39, "table of symbols"},
        {DT_STRSZ, UINT64_MAX, "table of symbols"},
        {DT_STRSZ, 1, "exports no busbar_entry"},
        {DT_GNU_HASH, UINT64_MAX - 8, "hash table"},
        {DT_GNU_HASH, 0, "hash table"},
    };
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        load(connectors[0]);
        set_dynamic(lies[i].tag, lies[i].value);
        refused(lies[i].says);
    }
}
END_TEST

static Elf64_Phdr *segment(char *bytes, unsigned n) {
    Elf64_Ehdr *h = (Elf64_Ehdr *)(void *)bytes;
    for (unsigned i = 0; i < h->e_phnum; i++) {
        Elf64_Phdr *p = (Elf64_Phdr *)(void *)(bytes + h->e_phoff) + i;
        if (p->p_type == PT_LOAD && n-- == 0)
            return p;
    }
    ck_abort_msg("it has not so many segments");
    return NULL;
}

START_TEST(segments_that_lie_over_each_other) {
    load(connectors[0]);
    segment(good, 1)->p_vaddr = segment(good, 0)->p_vaddr;
    refused("lies over the one before it");
}
END_TEST

/* A manifest that shows another entry than the one that is loaded. */
START_TEST(a_manifest_that_leads_elsewhere) {
    err e = {""};
    image m;
    Elf64_Shdr section;
    load(connectors[0]);
    arena *a = arena_new(0);
    ck_assert(image_open(str_of(good, good_size), a, &m, &e) && image_relocate(&m, &e));
    ck_assert(image_section_named(&m, BB_MANIFEST_SECTION, &section));
    uint64_t slot = section.sh_addr + offsetof(bb_manifest, entry), rela, size;
    ck_assert(image_dynamic(&m, DT_RELA, &rela) && image_dynamic(&m, DT_RELASZ, &size));
    bb_str relocations;
    ck_assert(image_span(&m, rela, size, &relocations));
    Elf64_Rela *r = (Elf64_Rela *)(void *)(good + (relocations.ptr - good));
    for (size_t i = 0; i < size / sizeof *r; i++)
        if (r[i].r_offset == slot) {
            r[i].r_info = ELF64_R_INFO(0, RELATIVE);
            r[i].r_addend = (int64_t)section.sh_addr;
        }
    arena_free(a);
    refused("it would show other declarations than those it is loaded with");
}
END_TEST

/* One text of 10 kB that ten thousand operations name: there is a limit to what is copied. */
START_TEST(what_is_copied_has_a_limit) {
    static const char no_hash[65];
    err e = {""};
    bool unknown = false;
    const char *path = CONNECTORS "/huge.so";
    ck_assert_ptr_null(
        module_load_declared(path, (bb_str){NULL, 0}, no_hash, path, STR("lies"), &unknown, &e));
    ck_assert_msg(unknown && strstr(e.text, "declarations take over 67108864 bytes") != NULL, "%s", e.text);
}
END_TEST

/* --- the other machine ---------------------------------------------------------------------------------- */

/* The same file with aarch64's numbers for its relocations: all else is alike in both. */
#if defined(__x86_64__)
static uint64_t of_aarch64(uint64_t type) {
    switch (type) {
    case R_X86_64_64: return R_AARCH64_ABS64;
    case R_X86_64_GLOB_DAT: return R_AARCH64_GLOB_DAT;
    case R_X86_64_JUMP_SLOT: return R_AARCH64_JUMP_SLOT;
    case R_X86_64_RELATIVE: return R_AARCH64_RELATIVE;
    default: return type;
    }
}

START_TEST(aarch64) {
    err e = {""};
    image m;
    uint64_t rela, size;
    bb_str relocations;
    declared ours, other;
    load(connectors[0]);
    arena *a = arena_new(0);
    ck_assert_msg(declared_read(str_of(good, good_size), a, &ours, &e), "%s", e.text);
    ck_assert(image_open(str_of(good, good_size), a, &m, &e));
    ck_assert(image_dynamic(&m, DT_RELA, &rela) && image_dynamic(&m, DT_RELASZ, &size));
    ck_assert(image_span(&m, rela, size, &relocations));
    Elf64_Rela *r = (Elf64_Rela *)(void *)(good + (relocations.ptr - good));
    for (size_t i = 0; i < size / sizeof *r; i++)
        r[i].r_info = ELF64_R_INFO(ELF64_R_SYM(r[i].r_info), of_aarch64(ELF64_R_TYPE(r[i].r_info)));
    ((Elf64_Ehdr *)(void *)good)->e_machine = EM_AARCH64;
    ck_assert_msg(declared_read(str_of(good, good_size), a, &other, &e), "%s", e.text);
    ck_assert(layout_same(&layout_entry, ours.entry, other.entry));
    arena_free(a);
}
END_TEST
#else
START_TEST(aarch64) {
    load(connectors[0]);
    ck_assert_uint_gt(good_size, 0);
}
END_TEST
#endif

UNIT_MAIN(unit_test(damaged_anywhere), unit_test(cut_anywhere), unit_test(tables_that_lie),
          unit_test(segments_that_lie_over_each_other), unit_test(a_manifest_that_leads_elsewhere),
          unit_test(what_is_copied_has_a_limit), unit_test(aarch64))
