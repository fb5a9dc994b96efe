/* message_webhook.c - a webhook on its way to the connector's process, and what its scheme makes of it. */
#include "isolate/internal.h"

#define FIELDS_MAX 10000u

void message_verify(buf *out, uint32_t slot, uint32_t turn, uint32_t scheme, bool instance,
                    const plugin_call *c) {
    const bb_webhook_request *r = c->webhook->request;
    size_t at = frame_begin(out, FRAME_VERIFY, slot, turn);
    frame_u32(out, scheme);
    frame_u32(out, instance);
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

bool message_take_verify(frame *f, plugin_call *c, bb_webhook_request *request, bool *instance) {
    *instance = frame_get_u32(f) != 0;
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

void message_verified(buf *out, uint32_t slot, uint32_t turn, const plugin_call *c) {
    const plugin_webhook *w = c->webhook;
    size_t at = frame_begin(out, FRAME_VERIFIED, slot, turn);
    frame_u32(out, w->is_signed);
    frame_u64(out, (uint64_t)w->signed_at_ms);
    frame_u32(out, (uint32_t)w->status);
    frame_str(out, w->content_type);
    frame_str(out, w->body);
    frame_u32(out, (uint32_t)w->event_count);
    for (size_t i = 0; i < w->event_count; i++)
        put_event(out, w, &w->events[i]);
    frame_end(out, at);
}

bool message_take_verified(frame *f, plugin_call *c) {
    bool is_signed = frame_get_u32(f) != 0;
    int64_t signed_at = (int64_t)frame_get_u64(f);
    int32_t status = (int32_t)frame_get_u32(f);
    bb_str content_type = frame_get_str(f), body = frame_get_str(f);
    uint32_t n = frame_get_u32(f);
    if (c->webhook == NULL || n > PLUGIN_WEBHOOK_EVENTS_MAX)
        return false;
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
