/* cache_key.c - what makes two calls the same: connection as configured, code, operation, page, and the input
 * whatever the order of its members and the blanks between them. */
#include "pipeline/cache_key.h"

#include <stdlib.h>

typedef struct member {
    bb_str key;
    const json_value *value;
    uint32_t at;
} member;

static int by_key(const void *a, const void *b) {
    const member *x = a, *y = b;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = n > 0 ? memcmp(x->key.ptr, y->key.ptr, n) : 0;
    if (order == 0)
        order = (x->key.len > y->key.len) - (x->key.len < y->key.len);
    return order != 0 ? order : (x->at > y->at) - (x->at < y->at);
}

static bool put(buf *out, arena *scratch, const json_value *v);

/* Of members of the same name the last one counts, as everywhere. */
static bool put_object(buf *out, arena *scratch, const json_value *v) {
    uint32_t n = json_count(v), i = 0;
    member *members = arena_alloc(scratch, (n + 1) * sizeof *members);
    if (members == NULL)
        return false;
    for (json_iter it = json_iterate(v); json_next(&it); i++)
        members[i] = (member){it.key, it.value, i};
    if (n > 1)
        qsort(members, n, sizeof *members, by_key);
    buf_char(out, '{');
    for (i = 0; i < n; i++) {
        if (i + 1 < n && str_eq(members[i].key, members[i + 1].key))
            continue;
        buf_part(out, members[i].key);
        if (!put(out, scratch, members[i].value))
            return false;
    }
    buf_char(out, '}');
    return true;
}

static bool put(buf *out, arena *scratch, const json_value *v) {
    switch (json_type_of(v)) {
    case JSON_OBJECT: return put_object(out, scratch, v);
    case JSON_ARRAY:
        buf_char(out, '[');
        for (json_iter it = json_iterate(v); json_next(&it);)
            if (!put(out, scratch, it.value))
                return false;
        buf_char(out, ']');
        return true;
    case JSON_STRING:
        buf_char(out, '"');
        buf_part(out, json_string(v));
        return true;
    default: buf_part(out, json_raw(v)); return true;
    }
}

bool cache_key_make(buf *out, arena *scratch, const cache_key_parts *p) {
    buf_clear(out);
    buf_part(out, p->connection);
    buf_part(out, p->fingerprint);
    buf_part(out, p->code);
    buf_part(out, p->operation);
    buf_part(out, p->cursor);
    buf_char(out, p->all ? '1' : '0');
    buf_u64(out, p->max_items);
    buf_char(out, ';');
    buf_u64(out, p->account);
    buf_char(out, ';');
    return put(out, scratch, p->input) && !out->failed;
}
