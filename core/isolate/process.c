#include "isolate/process.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/sanitized.h"
#include "isolate/child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAID_MAX 65536u /* of one frame on the control socket */
#define LINES_MAX 200u  /* of its output, in a second */

/* Nothing of the hub's environment. */
#if SANITIZED
static char asan[] = "ASAN_OPTIONS=detect_leaks=0:handle_segv=0:handle_abort=0",
            tsan[] = "TSAN_OPTIONS=handle_segv=0";
static char *environment[] = {asan, tsan, NULL};
#else
static char *environment[] = {NULL};
#endif

/* --- its start ----------------------------------------------------------------------------------------- */

/* Above all that the child is given: so a descriptor's place is free until it is taken. */
#define ABOVE (CHILD_FIRST_LOOP + LOOP_MAX)

static int lift(int fd) {
    int above = fcntl(fd, F_DUPFD_CLOEXEC, ABOVE);
    close(fd);
    return above;
}

static bool pair(int *hub, int *child) {
    int fds[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0)
        return false;
    *hub = fds[0];
    *child = lift(fds[1]);
    return *child >= 0;
}

static int spawn(int *pid, const char *program, unsigned loops, int control, int output, const int *ends) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none, defaults;
    sigemptyset(&none);
    sigfillset(&defaults);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&files, output, 1);
    posix_spawn_file_actions_adddup2(&files, output, 2);
    posix_spawn_file_actions_adddup2(&files, control, CHILD_CONTROL);
    for (unsigned i = 0; i < loops; i++)
        posix_spawn_file_actions_adddup2(&files, ends[i], CHILD_FIRST_LOOP + (int)i);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    char name[] = "busbar", word[] = "worker", number[16];
    snprintf(number, sizeof number, "%u", loops);
    char *argv[] = {name, word, number, NULL};
    int error = posix_spawn(pid, program, &files, &attributes, argv, environment);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
    return error;
}

static void close_all(const int *fds, unsigned n) {
    for (unsigned i = 0; i < n; i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* Opens all the descriptors and starts it. */
static int start(process *p, const char *program, unsigned loops, int *fds) {
    int ends[LOOP_MAX], control = -1, out[2] = {-1, -1};
    unsigned n = 0;
    for (unsigned i = 0; i < LOOP_MAX; i++)
        ends[i] = fds[i] = -1;
    bool ok = pair(&p->control, &control) && pipe2(out, O_CLOEXEC) == 0 && (out[1] = lift(out[1])) >= 0;
    p->output = out[0];
    for (; ok && n < loops; n++)
        ok = pair(&fds[n], &ends[n]);
    int error = ok ? spawn(&p->pid, program, loops, control, out[1], ends) : errno;
    close_all(ends, LOOP_MAX);
    close_all((int[]){control, out[1]}, 2);
    if (error == 0 && (p->pidfd = pidfd_open(p->pid, 0)) < 0) {
        error = errno;
        kill(p->pid, SIGKILL);
        waitpid(p->pid, NULL, 0);
    }
    if (error != 0) {
        close_all(fds, LOOP_MAX);
        close_all((int[]){p->control, p->output}, 2);
    }
    return error;
}

static bool send_setup(process *p) {
    const buf *text = &p->of->setup;
    int room = (int)text->len + 4096;
    setsockopt(p->control, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    return send(p->control, text->ptr, text->len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)text->len;
}

/* --- what it says --------------------------------------------------------------------------------------- */

static void on_exit_of(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    supervise_exit(poll->data);
}

/* So many lines a second, of its output and of what it logs outside of calls. */
static bool may_say(process *p) {
    uint64_t now = clock_ns() / 1000000u;
    if (now - p->lines_since_ms >= 1000) {
        p->lines_since_ms = now;
        p->lines = 0;
    }
    if (p->lines <= LINES_MAX && ++p->lines > LINES_MAX)
        log_write(LOG_LEVEL_WARN,
                  "connector %s, connection %s, prints more than %u lines a second: the others are dropped",
                  p->of->plugin, p->of->connection, LINES_MAX);
    return p->lines <= LINES_MAX;
}

static void take_control(process *p, frame *f) {
    if (f->head.kind == FRAME_READY && !p->ready) {
        p->ready = true;
        supervise_ready(p);
    } else if (f->head.kind == FRAME_REFUSED && !p->ready) {
        p->refused = true;
        str_put(p->refusal, sizeof p->refusal, frame_get_str(f));
    } else if (f->head.kind == FRAME_LOG) {
        uint32_t level = frame_get_u32(f);
        bb_str text = frame_get_str(f);
        if (level <= LOG_LEVEL_ERROR && log_enabled((log_level)level) && may_say(p))
            log_write((log_level)level, "connector %s, connection %s: %.*s", p->of->plugin, p->of->connection,
                      (int)(text.len < 2048 ? text.len : 2048), text.ptr != NULL ? text.ptr : "");
    } else {
        isolate_kill(p->of, p->incarnation, "was killed: it broke the protocol between it and the hub");
    }
}

static void take_said(process *p) {
    size_t at = 0, size;
    frame f;
    frame_found found;
    while ((found = frame_read(str_of(p->said.ptr + at, p->said.len - at), SAID_MAX, &f, &size)) ==
           FRAME_WHOLE) {
        at += size;
        take_control(p, &f);
    }
    if (found == FRAME_BAD)
        isolate_kill(p->of, p->incarnation, "was killed: it broke the protocol between it and the hub");
    p->said.len -= at;
    if (p->said.len > 0 && at > 0)
        memmove(p->said.ptr, p->said.ptr + at, p->said.len);
}

static void close_handle(void *handle);

/* One that never stops talking must not keep the supervisor from the others. */
static void read_control(process *p, unsigned rounds) {
    while (p->control >= 0 && rounds-- > 0) {
        ssize_t n = buf_reserve(&p->said, 4096)
                        ? recv(p->control, p->said.ptr + p->said.len, 4096, MSG_DONTWAIT)
                        : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return;
        if (n <= 0) { /* it is ending, or closed it: it is of no use without */
            close_handle(&p->control_poll);
            close(p->control);
            p->control = -1;
            supervise_silent(p);
            return;
        }
        p->said.len += (size_t)n;
        take_said(p);
    }
}

static void on_control(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    read_control(poll->data, 16);
}

/* --- its output -------------------------------------------------------------------------------------------
 */

static void say_line(process *p) {
    if (may_say(p))
        log_write(LOG_LEVEL_INFO, "connector %s, connection %s, prints: %.*s", p->of->plugin,
                  p->of->connection, (int)p->line_len, p->line);
    p->line_len = 0;
}

static void take_output(process *p, const char *bytes, size_t n) {
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] != '\n')
            p->line[p->line_len++] = bytes[i];
        if (p->line_len > 0 && (bytes[i] == '\n' || p->line_len == sizeof p->line))
            say_line(p);
    }
}

