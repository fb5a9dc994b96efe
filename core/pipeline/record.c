/* record.c - stage: what is counted and remembered of a call that has ended. */
#include "pipeline/call_internal.h"

static const char *const cache_words[] = {"", "bypass", "miss", "hit", "stale", "revalidated", "shared"};
static const char *const fallback_words[] = {"", "connection", "stale", "document"};

/* A caller's slip says nothing of the connection's health. */
static bool is_callers(problem p) {
    return p < PROBLEM_UPSTREAM_ERROR || p == PROBLEM_UPSTREAM_REJECTED || p == PROBLEM_UPSTREAM_NOT_FOUND ||
           p == PROBLEM_UPSTREAM_CONFLICT || p == PROBLEM_CANCELLED || p == PROBLEM_TRANSFORM_FAILED ||
           p == PROBLEM_OUTPUT_INVALID;
}

static void count(connection_stats *s, problem p, uint64_t now_ms, uint64_t duration_ns) {
    atomic_fetch_add_explicit(&s->calls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->durations[alert_bucket(duration_ns)], 1, memory_order_relaxed);
    if (p == PROBLEM_NONE) {
        atomic_store_explicit(&s->last_success_ms, now_ms, memory_order_relaxed);
        if (atomic_load_explicit(&s->failing, memory_order_relaxed) != 0)
            atomic_store_explicit(&s->failing, 0, memory_order_relaxed);
        return;
    }
    atomic_fetch_add_explicit(&s->failures, 1, memory_order_relaxed);
    if (is_callers(p))
        return;
    atomic_fetch_add_explicit(&s->faults, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->failing, 1, memory_order_relaxed);
    atomic_store_explicit(&s->last_failure_ms, now_ms, memory_order_relaxed);
    atomic_store_explicit(&s->last_problem, (int)p, memory_order_relaxed);
}

static void describe(call *c, execution *e) {
    memcpy(e->id, c->id, sizeof e->id);
    str_put(e->connection, sizeof e->connection, c->conn->id);
    str_put(e->plugin, sizeof e->plugin, c->conn->module->id);
    str_put(e->operation, sizeof e->operation, c->op->id);
    str_put(e->key, sizeof e->key, c->request.who != NULL ? c->request.who->id : STR(""));
    e->started_ms = c->started_wall_ns / 1000000u;
    e->duration_us = (c->ended_ns - c->started_ns) / 1000;
    e->outcome = c->result.problem;
    e->upstream_status = (uint16_t)c->result.upstream_status;
    e->attempts = (uint16_t)(c->attempts < UINT16_MAX ? c->attempts : UINT16_MAX);
    e->cache = cache_words[c->result.cache];
    e->fallback = fallback_words[c->result.fallback];
    str_put(e->detail, sizeof e->detail, c->result.detail);
    e->trace[0] = '\0';
    if (c->traced) {
        char text[TRACEPARENT_SIZE];
        trace_write(c->trace_id, c->span_id, 0, text);
        memcpy(e->trace, text + 3, 32);
        e->trace[32] = '\0';
    }
    call_summary_request(c, e->request, sizeof e->request);
    call_summary_response(c, e->response, sizeof e->response);
}

/* The service was asked, or is known to fail, whatever answered in its place. */
static bool was_asked(const call_result *r) {
    return r->cache < CACHE_HIT || r->cache == CACHE_REVALIDATED || r->fallback != FALLBACK_NONE;
}

void call_record(call *c) {
    uint64_t duration = c->ended_ns - c->started_ns;
    unsigned n = c->worker->number;
    describe(c, executions_next(c->worker->executions, n));
    executions_added(c->worker->executions, n);
    metrics_call_end(c->op->stats, n, c->result.problem, duration);
    if (c->result.cache != CACHE_UNUSED)
        metrics_cache(c->op->stats, n, c->result.cache - CACHE_BYPASS);
    if (c->result.fallback != FALLBACK_NONE)
        metrics_fallback(c->op->stats, n);
    if (was_asked(&c->result))
        count(c->conn->stats, c->result.fallback != FALLBACK_NONE ? c->result.instead_of : c->result.problem,
              (c->started_wall_ns + duration) / 1000000u, duration);
    call_trace_end(c);
}

/* Microseconds as milliseconds with three decimals: 1.234. */
static void put_milliseconds(json_writer *w, uint64_t us) {
    char digits[32];
    size_t at = sizeof digits;
    for (int place = 0; place < 4 || us > 0; place++) {
        if (place == 3)
            digits[--at] = '.';
        digits[--at] = (char)('0' + us % 10);
        us /= 10;
    }
    json_put_raw(w, str_of(digits + at, sizeof digits - at));
}

/* {"kind": "connection", "connection": "b", "instead_of": "upstream-unavailable", "detail": ...} */
static void write_fallback(const call *c, json_writer *w) {
    json_keyl(w, "fallback");
    json_object(w);
    json_member_string(w, STR("kind"), str_from(fallback_words[c->result.fallback]));
    if (c->result.fallback == FALLBACK_CONNECTION)
        json_member_string(w, STR("connection"), c->conn->policies.fallback.connection);
    json_member_string(w, STR("instead_of"), str_from(problem_of(c->result.instead_of)->name));
    if (c->result.detail.len > 0)
        json_member_string(w, STR("detail"), c->result.detail);
    json_object_end(w);
}

void call_write_execution(const call *c, json_writer *w) {
    json_object(w);
    json_member_string(w, STR("id"), str_from(c->id));
    json_member_string(w, STR("connection"), c->conn->id);
    json_member_string(w, STR("operation"), c->op->id);
    json_member_string(w, STR("status"),
                       c->result.problem == PROBLEM_NONE ? STR("succeeded") : STR("failed"));
    json_member_u64(w, STR("attempts"), c->attempts);
    json_member_bool(w, STR("cached"), c->result.cache >= CACHE_HIT);
    if (c->result.cache != CACHE_UNUSED)
        json_member_string(w, STR("cache"), str_from(cache_words[c->result.cache]));
    if (c->result.cache >= CACHE_HIT && c->result.cache != CACHE_SHARED)
        json_member_u64(w, STR("age_ms"), c->result.age_ms);
    if (c->result.fallback != FALLBACK_NONE)
        write_fallback(c, w);
    json_keyl(w, "duration_ms");
    put_milliseconds(w, (c->ended_ns - c->started_ns) / 1000);
    json_object_end(w);
}
