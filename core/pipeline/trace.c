/* trace.c - the call in a distributed trace: the caller's traceparent goes on to the service, and spans are
 * exported. */
#include "pipeline/call_internal.h"

#include "base/clock.h"

#include <stdio.h>

static void random_bytes(call *c, uint8_t *out, size_t n) {
    for (size_t i = 0; i < n; i += 8) {
        uint64_t word = worker_random(c->worker) | 1; /* never all zero, which is no id */
        memcpy(out + i, &word, 8);
    }
}

static bool sampled(const call *c) {
    return (c->request.trace.flags & 1) != 0;
}

void call_trace_begin(call *c) {
    trace_context *t = &c->request.trace;
    c->traced = t->present || c->worker->otlp != NULL;
    if (!c->traced)
        return;
    if (!t->present) {
        random_bytes(c, t->trace_id, sizeof t->trace_id);
        memset(t->parent_id, 0, sizeof t->parent_id);
        double draw = (double)(worker_random(c->worker) >> 11) / 9007199254740992.0;
        t->flags = draw < c->worker->sample;
    }
    memcpy(c->trace_id, t->trace_id, sizeof c->trace_id);
    random_bytes(c, c->span_id, sizeof c->span_id);
}

bb_str call_traceparent(call *c) {
    char text[TRACEPARENT_SIZE];
    random_bytes(c, c->client_span_id, sizeof c->client_span_id);
    trace_write(c->trace_id, c->client_span_id, c->request.trace.flags, text);
    return arena_printf(c->steps.memory, "traceparent: %s", text);
}

static void describe(const call *c, trace_span *s) {
    memcpy(s->trace_id, c->trace_id, sizeof s->trace_id);
    str_put(s->connection, sizeof s->connection, c->conn->id);
    str_put(s->plugin, sizeof s->plugin, c->conn->module->id);
    str_put(s->operation, sizeof s->operation, c->op->id);
    memcpy(s->execution, c->id, sizeof s->execution);
}

/* "GET api.example.com": a path may hold what is not to be shown, and makes too many names. */
static void name_attempt(const call *c, trace_span *s) {
    bb_str base = c->conn->base_url, scheme_end = STR("://");
    const char *at = base.len > 0 ? memmem(base.ptr, base.len, scheme_end.ptr, scheme_end.len) : NULL;
    bb_str host = STR("?"), rest = at != NULL ? str_of(at + 3, base.len - (size_t)(at + 3 - base.ptr)) : base;
    if (!c->steps.request.foreign && rest.len > 0)
        str_split(&rest, '/', &host);
    snprintf(s->name, sizeof s->name, "%.*s %.*s", STR_FMT(c->send.method), STR_FMT(host));
}

void call_trace_attempt(call *c, const http_answer *answer) {
    if (!sampled(c))
        return;
    trace_span s = {.kind = SPAN_CLIENT,
                    .start_ns = c->sent_wall_ns,
                    .end_ns = clock_wall_ns(),
                    .http_status = (uint16_t)answer->status,
                    .attempt = (uint16_t)c->attempts};
    describe(c, &s);
    memcpy(s.span_id, c->client_span_id, sizeof s.span_id);
    memcpy(s.parent_id, c->span_id, sizeof s.parent_id);
    name_attempt(c, &s);
    if (answer->failure != HTTP_FAIL_NONE)
        s.outcome = PROBLEM_UPSTREAM_UNREACHABLE;
    else if (answer->status >= 400)
        s.outcome = PROBLEM_UPSTREAM_ERROR;
    otlp_add(c->worker->otlp, c->worker->number, &s);
}

void call_trace_session(call *c, problem outcome) {
    if (c->worker->otlp == NULL || !sampled(c))
        return;
    trace_span s = {.kind = SPAN_CLIENT,
                    .start_ns = c->sent_wall_ns,
                    .end_ns = clock_wall_ns(),
                    .outcome = outcome,
                    .attempt = (uint16_t)c->attempts};
    describe(c, &s);
    random_bytes(c, s.span_id, sizeof s.span_id);
    memcpy(s.parent_id, c->span_id, sizeof s.parent_id);
    snprintf(s.name, sizeof s.name, "%.*s session", STR_FMT(c->conn->module->id));
    otlp_add(c->worker->otlp, c->worker->number, &s);
}

void call_trace_end(call *c) {
    if (!c->traced || c->worker->otlp == NULL || !sampled(c))
        return;
    trace_span s = {.kind = SPAN_SERVER,
                    .start_ns = c->started_wall_ns,
                    .end_ns = c->started_wall_ns + (c->ended_ns - c->started_ns),
                    .outcome = c->result.problem,
                    .http_status = (uint16_t)c->result.upstream_status,
                    .attempt = (uint16_t)c->attempts,
                    .cached = c->result.cache >= CACHE_HIT};
    describe(c, &s);
    memcpy(s.span_id, c->span_id, sizeof s.span_id);
    memcpy(s.parent_id, c->request.trace.parent_id, sizeof s.parent_id);
    snprintf(s.name, sizeof s.name, "%.*s %.*s", STR_FMT(c->conn->id), STR_FMT(c->op->id));
    otlp_add(c->worker->otlp, c->worker->number, &s);
}
