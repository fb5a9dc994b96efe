#include "plugin/crash.h"

#include "plugin/crash_internal.h"
#include "plugin/mark.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define STACK_BYTES 65536u
#define NEAR_STACK 65536u /* a fault this near the stack pointer: the stack is used up */
#define OTHERS_WAIT_S 10  /* another thread that crashes while one is writing */

typedef struct cause {
    int number;
    const char *name;
    struct sigaction before;
} cause;

static cause causes[] = {{.number = SIGSEGV, .name = "SIGSEGV"}, {.number = SIGBUS, .name = "SIGBUS"},
                         {.number = SIGFPE, .name = "SIGFPE"},   {.number = SIGILL, .name = "SIGILL"},
                         {.number = SIGABRT, .name = "SIGABRT"}, {.number = SIGSYS, .name = "SIGSYS"}};
#define CAUSES (sizeof causes / sizeof causes[0])

static int report_fd = -1;
static bool installed;
static char hub_version[64], report_place[512];
static atomic_flag writing = ATOMIC_FLAG_INIT;

/* --- what it is about ------------------------------------------------------------------------------- */

/* The mark, read as memory that the connector may have overwritten. */
typedef struct scene {
    bool within, visited;
    char connection[128], operation[128], step[32];
    mark_build build; /* last: it ends in its path, which is not looked at */
} scene;

static void look_at(scene *s) {
    mark m;
    if (mark_mine == NULL || !crash_peek(&m, mark_mine, sizeof m) || m.operation == NULL)
        return;
    s->visited = true;
    s->within = m.turn % 2 == 1;
    if (m.build == NULL || !crash_peek(&s->build, m.build, sizeof s->build))
        s->build = (mark_build){.plugin = "unknown"};
    s->build.plugin[sizeof s->build.plugin - 1] = s->build.version[sizeof s->build.version - 1] = '\0';
    s->build.sha256[sizeof s->build.sha256 - 1] = '\0';
    crash_peek_text(s->connection, sizeof s->connection, m.connection);
    crash_peek_text(s->operation, sizeof s->operation, m.operation);
    crash_peek_text(s->step, sizeof s->step, m.step);
}

static bool is_used_up(int number, const siginfo_t *info, const void *context) {
    uintptr_t at = (uintptr_t)info->si_addr, stack = crash_stack_pointer(context);
    return number == SIGSEGV && info->si_code > 0 && stack != 0 &&
           (at > stack ? at - stack : stack - at) < NEAR_STACK;
}

static bool is_sent(const siginfo_t *info) {
    return (info->si_code == SI_USER || info->si_code == SI_QUEUE || info->si_code == SI_TKILL) &&
           info->si_pid != getpid();
}

