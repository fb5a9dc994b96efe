/* message_webhook.c - a webhook on its way to the connector's process, and what its scheme makes of it. */
#include "isolate/internal.h"

#define FIELDS_MAX 10000u

enum { HAS_INSTANCE = 1, IS_SAMPLE = 2 };

/* What `sign` is to make goes the same way as a request: id and type in place of header fields. */
static bb_webhook_request as_request(const bb_webhook_sample *s, bb_str fields[2]) {
    fields[0] = s->id;
    fields[1] = s->type;
    return (bb_webhook_request){
        .url = s->url, .body = s->payload, .now_ms = s->now_ms, .headers = fields, .header_count = 2};
}

void message_verify(buf *out, uint32_t slot, uint32_t turn, uint32_t scheme, bool instance,
                    const plugin_call *c) {
    const bb_webhook_request *r = c->webhook->request;
    bb_webhook_request asked;
    bb_str fields[2];
    bool sample = c->webhook->sample != NULL;
    if (sample) {
        asked = as_request(c->webhook->sample, fields);
        r = &asked;
    }
    size_t at = frame_begin(out, FRAME_VERIFY, slot, turn);
    frame_u32(out, scheme);
    frame_u32(out, (instance ? HAS_INSTANCE : 0u) | (sample ? IS_SAMPLE : 0u));
    frame_str(out, json_raw((const json_value *)c->abi.input));
    frame_str(out, r->method);
    frame_str(out, r->url);
    frame_str(out, r->query);
    frame_str(out, r->body);
    frame_str(out, r->peer);
    frame_u64(out, r->now_ms);
    frame_u32(out, r->header_count);
    for (uint32_t i = 0; i < r->header_count; i++)
        frame_str(out, r->headers[i]);
    frame_end(out, at);
}

/* With a NUL behind, as slices of the hub's own have. */
static bb_str copied(plugin_call *c, bb_str s) {
    return s.ptr != NULL ? arena_copy(c->memory, s) : s;
}

bool message_take_verify(frame *f, plugin_call *c, bb_webhook_request *request, bb_webhook_sample *sample,
                         bool *instance) {
    uint32_t flags = frame_get_u32(f);
    *instance = (flags & HAS_INSTANCE) != 0;
    bb_str input = copied(c, frame_get_str(f));
    *request = (bb_webhook_request){.size = sizeof *request};
    request->method = copied(c, frame_get_str(f));
    request->url = copied(c, frame_get_str(f));
    request->query = copied(c, frame_get_str(f));
    request->body = copied(c, frame_get_str(f));
    request->peer = copied(c, frame_get_str(f));
    request->now_ms = frame_get_u64(f);
    uint32_t n = frame_get_u32(f);
    bb_str *lines = n <= FIELDS_MAX ? arena_alloc(c->memory, (n + 1) * sizeof *lines) : NULL;
    for (uint32_t i = 0; lines != NULL && i < n; i++)
        lines[i] = copied(c, frame_get_str(f));
    request->headers = lines;
    request->header_count = n;
    *sample = (bb_webhook_sample){.size = 0};
    if ((flags & IS_SAMPLE) != 0 && lines != NULL && n == 2)
        *sample = (bb_webhook_sample){.size = sizeof *sample,
                                      .url = request->url,
                                      .id = lines[0],
                                      .type = lines[1],
                                      .payload = request->body,
                                      .now_ms = request->now_ms};
    c->abi.input = (const bb_json *)(input.ptr != NULL ? json_read(c->memory, input, NULL, NULL) : NULL);
    return lines != NULL && c->abi.input != NULL && frame_done(f);
}

/* --- what it says -----------------------------------------------------------------------------------------
 */

/* A payload that is the body is not sent back: absent means the same. */
static void put_event(buf *out, const plugin_webhook *w, const plugin_event *e) {
    frame_str(out, e->id);
    frame_str(out, e->type);
    frame_str(out, e->payload.ptr == w->request->body.ptr ? (bb_str){NULL, 0} : e->payload);
}

static void put_made(buf *out, const plugin_webhook *w) {
    frame_str(out, w->made->query);
    frame_str(out, w->made->body);
    frame_u32(out, (uint32_t)w->made->count);
    for (size_t i = 0; i < w->made->count; i++)
        frame_str(out, w->made->headers[i]);
}

static void put_said(buf *out, const plugin_webhook *w) {
    frame_u32(out, w->is_signed);
    frame_u64(out, (uint64_t)w->signed_at_ms);
    frame_str(out, w->is_known ? str_of(w->known, sizeof w->known) : (bb_str){NULL, 0});
    frame_u32(out, (uint32_t)w->status);
    frame_str(out, w->content_type);
    frame_str(out, w->body);
    frame_u32(out, (uint32_t)w->event_count);
    for (size_t i = 0; i < w->event_count; i++)
        put_event(out, w, &w->events[i]);
}

void message_verified(buf *out, uint32_t slot, uint32_t turn, const plugin_call *c) {
    size_t at = frame_begin(out, FRAME_VERIFIED, slot, turn);
    if (c->webhook->sample != NULL)
        put_made(out, c->webhook);
    else
        put_said(out, c->webhook);
    frame_end(out, at);
}

/* "Name: value" */
static bool take_line(plugin_call *c, bb_str line) {
    const char *colon = line.len > 0 ? memchr(line.ptr, ':', line.len) : NULL;
    size_t n = colon != NULL ? (size_t)(colon - line.ptr) : 0;
    if (colon == NULL || line.len < n + 2)
        return false;
    host_webhook.sample_header(&c->abi, str_of(line.ptr, n), str_of(line.ptr + n + 2, line.len - n - 2));
    return true;
}

static bool take_made(frame *f, plugin_call *c) {
    bb_str query = frame_get_str(f), body = frame_get_str(f);
    uint32_t n = frame_get_u32(f);
    if (query.len > 0)
        host_webhook.sample_query(&c->abi, query);
    host_webhook.sample_body(&c->abi, body);
    for (; n > 0 && n <= PLUGIN_WEBHOOK_MADE_MAX && !f->bad; n--)
        if (!take_line(c, frame_get_str(f)))
            return false;
    return n == 0 && !f->bad;
}

bool message_take_verified(frame *f, plugin_call *c) {
    if (c->webhook != NULL && c->webhook->sample != NULL)
        return take_made(f, c);
    bool is_signed = frame_get_u32(f) != 0;
    int64_t signed_at = (int64_t)frame_get_u64(f);
    bb_str known = frame_get_str(f);
    int32_t status = (int32_t)frame_get_u32(f);
    bb_str content_type = frame_get_str(f), body = frame_get_str(f);
    uint32_t n = frame_get_u32(f);
    if (c->webhook == NULL || n > PLUGIN_WEBHOOK_EVENTS_MAX ||
        (known.len > 0 && known.len != sizeof c->webhook->known))
        return false;
    c->webhook->is_known = known.len > 0;
    if (known.len > 0)
        memcpy(c->webhook->known, known.ptr, known.len);
    if (is_signed)
        host_webhook.signed_at(&c->abi, signed_at);
    if (status != 0)
        host_webhook.answer(&c->abi, status, content_type, body);
    while (n-- > 0 && !f->bad) {
        bb_str id = frame_get_str(f), type = frame_get_str(f), payload = frame_get_str(f);
        if (!f->bad)
            host_webhook.event(&c->abi, id, type, payload);
    }
    return !f->bad;
}
