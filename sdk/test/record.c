/* record.c - exchanges written to a file, and read from one into the script. */
#include "internal.h"

#include "plugin/host.h"

#include <stdio.h>
#include <stdlib.h>

#define FORMAT "busbar-exchanges/1"
#define FILE_MAX_BYTES (64u << 20)

/* --- writing ---------------------------------------------------------------------------------------------
 */

static void write_headers(const bb_test *t, arena *a, const char *const *lines, json_writer *w) {
    json_keyl(w, "headers");
    json_object(w);
    for (size_t i = 0; lines != NULL && lines[i] != NULL; i++) {
        bb_str value = test_redact_line(t, a, str_from(lines[i])), name;
        str_split(&value, ':', &name);
        json_member_string(w, name, str_trim(value));
    }
    json_object_end(w);
}

static void write_exchange(const bb_test *t, arena *a, const seen *s, json_writer *w) {
    const bb_test_request *r = &s->request;
    json_object(w);
    json_keyl(w, "request");
    json_object(w);
    json_member_string(w, STR("method"), str_from(r->method));
    json_member_string(w, STR("url"), test_redact_url(t, a, str_from(r->url)));
    write_headers(t, a, r->headers, w);
    json_keyl(w, "body");
    json_put_raw(w, test_redact_body(t, a, str_of(r->body, r->body_len)));
    json_object_end(w);
    json_keyl(w, "response");
    json_object(w);
    json_member_u64(w, STR("status"), (uint64_t)s->status);
    write_headers(t, a, s->answer_headers, w);
    json_keyl(w, "body");
    json_put_raw(w, test_redact_body(t, a, s->answer));
    json_object_end(w);
    json_object_end(w);
}

static bool write_all(const bb_test *t, arena *a, buf *text) {
    json_writer w;
    json_writer_init(&w, text);
    json_object(&w);
    json_member_string(&w, STR("format"), STR(FORMAT));
    json_keyl(&w, "exchanges");
    json_array(&w);
    for (size_t i = 0; i < t->seen_count; i++)
        if (t->seen[i]->status != 0)
            write_exchange(t, a, t->seen[i], &w);
    json_array_end(&w);
    json_object_end(&w);
    return json_writer_finish(&w);
}

static bool write_file(const char *path, bb_str text) {
    FILE *f = fopen(path, "w");
    if (f == NULL)
        return false;
    bool ok = fwrite(text.ptr, 1, text.len, f) == text.len && fputc('\n', f) != EOF;
    return fclose(f) == 0 && ok;
}

int bb_test_record(bb_test *t, const char *path) {
    arena *a = test_have(arena_new(0));
    buf text, pretty;
    buf_init(&text);
    buf_init(&pretty);
    bool ok = write_all(t, a, &text);
    const json_value *v = ok ? json_read(a, buf_str(&text), NULL, NULL) : NULL;
    json_pretty(v, 2, &pretty);
    ok = v != NULL && write_file(path, buf_str(&pretty));
    if (!ok)
        err_set(&t->problem, "%s cannot be written", path);
    buf_free(&pretty);
    buf_free(&text);
    arena_free(a);
    return ok;
}

/* --- reading ---------------------------------------------------------------------------------------------
 */

static bool read_file(bb_test *t, const char *path, bb_str *out) {
    buf text;
    buf_init(&text);
    text.limit = FILE_MAX_BYTES;
    FILE *f = fopen(path, "r");
    char piece[4096];
    for (size_t n; f != NULL && (n = fread(piece, 1, sizeof piece, f)) > 0;)
        buf_add(&text, piece, n);
    bool ok = f != NULL && !ferror(f) && !text.failed;
    if (f != NULL)
        fclose(f);
    *out = arena_copy(t->memory, buf_str(&text));
    buf_free(&text);
    return ok || err_set(&t->problem, "%s cannot be read", path);
}

static const char *const *lines_of(bb_test *t, const json_value *headers) {
    const char **lines = test_have(arena_zalloc(t->memory, (json_count(headers) + 1) * sizeof *lines));
    for (json_iter it = json_iterate(headers); json_next(&it);) {
        bb_str value = json_string(it.value);
        lines[it.index] = test_have(
            (void *)(uintptr_t)arena_printf(t->memory, "%.*s: %.*s", STR_FMT(it.key), STR_FMT(value)).ptr);
    }
    return lines;
}

/* A text as it is, {"base64": ...} decoded, any other value as JSON. */
static bb_str body_of(bb_test *t, const json_value *v) {
    bb_str encoded = json_count(v) == 1 ? json_string(json_getl(v, "base64")) : (bb_str){NULL, 0};
    if (json_is(v, JSON_STRING))
        return json_string(v);
    if (encoded.ptr == NULL)
        return json_raw(v);
    uint8_t *bytes = test_have(arena_alloc(t->memory, encoded.len + 1));
    size_t n = host_get()->crypto->base64_decode(encoded, bytes, encoded.len);
    return n != SIZE_MAX ? str_of(bytes, n) : (bb_str){NULL, 0};
}

/* What follows base_url: the same exchange fits any connection of the service. */
static const char *url_of(bb_test *t, const json_value *request) {
    bb_str url = json_string(json_getl(request, "url"));
    if (t->base_url.len > 0 && str_starts(url, t->base_url))
        url = str_of(url.ptr + t->base_url.len, url.len - t->base_url.len);
    return test_line(t->memory, url);
}

static bool add(bb_test *t, const json_value *exchange) {
    const json_value *request = json_getl(exchange, "request"), *response = json_getl(exchange, "response");
    int64_t status;
    bb_str method = json_string(json_getl(request, "method")), body = body_of(t, json_getl(request, "body")),
           answer = body_of(t, json_getl(response, "body"));
    if (method.len == 0 || !json_to_i64(json_getl(response, "status"), &status) || status < 100 ||
        status > 599)
        return false;
    bb_test_exchange x = {.size = sizeof x,
                          .status = (int32_t)status,
                          .method = test_line(t->memory, method),
                          .url = url_of(t, request),
                          .body = test_line(t->memory, body),
                          .body_len = body.len,
                          .answer_headers = lines_of(t, json_getl(response, "headers")),
                          .answer = answer.len > 0 ? answer.ptr : "",
                          .answer_len = answer.len};
    bb_test_expect(t, &x);
    return true;
}

int bb_test_replay(bb_test *t, const char *path) {
    bb_str text;
    if (!read_file(t, path, &text))
        return 0;
    json_error e = {0};
    const json_value *v = json_read(t->memory, text, NULL, &e);
    const json_value *exchanges = json_getl(v, "exchanges");
    if (v == NULL)
        return err_set(&t->problem, "%s:%u:%u: %s", path, e.line, e.column, e.reason);
    if (!str_eq(json_string(json_getl(v, "format")), STR(FORMAT)) || !json_is(exchanges, JSON_ARRAY))
        return err_set(&t->problem, "%s is not a file of exchanges (\"format\": \"%s\")", path, FORMAT);
    for (json_iter it = json_iterate(exchanges); json_next(&it);)
        if (!add(t, it.value))
            return err_set(&t->problem, "%s: exchange %u lacks a method or a status", path, it.index + 1);
    return 1;
}
