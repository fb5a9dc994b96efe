/* worker.c - a child from the loop's side: started, given orders, listened to, killed. */
#include "transform/pool.h"

#include "base/sanitized.h"

#include "transform/counts.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#define HEAD sizeof(answer_head)
#define READ_STEP 65536u

/* Nothing of the hub's environment. Where sanitizers rule out RLIMIT_AS, their own limits stand in. */
#if SANITIZED
#define LIMITS "hard_rss_limit_mb=700:max_allocation_size_mb=400:exitcode=90:handle_segv=0:detect_leaks=0"
static char asan[] = "ASAN_OPTIONS=" LIMITS, tsan[] = "TSAN_OPTIONS=" LIMITS;
static char *environment[] = {asan, tsan, NULL};

/* libuv closes descriptors by a bare system call, which ThreadSanitizer does not see: the next thread that is
 * given the same number by accept or socket then seems to race with uv_spawn. */
__attribute__((visibility("default"))) const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void) {
    return "race:uv_pipe\nrace:uv_socketpair\n";
}
#else
static char *environment[] = {NULL};
#endif

static void on_closed(uv_handle_t *handle) {
    worker *w = handle->data;
    if (--w->open > 0)
        return;
    transforms *pool = w->pool;
    buf_free(&w->in);
    pool_worker_closed(pool, w);
    free(w);
}

