/* transform.c - stages: the admin's jq programs over input and output, run in room transform's child
 * processes. */
#include "pipeline/call_internal.h"

#define RESULT_MAX (16u << 20)

/* $busbar in the program: where it runs. */
static bb_str variables(call *c) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    json_member_string(&w, STR("connection"), c->conn->id);
    json_member_string(&w, STR("operation"), c->op->id);
    json_member_string(&w, STR("execution"), str_from(c->id));
    json_object_end(&w);
    bb_str text = arena_copy(c->memory, buf_str(&out));
    buf_free(&out);
    return text;
}

static stage_result fail_transform(call *c, transform_outcome outcome, bb_str detail, const char *which) {
    static const char *const words[] = {"", "fails: ", "takes too long",
                                        "needs too much memory, or gives too much", "cannot be run"};
    if (outcome == TRANSFORM_BUSY)
        return call_failf(c, PROBLEM_OVERLOADED, "[transform] %s: %.*s", which, STR_FMT(detail));
    return call_failf(c, PROBLEM_TRANSFORM_FAILED, "[transform] %s %s%.*s", which, words[outcome],
                      outcome == TRANSFORM_FAILED || outcome == TRANSFORM_BROKEN ? (int)detail.len : 0,
                      detail.ptr != NULL ? detail.ptr : "");
}

static void end_failed(call *c, transform_outcome outcome, bb_str detail, const char *which) {
    fail_transform(c, outcome, detail, which);
    call_end(c);
}

static stage_result start(call *c, const char *program, bb_str input, transform_done done,
                          const char *which) {
    uint64_t left = call_left_ms(c);
    const transform_job job = {.program = program,
                               .input = input,
                               .variables = variables(c),
                               .owner = str_hash(c->conn->id),
                               .timeout_ms = c->conn->policies.transform.timeout_ms,
                               .within_ms = left > 0 ? left : 1,
                               .max_result = RESULT_MAX};
    if (c->worker->transforms != NULL)
        c->transform = transform_start(c->worker->transforms, &job, done, c);
    return c->transform != NULL ? STAGE_WAIT : fail_transform(c, TRANSFORM_BROKEN, STR(""), which);
}

/* --- request ---------------------------------------------------------------------------------------------
 */

/* Nothing was asked of the service yet. */
static void end_request(call *c, transform_outcome outcome, bb_str detail) {
    fail_transform(c, outcome, detail, "request");
    c->result.unbegun = outcome == TRANSFORM_BUSY;
    call_end(c);
}

static void on_request(transform_outcome outcome, bb_str json, bb_str detail, void *ctx) {
    call *c = ctx;
    c->transform = NULL;
    if (outcome != TRANSFORM_OK) {
        end_request(c, outcome, detail);
        return;
    }
    bb_str text = arena_copy(c->memory, json);
    c->input = text.ptr != NULL ? json_read(c->memory, text, NULL, NULL) : NULL;
    if (c->input == NULL) {
        end_failed(c, TRANSFORM_TOO_LARGE, STR(""), "request");
        return;
    }
    call_go_on(c);
}

stage_result stage_transform_request(call *c) {
    const transform_policy *p = &c->conn->policies.transform;
    if (p->request == NULL || !patterns_fit(&p->operations, c->op->id))
        return STAGE_NEXT;
    return start(c, p->request, json_raw(c->input), on_request, "request");
}

/* --- response --------------------------------------------------------------------------------------------
 */

static void on_response(transform_outcome outcome, bb_str json, bb_str detail, void *ctx) {
    call *c = ctx;
    c->transform = NULL;
    if (outcome != TRANSFORM_OK) {
        end_failed(c, outcome, detail, "response");
        return;
    }
    c->result.data = arena_copy(c->memory, json);
    if (c->result.data.ptr == NULL) {
        end_failed(c, TRANSFORM_TOO_LARGE, STR(""), "response");
        return;
    }
    call_go_on(c);
}

stage_result stage_transform_response(call *c) {
    const transform_policy *p = &c->conn->policies.transform;
    if (p->response == NULL || !patterns_fit(&p->operations, c->op->id))
        return STAGE_NEXT;
    return start(c, p->response, c->result.data, on_response, "response");
}
