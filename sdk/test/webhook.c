/* webhook.c - what a service posts, put before the connector's webhook scheme as the hub does it. */
#include "internal.h"

#include "base/clock.h"
#include "plugin/host.h"
#include "plugin/host_webhook.h"

#include <stdlib.h>

static const char *text_of(bb_test *t, bb_str s) {
    return s.len > 0 ? test_line(t->call_memory, s) : "";
}

static bb_str bytes_of(const char *bytes, size_t len) {
    return len > 0 ? str_of(bytes, len) : bytes != NULL ? str_from(bytes) : STR("");
}

/* A body of its own, so that a sanitizer sees a scheme that keeps it too long; freed with the next call. */
static bb_str hold_body(bb_test *t, bb_str body) {
    held_body *held = test_have(malloc(sizeof *held + body.len + 1));
    memcpy(held->bytes, body.len > 0 ? body.ptr : "", body.len);
    held->bytes[body.len] = '\0';
    held->next = t->bodies;
    t->bodies = held;
    return str_of(held->bytes, body.len);
}

static bb_webhook_request request_of(bb_test *t, const bb_test_webhook *w) {
    size_t count = 0;
    while (w->headers != NULL && w->headers[count] != NULL)
        count++;
    bb_str *headers = test_have(arena_alloc(t->call_memory, (count + 1) * sizeof *headers));
    for (size_t i = 0; i < count; i++)
        headers[i] = arena_copy(t->call_memory, str_from(w->headers[i]));
    bb_str url = arena_copy(t->call_memory,
                            str_from(w->url != NULL ? w->url : "https://hub.example/hooks/test"));
    const char *mark = memchr(url.ptr, '?', url.len);
    return (bb_webhook_request){
        .size = sizeof(bb_webhook_request),
        .header_count = (uint32_t)count,
        .method = str_from(w->method != NULL ? w->method : "POST"),
        .url = url,
        .query = mark != NULL ? str_of(mark + 1, url.len - (size_t)(mark + 1 - url.ptr)) : STR(""),
        .headers = headers,
        .body = hold_body(t, bytes_of(w->body, w->body_len)),
        .peer = STR("203.0.113.7"),
        .now_ms = clock_wall_ms(),
    };
}

static void prepare(bb_test *t, plugin_call *c, plugin_webhook *said, const json_value *input) {
    plugin_call_init(c);
    c->memory = t->call_memory;
    c->webhook = said;
    c->plugin_id = t->module->desc->id;
    c->connection_id = c->execution_id = "test";
    c->abi = (bb_call){.size = sizeof c->abi,
                       .host = host_get(),
                       .instance = t->instance.ptr,
                       .input = (const bb_json *)input};
}

static void take(bb_test *t, const plugin_call *c, plugin_outcome outcome) {
    const plugin_webhook *w = c->webhook;
    bb_test_received *r = &t->received;
    if (outcome != PLUGIN_DONE) {
        r->code = c->error.code;
        r->message = text_of(t, c->error.message);
        return;
    }
    bb_test_event *events = test_have(arena_zalloc(t->call_memory, (w->event_count + 1) * sizeof *events));
    for (size_t i = 0; i < w->event_count; i++)
        events[i] = (bb_test_event){text_of(t, w->events[i].id), text_of(t, w->events[i].type),
                                    text_of(t, w->events[i].payload)};
    r->events = events;
    r->event_count = w->event_count;
    r->status = w->status != 0 ? w->status : 200;
    r->content_type = text_of(t, w->content_type);
    r->answer = text_of(t, w->body);
    r->signed_at_ms = w->is_signed ? w->signed_at_ms : 0;
}

static void run(bb_test *t, const bb_webhook_scheme *s, const json_value *input, const bb_test_webhook *w) {
    plugin_call c;
    bb_webhook_request request = request_of(t, w);
    plugin_webhook said = {.scheme = s, .settings = t->instance.settings, .request = &request};
    prepare(t, &c, &said, input);
    take(t, &c, test_step(t, &c, plugin_verify));
    plugin_call_free(&c);
}

/* --- a sample ------------------------------------------------------------------------------------------ */

static const bb_test_signed *not_signed(bb_test *t, bb_code code, const char *text) {
    t->signed_.code = code;
    t->signed_.message = text;
    return &t->signed_;
}

static const char *text_or(const char *given, const char *otherwise) {
    return given != NULL ? given : otherwise;
}

