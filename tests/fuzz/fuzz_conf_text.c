/* conf_read_text on anything; what is read and fits into JSON is written again and must be read back the
 * same. */
#include "conf/conf.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bb_str as_json(arena *a, const conf_file *f) {
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    json_object(&w);
    for (size_t i = 0; i < f->count; i++) {
        json_key(&w, f->sections[i].name);
        json_object(&w);
        for (size_t k = 0; k < f->sections[i].count; k++)
            json_member_string(&w, f->sections[i].entries[k].key, f->sections[i].entries[k].value);
        json_object_end(&w);
    }
    json_object_end(&w);
    if (!json_writer_finish(&w))
        abort(); /* conf_read_text takes UTF-8 only */
    bb_str text = arena_copy(a, buf_str(&out));
    buf_free(&out);
    return text;
}

static void check_same(const conf_file *a, const conf_file *b) {
    if (a->count != b->count)
        abort();
    for (size_t i = 0; i < a->count; i++) {
        const conf_section *x = &a->sections[i], *y = conf_find_section(b, x->name);
        if (y == NULL || x->count != y->count)
            abort();
        for (size_t k = 0; k < x->count; k++) {
            const conf_entry *other = conf_find(y, x->entries[k].key);
            if (other == NULL || !str_eq(x->entries[k].value, other->value))
                abort();
        }
    }
}

/* Every entry has a place, and its value can be asked for references. */
static void check_entries(arena *a, const conf_file *f) {
    for (size_t i = 0; i < f->count; i++)
        for (size_t k = 0; k < f->sections[i].count; k++) {
            const conf_entry *entry = &f->sections[i].entries[k];
            if (entry->line <= f->sections[i].line || entry->key.len == 0)
                abort();
            bb_str out;
            bool had;
            err e = {""};
            bool asks = memmem(entry->value.ptr, entry->value.len, "${", 2) != NULL;
            if (!asks && (!conf_expand(a, f, entry, &out, &had, &e) || had || !str_eq(out, entry->value)))
                abort();
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    arena *a = arena_new(0);
    conf_file f, again;
    err e = {""};
    bb_str text;
    if (!conf_read_text(a, "conf.d/fuzz.conf", str_of(data, size), &f)) {
        if (f.error.text[0] == '\0')
            abort();
    } else {
        check_entries(a, &f);
        const json_value *root = json_read(a, as_json(a, &f), NULL, NULL);
        if (conf_text_from_json(a, root, &text, &e)) {
            if (!conf_read_text(a, "conf.d/again.conf", text, &again))
                abort();
            check_same(&f, &again);
        } else if (e.text[0] == '\0') {
            abort();
        }
    }
    arena_free(a);
    return 0;
}
