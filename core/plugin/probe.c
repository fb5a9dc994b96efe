/* probe.c - the hub's side of a probe. The lines: to the child one JSON object a job,
 * {"job","path","id","memory","connections":[{"n","id", "settings"}]}; from it `L JOB` (loading), `C JOB N`
 * (creating), `l JOB` / `c JOB N` (that went well), `X JOB TEXT`, `Y JOB N TEXT` (refused), each said before
 * or after the step it names. */
#include "plugin/probe.h"

#include "base/buf.h"
#include "base/clock.h"
#include "plugin/child.h"
#include "plugin/ledger.h"
#include "json/json.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define HUNG_MAX 2u /* connections of one connector whose `create` does not come back */

typedef struct probe_run_state {
    probe_job *jobs;
    size_t count;
    child process;
    size_t job;        /* being loaded, or whose connection is being created */
    size_t connection; /* SIZE_MAX: the load itself */
    bool began;
    bool first; /* the step at work is the child's first job */
} probe_run_state;

/* --- the jobs' text -------------------------------------------------------------------------------- */

static void write_job(buf *out, const probe_job *job, size_t number) {
    json_writer w;
    json_writer_init(&w, out);
    json_object(&w);
    json_member_u64(&w, STR("job"), number);
    json_member_string(&w, STR("path"), str_from(job->path));
    json_member_string(&w, STR("id"), job->id);
    json_member_u64(&w, STR("memory"), ledger_limit());
    json_keyl(&w, "connections");
    json_array(&w);
    for (size_t i = 0; i < job->connection_count; i++) {
        if (job->connections[i].done)
            continue;
        json_object(&w);
        json_member_u64(&w, STR("n"), i);
        json_member_string(&w, STR("id"), job->connections[i].id);
        json_member_string(&w, STR("settings"), job->connections[i].settings);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
    buf_char(out, '\n');
}

/* --- what the child says --------------------------------------------------------------------------- */

static probe_job *job_of(probe_run_state *s, bb_str number, size_t *index) {
    uint64_t n;
    if (!str_to_u64(number, &n) || n >= s->count)
        return NULL;
    *index = (size_t)n;
    return &s->jobs[n];
}

static void take_refusal(err *e, bb_str text) {
    err_set(e, "%.*s", STR_FMT(text));
}

static void take_line(probe_run_state *s, bb_str line) {
    bb_str rest = line, kind, number;
    size_t index;
    if (!str_split(&rest, ' ', &kind) || kind.len != 1 || !str_split(&rest, ' ', &number))
        return;
    probe_job *job = job_of(s, number, &index);
    if (job == NULL)
        return;
    char what = kind.ptr[0];
    if (what == 'L') {
        s->first = !s->began;
        s->began = true;
        s->job = index;
        s->connection = SIZE_MAX;
    } else if (what == 'l' || what == 'X') {
        job->done = true;
        job->ok = what == 'l';
        if (what == 'X')
            take_refusal(&job->error, rest);
    } else if (what == 'C' || what == 'c' || what == 'Y') {
        bb_str place;
        uint64_t n;
        if (!str_split(&rest, ' ', &place) || !str_to_u64(place, &n) || n >= job->connection_count)
            return;
        if (what == 'C') {
            s->connection = (size_t)n;
            return;
        }
        job->connections[n].done = true;
        job->connections[n].ok = what == 'c';
        if (what == 'Y')
            take_refusal(&job->connections[n].error, rest);
    }
}

/* Reads lines until the child ends or is silent for too long. True: it was silent. */
static bool listen_to(probe_run_state *s, unsigned timeout_ms) {
    buf text;
    buf_init(&text);
    bool hung = false;
    uint64_t deadline = clock_ns() / 1000000u + timeout_ms;
    for (;;) {
        uint64_t now = clock_ns() / 1000000u;
        struct pollfd p = {.fd = s->process.from, .events = POLLIN};
        int ready = now >= deadline ? 0 : poll(&p, 1, (int)(deadline - now));
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0) {
            hung = true;
            break;
        }
        if (!buf_reserve(&text, 4096))
            break;
        ssize_t n = read(s->process.from, text.ptr + text.len, 4096);
        if (n <= 0)
            break;
        text.len += (size_t)n;
        deadline = clock_ns() / 1000000u + timeout_ms;
        char *newline;
        while ((newline = memchr(text.ptr, '\n', text.len)) != NULL) {
            size_t len = (size_t)(newline - text.ptr);
            take_line(s, str_of(text.ptr, len));
            memmove(text.ptr, newline + 1, text.len - len - 1);
            text.len -= len + 1;
        }
    }
    buf_free(&text);
    return hung;
}

