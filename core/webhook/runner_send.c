/* runner_send.c - requests: to a URL, of an operation; and what came of them. */
#include "webhook/dispatch_internal.h"

#include "base/clock.h"

#include <stdlib.h>

/* --- beginning and ending ----------------------------------------------------------------------------------
 */

static request *request_new(runner *r, held *const *list, size_t count) {
    dispatcher *d = r->d;
    request *q = calloc(1, sizeof *q);
    arena *a = q != NULL ? arena_new_sized(0, 512) : NULL;
    held **copy = a != NULL ? arena_alloc(a, count * sizeof(held *)) : NULL;
    delivery *events = copy != NULL ? arena_alloc(a, count * sizeof *events) : NULL;
    if (events == NULL) {
        arena_free(a);
        free(q);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        copy[i] = list[i];
        events[i] = list[i]->d;
    }
    *q = (request){.r = r,
                   .item = webhook_item_ref(r->item),
                   .plan = r->plan,
                   .next = d->requests,
                   .list = copy,
                   .events = events,
                   .count = count,
                   .began_ms = clock_wall_ms(),
                   .began_ns = clock_ns(),
                   .memory = a};
    if (q->next != NULL)
        q->next->previous = q;
    d->requests = q;
    atomic_fetch_add_explicit(&d->front->under_way, 1, memory_order_relaxed);
    runner_use(r);
    return q;
}

/* The runner's use of it is the caller's to give back. */
static void request_free(request *q) {
    dispatcher *d = q->r->d;
    *(q->previous != NULL ? &q->previous->next : &d->requests) = q->next;
    if (q->next != NULL)
        q->next->previous = q->previous;
    atomic_fetch_sub_explicit(&d->front->under_way, 1, memory_order_relaxed);
    webhook_item_unref(q->item);
    arena_free(q->memory);
    free(q);
}

static void count_request(dispatch_front *f, const verdict *v) {
    atomic_fetch_add_explicit(&f->requests, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&f->request_ms, v->duration_ms, memory_order_relaxed);
}

/* It went out by a configuration that is no longer in force: to another address, with other keys. What came
 * of it says nothing of the receiver that is meant now; what failed is due to that one as if never tried. */
static bool is_outdated(const request *q) {
    return !q->r->retired && q->item->fingerprint != q->r->item->fingerprint;
}

void request_over(request *q, const verdict *v) {
    runner *r = q->r;
    lane_time t = dispatch_now(r->d);
    uint64_t random = worker_random(r->d->worker); /* one for all: a batch comes again together */
    bool outdated = is_outdated(q), again = v->again || (outdated && !v->ok);
    lane_ended(&r->lane);
    if (!v->again)
        count_request(r->d->front, v);
    if (!v->again && !outdated) {
        lane_feel(&r->lane, v->mood, v->retry_after_ms, q->began_ns, t, random);
        runner_health(r, v);
    }
    for (size_t i = 0; i < q->count; i++) {
        if (again) {
            lane_again(&r->lane, q->list[i], t);
            continue;
        }
        delivery_outcome o = verdict_outcome(v, q->plan, &q->list[i]->d, q->began_ms, t.wall_ms, random);
        dispatch_over(r, q->list[i], &o);
    }
    request_free(q);
    runner_step(r);
    dispatch_look(r->d);
    runner_unuse(r);
}

/* Nothing comes of it any more: its deliveries stay due. */
void request_cancel(request *q) {
    runner *r = q->r;
    if (q->call != NULL) { /* ends it by its own done */
        call_cancel(q->call);
        return;
    }
    if (q->post == NULL) /* it is not begun yet */
        return;
    post_cancel(q->post);
    request_free(q);
    runner_unuse(r);
}

static void fail(request *q, bool final, const char *why) {
    const verdict v = {.final = final, .ill = true, .mood = LANE_FAILED, .text = str_from(why)};
    request_over(q, &v);
}

/* --- to a URL
 * ------------------------------------------------------------------------------------------------ */

static void on_post(const post_result *result, void *ctx) {
    const verdict v = verdict_of_post(result);
    request_over(ctx, &v);
}

static bool begin_post(request *q) {
    const post_what what = {.to = &q->plan->to,
                            .events = q->events,
                            .count = q->count,
                            .batch = q->plan->batch > 1,
                            .now_ms = q->began_ms};
    q->post = post_begin(q->r->d->posts, &what, on_post, q);
    return q->post != NULL;
}

/* --- of an operation
 * ----------------------------------------------------------------------------------------- */

static void on_begun(call *c, void *ctx) {
    ((request *)ctx)->call = c;
}

static void on_call(call *c, const call_result *result, void *ctx) {
    request *q = ctx;
    verdict v = verdict_of_call(result, (clock_ns() - q->began_ns) / 1000000u);
    v.text = arena_copy(q->memory, v.text);
    call_free(c);
    request_over(q, &v);
}

/* The same for each attempt, so that a service that takes such keys does it once; another for an event that
 * somebody has replayed, which is to be done again. */
static bb_str idempotency_of(const request *q) {
    return arena_printf(q->memory, "%.*s-%lld", STR_FMT(q->events->event), (long long)q->events->id);
}

static bool begin_call(request *q) {
    worker *w = q->r->d->worker;
    const delivery_plan *plan = q->plan;
    const snapshot_entry *entry = snapshot_find(w->snapshot, plan->connection);
    connection *conn = entry != NULL ? entry->conn : NULL;
    const plugin_op *op = conn != NULL ? module_op(conn->module, plan->operation) : NULL;
    if (op == NULL) {
        fail(q, false,
             conn == NULL ? "the connection is not there, or is refused"
                          : "the connection has no such operation");
        return true;
    }
    const call_request what = {.conn = conn,
                               .op = op,
                               .input = q->events->payload,
                               .timeout_ms = plan->timeout_ms,
                               .idempotency = idempotency_of(q)};
    return call_begin(w, &what, on_begun, on_call, q);
}

/* --- either
 * -------------------------------------------------------------------------------------------------- */

void runner_send(runner *r, held *const *list, size_t count) {
    request *q = request_new(r, list, count);
    bool begun = q != NULL && (r->plan->kind == PLAN_URL         ? begin_post(q)
                               : r->plan->kind == PLAN_OPERATION ? begin_call(q)
                                                                 : request_emit(q));
    if (begun)
        return;
    for (size_t i = 0; i < count; i++)
        lane_again(&r->lane, list[i], dispatch_now(r->d));
    lane_ended(&r->lane);
    if (q != NULL) {
        request_free(q);
        r->uses--; /* the step that sent still has it */
    }
}
