/* runner_emit.c - a delivery that becomes a new event of another type. */
#include "webhook/dispatch_internal.h"

#include "base/clock.h"

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

static void on_emitted(store_result result, const bool *repeated, size_t count, void *ctx) {
    (void)repeated;
    (void)count;
    request *q = ctx;
    const verdict v = {.ok = result == STORE_OK,
                       .again = result != STORE_OK, /* the queue's trouble is no attempt */
                       .mood = LANE_WELL,
                       .duration_ms = (clock_ns() - q->began_ns) / 1000000u};
    if (v.ok && q->to_wake != NULL)
        dispatch_wake(q->r->d->all, q->to_wake, q->to_wake_count);
    request_over(q, &v);
}

bool request_emit(request *q) {
    dispatcher *d = q->r->d;
    arena *a = q->memory;
    const delivery *cause = q->events;
    const json_value *before = json_read(a, cause->attributes, NULL, NULL);
    uint64_t hops = 0;
    json_to_u64(json_getl(before, "hops"), &hops);
    if (hops >= HOPS_MOST) {
        const verdict v = {
            .final = true,
            .mood = LANE_WELL,
            .text = STR(
                "one event caused another eight times over: do two targets emit what the other takes?")};
        request_over(q, &v);
        return true;
    }
    const own_event e = {.source = arena_copy(a, str_from(q->r->name)),
                         .type = q->plan->emit,
                         .attributes = attributes(a, before, cause, hops + 1),
                         .payload = cause->payload};
    event_new made;
    if (e.source.ptr == NULL || e.attributes.ptr == NULL || !dispatch_event(d, a, &e, &made))
        return false;
    made.content_type = cause->content_type;
    if (events_fit(&made, 1) != EVENTS_FIT) {
        const verdict v = {
            .final = true, .mood = LANE_WELL, .text = str_from(events_fitting_text(events_fit(&made, 1)))};
        request_over(q, &v);
        return true;
    }
    q->to_wake = made.targets;
    q->to_wake_count = made.target_count;
    return events_put(d->events, &made, 1, d->worker->loop, on_emitted, q);
}
