/* send.c - stage: HTTP with retry. One request, sent until there is an answer worth having, or no sense in
 * another attempt. */
#include "pipeline/call_internal.h"

#include "base/clock.h"
#include "pipeline/told.h"

static void on_answer(const http_answer *answer, void *ctx);

static void describe(call *c) {
    plugin_request *r = &c->steps.request;
    bool has_body = r->body_kind != PLUGIN_BODY_NONE;
    bool wants_length = str_eq(r->method, STR("POST")) || str_eq(r->method, STR("PUT")) ||
                        str_eq(r->method, STR("PATCH"));
    c->send.target = &c->conn->target;
    c->send.method = r->method;
    c->send.url = c->secret_url.ptr != NULL ? c->secret_url.ptr : buf_cstr(&r->url);
    c->send.body = has_body ? r->body : STR("");
    c->send.has_body = has_body || wants_length; /* Content-Length: 0, RFC 9110 section 8.6 */
    c->send.once = !c->repeatable;
    c->send.memory = c->steps.memory;
    c->send.answer_body = &c->answer_body;
    c->send.timeout_ms = call_left_ms(c);
    c->send.probe = c->request.probe;
    c->request_bytes += c->send.body.len;
}

stage_result stage_send(call *c) {
    describe(c);
    if (c->content != NULL && !content_describe(c))
        return STAGE_END;
    if (call_left_ms(c) == 0)
        return call_fail(c, PROBLEM_DEADLINE_EXCEEDED, STR("the time ran out before the service was asked"));
    call_count_attempt(c);
    c->transfer = http_client_send(c->worker->client, &c->send, on_answer, c);
    if (c->transfer != NULL) {
        ledger_add(&call_share(c)->transfers, 1);
        if (c->content != NULL)
            content_sent(c);
        return STAGE_WAIT;
    }
    return call_fail(c, PROBLEM_UPSTREAM_UNREACHABLE,
                     STR("the request cannot be sent: its URL or header is not valid"));
}

/* --- what the answer tells of the service ----------------------------------------------------------------
 */

bb_str call_answer_field(const http_answer *answer, bb_str name) {
    return str_pair_find(answer->headers, answer->header_count, name);
}

/* A caller that gave less than a quarter of the usual time says nothing of the service by running out of it.
 */
static bool was_hurried(const call *c) {
    return c->send.timeout_ms < call_usual_timeout_ms(c) / 4;
}

/* Failures that a breaker counts: no answer, or one that says that the service itself is in trouble. */
static breaker_result judge(const call *c, const http_answer *answer) {
    if (answer->failure != HTTP_FAIL_NONE && content_got_on(c))
        return BREAKER_UNKNOWN; /* it works, though not for as long as the file takes */
    switch (answer->failure) {
    case HTTP_FAIL_NONE: break;
    case HTTP_FAIL_FLOW: /* ours */
    case HTTP_FAIL_CANCELLED: return BREAKER_UNKNOWN;
    case HTTP_FAIL_TIMEOUT: return was_hurried(c) ? BREAKER_UNKNOWN : BREAKER_BAD;
    case HTTP_FAIL_TOO_LARGE: return BREAKER_GOOD;
    default: return BREAKER_BAD;
    }
    if (answer->status == 429)
        return BREAKER_UNKNOWN;
    return answer->status >= 500 && answer->status != 501 && answer->status != 505 ? BREAKER_BAD
                                                                                   : BREAKER_GOOD;
}

/* Whether the service may have acted on the request: it was seen, and not turned away. */
static bool may_have_acted(const http_answer *answer) {
    if (answer->failure != HTTP_FAIL_NONE)
        return answer->sent;
    return answer->status < 400 || answer->status >= 500;
}

static bool only_reads(bb_str method) {
    return str_eq(method, STR("GET")) || str_eq(method, STR("HEAD")) || str_eq(method, STR("OPTIONS"));
}

/* What was told of one route, where the connector has named it, goes for that; a pause that names no bucket
 * is one for all. */
