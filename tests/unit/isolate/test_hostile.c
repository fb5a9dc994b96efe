/* A process that does not keep to the protocol: each way of it ends that process, and the call that waits for
 * it is told. This program itself plays the process: see `play`. */
#include <busbar/busbar.h>

#include "base/clock.h"
#include "isolate/child.h"
#include "isolate/internal.h"
#include "plugin/host.h"
#include "plugin/host_abandon.h"
#include "unit.h"

#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* --- the process ---------------------------------------------------------------------------------------- */

static void put(int fd, const void *bytes, size_t n) {
    (void)!send(fd, bytes, n, MSG_NOSIGNAL);
}

static void put_head(int fd, frame_kind kind, uint32_t length, uint32_t slot, uint32_t turn) {
    const frame_head head = {.length = length, .kind = (uint32_t)kind, .slot = slot, .turn = turn};
    put(fd, &head, sizeof head);
}

static void put_output(uint32_t slot, uint32_t turn) {
    buf b;
    buf_init(&b);
    size_t at = frame_begin(&b, FRAME_OUTPUT, slot, turn);
    frame_u32(&b, 0); /* nothing of the call's content */
    frame_u32(&b, 0);
    frame_str(&b, STR("{}"));
    frame_str(&b, (bb_str){NULL, 0});
    frame_end(&b, at);
    put(CHILD_FIRST_LOOP, b.ptr, b.len);
    buf_free(&b);
}

static void misbehave(bb_str how, const frame_head *start) {
    static const char noise[512] = {(char)0xff, (char)0xff, (char)0xff, (char)0xff, 1};
    int fd = CHILD_FIRST_LOOP;
    if (str_eq(how, STR("noise")))
        put(fd, noise, sizeof noise);
    else if (str_eq(how, STR("no such call")))
        put_head(fd, FRAME_OUTPUT, 0, 4711, 1);
    else if (str_eq(how, STR("a call to come")))
        put_head(fd, FRAME_OUTPUT, 0, start->slot, start->turn + 1);
    else if (str_eq(how, STR("no such kind")))
        put_head(fd, (frame_kind)99, 0, start->slot, start->turn);
    else if (str_eq(how, STR("half an answer")))
        put_head(fd, FRAME_OUTPUT, 4, start->slot, start->turn), put(fd, noise, 4);
    else if (str_eq(how, STR("control")))
        put_head(CHILD_CONTROL, FRAME_READY, 0, 0, 0);
    else if (str_eq(how, STR("closed")))
        close(fd);
    else if (str_eq(how, STR("twice"))) {
        put_head(fd, FRAME_REQUEST, 0, start->slot, start->turn);
    } else if (str_eq(how, STR("half a progress"))) {
        put_head(fd, FRAME_PROGRESS, 4, start->slot, start->turn), put(fd, noise, 4);
    } else if (str_eq(how, STR("good"))) {
        put_output(start->slot, start->turn);
        put_output(start->slot, start->turn); /* late, as after a cancellation: of no interest */
    }
}

/* The next frame's head; what follows it is of no interest. */
static frame_head next_head(void) {
    frame_head head = {.length = 0};
    char skipped[4096];
    if (recv(CHILD_FIRST_LOOP, &head, sizeof head, MSG_WAITALL) != (ssize_t)sizeof head ||
        (head.length > 0 && (head.length > sizeof skipped || recv(CHILD_FIRST_LOOP, skipped, head.length,
                                                                  MSG_WAITALL) != (ssize_t)head.length)))
        _exit(1);
    return head;
}

/* The call is given up while its step is under way: what that says comes late. */
static void be_late(bb_str how, const frame_head *start) {
    int fd = CHILD_FIRST_LOOP;
    char skipped[4096];
    (void)!recv(fd, skipped, start->length, MSG_WAITALL);
    if (next_head().kind != FRAME_ABANDON)
        _exit(1);
    if (str_eq(how, STR("late request")))
        put_head(fd, FRAME_REQUEST, 0, start->slot, start->turn);
    else if (str_eq(how, STR("late nonsense")))
        put_head(fd, FRAME_VERIFIED, 0, start->slot, start->turn);
    if (!str_eq(how, STR("late end")))
        put_output(start->slot, start->turn);
    else
        put_head(fd, FRAME_FAIL, 0, start->slot, start->turn);
}

/* Before main, where this program was started as the process of a connection. */
__attribute__((constructor)) static void play(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "worker") != 0)
        return;
    char text[4096];
    frame f;
    size_t size;
    ssize_t n = recv(CHILD_CONTROL, text, sizeof text, 0);
    if (n <= 0 || frame_read(str_of(text, (size_t)n), FRAME_MAX_FROM_HUB, &f, &size) != FRAME_WHOLE)
        _exit(1);
    bb_str how = frame_get_str(&f); /* in the place of the connector's path */
    put_head(CHILD_CONTROL, FRAME_READY, 0, 0, 0);
    frame_head start;
    if (recv(CHILD_FIRST_LOOP, &start, sizeof start, MSG_WAITALL) == (ssize_t)sizeof start)
        str_starts(how, STR("late")) ? be_late(how, &start) : misbehave(how, &start);
    for (char c; recv(CHILD_CONTROL, &c, 1, 0) > 0;) /* to its end */
        ;
    _exit(0);
}

