/* fallback.c - what answers in place of a service that fails: a cached answer that is past its time, another
 * connection, a fixed document, in this order. The answer says that it is one. */
#include "pipeline/call_internal.h"

static void take_nested(call *c, const call_result *r) {
    problem instead_of = c->result.problem;
    c->result.data = r->data;
    c->result.paginated = r->paginated;
    c->result.next_cursor = r->next_cursor;
    c->result.truncated = r->truncated;
    c->result.problem = PROBLEM_NONE;
    c->result.fallback = FALLBACK_CONNECTION;
    c->result.instead_of = instead_of;
}

static bool use_document(call *c) {
    const fallback_policy *p = &c->conn->policies.fallback;
    if (p->document.ptr == NULL)
        return false;
    c->result.instead_of = c->result.problem;
    c->result.problem = PROBLEM_NONE;
    c->result.data = p->document;
    c->result.paginated = c->result.truncated = false;
    c->result.next_cursor = (bb_str){NULL, 0};
    c->result.fallback = FALLBACK_DOCUMENT;
    return true;
}

/* The nested call stays until this one goes: the answer is in its memory. */
static void on_nested(call *nested, const call_result *r, void *ctx) {
    call *c = ctx;
    c->nested = nested;
    c->nested_running = false;
    if (r->unsure) {
        c->acted = true;
        c->result.retryable = false;
    }
    if (c->ended) /* cancelled meanwhile */
        return;
    call_wait_over(c);
    if (r->problem == PROBLEM_NONE)
        take_nested(c, r);
    else
        use_document(c);
    call_end(c);
}

static void on_begun(call *nested, void *ctx) {
    call *c = ctx;
    c->nested = nested;
}

/* An unsafe request that may have been acted on is not sent to another service too. */
static bool may_go_elsewhere(const call *c) {
    return call_op_repeatable(c->op) ||
           (!c->result.unsure && (c->result.upstream_status == 0 || c->result.upstream_status == 429));
}

static bool call_other(call *c) {
    bb_str id = c->conn->policies.fallback.connection;
    const snapshot_entry *entry = id.ptr != NULL ? snapshot_find(c->worker->snapshot, id) : NULL;
    connection *other = entry != NULL ? entry->conn : NULL;
    const plugin_op *op = other != NULL ? module_op(other->module, c->op->id) : NULL;
    c->deadline_ns = c->last_deadline_ns; /* from here on all the time that the caller gave */
    uint64_t left = call_left_ms(c);
    if (op == NULL || left == 0 || !may_go_elsewhere(c))
        return false;
    call_request request = c->request;
    request.conn = other;
    request.op = op;
    request.who = NULL;
    request.timeout_ms = left;
    request.is_fallback = true;
    request.flight = NULL;
    c->nested_running = true;
    if (call_begin(c->worker, &request, on_begun, on_nested, c))
        return true;
    c->nested_running = false;
    return false;
}

static bool rescue(call *c, uint64_t stale_ms) {
    problem instead_of = c->result.problem;
    if (!call_cache_rescue(c, stale_ms))
        return false;
    c->result.fallback = FALLBACK_STALE;
    c->result.instead_of = instead_of;
    return true;
}

/* Failures for which stale_if_error serves (RFC 5861 section 4: those that are the service's, not the
 * caller's). */
static bool is_services(problem p) {
    switch (p) {
    case PROBLEM_UPSTREAM_ERROR:
    case PROBLEM_UPSTREAM_INVALID:
    case PROBLEM_UPSTREAM_RATE_LIMITED:
    case PROBLEM_UPSTREAM_UNAVAILABLE:
    case PROBLEM_UPSTREAM_TIMEOUT:
    case PROBLEM_UPSTREAM_UNREACHABLE:
    case PROBLEM_CIRCUIT_OPEN:
    case PROBLEM_CREDENTIALS_UNAVAILABLE:
    case PROBLEM_RATE_LIMITED:
    case PROBLEM_DEADLINE_EXCEEDED: return true;
    default: return false;
    }
}

bool call_fall_back(call *c) {
    const policies *p = &c->conn->policies;
    problem failed = c->result.problem;
    if (failed == PROBLEM_NONE || c->content != NULL || c->request.is_fallback ||
        c->result.fallback != FALLBACK_NONE || c->nested != NULL)
        return false;
    if (p->cache.on && is_services(failed) && rescue(c, p->cache.stale_error_ms))
        return false;
    if (!p->fallback.on[failed])
        return false;
    if (rescue(c, p->fallback.stale_ms))
        return false;
    if (call_other(c))
        return true; /* it ends this one, or has done so already */
    use_document(c);
    return false;
}