static void heed_limits(call *c, const http_answer *answer) {
    const plugin_request *r = &c->steps.request;
    upstream *u = c->conn->upstream;
    uint64_t now = clock_ns();
    told t;
    told_read(answer->headers, answer->header_count, answer->status, clock_wall_ms(), &t);
    bool routed = r->route.len > 0, all = !routed || t.whole;
    if (t.wait_ms > 0 && all)
        upstream_block(u, t.wait_ms, now);
    if (routed) {
        bucket_said said = {.id = t.bucket,
                            .has_left = t.has_left,
                            .left = t.left,
                            .limit = t.limit,
                            .reset_ms = t.reset_ms,
                            .wait_ms = all ? 0 : t.wait_ms};
        upstream_route_tell(u, r->route, r->scope, &said, now);
    } else if (t.has_left) {
        upstream_tell(u, t.left, t.reset_ms, now);
    }
}

/* --- the answer, or another attempt ----------------------------------------------------------------- */

/* A conf file may know better than the status what the answer means. */
static unsigned effective_status(const http_answer *answer, const mapped_error *mapped) {
    switch (mapped->problem) {
    case PROBLEM_NONE: return answer->status;
    case PROBLEM_UPSTREAM_RATE_LIMITED: return 429;
    case PROBLEM_UPSTREAM_UNAVAILABLE: return 503;
    case PROBLEM_UPSTREAM_TIMEOUT: return 504;
    default: return 422;
    }
}

static bool try_again(call *c, const http_answer *answer, const mapped_error *mapped) {
    retry_question question = {
        .failure = answer->failure,
        .sent = answer->sent,
        .status = effective_status(answer, mapped),
        .retry_after = call_answer_field(answer, STR("Retry-After")),
        .repeatable = c->repeatable,
        .attempt = c->attempt,
    };
    retry_answer decision = call_ask_retry(c, &question);
    c->result.retry_after_ms = decision.retry_after_ms;
    if (!decision.repeat || (c->content != NULL && !content_may_repeat(c)) ||
        !retry_budget_spend(c->conn->stats))
        return false;
    call_wait(c, decision.delay_ms, call_run_request);
    return true;
}

/* A refused token: the same request once more with another one. */
static bool try_renewed(call *c, const http_answer *answer) {
    if (answer->failure != HTTP_FAIL_NONE || plugin_request_unsigned(&c->steps.request) ||
        c->ticket.renewals > 0 || (c->content != NULL && !content_may_repeat(c)) ||
        !auth_ticket_rejected(&c->ticket, answer))
        return false;
    call_run_request(c);
    return true;
}

static void on_answer(const http_answer *answer, void *ctx) {
    call_answered(ctx, answer);
}

void call_answered(call *c, const http_answer *answer) {
    c->transfer = NULL;
    ledger_take(&call_share(c)->transfers, 1);
    c->attempts += answer->starts > 1 && c->repeatable ? answer->starts - 1 : 0;
    c->acted = c->acted || (!c->repeatable && may_have_acted(answer));
    c->changed = c->changed || (!only_reads(c->send.method) && may_have_acted(answer));
    c->result.upstream_status = answer->status;
    call_leave_upstream(c, judge(c, answer));
    if (c->worker->otlp != NULL)
        call_trace_attempt(c, answer);
    if (c->conn->policies.limits.adapt && answer->failure == HTTP_FAIL_NONE && !c->steps.request.foreign)
        heed_limits(c, answer);
    if (c->content != NULL && content_answered(c, answer))
        return;
    mapped_error mapped = call_map_error(c, answer);
    bool good = answer->failure == HTTP_FAIL_NONE && answer->status < 400 && mapped.problem == PROBLEM_NONE;
    if (!good && (try_renewed(c, answer) || try_again(c, answer, &mapped)))
        return;
    if (c->aftermath == AFTERMATH_SENDING) {
        aftermath_answered(c, answer);
        return;
    }
    c->refused_path = good && answer->status < 300 ? (bb_str){NULL, 0}
                                                   : arena_copy(c->memory, call_path_asked(c));
    if (answer->status == 304 && call_cache_not_modified(c, answer)) {
        call_end(c);
        return;
    }
    if (good && c->keyed)
        call_cache_answer(c, answer);
    stage_result result = answer->failure != HTTP_FAIL_NONE ? call_fail_by_transport(c, answer)
                          : answer->status < 400 && !good   ? call_fail_mapped(c)
                                                            : call_resume(c, answer);
    if (result == STAGE_END)
        call_end(c);
}