/* --- the hub ----------------------------------------------------------------------------------------------
 */

typedef struct met {
    bool over;
    isolate_result result;
    plugin_outcome outcome;
    char why[512];
} met;

static void on_done(void *ctx, isolate_result result, plugin_outcome outcome, bb_str detail) {
    met *m = ctx;
    m->over = true;
    m->result = result;
    m->outcome = outcome;
    str_put(m->why, sizeof m->why, detail);
}

static void on_wake(void *ctx) {
    (void)ctx;
}

/* One call of a process that does so. */
static met call_of(const char *how, uint64_t step_timeout_ms) {
    err e = {""};
    met m = {0};
    isolates *all = isolates_new("/proc/self/exe", 1, on_wake, NULL, &e);
    ck_assert_msg(all != NULL, "%s", e.text);
    const isolate_what what = {
        .connection = STR("a"),
        .plugin = STR("t"),
        .version = STR("1"),
        .settings = STR("{}"),
        .base_url = STR(""),
        .path = how,
        .sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        .limits = {.step_timeout_ms = step_timeout_ms, .restarts = 3, .window_ms = 60000}};
    isolated *i = isolate_begin(all, &what);
    ck_assert_msg(isolate_await(i, 20000, &e), "%s", e.text);
    loop *l = loop_new(0);
    arena *memory = arena_new(0);
    plugin_call c;
    isolate_call r = {0};
    plugin_call_init(&c);
    c.memory = memory;
    c.base_url = STR("");
    c.execution_id = "x";
    c.abi = (bb_call){.size = sizeof c.abi,
                      .host = host_get(),
                      .input = (const bb_json *)json_read(memory, STR("{}"), NULL, NULL)};
    ck_assert(isolate_start(i, l, &r, &c, 0, on_done, &m));
    while (str_starts(str_from(how), STR("late")) && !r.working)
        uv_run(loop_uv(l), UV_RUN_ONCE);
    if (r.working && str_starts(str_from(how), STR("late"))) {
        plugin_abandon_begin(&c, 1);
        ck_assert(isolate_abandon(&r, BB_E_CANCELLED, on_done, &m));
    }
    while (!m.over)
        uv_run(loop_uv(l), UV_RUN_ONCE);
    ck_assert(m.result != ISOLATE_STEPPED || r.of == NULL);
    isolate_leave(&r);
    isolate_loop_close(i, l);
    uv_run(loop_uv(l), UV_RUN_NOWAIT);
    isolate_release(i);
    isolates_free(all);
    plugin_call_free(&c);
    loop_free(l);
    arena_free(memory);
    return m;
}

START_TEST(one_that_keeps_to_it_is_heard) {
    met m = call_of("good", 60000);
    ck_assert_int_eq(m.result, ISOLATE_STEPPED);
    ck_assert_int_eq(m.outcome, PLUGIN_DONE);
}
END_TEST

START_TEST(one_that_breaks_it_is_killed) {
    static const char *const ways[] = {"noise",          "no such call", "a call to come", "no such kind",
                                       "half an answer", "control",      "twice",          "half a progress"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        met m = call_of(ways[i], 60000);
        ck_assert_msg(m.result == ISOLATE_CRASHED, "%s", ways[i]);
        ck_assert_msg(strstr(m.why, "broke the protocol") != NULL, "%s: %s", ways[i], m.why);
    }
}
END_TEST

START_TEST(what_a_step_says_of_a_call_that_was_given_up_meanwhile_is_passed_over) {
    static const char *const ways[] = {"late request", "late end"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        met m = call_of(ways[i], 60000);
        ck_assert_msg(m.result == ISOLATE_STEPPED && m.outcome == PLUGIN_DONE, "%s: %s", ways[i], m.why);
    }
    met m = call_of("late nonsense", 60000);
    ck_assert_int_eq(m.result, ISOLATE_CRASHED);
    ck_assert_ptr_nonnull(strstr(m.why, "broke the protocol"));
}
END_TEST

START_TEST(one_that_closes_a_socket_is_killed) {
    met m = call_of("closed", 60000);
    ck_assert_int_eq(m.result, ISOLATE_CRASHED);
    ck_assert_ptr_nonnull(strstr(m.why, "closed its socket"));
}
END_TEST

START_TEST(one_that_is_silent_is_killed_in_its_time) {
    met m = call_of("silent", 100);
    ck_assert_int_eq(m.result, ISOLATE_CRASHED);
    ck_assert_ptr_nonnull(strstr(m.why, "did not come back within 100 ms"));
}
END_TEST

UNIT_MAIN(unit_test(what_a_step_says_of_a_call_that_was_given_up_meanwhile_is_passed_over),
          unit_test(one_that_keeps_to_it_is_heard), unit_test(one_that_breaks_it_is_killed),
          unit_test(one_that_closes_a_socket_is_killed), unit_test(one_that_is_silent_is_killed_in_its_time))