/* All of it stays as long as t: it may be put before `verify`, which begins a call of its own. */
static void take_signed(bb_test *t, const plugin_webhook *w, const bb_webhook_sample *sample) {
    bb_test_signed *out = &t->signed_;
    const char **headers = test_have(arena_zalloc(t->memory, (w->made->count + 1) * sizeof *headers));
    for (size_t i = 0; i < w->made->count; i++)
        headers[i] = test_line(t->memory, w->made->headers[i]);
    bb_str body = arena_copy(t->memory, w->made->body.ptr != NULL ? w->made->body : STR(""));
    test_have((void *)(uintptr_t)body.ptr);
    out->headers = headers;
    out->body = body.ptr;
    out->body_len = body.len;
    out->url = w->made->query.len > 0
                   ? arena_printf(t->memory, "%.*s?%.*s", STR_FMT(sample->url), STR_FMT(w->made->query)).ptr
                   : test_line(t->memory, sample->url);
    test_have((void *)(uintptr_t)out->url);
}

static void run_sign(bb_test *t, const bb_webhook_scheme *s, const json_value *input,
                     const bb_webhook_sample *sample) {
    plugin_call c;
    plugin_made made;
    plugin_webhook said = {.scheme = s, .settings = t->instance.settings, .sample = sample, .made = &made};
    prepare(t, &c, &said, input);
    if (test_step(t, &c, plugin_sign_sample) == PLUGIN_DONE)
        take_signed(t, &said, sample);
    else
        not_signed(t, c.error.code, test_line(t->memory, c.error.message));
    plugin_call_free(&c);
}

const bb_test_signed *bb_test_sign(bb_test *t, const char *scheme, const char *fields,
                                   const bb_test_sample *sample) {
    static const char *const none[] = {NULL};
    test_call_begin(t);
    t->signed_ = (bb_test_signed){
        .size = sizeof t->signed_, .message = "", .url = "", .headers = none, .body = ""};
    if (!t->connected)
        return not_signed(t, BB_E_CONFIG,
                          "there is no connection: bb_test_connect was not called, or failed");
    const bb_webhook_scheme *s = host_webhook_find(t->module, str_from(scheme));
    if (s == NULL || !plugin_can_sign(s))
        return not_signed(t, BB_E_UNSUPPORTED,
                          s == NULL ? "the connector has no webhook scheme of that id"
                                    : "the webhook scheme has no sign");
    const json_value *input = test_fields(t, "webhook scheme", s->id, s->fields, fields);
    if (input == NULL)
        return not_signed(t, BB_E_CONFIG, t->problem.text);
    const bb_webhook_sample asked = {
        .size = sizeof asked,
        .url = str_from(text_or(sample->url, "https://hub.example/hooks/test")),
        .id = str_from(text_or(sample->id, "sample-1")),
        .type = str_from(text_or(sample->type, "sample.made")),
        .payload = sample->payload != NULL ? str_from(sample->payload) : (bb_str){NULL, 0},
        .now_ms = sample->now_ms > 0 ? sample->now_ms : clock_wall_ms(),
    };
    run_sign(t, s, input, &asked);
    t->fail_allocation = 0;
    return &t->signed_;
}

/* --- a request ----------------------------------------------------------------------------------------- */

static const bb_test_received *failed(bb_test *t, bb_code code, const char *text) {
    t->received.code = code;
    t->received.message = text;
    return &t->received;
}

const bb_test_received *bb_test_receive(bb_test *t, const char *scheme, const char *fields,
                                        const bb_test_webhook *webhook) {
    test_call_begin(t);
    t->received = (bb_test_received){
        .size = sizeof t->received, .message = "", .content_type = "", .answer = ""};
    if (!t->connected)
        return failed(t, BB_E_CONFIG, "there is no connection: bb_test_connect was not called, or failed");
    const bb_webhook_scheme *s = host_webhook_find(t->module, str_from(scheme));
    if (s == NULL)
        return failed(t, BB_E_UNSUPPORTED, "the connector has no webhook scheme of that id");
    const json_value *input = test_fields(t, "webhook scheme", s->id, s->fields, fields);
    if (input == NULL)
        return failed(t, BB_E_CONFIG, t->problem.text);
    if (webhook->method != NULL && strcmp(webhook->method, "POST") != 0 &&
        ((s->flags & BB_WEBHOOK_GET) == 0 || strcmp(webhook->method, "GET") != 0))
        return failed(t, BB_E_INVALID_INPUT, "the scheme takes POST, and GET only with BB_WEBHOOK_GET");
    run(t, s, input, webhook);
    t->fail_allocation = 0;
    return &t->received;
}
