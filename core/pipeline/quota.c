/* quota.c - stage: calls a day and month of the connection, and rate and quota of the caller's key.
 *
 * A cached answer counts too: what is counted is calls of the hub; requests to the service are limit.c's. */
#include "pipeline/call_internal.h"

#include "base/clock.h"

static uint64_t wall_ms(const call *c) {
    return c->started_wall_ns / 1000000u;
}

static stage_result fail_limited(call *c, problem p, uint64_t retry_after_ms, const char *whose) {
    call_failf(c, p, p == PROBLEM_RATE_LIMITED ? "the rate of %s is reached" : "the quota of %s is used up",
               whose);
    c->result.retry_after_ms = retry_after_ms;
    return STAGE_END;
}

/* The day's is given back where the month's refuses. */
static bool take_connection(call *c, uint64_t *reset_ms) {
    const uint64_t *limit = c->conn->policies.limits.quota;
    quotas *used = c->conn->quotas;
    for (int p = 0; p < QUOTA_PERIODS; p++) {
        if (limit[p] == 0)
            continue;
        quota_answer answer = quota_take(&used->of[p], (quota_period)p, limit[p], wall_ms(c));
        if (answer.taken)
            continue;
        *reset_ms = answer.reset_ms;
        if (p == QUOTA_MONTH && limit[QUOTA_DAY] != 0)
            quota_give_back(&used->of[QUOTA_DAY]);
        return false;
    }
    return true;
}

stage_result stage_quota(call *c) {
    principal *who = c->request.who;
    uint64_t reset_ms;
    bool limited = who != NULL && (who->rate.interval_ns != 0 || who->used != NULL);
    if (limited && !access_count(who, c->started_ns, wall_ms(c), &c->result.limits))
        return fail_limited(c, c->result.limits.problem, c->result.limits.retry_after_ms, "the key");
    bool free_of_it = c->request.flight != NULL ||
                      c->request.probe != NULL; /* a refresh is of a counted call */
    if (c->conn->quotas == NULL || free_of_it || take_connection(c, &reset_ms))
        return STAGE_NEXT;
    if (limited)
        access_uncount(who);
    return fail_limited(c, PROBLEM_QUOTA_EXCEEDED, reset_ms, "the connection");
}
