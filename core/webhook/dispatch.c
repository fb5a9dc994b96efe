/* dispatch.c - one loop's dispatcher: its targets, and who wakes them. */
#include "webhook/dispatch_internal.h"

#include "base/log.h"

#include <stdlib.h>

#define LEASE_EVERY_MS 10000u

/* --- life
 * ------------------------------------------------------------------------------------------------------ */

static void start_timer(dispatcher *d, uv_timer_t *timer) {
    uv_timer_init(loop_uv(d->worker->loop), timer);
    timer->data = d;
    d->handles++;
}

dispatcher *dispatcher_new(dispatch *all, worker *w, store *events, err *e) {
    dispatcher *d = calloc(1, sizeof *d);
    posts *p = d != NULL ? posts_new(w->loop, e) : NULL;
    if (p == NULL) {
        free(d);
        if (e->text[0] == '\0')
            err_set(e, "no memory");
        return NULL;
    }
    dispatch_front *front = &all->loops[w->number];
    front->loop = w->loop;
    front->to = d;
    if (all->count <= w->number)
        all->count = w->number + 1;
    *d = (dispatcher){.all = all, .front = front, .worker = w, .events = events, .posts = p};
    d->hungry_end = &d->hungry;
    start_timer(d, &d->commit_timer);
    start_timer(d, &d->lease_timer);
    start_timer(d, &d->drained_timer);
    uv_timer_start(&d->lease_timer, on_lease_timer, LEASE_EVERY_MS, LEASE_EVERY_MS);
    return d;
}

/* --- a stop: what is under way may end -------------------------------------------------------------- */

static void on_drained(uv_timer_t *timer) {
    dispatcher *d = timer->data;
    void (*done)(void *ctx) = d->drained;
    d->drained = NULL;
    done(d->drained_ctx);
}

static bool is_idle(const dispatcher *d) {
    bool idle = d->requests == NULL && d->over.count == 0 && d->committing.count == 0;
    for (const runner *r = idle ? d->runners : NULL; r != NULL && idle; r = r->next)
        idle = !r->saving && !r->telling;
    return idle;
}

/* Told by a timer: who looks is in the midst of something, and who is told lets go of it all. */
void dispatch_look(dispatcher *d) {
    if (d->drained != NULL && is_idle(d))
        uv_timer_start(&d->drained_timer, on_drained, 0, 0);
}

void dispatcher_drain(dispatcher *d, void (*done)(void *ctx), void *ctx) {
    d->draining = true;
    d->drained = done;
    d->drained_ctx = ctx;
    dispatch_look(d);
}

void dispatcher_last_call(dispatcher *d) {
    if (d == NULL || d->drained == NULL)
        return;
    if (d->requests != NULL)
        log_info("requests under way are cut off, as they took too long: their deliveries go out again");
    uv_timer_start(&d->drained_timer, on_drained, 0, 0);
}

/* --- its end ------------------------------------------------------------------------------------------- */

void dispatch_ended(dispatcher *d) {
    dispatch_look(d);
    if (!d->closing || d->uses > 0 || d->handles > 0)
        return;
    free(d->over.items);
    free(d->committing.items);
    free(d);
}

static void on_timer_closed(uv_handle_t *handle) {
    dispatcher *d = handle->data;
    d->handles--;
    dispatch_ended(d);
}

static void cancel_all(dispatcher *d) {
    for (request *q = d->requests, *next; q != NULL; q = next) {
        next = q->next;
        request_cancel(q);
    }
    while (d->shapings != NULL)
        shaping_cancel(d->shapings);
}

/* What is over and not being written stays due: it is let go of now, the rest as the queue answers. */
static void drop_outcomes(dispatcher *d) {
    bool waits = uv_is_active((uv_handle_t *)&d->commit_timer);
    uv_timer_stop(&d->commit_timer);
    if (waits && d->committing.count > 0)
        dispatch_drop(d);
    dispatch_commit(d);
}

