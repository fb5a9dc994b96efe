/* Crashes on purpose, in children: what is written down of each, and that the process still dies of it. */
#include <busbar/busbar.h> /* first: Check has a macro `fail` */

#include "unit.h"

#include "base/clock.h"
#include "base/sanitized.h"
#include "base/sigtext.h"
#include "plugin/crash.h"
#include "plugin/mark.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static arena *memory;
static char report_text[8192], said[8192];
static crash_report r;

static bb_str content(int fd, char *to, size_t cap) {
    ssize_t n = pread(fd, to, cap - 1, 0);
    to[n > 0 ? n : 0] = '\0';
    return str_of(to, n > 0 ? (size_t)n : 0);
}

/* What it wrote, and how it ended. */
static int crashes(void (*how)(void)) {
    int fd = memfd_create("report", MFD_CLOEXEC), errors = memfd_create("errors", MFD_CLOEXEC);
    err e;
    ck_assert_int_ge(fd, 0);
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        dup2(errors, 2);
        if (crash_install(fd, "STATE/crash-report", "9.9.9", &e))
            how();
        _exit(0);
    }
    int status = 0;
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    if (memory == NULL)
        memory = arena_new(0);
    content(errors, said, sizeof said);
    ck_assert_msg(crash_read(memory, content(fd, report_text, sizeof report_text), &r), "%s", said);
    close(fd);
    close(errors);
    return status;
}

static void assert_died_of(int status, int number) {
    if (SANITIZED) { /* its own report comes last, and its own exit code */
        ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) != 0);
        return;
    }
    ck_assert(WIFSIGNALED(status));
    ck_assert_int_eq(WTERMSIG(status), number);
}

static mark *enter_echo(const char *step) {
    mark_build *b = mark_build_new(STR("echo"), HASH, 3, "/x/echo.so");
    str_put(b->version, sizeof b->version, STR("1.2.3"));
    return mark_enter_step(b, mark_name(STR("a")), "boom", step);
}

/* --- within a connector --------------------------------------------------------------------------------- */

static int *volatile nowhere = (int *)(uintptr_t)64;

static void writes_to_nowhere(void) {
    enter_echo("start");
    *nowhere = 1;
}

START_TEST(a_step_that_writes_to_nowhere_is_named) {
    assert_died_of(crashes(writes_to_nowhere), SIGSEGV);
    ck_assert_str_eq(r.signal, "SIGSEGV");
    ck_assert(r.within);
    ck_assert(!r.sent);
    ck_assert_str_eq(r.plugin, "echo");
    ck_assert_str_eq(r.version, "1.2.3");
    ck_assert_str_eq(r.sha256, HASH);
    ck_assert_str_eq(r.connection, "a");
    ck_assert_str_eq(r.operation, "boom");
    ck_assert_str_eq(r.step, "start");
    ck_assert_ptr_null(r.note);
    ck_assert_uint_gt(r.at_ms, 1700000000000u);
    ck_assert_ptr_nonnull(strstr(report_text, "\nhub 9.9.9\n"));
    ck_assert_ptr_nonnull(strstr(report_text, "\ngeneration 3\n"));
    ck_assert_ptr_nonnull(strstr(report_text, "\nfault 0x40\n"));
    ck_assert_str_eq(
        crash_sentence(memory, &r).ptr,
        "connector echo 1.2.3 (build 0123456789ab) crashed (SIGSEGV) in operation boom, step start, "
        "of connection a");
    ck_assert_ptr_nonnull(strstr(said,
                                 " error SIGSEGV: the hub crashes within connector echo 1.2.3 (build "
                                 "0123456789ab, generation 3), connection a, operation boom, step start; "
                                 "the report is STATE/crash-report\n"));
}
END_TEST

START_TEST(the_instruction_is_found_in_its_file) {
    crashes(writes_to_nowhere);
#if defined(__x86_64__) || defined(__aarch64__)
    ck_assert_ptr_nonnull(strstr(report_text, "\npc 0x"));
    const char *pc = strstr(report_text, "unit_plugin_crash + 0x");
    ck_assert_ptr_nonnull(pc);
    ck_assert_ptr_nonnull(strstr(pc, "\nframe 0x"));
#endif
}
END_TEST

static void aborts(void) {
    enter_echo("resume");
    abort();
}
static void kills_itself(void) {
    enter_echo("auth sign");
    raise(SIGFPE);
}
static void is_not_code(void) {
    enter_echo("start");
    raise(SIGILL);
}
static void reads_past_its_file(void) {
    enter_echo("start");
    int fd = memfd_create("short", 0);
    volatile char *p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
    (void)p[100];
}

START_TEST(other_signals_are_named_too) {
    assert_died_of(crashes(aborts), SIGABRT);
    ck_assert_str_eq(r.signal, "SIGABRT");
    ck_assert_str_eq(r.step, "resume");
    assert_died_of(crashes(kills_itself), SIGFPE);
    ck_assert_str_eq(r.signal, "SIGFPE");
    ck_assert(!r.sent);
    ck_assert_ptr_nonnull(strstr(crash_sentence(memory, &r).ptr, "in scheme boom, step auth sign"));
    assert_died_of(crashes(is_not_code), SIGILL);
    ck_assert_str_eq(r.signal, "SIGILL");
    assert_died_of(crashes(reads_past_its_file), SIGBUS);
    ck_assert_str_eq(r.signal, "SIGBUS");
}
END_TEST

/* --- the stack ------------------------------------------------------------------------------------------ */

static volatile unsigned deep;

__attribute__((noinline)) static unsigned recurse(unsigned n) {
    volatile char here[512];
    here[n % 512] = (char)n;
    if (deep == 0)
        deep = recurse(n + 1) + (unsigned)here[7];
    return deep;
}