static uint64_t now_ms(void) {
    struct timespec t = {0};
    clock_gettime(CLOCK_REALTIME, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* --- the report --------------------------------------------------------------------------------------- */

static void member(sigtext *t, const char *name, const char *text) {
    if (text[0] == '\0')
        return;
    sigtext_put(t, name);
    sigtext_put(t, " ");
    sigtext_put(t, text);
    sigtext_put(t, "\n");
}

static void flush(sigtext *t, int fd) {
    for (size_t done = 0; fd >= 0 && done < t->len;) {
        long n = syscall(SYS_write, fd, t->ptr + done, t->len - done);
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    t->len = 0;
}

static void put_scene(sigtext *t, const scene *s) {
    member(t, "within", s->within ? "yes" : "no");
    if (!s->visited)
        return;
    member(t, "plugin", s->build.plugin);
    member(t, "version", s->build.version);
    member(t, "sha256", s->build.sha256);
    sigtext_put(t, "generation ");
    sigtext_u64(t, s->build.generation);
    sigtext_put(t, "\n");
    member(t, "connection", s->connection);
    member(t, "operation", s->operation);
    member(t, "step", s->step);
}

static void put_signal(sigtext *t, const char *name, const siginfo_t *info, const void *context) {
    member(t, "signal", name);
    sigtext_put(t, "code ");
    if (info->si_code < 0)
        sigtext_put(t, "-");
    sigtext_u64(t, (uint64_t)(info->si_code < 0 ? -(int64_t)info->si_code : info->si_code));
    if (is_sent(info)) {
        sigtext_put(t, "\nsent by process ");
        sigtext_u64(t, (uint64_t)info->si_pid);
    } else if (info->si_code > 0) {
        sigtext_put(t, "\nfault ");
        sigtext_hex(t, (uint64_t)(uintptr_t)info->si_addr);
    }
    sigtext_put(t, "\n");
    if (is_used_up(info->si_signo, info, context))
        member(t, "note", "the stack is used up");
    sigtext_put(t, "thread ");
    sigtext_u64(t, (uint64_t)syscall(SYS_gettid));
    sigtext_put(t, "\n");
}

static void write_report(const char *name, const siginfo_t *info, const void *context, const scene *s) {
    static char text[4096];
    sigtext t = {.ptr = text, .cap = sizeof text};
    sigtext_put(&t, "busbar crash report\ntime ");
    sigtext_time(&t, now_ms());
    sigtext_put(&t, "\n");
    member(&t, "hub", hub_version);
    put_scene(&t, s);
    put_signal(&t, name, info, context);
    flush(&t, report_fd); /* before anything that looks further */
    crash_frames(&t, context);
    flush(&t, report_fd);
}

/* Worded as the log is. */
static void write_line(const char *name, const scene *s) {
    static char text[1024];
    sigtext t = {.ptr = text, .cap = sizeof text - 1};
    sigtext_time(&t, now_ms());
    sigtext_put(&t, " error ");
    sigtext_put(&t, name);
    mark_visit v = {.build = &s->build,
                    .connection = s->connection[0] != '\0' ? s->connection : NULL,
                    .operation = s->operation,
                    .step = s->step[0] != '\0' ? s->step : NULL};
    sigtext_put(&t, s->within ? ": the hub crashes within " : ": the hub crashes, not within a connector");
    if (!s->within && s->visited)
        sigtext_put(&t, "; last visited by this thread: ");
    if (s->visited)
        mark_describe(&t, &v);
    if (report_fd >= 0) {
        sigtext_put(&t, "; the report is ");
        sigtext_put(&t, report_place);
    }
    text[t.len++] = '\n';
    flush(&t, STDERR_FILENO);
}

/* --- the handler ---------------------------------------------------------------------------------------- */

/* A fault happens again once this returns, with the action that was there before; what was sent or raised
 * does not. */
static void go_on(const cause *c, const siginfo_t *info) {
    sigaction(c->number, &c->before, NULL);
    bool again = info->si_code > 0 && c->number != SIGABRT && c->number != SIGSYS;
    if (!again)
        syscall(SYS_tgkill, getpid(), (int)syscall(SYS_gettid), c->number);
}

static void wait_for_the_other(void) {
    struct timespec rest = {.tv_sec = OTHERS_WAIT_S};
    nanosleep(&rest, NULL); /* signals are blocked: the process ends meanwhile */
}

static void on_signal(int number, siginfo_t *info, void *context) {
    static scene s;
    int error = errno;
    const cause *c = causes;
    while (c->number != number)
        c++;
    if (atomic_flag_test_and_set(&writing)) {
        wait_for_the_other();
    } else {
        look_at(&s);
        write_line(c->name, &s);
        write_report(c->name, info, context, &s);
    }
    go_on(c, info);
    errno = error;
}

/* --- stacks --------------------------------------------------------------------------------------------- */

static _Thread_local void *own_stack;

/* A sanitizer may have given the thread one already. */
static void stack_begin(void) {
    stack_t now;
    if (own_stack != NULL || sigaltstack(NULL, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0)
        return;
    void *p = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return;
    if (sigaltstack(&(stack_t){.ss_sp = p, .ss_size = STACK_BYTES}, NULL) == 0)
        own_stack = p;
    else
        munmap(p, STACK_BYTES);
}

static void stack_end(void) {
    if (own_stack == NULL)
        return;
    sigaltstack(&(stack_t){.ss_flags = SS_DISABLE}, NULL);
    munmap(own_stack, STACK_BYTES);
    own_stack = NULL;
}

/* --- life ------------------------------------------------------------------------------------------------
 */

bool crash_install(int fd, const char *where, const char *version, err *e) {
    if (!crash_look_open()) {
        crash_look_close();
        return err_set(e, "no descriptors for reports of crashes: %s", strerror(errno));
    }
    report_fd = fd;
    str_put(hub_version, sizeof hub_version, str_from(version));
    str_put(report_place, sizeof report_place, str_from(where));
    stack_begin();
    mark_on_thread(stack_begin, stack_end);
    for (size_t i = 0; i < CAUSES; i++) {
        struct sigaction a = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
        sigfillset(&a.sa_mask);
        sigaction(causes[i].number, &a, &causes[i].before);
    }
    installed = true;
    return true;
}

void crash_remove(void) {
    if (!installed)
        return;
    for (size_t i = 0; i < CAUSES; i++)
        sigaction(causes[i].number, &causes[i].before, NULL);
    mark_on_thread(NULL, stack_end);
    stack_end();
    crash_look_close();
    report_fd = -1;
    installed = false;
}
