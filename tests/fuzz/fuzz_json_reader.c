/* Whatever is read is written back as the same value, and never read past its end. */
#include "json/json.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The value, node by node, through the writer. */
static void copy(json_writer *w, const json_value *v) {
    int64_t integer;
    double number;
    switch (json_type_of(v)) {
    case JSON_STRING: json_put_string(w, json_string(v)); return;
    case JSON_NUMBER:
        json_to_i64(v, &integer);
        json_to_double(v, &number);
        json_put_raw(w, json_raw(v));
        return;
    case JSON_ARRAY:
    case JSON_OBJECT: json_is(v, JSON_OBJECT) ? json_object(w) : json_array(w); break;
    default: json_put_value(w, v); return;
    }
    for (json_iter it = json_iterate(v); json_next(&it);) {
        if (json_is(v, JSON_OBJECT)) {
            json_key(w, it.key);
            if (json_get(v, it.key) == NULL)
                abort();
        }
        copy(w, it.value);
    }
    json_is(v, JSON_OBJECT) ? json_object_end(w) : json_array_end(w);
}

static void check_same(arena *a, const json_value *v, bb_str text) {
    if (!json_equal(v, json_read(a, text, NULL, NULL)))
        abort();
}

static void check_value(arena *a, const json_value *v) {
    json_writer w;
    buf out;
    buf_init(&out);
    json_writer_init(&w, &out);
    copy(&w, v);
    if (!json_writer_finish(&w))
        abort();
    check_same(a, v, buf_str(&out));
    check_same(a, v, json_raw(v));
    buf_clear(&out);
    json_pretty(v, 1, &out);
    check_same(a, v, buf_str(&out));
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    arena *a = arena_new(0);
    json_error e;
    json_limits unique = {.reject_duplicate_keys = true};
    const json_value *v = json_read(a, str_of(data, size), NULL, &e);
    if (v != NULL)
        check_value(a, v);
    else if (e.offset > size || e.reason == NULL || e.line == 0 || e.column == 0)
        abort();
    if (json_read(a, str_of(data, size), &unique, NULL) != NULL && v == NULL)
        abort();
    arena_free(a);
    return 0;
}