static void close_handle(void *handle) {
    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

void worker_dismiss(worker *w) {
    if (w->dismissed)
        return;
    w->dismissed = true;
    w->pool->serving--;
    close_handle(&w->pipe);
    if (w->exited)
        close_handle(&w->process);
    else
        uv_process_kill(&w->process, SIGKILL); /* on_exit closes the handle */
}

/* --- its end -------------------------------------------------------------------------------------- */

static transform_outcome explain(const worker *w, char *text, size_t size) {
    if (w->exit_signal == 0 && w->exit_code == CHILD_NO_MEMORY) {
        snprintf(text, size, "the program took more than %llu MiB of memory",
                 (unsigned long long)(CHILD_MEMORY >> 20));
        return TRANSFORM_TOO_LARGE;
    }
    if (!w->ready) {
        snprintf(text, size, "the child for jq programs ended at its start (exit code %lld, signal %d)",
                 (long long)w->exit_code, w->exit_signal);
        return TRANSFORM_BROKEN;
    }
    snprintf(text, size,
             "jq itself crashed on it (exit code %lld, signal %d): most often of values nested too deep",
             (long long)w->exit_code, w->exit_signal);
    return TRANSFORM_FAILED;
}

/* It retired as the order came; or somebody else killed it (an administrator, the kernel for want of memory),
 * perhaps before it had seen the order. A program that brings that about itself does so a second time. */
static bool is_no_fault_of(const worker *w, transform_run *r) {
    if (w->exit_signal == 0)
        return w->exit_code == 0;
    if (w->exit_signal != SIGKILL || r->killed)
        return false;
    r->killed = true;
    return true;
}

/* Both its silence and its exit are known: what it said is all here. */
static void over(worker *w) {
    char text[160];
    transform_run *r = w->run;
    transforms *pool = w->pool;
    transform_outcome outcome = explain(w, text, sizeof text);
    bool again = r != NULL && r->done != NULL && w->ready && w->in.len == 0 && is_no_fault_of(w, r);
    w->run = NULL;
    worker_dismiss(w);
    if (again)
        pool_again(pool, r);
    else if (r != NULL) {
        pool_suspect(pool, r);
        pool_answer(pool, r, outcome, (bb_str){NULL, 0}, str_from(text));
    } else {
        pool_next(pool);
    }
}

static void on_exit_of(uv_process_t *process, int64_t code, int sig) {
    worker *w = process->data;
    w->exited = true;
    w->exit_code = code;
    w->exit_signal = sig;
    if (w->dismissed)
        close_handle(process);
    else if (w->silent)
        over(w);
}

static void on_silence(worker *w) {
    uv_read_stop((uv_stream_t *)&w->pipe);
    w->silent = true;
    if (w->exited)
        over(w);
    else
        uv_process_kill(&w->process, SIGKILL); /* most likely it is ending anyway */
}

/* --- its answers ------------------------------------------------------------------------------------ */

static transform_outcome outcome_of(uint32_t kind) {
    return kind == FRAME_OK ? TRANSFORM_OK : kind == FRAME_FAILED ? TRANSFORM_FAILED : TRANSFORM_TOO_LARGE;
}

/* A child that breaks the protocol may be under a program's control. */
static void broken(worker *w) {
    transform_run *r = w->run;
    transforms *pool = w->pool;
    w->run = NULL;
    worker_dismiss(w);
    if (r != NULL)
        pool_answer(pool, r, TRANSFORM_FAILED, (bb_str){NULL, 0}, STR("the child broke its protocol"));
    else
        pool_next(pool);
}

static void answered(worker *w, const answer_head *head) {
    transform_run *r = w->run;
    transforms *pool = w->pool;
    buf held = w->in;
    bb_str body = str_of(held.ptr + HEAD, held.len - HEAD), none = {NULL, 0};
    transform_outcome outcome = outcome_of(head->kind);
    buf_init(&w->in);
    w->run = NULL;
    if (head->last)
        worker_dismiss(w);
    bool ok = outcome == TRANSFORM_OK;
    pool_answer(pool, r, outcome, ok ? body : none, ok ? none : body);
    buf_free(&held);
}

static bool may_be(const worker *w, const answer_head *head) {
    uint64_t most = head->kind == FRAME_OK && w->run != NULL ? w->run->job.max_result : DETAIL_MAX;
    return w->run != NULL && worker_written(w) && head->kind >= FRAME_OK && head->kind <= FRAME_TOO_LARGE &&
           head->length <= most && w->in.len <= HEAD + head->length;
}

static void take_input(worker *w) {
    answer_head head;
    if (w->in.len < HEAD)
        return;
    memcpy(&head, w->in.ptr, HEAD);
    if (!w->ready) {
        if (head.kind != FRAME_READY || head.length != 0) {
            broken(w);
            return;
        }
        w->ready = true;
        w->in.len -= HEAD;
        memmove(w->in.ptr, w->in.ptr + HEAD, w->in.len);
        if (w->run != NULL)
            pool_ready(w->run);
        take_input(w); /* once */
        return;
    }
    if (!may_be(w, &head))
        broken(w);
    else if (w->in.len == HEAD + head.length)
        answered(w, &head);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    worker *w = handle->data;
    (void)suggested;
    bool ok = buf_reserve(&w->in, READ_STEP);
    *out = uv_buf_init(ok ? w->in.ptr + w->in.len : NULL, ok ? READ_STEP : 0);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *unused) {
    worker *w = stream->data;
    (void)unused;
    if (n == UV_ENOBUFS) {
        broken(w);
    } else if (n < 0) {
        on_silence(w);
    } else if (n > 0) {
        w->in.len += (size_t)n;
        take_input(w);
    }
}

/* --- orders ----------------------------------------------------------------------------------------- */

typedef struct order {
    uv_write_t write;
    order_head head;
} order;

/* It may come after the answer: libuv reads once more before it tells of what it has written. */
static void on_written(uv_write_t *write, int status) {
    (void)status;
    free(write->data);
}

bool worker_written(const worker *w) {
    return uv_stream_get_write_queue_size((const uv_stream_t *)&w->pipe) == 0;
}

bool worker_knows(const worker *w, uint64_t program_hash) {
    for (unsigned i = 0; i < KNOWN; i++)
        if (w->known[i] == program_hash)
            return true;
    return false;
}

static uv_buf_t part(bb_str s) {
    return uv_buf_init((char *)(uintptr_t)s.ptr, (unsigned)s.len);
}

bool worker_order(worker *w, transform_run *r) {
    order *o = malloc(sizeof *o);
    bb_str program = str_from(r->job.program);
    int code = UV_ENOMEM;
    if (o != NULL) {
        o->write.data = o;
        o->head = (order_head){.program = (uint32_t)program.len,
                               .input = (uint32_t)r->job.input.len,
                               .variables = (uint32_t)r->job.variables.len,
                               .check = r->check,
                               .idle_ms = r->pool->idle_ms,
                               .max_result = r->job.max_result};
        uv_buf_t parts[] = {part(str_of(&o->head, sizeof o->head)), part(program), part(r->job.input),
                            part(r->job.variables)};
        code = uv_write(&o->write, (uv_stream_t *)&w->pipe, parts, 4, on_written);
    }
    if (code != 0) {
        free(o);
        worker_dismiss(w);
        return false;
    }
    w->run = r;
    if (!worker_knows(w, r->program_hash))
        w->known[w->known_at++ % KNOWN] = r->program_hash;
    return true;
}

worker *worker_new(transforms *pool, int *code) {
    worker *w = calloc(1, sizeof *w);
    *code = UV_ENOMEM;
    if (w == NULL)
        return NULL;
    char file[] = "/proc/self/exe", name[] = "busbar", word[] = "transform";
    char *argv[] = {name, word, NULL};
    uv_stdio_container_t stdio[3] = {{.flags = UV_CREATE_PIPE | UV_READABLE_PIPE | UV_WRITABLE_PIPE,
                                      .data.stream = (uv_stream_t *)&w->pipe},
                                     {.flags = UV_IGNORE},
                                     {.flags = UV_IGNORE}};
    uv_process_options_t options = {.file = file,
                                    .args = argv,
                                    .env = environment,
                                    .stdio = stdio,
                                    .stdio_count = 3,
                                    .exit_cb = on_exit_of};
    w->pool = pool;
    w->process.data = w->pipe.data = w;
    uv_pipe_init(loop_uv(pool->on), &w->pipe, 0);
    *code = uv_spawn(loop_uv(pool->on), &w->process, &options);
    w->open = 2;
    w->next = pool->workers;
    pool->workers = w;
    pool->serving++;
    if (*code == 0)
        *code = uv_read_start((uv_stream_t *)&w->pipe, on_alloc, on_read);
    else
        w->exited = true;
    if (*code == 0) {
        counts_child();
        return w;
    }
    worker_dismiss(w);
    return NULL;
}
