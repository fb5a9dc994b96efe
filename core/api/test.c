/* test.c - testing a connection by one call of its test operation. */
#include "api/routes.h"
#include "pipeline/call.h"

static void on_gone(http_exchange *x, void *ctx) {
    (void)x;
    call_cancel(ctx);
}

static void on_begun(call *c, void *ctx) {
    http_exchange_on_gone(ctx, on_gone, c);
}

static void write_check(json_writer *w, const char *name, bool ok, bb_str detail, const char *advice) {
    json_object(w);
    json_member_string(w, STR("name"), str_from(name));
    json_member_bool(w, STR("ok"), ok);
    json_member_string(w, STR("detail"), detail);
    if (!ok && advice[0] != '\0')
        json_member_string(w, STR("advice"), str_from(advice));
    json_object_end(w);
}

/* What one call of the test operation tells. */
static void write_checks(json_writer *w, const call *c, const call_result *r) {
    const char *advice = problem_of(r->problem)->advice;
    bool answered = r->upstream_status != 0 || r->problem == PROBLEM_NONE;
    bool credentials = r->problem != PROBLEM_UPSTREAM_AUTH && r->problem != PROBLEM_UPSTREAM_FORBIDDEN;
    write_check(w, "configuration", true, str_from(call_connection(c)->file), "");
    write_check(w, "reachable", answered, answered ? STR("the service answers") : r->detail, advice);
    if (!answered)
        return;
    write_check(w, "credentials", credentials, credentials ? STR("the service accepts them") : r->detail,
                advice);
    if (credentials)
        write_check(w, "answer", r->problem == PROBLEM_NONE,
                    r->problem == PROBLEM_NONE ? STR("the test operation succeeds") : r->detail, advice);
}

static void on_tested(call *c, const call_result *r, void *ctx) {
    http_exchange *x = ctx;
    http_exchange_on_gone(x, NULL, NULL);
    buf body;
    buf_init(&body);
    json_writer w;
    json_writer_init(&w, &body);
    json_object(&w);
    json_member_string(&w, STR("connection"), call_connection(c)->id);
    json_member_bool(&w, STR("ok"), r->problem == PROBLEM_NONE);
    json_keyl(&w, "checks");
    json_array(&w);
    write_checks(&w, c, r);
    json_array_end(&w);
    json_keyl(&w, "execution");
    call_write_execution(c, &w);
    json_object_end(&w);
    reply_json(x, 200, &body);
    call_free(c);
}

/* A connection that cannot be called, or whose connector names no test. */
static void reply_untested(http_exchange *x, const snapshot_entry *entry) {
    bool ok = entry->conn != NULL;
    buf body;
    buf_init(&body);
    json_writer w;
    json_writer_init(&w, &body);
    json_object(&w);
    json_member_string(&w, STR("connection"), entry->id);
    json_member_bool(&w, STR("ok"), ok);
    json_keyl(&w, "checks");
    json_array(&w);
    write_check(&w, "configuration", ok, ok ? str_from(entry->file) : entry->error,
                problem_of(PROBLEM_CONNECTION_REFUSED)->advice);
    if (ok)
        write_check(&w, "reachable", true, STR("not tried: the connector declares no test operation"), "");
    json_array_end(&w);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

void route_test(api *a, http_exchange *x, const route_params *p) {
    const snapshot_entry *entry = find_entry(a, x, p->who, p->part[0]);
    if (entry == NULL)
        return;
    const char *test = entry->conn != NULL ? entry->conn->module->desc->test_operation : NULL;
    if (test == NULL) {
        reply_untested(x, entry);
        return;
    }
    call_request request = {.conn = entry->conn,
                            .op = module_op(entry->conn->module, str_from(test)),
                            .input = STR("{}"),
                            .cache = {.no_store = true}};
    if (!call_begin(a->worker, &request, on_begun, on_tested, x))
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for the call"));
}
