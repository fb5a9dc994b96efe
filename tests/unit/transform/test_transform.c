/* jq programs in children: results, failures, and programs that would take all time and all memory. */
#include "fixture.h"
#include "transform/confine.h"
#include "transform/turns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOREVER_MS 300u /* for programs that have no end: how long they are let run */

START_TEST(a_result) {
    begin();
    gives(".", "{\"a\": [1, true, null, \"\\u00e9\\n\"]}", "{\"a\":[1,true,null,\"\xc3\xa9\\n\"]}");
    gives("", "[1]", "[1]");
    gives(" \n", "[1]", "[1]");
    gives("{name: .first, n: (.items | length)}", "{\"first\":\"x\",\"items\":[1,2]}",
          "{\"name\":\"x\",\"n\":2}");
    gives("def f($n): . + $n; map(f(1))", "[1,2]", "[2,3]");
    gives(".a # a comment", "{\"a\":0}", "0");
    gives("empty, 1, empty", "null", "1");
    gives("\"\\(.a) and \\(.b)\"", "{\"a\":1,\"b\":[\"x\"]}", "\"1 and [\\\"x\\\"]\"");
    gives("$__loc__.line", "null", "1");
    end();
}
END_TEST

START_TEST(variables) {
    begin();
    outcome o = run_with("[$busbar.connection, .x]", STR("{\"x\":1}"), "{\"connection\":\"shop\"}", LIMIT_MS,
                         100);
    ck_assert_int_eq(o.kind, TRANSFORM_OK);
    ck_assert_str_eq(buf_cstr(&o.json), "[\"shop\",1]");
    outcome_free(&o);
    /* the same compiled program, another value */
    o = run_with("[$busbar.connection, .x]", STR("{\"x\":2}"), "{\"connection\":12345678901234567890}",
                 LIMIT_MS, 100);
    ck_assert_str_eq(buf_cstr(&o.json), "[12345678901234567890,2]");
    outcome_free(&o);
    gives("$busbar", "1", "{}");
    ends_as(run_with(".", STR("1"), "{", LIMIT_MS, 100), TRANSFORM_FAILED, "$busbar cannot be read");
    end();
}
END_TEST

START_TEST(one_result_and_no_other) {
    begin();
    fails("empty", "null", "gave no result");
    fails("1, 2", "null", "gave more than one result");
    fails(".[]", "[1,2,3]", "gave more than one result");
    fails("repeat(.)", "null", "gave more than one result");
    fails("1, error(\"late\")", "null", "late");
    fails("error", "null", ""); /* libjq 1.6 takes error(null) for the end of the results */
    fails("error({code: 7})", "null", "{\"code\":7}");
    fails("error(\"\")", "null", "empty message");
    fails("halt", "null", "halted");
    fails("\"x\" | halt_error", "null", "halted");
    fails(".a.b", "{\"a\":\"x\"}", "Cannot index string");
    fails(".", "{\"a\":", "it is not JSON");
    fails(".", "", "it is not JSON");
    gives(".", "7", "7");
    end();
}
END_TEST

START_TEST(programs_that_do_not_compile) {
    err e = {""};
    ck_assert(transform_check(".a | map(.b)", &e));
    ck_assert(transform_check("$busbar.x", &e));
    ck_assert(transform_check("$busbar.x", &e));
    ck_assert(!transform_check(".a |", &e));
    ck_assert_msg(str_starts(str_from(e.text), STR("syntax error, unexpected ")) &&
                      str_ends(str_from(e.text), STR("line 1:\n.a |")),
                  "%s", e.text);
    e.text[0] = '\0';
    ck_assert(!transform_check(".a\n| nosuch(1)", &e));
    ck_assert_msg(strstr(e.text, "nosuch/1 is not defined") != NULL && strstr(e.text, "line 2") != NULL, "%s",
                  e.text);
    ck_assert(!transform_check("import \"a\" as a; .", &e));
    ck_assert(!transform_check("include \"a\"; .", &e));
    begin();
    fails("$nosuch", "null", "$nosuch is not defined");
    end();
}
END_TEST

