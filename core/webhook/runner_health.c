/* runner_health.c - a target that is not well: noted in the queue, disabled, told of. */
#include "webhook/dispatch_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdlib.h>

/* --- on disk
 * -------------------------------------------------------------------------------------------------- */

static void on_saved(store_result result, void *ctx) {
    runner *r = ctx;
    r->saving = false;
    if (result != STORE_OK)
        r->unsaved = true; /* again with the next lease */
    else if (r->unsaved)
        runner_save(r);
    dispatch_look(r->d);
    runner_unuse(r);
}

static uint64_t rest_left_ms(const runner *r) {
    return health_rest_left_ms(&r->health, events_age_ms(r->d->events, r->health.rested_ms));
}

static void save(runner *r, arena *a) {
    bool ok;
    if (rest_left_ms(r) == 0)
        r->health.rest_ms = r->health.rested_ms = 0;
    bb_str json = health_write(a, &r->health, &ok);
    runner_use(r);
    r->saving = ok && events_target_set_state(r->d->events, str_from(r->name), json, r->d->worker->loop,
                                              on_saved, r);
    r->unsaved = !r->saving;
    if (!r->saving)
        runner_unuse(r);
}

typedef struct told {
    runner *r;
    arena *memory;
    event_new event;
} told;

static void on_told(store_result result, const bool *repeated, size_t count, void *ctx) {
    (void)repeated;
    (void)count;
    told *t = ctx;
    runner *r = t->r;
    r->telling = false;
    if (result == STORE_OK) {
        dispatch_wake(r->d->all, t->event.targets, t->event.target_count);
        r->health.untold = false;
        r->unsaved = true;
        if (!r->d->closing)
            runner_save(r);
    }
    arena_free(t->memory);
    dispatch_look(r->d);
    runner_unuse(r);
}

static void tell(runner *r) {
    dispatcher *d = r->d;
    arena *a = arena_new_sized(0, 2048);
    told *t = a != NULL ? arena_zalloc(a, sizeof *t) : NULL;
    own_event e = {
        .source = STR("hub"), .type = STR("busbar.subscription.disabled"), .attributes = STR("{}")};
    if (t != NULL)
        *t = (told){.r = r, .memory = a};
    if (t != NULL)
        e.payload = dispatch_event_of_disabled(a, r);
    runner_use(r);
    r->telling = t != NULL && dispatch_event(d, a, &e, &t->event) &&
                 events_put(d->events, &t->event, 1, d->worker->loop, on_told, t);
    if (r->telling)
        return;
    arena_free(a);
    r->uses--; /* called where somebody else has it too */
}

void runner_save(runner *r) {
    if (r->retired) /* and forgotten */
        return;
    arena *a = arena_new_sized(0, 1024);
    if (r->health.untold && !r->telling)
        tell(r);
    if (r->unsaved && !r->saving && a != NULL)
        save(r, a);
    arena_free(a);
}

/* --- an attempt
 * ----------------------------------------------------------------------------------------------- */

/* The lane knows until when; a hub that is started meanwhile is to know, too. */
static bool note_rest(runner *r) {
    lane_time t = dispatch_now(r->d);
    uint64_t until = r->lane.shut_ns;
    return until > t.now_ns && health_rests(&r->health, t.wall_ms, (until - t.now_ns) / 1000000u);
}

void runner_rest_again(runner *r) {
    uint64_t left = rest_left_ms(r);
    if (left == 0)
        return;
    r->lane.shut_ns = dispatch_now(r->d).now_ns + left * 1000000u;
    r->lane.limit = 1; /* as after any rest: one request goes out to see */
}

void runner_meets_another(runner *r) {
    r->lane.strikes = 0;
    r->lane.shut_ns = 0;
    r->unsaved = r->unsaved || r->health.rest_ms > 0 || r->health.kept;
    r->health.rest_ms = r->health.rested_ms = 0;
    health_well(&r->health);
    runner_save(r);
}

void runner_health(runner *r, const verdict *v) {
    bool was = r->health.disabled_ms > 0, changed = false;
    if (v->ok)
        changed = health_well(&r->health);
    else if (v->ill || v->gone)
        changed = health_failed(&r->health, clock_wall_ms(),
                                events_age_ms(r->d->events, r->health.failing_ms), r->plan->disable_after_ms,
                                v->gone, v->text);
    changed = note_rest(r) || changed;
    if (!was && r->health.disabled_ms > 0) {
        log_warn("%s is disabled: %s; what is due goes to the dead letters", r->name, r->health.reason);
        r->health.untold = true;
    }
    if (changed) {
        r->unsaved = true;
        runner_save(r);
    }
}

/* --- by hand
 * -------------------------------------------------------------------------------------------------- */

void runner_do(runner *r, dispatch_command what) {
    health *h = &r->health;
    if (what == DISPATCH_PAUSE) {
        h->paused = true;
    } else if (what == DISPATCH_DISABLE) {
        h->untold = h->untold || h->disabled_ms == 0;
        h->disabled_ms = clock_wall_ms();
        str_put(h->reason, sizeof h->reason, STR("by hand"));
    } else {
        *h = (health){0};
        r->lane.limit = r->plan->concurrency;
        r->lane.strikes = 0;
        r->lane.shut_ns = 0;
    }
    if (h->untold)
        runner_save(r);
    lane_wake(&r->lane);
    runner_step(r);
}
