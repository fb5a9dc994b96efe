/* status.c - the hub about itself: alive, ready, metrics, calls of late, kinds of problems. */
#include "api/routes.h"
#include "observe/metrics.h"

static void reply_text(http_exchange *x, unsigned status, bb_str type, bb_str text) {
    http_response response = {.status = status, .content_type = type, .body = &text, .body_parts = 1};
    http_respond(x, &response);
}

void route_live(api *a, http_exchange *x, const route_params *p) {
    (void)a, (void)p;
    reply_text(x, 200, STR("text/plain; charset=utf-8"), STR("live\n"));
}

void route_ready(api *a, http_exchange *x, const route_params *p) {
    (void)p;
    bool ready = atomic_load_explicit(&a->shared->ready, memory_order_relaxed);
    reply_text(x, ready ? 200 : 503, STR("text/plain; charset=utf-8"),
               ready ? STR("ready\n") : STR("not ready\n"));
}

void route_metrics(api *a, http_exchange *x, const route_params *p) {
    (void)p;
    buf text;
    buf_init(&text);
    metrics_render(&text, a->shared->version, a->shared->http_connections(a->shared->ctx));
    reply_text(x, 200, STR("text/plain; version=0.0.4; charset=utf-8"), buf_str(&text));
    buf_free(&text);
}

void route_executions(api *a, http_exchange *x, const route_params *p) {
    (void)p;
    execution_filter f = {.failed = -1, .limit = 50};
    bb_str text;
    uint64_t limit;
    if (http_exchange_query(x, STR("connection"), &text))
        f.connection = text;
    if (http_exchange_query(x, STR("operation"), &text))
        f.operation = text;
    if (http_exchange_query(x, STR("status"), &text)) {
        if (!str_eq(text, STR("failed")) && !str_eq(text, STR("succeeded"))) {
            reply_problem(x, PROBLEM_BAD_REQUEST, STR("status is failed or succeeded"));
            return;
        }
        f.failed = str_eq(text, STR("failed"));
    }
    if (http_exchange_query(x, STR("limit"), &text)) {
        if (!str_to_u64(text, &limit) || limit == 0 || limit > 1000) {
            reply_problem(x, PROBLEM_BAD_REQUEST, STR("limit is a number from 1 to 1000"));
            return;
        }
        f.limit = limit;
    }
    buf body;
    buf_init(&body);
    json_writer w;
    json_writer_init(&w, &body);
    executions_write(a->shared->executions, &f, &w);
    reply_json(x, 200, &body);
}

void route_execution(api *a, http_exchange *x, const route_params *p) {
    execution e;
    if (!executions_find(a->shared->executions, p->part[0], &e)) {
        reply_problem(x, PROBLEM_NOT_FOUND, STR("this execution is not, or no longer, remembered"));
        return;
    }
    buf body;
    buf_init(&body);
    json_writer w;
    json_writer_init(&w, &body);
    execution_write(&e, &w);
    reply_json(x, 200, &body);
}

void route_problems(api *a, http_exchange *x, const route_params *p) {
    (void)a, (void)p;
    buf body;
    buf_init(&body);
    json_writer w;
    json_writer_init(&w, &body);
    json_object(&w);
    json_keyl(&w, "problems");
    json_array(&w);
    for (int i = PROBLEM_NONE + 1; i < PROBLEM_COUNT; i++) {
        reply_problem_head(&w, (problem)i, STR(""), problem_of((problem)i)->retryable);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    reply_json(x, 200, &body);
}
