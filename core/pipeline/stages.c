/* stages.c - the order of the stages: what happens once a call, once a request, once an answer.
 *
 * Where the order differs from what one might expect:
 * - The cache stands before the service's own limits: an answer from memory costs the service nothing.
 * - The request transform stands before the input schema: what the schema judges is what the connector gets.
 * - Breaker, limits and credentials are asked anew for every attempt, not once a call: each is a request that
 * the service counts, and a signature may not be older than a retry.
 * - The breaker is looked at once more after the waits: a line of calls that were admitted before it opened
 * must not be let loose on a service that is down.
 * - The output schema stands before the response transform: it describes what the connector gives. */
#include "pipeline/call_internal.h"

static const stage call_stages[] = {{"access", stage_access},
                                    {"quota", stage_quota},
                                    {"input", stage_input},
                                    {"cache", stage_cache},
                                    {"request transform", stage_transform_request},
                                    {"schema", stage_schema},
                                    {"content", stage_content},
                                    {"start", stage_start}};
static const stage request_stages[] = {{"delay", stage_delay},
                                       {"breaker", stage_breaker},
                                       {"told limits", stage_told},
                                       {"rate", stage_rate},
                                       {"concurrency", stage_slot},
                                       {"auth", stage_ticket},
                                       {"breaker, still", stage_breaker_still},
                                       {"sign", stage_sign},
                                       {"send", stage_send}};
/* No credentials go into it: the connector logs in when it opens a session. */
static const stage session_stages[] = {{"breaker", stage_breaker},
                                       {"rate", stage_rate},
                                       {"concurrency", stage_slot},
                                       {"breaker, still", stage_breaker_still},
                                       {"session", stage_session}};
static const stage output_stages[] = {{"content, end", stage_content_end},
                                      {"output schema", stage_validate},
                                      {"output", stage_output},
                                      {"response transform", stage_transform_response},
                                      {"end", stage_end}};

void call_go_on(call *c) {
    while (c->stage_at < c->stage_count) {
        switch (c->stages[c->stage_at++].run(c)) {
        case STAGE_NEXT: break;
        case STAGE_WAIT: return;
        case STAGE_END: call_end(c); return;
        }
    }
}

void call_go_on_again(call *c) {
    c->stage_at--;
    call_go_on(c);
}

static void run(call *c, const stage *stages, size_t n) {
    c->stages = stages;
    c->stage_count = n;
    c->stage_at = 0;
    call_go_on(c);
}

#define RUN(c, stages) run((c), (stages), sizeof(stages) / sizeof(stages)[0])

void call_run(call *c) {
    RUN(c, call_stages);
}

void call_run_request(call *c) {
    RUN(c, request_stages);
}

void call_run_session(call *c) {
    RUN(c, session_stages);
}

void call_run_output(call *c) {
    RUN(c, output_stages);
}

stage_result stage_end(call *c) {
    (void)c;
    return STAGE_END;
}

/* --- waiting ---------------------------------------------------------------------------------------------
 */

typedef void (*woken_fn)(call *c);

/* One wait at a time: the timer runs, or it does not. */
static void count_wait(call *c, bool waits) {
    if (c->waits == waits)
        return;
    c->waits = waits;
    ledger_add(&call_share(c)->waits, waits ? 1 : (uint64_t)-1);
}

static void on_timer(uv_timer_t *timer) {
    call *c = timer->data;
    woken_fn woken = c->woken;
    call_wait_over(c);
    if (woken != NULL) {
        woken(c);
        return;
    }
    call_abandon(c);
    call_fail(c, PROBLEM_DEADLINE_EXCEEDED, STR("the time ran out before the service was asked"));
    call_end(c);
}

void call_wait(call *c, uint64_t ms, void (*woken)(call *c)) {
    c->woken = woken;
    count_wait(c, true);
    uv_update_time(loop_uv(c->worker->loop)); /* the loop's clock may be a whole batch of events old */
    uv_timer_start(&c->timer, on_timer, ms, 0);
}

void call_wait_over(call *c) {
    c->woken = NULL;
    count_wait(c, false);
    uv_timer_stop(&c->timer);
}
