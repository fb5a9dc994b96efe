/* record.c - stage: what is counted and remembered of a call that has ended. */
#include "pipeline/call_internal.h"

static void copy(char *to, size_t cap, bb_str from) {
    size_t n = from.len < cap - 1 ? from.len : cap - 1;
    if (n > 0)
        memcpy(to, from.ptr, n);
    to[n] = '\0';
}

/* A caller's slip says nothing of the connection's health. */
static bool is_callers(problem p) {
    return p < PROBLEM_UPSTREAM_ERROR || p == PROBLEM_UPSTREAM_REJECTED || p == PROBLEM_UPSTREAM_NOT_FOUND ||
           p == PROBLEM_UPSTREAM_CONFLICT || p == PROBLEM_CANCELLED;
}

static void count(connection_stats *s, problem p, uint64_t now_ms) {
    atomic_fetch_add_explicit(&s->calls, 1, memory_order_relaxed);
    if (p == PROBLEM_NONE) {
        atomic_store_explicit(&s->last_success_ms, now_ms, memory_order_relaxed);
        if (atomic_load_explicit(&s->failing, memory_order_relaxed) != 0)
            atomic_store_explicit(&s->failing, 0, memory_order_relaxed);
        return;
    }
    atomic_fetch_add_explicit(&s->failures, 1, memory_order_relaxed);
    if (is_callers(p))
        return;
    atomic_fetch_add_explicit(&s->failing, 1, memory_order_relaxed);
    atomic_store_explicit(&s->last_failure_ms, now_ms, memory_order_relaxed);
    atomic_store_explicit(&s->last_problem, (int)p, memory_order_relaxed);
}

static void describe(const call *c, execution *e) {
    memcpy(e->id, c->id, sizeof e->id);
    copy(e->connection, sizeof e->connection, c->conn->id);
    copy(e->plugin, sizeof e->plugin, c->conn->module->id);
    copy(e->operation, sizeof e->operation, c->op->id);
    e->started_ms = c->started_ms;
    e->duration_us = (c->ended_ns - c->started_ns) / 1000;
    e->outcome = c->result.problem;
    e->upstream_status = (uint16_t)c->result.upstream_status;
    e->attempts = (uint16_t)(c->attempts < UINT16_MAX ? c->attempts : UINT16_MAX);
    copy(e->detail, sizeof e->detail, c->result.detail);
}

void call_record(call *c) {
    uint64_t duration = c->ended_ns - c->started_ns;
    execution e;
    describe(c, &e);
    metrics_call_end(c->op->stats, c->worker->number, c->result.problem, duration);
    count(c->conn->stats, c->result.problem, c->started_ms + duration / 1000000u);
    executions_add(c->worker->executions, c->worker->number, &e);
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

void call_write_execution(const call *c, json_writer *w) {
    json_object(w);
    json_member_string(w, STR("id"), str_from(c->id));
    json_member_string(w, STR("connection"), c->conn->id);
    json_member_string(w, STR("operation"), c->op->id);
    json_member_string(w, STR("status"),
                       c->result.problem == PROBLEM_NONE ? STR("succeeded") : STR("failed"));
    json_member_u64(w, STR("attempts"), c->attempts);
    json_member_bool(w, STR("cached"), false);
    json_keyl(w, "duration_ms");
    put_milliseconds(w, (c->ended_ns - c->started_ns) / 1000);
    json_object_end(w);
}