/* --- blame ----------------------------------------------------------------------------------------- */

static void describe_end(char out[128], bool hung, int status) {
    if (hung)
        snprintf(out, 128, "did not come back in time");
    else if (WIFSIGNALED(status))
        snprintf(out, 128, "crashed (%s)", strsignal(WTERMSIG(status)));
    else
        snprintf(out, 128, "ended the process (exit code %d)", WEXITSTATUS(status));
}

/* The main thread waits for each: a connector that hangs again and again does not get its time once more. */
static void give_up(probe_job *job) {
    for (size_t i = 0; i < job->connection_count; i++) {
        if (job->connections[i].done)
            continue;
        job->connections[i].done = true;
        err_set(&job->connections[i].error,
                "not tried: the connector did not come back from `create` for %u other connections",
                HUNG_MAX);
    }
}

/* The child is gone with work left. Whoever was at work in its first job did it; otherwise that job is tried
 * again, alone. */
static void blame(probe_run_state *s, bool hung, int status) {
    char end[128];
    describe_end(end, hung, status);
    if (!s->began) {
        for (size_t i = 0; i < s->count; i++) {
            if (!s->jobs[i].done) {
                s->jobs[i].done = true;
                err_set(&s->jobs[i].error, "the process that tries connectors %s before it began", end);
            }
        }
        return;
    }
    if (!s->first && !hung)
        return;
    probe_job *job = &s->jobs[s->job];
    if (s->connection == SIZE_MAX) {
        job->done = job->crashed = true;
        job->ok = false;
        err_set(&job->error,
                "it %s while it was loaded and tested in a process of its own; this build is not tried again",
                end);
    } else if (!job->connections[s->connection].done) {
        job->connections[s->connection].done = true;
        err_set(&job->connections[s->connection].error, "the connector %s in `create` with these settings",
                end);
        if (hung && ++job->hung == HUNG_MAX)
            give_up(job);
    } else {
        job->crashed = true;
        job->ok = false;
        err_set(&job->error, "it %s after an instance was destroyed; this build is not tried again", end);
    }
}

static bool job_pending(const probe_job *job) {
    if (job->done && !job->ok)
        return false;
    for (size_t i = 0; i < job->connection_count; i++)
        if (!job->connections[i].done)
            return true;
    return !job->done;
}

static bool any_pending(const probe_run_state *s, buf *text) {
    bool pending = false;
    for (size_t i = 0; i < s->count; i++) {
        if (job_pending(&s->jobs[i])) {
            pending = true;
            write_job(text, &s->jobs[i], i);
        }
    }
    return pending;
}

static void run_once(probe_run_state *s, const char *program, bb_str text, unsigned timeout_ms) {
    s->began = false;
    if (!child_start(&s->process, program, "probe")) {
        blame(s, false, 0);
        return;
    }
    child_tell(&s->process, text);
    bool hung = listen_to(s, timeout_ms);
    int status = child_end(&s->process, hung);
    buf left;
    buf_init(&left);
    if (any_pending(s, &left) || (s->began && (WIFSIGNALED(status) || WEXITSTATUS(status) != 0)))
        blame(s, hung, status);
    buf_free(&left);
}

void probe_run(const char *program, probe_job *jobs, size_t count, unsigned step_timeout_ms) {
    probe_run_state s = {.jobs = jobs, .count = count};
    size_t rounds = 2; /* each round ends at least one job or connection, or tries one alone */
    for (size_t i = 0; i < count; i++)
        rounds += 2 * (1 + jobs[i].connection_count);
    while (rounds-- > 0) {
        buf text;
        buf_init(&text);
        bool pending = any_pending(&s, &text);
        if (pending)
            run_once(&s, program, buf_str(&text), step_timeout_ms);
        buf_free(&text);
        if (!pending)
            return;
    }
}
