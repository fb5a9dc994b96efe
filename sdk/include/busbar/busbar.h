/*
 * busbar/busbar.h - the Busbar SDK: everything a connector needs, in one include.
 *
 * Read in this order: plugin.h (what a connector declares and how a call runs), http.h (the
 * request), json.h (input and output), host.h (the rest), then this file: short names over those
 * vtables, all inline, so that a connector links nothing. The author's guide is sdk/README.md.
 */
#ifndef BUSBAR_BUSBAR_H
#define BUSBAR_BUSBAR_H

#include <busbar/plugin.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

BB_BEGIN_DECLS

/* --- slices ----------------------------------------------------------------------------------- */

/* A NUL-terminated text as a slice; NULL is the absent one. */
static inline bb_str bb_s(const char *text) {
    bb_str s;
    s.ptr = text;
    s.len = text != NULL ? strlen(text) : 0;
    return s;
}

static inline int bb_str_eq(bb_str a, const char *b) {
    size_t n = b != NULL ? strlen(b) : 0;
    return a.len == n && (n == 0 || memcmp(a.ptr, b, n) == 0);
}

/* Whether a text is UTF-8 (RFC 3629): what is not cannot be written as JSON. */
static inline int bb_is_utf8(bb_str s) {
    for (size_t i = 0; i < s.len;) {
        unsigned char c = (unsigned char)s.ptr[i];
        size_t n = c < 0x80                ? 1
                   : c >= 0xc2 && c < 0xe0 ? 2
                   : c >= 0xe0 && c < 0xf0 ? 3
                   : c >= 0xf0 && c < 0xf5 ? 4
                                           : 0;
        if (n == 0 || i + n > s.len)
            return 0;
        for (size_t k = 1; k < n; k++)
            if (((unsigned char)s.ptr[i + k] & 0xc0) != 0x80)
                return 0;
        unsigned char second = n > 2 ? (unsigned char)s.ptr[i + 1] : 0x90;
        if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
            (c == 0xf4 && second > 0x8f))
            return 0;
        i += n;
    }
    return 1;
}

/* 1: *part is what stands before the next `separator`, which *rest then stands behind; the last part ends
 * with the text. 0: the text is used up. */
static inline int bb_split(bb_str *rest, char separator, bb_str *part) {
    const char *at = rest->len > 0 ? (const char *)memchr(rest->ptr, separator, rest->len) : NULL;
    part->ptr = rest->ptr;
    part->len = at != NULL ? (size_t)(at - rest->ptr) : rest->len;
    if (rest->len == 0)
        return 0;
    rest->ptr += part->len + (at != NULL);
    rest->len -= part->len + (at != NULL);
    return 1;
}

/* The next part of a list as "t=1,v1=ab": its name and what is behind the first "="; a part without one has
 * an absent value. 0: there are no more. */
static inline int bb_split_pair(bb_str *rest, char separator, bb_str *name, bb_str *value) {
    bb_str part;
    value->ptr = NULL;
    value->len = 0;
    if (!bb_split(rest, separator, &part))
        return 0;
    *name = part;
    const char *sign = part.len > 0 ? (const char *)memchr(part.ptr, '=', part.len) : NULL;
    if (sign != NULL) {
        name->len = (size_t)(sign - part.ptr);
        value->ptr = sign + 1;
        value->len = part.len - name->len - 1;
    }
    return 1;
}

/* The parts laid end to end: what is signed, a header's value. Absent: no memory. Owner: the call. */
static inline bb_str bb_joined(bb_call *call, const bb_str *parts, size_t count) {
    bb_str out = {NULL, 0};
    size_t len = 0;
    char *to;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    to = (char *)call->host->call->alloc(call, len + 1);
    if (to == NULL)
        return out;
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(to + out.len, parts[i].ptr, parts[i].len);
        out.len += parts[i].len;
    }
    to[out.len] = '\0';
    out.ptr = to;
    return out;
}

/* --- JSON ------------------------------------------------------------------------------------- */

static inline const bb_json *bb_get(const bb_call *call, const bb_json *object, const char *key) {
    return call->host->json->get(object, bb_s(key));
}

/* A member of the input; NULL: not given. */
static inline const bb_json *bb_in(const bb_call *call, const char *key) {
    return bb_get(call, call->input, key);
}

static inline int bb_is(const bb_call *call, const bb_json *value, bb_json_type type) {
    return call->host->json->type(value) == type;
}

/* The decoded text of a string, and the text as written of a number, true or false; absent for all
 * else. */