START_TEST(nothing_of_the_world) {
    begin();
    gives("[env, $ENV]", "null", "[{},{}]");
    fails("input", "null", "");
    gives("[inputs]", "null", "[]");
    gives("input_filename", "null", "null");
    gives("debug", "[1]", "[1]");
    gives("stderr", "[1]", "[1]");
    fails("\"passwd\" | modulemeta", "null", "odule");
    fails("import \"passwd\" as $x {search: \"/etc\"}; $x", "null", "syntax error");
    gives("now | type", "null", "\"number\"");
    gives("0 | localtime | mktime", "null", "0"); /* no time zone's file can be opened */
    end();
}
END_TEST

START_TEST(without_end) {
    begin();
    ends_as(run_with("def f: f; f", STR("null"), NULL, FOREVER_MS, 100), TRANSFORM_TIMEOUT, "its time is up");
    ends_as(run_with("[limit(1e9; repeat(1))] | length", STR("null"), NULL, FOREVER_MS, 100),
            TRANSFORM_TIMEOUT, "its time is up");
    ends_as(run_with("1, (def f: f; f)", STR("null"), NULL, FOREVER_MS, 100), TRANSFORM_TIMEOUT,
            "its time is up");
    outcome o = run_with("test(\"^(a+)+$\")", STR("\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab\""),
                         NULL, FOREVER_MS, 100);
    ck_assert_int_ne(o.kind, TRANSFORM_OK); /* newer libraries of regular expressions give up by themselves */
    outcome_free(&o);
    gives(".", "1", "1");
    end();
}
END_TEST

/* A program that fills the memory so slowly that either limit may come first, or that newer libjq refuses. */
static void bounded(const char *program) {
    outcome o = run_with(program, STR("null"), NULL, FOREVER_MS, LIMIT_BYTES);
    ck_assert_int_ne(o.kind, TRANSFORM_OK);
    outcome_free(&o);
}

START_TEST(without_bound) {
    begin();
    ends_as(run("def f: 1 + f; f", "null"), TRANSFORM_TOO_LARGE, "MiB of memory");
    ends_as(run("reduce range(40) as $i (\"xxxxxxxx\"; . + .) | length", "null"), TRANSFORM_TOO_LARGE,
            "MiB of memory");
    bounded("[range(1e12)]");
    bounded("[limit(1e9; repeat(\"x\"))] | add");
    bounded("\"x\" * 1e9");
    bounded("[range(3e8) | tostring] | length");
    gives(".", "1", "1");
    end();
}
END_TEST

START_TEST(too_deep) {
    begin();
    fails("reduce range(300) as $i (0; [.])", "null", "nested deeper than 256");
    fails("reduce range(300) as $i (0; {a: .})", "null", "nested deeper than 256");
    gives("reduce range(250) as $i (0; [.]) | flatten", "null", "[0]");
    /* libjq frees nested values by recursion */
    outcome o = run("reduce range(3e6) as $i (0; [.]) | 1", "null");
    ck_assert(o.kind == TRANSFORM_OK || strstr(buf_cstr(&o.detail), "crashed") != NULL);
    outcome_free(&o);
    gives(".", "1", "1");
    end();
}
END_TEST

START_TEST(results_over_the_limit) {
    begin();
    ends_as(run_with("[range(100)]", STR("null"), NULL, LIMIT_MS, 100), TRANSFORM_TOO_LARGE,
            "over 100 bytes");
    outcome o = run_with("[range(100)]", STR("null"), NULL, LIMIT_MS, 291);
    ck_assert_int_eq(o.kind, TRANSFORM_OK);
    ck_assert_uint_eq(o.json.len, 291);
    outcome_free(&o);
    ends_as(run_with(".", STR("null"), NULL, LIMIT_MS, 3), TRANSFORM_TOO_LARGE, "over 3 bytes");
    end();
}
END_TEST

START_TEST(large_texts) {
    begin();
    buf text;
    buf_init(&text);
    buf_lit(&text, "[\"");
    for (size_t i = 0; i < 8u << 20; i++)
        buf_char(&text, (char)('a' + i % 26));
    buf_lit(&text, "\"]");
    outcome o = run_with(".", buf_str(&text), NULL, LIMIT_MS, LIMIT_BYTES);
    ck_assert_msg(o.kind == TRANSFORM_OK, "%s", buf_cstr(&o.detail));
    ck_assert(str_eq(buf_str(&o.json), buf_str(&text)));
    outcome_free(&o);
    buf_free(&text);
    end();
}
END_TEST