static void *overflow(void *unused) {
    enter_echo("start");
    recurse(0);
    return unused;
}

static void overflows(void) {
    pthread_t t;
    if (pthread_create(&t, NULL, overflow, NULL) == 0)
        pthread_join(t, NULL);
}

START_TEST(a_stack_that_is_used_up_is_named) {
    assert_died_of(crashes(overflows), SIGSEGV);
    ck_assert(r.within);
    ck_assert_str_eq(r.operation, "boom");
    ck_assert_str_eq(r.note, "the stack is used up");
}
END_TEST

/* --- not within ----------------------------------------------------------------------------------------- */

static void crashes_after(void) {
    mark_leave(enter_echo("start"));
    abort();
}
static void crashes_alone(void) {
    *nowhere = 1;
}

START_TEST(the_last_visit_is_told_where_the_core_crashes) {
    assert_died_of(crashes(crashes_after), SIGABRT);
    ck_assert(!r.within);
    ck_assert_str_eq(r.operation, "boom");
    ck_assert_ptr_nonnull(
        strstr(said, "not within a connector; last visited by this thread: connector echo"));
    ck_assert_ptr_nonnull(strstr(crash_sentence(memory, &r).ptr,
                                 "the hub crashed, not within a connector; last visited: echo 1.2.3"));
    assert_died_of(crashes(crashes_alone), SIGSEGV);
    ck_assert_ptr_null(r.plugin);
    ck_assert_str_eq(crash_sentence(memory, &r).ptr,
                     "the hub crashed (SIGSEGV) before it was in any connector");
}
END_TEST

static void is_sent_one(void) {
    enter_echo("start");
    pid_t victim = getpid(), sender = fork();
    if (sender == 0) {
        kill(victim, SIGSEGV);
        _exit(0);
    }
    for (;;)
        pause();
}

START_TEST(a_signal_from_elsewhere_is_nobodys_fault) {
    crashes(is_sent_one);
    ck_assert(r.sent);
    ck_assert_ptr_nonnull(strstr(report_text, "\nsent by process "));
}
END_TEST

/* --- memory that is no longer what it was ------------------------------------------------------------------
 */

static void has_ruined_its_mark(void) {
    mark *here = enter_echo("start");
    MARK_STORE(here->operation, (const char *)(uintptr_t)16);
    MARK_STORE(here->build, (const mark_build *)(uintptr_t)4096);
    MARK_STORE(here->connection, "a\nb\x1b[1m");
    abort();
}

START_TEST(a_ruined_mark_does_not_stop_the_report) {
    assert_died_of(crashes(has_ruined_its_mark), SIGABRT);
    ck_assert_str_eq(r.plugin, "unknown");
    ck_assert_str_eq(r.connection, "a?b?[1m");
    ck_assert_str_eq(r.step, "start");
    ck_assert_ptr_null(r.operation);
}
END_TEST

/* --- what was there before
 * ---------------------------------------------------------------------------------- */

static void earlier(int number) {
    (void)number;
    _exit(77);
}
static void crash_with_an_earlier_action(void) {
    err e;
    crash_remove();
    signal(SIGSEGV, earlier);
    signal(SIGABRT, earlier);
    crash_install(memfd_create("unread", 0), "", "", &e);
    *nowhere = 1;
}

START_TEST(the_action_that_was_there_goes_on) {
    int fd = memfd_create("report", 0);
    err e;
    pid_t pid = fork();
    if (pid == 0) {
        if (crash_install(fd, "", "", &e))
            crash_with_an_earlier_action();
        _exit(1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    close(fd);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), 77);
}
END_TEST

/* --- reading -------------------------------------------------------------------------------------------- */

START_TEST(a_cut_report_is_read_as_far_as_it_goes) {
    arena *a = arena_new(0);
    ck_assert(!crash_read(a, STR(""), &r));
    ck_assert(!crash_read(a, STR("something else\nsignal SIGSEGV\n"), &r));
    ck_assert(crash_read(
        a,
        STR("busbar crash report\ntime 2026-11-21T10:00:00.250Z\nsignal SIGBUS\nwithin yes\nsha256 12\nplu"),
        &r));
    ck_assert_uint_eq(r.at_ms, 1795255200250u);
    ck_assert_str_eq(r.signal, "SIGBUS");
    ck_assert_str_eq(r.sha256, "");
    ck_assert_ptr_null(r.plugin);
    arena_free(a);
}
END_TEST

START_TEST(times_are_written_as_elsewhere) {
    static const uint64_t times[] = {
        0, 951782400123u, 951868799999u, 1795255200250u, 4107542400000u, 253402300799999u};
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++) {
        char expected[CLOCK_RFC3339_SIZE], text[32] = "";
        sigtext t = {.ptr = text, .cap = sizeof text - 1};
        clock_rfc3339(times[i], expected);
        sigtext_time(&t, times[i]);
        ck_assert_str_eq(text, expected);
    }
}
END_TEST

UNIT_MAIN(unit_test(a_step_that_writes_to_nowhere_is_named), unit_test(the_instruction_is_found_in_its_file),
          unit_test(other_signals_are_named_too), unit_test(a_stack_that_is_used_up_is_named),
          unit_test(the_last_visit_is_told_where_the_core_crashes),
          unit_test(a_signal_from_elsewhere_is_nobodys_fault),
          unit_test(a_ruined_mark_does_not_stop_the_report), unit_test(the_action_that_was_there_goes_on),
          unit_test(a_cut_report_is_read_as_far_as_it_goes), unit_test(times_are_written_as_elsewhere))
