/* session.c - stage: an operation on a session of the connection's pool, with retry. It stands where `send`
 * stands for an HTTP operation: what runs before and after it is the same. */
#include "pipeline/call_internal.h"

#define POST_LOST_MS 1000u /* the pool's word should have come by then: it had no memory to send it */

/* --- what it came to --------------------------------------------------------------------------------------
 */

static bool has_error(const session_job *job) {
    return job->end == SESSION_NOT_OPENED || (job->end == SESSION_RAN && job->outcome != PLUGIN_DONE);
}

/* A caller that gave less than a quarter of the usual time says nothing of the service by running out of it.
 */
static bool was_hurried(const call *c) {
    return c->request.timeout_ms != 0 && c->request.timeout_ms < call_usual_timeout_ms(c) / 4;
}

static breaker_result judge_code(bb_code code) {
    switch (code) {
    case BB_E_UPSTREAM:
    case BB_E_UPSTREAM_INVALID:
    case BB_E_UPSTREAM_UNAVAILABLE:
    case BB_E_UPSTREAM_TIMEOUT: return BREAKER_BAD;
    case BB_E_UPSTREAM_RATE_LIMITED: return BREAKER_UNKNOWN;
    default: return code >= BB_E_UPSTREAM ? BREAKER_GOOD : BREAKER_UNKNOWN;
    }
}

/* Waiting in vain for a session says nothing of the service: all of them were busy. */
static breaker_result judge(const call *c, const session_job *job) {
    if (job->end == SESSION_OVER_TIME)
        return job->begun && !was_hurried(c) ? BREAKER_BAD : BREAKER_UNKNOWN;
    if (has_error(job))
        return job->end == SESSION_RAN && job->broken ? BREAKER_BAD : judge_code(job->call.error.code);
    return job->end == SESSION_RAN ? BREAKER_GOOD : BREAKER_UNKNOWN;
}

/* An error that says that the service turned it away. */
static bool was_refused(bb_code code) {
    return code == BB_E_INVALID_INPUT || code == BB_E_UNSUPPORTED ||
           (code >= BB_E_UPSTREAM_REJECTED && code <= BB_E_UPSTREAM_RATE_LIMITED);
}

static bool may_have_acted(const session_job *job) {
    if (job->end == SESSION_OVER_TIME)
        return job->begun;
    return job->end == SESSION_RAN && job->acted &&
           (job->outcome == PLUGIN_DONE || !was_refused(job->call.error.code));
}

/* --- another attempt
 * ---------------------------------------------------------------------------------------- */

/* The failure as the retry knows those of HTTP requests. */
static void put_in_terms(const session_job *job, retry_question *q) {
    const plugin_error *e = &job->call.error;
    q->status = 422;
    if (!has_error(job) || e->retry == BB_RETRY_NO)
        return;
    if (job->end == SESSION_NOT_OPENED && (judge_code(e->code) == BREAKER_BAD || e->retry == BB_RETRY_YES)) {
        q->failure = HTTP_FAIL_CONNECT;
    } else if (job->end == SESSION_RAN && job->broken) {
        q->failure = HTTP_FAIL_TRUNCATED;
        q->sent = job->acted;
    } else if (e->code == BB_E_UPSTREAM_RATE_LIMITED) {
        q->status = 429;
    } else if (e->code == BB_E_UPSTREAM_UNAVAILABLE || e->code == BB_E_UPSTREAM_TIMEOUT ||
               e->retry == BB_RETRY_YES) {
        q->status = 503;
    }
}

static bool try_again(call *c, const session_job *job) {
    retry_question question = {.failure = HTTP_FAIL_NONE, .repeatable = c->repeatable, .attempt = c->attempt};
    put_in_terms(job, &question);
    retry_answer decision = call_ask_retry(c, &question);
    uint64_t delay = decision.delay_ms > job->retry_after_ms ? decision.delay_ms : job->retry_after_ms;
    if (!decision.repeat || delay >= call_left_ms(c) || !retry_budget_spend(c->conn->stats))
        return false;
    call_wait(c, delay, call_run_session);
    return true;
}

/* --- the end
 * -------------------------------------------------------------------------------------------------- */

static stage_result fail_busy(call *c, const char *why) {
    call_failf(c, PROBLEM_OVERLOADED, "%s; see [session] of the connection", why);
    c->result.retry_after_ms = 1000;
    return STAGE_END;
}

static stage_result fail_over_time(call *c, const session_job *job) {
    if (job->begun)
        return call_failf(c, PROBLEM_UPSTREAM_TIMEOUT, "the operation did not end within the call's time%s",
                          c->repeatable ? "" : "; it may have acted, and is not safe to repeat");
    return call_fail(c, PROBLEM_DEADLINE_EXCEEDED, STR("the time ran out before a session was free"));
}

static stage_result fail_by_error(call *c, const session_job *job) {
    c->steps.error = job->call.error;
    call_map_code(c, job->call.error.upstream_code);
    call_fail_by_steps(c);
    if (job->retry_after_ms > 0)
        c->result.retry_after_ms = job->retry_after_ms;
    return STAGE_END;
}

