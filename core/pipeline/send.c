/* send.c - stage: HTTP with retry. One request, sent until there is an answer worth having, or no sense in
 * another attempt. */
#include "pipeline/call_internal.h"

#include "base/clock.h"
#include "pipeline/retry.h"

static void on_answer(const http_answer *answer, void *ctx);

/* False: the call has failed. */
static bool attempt(call *c) {
    c->send.timeout_ms = call_left_ms(c);
    if (c->send.timeout_ms == 0) {
        call_fail(c, PROBLEM_DEADLINE_EXCEEDED, STR("the time ran out before the service was asked"));
        return false;
    }
    c->attempt++;
    c->attempts++;
    if (c->attempt > 1)
        metrics_retry(c->op->stats, c->worker->number);
    c->transfer = http_client_send(c->worker->client, &c->send, on_answer, c);
    if (c->transfer == NULL)
        call_fail(c, PROBLEM_UPSTREAM_UNREACHABLE,
                  STR("the request cannot be sent: its URL or header is not valid"));
    return c->transfer != NULL;
}

stage_result stage_send(call *c) {
    plugin_request *r = &c->steps.request;
    bool has_body = r->body_kind != PLUGIN_BODY_NONE;
    bool wants_length = str_eq(r->method, STR("POST")) || str_eq(r->method, STR("PUT")) ||
                        str_eq(r->method, STR("PATCH"));
    c->send.target = &c->conn->target;
    c->send.method = r->method;
    c->send.url = buf_cstr(&r->url);
    c->send.body = has_body ? r->body : STR("");
    c->send.has_body = has_body || wants_length; /* Content-Length: 0, RFC 9110 section 8.6 */
    c->send.once = !c->repeatable;
    c->send.memory = c->steps.memory;
    c->send.answer_body = &c->answer_body;
    retry_budget_earn(c->conn->stats, &c->conn->retry);
    return attempt(c) ? STAGE_WAIT : STAGE_END;
}

/* --- the answer, or another attempt ----------------------------------------------------------------- */

static bb_str field(const http_answer *answer, bb_str name) {
    for (size_t i = 0; i < answer->header_count; i++)
        if (str_eq_nocase(answer->headers[i].name, name))
            return answer->headers[i].value;
    return (bb_str){NULL, 0};
}

static void on_retry(uv_timer_t *timer) {
    call *c = timer->data;
    c->waiting = false;
    if (!attempt(c))
        call_end(c);
}

static bool try_again(call *c, const http_answer *answer) {
    retry_question question = {
        .failure = answer->failure,
        .sent = answer->sent,
        .status = answer->status,
        .retry_after = field(answer, STR("Retry-After")),
        .repeatable = c->repeatable,
        .attempt = c->attempt,
        .left_ms = call_left_ms(c),
        .now_ms = clock_wall_ms(),
        .random = worker_random(c->worker),
    };
    retry_answer decision = retry_decide(&c->conn->retry, &question);
    c->result.retry_after_ms = decision.retry_after_ms;
    if (!decision.repeat || !retry_budget_spend(c->conn->stats))
        return false;
    c->waiting = true;
    uv_timer_start(&c->timer, on_retry, decision.delay_ms, 0);
    return true;
}

static void on_answer(const http_answer *answer, void *ctx) {
    call *c = ctx;
    c->transfer = NULL;
    c->attempts += answer->starts > 1 && c->repeatable ? answer->starts - 1 : 0;
    c->result.upstream_status = answer->status;
    bool good = answer->failure == HTTP_FAIL_NONE && answer->status < 400;
    if (!good && try_again(c, answer))
        return;
    stage_result result = answer->failure == HTTP_FAIL_NONE ? call_resume(c, answer)
                                                            : call_fail_by_transport(c, answer);
    if (result == STAGE_END)
        call_end(c);
}
