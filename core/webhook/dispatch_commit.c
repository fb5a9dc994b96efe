/* dispatch_commit.c - outcomes on their way to the disk: whatever has come up meanwhile in one transaction,
 * with the events that come of them, and those that tell of them where somebody wants to be told. */
#include "webhook/dispatch_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

#define AGAIN_MS 1000u   /* after the queue could not take them */
#define TOLD_BYTES 4096u /* what an event that tells of a delivery takes, and more */
#define UNTOLD_EVERY_NS 10000000000ull

void dispatch_over(runner *r, held *h, const delivery_outcome *o) {
    over_list *l = &r->d->over;
    if (l->count == l->cap) {
        size_t cap = l->cap > 0 ? l->cap * 2 : 64;
        over *more = realloc(l->items, cap * sizeof *more);
        if (more == NULL) { /* not written, so due still */
            events_unreserve(r->d->events, h->reserved);
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
        events_unreserve(d->events, done.items[i].h->reserved);
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

/* --- what comes of it
 * ----------------------------------------------------------------------------------------------- */

/* One transaction: outcomes, and the events that come of them or tell of them. */
typedef struct commit {
    dispatcher *d;
    arena *memory;
    event_new *events;
    size_t count;
    uint64_t reserved; /* bytes of the disk's room */
} commit;

static void commit_free(commit *c) {
    events_unreserve(c->d->events, c->reserved);
    arena_free(c->memory);
}

static void on_finished(store_result result, void *ctx) {
    commit *c = ctx;
    dispatcher *d = c->d;
    d->uses--;
    for (size_t i = 0; result == STORE_OK && i < c->count; i++)
        dispatch_wake(d->all, c->events[i].targets, c->events[i].target_count);
    commit_free(c);
    if (result != STORE_OK && !d->closing) {
        again_later(d, result);
    } else {
        let_go(d, result == STORE_OK);
        dispatch_commit(d);
        dispatch_feed(d);
    }
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

static bool tell(commit *c, const over *o) {
    bool done = o->h->outcome.state == DELIVERY_DONE;
    const own_event e = {.source = STR("hub"),
                         .type = done ? STR("busbar.delivery.succeeded") : STR("busbar.delivery.failed"),
                         .attributes = STR("{}"),
                         .payload = dispatch_event_of_delivery(c->memory, o->r, o->h)};
    return dispatch_event(c->d, c->memory, &e, &c->events[c->count++]);
}

/* A line for each commit would fill the log, and what it is on, in no time. */
static void tell_untold(dispatcher *d, size_t count) {
    const gcra_policy policy = {.interval_ns = UNTOLD_EVERY_NS, .burst = 1};
    uint64_t wait;
    d->untold += count;
    if (gcra_take(&d->untold_told, &policy, clock_ns(), 0, &wait) != 0)
        return;
    log_warn("what became of %zu deliveries is told to nobody: the disk is full", d->untold);
    d->untold = 0;
}

/* On a full disk nobody is told: that would take the room by which outcomes are noted, and nothing would ever
 * go again. */
static bool may_tell(commit *c, size_t wanted) {
    c->reserved = wanted * TOLD_BYTES;
    if (wanted == 0 || events_reserve(c->d->events, c->reserved))
        return true;
    c->reserved = 0;
    tell_untold(c->d, wanted);
    return false;
}

static bool make_events(commit *c) {
    const over_list *l = &c->d->committing;
    size_t made = 0, wanted = 0;
    for (size_t i = 0; i < l->count; i++) {
        made += l->items[i].h->emit != NULL;
        wanted += is_wanted(&l->items[i]);
    }
    bool told = may_tell(c, wanted), ok = true;
    if (made + wanted == 0)
        return true;
    c->events = arena_zalloc(c->memory, (made + wanted) * sizeof *c->events);
    for (size_t i = 0; ok && c->events != NULL && i < l->count; i++) {
        const over *o = &l->items[i];
        if (o->h->emit != NULL)
            ok = dispatch_emitted(c->d, c->memory, o->r, o->h, &c->events[c->count++]);
        if (ok && told && is_wanted(o))
            ok = tell(c, o);
    }
    return ok && c->events != NULL;
}

static bool finish(commit *c) {
    const over_list *l = &c->d->committing;
    delivery_outcome *list = malloc(l->count * sizeof *list);
    for (size_t i = 0; list != NULL && i < l->count; i++)
        list[i] = l->items[i].h->outcome;
    bool ok = list != NULL &&
              deliveries_finish(c->d->events, list, l->count, (events_with){c->events, c->count},
                                c->d->worker->loop, on_finished, c);
    free(list);
    return ok;
}

static void commit_some(dispatcher *d) {
    arena *a = arena_new_sized(0, 512);
    commit *c = a != NULL ? arena_zalloc(a, sizeof *c) : NULL;
    d->uses++;
    if (c != NULL) {
        *c = (commit){.d = d, .memory = a};
        if (make_events(c) && finish(c))
            return;
        commit_free(c);
    }
    d->uses--;
    again_later(d, STORE_BUSY);
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
        commit_some(d);
}

void on_commit_timer(uv_timer_t *timer) {
    dispatcher *d = timer->data;
    if (d->committing.count > 0)
        commit_some(d);
}