static stage_result finish(call *c, const session_job *job) {
    switch (job->end) {
    case SESSION_RAN: break;
    case SESSION_NOT_OPENED: return fail_by_error(c, job);
    case SESSION_LINE_FULL: return fail_busy(c, "as many calls as allowed wait for a session");
    case SESSION_WAITED: return fail_busy(c, "no session was free in the time that a call may wait for one");
    case SESSION_NO_PLACE:
        return fail_busy(c, "no session can be opened: functions of the connector are stuck");
    case SESSION_OVER_TIME: return fail_over_time(c, job);
    default: return call_fail(c, PROBLEM_CANCELLED, STR("the connection is being retired"));
    }
    if (job->outcome != PLUGIN_DONE)
        return fail_by_error(c, job);
    c->steps.output_kind = PLUGIN_OUT_TEXT; /* in the job's memory, which the call keeps */
    c->steps.output = job->call.output;
    c->steps.next_cursor = job->call.next_cursor;
    call_run_output(c);
    return STAGE_WAIT;
}

static problem outcome_of(const session_job *job) {
    if (has_error(job))
        return problem_from_code(job->call.error.code);
    return job->end == SESSION_RAN ? PROBLEM_NONE : PROBLEM_UPSTREAM_TIMEOUT;
}

static void take(call *c, session_job *job) {
    call_wait_over(c);
    call_leave_upstream(c, judge(c, job));
    c->acted = c->acted || (!c->repeatable && may_have_acted(job));
    call_trace_session(c, outcome_of(job));
    bool good = job->end == SESSION_RAN && job->outcome == PLUGIN_DONE;
    if (!good && try_again(c, job))
        return;
    if (finish(c, job) == STAGE_END)
        call_end(c);
}

/* --- to the pool, and back
 * ------------------------------------------------------------------------------------ */

static void on_ended(loop *l, void *arg) {
    (void)l;
    session_job *job = arg;
    if (job->owner != NULL) /* else the call has let go */
        take(job->owner, job);
    session_job_unref(job);
}

/* On a thread of the pool's. */
static void post_ended(session_job *job) {
    if (!loop_post(job->ctx, on_ended, job))
        session_job_unref(job);
}

static void word_lost(call *c) {
    call_abandon(c);
    call_fail(c, PROBLEM_DEADLINE_EXCEEDED, STR("the time ran out before the operation's end was heard of"));
    call_end(c);
}

/* Of a connector in a process of its own, which has the pool. */
static void on_ran(void *ctx, isolate_result result, plugin_outcome outcome, bb_str detail) {
    call *c = ctx;
    (void)outcome; /* the job has it */
    if (result == ISOLATE_STEPPED) {
        take(c, c->session_job);
        return;
    }
    call_wait_over(c);
    c->acted = c->acted || (result == ISOLATE_CRASHED && !c->repeatable);
    call_leave_upstream(c, BREAKER_UNKNOWN);
    call_fail_isolated(c, result, detail, c->isolate.retry_ms);
    call_end(c);
}

static stage_result submit(call *c) {
    uint32_t op = (uint32_t)(c->op - c->conn->module->ops);
    if (c->conn->isolated == NULL)
        session_submit(c->conn->sessions, c->session_job);
    else if (!isolate_run(c->conn->isolated, c->worker->loop, &c->isolate, c->session_job, op, on_ran, c))
        return call_fail(c, PROBLEM_OVERLOADED, STR("no room for the call in the connector's process"));
    return STAGE_WAIT;
}

bool call_stop_session(call *c) {
    session_job *job = c->session_job;
    if (job == NULL)
        return false;
    job->owner = NULL;
    bool working = c->isolate.job == job && c->isolate.of != NULL && c->isolate.working;
    if (c->isolate.job == job)
        isolate_leave(&c->isolate);
    return session_job_stop(job) || working;
}

void call_leave_session(call *c) {
    call_stop_session(c);
    if (c->session_job != NULL)
        session_job_leave(c->session_job);
    c->session_job = NULL;
}

stage_result stage_session(call *c) {
    uint64_t left = call_left_ms(c);
    if (left == 0)
        return call_fail(c, PROBLEM_DEADLINE_EXCEEDED, STR("the time ran out before the operation began"));
    c->repeatable = call_op_repeatable(c->op);
    call_leave_session(c); /* of the attempt, or the page, before */
    c->session_job = session_job_new(c->op, json_raw(c->input), c->request.cursor, c->id, c->deadline_ns);
    if (c->session_job == NULL)
        return call_fail(c, PROBLEM_OVERLOADED, STR("no memory for the call"));
    call_count_attempt(c);
    c->session_job->done = post_ended;
    c->session_job->progressed = call_session_progressed;
    c->session_job->ctx = c->worker->loop;
    c->session_job->owner = c;
    call_wait(c, left + POST_LOST_MS, word_lost);
    return submit(c);
}
