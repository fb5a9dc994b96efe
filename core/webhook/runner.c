/* runner.c - a target at work: reads, shapes, sends, as its lane says. */
#include "webhook/dispatch_internal.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

#define READS_MOST 32u        /* of one loop, at once */
#define HELD_MOST (64u << 20) /* bytes of one loop: beyond it, only what is held already goes on; but: */
#define HELD_ALL (256u << 20) /* up to here, one that holds nothing may have one: others may hang */

lane_time dispatch_now(const dispatcher *d) {
    (void)d;
    return (lane_time){clock_wall_ms(), clock_ns()};
}

/* --- life ------------------------------------------------------------------------------------------------
 */

static void on_closed(uv_handle_t *handle) {
    runner *r = handle->data;
    dispatcher *d = r->d;
    webhook_item_unref(r->item);
    free(r->name);
    free(r);
    d->handles--;
    dispatch_ended(d);
}

static void unlink_runner(runner *r) {
    runner **at = &r->d->runners;
    while (*at != r)
        at = &(*at)->next;
    *at = r->next;
    for (at = &r->d->bells[str_hash(str_from(r->name)) % DISPATCH_BELLS]; *at != r;)
        at = &(*at)->beside;
    *at = r->beside;
}

static void end_if_idle(runner *r) {
    if (!r->retired || r->uses > 0 || r->stepping || r->is_hungry || uv_is_closing((uv_handle_t *)&r->timer))
        return;
    lane_end(&r->lane);
    r->d->held_bytes -= r->counted;
    unlink_runner(r);
    uv_close((uv_handle_t *)&r->timer, on_closed);
}

void runner_unuse(runner *r) {
    r->uses--;
    end_if_idle(r);
}

static void on_timer(uv_timer_t *timer) {
    runner_step(timer->data);
}

runner *runner_new(dispatcher *d, const target *t, webhook_item *item) {
    runner *r = calloc(1, sizeof *r);
    char *name = r != NULL ? malloc(t->name.len + 1) : NULL;
    arena *a = name != NULL ? arena_new_sized(0, 1024) : NULL;
    if (a == NULL) {
        free(name);
        free(r);
        return NULL;
    }
    str_put(name, t->name.len + 1, t->name);
    *r = (runner){.d = d, .name = name, .item = webhook_item_ref(item), .plan = plan_of(t), .seen = true};
    lane_init(&r->lane, r->plan, dispatch_now(d));
    health_read(events_target_state(d->events, t->name, a), &r->health);
    arena_free(a);
    runner_rest_again(r);
    uv_timer_init(loop_uv(d->worker->loop), &r->timer);
    r->timer.data = r;
    d->handles++;
    r->next = d->runners;
    d->runners = r;
    runner **bell = &d->bells[str_hash(t->name) % DISPATCH_BELLS];
    r->beside = *bell;
    *bell = r;
    return r;
}

static bool is_same_receiver(const delivery_plan *a, const delivery_plan *b) {
    return a->kind == b->kind && str_eq(a->url, b->url) && str_eq(a->connection, b->connection) &&
           str_eq(a->operation, b->operation);
}

void runner_change(runner *r, const target *t, webhook_item *item) {
    bool same = r->item->fingerprint == item->fingerprint, moved = !is_same_receiver(r->plan, plan_of(t));
    webhook_item *before = r->item;
    r->item = webhook_item_ref(item);
    r->plan = plan_of(t);
    r->seen = true;
    if (same)
        r->lane.plan = r->plan;
    else
        lane_change(&r->lane, r->plan);
    if (moved)
        runner_meets_another(r);
    webhook_item_unref(before);
}

void runner_retire(runner *r) {
    r->retired = true;
    lane_drop(&r->lane);
    uv_timer_stop(&r->timer);
    end_if_idle(r);
}

/* --- reading ---------------------------------------------------------------------------------------------
 */

static void on_due(store_result result, const delivery *list, size_t count, uint64_t next_ms, void *ctx) {
    runner *r = ctx;
    static const delivery none;
    dispatcher *d = r->d;
    bool ok = result == STORE_OK || result == STORE_NOT_FOUND;
    d->reads--;
    if (list == NULL || !ok)
        list = ok ? &none : NULL; /* nothing is due: that is no failure */
    if (!r->retired)
        lane_read(&r->lane, list, ok ? count : 0, next_ms, dispatch_now(d));
    runner_step(r);
    runner_unuse(r);
    dispatch_feed(d);
}

