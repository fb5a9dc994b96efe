/* dispatch_try.c - a target is tried: one event that is in no queue, sent as a delivery would be. */
#include "webhook/dispatch_internal.h"

#include "base/clock.h"
#include "webhook/event_id.h"
#include "webhook/event_type.h"

typedef struct trying trying;
struct trying {
    dispatcher *d;
    trying *next, *previous;
    webhook_item *item; /* a reference: the plan is in it */
    const delivery_plan *plan;
    delivery event;
    post_what what;
    post *post;
    call *call;
    transform_run *run;
    uint64_t began_ns;
    try_done done;
    void *ctx;
    arena *memory;
};

/* --- its end ------------------------------------------------------------------------------------------- */

static void let_go(trying *t) {
    *(t->previous != NULL ? &t->previous->next : &t->d->tryings) = t->next;
    if (t->next != NULL)
        t->next->previous = t->previous;
    webhook_item_unref(t->item);
    arena_free(t->memory);
}

static void end(trying *t, try_result r) {
    r.duration_ms = (clock_ns() - t->began_ns) / 1000000u;
    t->done(&r, t->ctx);
    let_go(t);
}

void dispatch_try_cancel(dispatcher *d) {
    for (trying *t = d != NULL ? d->tryings : NULL, *next; t != NULL; t = next) {
        next = t->next;
        if (t->call != NULL) { /* ends it by its own done */
            call_cancel(t->call);
            continue;
        }
        if (t->post != NULL)
            post_cancel(t->post);
        if (t->run != NULL)
            transform_cancel(t->run);
        end(t, (try_result){.outcome = "cancelled", .text = STR("the hub is stopping")});
    }
}

/* --- to a URL ------------------------------------------------------------------------------------------ */

static void on_post(const post_result *r, void *ctx) {
    end(ctx, (try_result){.ok = r->failure == POST_OK,
                          .outcome = post_failure_name(r->failure),
                          .status = r->status,
                          .text = r->text});
}

static bool begin_post(trying *t) {
    t->what = (post_what){.to = &t->plan->to,
                          .events = &t->event,
                          .count = 1,
                          .batch = t->plan->batch > 1,
                          .now_ms = t->event.event_ms};
    t->post = post_begin(t->d->posts, &t->what, on_post, t);
    return t->post != NULL;
}

/* --- of an operation -------------------------------------------------------------------------------------
 */

static void on_begun(call *c, void *ctx) {
    ((trying *)ctx)->call = c;
}

static void on_call(call *c, const call_result *result, void *ctx) {
    trying *t = ctx;
    bool ok = result->problem == PROBLEM_NONE;
    const try_result r = {.ok = ok,
                          .outcome = ok ? "ok" : problem_of(result->problem)->name,
                          .status = result->upstream_status,
                          .text = ok                       ? (bb_str){NULL, 0}
                                  : result->detail.len > 0 ? result->detail
                                                           : str_from(problem_of(result->problem)->title)};
    end(t, r);
    call_free(c);
}

static bool begin_call(trying *t) {
    worker *w = t->d->worker;
    const snapshot_entry *entry = snapshot_find(w->snapshot, t->plan->connection);
    connection *conn = entry != NULL ? entry->conn : NULL;
    const plugin_op *op = conn != NULL ? module_op(conn->module, t->plan->operation) : NULL;
    if (op == NULL) {
        end(t, (try_result){.outcome = "not-found",
                            .text = conn == NULL ? STR("the connection is not there, or is refused")
                                                 : STR("the connection has no such operation")});
        return true;
    }
    const call_request what = {.conn = conn,
                               .op = op,
                               .input = t->event.payload,
                               .timeout_ms = t->plan->timeout_ms,
                               .idempotency = t->event.event};
    return call_begin(w, &what, on_begun, on_call, t);
}

/* --- as the plan shapes it ---------------------------------------------------------------------------------
 */

