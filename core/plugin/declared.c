#include "plugin/declared.h"

#include "plugin/image.h"
#include "plugin/layout.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define COPIED_MAX ((size_t)64 << 20) /* bytes of all texts and structs: one text may be named many times */
#define EXTENSIONS_MAX 64

typedef struct reader {
    image image;
    arena *memory;
    size_t copied;
    char at[200]; /* what is being read: "operations[3].input_schema" */
    size_t at_len;
    bool runs_on_load;
    bool unknown;
    err *e;
} reader;

/* In the place of every function that is declared. */
static void runs_elsewhere(void) {
    static const char text[] = "busbar: a function of a connector that this process has only read, and not "
                               "loaded, was called: a defect of the hub\n";
    ssize_t n = write(2, text, sizeof text - 1);
    (void)n;
    abort();
}

/* --- where, and what is wrong there ------------------------------------------------------------------ */

/* Gives what to hand to `leave`. */
__attribute__((format(printf, 2, 3))) static size_t enter(reader *r, const char *format, ...) {
    size_t before = r->at_len, room = sizeof r->at - r->at_len;
    va_list args;
    va_start(args, format);
    int n = vsnprintf(r->at + r->at_len, room, format, args);
    va_end(args);
    r->at_len += n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
    return before;
}

static void leave(reader *r, size_t before) {
    r->at_len = before;
    r->at[before] = '\0';
}

__attribute__((format(printf, 2, 3))) static bool wrong(reader *r, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    err_set(r->e, "%s %s", r->at_len > 0 ? r->at : "busbar_entry", text);
    return false;
}

static bool filled_in_later(reader *r) {
    r->unknown = true;
    return wrong(
        r, "is filled in when the file is loaded (by a constructor, or by C++ that computes it), so that "
           "it cannot be known without running it: make it static const, and of constants");
}

/* Whether code that runs on loading could have changed it: false: *e. */
static bool check_settled(reader *r, uint64_t address) {
    if (!r->runs_on_load || image_where(&r->image, address) != IMAGE_BYTES ||
        image_is_constant(&r->image, address))
        return true;
    r->unknown = true;
    return wrong(
        r, "is no constant, and code runs when the file is loaded (a constructor, or C++ that computes), "
           "so that it cannot be known without running it: make it static const, and of constants");
}

static bool nowhere(reader *r, uint64_t address) {
    if (image_where(&r->image, address) == IMAGE_ZEROS)
        return filled_in_later(r);
    return wrong(r, "points to 0x%llx, where the file loads nothing", (unsigned long long)address);
}

static void *take(reader *r, size_t size) {
    void *p = NULL;
    size = (size + 15) & ~(size_t)15; /* what the arena takes for it */
    if (size <= COPIED_MAX - r->copied)
        p = arena_zalloc(r->memory, size);
    r->copied += p != NULL ? size : 0;
    if (p == NULL) {
        r->unknown = true;
        wrong(r, "is more than is read without loading it: declarations take over %zu bytes", COPIED_MAX);
    }
    return p;
}

/* --- pointers ---------------------------------------------------------------------------------------- */

typedef struct pointer {
    enum { POINTER_NULL, POINTER_ADDRESS, POINTER_FOREIGN } kind;
    uint64_t address;
} pointer;

static bool read_fixed(reader *r, const image_fix *fix, pointer *out) {
    const image *m = &r->image;
    *out = (pointer){POINTER_FOREIGN, 0};
    switch ((image_fix_kind)fix->kind) {
    case IMAGE_FIX_ADDRESS: *out = (pointer){POINTER_ADDRESS, fix->value}; return true;
    case IMAGE_FIX_IMPORT:
    case IMAGE_FIX_CODE: return true;
    case IMAGE_FIX_OTHER: break;
    }
    r->unknown = true;
    const char *name = fix->value < m->symbol_count ? image_name(m, m->symbols[fix->value].st_name) : "";
    return wrong(r, "is decided only when the file is loaded%s%s", name[0] != '\0' ? ", by the symbol " : "",
                 name);
}

