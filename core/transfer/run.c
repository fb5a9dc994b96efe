/* run.c - a transfer under way: the two calls, the flow between them, and what their ends mean. */
#include <busbar/content.h>

#include "transfer/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "content/file.h"

#include <stdlib.h>

static void begin_target(transfer *t);
static void end(transfer *t, transfer_status status, problem p, bb_str detail);

/* --- the end -------------------------------------------------------------------------------------------- */

static void close_side(transfer_side *s) {
    content_sink_free(s->content.sink);
    content_source_free(s->content.source);
    s->content.sink = NULL;
    s->content.source = NULL;
}

/* Of its calls, files and flows nothing is left. */
static void close_all(transfer *t) {
    t->ending = true;
    t->kept = NULL;
    if (t->source_side.call != NULL)
        call_cancel(t->source_side.call);
    if (t->target_side.call != NULL)
        call_cancel(t->target_side.call);
    close_side(&t->target_side);
    close_side(&t->source_side);
    t->pipe = NULL; /* was the target's source */
    t->ending = false;
}

static void on_end_stored(store_result r, void *ctx) {
    const transfer *t = ctx;
    if (r != STORE_OK)
        log_warn("transfer %s: its end is not stored: %s", t->id, store_result_text(r));
}

static void end(transfer *t, transfer_status status, problem p, bb_str detail) {
    if (t->status != TRANSFER_RUNNING)
        return;
    bb_str kept = arena_copy(t->memory, detail);
    pthread_mutex_lock(&t->all->lock);
    t->bytes = atomic_load(&t->to.file.ptr != NULL ? &t->source_side.content.done_bytes
                                                   : &t->target_side.content.done_bytes);
    t->status = status;
    t->problem = p;
    t->detail = kept;
    t->ended_ms = clock_wall_ms();
    t->source_side.content.save = t->target_side.content.save = NULL; /* nothing goes on by it */
    buf_wipe(&t->state);
    buf_init(&t->state);
    t->all->ended++;
    pthread_mutex_unlock(&t->all->lock);
    close_all(t);
    if (!transfer_store(t, t->worker->loop, on_end_stored))
        on_end_stored(STORE_BUSY, t);
}

static void fail(transfer *t, problem p, bb_str detail) {
    end(t, TRANSFER_FAILED, p, detail);
}

/* Its calls were cancelled, and nobody asked for that: the hub ends, and the next start goes on; or the
 * connection has been replaced, and it goes on with the new one. */
static void interrupted(transfer *t) {
    close_all(t);
    t->target_begun = t->from_failed = t->from_over = false;
    if (atomic_load(&t->all->stopping) || t->worker->closing)
        return;
    pthread_mutex_lock(&t->all->lock);
    t->resumed++;
    pthread_mutex_unlock(&t->all->lock);
    loop_post(t->worker->loop, transfer_run, t);
}

static void interrupted_later(loop *l, void *arg) {
    (void)l;
    transfer *t = arg;
    if (t->status == TRANSFER_RUNNING)
        interrupted(t);
}

void transfer_stop_now(loop *l, void *arg) {
    (void)l;
    transfer *t = arg;
    end(t, TRANSFER_CANCELLED, PROBLEM_CANCELLED, STR(""));
}

/* --- one call ------------------------------------------------------------------------------------------- */

static void on_begun(call *c, void *ctx) {
    transfer_side *s = ctx;
    transfer *t = s->transfer;
    s->call = c;
    pthread_mutex_lock(&t->all->lock);
    memcpy(t->executions[s == &t->target_side], call_id(c), EXECUTION_ID_SIZE);
    pthread_mutex_unlock(&t->all->lock);
}

/* The connection and operation as they are now; false: the transfer has failed. */
static bool resolve(transfer *t, const transfer_end *e, uint32_t flag, call_request *out) {
    const snapshot_entry *entry = snapshot_find(t->worker->snapshot, e->connection);
    connection *conn = entry != NULL ? entry->conn : NULL;
    const plugin_op *op = conn != NULL ? module_op(conn->module, e->operation) : NULL;
    const principal *who = t->key.len > 0 ? access_by_id(t->all->options.access, t->key) : NULL;
    if (t->key.len > 0 && (who == NULL || atomic_load(&who->revoked_ms) != 0)) {
        fail(t, PROBLEM_FORBIDDEN, STR("the key that began this transfer is no longer valid"));
        return false;
    }
    *out = (call_request){.conn = conn, .op = op, .who = (principal *)(uintptr_t)who, .input = e->input};
    if (op != NULL && (op->content & flag) != 0)
        return true;
    char text[300];
    snprintf(text, sizeof text, "%.*s has no operation %.*s that %s a file", STR_FMT(e->connection),
             STR_FMT(e->operation), flag == BB_CONTENT_TAKES ? "takes" : "gives");
    fail(t, PROBLEM_OPERATION_NOT_FOUND, str_from(text));
    return false;
}

static void reset_progress(call_content *c) {
    atomic_store(&c->done_bytes, 0);
    atomic_store(&c->total_bytes, FLOW_UNKNOWN);
}

