/* dispatch_event.c - events that the dispatcher makes: of another type, and of what became of others. */
#include "webhook/dispatch_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "webhook/event_id.h"

bool dispatch_event(dispatcher *d, arena *a, const own_event *e, event_new *out) {
    uint64_t now = clock_wall_ms();
    char *id = arena_alloc(a, EVENT_ID_SIZE);
    event_target *targets = NULL;
    size_t count = 0;
    if (id == NULL || e->payload.ptr == NULL || d->set == NULL ||
        !webhook_targets(d->set, e->source, e->type, e->payload, now, a, &targets, &count))
        return false;
    if (count > EVENT_TARGETS_MAX && str_eq(e->source, STR("hub"))) { /* what the hub tells must be told */
        log_warn("%.*s is told to the first %u of %zu targets that want it", STR_FMT(e->type),
                 EVENT_TARGETS_MAX, count);
        count = EVENT_TARGETS_MAX;
    }
    event_id_make(d->worker, now, id);
    *out = (event_new){.id = str_of(id, EVENT_ID_SIZE),
                       .source = e->source,
                       .type = e->type,
                       .attributes = e->attributes,
                       .content_type = STR("application/json"),
                       .payload = e->payload,
                       .at_ms = now,
                       .targets = targets,
                       .target_count = count,
                       .own = true};
    return true;
}

/* --- of deliveries
 * ------------------------------------------------------------------------------------------ */

static void write_outcome(json_writer *w, const held *h) {
    const delivery_outcome *o = &h->outcome;
    json_member_string(w, STR("state"), o->state == DELIVERY_DONE ? STR("succeeded") : STR("failed"));
    json_member_u64(w, STR("attempts"), h->d.attempts + o->attempted);
    if (o->status > 0)
        json_member_u64(w, STR("status"), o->status);
    if (o->text.len > 0 && o->state != DELIVERY_DONE)
        json_member_string(w, STR("error"), o->text);
}

bb_str dispatch_event_of_delivery(arena *a, const runner *r, const held *h) {
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    json_object(&w);
    json_keyl(&w, "delivery");
    json_put_i64(&w, h->d.id);
    json_member_string(&w, STR("target"), str_from(r->name));
    json_keyl(&w, "event");
    json_object(&w);
    json_member_string(&w, STR("id"), h->d.event);
    json_member_string(&w, STR("type"), h->d.type);
    json_member_string(&w, STR("source"), h->d.source);
    json_object_end(&w);
    write_outcome(&w, h);
    json_object_end(&w);
    return json_writer_take(&w, a);
}

bb_str dispatch_event_of_disabled(arena *a, const runner *r) {
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    json_object(&w);
    json_member_string(&w, STR("target"), str_from(r->name));
    json_member_string(&w, STR("reason"), str_from(r->health.reason));
    json_member_time(&w, STR("failing_since"), r->health.failing_ms);
    json_member_time(&w, STR("disabled_at"), r->health.disabled_ms);
    json_object_end(&w);
    return json_writer_take(&w, a);
}
