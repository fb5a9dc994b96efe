/* summary.c - what the record keeps of a call's input and answer: enough to see what was asked, little enough
 * to be kept, and nothing that a name says is secret. */
#include "pipeline/call_internal.h"

#include <stdio.h>

#define TEXT_MAX 48u
#define MEMBERS_MAX 12u

static char plain(char c) {
    return (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
}

/* Whether `part` stands at the beginning, in any spelling: without case, "-" and "_". */
static bool begins_with(bb_str text, const char *part) {
    size_t i = 0;
    for (; i < text.len && *part != '\0'; i++) {
        if (text.ptr[i] == '_' || text.ptr[i] == '-')
            continue;
        if (plain(text.ptr[i]) != *part++)
            return false;
    }
    return *part == '\0';
}

/* What is never kept goes by a name with one of these in it. */
static bool names_secret(bb_str text) {
    static const char *const parts[] = {
        "password",   "passwd",        "passphrase",    "pwd",        "secret",  "token",     "bearer",
        "apikey",     "cookie",        "authorization", "card",       "cvc",     "cvv",       "iban",
        "ssn",        "private",       "otp",           "credential", "session", "signature", "accesskey",
        "signingkey", "encryptionkey", "passcode",      "jwt"};
    for (size_t at = 0; at < text.len; at++) {
        bb_str rest = str_of(text.ptr + at, text.len - at);
        for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
            if (plain(*rest.ptr) == parts[i][0] && begins_with(rest, parts[i]))
                return true;
    }
    return false;
}

/* A text may itself be a document, a form, a URL with a query: one that names a secret and could give its
 * value is not kept. */
static bool gives_secret(bb_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char k = text.ptr[i];
        if (k == '=' || k == ':' || k == '"' || k == '<' || k == '{')
            return names_secret(text);
    }
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

static void put_text(call *c, json_writer *w, bb_str text) {
    bb_str shown = cut(call_redact(c, text));
    char bytes[32];
    snprintf(bytes, sizeof bytes, "[%zu bytes]", text.len);
    json_put_string_lossy(w, gives_secret(shown) ? str_from(bytes) : shown);
}

static void put_value(call *c, json_writer *w, bb_str name, const json_value *v) {
    char text[32];
    if (names_secret(name)) {
        json_put_string_lossy(w, STR("[redacted]"));
        return;
    }
    switch (json_type_of(v)) {
    case JSON_STRING: put_text(c, w, json_string(v)); return;
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
