/* schema_issues.c - what is wrong with an instance, in words. */
#include "json/schema_internal.h"

#include <stdarg.h>
#include <stdio.h>

#define ISSUES_MAX 32u
#define SHOWN_MAX 64u

static bool add(validation *v, bb_str pointer, const char *keyword, bb_str message) {
    schema_issues *list = v->issues;
    if (list->count == ISSUES_MAX)
        return false;
    if (list->count == list->cap) {
        size_t cap = list->cap == 0 ? 8 : list->cap * 2;
        list->items = arena_grow(v->scratch, list->items, list->cap * sizeof *list->items,
                                 cap * sizeof *list->items);
        list->cap = list->items != NULL ? cap : 0;
        if (list->items == NULL) {
            list->count = 0;
            return false;
        }
    }
    list->items[list->count++] = (schema_issue){
        .pointer = arena_copy(v->scratch, pointer), .keyword = str_from(keyword), .message = message};
    return false;
}

static bb_str worded(validation *v, const char *format, va_list args) {
    char text[700];
    vsnprintf(text, sizeof text, format, args);
    return arena_copy(v->scratch, str_from(text));
}

bool issue(validation *v, const char *keyword, const char *format, ...) {
    if (v->issues == NULL)
        return false;
    va_list args;
    va_start(args, format);
    bb_str message = worded(v, format, args);
    va_end(args);
    return add(v, buf_str(&v->path), keyword, message);
}

bool issue_at(validation *v, bb_str name, const char *keyword, const char *format, ...) {
    if (v->issues == NULL)
        return false;
    va_list args;
    va_start(args, format);
    bb_str message = worded(v, format, args);
    va_end(args);
    size_t before = v->path.len;
    json_pointer_add(&v->path, name);
    add(v, buf_str(&v->path), keyword, message);
    v->path.len = before;
    return false;
}

bb_str issue_show(validation *v, const json_value *value) {
    static const char *const kinds[] = {"nothing",  "null",     "a boolean", "a number",
                                        "a string", "an array", "an object"};
    bb_str raw = json_raw(value);
    if (json_is(value, JSON_ARRAY) || json_is(value, JSON_OBJECT))
        return str_from(kinds[json_type_of(value)]);
    if (raw.len <= SHOWN_MAX)
        return raw;
    return arena_printf(v->scratch, "%s of %u bytes", kinds[json_type_of(value)], value->count);
}

bb_str issue_list(validation *v, const json_value *values) {
    bb_str text = STR("");
    for (json_iter it = json_iterate(values); json_next(&it);) {
        if (it.index == 12)
            return arena_printf(v->scratch, "%.*s, ... (%u in all)", STR_FMT(text), json_count(values));
        bb_str shown = issue_show(v, it.value);
        text = arena_printf(v->scratch, "%.*s%s%.*s", STR_FMT(text), it.index > 0 ? ", " : "",
                            STR_FMT(shown));
    }
    return text;
}
