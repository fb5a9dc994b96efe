/* aftermath.c - a call that was given up while the service was at work for it: the connector may have one
 * request sent (busbar/abandon.h), after the caller has its answer, or has gone.
 *
 * The call's object does so itself, in a second life: what its steps were run with is still there, and its
 * request passes breaker, limits, credentials and retries as every other. What it was recorded as stays. */
#include "pipeline/call_internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "plugin/host_abandon.h"

#define AFTERMATH_MS 5000u

/* --- the end of the first life ---------------------------------------------------------------------------
 */

bool aftermath_due(const call *c) {
    const call_content *k = c->request.content;
    return c->pending && c->op->abandon != NULL && !c->worker->last_call &&
           (k == NULL || k->save == NULL); /* else the file goes on in another call */
}

static bool given_up(problem p) {
    return p == PROBLEM_CANCELLED || p == PROBLEM_DEADLINE_EXCEEDED || p == PROBLEM_UPSTREAM_TIMEOUT;
}

static void take_request(call *c, plugin_outcome outcome) {
    c->aftermath = outcome == PLUGIN_SEND ? AFTERMATH_READY : AFTERMATH_NONE;
    if (outcome == PLUGIN_FAILED)
        log_warn("connection %.*s, execution %s: it was given up, and its connector cannot say what the "
                 "service is to be told: %.*s",
                 STR_FMT(c->conn->id), c->id, STR_FMT(call_shown(c, c->steps.error.message)));
    if (c->aftermath == AFTERMATH_NONE)
        isolate_leave(&c->isolate);
}

static void send_request(call *c);

/* From the connector's process, before or after the caller has let go of the call. */
static void on_said(void *ctx, isolate_result result, plugin_outcome outcome, bb_str detail) {
    call *c = ctx;
    bool waited_for = c->aftermath == AFTERMATH_AWAITED;
    if (result != ISOLATE_STEPPED) {
        outcome = PLUGIN_FAILED;
        c->steps.error.message = arena_copy(c->memory, detail);
    }
    take_request(c, outcome);
    if (!waited_for)
        return;
    call_wait_over(c);
    if (c->aftermath == AFTERMATH_READY)
        send_request(c);
    else
        aftermath_end(c);
}

void aftermath_settle(call *c) {
    bool due = aftermath_due(c) && given_up(c->result.problem);
    bb_code why = c->result.problem == PROBLEM_CANCELLED ? BB_E_CANCELLED : BB_E_DEADLINE;
    c->pending = false;
    if (!due || !call_keep_secrets(c)) {
        if (c->aftermath == AFTERMATH_NONE)
            isolate_leave(&c->isolate);
        return;
    }
    plugin_abandon_begin(&c->steps, clock_ns() + AFTERMATH_MS * 1000000u);
    if (c->conn->isolated == NULL)
        take_request(c, plugin_abandon(&c->steps, c->op, why));
    else if (isolate_abandon(&c->isolate, why, on_said, c))
        c->aftermath = AFTERMATH_ASKED;
    else
        isolate_leave(&c->isolate);
}

/* --- the second life -------------------------------------------------------------------------------------
 */

static void on_over(call *c, const call_result *result, void *ctx) {
    (void)result, (void)ctx;
    call_free(c);
}

/* Nothing of it is the caller's any more: the input's texts are slices of what he sent. */
static void be_alone(call *c) {
    uint64_t now = clock_ns();
    c->request = (call_request){.conn = c->conn, .op = c->op};
    c->input = NULL;
    c->steps.abi.input = NULL;
    c->steps.abi.cursor = (bb_str){NULL, 0};
    c->result = (call_result){.problem = PROBLEM_NONE};
    c->content = NULL;
    c->flight = NULL;
    c->cache_wait = NULL;
    c->keyed = c->traced = c->ended = c->freed = false;
    c->done = on_over;
    c->ctx = NULL;
    c->deadline_ns = c->last_deadline_ns = now + AFTERMATH_MS * 1000000u;
    call_link(c);
}

static void send_request(call *c) {
    c->aftermath = AFTERMATH_SENDING;
    c->steps.deadline_ns = c->deadline_ns;
    c->attempt = 0;
    c->requests++;
    c->keyed_requests++;
    c->url_len = 0;
    call_run_request(c);
}

static void over_time(call *c) {
    call_fail(c, PROBLEM_DEADLINE_EXCEEDED, STR("its connector's process did not answer"));
    call_end(c);
}

bool aftermath_begin(call *c) {
    if (c->aftermath != AFTERMATH_ASKED && c->aftermath != AFTERMATH_READY)
        return false;
    if (c->worker->last_call) {
        isolate_leave(&c->isolate);
        c->aftermath = AFTERMATH_NONE;
        return false;
    }
    be_alone(c);
    if (c->aftermath == AFTERMATH_READY) {
        send_request(c);
        return true;
    }
    c->aftermath = AFTERMATH_AWAITED;
    call_wait(c, AFTERMATH_MS, over_time);
    return true;
}

void aftermath_answered(call *c, const http_answer *answer) {
    if (answer->failure != HTTP_FAIL_NONE)
        call_fail_by_transport(c, answer);
    else if (answer->status >= 400)
        call_failf(c, problem_from_code(bb_code_from_http((int32_t)answer->status)), "it answered %u",
                   answer->status);
    call_end(c);
}

void aftermath_end(call *c) {
    if (c->result.problem != PROBLEM_NONE)
        log_warn("connection %.*s, execution %s: it was given up, and the service could not be told to drop "
                 "what it had begun: %.*s",
                 STR_FMT(c->conn->id), c->id, STR_FMT(c->result.detail));
    else if (c->aftermath == AFTERMATH_SENDING)
        log_info("connection %.*s, execution %s: it was given up, and the service was told: %u",
                 STR_FMT(c->conn->id), c->id, c->result.upstream_status);
    isolate_leave(&c->isolate);
    call_leave_upstream(c, BREAKER_UNKNOWN);
    c->aftermath = AFTERMATH_NONE;
    c->ended = true;
    call_unlink(c);
    c->done(c, &c->result, c->ctx);
}
