/* summary.c - what the record keeps of a call's input and answer: enough to see what was asked, little enough
 * to be kept, and nothing that a name says is secret. */
#include "pipeline/call_internal.h"

#include <stdio.h>

#define TEXT_MAX 48u
#define MEMBERS_MAX 12u

/* Names whose values are never kept, in any spelling: matched without case, "-" and "_". */
static bool is_secret_name(bb_str name) {
    static const char *const parts[] = {"password", "passwd",   "secret",  "token", "authorization",
                                        "apikey",   "cookie",   "card",    "cvc",   "cvv",
                                        "iban",     "ssn",      "private", "otp",   "credential",
                                        "session",  "signature"};
    char plain[64];
    size_t n = 0;
    for (size_t i = 0; i < name.len && n < sizeof plain - 1; i++)
        if (name.ptr[i] != '_' && name.ptr[i] != '-')
            plain[n++] = (char)(name.ptr[i] >= 'A' && name.ptr[i] <= 'Z' ? name.ptr[i] + 32 : name.ptr[i]);
    plain[n] = '\0';
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (strstr(plain, parts[i]) != NULL)
            return true;
    return false;
}

/* At most TEXT_MAX bytes, cut between characters. */
static bb_str cut(bb_str s) {
    if (s.len <= TEXT_MAX)
        return s;
    size_t n = TEXT_MAX;
    while (n > 0 && ((unsigned char)s.ptr[n] & 0xC0) == 0x80)
        n--;
    return str_of(s.ptr, n);
}

static void put_value(call *c, json_writer *w, bb_str name, const json_value *v) {
    char text[32];
    if (is_secret_name(name)) {
        json_put_string_lossy(w, STR("[redacted]"));
        return;
    }
    switch (json_type_of(v)) {
    case JSON_STRING: json_put_string_lossy(w, cut(call_redact(c, json_string(v)))); return;
    case JSON_OBJECT:
    case JSON_ARRAY:
        snprintf(text, sizeof text, json_is(v, JSON_OBJECT) ? "{%u}" : "[%u]", json_count(v));
        json_put_string_lossy(w, str_from(text));
        return;
    default: json_put_raw(w, v->raw_len <= TEXT_MAX ? json_raw(v) : STR("\"...\"")); return;
    }
}

static size_t finish(json_writer *w, buf *out, char *to, size_t cap) {
    size_t n = json_writer_finish(w) && out->len < cap ? out->len : 0;
    if (n > 0)
        memcpy(to, out->ptr, n);
    to[n] = '\0';
    buf_clear(out);
    return n;
}

/* {"input": {"name": value, ...}, "bytes": N}; without the values where they would not fit. */
size_t call_summary_request(call *c, char *to, size_t cap) {
    buf *out = &c->worker->scratch;
    json_writer w;
    uint32_t n = 0;
    buf_clear(out);
    json_writer_init(&w, out);
    json_object(&w);
    json_member_u64(&w, STR("bytes"), c->request.input.len);
    json_keyl(&w, "input");
    json_object(&w);
    for (json_iter it = json_iterate(json_is(c->input, JSON_OBJECT) ? c->input : NULL); json_next(&it);) {
        if (n++ >= MEMBERS_MAX || out->len + it.key.len + TEXT_MAX + 40 > cap)
            break;
        json_key(&w, cut(it.key));
        put_value(c, &w, it.key, it.value);
    }
    json_object_end(&w);
    if (c->request.cursor.len > 0)
        json_member_bool(&w, STR("paged"), true);
    json_object_end(&w);
    return finish(&w, out, to, cap);
}

/* {"bytes": N, "type": "object", "cached": ..., "attempts" ...}: what came, without its content. */
size_t call_summary_response(call *c, char *to, size_t cap) {
    buf *out = &c->worker->scratch;
    json_writer w;
    buf_clear(out);
    json_writer_init(&w, out);
    json_object(&w);
    if (c->result.problem == PROBLEM_NONE)
        json_member_u64(&w, STR("bytes"), c->result.data.len);
    if (c->item_count > 0)
        json_member_u64(&w, STR("items"), c->item_count);
    if (c->requests > 0)
        json_member_u64(&w, STR("requests"), c->requests);
    if (c->request_bytes > 0)
        json_member_u64(&w, STR("sent_bytes"), c->request_bytes);
    if (c->result.upstream_code.len > 0)
        json_member_string(&w, STR("upstream_code"), cut(c->result.upstream_code));
    json_object_end(&w);
    return finish(&w, out, to, cap);
}