/* --- the giving side ------------------------------------------------------------------------------------ */

static void note_failure(transfer *t, const call_result *r) {
    t->from_failed = true;
    t->from_problem = r->problem;
    t->from_detail = arena_copy(t->memory, r->detail);
}

static void on_source_done(call *c, const call_result *r, void *ctx) {
    transfer_side *s = ctx;
    transfer *t = s->transfer;
    bool good = r->problem == PROBLEM_NONE, cancelled = r->problem == PROBLEM_CANCELLED;
    bb_str data = good && t->to.file.ptr != NULL && !t->ending ? arena_copy(t->memory, r->data)
                                                               : (bb_str){NULL, 0};
    if (!good && !t->ending && !cancelled)
        note_failure(t, r);
    s->call = NULL;
    call_free(c);
    if (t->ending)
        return;
    t->from_over = good;
    if (cancelled) {
        loop_post(t->worker->loop, interrupted_later, t); /* the other side may be on the stack */
    } else if (!good && t->target_side.call != NULL) {
        flow_fail(s->content.sink->flow, "what is to be sent cannot be had any more");
    } else if (!good) {
        fail(t, t->from_problem, t->from_detail);
    } else if (t->to.file.ptr != NULL) {
        pthread_mutex_lock(&t->all->lock);
        t->result = data;
        pthread_mutex_unlock(&t->all->lock);
        end(t, TRANSFER_SUCCEEDED, PROBLEM_NONE, STR(""));
    }
}

static bool begin_source(transfer *t) {
    transfer_side *s = &t->source_side;
    call_request request;
    if (!resolve(t, &t->from, BB_CONTENT_GIVES, &request))
        return false;
    s->content.folders = t->all->options.folders;
    request.content = &s->content;
    reset_progress(&s->content);
    if (call_begin(t->worker, &request, on_begun, on_source_done, s))
        return true;
    fail(t, PROBLEM_OVERLOADED, STR("no memory for the call"));
    return false;
}

/* Not from within the other call's stage: the new call may end at once. */
static void begin_source_later(loop *l, void *arg) {
    (void)l;
    transfer *t = arg;
    if (t->status == TRANSFER_RUNNING && t->source_side.call == NULL && t->source_side.content.sink != NULL)
        begin_source(t);
}

bool transfer_give_from(transfer *t, uint64_t offset, err *e) {
    transfer_side *s = &t->source_side;
    t->ending = true; /* what is given up does not end the transfer */
    if (s->call != NULL)
        call_cancel(s->call);
    close_side(s);
    t->ending = false;
    s->content.offset = offset;
    s->content.validator = t->info.validator;
    s->content.sink = transfer_pipe_sink(t);
    if (s->content.sink == NULL || !loop_post(t->worker->loop, begin_source_later, t))
        return err_set(e, "no memory for the content");
    return true;
}

/* --- the taking side ------------------------------------------------------------------------------------ */

static void on_target_done(call *c, const call_result *r, void *ctx) {
    transfer_side *s = ctx;
    transfer *t = s->transfer;
    problem p = r->problem;
    bb_str data = p == PROBLEM_NONE && !t->ending ? arena_copy(t->memory, r->data) : (bb_str){NULL, 0};
    bb_str detail = p != PROBLEM_NONE && !t->ending ? arena_copy(t->memory, r->detail) : STR("");
    s->call = NULL;
    t->kept = NULL;
    call_free(c);
    if (t->ending)
        return;
    if (p == PROBLEM_NONE) {
        pthread_mutex_lock(&t->all->lock);
        t->result = data;
        pthread_mutex_unlock(&t->all->lock);
        end(t, TRANSFER_SUCCEEDED, PROBLEM_NONE, STR(""));
    } else if (p == PROBLEM_CANCELLED) {
        interrupted(t);
    } else if (t->from_failed) {
        fail(t, t->from_problem, t->from_detail);
    } else {
        fail(t, p, detail);
    }
}

static void on_state_stored(store_result r, void *ctx) {
    transfer *t = ctx;
    void (*kept)(void *ctx, bool ok) = t->kept;
    t->kept = NULL;
    if (kept != NULL)
        kept(t->kept_ctx, r == STORE_OK);
}

static bool save(void *ctx, bb_str json, void (*kept)(void *kept_ctx, bool ok), void *kept_ctx) {
    transfer *t = ctx;
    pthread_mutex_lock(&t->all->lock);
    buf_clear(&t->state);
    buf_str_add(&t->state, json);
    pthread_mutex_unlock(&t->all->lock);
    t->kept = kept;
    t->kept_ctx = kept_ctx;
    return transfer_store(t, t->worker->loop, on_state_stored);
}

static void call_target(transfer *t) {
    transfer_side *s = &t->target_side;
    call_request request;
    if (!resolve(t, &t->to, BB_CONTENT_TAKES, &request))
        return;
    s->content.folders = t->all->options.folders;
    s->content.saved = arena_copy(t->memory, buf_str(&t->state));
    s->content.save = save;
    s->content.ctx = t;
    request.content = &s->content;
    reset_progress(&s->content);
    if (!call_begin(t->worker, &request, on_begun, on_target_done, s))
        fail(t, PROBLEM_OVERLOADED, STR("no memory for the call"));
}

