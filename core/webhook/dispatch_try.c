/* dispatch_try.c - a receiver is tried: one event that is in no queue, sent as a delivery would be. */
#include "webhook/dispatch_internal.h"

#include "base/clock.h"
#include "webhook/event_id.h"

typedef struct trying {
    webhook_item *item; /* a reference: the destination is in it */
    delivery event;
    post_what what;
    post_done done;
    void *ctx;
    arena *memory;
} trying;

static void on_post(const post_result *result, void *ctx) {
    trying *t = ctx;
    t->done(result, t->ctx);
    webhook_item_unref(t->item);
    arena_free(t->memory);
}

static void fill_in(trying *t, dispatcher *d, char *id) {
    uint64_t now = clock_wall_ms();
    event_id_make(d->worker, now, id);
    t->event = (delivery){.event = str_of(id, EVENT_ID_SIZE),
                          .source = STR("hub"),
                          .type = STR("busbar.test"),
                          .attributes = STR("{}"),
                          .content_type = STR("application/json"),
                          .payload = STR("{\"message\":\"busbar tries whether this receiver answers\"}"),
                          .event_ms = now};
    t->what.events = &t->event;
    t->what.count = 1;
    t->what.now_ms = now;
}

bool dispatch_try(dispatcher *d, webhook_item *item, const delivery_plan *plan, post_done done, void *ctx) {
    arena *a = arena_new_sized(0, 512);
    trying *t = a != NULL ? arena_zalloc(a, sizeof *t) : NULL;
    char *id = t != NULL ? arena_alloc(a, EVENT_ID_SIZE) : NULL;
    if (id == NULL || d->closing) {
        arena_free(a);
        return false;
    }
    *t = (trying){.item = webhook_item_ref(item), .done = done, .ctx = ctx, .memory = a};
    t->what.to = &plan->to;
    t->what.batch = plan->batch > 1;
    fill_in(t, d, id);
    if (post_begin(d->posts, &t->what, on_post, t) != NULL)
        return true;
    webhook_item_unref(t->item);
    arena_free(a);
    return false;
}
