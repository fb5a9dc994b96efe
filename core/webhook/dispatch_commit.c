/* dispatch_commit.c - outcomes on their way to the disk: whatever has come up meanwhile in one transaction,
 * after the events that tell of them, where somebody wants to be told. */
#include "webhook/dispatch_internal.h"

#include "base/log.h"

#include <stdlib.h>

#define AGAIN_MS 1000u /* after the queue could not take them */

void dispatch_over(runner *r, held *h, const delivery_outcome *o) {
    over_list *l = &r->d->over;
    if (l->count == l->cap) {
        size_t cap = l->cap > 0 ? l->cap * 2 : 64;
        over *more = realloc(l->items, cap * sizeof *more);
        if (more == NULL) { /* not written, so due still */
            lane_again(&r->lane, h, dispatch_now(r->d));
            return;
        }
        l->items = more;
        l->cap = cap;
    }
    lane_over(&r->lane, h, o);
    runner_use(r);
    l->items[l->count++] = (over){r, h};
    dispatch_commit(r->d);
}

static void again_later(dispatcher *d, store_result result) {
    if (d->closing)
        return;
    if (!uv_is_active((uv_handle_t *)&d->commit_timer))
        log_warn("outcomes of deliveries cannot be written, again in a second: %s",
                 store_result_text(result));
    uv_timer_start(&d->commit_timer, on_commit_timer, AGAIN_MS, 0);
}

/* --- outcomes
 * ------------------------------------------------------------------------------------------------- */

static void count(dispatch_front *f, const delivery_outcome *o) {
    static const dispatch_outcome kinds[] = {[DELIVERY_PENDING] = DISPATCH_RETRIED,
                                             [DELIVERY_DONE] = DISPATCH_DONE,
                                             [DELIVERY_FILTERED] = DISPATCH_FILTERED,
                                             [DELIVERY_DEAD] = DISPATCH_DEAD,
                                             [DELIVERY_CANCELLED] = DISPATCH_DEAD};
    atomic_fetch_add_explicit(&f->outcomes[kinds[o->state]], 1, memory_order_relaxed);
}

/* Frees what is committed, and lets its runners go on. */
static void let_go(dispatcher *d, bool committed) {
    over_list done = d->committing;
    d->committing = (over_list){0};
    for (size_t i = 0; i < done.count; i++) {
        if (committed)
            count(d->front, &done.items[i].h->outcome);
        lane_committed(&done.items[i].r->lane, done.items[i].h, dispatch_now(d));
    }
    for (size_t i = 0; i < done.count; i++) {
        runner *r = done.items[i].r;
        if (i + 1 == done.count || done.items[i + 1].r != r)
            runner_step(r);
        runner_unuse(r);
    }
    free(done.items);
}

static void on_finished(store_result result, void *ctx) {
    dispatcher *d = ctx;
    d->uses--;
    if (result != STORE_OK && !d->closing) {
        again_later(d, result);
    } else {
        let_go(d, result == STORE_OK);
        dispatch_commit(d);
        dispatch_feed(d);
    }
    dispatch_ended(d);
}

static void finish(dispatcher *d) {
    const over_list *l = &d->committing;
    delivery_outcome *list = malloc(l->count * sizeof *list);
    for (size_t i = 0; list != NULL && i < l->count; i++)
        list[i] = l->items[i].h->outcome;
    d->uses++;
    if (list == NULL || !deliveries_finish(d->events, list, l->count, d->worker->loop, on_finished, d)) {
        d->uses--;
        again_later(d, STORE_BUSY);
    }
    free(list);
}

/* --- being told
 * --------------------------------------------------------------------------------------------------
 */

typedef struct telling {
    dispatcher *d;
    arena *memory;
    event_new *events;
    size_t count;
} telling;

static void on_told(store_result result, const bool *repeated, size_t told, void *ctx) {
    (void)repeated;
    (void)told;
    telling *t = ctx;
    dispatcher *d = t->d;
    d->uses--;
    for (size_t i = 0; result == STORE_OK && i < t->count; i++)
        dispatch_wake(d->all, t->events[i].targets, t->events[i].target_count);
    arena_free(t->memory);
    if (d->closing)
        let_go(d, false);
    else if (result == STORE_OK)
        finish(d);
    else
        again_later(d, result);
    dispatch_ended(d);
}

/* Not of what the hub itself tells: it would go on for ever. */
static bool is_wanted(const over *o) {
    unsigned confirm = o->r->plan->confirm;
    if (str_eq(o->h->d.source, STR("hub")))
        return false;
    return (o->h->outcome.state == DELIVERY_DONE && (confirm & PLAN_CONFIRM_DONE) != 0) ||
           (o->h->outcome.state == DELIVERY_DEAD && (confirm & PLAN_CONFIRM_DEAD) != 0);
}

static bool make_events(dispatcher *d, telling *t) {
    for (size_t i = 0; i < d->committing.count; i++) {
        const over *o = &d->committing.items[i];
        if (!is_wanted(o))
            continue;
        bool done = o->h->outcome.state == DELIVERY_DONE;
        const own_event e = {.source = STR("hub"),
                             .type = done ? STR("busbar.delivery.succeeded") : STR("busbar.delivery.failed"),
                             .attributes = STR("{}"),
                             .payload = dispatch_event_of_delivery(t->memory, o->r, o->h)};
        if (!dispatch_event(d, t->memory, &e, &t->events[t->count++]))
            return false;
    }
    return true;
}

/* First the events, then the outcomes: a process that ends in between delivers again, and tells twice. */
static void tell(dispatcher *d, size_t wanted) {
    arena *a = arena_new(0);
    telling *t = a != NULL ? arena_zalloc(a, sizeof *t) : NULL;
    bool ok = t != NULL;
    if (ok) {
        *t = (telling){.d = d, .memory = a, .events = arena_zalloc(a, wanted * sizeof *t->events)};
        ok = t->events != NULL && make_events(d, t);
    }
    d->uses++;
    if (ok && events_put(d->events, t->events, t->count, d->worker->loop, on_told, t))
        return;
    d->uses--;
    arena_free(a);
    again_later(d, STORE_BUSY);
}

static void commit(dispatcher *d) {
    size_t wanted = 0;
    for (size_t i = 0; i < d->committing.count; i++)
        wanted += is_wanted(&d->committing.items[i]);
    if (wanted > 0)
        tell(d, wanted);
    else
        finish(d);
}

void dispatch_drop(dispatcher *d) {
    let_go(d, false);
}

void dispatch_commit(dispatcher *d) {
    if (d->committing.count > 0 || d->over.count == 0)
        return;
    free(d->committing.items);
    d->committing = d->over;
    d->over = (over_list){0};
    if (d->closing)
        let_go(d, false);
    else
        commit(d);
}

void on_commit_timer(uv_timer_t *timer) {
    dispatcher *d = timer->data;
    if (d->committing.count > 0)
        commit(d);
}