/* It is on disk that the service may have got a part of it: now it may. */
static void on_noted(store_result r, void *ctx) {
    transfer *t = ctx;
    if (t->status != TRANSFER_RUNNING || !t->target_begun || t->target_side.call != NULL)
        return;
    if (r == STORE_OK)
        call_target(t);
    else
        fail(t, PROBLEM_STORE_UNAVAILABLE, str_from(store_result_text(r)));
}

static void begin_target(transfer *t) {
    call_request request;
    if (t->target_begun || !resolve(t, &t->to, BB_CONTENT_TAKES, &request))
        return;
    t->target_begun = true;
    pthread_mutex_lock(&t->all->lock);
    t->sent = true;
    pthread_mutex_unlock(&t->all->lock);
    if (!transfer_store(t, t->worker->loop, on_noted))
        fail(t, PROBLEM_STORE_UNAVAILABLE, STR("that the upload begins cannot be stored"));
}

/* --- the pipe ------------------------------------------------------------------------------------------- */

static void begin_target_later(loop *l, void *arg) {
    (void)l;
    transfer *t = arg;
    transfer_side *target = &t->target_side, *source = &t->source_side;
    if (t->status != TRANSFER_RUNNING || t->target_begun || source->content.sink == NULL)
        return;
    content_source *pipe = transfer_pipe_source(t);
    if (pipe == NULL) {
        fail(t, PROBLEM_OVERLOADED, STR("no memory for the content"));
        return;
    }
    pipe->flow = flow_ref(source->content.sink->flow);
    pipe->at = source->content.offset;
    target->content.source = pipe;
    begin_target(t);
}

void transfer_known(transfer *t, const content_info *info) {
    pthread_mutex_lock(&t->all->lock);
    if (!t->has_info)
        t->info = *info;
    t->has_info = true;
    pthread_mutex_unlock(&t->all->lock);
    if (!t->target_begun) /* within a callback of the client's: it may not be re-entered */
        loop_post(t->worker->loop, begin_target_later, t);
}

/* --- the beginning -------------------------------------------------------------------------------------- */

static void on_opened(void *ctx, content_source *source, content_sink *sink, folders_result result,
                      const char *failure) {
    transfer *t = ctx;
    if (t->status != TRANSFER_RUNNING) { /* cancelled meanwhile */
        content_source_free(source);
        content_sink_free(sink);
        return;
    }
    if (result != FOLDERS_OK) {
        fail(t, result == FOLDERS_OUTSIDE ? PROBLEM_FORBIDDEN : PROBLEM_CONTENT_FAILED, str_from(failure));
    } else if (source != NULL) {
        pthread_mutex_lock(&t->all->lock);
        t->info = source->info;
        t->has_info = true;
        pthread_mutex_unlock(&t->all->lock);
        t->target_side.content.source = source;
        begin_target(t);
    } else {
        t->source_side.content.sink = sink;
        begin_source(t);
    }
}

/* An upload that cannot go on may be made again where that does no harm; else it is over, and says so. */
static bool may_go_on(transfer *t) {
    if (t->resumed == 0 || t->state.len > 0 || t->to.file.ptr != NULL || !t->sent)
        return true;
    const snapshot_entry *entry = snapshot_find(t->worker->snapshot, t->to.connection);
    const plugin_op *op = entry != NULL && entry->conn != NULL
                              ? module_op(entry->conn->module, t->to.operation)
                              : NULL;
    if (op != NULL && call_op_repeatable(op))
        return true;
    char text[400];
    snprintf(
        text, sizeof text,
        "it was broken off, and %.*s of %.*s cannot go on where it was, nor be repeated safely: see what "
        "the service has of it, then begin another transfer",
        STR_FMT(t->to.operation), STR_FMT(t->to.connection));
    fail(t, PROBLEM_CONTENT_FAILED, str_from(text));
    return false;
}

void transfer_run(loop *l, void *arg) {
    transfer *t = arg;
    const content_folders *folders = t->all->options.folders;
    bool ok = true;
    err e = {""};
    if (t->status != TRANSFER_RUNNING || !may_go_on(t))
        return;
    if (t->from.file.ptr != NULL) {
        ok = content_file_open(l, folders, t->from.file.ptr, on_opened, t);
    } else if (t->to.file.ptr != NULL) {
        ok = content_file_create(l, folders, t->to.file.ptr, on_opened, t);
    } else if (t->state.len > 0 && t->has_info) {
        t->target_side.content.source = transfer_pipe_source(t); /* the service says from where */
        ok = t->target_side.content.source != NULL;
        if (ok)
            begin_target(t);
    } else {
        pthread_mutex_lock(&t->all->lock);
        t->has_info = false;
        t->info.validator[0] = '\0';
        pthread_mutex_unlock(&t->all->lock);
        ok = transfer_give_from(t, 0, &e);
    }
    if (!ok)
        fail(t, PROBLEM_OVERLOADED, STR("no memory for the transfer"));
}
