/* value.c - reading values of a document. */
#include "json/json.h"
#include "json/scan.h"

#include <stdlib.h>

json_iter json_iterate(const json_value *container) {
    json_iter it = {.left = json_count(container)};
    if (it.left > 0) {
        it.at = container + 1;
        it.object = container->type == JSON_OBJECT;
    }
    return it;
}

bool json_next(json_iter *it) {
    if (it->left == 0)
        return false;
    it->index = it->value == NULL ? 0 : it->index + 1;
    it->left--;
    if (it->object) {
        it->key = json_string(it->at);
        it->at++;
    }
    it->value = it->at;
    it->at += it->at->span;
    return true;
}

const json_value *json_get(const json_value *object, bb_str key) {
    const json_value *found = NULL;
    if (!json_is(object, JSON_OBJECT))
        return NULL;
    const json_value *at = object + 1;
    for (uint32_t i = 0; i < object->count; i++) {
        if (at->count == key.len && (key.len == 0 || memcmp(at->text, key.ptr, key.len) == 0))
            found = at + 1;
        at += 1 + at[1].span;
    }
    return found;
}

const json_value *json_at(const json_value *array, uint32_t index) {
    if (!json_is(array, JSON_ARRAY) || index >= array->count)
        return NULL;
    const json_value *at = array + 1;
    for (uint32_t i = 0; i < index; i++)
        at += at->span;
    return at;
}

bb_str json_string(const json_value *v) {
    return json_is(v, JSON_STRING) ? str_of(v->text, v->count) : (bb_str){NULL, 0};
}

bb_str json_raw(const json_value *v) {
    if (v == NULL)
        return (bb_str){NULL, 0};
    if (v->type != JSON_STRING)
        return str_of(v->text, v->raw_len);
    const char *raw = v->text - 1;
    if (v->flags & JSON_F_DECODED)
        memcpy(&raw, v->text - sizeof raw, sizeof raw);
    return str_of(raw, v->raw_len);
}

bool json_bool(const json_value *v, bool otherwise) {
    return json_is(v, JSON_BOOL) ? (v->flags & JSON_F_TRUE) != 0 : otherwise;
}

bool json_to_double(const json_value *v, double *out) {
    char text[64];
    if (!json_is(v, JSON_NUMBER))
        return false;
    char *copy = v->count < sizeof text ? text : malloc((size_t)v->count + 1);
    if (copy == NULL)
        return false;
    memcpy(copy, v->text, v->count);
    copy[v->count] = '\0';
    *out = strtod(copy, NULL); /* the process stays in the "C" locale */
    if (copy != text)
        free(copy);
    return true;
}

/* --- pointers ---------------------------------------------------------------------------------------------
 */

static bool token_is(bb_str token, bb_str name) {
    size_t n = 0;
    for (size_t i = 0; i < token.len; i++) {
        char c = token.ptr[i];
        if (c == '~') {
            if (i + 1 == token.len)
                return false;
            c = token.ptr[++i] == '0' ? '~' : token.ptr[i] == '1' ? '/' : '\0';
        }
        if (n >= name.len || name.ptr[n++] != c)
            return false;
    }
    return n == name.len;
}

static const json_value *step(const json_value *v, bb_str token) {
    uint64_t index;
    if (json_is(v, JSON_ARRAY)) {
        bool canonical = token.len == 1 || (token.len > 1 && token.ptr[0] != '0');
        return canonical && str_to_u64(token, &index) && index < v->count ? json_at(v, (uint32_t)index)
                                                                          : NULL;
    }
    const json_value *found = NULL;
    if (json_is(v, JSON_OBJECT))
        for (json_iter it = json_iterate(v); json_next(&it);)
            if (token_is(token, it.key))
                found = it.value;
    return found;
}

const json_value *json_pointer(const json_value *root, bb_str pointer) {
    if (pointer.len == 0)
        return root;
    if (pointer.ptr[0] != '/')
        return NULL;
    bb_str rest = str_of(pointer.ptr + 1, pointer.len - 1), token;
    while (root != NULL && str_split(&rest, '/', &token))
        root = step(root, token);
    return root;
}

void json_pointer_add(buf *b, bb_str name) {
    buf_char(b, '/');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '~')
            buf_lit(b, "~0");
        else if (name.ptr[i] == '/')
            buf_lit(b, "~1");
        else
            buf_char(b, name.ptr[i]);
    }
}

bool json_utf8_valid(bb_str s) {
    if (s.len == 0) /* its pointer may be NULL, to which nothing may be added */
        return true;
    const char *p = s.ptr, *end = s.ptr + s.len;
    while ((p = scan_plain(p, end)) < end) {
        size_t n = (unsigned char)*p < 0x80 ? 1 : utf8_sequence(p, end);
        if (n == 0)
            return false;
        p += n;
    }
    return true;
}
