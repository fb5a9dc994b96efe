/* Two JSON texts, a line break of two between them: they have the same key if and only if they mean the same;
 * and a text has the key of itself written with other blanks. */
#include "pipeline/cache_key.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const json_limits limits = {.max_bytes = 4096}; /* the comparison looks each name up */

static bool alike(const json_value *a, const json_value *b);

static bool members_alike(const json_value *a, const json_value *b) {
    for (json_iter it = json_iterate(a); json_next(&it);)
        if (!alike(json_get(a, it.key), json_get(b, it.key)))
            return false;
    for (json_iter it = json_iterate(b); json_next(&it);)
        if (json_get(a, it.key) == NULL)
            return false;
    return true;
}

/* Numbers as written, the last member of a name, members in any order. */
static bool alike(const json_value *a, const json_value *b) {
    if (json_type_of(a) != json_type_of(b))
        return false;
    if (json_is(a, JSON_OBJECT))
        return members_alike(a, b);
    if (json_is(a, JSON_STRING))
        return str_eq(json_string(a), json_string(b));
    if (!json_is(a, JSON_ARRAY))
        return str_eq(json_raw(a), json_raw(b));
    if (json_count(a) != json_count(b))
        return false;
    json_iter x = json_iterate(a), y = json_iterate(b);
    while (json_next(&x) && json_next(&y))
        if (!alike(x.value, y.value))
            return false;
    return true;
}

static bb_str key_of(arena *a, const json_value *v) {
    buf out;
    buf_init(&out);
    cache_key_parts p = {.connection = STR("c"), .fingerprint = STR("f"), .operation = STR("o"), .input = v};
    if (!cache_key_make(&out, a, &p))
        abort();
    bb_str key = arena_copy(a, buf_str(&out));
    buf_free(&out);
    return key;
}

static void check_pretty(arena *a, const json_value *v, bb_str key) {
    buf out;
    buf_init(&out);
    json_pretty(v, 3, &out);
    const json_value *again = json_read(a, buf_str(&out), NULL, NULL);
    if (again == NULL || !str_eq(key_of(a, again), key))
        abort();
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const char *at = size > 0 ? memmem(data, size, "\n\n", 2) : NULL;
    size_t n = at != NULL ? (size_t)(at - (const char *)data) : size;
    arena *a = arena_new(0);
    const json_value *x = json_read(a, str_of(data, n), &limits, NULL);
    const json_value *y = at != NULL ? json_read(a, str_of(at + 2, size - n - 2), &limits, NULL) : NULL;
    if (x != NULL) {
        bb_str key = key_of(a, x);
        check_pretty(a, x, key);
        if (y != NULL && str_eq(key, key_of(a, y)) != alike(x, y))
            abort();
    }
    arena_free(a);
    return 0;
}
