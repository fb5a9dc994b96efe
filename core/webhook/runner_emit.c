/* runner_emit.c - a delivery that becomes a new event of another type. */
#include "webhook/dispatch_internal.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>

#define HOPS_MOST 8u /* an event that causes an event that causes ... */

/* The cause's own, with how far it has come, and from what. */
static bb_str attributes(arena *a, const json_value *before, const delivery *cause, uint64_t hops) {
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    json_object(&w);
    for (json_iter it = json_iterate(before); json_next(&it);)
        if (!str_eq(it.key, STR("hops")) && !str_eq(it.key, STR("cause")) &&
            !str_eq(it.key, STR("cloudevents"))) {
            json_key(&w, it.key);
            json_put_value(&w, it.value);
        }
    json_member_u64(&w, STR("hops"), hops);
    json_member_string(&w, STR("cause"), cause->event);
    json_object_end(&w);
    return json_writer_take(&w, a);
}

static uint64_t hops_of(const json_value *attributes_before) {
    uint64_t hops = 0;
    json_to_u64(json_getl(attributes_before, "hops"), &hops);
    return hops;
}

static bool make(dispatcher *d, arena *a, const runner *r, const delivery *cause, bb_str type,
                 event_new *out) {
    const json_value *before = json_read(a, cause->attributes, NULL, NULL);
    const own_event e = {.source = str_from(r->name),
                         .type = type,
                         .attributes = attributes(a, before, cause, hops_of(before) + 1),
                         .payload = cause->payload};
    if (e.attributes.ptr == NULL || !dispatch_event(d, a, &e, out))
        return false;
    out->content_type = cause->content_type;
    return true;
}

bool dispatch_emitted(dispatcher *d, arena *a, const runner *r, const held *h, event_new *out) {
    return make(d, a, r, &h->d, str_from(h->emit), out);
}

static void never(request *q, const char *why) {
    const verdict v = {.final = true, .mood = LANE_WELL, .text = str_from(why)};
    request_over(q, &v);
}

/* Its payload, and what stands beside it. */
static uint64_t bytes_of(const event_new *e) {
    return e->payload.len + e->attributes.len + e->target_count * sizeof(event_target) + 1024;
}

static bool will_emit(const request *q, const event_new *made) {
    held *h = q->list[0];
    uint64_t bytes = bytes_of(made);
    if (!events_reserve(q->r->d->events, bytes))
        return false;
    h->emit = strndup(q->plan->emit.ptr, q->plan->emit.len);
    if (h->emit == NULL)
        events_unreserve(q->r->d->events, bytes);
    else
        h->reserved = bytes;
    return h->emit != NULL;
}

/* It is made with the outcome, in one transaction: a process that ends at any moment has made both or
 * neither. Here it is seen whether it can be. */
bool request_emit(request *q) {
    dispatcher *d = q->r->d;
    const delivery *cause = q->events;
    event_new made;
    if (hops_of(json_read(q->memory, cause->attributes, NULL, NULL)) >= HOPS_MOST) {
        never(q, "one event caused another eight times over: do two targets emit what the other takes?");
        return true;
    }
    if (!make(d, q->memory, q->r, cause, q->plan->emit, &made))
        return false;
    if (events_fit(&made, 1) != EVENTS_FIT) {
        never(q, events_fitting_text(events_fit(&made, 1)));
        return true;
    }
    bool ok = will_emit(q, &made); /* else the disk has no room, which is no attempt */
    const verdict v = {
        .ok = ok, .again = !ok, .mood = LANE_WELL, .duration_ms = (clock_ns() - q->began_ns) / 1000000u};
    request_over(q, &v);
    return true;
}
