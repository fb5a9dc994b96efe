/* call.c - an operation's steps, run as the hub's pipeline runs them. */
#include "internal.h"

#include "base/clock.h"
#include "plugin/host.h"
#include "plugin/host_abandon.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define TIMEOUT_DEFAULT_MS 30000u /* the hub's */

/* --- how it ended -------------------------------------------------------------------------------------- */

static const char *text_of(bb_test *t, bb_str s) {
    return s.len > 0 ? test_line(t->call_memory, s) : "";
}

void test_fail(bb_test *t, bb_code code, const char *format, ...) {
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    t->result.code = code;
    t->result.message = text_of(t, str_from(text));
}

/* A step that leaves it to the status says BB_E_UPSTREAM and no text. */
static bb_code code_of(const plugin_call *c) {
    const plugin_error *e = &c->error;
    if (e->code != BB_E_UPSTREAM || e->message.len > 0 || c->answer.status == 0)
        return e->code;
    bb_code code = bb_code_from_http(c->answer.status);
    return code != BB_OK ? code : BB_E_UPSTREAM_INVALID;
}

void test_fail_by_steps(bb_test *t, const plugin_call *c) {
    const plugin_error *e = &c->error;
    bb_code code = code_of(c);
    if (e->message.len > 0)
        test_fail(t, code, "%.*s", STR_FMT(e->message));
    else
        test_fail(t, code, "the service answered %d", (int)c->answer.status);
    t->result.pointer = text_of(t, e->pointer);
    t->result.upstream_code = text_of(t, e->upstream_code);
    t->result.retry = e->retry;
    if (e->upstream_status > 0)
        t->result.upstream_status = e->upstream_status;
}

/* --- before the steps ------------------------------------------------------------------------------------
 */

void test_call_begin(bb_test *t) {
    test_drop_bodies(t, NULL);
    arena_reset(t->call_memory);
    t->call_begin = t->seen_count;
    t->allocations = 0;
    t->said_count = 0;
    t->result = (bb_test_result){.size = sizeof t->result,
                                 .output = "",
                                 .next_cursor = "",
                                 .message = "",
                                 .pointer = "",
                                 .upstream_code = "",
                                 .mismatch = ""};
}

static const plugin_op *find(bb_test *t, const char *operation) {
    if (!t->connected) {
        test_fail(t, BB_E_CONFIG, "there is no connection: %s",
                  t->problem.text[0] != '\0' ? t->problem.text : "bb_test_connect was not called");
        return NULL;
    }
    const plugin_op *op = module_op(t->module, str_from(operation));
    if (op == NULL)
        test_fail(t, BB_E_UNSUPPORTED, "the connector has no operation \"%s\"", operation);
    return op;
}

/* What is wrong, and where: as the hub words it. False, always. */
static bool fail_by_issues(bb_test *t, bb_code code, const char *what, const schema_issues *issues) {
    const schema_issue *first = issues->count > 0 ? &issues->items[0] : NULL;
    if (first == NULL) {
        test_fail(t, code, "the %s does not fit its schema", what);
        return false;
    }
    test_fail(t, code, "%.*s%s%.*s", STR_FMT(first->pointer), first->pointer.len > 0 ? " " : "",
              STR_FMT(first->message));
    t->result.pointer = text_of(t, first->pointer);
    return false;
}

static const json_value *read_input(bb_test *t, const plugin_op *op, const char *input) {
    json_error e;
    schema_issues issues = {0};
    bb_str text = arena_copy(t->call_memory, str_from(input != NULL ? input : "{}"));
    const json_value *v = json_read(t->call_memory, text, NULL, &e);
    if (v == NULL)
        test_fail(t, BB_E_INVALID_INPUT, "line %u, column %u: %s", e.line, e.column, e.reason);
    else if (!schema_validate(op->input, v, t->call_memory, &issues))
        fail_by_issues(t, BB_E_INVALID_INPUT, "input", &issues);
    else if (!json_is(v, JSON_OBJECT))
        test_fail(t, BB_E_INVALID_INPUT, "the input is an object");
    else
        return v;
    return NULL;
}