START_TEST(many_at_once) {
    begin();
    enum { MANY = 200 };
    static outcome outcomes[MANY];
    static char inputs[MANY][16];
    for (int i = 0; i < MANY; i++) {
        outcomes[i] = (outcome){0};
        snprintf(inputs[i], sizeof inputs[i], "%d", i);
        ck_assert_ptr_nonnull(start_for(0, i % 2 == 0 ? ". + 1" : ". + 1000", str_from(inputs[i]),
                                        (bb_str){NULL, 0}, LIMIT_MS, 100, on_done, &outcomes[i]));
    }
    for (int i = 0; i < MANY; i++) {
        turn_until(&outcomes[i].over);
        ck_assert_msg(outcomes[i].kind == TRANSFORM_OK, "%s", buf_cstr(&outcomes[i].detail));
        ck_assert_int_eq(atoi(buf_cstr(&outcomes[i].json)), i % 2 == 0 ? i + 1 : i + 1000);
        outcome_free(&outcomes[i]);
    }
    end();
}
END_TEST

START_TEST(waiting_for_a_child) {
    enum { ALL = TRANSFORM_CHILDREN_OF_ONE };
    bb_str none = {NULL, 0};
    begin();
    outcome endless[ALL] = {0}, given_up = {0}, waits = {0}, others = {0};
    for (int i = 0; i < ALL; i++)
        start_for(1, "def f: f; f", STR("1"), none, 400, 100, on_done, &endless[i]);
    const transform_job job = {
        .program = ".", .input = STR("1"), .owner = 1, .timeout_ms = LIMIT_MS, .within_ms = 50};
    transform_start(jq, &job, on_done, &given_up);
    /* less time than it must wait: that is counted from when a child has it */
    start_for(1, ". + 1", STR("1"), none, 399, 100, on_done, &waits);
    start_for(2, ".", STR("1"), none, LIMIT_MS, 100, on_done, &others);
    turn_until(&given_up.over);
    ends_as(given_up, TRANSFORM_BUSY, "no child was free");
    turn_until(&waits.over);
    ck_assert_msg(waits.kind == TRANSFORM_OK, "%s", buf_cstr(&waits.detail));
    ck_assert_msg(others.over && others.kind == TRANSFORM_OK, "%s", buf_cstr(&others.detail));
    for (int i = 0; i < ALL; i++) {
        turn_until(&endless[i].over);
        ends_as(endless[i], TRANSFORM_TIMEOUT, "its time is up");
    }
    outcome_free(&waits);
    outcome_free(&others);
    end();
}
END_TEST

static void ignore(transform_outcome kind, bb_str json, bb_str detail, void *ctx) {
    (void)kind;
    (void)json;
    (void)detail;
    (void)ctx;
}

START_TEST(programs_that_hang_share_one_child) {
    static const char *const endless[] = {"def f: f; f", "def f: f; 1 | f", "def f: f; 2 | f"};
    bb_str none = {NULL, 0};
    begin();
    for (size_t i = 0; i < 3; i++)
        ends_as(run_with(endless[i], STR("null"), NULL, FOREVER_MS, 100), TRANSFORM_TIMEOUT,
                "its time is up");
    for (size_t i = 0; i < 30; i++) /* without end, as far as this test goes */
        ck_assert_ptr_nonnull(
            start_for(0, endless[i % 3], STR("1"), none, 100 * LIMIT_MS, 100, ignore, NULL));
    for (size_t i = 0; i < 20; i++)
        gives(". + 1", "1", "2");
    end();
}
END_TEST