/* The pointer that is in those eight bytes once the file is loaded. */
static bool read_pointer(reader *r, uint64_t slot, pointer *out) {
    const image_fix *fix;
    bb_str bytes;
    uint64_t raw;
    size_t n = image_fixes(&r->image, slot, sizeof raw, &fix);
    if (n == 1 && fix->slot == slot)
        return read_fixed(r, fix, out);
    if (n > 0)
        return wrong(r, "is damaged: a relocation at 0x%llx writes into the middle of it",
                     (unsigned long long)fix->slot);
    if (!image_span(&r->image, slot, sizeof raw, &bytes))
        return nowhere(r, slot);
    memcpy(&raw, bytes.ptr, sizeof raw);
    *out = (pointer){POINTER_NULL, 0};
    return raw == 0 || wrong(r, "is the number 0x%llx, and no address", (unsigned long long)raw);
}

/* A pointer to data, which has to be in this file. */
static bool read_address(reader *r, uint64_t slot, uint64_t *address, bool *given) {
    pointer p = {POINTER_NULL, 0};
    *address = 0;
    *given = false;
    if (!read_pointer(r, slot, &p))
        return false;
    if (p.kind == POINTER_FOREIGN) {
        r->unknown = true;
        return wrong(r, "is in another library, which is not read");
    }
    *given = p.kind == POINTER_ADDRESS;
    *address = p.address;
    return true;
}

/* --- what they lead to ------------------------------------------------------------------------------- */

static bool read_text(reader *r, uint64_t address, const char **out) {
    const image_fix *fix;
    bb_str rest = image_rest(&r->image, address);
    if (rest.ptr == NULL)
        return nowhere(r, address);
    if (!check_settled(r, address))
        return false;
    const char *end = memchr(rest.ptr, '\0', rest.len);
    if (end == NULL)
        return wrong(r, "has no end: no NUL follows 0x%llx in its segment", (unsigned long long)address);
    size_t len = (size_t)(end - rest.ptr);
    if (image_fixes(&r->image, address, len + 1, &fix) > 0)
        return wrong(r, "is damaged: a relocation at 0x%llx writes into the text",
                     (unsigned long long)fix->slot);
    char *copy = take(r, len + 1);
    if (copy == NULL)
        return false;
    memcpy(copy, rest.ptr, len);
    *out = copy;
    return true;
}

static bool read_struct(reader *r, const layout *l, uint64_t address, const void **out);

static bool read_item(reader *r, const layout_field *f, uint64_t address, const void **out) {
    if (f->kind == FIELD_TEXTS) {
        const char *text = NULL;
        bool ok = read_text(r, address, &text);
        *out = text;
        return ok;
    }
    return read_struct(r, f->of, address, out);
}

static bool count_list(reader *r, const layout_field *f, uint64_t address, size_t *count) {
    for (*count = 0; *count <= f->max; ++*count) {
        uint64_t unused;
        bool given;
        size_t here = enter(r, "[%zu]", *count);
        if (!read_address(r, address + *count * 8, &unused, &given))
            return false;
        leave(r, here);
        if (!given)
            return true;
    }
    return wrong(r, "has no end: no NULL within %u entries", f->max);
}

/* An array of pointers that ends with NULL. */
static bool read_list(reader *r, const layout_field *f, uint64_t address, const void **out) {
    size_t count;
    if (!check_settled(r, address) || !count_list(r, f, address, &count))
        return false;
    const void **items = take(r, (count + 1) * sizeof *items);
    if (items == NULL)
        return false;
    *out = items;
    for (size_t i = 0; i < count; i++) {
        uint64_t item = 0;
        bool given;
        size_t here = enter(r, "[%zu]", i);
        if (!read_address(r, address + i * 8, &item, &given) || !read_item(r, f, item, &items[i]))
            return false;
        leave(r, here);
    }
    return true;
}

static bool read_function(reader *r, uint64_t slot, void (**out)(void)) {
    pointer p = {POINTER_NULL, 0};
    if (!read_pointer(r, slot, &p))
        return false;
    if (p.kind == POINTER_ADDRESS && !image_is_code(&r->image, p.address))
        return wrong(r, "points to 0x%llx, where the file has no code", (unsigned long long)p.address);
    *out = p.kind != POINTER_NULL ? runs_elsewhere : NULL;
    return true;
}