static void prepare(bb_test *t, plugin_call *c, const plugin_op *op, const json_value *input,
                    const char *cursor) {
    uint64_t timeout_ms = t->deadline_ms != 0         ? t->deadline_ms
                          : op->desc->timeout_ms != 0 ? op->desc->timeout_ms
                                                      : TIMEOUT_DEFAULT_MS;
    plugin_call_init(c);
    c->memory = t->call_memory;
    c->on_progress = test_progressed;
    c->progress_ctx = t;
    c->base_url = t->base_url;
    c->origins = &t->origins;
    c->plugin_id = t->module->desc->id;
    c->connection_id = c->execution_id = "test";
    c->deadline_ns = clock_ns() + timeout_ms * 1000000u;
    atomic_store(&c->cancelled, t->cancel);
    uint32_t state_size = op->desc->state_size;
    c->abi = (bb_call){
        .size = sizeof c->abi,
        .host = host_get(),
        .instance = t->instance.ptr,
        .input = (const bb_json *)input,
        .cursor = cursor != NULL ? arena_copy(t->call_memory, str_from(cursor)) : (bb_str){NULL, 0},
        .state = state_size > 0 ? test_have(arena_zalloc(t->call_memory, state_size)) : NULL,
    };
    c->content = test_content_begin(t);
}

/* --- the steps -------------------------------------------------------------------------------------------
 */

plugin_outcome test_step(bb_test *t, plugin_call *c, plugin_outcome (*step)(plugin_call *c)) {
    test_gate_arm(t->fail_allocation, &t->allocations);
    plugin_outcome outcome = step(c);
    test_gate_rest();
    return outcome;
}

/* Sends what the step described, once more with another token where the first is refused. */
static bool send_(bb_test *t, plugin_call *c) {
    if (!test_content_send(t, c))
        return false;
    for (int attempt = 0;; attempt++) {
        outgoing request = test_outgoing(c);
        if (!test_sign(t, c, &request) || !test_exchange(t, &request, c))
            return false;
        if (request.foreign || attempt > 0 || !test_renews(t, c->answer.status)) {
            test_content_answered(t, c);
            return true;
        }
    }
}

/* The bytes of an answer go with the step that was given them, unless it read them as JSON. */
static plugin_outcome resume(bb_test *t, plugin_call *c, const bb_operation *op) {
    held_body *given = t->bodies;
    test_gate_arm(t->fail_allocation, &t->allocations);
    plugin_outcome outcome = plugin_resume(c, op);
    test_gate_rest();
    if (outcome == PLUGIN_SEND && given != NULL && c->answer.json == NULL) {
        t->bodies = given->next;
        free(given);
    }
    return outcome;
}

#define ABANDON_MS 5000u /* the hub's */

/* The request under way is let go of, and so is what it would have been answered with. */
static void give_up(bb_test *t, plugin_call *c, const plugin_op *op) {
    bb_code why = t->give_up_why;
    plugin_outcome outcome = PLUGIN_DONE;
    if (t->bodies != NULL && c->answer.json == NULL)
        test_drop_bodies(t, t->bodies->next);
    if (op->abandon != NULL) {
        plugin_abandon_begin(c, clock_ns() + ABANDON_MS * 1000000u);
        atomic_store(&c->cancelled, 1);
        test_gate_arm(t->fail_allocation, &t->allocations);
        outcome = plugin_abandon(c, op, why);
        test_gate_rest();
    }
    if (outcome == PLUGIN_FAILED)
        test_fail_by_steps(t, c);
    else if (outcome == PLUGIN_DONE || send_(t, c)) /* whatever is answered */
        test_fail(t, why, "the call was given up");
}

static plugin_outcome run_http(bb_test *t, plugin_call *c, const plugin_op *described) {
    const bb_operation *op = described->desc;
    uint32_t requests = 0;
    test_gate_arm(t->fail_allocation, &t->allocations);
    plugin_outcome outcome = plugin_start(c, op);
    test_gate_rest();
    while (outcome == PLUGIN_SEND) {
        test_content_said(t, c);
        if (++requests == t->give_up_at) {
            give_up(t, c, described);
            return PLUGIN_SEND; /* the result is set */
        }
        if (!send_(t, c))
            return PLUGIN_SEND; /* the result is set */
        outcome = resume(t, c, op);
    }
    return outcome;
}

static plugin_outcome run_steps(bb_test *t, plugin_call *c, const plugin_op *op) {
    plugin_outcome outcome = op->session != NULL ? test_session_run(t, c, op) : run_http(t, c, op);
    if (outcome == PLUGIN_FAILED)
        test_fail_by_steps(t, c);
    return outcome;
}

/* --- behind the steps ------------------------------------------------------------------------------------
 */

