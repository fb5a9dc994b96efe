/* isolate.c - the connector's steps where it runs in a process of its own: asked for, and awaited. */
#include "pipeline/call_internal.h"

/* Whether a repeat can help, and whether the service may have acted: tell_unsure in call.c knows the latter.
 */
stage_result call_fail_isolated(call *c, isolate_result result, bb_str detail, uint64_t retry_ms) {
    bool off = result == ISOLATE_OFF && retry_ms == 0;
    call_failf(c, PROBLEM_CONNECTOR_CRASHED, "%.*s%s", STR_FMT(detail),
               c->acted ? "; the service may have acted on a request, which is not safe to repeat"
               : result == ISOLATE_OFF ? ""
               : c->requests > 0       ? "; repeating the call does no harm"
                                       : "; no request had been sent");
    c->result.retryable = !off;
    c->result.retry_after_ms = retry_ms;
    return STAGE_END;
}

static void out_of_time(call *c) {
    call_abandon(c);
    call_fail(c, PROBLEM_DEADLINE_EXCEEDED,
              STR("the time ran out while the connector's process was at work"));
    call_end(c);
}

static void on_step(void *ctx, isolate_result result, plugin_outcome outcome, bb_str detail) {
    call *c = ctx;
    call_wait_over(c);
    stage_result next = result == ISOLATE_STEPPED
                            ? call_follow(c, outcome)
                            : call_fail_isolated(c, result, detail, c->isolate.retry_ms);
    if (next == STAGE_END)
        call_end(c);
}

static stage_result await(call *c) {
    call_wait(c, call_left_ms(c), out_of_time);
    return STAGE_WAIT;
}

stage_result call_start_isolated(call *c) {
    uint32_t op = (uint32_t)(c->op - c->conn->module->ops);
    if (!isolate_start(c->conn->isolated, c->worker->loop, &c->isolate, &c->steps, op, on_step, c))
        return call_fail(c, PROBLEM_OVERLOADED, STR("no room for the call in the connector's process"));
    return await(c);
}

stage_result call_resume_isolated(call *c) {
    err e = {""};
    bool ok = isolate_resume(&c->isolate, &e);
    c->steps.answer.headers = NULL; /* they go with the transfer */
    c->steps.answer.header_count = 0;
    if (ok)
        return await(c);
    return call_fail_isolated(c, ISOLATE_CRASHED, str_from(e.text), 0);
}
