/* child.c - the child's side: takes one order after the other from descriptor 0, which is a socket. */
#include "base/buf.h"
#include "transform/confine.h"
#include "transform/frame.h"
#include "transform/programs.h"
#include "transform/transform.h"
#include "transform/values.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* A child that a run has left larger than this ends, so that memory goes back. */
#define RETIRE_BYTES ((size_t)64 << 20)

#define HUB 0 /* descriptor of the socket */

/* False: the hub has closed its end, or is gone. */
static bool take(void *to, size_t n) {
    for (char *at = to; n > 0;) {
        ssize_t got = read(HUB, at, n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}

static bool give(const void *bytes, size_t n) {
    for (const char *at = bytes; n > 0;) {
        ssize_t put = write(HUB, at, n);
        if (put < 0 && errno == EINTR)
            continue;
        if (put <= 0)
            return false;
        at += put;
        n -= (size_t)put;
    }
    return true;
}

static bool answer(uint32_t kind, bb_str text) {
    struct mallinfo2 held = mallinfo2();
    answer_head head = {.kind = kind, .length = text.len};
    head.last = held.arena + held.hblkhd > RETIRE_BYTES;
    return give(&head, sizeof head) && give(text.ptr, text.len) && !head.last;
}

/* --- one run ------------------------------------------------------------------------------------- */

/* The value is freed. */
static uint32_t write_result(jv value, uint64_t max_result, buf *out, err *e) {
    out->limit = max_result > 0 ? (size_t)max_result : 1;
    if (values_write(out, value))
        return FRAME_OK;
    if (!out->failed) {
        err_set(e, "the result is nested deeper than 256 levels");
        return FRAME_FAILED;
    }
    err_set(e, "the result is over %llu bytes", (unsigned long long)max_result);
    return FRAME_TOO_LARGE;
}

/* Why there is no (further) result; "": there just is none. `end` is freed. */
static void explain_end(jq_state *jq, jv end, err *e) {
    bool halted = jq_halted(jq);
    if (halted)
        err_set(e, "the program halted");
    else if (jv_invalid_has_msg(jv_copy(end))) {
        programs_message(jv_invalid_get_msg(end), e);
        if (e->text[0] == '\0')
            err_set(e, "the program failed with an empty message");
        return;
    }
    jv_free(end);
}

static uint32_t run_program(jq_state *jq, jv input, uint64_t max_result, buf *out, err *e) {
    jq_start(jq, input, 0);
    jv first = jq_next(jq);
    if (!jv_is_valid(first)) {
        explain_end(jq, first, e);
        if (e->text[0] == '\0')
            err_set(e, "gave no result");
        return FRAME_FAILED;
    }
    jv second = jq_next(jq);
    if (jv_is_valid(second)) {
        jv_free(second);
        err_set(e, "gave more than one result");
    } else {
        explain_end(jq, second, e);
    }
    if (e->text[0] == '\0')
        return write_result(first, max_result, out, e);
    jv_free(first);
    return FRAME_FAILED;
}

static jv read_both(arena *a, bb_str variables, bb_str input, err *e) {
    jv busbar = variables.len > 0 ? values_read(a, variables, e) : jv_object();
    jv value = jv_is_valid(busbar) ? values_read(a, input, e) : jv_invalid();
    if (jv_is_valid(value))
        return jv_array_append(jv_array_append(jv_array(), busbar), value);
    err_prefix(e, jv_is_valid(busbar) ? "the input cannot be read: " : "$busbar cannot be read: ");
    jv_free(busbar);
    return value;
}

static uint32_t run_order(const order_head *order, const char *body, buf *out, err *e) {
    bb_str program = str_of(body, order->program), input = str_of(body + order->program, order->input);
    bb_str variables = str_of(input.ptr + input.len, order->variables);
    jq_state *jq = programs_get(program, e);
    if (jq == NULL || order->check)
        return jq != NULL ? FRAME_OK : FRAME_FAILED;
    arena *a = arena_new(0);
    if (a == NULL)
        _exit(CHILD_NO_MEMORY);
    jv both = read_both(a, variables, input, e);
    arena_free(a);
    if (!jv_is_valid(both)) {
        jv_free(both);
        return FRAME_FAILED;
    }
    uint32_t kind = run_program(jq, both, order->max_result, out, e);
    if (jq_halted(jq))
        programs_forget(jq);
    return kind;
}

/* An order that crosses the child's end goes to another (worker.c). */
static bool wait_for_order(int idle_ms) {
    struct pollfd hub = {.fd = HUB, .events = POLLIN};
    int n;
    do
        n = poll(&hub, 1, idle_ms);
    while (n < 0 && errno == EINTR);
    return n > 0;
}

static bool serve_order(int *idle_ms) {
    order_head order;
    if (!wait_for_order(*idle_ms) || !take(&order, sizeof order))
        return false;
    *idle_ms = (int)order.idle_ms;
    buf body, out;
    err e = {""};
    buf_init(&body);
    buf_init(&out);
    size_t n = (size_t)order.program + order.input + order.variables;
    if (!buf_reserve(&body, n + 1))
        _exit(CHILD_NO_MEMORY);
    bool more = take(body.ptr, n);
    if (more) {
        uint32_t kind = run_order(&order, body.ptr, &out, &e);
        buf_free(&body);
        more = answer(kind, kind == FRAME_OK ? buf_str(&out) : str_from(e.text));
    }
    buf_free(&body);
    buf_free(&out);
    return more;
}

int transform_child_main(void) {
    /* Sent to the whole group, by a terminal or a service manager, these are the hub's: it finishes its
     * calls. */
    static const int ignored[] = {SIGPIPE, SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
        signal(ignored[i], SIG_IGN);
    static char *nothing[] = {NULL};
    environ = nothing; /* jq shows it to programs; sanitizers were told something in it */
    if (!confine())
        return CHILD_NO_START;
    answer_head ready = {.kind = FRAME_READY};
    if (!give(&ready, sizeof ready))
        return 0;
    for (int idle_ms = -1; serve_order(&idle_ms);)
        ;
    programs_clear();
    return 0;
}
