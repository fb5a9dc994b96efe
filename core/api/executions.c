/* executions.c - the calls of late, and of before. */
#include "api/routes.h"
#include "api/running.h"
#include "observe/history.h"

#define LISTED 50u /* where no limit is given */

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

/* --- those that run ---------------------------------------------------------------------------------------
 */

static void on_running(api *a, http_exchange *x, bb_str calls, void *ctx) {
    (void)a, (void)ctx;
    buf out;
    buf_init(&out);
    buf_printf(&out, "{\"executions\":[%.*s],\"next\":null}", STR_FMT(calls));
    reply_json(x, 200, &out);
}

static bool wants_running(http_exchange *x) {
    bb_str status;
    return http_exchange_query(x, STR("status"), &status) && str_eq(status, STR("running"));
}

/* GET /api/v1/executions?status=running&connection=&operation=&call=&limit= */
static void list_running(api *a, http_exchange *x, const route_params *p) {
    running_filter f = {.connections = p->who->connections.count > 0 ? &p->who->connections : NULL};
    uint64_t limit = 0;
    query_text(x, STR("connection"), &f.connection);
    query_text(x, STR("operation"), &f.operation);
    query_text(x, STR("call"), &f.call);
    if (!query_count(x, STR("limit"), 1000, &limit))
        return;
    if (!running_ask(a, x, &f, limit > 0 ? limit : LISTED, on_running, NULL))
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for this"));
}

/* --- and those that ran ------------------------------------------------------------------------------------
 */

/* False: the exchange has been answered. */
static bool read_filter(http_exchange *x, execution_filter *f) {
    bb_str text;
    uint64_t limit;
    query_text(x, STR("connection"), &f->connection);
    query_text(x, STR("operation"), &f->operation);
    query_text(x, STR("before"), &f->before);
    if (http_exchange_query(x, STR("status"), &text)) {
        if (!str_eq(text, STR("failed")) && !str_eq(text, STR("succeeded"))) {
            reply_problem(x, PROBLEM_BAD_REQUEST, STR("status is failed, succeeded or running"));
            return false;
        }
        f->failed = str_eq(text, STR("failed"));
    }
    if (!query_count(x, STR("limit"), 1000, &limit))
        return false;
    f->limit = limit > 0 ? limit : LISTED;
    return query_time(x, STR("since"), &f->since_ms) && query_time(x, STR("until"), &f->until_ms);
}

/* GET /api/v1/executions?connection=&operation=&status=&since=&until=&before=&limit= */
void route_executions(api *a, http_exchange *x, const route_params *p) {
    static const char *const known[] = {"connection", "operation", "status", "since", "until",
                                        "before",     "limit",     "call",   NULL};
    execution_filter f = {.failed = -1};
    if (!query_known(x, known))
        return;
    if (wants_running(x)) {
        list_running(a, x, p);
        return;
    }
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

/* It does not run, or not any more: then it is among those that ran. */
static void on_looked(api *a, http_exchange *x, bb_str calls, void *ctx) {
    const execution_filter *f = ctx;
    if (calls.len > 0)
        on_listed(true, calls, x);
    else if (!history_find(a->shared->executions, a->shared->store, f, a->worker->loop, on_found, x))
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for this"));
}

void route_execution(api *a, http_exchange *x, const route_params *p) {
    execution_filter *f = arena_zalloc(http_exchange_arena(x), sizeof *f);
    running_filter running = {.id = p->part[0]};
    if (f != NULL) {
        *f = (execution_filter){.id = p->part[0], .failed = -1, .limit = 1};
        f->connections = p->who->connections.count > 0 ? &p->who->connections : NULL;
        running.connections = f->connections;
    }
    if (f == NULL || !running_ask(a, x, &running, 1, on_looked, f))
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for this"));
}
