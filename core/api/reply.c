#include "api/reply.h"

#include <stdio.h>

void reply_json(http_exchange *x, unsigned status, buf *body) {
    bb_str part = buf_str(body);
    http_response response = {
        .status = status, .content_type = STR("application/json"), .body = &part, .body_parts = 1};
    if (body->failed)
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for the answer"));
    else
        http_respond(x, &response);
    buf_free(body);
}

json_writer reply_begin(buf *body) {
    json_writer w;
    buf_init(body);
    json_writer_init(&w, body);
    return w;
}

json_writer reply_list_begin(buf *body, const char *name) {
    json_writer w = reply_begin(body);
    json_object(&w);
    json_key(&w, str_from(name));
    json_array(&w);
    return w;
}

void reply_list_end(http_exchange *x, json_writer *w, buf *body) {
    json_array_end(w);
    json_object_end(w);
    reply_json(x, 200, body);
}

/* --- problems ------------------------------------------------------------------------------------------ */

void reply_problem_head(json_writer *w, problem p, bb_str detail, bool retryable) {
    const problem_kind *kind = problem_of(p);
    char type[128];
    snprintf(type, sizeof type, PROBLEM_TYPE_PREFIX "%s", kind->name);
    json_object(w);
    json_member_string(w, STR("type"), str_from(type));
    json_member_string(w, STR("title"), str_from(kind->title));
    json_member_u64(w, STR("status"), kind->status);
    if (detail.len > 0)
        json_member_string(w, STR("detail"), detail);
    if (kind->advice[0] != '\0')
        json_member_string(w, STR("advice"), str_from(kind->advice));
    json_member_bool(w, STR("retryable"), retryable);
}

void reply_problem_body(http_exchange *x, problem p, buf *body, const http_header *headers, size_t n) {
    bb_str part = buf_str(body);
    http_response response = {.status = problem_of(p)->status,
                              .content_type = STR("application/problem+json"),
                              .headers = headers,
                              .header_count = n,
                              .body = &part,
                              .body_parts = 1};
    http_respond(x, &response);
    buf_free(body);
}

static void send_problem(http_exchange *x, problem p, bb_str detail, const http_header *headers, size_t n) {
    buf body;
    json_writer w = reply_begin(&body);
    reply_problem_head(&w, p, detail, problem_of(p)->retryable);
    json_object_end(&w);
    reply_problem_body(x, p, &body, headers, n);
}

/* What passes by itself says when to ask again (RFC 9110 section 15.6.4), in seconds. */
void reply_problem(http_exchange *x, problem p, bb_str detail) {
    http_header challenge = {STR("WWW-Authenticate"), STR("Bearer realm=\"busbar\"")},
                after = {STR("Retry-After"), STR("5")};
    bool passes = p == PROBLEM_OVERLOADED || p == PROBLEM_STORE_UNAVAILABLE;
    send_problem(x, p, detail, passes ? &after : &challenge, passes || p == PROBLEM_UNAUTHORIZED);
}

void reply_problemf(http_exchange *x, problem p, const char *format, ...) {
    buf text;
    buf_init(&text);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    reply_problem(x, p, buf_str(&text));
    buf_free(&text);
}

void reply_method_not_allowed(http_exchange *x, const char *allowed) {
    http_header allow = {STR("Allow"), str_from(allowed)};
    send_problem(x, PROBLEM_METHOD_NOT_ALLOWED, STR(""), &allow, 1);
}
