/* script.c - what is expected of requests, and whether one is it. */
#include "internal.h"

#include <stdlib.h>

const char *test_line(arena *a, bb_str text) {
    return test_have(arena_strdup(a, text));
}

const char *const *test_lines(arena *a, const char *const *lines) {
    size_t n = 0;
    while (lines != NULL && lines[n] != NULL)
        n++;
    const char **copy = test_have(arena_zalloc(a, (n + 1) * sizeof *copy));
    for (size_t i = 0; i < n; i++)
        copy[i] = test_line(a, str_from(lines[i]));
    return copy;
}

static const char *text_or_null(arena *a, const char *text) {
    return text != NULL ? test_line(a, str_from(text)) : NULL;
}

void bb_test_expect(bb_test *t, const bb_test_exchange *exchange) {
    bb_test_exchange whole = {0}; /* a test built with an older header gives less */
    const bb_test_exchange *x = &whole;
    memcpy(&whole, exchange, exchange->size < sizeof whole ? exchange->size : sizeof whole);
    bb_str body = x->body_len > 0 ? str_of(x->body, x->body_len) : str_from(x->body);
    bb_str answer = x->answer_len > 0 ? str_of(x->answer, x->answer_len) : str_from(x->answer);
    t->script = test_room(t->script, t->script_count, &t->script_cap, sizeof *t->script);
    t->script[t->script_count++] = (bb_test_exchange){
        .size = sizeof *x,
        .status = x->status != 0 ? x->status : 200,
        .method = text_or_null(t->memory, x->method),
        .url = text_or_null(t->memory, x->url),
        .headers = test_lines(t->memory, x->headers),
        .body = x->body != NULL ? test_line(t->memory, body) : NULL,
        .body_len = body.len,
        .answer_headers = test_lines(t->memory, x->answer_headers),
        .answer = test_line(t->memory, answer),
        .answer_len = answer.len,
        .takes_ms = x->takes_ms,
    };
}

/* --- comparing: where the script has REDACTED, anything may stand ----------------------------------- */

/* REDACTED takes the place of a text up to the byte that follows it. */
static bool text_fits(bb_str expected, bb_str actual) {
    const bb_str mark = STR(REDACTED);
    size_t i = 0, k = 0;
    while (i < expected.len) {
        if (str_starts(str_of(expected.ptr + i, expected.len - i), mark)) {
            i += mark.len;
            while (k < actual.len && (i == expected.len || actual.ptr[k] != expected.ptr[i]))
                k++;
        } else if (k == actual.len || expected.ptr[i++] != actual.ptr[k++]) {
            return false;
        }
    }
    return k == actual.len;
}

static bool json_fits(const json_value *expected, const json_value *actual) {
    if (str_eq(json_string(expected), STR(REDACTED)))
        return actual != NULL;
    if (!json_is(expected, JSON_OBJECT) && !json_is(expected, JSON_ARRAY))
        return actual != NULL && json_equal(expected, actual);
    if (json_type_of(expected) != json_type_of(actual) || json_count(expected) != json_count(actual))
        return false;
    for (json_iter it = json_iterate(expected); json_next(&it);) {
        bool object = json_is(expected, JSON_OBJECT);
        if (!json_fits(it.value, object ? json_get(actual, it.key) : json_at(actual, it.index)))
            return false;
    }
    return true;
}

static bool body_fits(arena *a, bb_str expected, bb_str actual) {
    const json_value *e = json_read(a, expected, NULL, NULL), *b = json_read(a, actual, NULL, NULL);
    return e != NULL && b != NULL ? json_fits(e, b) : text_fits(expected, actual);
}

static bool url_fits(const bb_test *t, bb_str expected, bb_str actual) {
    bool whole = str_starts(expected, STR("http://")) || str_starts(expected, STR("https://"));
    if (!whole && t->base_url.len > 0 && str_starts(actual, t->base_url))
        actual = str_of(actual.ptr + t->base_url.len, actual.len - t->base_url.len);
    return text_fits(expected, actual);
}

static bool header_fits(const bb_test_request *request, bb_str expected) {
    bb_str value = expected, name;
    if (!str_split(&value, ':', &name))
        return false;
    value = str_trim(value);
    for (const char *const *h = request->headers; *h != NULL; h++) {
        bb_str there = str_from(*h), there_name;
        str_split(&there, ':', &there_name);
        if (str_eq_nocase(there_name, name))
            return value.len > 0 && text_fits(value, str_trim(there));
    }
    return value.len == 0;
}

bool test_fits(bb_test *t, const bb_test_exchange *x, const bb_test_request *request, bb_str *out) {
    arena *a = t->call_memory;
    bb_str body = str_of(request->body, request->body_len);
    *out = (bb_str){NULL, 0};
    if (x->method != NULL && strcmp(x->method, request->method) != 0)
        *out = arena_printf(a, "the method is %s, expected was %s", request->method, x->method);
    else if (x->url != NULL && !url_fits(t, str_from(x->url), str_from(request->url)))
        *out = arena_printf(a, "the URL is %s, expected was %s", request->url, x->url);
    else if (x->body != NULL && !body_fits(a, str_of(x->body, x->body_len), body))
        *out = arena_printf(a, "the body is \"%s\", expected was \"%s\"", request->body, x->body);
    for (const char *const *h = x->headers; *h != NULL && out->ptr == NULL; h++)
        if (!header_fits(request, str_from(*h)))
            *out = arena_printf(a, "the header lacks \"%s\", or has it otherwise", *h);
    return out->ptr == NULL;
}
