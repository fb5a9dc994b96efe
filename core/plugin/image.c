#include "plugin/image.h"

static bool within(bb_str bytes, uint64_t offset, uint64_t size) {
    return offset <= bytes.len && size <= bytes.len - offset;
}

/* A copy that is aligned as a table of what it holds has to be. */
static const void *table(const image *m, bb_str bytes) {
    return arena_copy(m->memory, bytes).ptr;
}

/* --- segments -------------------------------------------------------------------------------------- */

Elf64_Phdr image_segment(const image *m, unsigned i) {
    Elf64_Phdr p = {0};
    uint64_t offset = m->header.e_phoff + (uint64_t)i * sizeof p;
    if (i < m->header.e_phnum && within(m->bytes, offset, sizeof p))
        memcpy(&p, m->bytes.ptr + offset, sizeof p);
    return p;
}

/* elf_check has seen to sizes and offsets; that addresses rise is the format's rule (gABI, PT_LOAD), which
 * the dynamic linker relies on. */
static bool open_segments(image *m, err *e) {
    Elf64_Phdr *loads = arena_alloc(m->memory, m->header.e_phnum * sizeof *loads);
    uint64_t end = 0;
    if (loads == NULL)
        return err_set(e, "no memory to read its segments");
    for (unsigned i = 0; i < m->header.e_phnum; i++) {
        Elf64_Phdr p = image_segment(m, i);
        if (p.p_type != PT_LOAD || p.p_memsz == 0)
            continue;
        if (p.p_vaddr < end)
            return err_set(e, "it is damaged: the segment at 0x%llx lies over the one before it",
                           (unsigned long long)p.p_vaddr);
        end = p.p_vaddr + p.p_memsz;
        loads[m->load_count++] = p;
    }
    m->loads = loads;
    return true;
}

