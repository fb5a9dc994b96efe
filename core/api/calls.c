/* calls.c - calling an operation, and testing a connection by one. */
#include "api/routes.h"
#include "pipeline/call.h"

#include <stdio.h>

/* --- the answer -------------------------------------------------------------------------------------------
 */

static void write_page(json_writer *w, const call_result *r) {
    if (!r->paginated)
        return;
    json_keyl(w, "page");
    json_object(w);
    json_keyl(w, "next");
    if (r->next_cursor.len > 0)
        json_put_string_lossy(w, r->next_cursor);
    else
        json_put_null(w);
    if (r->truncated)
        json_member_bool(w, STR("truncated"), true);
    json_object_end(w);
}

/* {"data": OUTPUT, "page": ..., "execution": ...}: the output goes out from where it is, without a copy. */
static void reply_data(http_exchange *x, const call *c, const call_result *r) {
    buf tail;
    buf_init(&tail);
    json_writer w;
    json_writer_init(&w, &tail);
    json_object(&w);
    write_page(&w, r);
    json_keyl(&w, "execution");
    call_write_execution(c, &w);
    json_object_end(&w);
    if (tail.len > 0 && !tail.failed)
        tail.ptr[0] = ','; /* goes on after the data */
    bb_str parts[] = {STR("{\"data\":"), r->data, buf_str(&tail)};
    http_response response = {
        .status = 200, .content_type = STR("application/json"), .body = parts, .body_parts = 3};
    if (tail.failed)
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for the answer"));
    else
        http_respond(x, &response);
    buf_free(&tail);
}

static void write_upstream(json_writer *w, const call_result *r) {
    if (r->upstream_status == 0 && r->upstream_code.len == 0)
        return;
    json_keyl(w, "upstream");
    json_object(w);
    if (r->upstream_status != 0)
        json_member_u64(w, STR("status"), r->upstream_status);
    if (r->upstream_code.len > 0)
        json_member_string(w, STR("code"), r->upstream_code);
    json_object_end(w);
}

static void write_issues(json_writer *w, const call_result *r) {
    if (r->issue_count == 0)
        return;
    json_keyl(w, "errors");
    json_array(w);
    for (size_t i = 0; i < r->issue_count; i++) {
        json_object(w);
        json_member_string(w, STR("pointer"), r->issues[i].pointer);
        json_member_string(w, STR("detail"), r->issues[i].detail);
        json_object_end(w);
    }
    json_array_end(w);
}

static void reply_failure(http_exchange *x, const call *c, const call_result *r) {
    buf body;
    buf_init(&body);
    json_writer w;
    json_writer_init(&w, &body);
    reply_problem_head(&w, r->problem, r->detail, r->retryable);
    write_upstream(&w, r);
    write_issues(&w, r);
    json_keyl(&w, "execution");
    call_write_execution(c, &w);
    json_object_end(&w);
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)((r->retry_after_ms + 999) / 1000));
    http_header retry_after = {STR("Retry-After"), str_from(seconds)};
    bb_str part = buf_str(&body);
    http_response response = {.status = problem_of(r->problem)->status,
                              .content_type = STR("application/problem+json"),
                              .headers = &retry_after,
                              .header_count = r->retry_after_ms > 0,
                              .body = &part,
                              .body_parts = 1};
    http_respond(x, &response);
    buf_free(&body);
}

/* --- a call ------------------------------------------------------------------------------------------------
 */

static void on_done(call *c, const call_result *r, void *ctx) {
    http_exchange *x = ctx;
    http_exchange_on_gone(x, NULL, NULL);
    if (r->problem == PROBLEM_NONE)
        reply_data(x, c, r);
    else
        reply_failure(x, c, r);
    call_free(c);
}

static void on_gone(http_exchange *x, void *ctx) {
    (void)x;
    call_cancel(ctx); /* ends in on_done, which ends the exchange */
}

/* The client's going away ends the call. */
static void on_begun(call *c, void *ctx) {
    http_exchange_on_gone(ctx, on_gone, c);
}

static bool read_flag(http_exchange *x, bb_str name, bool *out) {
    bb_str text;
    *out = false;
    if (!http_exchange_query(x, name, &text))
        return true;
    *out = str_eq(text, STR("true")) || str_eq(text, STR("1"));
    return *out || str_eq(text, STR("false")) || str_eq(text, STR("0"));
}

/* ?cursor=, ?all=, ?max_items=, ?timeout=; false: the exchange has been answered. */
static bool read_options(http_exchange *x, call_request *r) {
    bb_str text;
    if (http_exchange_query(x, STR("cursor"), &text))
        r->cursor = text;
    if (http_exchange_query(x, STR("timeout"), &text) &&
        (!str_to_duration_ms(text, &r->timeout_ms) || r->timeout_ms == 0)) {
        reply_problem(x, PROBLEM_BAD_REQUEST, STR("timeout is a duration as 500ms, 5s or 2m"));
        return false;
    }
    if (http_exchange_query(x, STR("max_items"), &text) &&
        (!str_to_u64(text, &r->max_items) || r->max_items == 0)) {
        reply_problem(x, PROBLEM_BAD_REQUEST, STR("max_items is a number from 1"));
        return false;
    }
    if (!read_flag(x, STR("all"), &r->all)) {
        reply_problem(x, PROBLEM_BAD_REQUEST, STR("all is true or false"));
        return false;
    }
    bool paginated = (r->op->desc->flags & BB_OP_PAGINATED) != 0;
    if (!paginated && (r->all || r->cursor.len > 0 || r->max_items > 0)) {
        reply_problemf(x, PROBLEM_BAD_REQUEST,
                       "operation %s has no pages: leave out cursor, all and max_items", r->op->desc->id);
        return false;
    }
    r->all = r->all || r->max_items > 0;
    return true;
}

void route_call(api *a, http_exchange *x, const route_params *p) {
    const snapshot_entry *entry = find_connection(a, x, p->part[0]);
    const plugin_op *op = entry != NULL ? find_operation(x, entry->conn->module, p->part[1]) : NULL;
    if (op == NULL)
        return;
    call_request request = {.conn = entry->conn, .op = op, .input = http_exchange_request(x)->body};
    if (http_exchange_request(x)->query.len > 0 && !read_options(x, &request))
        return;
    if (!call_begin(a->worker, &request, on_begun, on_done, x))
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for the call"));
}

/* --- a test ------------------------------------------------------------------------------------------------
 */

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
    const snapshot_entry *entry = snapshot_find(a->worker->snapshot, p->part[0]);
    if (entry == NULL) {
        find_connection(a, x, p->part[0]); /* says so */
        return;
    }
    const char *test = entry->conn != NULL ? entry->conn->module->desc->test_operation : NULL;
    if (test == NULL) {
        reply_untested(x, entry);
        return;
    }
    call_request request = {
        .conn = entry->conn, .op = module_op(entry->conn->module, str_from(test)), .input = STR("{}")};
    if (!call_begin(a->worker, &request, on_begun, on_tested, x))
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for the call"));
}