static void finish(bb_test *t, const plugin_call *c, const plugin_op *op) {
    schema_issues issues = {0};
    const json_value *output = json_read(t->call_memory, c->output, NULL, NULL);
    bool paginated = (op->desc->flags & BB_OP_PAGINATED) != 0;
    t->result.output = text_of(t, c->output);
    t->result.next_cursor = text_of(t, c->next_cursor);
    if (!schema_validate(op->output, output, t->call_memory, &issues))
        fail_by_issues(t, BB_E_PLUGIN, "output", &issues);
    else if (paginated && !json_is(json_pointer(output, str_from(op->desc->items)), JSON_ARRAY))
        test_fail(t, BB_E_PLUGIN, "the page has no array at \"%s\", where `items` says it is",
                  op->desc->items);
    else if (!paginated && c->next_cursor.len > 0)
        test_fail(t, BB_E_PLUGIN, "there is a next cursor, but the operation is not BB_OP_PAGINATED");
    if (t->result.code != BB_OK)
        t->result.output = t->result.next_cursor = "";
}

static void run(bb_test *t, const char *operation, const char *input, const char *cursor) {
    test_call_begin(t);
    const plugin_op *op = find(t, operation);
    const json_value *value = op != NULL ? read_input(t, op, input) : NULL;
    if (value == NULL)
        return;
    if (cursor != NULL && (op->desc->flags & BB_OP_PAGINATED) == 0) {
        test_fail(t, BB_E_INVALID_INPUT, "operation \"%s\" is not paginated: it takes no cursor", operation);
        return;
    }
    plugin_call c;
    prepare(t, &c, op, value, cursor);
    if (run_steps(t, &c, op) == PLUGIN_DONE)
        finish(t, &c, op);
    plugin_call_free(&c);
}

const bb_test_result *bb_test_page(bb_test *t, const char *operation, const char *input, const char *cursor) {
    run(t, operation, input, cursor);
    t->cancel = false;
    t->deadline_ms = 0;
    t->fail_allocation = 0;
    t->give_up_at = 0;
    t->session.interrupts = false;
    return &t->result;
}

const bb_test_result *bb_test_call(bb_test *t, const char *operation, const char *input) {
    return bb_test_page(t, operation, input, NULL);
}

int bb_test_output_is(const bb_test *t, const char *json) {
    arena *a = test_have(arena_new(0));
    const json_value *expected = json_read(a, str_from(json), NULL, NULL),
                     *output = json_read(a, str_from(t->result.output), NULL, NULL);
    bool same = expected != NULL && output != NULL && json_equal(expected, output);
    arena_free(a);
    return same;
}

/* --- failures on purpose -----------------------------------------------------------------------------------
 */

void bb_test_cancel(bb_test *t) {
    t->cancel = true;
}

void bb_test_give_up(bb_test *t, uint32_t request, bb_code why) {
    t->give_up_at = request;
    t->give_up_why = why;
}

void bb_test_deadline(bb_test *t, uint64_t ms) {
    t->deadline_ms = ms;
}

void bb_test_fail_allocation(bb_test *t, size_t n) {
    t->fail_allocation = n;
}

size_t bb_test_allocations(const bb_test *t) {
    return t->allocations;
}

static bool gave(const bb_test *t, const char *output, const char *cursor) {
    return strcmp(t->result.output, output) == 0 && strcmp(t->result.next_cursor, cursor) == 0;
}

int bb_test_torture(bb_test *t, const char *operation, const char *input) {
    size_t from = t->script_at;
    scheme_state auth = t->auth; /* each run acquires its token anew, where the first one did */
    bb_test_call(t, operation, input);
    char *output = test_have(strdup(t->result.output)), *cursor = test_have(strdup(t->result.next_cursor));
    bool good = t->result.mismatch[0] == '\0';
    for (size_t n = 1, count = t->allocations; good && n <= count; n++) {
        t->script_at = from;
        t->auth = auth;
        bb_test_fail_allocation(t, n);
        bb_test_call(t, operation, input);
        good = t->result.mismatch[0] == '\0' && (t->result.code != BB_OK || gave(t, output, cursor));
        if (!good)
            fprintf(stderr, "busbar-sdk-test: %s: without its allocation number %zu it gives: %s%s %s\n",
                    operation, n, t->result.output, t->result.message, t->result.next_cursor);
    }
    t->script_at = from;
    t->auth = auth;
    bb_test_call(t, operation, input); /* and it is well again */
    good = good && gave(t, output, cursor);
    free(output);
    free(cursor);
    return good;
}
