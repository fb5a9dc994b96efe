/* executions.c - the calls of late, and of before. */
#include "api/routes.h"
#include "content/progress.h"
#include "observe/history.h"

static void on_listed(bool stored, bb_str json, void *ctx) {
    http_exchange *x = ctx;
    http_header partial = {STR("Busbar-Partial"), STR("the store cannot be read")};
    http_response response = {.status = 200,
                              .content_type = STR("application/json"),
                              .headers = &partial,
                              .header_count = !stored,
                              .body = &json,
                              .body_parts = 1};
    http_respond(x, &response);
}

/* False: the exchange has been answered. */
static bool read_filter(http_exchange *x, execution_filter *f) {
    bb_str text;
    uint64_t limit;
    if (http_exchange_query(x, STR("connection"), &text))
        f->connection = text;
    if (http_exchange_query(x, STR("operation"), &text))
        f->operation = text;
    if (http_exchange_query(x, STR("before"), &text))
        f->before = text;
    if (http_exchange_query(x, STR("status"), &text)) {
        if (!str_eq(text, STR("failed")) && !str_eq(text, STR("succeeded"))) {
            reply_problem(x, PROBLEM_BAD_REQUEST, STR("status is failed or succeeded"));
            return false;
        }
        f->failed = str_eq(text, STR("failed"));
    }
    if (http_exchange_query(x, STR("limit"), &text)) {
        if (!str_to_u64(text, &limit) || limit == 0 || limit > 1000) {
            reply_problem(x, PROBLEM_BAD_REQUEST, STR("limit is a number from 1 to 1000"));
            return false;
        }
        f->limit = limit;
    }
    return query_time(x, STR("since"), &f->since_ms) && query_time(x, STR("until"), &f->until_ms);
}

/* GET /api/v1/executions?connection=&operation=&status=&since=&until=&before=&limit= */
void route_executions(api *a, http_exchange *x, const route_params *p) {
    execution_filter f = {.failed = -1, .limit = 50};
    if (!read_filter(x, &f))
        return;
    f.connections = p->who->connections.count > 0 ? &p->who->connections : NULL;
    if (!history_query(a->shared->executions, a->shared->store, &f, a->worker->loop, on_listed, x))
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for this"));
}

static void on_found(bool stored, bb_str json, void *ctx) {
    http_exchange *x = ctx;
    if (json.len > 0)
        on_listed(true, json, x);
    else if (!stored)
        reply_problem(x, PROBLEM_STORE_UNAVAILABLE, STR("the store cannot be read"));
    else
        reply_problem(x, PROBLEM_NOT_FOUND, STR("this execution is not, or no longer, remembered"));
}

void route_execution(api *a, http_exchange *x, const route_params *p) {
    execution_filter f = {.id = p->part[0], .failed = -1, .limit = 1};
    f.connections = p->who->connections.count > 0 ? &p->who->connections : NULL;
    buf running;
    buf_init(&running);
    if (content_progress_find(a->shared->progress, p->part[0], f.connections, &running)) {
        reply_json(x, 200, &running);
        return;
    }
    buf_free(&running);
    if (!history_find(a->shared->executions, a->shared->store, &f, a->worker->loop, on_found, x))
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for this"));
}