static inline bb_str bb_text(const bb_call *call, const bb_json *value) {
    bb_json_type type = call->host->json->type(value);
    if (type == BB_JSON_STRING)
        return call->host->json->string(value);
    if (type == BB_JSON_NUMBER || type == BB_JSON_BOOL)
        return call->host->json->text(value);
    return bb_s(NULL);
}

static inline bb_str bb_in_text(const bb_call *call, const char *key) {
    return bb_text(call, bb_in(call, key));
}

/* A JSON text as a header field can have it: one line of printable ASCII, every other character of a string
 * as \uXXXX (RFC 8259 section 7), for services that take their arguments there. Owner: the call. Absent: no
 * memory. */
static inline bb_str bb_json_ascii(bb_call *call, bb_str json) {
    static const char hex[] = "0123456789abcdef";
    bb_str out = {NULL, 0};
    size_t size = 0, n = 0;
    for (size_t i = 0; i < json.len; i++) {
        unsigned char c = (unsigned char)json.ptr[i];
        size += c < 0x7f ? 1 : c >= 0xf0 ? 12 : c >= 0xc0 || c == 0x7f ? 6 : 0;
    }
    char *text = (char *)call->host->call->alloc(call, size + 1);
    if (text == NULL)
        return out;
    for (size_t i = 0; i < json.len;) {
        unsigned char c = (unsigned char)json.ptr[i++];
        if (c < 0x7f) {
            text[n++] = c < 0x20 ? ' ' : (char)c; /* between values alone: strings have them escaped */
            continue;
        }
        uint32_t code = c >= 0xf0 ? c & 7u : c >= 0xe0 ? c & 15u : c >= 0xc0 ? c & 31u : c;
        for (; c >= 0xc0 && i < json.len && ((unsigned char)json.ptr[i] & 0xc0u) == 0x80u; i++)
            code = code << 6 | ((unsigned char)json.ptr[i] & 0x3fu);
        for (int low = code <= 0xffff; low < 2; low++) {
            uint32_t unit = code <= 0xffff ? code
                            : low == 0     ? 0xd800u + ((code - 0x10000u) >> 10)
                                           : 0xdc00u + (code & 0x3ffu);
            if (n + 6 > size)
                return out; /* not UTF-8 */
            text[n++] = '\\';
            text[n++] = 'u';
            for (int shift = 12; shift >= 0; shift -= 4)
                text[n++] = hex[unit >> shift & 15u];
        }
    }
    out.ptr = text;
    out.len = n;
    return out;
}

/* --- the request ------------------------------------------------------------------------------ */

static inline void bb_request(bb_call *call, const char *method, const char *url) {
    call->host->http->begin(call, bb_s(method), bb_s(url));
}
/* Begins a request to another host of the service: a base URL, as a setting has it, with or without a slash
 * at its end, and a path behind it. Credentials go there where the setting is marked for it (plugin.h). */
static inline void bb_request_at(bb_call *call, const char *method, bb_str base, const char *path) {
    char url[1024];
    int n;
    while (base.len > 0 && base.ptr[base.len - 1] == '/')
        base.len--;
    n = snprintf(url, sizeof url, "%.*s%s", (int)(base.len < sizeof url ? base.len : sizeof url), base.ptr,
                 path);
    if (n > 0 && (size_t)n < sizeof url)
        bb_request(call, method, url);
    else /* which the host refuses, and says so */
        bb_request(call, "", url);
}
static inline void bb_segment(bb_call *call, bb_str text) {
    call->host->http->segment(call, text);
}
static inline void bb_query(bb_call *call, const char *name, bb_str value) {
    call->host->http->query(call, bb_s(name), value);
}
/* Adds the input's member of that name to the query, under the same name, where it is given. */
static inline void bb_query_in(bb_call *call, const char *key) {
    const bb_json *value = bb_in(call, key);
    if (value != NULL)
        call->host->http->query(call, bb_s(key), bb_text(call, value));
}
static inline void bb_header(bb_call *call, const char *name, bb_str value) {
    call->host->http->header(call, bb_s(name), value);
}
static inline void bb_body_json(bb_call *call, const bb_json *value) {
    call->host->http->body_json(call, value);
}
static inline void bb_form(bb_call *call, const char *name, bb_str value) {
    call->host->http->form(call, bb_s(name), value);
}

/* The request described goes out `ms` milliseconds from now: bb_http_api.after. 0: this hub has no such
 * thing, and the call has failed: return BB_FAIL. */
static inline int bb_after(bb_call *call, int64_t ms) {
    bb_error error;
    if (BB_HAS(call->host->http, after)) {
        call->host->http->after(call, ms);
        return 1;
    }
    memset(&error, 0, sizeof error);
    error.size = (uint32_t)sizeof error;
    error.code = BB_E_UNSUPPORTED;
    error.message = bb_s("this hub is too old for requests that wait");
    call->host->call->fail(call, &error);
    return 0;
}