START_TEST(one_owner_leaves_a_child_to_the_others) {
    static char programs[30][32];
    bb_str none = {NULL, 0};
    begin();
    for (size_t i = 0; i < 30; i++) { /* without end, as far as this test goes, and no two the same */
        snprintf(programs[i], sizeof programs[i], "def f: f; %zu | f", i);
        start_for(1, programs[i], STR("1"), none, 100 * LIMIT_MS, 100, ignore, NULL);
    }
    for (uint64_t i = 0; i < 20; i++) {
        outcome o = {0};
        start_for(2 + i % 3, ". + 1", STR("1"), none, LIMIT_MS, 100, on_done, &o);
        turn_until(&o.over);
        ck_assert_msg(o.kind == TRANSFORM_OK, "%s", buf_cstr(&o.detail));
        outcome_free(&o);
    }
    ck_assert_uint_eq(jq->suspected, 0);
    end();
}
END_TEST

START_TEST(one_program_leaves_a_child_to_the_owners_others) {
    bb_str none = {NULL, 0};
    outcome endless[40] = {0}, o = {0};
    begin();
    for (size_t i = 0; i < 40; i++)
        start_for(1, "def f: f; f", STR("1"), none, FOREVER_MS, 100, on_done, &endless[i]);
    start_for(1, ". + 1", STR("1"), none, LIMIT_MS, 100, on_done, &o);
    turn_until(&o.over);
    ck_assert_msg(o.kind == TRANSFORM_OK, "%s", buf_cstr(&o.detail));
    outcome_free(&o);
    unsigned ended = 0;
    for (size_t i = 0; i < 40; i++) {
        ended += endless[i].over;
        ck_assert(!endless[i].over || endless[i].kind == TRANSFORM_TIMEOUT);
        outcome_free(&endless[i]);
        endless[i].over = false;
    }
    ck_assert_uint_le(ended, TRANSFORM_CHILDREN_OF_ONE); /* those that had a child as it came */
    end();
}
END_TEST

/* Senders that have always more, each run of another program, and as long as it may be. */
enum { SENDERS = 3, QUEUED = 8 };
static unsigned long_ones;

static void send_slow(uint64_t owner);

static void on_slow(transform_outcome kind, bb_str json, bb_str detail, void *ctx) {
    (void)json;
    ck_assert_msg(kind == TRANSFORM_TIMEOUT, "%d %.*s", (int)kind, STR_FMT(detail));
    long_ones++;
    send_slow((uint64_t)(uintptr_t)ctx);
}

static void send_slow(uint64_t owner) {
    static char programs[4000][32];
    static unsigned n;
    ck_assert_uint_lt(n, 4000);
    snprintf(programs[n], sizeof programs[n], "def f: f; %u | f", n);
    start_for(owner, programs[n++], STR("1"), (bb_str){NULL, 0}, 50, 100, on_slow, (void *)(uintptr_t)owner);
}

START_TEST(senders_of_slow_events_hold_up_nobody_for_long) {
    bb_str none = {NULL, 0};
    begin();
    for (uint64_t sender = 1; sender <= SENDERS; sender++)
        for (int i = 0; i < QUEUED; i++)
            send_slow(sender);
    while (long_ones < SENDERS * QUEUED)
        uv_run(loop_uv(turned), UV_RUN_ONCE);
    for (int i = 0; i < 20; i++) {
        outcome o = {0};
        unsigned before = long_ones;
        const transform_run *r = start_for(100, ". + 1", STR("1"), none, LIMIT_MS, 100, on_done, &o);
        while (!o.over && r->by == NULL)
            uv_run(loop_uv(turned), UV_RUN_ONCE);
        ck_assert_uint_le(long_ones - before, 2 * TRANSFORM_CHILDREN); /* never behind all that wait */
        turn_until(&o.over);
        ck_assert_msg(o.kind == TRANSFORM_OK, "%s", buf_cstr(&o.detail));
        outcome_free(&o);
    }
    end();
}
END_TEST

/* What many owners leave behind is not kept. */
START_TEST(owners_that_are_idle_are_forgotten) {
    bb_str none = {NULL, 0};
    begin();
    for (uint64_t owner = 0; owner < 200; owner++) {
        outcome o = {0};
        start_for(owner, ".", STR("1"), none, LIMIT_MS, 100, on_done, &o);
        turn_until(&o.over);
        outcome_free(&o);
    }
    unsigned left = 0;
    for (const turn *u = jq->turns; u != NULL; u = u->next)
        left++;
    ck_assert_uint_le(left, 100);
    end();
}
END_TEST