static const Elf64_Phdr *load_of(const image *m, uint64_t address) {
    size_t low = 0, high = m->load_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (m->loads[middle].p_vaddr <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const Elf64_Phdr *p = low > 0 ? &m->loads[low - 1] : NULL;
    return p != NULL && address - p->p_vaddr < p->p_memsz ? p : NULL;
}

image_place image_where(const image *m, uint64_t address) {
    const Elf64_Phdr *p = load_of(m, address);
    return p == NULL ? IMAGE_NOWHERE : address - p->p_vaddr < p->p_filesz ? IMAGE_BYTES : IMAGE_ZEROS;
}

bool image_is_code(const image *m, uint64_t address) {
    const Elf64_Phdr *p = load_of(m, address);
    return p != NULL && (p->p_flags & PF_X) != 0;
}

bool image_is_constant(const image *m, uint64_t address) {
    const Elf64_Phdr *p = load_of(m, address);
    if (p == NULL || (p->p_flags & PF_W) == 0)
        return p != NULL;
    for (unsigned i = 0; i < m->header.e_phnum; i++) {
        Elf64_Phdr r = image_segment(m, i);
        if (r.p_type == PT_GNU_RELRO && address >= r.p_vaddr && address - r.p_vaddr < r.p_memsz)
            return true;
    }
    return false;
}

bool image_runs_on_load(const image *m) {
    uint64_t size;
    return image_dynamic(m, DT_INIT_ARRAYSZ, &size) && size > sizeof(uint64_t);
}

bb_str image_rest(const image *m, uint64_t address) {
    const Elf64_Phdr *p = load_of(m, address);
    if (p == NULL || address - p->p_vaddr >= p->p_filesz)
        return (bb_str){NULL, 0};
    uint64_t skip = address - p->p_vaddr;
    return str_of(m->bytes.ptr + p->p_offset + skip, p->p_filesz - skip);
}

bool image_span(const image *m, uint64_t address, uint64_t size, bb_str *out) {
    bb_str rest = image_rest(m, address);
    *out = str_of(rest.ptr, size);
    return rest.ptr != NULL && size <= rest.len;
}

/* --- the dynamic section --------------------------------------------------------------------------- */

static bool open_dynamic(image *m, err *e) {
    for (unsigned i = 0; i < m->header.e_phnum; i++) {
        Elf64_Phdr p = image_segment(m, i);
        if (p.p_type != PT_DYNAMIC)
            continue;
        bb_str bytes;
        if (!image_span(m, p.p_vaddr, p.p_filesz, &bytes))
            return err_set(e, "it is damaged: its dynamic section lies outside of what it loads");
        m->dynamic = table(m, bytes);
        m->dynamic_count = bytes.len / sizeof *m->dynamic;
        return m->dynamic != NULL || err_set(e, "no memory to read its dynamic section");
    }
    return err_set(e, "it is not a shared object: it has no dynamic section");
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

/* --- symbols --------------------------------------------------------------------------------------- */

static bool word_at(const image *m, uint64_t address, uint32_t *out) {
    bb_str bytes;
    if (!image_span(m, address, sizeof *out, &bytes))
        return false;
    memcpy(out, bytes.ptr, sizeof *out);
    return true;
}

/* The GNU hash table: a header of four words, a Bloom filter of 8-byte words, a word a bucket, and a word for
 * each symbol from `first` on, whose lowest bit ends a chain. */
typedef struct gnu_hash {
    uint32_t buckets, first, filters, shift;
    uint64_t filter_at, bucket_at, chain_at;
} gnu_hash;

static bool gnu_hash_of(const image *m, gnu_hash *h) {
    uint64_t at;
    if (!image_dynamic(m, DT_GNU_HASH, &at) || !word_at(m, at, &h->buckets) ||
        !word_at(m, at + 4, &h->first) || !word_at(m, at + 8, &h->filters) || !word_at(m, at + 12, &h->shift))
        return false;
    h->filter_at = at + 16;
    h->bucket_at = h->filter_at + (uint64_t)h->filters * 8;
    h->chain_at = h->bucket_at + (uint64_t)h->buckets * 4;
    return h->buckets > 0 && h->filters > 0 && h->shift < 32;
}

/* Linkers put the symbols' names right behind the symbols. */
static bool count_by_place(const image *m, uint64_t *count) {
    uint64_t symbols, names;
    if (!image_dynamic(m, DT_SYMTAB, &symbols) || !image_dynamic(m, DT_STRTAB, &names) || names < symbols)
        return false;
    *count = (names - symbols) / sizeof(Elf64_Sym);
    return true;
}

/* The chain of the last bucket ends with the last symbol. */
static bool count_gnu(const image *m, const gnu_hash *h, uint64_t *count) {
    bb_str buckets;
    uint32_t last = 0, word = 0;
    if (!image_span(m, h->bucket_at, (uint64_t)h->buckets * 4, &buckets))
        return false;
    for (uint32_t i = 0; i < h->buckets; i++) {
        memcpy(&word, buckets.ptr + (size_t)i * 4, sizeof word);
        last = word > last ? word : last;
    }
    if (last < h->first) /* it exports nothing: the table does not tell how much it imports */
        return count_by_place(m, count);
    for (uint64_t i = last; word_at(m, h->chain_at + (i - h->first) * 4, &word); i++) {
        *count = i + 1;
        if ((word & 1) != 0)
            return true;
    }
    return false;
}

static bool count_symbols(const image *m, uint64_t *count) {
    gnu_hash h;
    uint64_t at;
    uint32_t chains;
    if (gnu_hash_of(m, &h))
        return count_gnu(m, &h, count);
    if (!image_dynamic(m, DT_HASH, &at) || !word_at(m, at + 4, &chains))
        return false;
    *count = chains;
    return true;
}

static bool open_symbols(image *m, err *e) {
    uint64_t count, symbols, names, names_size;
    bb_str bytes;
    if (!image_dynamic(m, DT_SYMTAB, &symbols) || !image_dynamic(m, DT_STRTAB, &names) ||
        !image_dynamic(m, DT_STRSZ, &names_size) || !count_symbols(m, &count))
        return err_set(e, "it is damaged: its table of symbols, or the hash table over it, cannot be read");
    if (!image_span(m, names, names_size, &m->names) ||
        !image_span(m, symbols, count * sizeof *m->symbols, &bytes))
        return err_set(e, "it is damaged: its table of symbols reaches beyond what it loads");
    m->symbols = table(m, bytes);
    m->symbol_count = count;
    return m->symbols != NULL || err_set(e, "no memory to read its symbols");
}

const char *image_name(const image *m, uint32_t offset) {
    if (offset >= m->names.len || memchr(m->names.ptr + offset, '\0', m->names.len - offset) == NULL)
        return "";
    return m->names.ptr + offset;
}

static const Elf64_Sym *symbol_if(const image *m, uint64_t index, const char *name) {
    const Elf64_Sym *s = index < m->symbol_count ? &m->symbols[index] : NULL;
    return s != NULL && s->st_shndx != SHN_UNDEF && ELF64_ST_BIND(s->st_info) != STB_LOCAL &&
                   strcmp(image_name(m, s->st_name), name) == 0
               ? s
               : NULL;
}

static const Elf64_Sym *find_gnu(const image *m, const gnu_hash *h, const char *name) {
    uint32_t hash = 5381, at, word;
    bb_str filter;
    uint64_t bits;
    for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++)
        hash = hash * 33 + *c;
    if (!image_span(m, h->filter_at + (uint64_t)(hash / 64 % h->filters) * 8, 8, &filter))
        return NULL;
    memcpy(&bits, filter.ptr, sizeof bits);
    if ((bits >> hash % 64 & bits >> (hash >> h->shift) % 64 & 1) == 0 ||
        !word_at(m, h->bucket_at + (uint64_t)(hash % h->buckets) * 4, &at) || at < h->first)
        return NULL;
    for (uint64_t i = at; i < m->symbol_count && word_at(m, h->chain_at + (i - h->first) * 4, &word); i++) {
        const Elf64_Sym *s = (word | 1) == (hash | 1) ? symbol_if(m, i, name) : NULL;
        if (s != NULL || (word & 1) != 0)
            return s;
    }
    return NULL;
}

static const Elf64_Sym *find_sysv(const image *m, const char *name) {
    uint64_t table_at;
    uint32_t hash = 0, buckets, at;
    if (!image_dynamic(m, DT_HASH, &table_at) || !word_at(m, table_at, &buckets) || buckets == 0)
        return NULL;
    for (const unsigned char *c = (const unsigned char *)name; *c != '\0'; c++) {
        hash = (hash << 4) + *c;
        uint32_t high = hash & 0xf0000000;
        hash = (hash ^ high >> 24) & ~high;
    }
    if (!word_at(m, table_at + 8 + (uint64_t)(hash % buckets) * 4, &at))
        return NULL;
    for (size_t n = 0; at != 0 && n < m->symbol_count; n++) { /* a chain may be a ring */
        const Elf64_Sym *s = symbol_if(m, at, name);
        if (s != NULL || !word_at(m, table_at + 8 + ((uint64_t)buckets + at) * 4, &at))
            return s;
    }
    return NULL;
}

const Elf64_Sym *image_symbol(const image *m, const char *name) {
    gnu_hash h;
    return gnu_hash_of(m, &h) ? find_gnu(m, &h, name) : find_sysv(m, name);
}

/* --- sections -------------------------------------------------------------------------------------- */

Elf64_Shdr image_section(const image *m, unsigned i) {
    Elf64_Shdr s = {0};
    uint64_t offset = m->header.e_shoff + (uint64_t)i * sizeof s;
    if (i < m->header.e_shnum && within(m->bytes, offset, sizeof s))
        memcpy(&s, m->bytes.ptr + offset, sizeof s);
    return s;
}

bool image_section_named(const image *m, const char *name, Elf64_Shdr *out) {
    Elf64_Shdr names = image_section(m, m->header.e_shstrndx);
    size_t len = strlen(name) + 1;
    if (names.sh_type != SHT_STRTAB || !within(m->bytes, names.sh_offset, names.sh_size))
        return false;
    bb_str texts = str_of(m->bytes.ptr + names.sh_offset, names.sh_size);
    for (unsigned i = 0; i < m->header.e_shnum; i++) {
        *out = image_section(m, i);
        if (within(texts, out->sh_name, len) && memcmp(texts.ptr + out->sh_name, name, len) == 0)
            return true;
    }
    return false;
}

bool image_open(bb_str bytes, arena *a, image *out, err *e) {
    *out = (image){.bytes = bytes, .memory = a};
    memcpy(&out->header, bytes.ptr, sizeof out->header);
    return open_segments(out, e) && open_dynamic(out, e) && open_symbols(out, e);
}