/* Says which of the service's limits the request counts against (http.h); a host that is older has one for
 * all. */
static inline void bb_counts_against(bb_call *call, const char *route, bb_str scope) {
    if (BB_HAS(call->host->http, counts_against))
        call->host->http->counts_against(call, bb_s(route), scope);
}
/* What the answer tells of the service's limit in a way of its own: bb_http_api.limit_left. A host that does
 * not know it goes by what it is told otherwise. */
static inline void bb_limit_left(bb_call *call, int64_t left, int64_t for_ms) {
    if (BB_HAS(call->host->http, limit_left))
        call->host->http->limit_left(call, left, for_ms);
}

/* The request described goes out without the connection's credentials: bb_http_api.without_credentials. A
 * host that is older sends them where it would send them otherwise. */
static inline void bb_without_credentials(bb_call *call) {
    if (BB_HAS(call->host->http, without_credentials))
        call->host->http->without_credentials(call);
}

/* Tells how far the call is, for whoever asks about it while it runs: bb_call_api.progress. -1 and NULL: not
 * known. Nothing on a host that is older than it. */
static inline void bb_progress(bb_call *call, int64_t done, int64_t total, const char *unit, bb_str stage) {
    if (BB_HAS(call->host->call, progress))
        call->host->call->progress(call, done, total, bb_s(unit), stage);
}

/* --- the answer ------------------------------------------------------------------------------- */

static inline int32_t bb_status(bb_call *call) {
    return call->host->http->status(call);
}
static inline int bb_ok(bb_call *call) {
    int32_t status = bb_status(call);
    return status >= 200 && status <= 299;
}
static inline const bb_json *bb_response(bb_call *call) {
    return call->host->http->response_json(call);
}

/* --- how a step ends: return bb_done_body(call); ---------------------------------------------- */

static inline bb_step bb_done_body(bb_call *call) {
    call->host->call->done_body(call);
    return BB_DONE;
}
static inline bb_step bb_done_value(bb_call *call, const bb_json *value) {
    call->host->call->done_value(call, value);
    return BB_DONE;
}
static inline bb_step bb_done_text(bb_call *call, bb_str json) {
    call->host->call->done_text(call, json);
    return BB_DONE;
}
/* Finishes the writer and gives its text as the output. */
static inline bb_step bb_done_writer(bb_call *call, bb_json_writer *writer) {
    return bb_done_text(call, call->host->json->finish(writer));
}

/* Fails with a code, the service's own error code (may be absent) and a text. */
static inline bb_step bb_fail_with(bb_call *call, bb_code code, bb_str upstream_code, bb_str message) {
    bb_error error;
    memset(&error, 0, sizeof error);
    error.size = (uint32_t)sizeof error;
    error.code = code;
    error.message = message;
    error.upstream_code = upstream_code;
    call->host->call->fail(call, &error);
    return BB_FAIL;
}

/* Fails with a text made as printf does, cut at 511 bytes. */
__attribute__((format(printf, 3, 4))) static inline bb_step bb_fail(bb_call *call, bb_code code,
                                                                    const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return bb_fail_with(call, code, bb_s(NULL), bb_s(text));
}

/* Fails because of the caller's input: `pointer` is a JSON Pointer into it ("/amount"). */
__attribute__((format(printf, 3, 4))) static inline bb_step bb_fail_input(bb_call *call, const char *pointer,
                                                                          const char *format, ...) {
    char text[512];
    bb_error error;
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    memset(&error, 0, sizeof error);
    error.size = (uint32_t)sizeof error;
    error.code = BB_E_INVALID_INPUT;
    error.message = bb_s(text);
    error.pointer = bb_s(pointer);
    call->host->call->fail(call, &error);
    return BB_FAIL;
}

/* Fails with what the answer's status means. A 2xx fails as "not understood". `message` absent: the
 * host words it. */
static inline bb_step bb_fail_http(bb_call *call, bb_str upstream_code, bb_str message) {
    bb_code code = bb_code_from_http(bb_status(call));
    return bb_fail_with(call, code != BB_OK ? code : BB_E_UPSTREAM_INVALID, upstream_code, message);
}

/* Writes to the hub's log as printf does, cut at 511 bytes. */
__attribute__((format(printf, 3, 4))) static inline void bb_log(bb_call *call, bb_log_level level,
                                                                const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    call->host->log->write_call(call, level, bb_s(text));
}

BB_END_DECLS

#endif