static void never(transform_outcome kind, bb_str json, bb_str detail, void *ctx) {
    (void)json;
    (void)ctx;
    ck_abort_msg("done was called: %d %.*s", (int)kind, STR_FMT(detail));
}

static unsigned descriptors(void) {
    DIR *d = opendir("/proc/self/fd");
    unsigned n = 0;
    ck_assert_ptr_nonnull(d);
    while (readdir(d) != NULL)
        n++;
    closedir(d);
    return n;
}

static unsigned dismissed(void) {
    unsigned n = 0;
    for (const worker *w = jq->workers; w != NULL; w = w->next)
        n += w->dismissed;
    return n;
}

static uint64_t counted(const char *name) {
    buf metrics;
    buf_init(&metrics);
    transform_render(&metrics);
    const char *at = strstr(buf_cstr(&metrics), name);
    ck_assert_ptr_nonnull(at);
    uint64_t n = strtoull(at + strlen(name), NULL, 10);
    buf_free(&metrics);
    return n;
}

START_TEST(nothing_is_left_of_the_killed) {
    uint64_t ok = counted("busbar_transforms_total{outcome=\"ok\"} "),
             late = counted("busbar_transforms_total{outcome=\"timeout\"} "),
             started = counted("\nbusbar_transform_children_started_total ");
    begin();
    gives(".", "1", "1");
    unsigned before = descriptors();
    for (int i = 0; i < 100; i++)
        ends_as(run_with("def f: f; f", STR("1"), NULL, 1 + i % 5, 100), TRANSFORM_TIMEOUT, "time");
    while (dismissed() > 0)
        uv_run(loop_uv(turned), UV_RUN_ONCE);
    gives(".", "1", "1");
    ck_assert_uint_le(descriptors(), before + 2 * TRANSFORM_CHILDREN);
    ck_assert_uint_eq(counted("busbar_transforms_total{outcome=\"ok\"} "), ok + 2);
    ck_assert_uint_eq(counted("busbar_transforms_total{outcome=\"timeout\"} "), late + 100);
    ck_assert_uint_gt(counted("\nbusbar_transform_children_started_total "), started);
    end();
}
END_TEST

/* What is open to a child after confine(): 0, or the number of the first thing that should not be. */
static int what_is_open(void) {
    if (!confine())
        return 1;
    if (open("/etc/passwd", O_RDONLY) >= 0)
        return 2;
    if (prctl(PR_GET_SECCOMP) == 0)
        return 77;
    if (socket(AF_INET, SOCK_STREAM, 0) >= 0)
        return 3;
    if (kill(getppid(), 0) == 0)
        return 4;
    if (fork() != -1)
        return 5;
    return unlink("/nonexistent") == 0 || errno != EPERM ? 6 : 0;
}

START_TEST(what_a_child_may_do) {
    int status;
    pid_t pid = fork();
    if (pid == 0)
        _exit(what_is_open());
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        puts("SKIP what_a_child_may_do: system calls are not filtered in this build");
    else
        ck_assert_int_eq(WEXITSTATUS(status), 0);
}
END_TEST

/* A child that is idle for no time at all ends after every answer, and orders cross its end. */
START_TEST(orders_that_cross_a_childs_end) {
    begin();
    jq->idle_ms = 0;
    for (int i = 0; i < 100; i++)
        gives(". + 1", "1", "2");
    ck_assert_uint_eq(jq->suspected, 0);
    end();
}
END_TEST

static worker *working(void) {
    worker *w = jq->workers;
    while (w != NULL && (w->run == NULL || !w->ready))
        w = w->next;
    return w;
}

START_TEST(killed_from_outside) {
    bb_str none = {NULL, 0};
    outcome o = {0};
    begin();
    gives(".", "1", "1");
    start_for(0, "def f: f; f", STR("1"), none, LIMIT_MS, 100, on_done, &o);
    while (working() == NULL)
        uv_run(loop_uv(turned), UV_RUN_ONCE);
    uv_process_kill(&working()->process, SIGTERM); /* ignored: the hub ends its children itself */
    uv_process_kill(&working()->process, SIGINT);
    for (int i = 0; i < 10; i++)
        gives(".", "1", "1");
    ck_assert(!o.over);
    for (int i = 0; i < 2; i++) { /* the first time it may have been no fault of the program's */
        ck_assert(!o.over);
        while (working() == NULL)
            uv_run(loop_uv(turned), UV_RUN_ONCE);
        worker *first = working();
        uv_process_kill(&first->process, SIGKILL);
        while (!o.over && working() == first)
            uv_run(loop_uv(turned), UV_RUN_ONCE);
    }
    turn_until(&o.over);
    ends_as(o, TRANSFORM_FAILED, "signal 9");
    gives(".", "1", "1");
    end();
}
END_TEST