static void take(trying *t, const json_value *list) {
    if (json_count(list) != 1) {
        end(t, (try_result){
                   .outcome = json_count(list) == 0 ? "filtered" : "transform",
                   .text = json_count(list) == 0
                               ? STR("the filter or the transform leaves nothing of the event: give one that "
                                     "passes as {\"data\": ...}")
                               : STR("the transform gives more than one result")});
        return;
    }
    if (!t->plan->keeps)
        t->event.payload = json_raw(json_at(list, 0));
    if (!begin_call(t))
        end(t, (try_result){.outcome = "no-memory", .text = STR("no memory for this")});
}

static void on_shaped(transform_outcome outcome, bb_str json, bb_str detail, void *ctx) {
    trying *t = ctx;
    bb_str copy = arena_copy(t->memory, json);
    t->run = NULL;
    if (outcome == TRANSFORM_OK && copy.ptr != NULL) {
        take(t, json_read(t->memory, copy, NULL, NULL));
        return;
    }
    end(t, (try_result){.outcome = "transform",
                        .text = arena_printf(t->memory, "filter or transform %s: %.*s",
                                             outcome == TRANSFORM_BUSY ? "cannot be run now" : "fails",
                                             STR_FMT(detail))});
}

static bool begin_shaping(trying *t) {
    bb_str with = shape_variables(t->memory, &t->event, t->plan->target.name, 1);
    if (with.ptr != NULL)
        t->run = shape_start(t->d, t->plan->program, t->event.payload, with, t->event.source, on_shaped, t);
    return t->run != NULL;
}

/* --- the event ---------------------------------------------------------------------------------------------
 */

/* One that the target would get: of a type that it names, where that has an example. */
static void choose(trying *t, bb_str data) {
    const patterns *types = &t->plan->target.types;
    if (data.ptr != NULL) {
        t->event.payload = arena_copy(t->memory, data);
        return;
    }
    for (size_t i = 0; t->plan->kind == PLAN_OPERATION && i < types->count; i++) {
        const event_type *type = event_type_find(t->d->set, types->items[i]);
        if (type == NULL || type->example.ptr == NULL)
            continue;
        t->event.type = arena_copy(t->memory, type->type);
        t->event.payload = arena_copy(t->memory, type->example);
        return;
    }
}

static bool fill_in(trying *t, bb_str data) {
    char *id = arena_alloc(t->memory, EVENT_ID_SIZE);
    uint64_t now = clock_wall_ms();
    if (id == NULL)
        return false;
    event_id_make(t->d->worker, now, id);
    t->event = (delivery){.event = str_of(id, EVENT_ID_SIZE),
                          .source = STR("hub"),
                          .type = STR("busbar.test"),
                          .attributes = STR("{}"),
                          .content_type = STR("application/json"),
                          .payload = STR("{\"message\":\"busbar tries whether this receiver answers\"}"),
                          .event_ms = now};
    choose(t, data);
    return t->event.payload.ptr != NULL && t->event.type.ptr != NULL;
}

static trying *trying_new(dispatcher *d, webhook_item *item, const delivery_plan *plan) {
    arena *a = d->closing ? NULL : arena_new_sized(0, 1024);
    trying *t = a != NULL ? arena_zalloc(a, sizeof *t) : NULL;
    if (t == NULL) {
        arena_free(a);
        return NULL;
    }
    *t = (trying){.d = d,
                  .next = d->tryings,
                  .item = webhook_item_ref(item),
                  .plan = plan,
                  .began_ns = clock_ns(),
                  .memory = a};
    if (t->next != NULL)
        t->next->previous = t;
    d->tryings = t;
    return t;
}

bool dispatch_try(dispatcher *d, webhook_item *item, const delivery_plan *plan, bb_str data, try_done done,
                  void *ctx) {
    trying *t = trying_new(d, item, plan);
    if (t == NULL)
        return false;
    t->done = done;
    t->ctx = ctx;
    if (fill_in(t, data) && (plan->kind == PLAN_URL  ? begin_post(t)
                             : plan->program != NULL ? begin_shaping(t)
                                                     : begin_call(t)))
        return true;
    let_go(t);
    return false;
}