static void on_output(uv_poll_t *poll, int status, int events) {
    process *p = poll->data;
    char bytes[4096];
    (void)status;
    (void)events;
    ssize_t n = p->output >= 0 ? read(p->output, bytes, sizeof bytes) : -1;
    if (n > 0)
        take_output(p, bytes, (size_t)n);
    else if (n == 0)
        uv_poll_stop(poll);
}

/* --- life
 * --------------------------------------------------------------------------------------------------- */

static void on_closed(uv_handle_t *handle) {
    process *p = handle->data;
    if (--p->open > 0)
        return;
    buf_free(&p->said);
    isolated_unref(p->of);
    free(p);
}

static void close_handle(void *handle) {
    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

static void watch(process *p, uv_loop_t *on, uv_poll_t *poll, int fd, uv_poll_cb fn) {
    uv_poll_init(on, poll, fd);
    poll->data = p;
    p->open++;
    uv_poll_start(poll, UV_READABLE, fn);
}

process *process_new(isolated *i, const char *program, unsigned loops, uv_loop_t *on, int *fds, err *e) {
    process *p = calloc(1, sizeof *p);
    if (p == NULL) {
        err_set(e, "no memory");
        return NULL;
    }
    *p = (process){.of = i, .incarnation = i->incarnation + 1, .pidfd = -1, .control = -1, .output = -1};
    int error = start(p, program, loops, fds);
    if (error != 0) {
        err_set(e, "the connector's process cannot be started: %s", strerror(error));
        free(p);
        return NULL;
    }
    isolated_ref(i);
    fcntl(p->output, F_SETFL, O_NONBLOCK);
    watch(p, on, &p->exit_poll, p->pidfd, on_exit_of);
    watch(p, on, &p->control_poll, p->control, on_control);
    watch(p, on, &p->output_poll, p->output, on_output);
    if (!send_setup(p))
        kill(p->pid, SIGKILL); /* it has not been waited for: the id is its own */
    return p;
}

static void describe(char *how, size_t cap, const process *p, int status) {
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        snprintf(how, cap, "was killed from outside (SIGKILL), by hand or for want of memory");
    else if (WIFSIGNALED(status))
        snprintf(how, cap, "crashed (SIG%s)", sigabbrev_np(WTERMSIG(status)));
    else if (WEXITSTATUS(status) == CHILD_NO_MEMORY)
        snprintf(how, cap, "took more than its %llu MiB of memory ([isolation] memory)",
                 (unsigned long long)(p->of->limits.memory >> 20));
    else
        snprintf(how, cap, "ended by itself (exit code %d)", WEXITSTATUS(status));
}

void process_reap(process *p, char *how, size_t cap, uint64_t *cpu_ms) {
    int status = 0;
    struct rusage used = {0};
    read_control(p, UINT_MAX); /* there will be no more */
    for (ssize_t n = 1; n > 0;) {
        char bytes[4096];
        n = read(p->output, bytes, sizeof bytes);
        if (n > 0)
            take_output(p, bytes, (size_t)n);
    }
    if (p->line_len > 0)
        say_line(p);
    while (wait4(p->pid, &status, 0, &used) < 0 && errno == EINTR)
        ;
    describe(how, cap, p, status);
    *cpu_ms = (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000u +
              (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1000u;
}

void process_close(process *p) {
    close_handle(&p->exit_poll);
    close_handle(&p->control_poll);
    close_handle(&p->output_poll);
    close_all((int[]){p->control, p->output, p->pidfd}, 3);
    p->control = p->output = p->pidfd = -1;
}