static void ask(runner *r, size_t max, lane_time t) {
    dispatcher *d = r->d;
    size_t n = lane_count(&r->lane);
    int64_t *ids = malloc((n + 1) * sizeof *ids);
    if (ids != NULL)
        n = lane_ids(&r->lane, ids);
    runner_use(r);
    d->reads++;
    if (ids == NULL || !deliveries_due(d->events, str_from(r->name), t.wall_ms, ids, n, max, LANE_READ_BYTES,
                                       d->worker->loop, on_due, r)) {
        d->reads--;
        r->uses--; /* the step that asked still has it */
        lane_read(&r->lane, NULL, 0, 0, t);
    }
    free(ids);
}

static void wait_for_turn(runner *r) {
    if (r->is_hungry)
        return;
    r->is_hungry = true;
    r->hungry = NULL;
    *r->d->hungry_end = r;
    r->d->hungry_end = &r->hungry;
}

static bool is_crowded(const dispatcher *d) {
    return d->held_bytes >= HELD_MOST;
}

static bool may_read(const runner *r) {
    const dispatcher *d = r->d;
    return d->reads < READS_MOST &&
           (!is_crowded(d) || (d->held_bytes < HELD_ALL && lane_count(&r->lane) == 0));
}

static void read_more(runner *r, lane_time t) {
    size_t max;
    bool crowded = is_crowded(r->d), turn = may_read(r) && (r->d->hungry == NULL || r->fed || crowded);
    r->fed = false;
    r->again |= lane_starve(&r->lane, crowded && !turn);
    if (!turn && lane_wants(&r->lane, t))
        wait_for_turn(r);
    else if (turn && (max = lane_room(&r->lane, t)) > 0)
        ask(r, crowded ? 1 : max, t);
}

/* The first of those that wait that may read. */
static runner *take_hungry(dispatcher *d) {
    runner **at = &d->hungry;
    while (*at != NULL && !may_read(*at))
        at = &(*at)->hungry;
    runner *r = *at;
    if (r == NULL)
        return NULL;
    *at = r->hungry;
    if (*at == NULL)
        d->hungry_end = at;
    r->is_hungry = false;
    return r;
}

void dispatch_feed(dispatcher *d) {
    runner *r;
    while (d->reads < READS_MOST && (r = take_hungry(d)) != NULL) {
        runner_use(r);
        r->fed = true;
        runner_step(r);
        runner_unuse(r);
    }
}

/* --- a step ------------------------------------------------------------------------------------------------
 */

/* Nothing is delivered to one that is disabled, and nothing waits for it: it is in the dead letters, from
 * where it comes back by a redrive. */
static void give_up(runner *r, uint64_t now_ms) {
    held *h;
    char text[320];
    snprintf(text, sizeof text, "not tried: the target is disabled: %s", r->health.reason);
    while ((h = lane_any(&r->lane)) != NULL) {
        const delivery_outcome o = {.state = DELIVERY_DEAD, .at_ms = now_ms, .text = str_from(text)};
        dispatch_over(r, h, &o);
    }
}

static void deliver(runner *r, lane_time t) {
    held *list[LANE_GROUP_MAX], *h;
    size_t n;
    if (r->health.disabled_ms > 0) {
        give_up(r, t.wall_ms);
        return;
    }
    while ((h = lane_shape(&r->lane)) != NULL)
        runner_shape(r, h);
    while ((n = lane_begin(&r->lane, t, list)) > 0)
        runner_send(r, list, n);
}

static void account(runner *r) {
    size_t now = lane_bytes(&r->lane);
    r->d->held_bytes += now - r->counted;
    r->counted = now;
    atomic_store_explicit(&r->d->front->held_bytes, r->d->held_bytes, memory_order_relaxed);
}

static void arm(runner *r, lane_time t) {
    uint64_t ns = r->is_hungry ? lane_wait_to_send_ns(&r->lane, t) : lane_wait_ns(&r->lane, t);
    if (ns == LANE_NEVER)
        uv_timer_stop(&r->timer);
    else
        uv_timer_start(&r->timer, on_timer, ns / 1000000u + 1, 0);
}

/* A route has no secrets: what its endpoint took, it took while it could verify it. */
static bool is_shut(const webhook_item *item) {
    return item->kind == WEBHOOK_SUBSCRIPTION && webhook_item_gone(item);
}

static bool works(const runner *r, lane_time t) {
    return !r->retired && !r->d->draining && !r->d->closing && !r->health.paused && !is_shut(r->item) &&
           r->lease_ns > t.now_ns;
}

static void step_once(runner *r) {
    lane_time t = dispatch_now(r->d);
    if (!works(r, t)) {
        lane_drop(&r->lane);
        uv_timer_stop(&r->timer);
    } else {
        deliver(r, t);
        read_more(r, t);
        arm(r, t);
    }
    account(r);
}

void runner_step(runner *r) {
    r->again = true;
    if (r->stepping)
        return;
    r->stepping = true;
    while (r->again) {
        r->again = false;
        step_once(r);
    }
    r->stepping = false;
    end_if_idle(r);
}