static bool read_field(reader *r, const layout_field *f, uint64_t slot, void *to) {
    uint64_t address = 0;
    const void *value = NULL;
    bool given;
    if (f->kind == FIELD_FUNCTION) {
        void (*function)(void) = NULL;
        bool ok = read_function(r, slot, &function);
        memcpy(to, &function, sizeof function);
        return ok;
    }
    if (!read_address(r, slot, &address, &given))
        return false;
    bool ok = true;
    if (given && f->kind == FIELD_TEXT) {
        const char *text = NULL;
        ok = read_text(r, address, &text);
        value = text;
    } else if (given && f->kind == FIELD_STRUCT) {
        ok = read_struct(r, f->of, address, &value);
    } else if (given) {
        ok = read_list(r, f, address, &value);
    }
    memcpy(to, &value, sizeof value);
    return ok;
}

/* Whether a relocation writes to where the struct has no pointer. */
static bool check_plain(reader *r, const layout *l, uint64_t address, size_t size) {
    const image_fix *fix;
    size_t n = image_fixes(&r->image, address, size, &fix);
    for (size_t i = 0; i < n; i++) {
        bool expected = false;
        for (const layout_field *f = l->fields; f->name != NULL && !expected; f++)
            expected = fix[i].slot == address + f->offset;
        if (!expected)
            return wrong(r, "is damaged: a relocation at 0x%llx writes over its size or flags",
                         (unsigned long long)fix[i].slot);
    }
    return true;
}

/* The struct's own bytes. One whose size says that it is shorter than SDK 1.0's has only those, and is
 * refused by who looks at the size; what is longer is cut to what this hub knows. */
static bool read_bytes(reader *r, const layout *l, uint64_t address, void *to, size_t *have) {
    bb_str bytes;
    uint32_t size = 0;
    if (!image_span(&r->image, address + l->size_at, sizeof size, &bytes))
        return nowhere(r, address);
    memcpy(&size, bytes.ptr, sizeof size);
    *have = size < l->size ? size : l->size;
    if (*have < l->size_at + sizeof size)
        *have = l->size_at + sizeof size;
    if (!image_span(&r->image, address, *have, &bytes))
        return wrong(r, "says that it has %u bytes, which reach beyond what the file loads", size);
    memcpy(to, bytes.ptr, *have);
    return check_plain(r, l, address, *have);
}

static bool read_fields(reader *r, const layout *l, uint64_t address, char *to, size_t have) {
    for (const layout_field *f = l->fields; f->name != NULL; f++) {
        if (f->offset + 8 > have) {
            memset(to + f->offset, 0, 8);
            continue;
        }
        size_t here = enter(r, "%s%s", r->at_len > 0 ? "." : "", f->name);
        if (!read_field(r, f, address + f->offset, to + f->offset))
            return false;
        leave(r, here);
    }
    return true;
}

static bool read_struct(reader *r, const layout *l, uint64_t address, const void **out) {
    size_t have = 0;
    char *copy = take(r, l->size);
    if (copy == NULL || !check_settled(r, address) || !read_bytes(r, l, address, copy, &have))
        return false;
    *out = copy;
    return read_fields(r, l, address, copy, have);
}

/* --- the entry --------------------------------------------------------------------------------------- */

/* Its own fields are in one place in every version. What it points to is followed only where this hub may
 * load it. */
static bool read_entry(reader *r, uint64_t address, const bb_entry **out) {
    bb_str bytes;
    const void *whole = NULL;
    bb_entry *head = take(r, sizeof *head);
    if (head == NULL || !image_span(&r->image, address, offsetof(bb_entry, plugin), &bytes))
        return head != NULL && nowhere(r, address);
    memcpy(head, bytes.ptr, bytes.len);
    *out = head;
    if (memcmp(head->magic, BUSBAR_MAGIC, sizeof head->magic) != 0 || head->abi_major != BUSBAR_ABI_MAJOR ||
        head->abi_minor > BUSBAR_ABI_MINOR || head->size < sizeof *head)
        return true;
    bool ok = read_struct(r, &layout_entry, address, &whole);
    *out = whole;
    return ok;
}

/* --- the manifest and extensions --------------------------------------------------------------------- */