/* The order goes to a child that is gone already, and of which nobody has heard so yet. */
START_TEST(killed_while_idle) {
    begin();
    for (int i = 0; i < 20; i++) {
        gives(".", "1", "1");
        for (const worker *w = jq->workers; w != NULL; w = w->next)
            if (!w->dismissed && !w->exited) {
                siginfo_t info;
                kill(w->process.pid, SIGKILL);
                waitid(P_PID, (id_t)w->process.pid, &info, WEXITED | WNOWAIT);
            }
        gives(". + 1", "1", "2");
    }
    ck_assert_uint_eq(jq->suspected, 0);
    end();
}
END_TEST

START_TEST(cancelled) {
    begin();
    bb_str none = {NULL, 0};
    gives(".", "1", "1"); /* a child is there */
    transform_cancel(start_for(0, ".", STR("1"), none, LIMIT_MS, 100, never, NULL));
    transform_run *endless = start_for(0, "def f: f; f", STR("1"), none, LIMIT_MS, 100, never, NULL);
    gives(".", "2", "2");
    transform_cancel(endless);
    transform_run *waiting[20];
    for (int i = 0; i < 20; i++)
        waiting[i] = start_for(0, ". + 1", STR("1"), none, LIMIT_MS, 100, never, NULL);
    for (int i = 0; i < 20; i++)
        transform_cancel(waiting[19 - i]);
    gives(".", "3", "3");
    end();
}
END_TEST

START_TEST(freed_while_running) {
    begin();
    bb_str none = {NULL, 0};
    for (int i = 0; i < 10; i++)
        start_for(0, "def f: f; f", STR("1"), none, LIMIT_MS, 100, never, NULL);
    for (int i = 0; i < 5; i++)
        uv_run(loop_uv(turned), UV_RUN_NOWAIT);
    end();
    begin();
    start_for(0, ".", STR("1"), none, 0, 100, never, NULL);
    end();
}
END_TEST

static void free_all(transform_outcome kind, bb_str json, bb_str detail, void *ctx) {
    (void)json;
    (void)detail;
    ck_assert_int_eq(kind, TRANSFORM_OK);
    transforms_free(jq);
    jq = NULL;
    *(bool *)ctx = true;
}

START_TEST(freed_by_done) {
    begin();
    bool over = false;
    bb_str none = {NULL, 0};
    start_for(0, ".", STR("1"), none, LIMIT_MS, 100, free_all, &over);
    for (int i = 0; i < 10; i++)
        start_for(0, "def f: f; f", STR("1"), none, LIMIT_MS, 100, never, NULL);
    turn_until(&over);
    end();
}
END_TEST

UNIT_MAIN(unit_test(a_result), unit_test(variables), unit_test(one_result_and_no_other),
          unit_test(programs_that_do_not_compile), unit_test(nothing_of_the_world), unit_test(without_end),
          unit_test(without_bound), unit_test(too_deep), unit_test(results_over_the_limit),
          unit_test(large_texts), unit_test(many_at_once), unit_test(waiting_for_a_child),
          unit_test(programs_that_hang_share_one_child), unit_test(one_owner_leaves_a_child_to_the_others),
          unit_test(one_program_leaves_a_child_to_the_owners_others),
          unit_test(senders_of_slow_events_hold_up_nobody_for_long),
          unit_test(owners_that_are_idle_are_forgotten), unit_test(what_a_child_may_do),
          unit_test(nothing_is_left_of_the_killed), unit_test(orders_that_cross_a_childs_end),
          unit_test(killed_from_outside), unit_test(killed_while_idle), unit_test(cancelled),
          unit_test(freed_while_running), unit_test(freed_by_done))
