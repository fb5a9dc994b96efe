/* limit.c - stages: how fast, and how many at once, the service is asked with this credential.
 *
 * A call waits its turn as long as the connection and the caller let it, and its deadline allows; else it
 * fails at once and says when to come again. */
#include "pipeline/call_internal.h"

#include "base/clock.h"

#define MS 1000000u

static uint64_t max_wait_ms(const call *c) {
    uint64_t most = c->conn->policies.limits.max_wait_ms, left = call_left_ms(c);
    if (c->request.has_max_wait)
        most = c->request.max_wait_ms;
    return most < left ? most : left;
}

static stage_result fail_limited(call *c, problem p, uint64_t wait_ms, const char *why) {
    call_failf(c, p, "%s; the next may be sent in %llu ms", why, (unsigned long long)wait_ms);
    c->result.retry_after_ms = wait_ms > 0 ? wait_ms : 1;
    return STAGE_END;
}

static uint64_t told_wait_ns(call *c) {
    const plugin_request *r = &c->steps.request;
    return r->route.len > 0 ? upstream_route_wait(c->conn->upstream, r->route, r->scope, clock_ns())
                            : upstream_told_wait(c->conn->upstream, clock_ns());
}

stage_result stage_told(call *c) {
    if (!c->conn->policies.limits.adapt || c->request.probe != NULL || c->steps.request.foreign)
        return STAGE_NEXT;
    uint64_t wait_ns = told_wait_ns(c);
    uint64_t wait_ms = (wait_ns + MS - 1) / MS;
    if (wait_ns == 0)
        return STAGE_NEXT;
    if (wait_ms > max_wait_ms(c))
        return fail_limited(c, PROBLEM_UPSTREAM_RATE_LIMITED, wait_ms, "the service has asked for a pause");
    metrics_limit_wait(c->op->stats, c->worker->number);
    call_wait(c, wait_ms, call_go_on_again);
    return STAGE_WAIT;
}

static void place_has_come(call *c) {
    c->place_ns = 0;
    call_go_on(c);
}

stage_result stage_rate(call *c) {
    const gcra_policy *rate = &c->conn->policies.limits.rate;
    if (rate->interval_ns == 0 || c->request.probe != NULL)
        return STAGE_NEXT;
    uint64_t too_long_ns = 0, now_ns = clock_ns();
    uint64_t wait_ns = upstream_rate_take(c->conn->upstream, rate, now_ns, max_wait_ms(c) * MS, &too_long_ns);
    if (wait_ns == GCRA_NEVER)
        return fail_limited(c, PROBLEM_RATE_LIMITED, (too_long_ns + MS - 1) / MS,
                            "the rate of the connection's [limits] is reached");
    if (wait_ns == 0)
        return STAGE_NEXT;
    c->place_ns = now_ns + wait_ns;
    metrics_limit_wait(c->op->stats, c->worker->number);
    call_wait(c, (wait_ns + MS - 1) / MS, place_has_come);
    return STAGE_WAIT;
}

void call_leave_rate(call *c) {
    if (c->place_ns != 0)
        upstream_rate_leave(c->conn->upstream, c->place_ns, clock_ns());
    c->place_ns = 0;
}

/* --- concurrency --------------------------------------------------------------------------------------- */

static void on_slot(void *ctx) {
    call *c = ctx;
    c->slot_wait = NULL;
    c->has_slot = true;
    call_wait_over(c);
    call_go_on(c);
}

static void no_slot(call *c) {
    slots_cancel(c->slot_wait);
    c->slot_wait = NULL;
    fail_limited(c, call_left_ms(c) == 0 ? PROBLEM_DEADLINE_EXCEEDED : PROBLEM_RATE_LIMITED, 1000,
                 "as many requests as [limits] concurrency allows are under way");
    call_end(c);
}

stage_result stage_slot(call *c) {
    uint32_t cap = c->conn->policies.limits.concurrency;
    slots *s = &c->conn->upstream->slots;
    if (cap == 0 || c->request.probe != NULL)
        return STAGE_NEXT;
    c->has_slot = slots_take(s, cap);
    if (c->has_slot)
        return STAGE_NEXT;
    uint64_t most = max_wait_ms(c);
    if (most == 0)
        return fail_limited(c, PROBLEM_RATE_LIMITED, 1000,
                            "as many requests as [limits] concurrency allows are under way");
    c->slot_wait = slots_wait(s, cap, c->worker->loop, on_slot, c);
    if (c->slot_wait == NULL)
        return call_fail(c, PROBLEM_OVERLOADED, STR("no memory for the call"));
    metrics_limit_wait(c->op->stats, c->worker->number);
    call_wait(c, most, no_slot);
    return STAGE_WAIT;
}