static bool read_extension(reader *r, uint64_t address, bb_extension *out) {
    uint64_t at;
    bool given;
    if (!read_address(r, address, &at, &given))
        return false;
    if (!given)
        return true;
    if (!read_text(r, at, &out->id))
        return false;
    size_t here = enter(r, " (%.60s)", out->id);
    if (!read_address(r, address + offsetof(bb_extension, declared), &at, &given))
        return false;
    const layout *l = layout_extension(out->id);
    if (given && l != NULL && !read_struct(r, l, at, &out->declared))
        return false;
    leave(r, here);
    return true;
}

static bool read_extensions(reader *r, uint64_t address, uint64_t stride, const bb_extension **out) {
    bb_extension *list = take(r, (EXTENSIONS_MAX + 1) * sizeof *list);
    if (list == NULL)
        return false;
    *out = list;
    for (size_t i = 0; i < EXTENSIONS_MAX; i++) {
        size_t here = enter(r, "extensions[%zu]", i);
        if (!read_extension(r, address + i * stride, &list[i]))
            return false;
        leave(r, here);
        if (list[i].id == NULL)
            return true;
    }
    return wrong(r, "lists over %d extensions, or has no end", EXTENSIONS_MAX);
}

/* What the section ".busbar" says beside the entry's place, which has to be the one that the dynamic linker
 * will find: otherwise the file would show another connector than it is. */
static bool read_manifest(reader *r, uint64_t address, uint64_t entry, declared *out) {
    bb_manifest manifest;
    bb_str bytes;
    uint64_t at = 0;
    bool given;
    if (!image_span(&r->image, address, sizeof manifest, &bytes))
        return wrong(r, "has a section .busbar that lies outside of what it loads");
    memcpy(&manifest, bytes.ptr, sizeof manifest);
    if (memcmp(manifest.magic, BB_MANIFEST_MAGIC, sizeof manifest.magic) != 0 ||
        manifest.size < sizeof manifest || manifest.extension_size < sizeof(bb_extension) ||
        manifest.extension_size > 4096)
        return wrong(r, "has a section .busbar that is none of this SDK's");
    if (!read_address(r, address + offsetof(bb_manifest, entry), &at, &given))
        return false;
    if (!given || at != entry)
        return wrong(r,
                     "is at 0x%llx, but its section .busbar names 0x%llx: it would show other declarations "
                     "than those it is loaded with",
                     (unsigned long long)entry, (unsigned long long)at);
    memcpy(out->sdk, manifest.sdk, sizeof manifest.sdk);
    if (!read_address(r, address + offsetof(bb_manifest, extensions), &at, &given))
        return false;
    return !given || read_extensions(r, at, manifest.extension_size, &out->extensions);
}

static bool read_all(reader *r, declared *out) {
    static const bb_extension none[] = {{NULL, NULL}};
    const Elf64_Sym *symbol = image_symbol(&r->image, "busbar_entry");
    r->runs_on_load = image_runs_on_load(&r->image);
    Elf64_Shdr section;
    if (symbol == NULL)
        return err_set(r->e, "it exports no busbar_entry: is BUSBAR_PLUGIN(...) missing?");
    if (!read_entry(r, symbol->st_value, &out->entry))
        return false;
    out->extensions = none;
    if (out->entry->plugin == NULL) /* another ABI's: its manifest may be, too */
        return true;
    if (image_section_named(&r->image, BB_MANIFEST_SECTION, &section) &&
        !read_manifest(r, section.sh_addr, symbol->st_value, out))
        return false;
    out->extensions_unknown = out->entry->get_extension != NULL && out->extensions == none;
    return out->entry->get_extension != NULL || out->extensions[0].id == NULL ||
           wrong(r, "has a list of extensions, but no get_extension");
}

bool declared_read(bb_str bytes, arena *a, declared *out, err *e) {
    err unused = {""};
    reader r = {.memory = a, .e = e != NULL ? e : &unused};
    *out = (declared){
        .unknown = true}; /* until the file's tables are read: their fault is the linker's to tell */
    arena *scratch = arena_new(0);
    bool ok = scratch != NULL || err_set(r.e, "no memory to read it");
    ok = ok && image_open(bytes, scratch, &r.image, r.e) && image_relocate(&r.image, r.e) &&
         read_all(&r, out);
    if (r.image.fixes != NULL)
        out->unknown = !ok && r.unknown;
    arena_free(scratch);
    return ok;
}
