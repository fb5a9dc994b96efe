/* dispatch_lease.c - whose the targets are: renewed as long as this process is at work. */
#include "webhook/dispatch_internal.h"

#include "base/clock.h"

#include <stdlib.h>

#define LEASE_MS 30000u
#define MARGIN_MS 5000u /* nothing is begun so shortly before its end: clocks of two machines differ */

typedef struct leasing {
    dispatcher *d;
    uint64_t asked_ns;
    size_t count;
    runner *runners[];
} leasing;

static void on_owned(store_result result, const bool *own, size_t count, void *ctx) {
    leasing *l = ctx;
    dispatcher *d = l->d;
    d->leasing = false;
    for (size_t i = 0; i < l->count; i++) {
        runner *r = l->runners[i];
        if (result == STORE_OK && i < count)
            r->lease_ns = own[i] ? l->asked_ns + (uint64_t)(LEASE_MS - MARGIN_MS) * 1000000u : 0;
        runner_step(r);
        runner_unuse(r);
    }
    free(l);
    if (d->lease_again)
        dispatch_lease(d, d->lease_all);
    d->uses--;
    dispatch_ended(d);
}

static bool is_asked_for(const runner *r, bool all) {
    return !r->retired && (all || r->lease_ns == 0);
}

static leasing *gather(dispatcher *d, bool all) {
    size_t n = 0;
    for (runner *r = d->runners; r != NULL; r = r->next)
        n += is_asked_for(r, all);
    leasing *l = n > 0 ? malloc(sizeof *l + n * sizeof(runner *)) : NULL;
    if (l == NULL)
        return NULL;
    *l = (leasing){.d = d, .asked_ns = clock_ns()};
    for (runner *r = d->runners; r != NULL; r = r->next)
        if (is_asked_for(r, all))
            l->runners[l->count++] = r;
    return l;
}

void dispatch_lease(dispatcher *d, bool all) {
    d->lease_all = d->leasing && (all || d->lease_all);
    d->lease_again = d->leasing;
    leasing *l = d->closing || d->leasing ? NULL : gather(d, all);
    if (l == NULL)
        return;
    bb_str *names = malloc(l->count * sizeof *names);
    uint64_t now = clock_wall_ms();
    for (size_t i = 0; names != NULL && i < l->count; i++) {
        names[i] = str_from(l->runners[i]->name);
        runner_use(l->runners[i]);
    }
    d->leasing = names != NULL &&
                 events_own(d->events, names, l->count, now, now + LEASE_MS, d->worker->loop, on_owned, l);
    if (d->leasing)
        d->uses++;
    for (size_t i = 0; names != NULL && !d->leasing && i < l->count; i++)
        runner_unuse(l->runners[i]);
    free(names);
    if (!d->leasing)
        free(l);
}

void on_lease_timer(uv_timer_t *timer) {
    dispatcher *d = timer->data;
    for (runner *r = d->runners; r != NULL; r = r->next)
        if (!r->retired && (r->unsaved || r->health.untold))
            runner_save(r);
    dispatch_lease(d, true);
    dispatch_feed(d); /* what was held may have been let go of without an outcome */
}