void dispatcher_close(dispatcher *d) {
    if (d == NULL)
        return;
    d->closing = true;
    d->drained = NULL;
    d->front->to = NULL;
    d->uses++;
    cancel_all(d);
    posts_free(d->posts);
    d->posts = NULL;
    while (d->hungry != NULL) {
        d->hungry->is_hungry = false;
        d->hungry = d->hungry->hungry;
    }
    d->hungry_end = &d->hungry;
    drop_outcomes(d);
    for (runner *r = d->runners, *next; r != NULL; r = next) {
        next = r->next;
        runner_retire(r);
    }
    webhook_set_unref(d->set);
    d->set = NULL;
    uv_close((uv_handle_t *)&d->commit_timer, on_timer_closed);
    uv_close((uv_handle_t *)&d->lease_timer, on_timer_closed);
    uv_close((uv_handle_t *)&d->drained_timer, on_timer_closed);
    d->uses--;
    dispatch_ended(d);
}

/* --- configuration
 * --------------------------------------------------------------------------------------------- */

runner *dispatch_find(const dispatcher *d, bb_str name) {
    for (runner *r = d->bells[str_hash(name) % DISPATCH_BELLS]; r != NULL; r = r->beside)
        if (!r->retired && str_eq(str_from(r->name), name))
            return r;
    return NULL;
}

static void put_in_force(dispatcher *d, const target *t, webhook_item *item) {
    runner *r = dispatch_find(d, t->name);
    if (r != NULL && r->item == item) { /* as most are, where one has changed */
        r->seen = true;
        return;
    }
    if (r != NULL)
        runner_change(r, t, item);
    else
        r = runner_new(d, t, item);
    if (r == NULL)
        log_error("no memory for %.*s: nothing is delivered to it until the next reload", STR_FMT(t->name));
    else
        runner_step(r);
}

void dispatcher_swap(dispatcher *d, webhook_set *set) {
    webhook_set *before = d->set;
    d->set = webhook_set_ref(set);
    for (runner *r = d->runners; r != NULL; r = r->next)
        r->seen = false;
    for (size_t k = 0; k < WEBHOOK_KINDS; k++)
        for (size_t i = 0; i < set->lists[k].count; i++) {
            webhook_item *item = set->lists[k].entries[i].item;
            for (size_t n = 0; item != NULL && n < item->target_count; n++)
                if (item->targets[n]->loop == d->worker->number)
                    put_in_force(d, item->targets[n], item);
        }
    for (runner *r = d->runners, *next; r != NULL; r = next) {
        next = r->next;
        if (!r->seen && !r->retired)
            runner_retire(r);
    }
    webhook_set_unref(before);
    dispatch_lease(d, false);
}

/* --- waking
 * ---------------------------------------------------------------------------------------------------- */

static void wake_bell(dispatcher *d, unsigned bell) {
    for (runner *r = d->bells[bell], *next; r != NULL; r = next) {
        next = r->beside;
        if (r->retired)
            continue;
        lane_wake(&r->lane);
        runner_step(r);
    }
}

static void on_wake(loop *l, void *arg) {
    (void)l;
    dispatch_front *f = arg;
    atomic_store(&f->posted, false);
    for (unsigned i = 0; i < DISPATCH_BELLS / 64; i++) {
        uint64_t bits = atomic_exchange(&f->woken[i], 0);
        for (unsigned bit = 0; bits != 0 && f->to != NULL; bit++, bits >>= 1)
            if ((bits & 1) != 0)
                wake_bell(f->to, i * 64 + bit);
    }
}

void dispatch_wake_name(dispatch *all, bb_str name) {
    if (all->count == 0)
        return;
    dispatch_front *f = &all->loops[target_loop(name, all->count)];
    unsigned bell = (unsigned)(str_hash(name) % DISPATCH_BELLS);
    atomic_fetch_or(&f->woken[bell / 64], (uint64_t)1 << (bell % 64));
    if (!atomic_exchange(&f->posted, true) && !loop_post(f->loop, on_wake, f))
        atomic_store(&f->posted, false); /* no memory: they look by themselves within a minute */
}

void dispatch_wake(dispatch *all, const event_target *targets, size_t count) {
    for (size_t i = 0; i < count; i++)
        dispatch_wake_name(all, targets[i].target);
}
