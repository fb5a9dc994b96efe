#include "session/internal.h"

#include "base/clock.h"
#include "plugin/host.h"

#include <stdlib.h>

#define JOB_MEMORY_LIMIT (64u << 20) /* as any call's */

static bool fill(session_job *job, bb_str input, bb_str cursor) {
    plugin_call *c = &job->call;
    bb_str text = arena_copy(c->memory, input);
    uint32_t state_size = job->op->desc->state_size;
    c->abi = (bb_call){.size = sizeof c->abi,
                       .host = host_get(),
                       .input = (const bb_json *)json_read(c->memory, text, NULL, NULL),
                       .cursor = cursor.len > 0 ? arena_copy(c->memory, cursor) : (bb_str){NULL, 0},
                       .state = state_size > 0 ? arena_zalloc(c->memory, state_size) : NULL};
    return c->abi.input != NULL && (cursor.len == 0 || c->abi.cursor.ptr != NULL) &&
           (state_size == 0 || c->abi.state != NULL);
}

/* --- how far it is ----------------------------------------------------------------------------------------
 */

/* On the thread that runs it. */
static void on_progress(plugin_call *c, const plugin_progress *progress) {
    session_job *job = c->progress_ctx;
    pthread_mutex_lock(&job->saying);
    job->said = *progress;
    if (!job->is_said && job->progressed != NULL) {
        atomic_fetch_add_explicit(&job->refs, 1, memory_order_relaxed); /* the callee's */
        job->is_said = job->progressed(job);
        if (!job->is_said)
            atomic_fetch_sub_explicit(&job->refs, 1, memory_order_relaxed); /* never the last: it runs */
    }
    pthread_mutex_unlock(&job->saying);
}

bool session_job_progress(session_job *job, plugin_progress *out) {
    pthread_mutex_lock(&job->saying);
    bool is_said = job->is_said;
    *out = job->said;
    job->is_said = false;
    pthread_mutex_unlock(&job->saying);
    return is_said;
}

static void hear_no_more(session_job *job) {
    pthread_mutex_lock(&job->saying);
    job->progressed = NULL;
    pthread_mutex_unlock(&job->saying);
}

/* --- its life ---------------------------------------------------------------------------------------------
 */

session_job *session_job_new(const plugin_op *op, bb_str input, bb_str cursor, const char *execution,
                             uint64_t deadline_ns) {
    session_job *job = calloc(1, sizeof *job);
    if (job == NULL)
        return NULL;
    plugin_call_init(&job->call);
    atomic_init(&job->refs, 1);
    job->op = op;
    job->call.memory = arena_new(JOB_MEMORY_LIMIT);
    job->call.deadline_ns = deadline_ns;
    job->call.execution_id = job->execution;
    job->call.on_progress = on_progress;
    job->call.progress_ctx = job;
    pthread_mutex_init(&job->saying, NULL);
    str_put(job->execution, sizeof job->execution, str_from(execution));
    if (job->call.memory != NULL && fill(job, input, cursor))
        return job;
    session_job_unref(job);
    return NULL;
}

void session_job_unref(session_job *job) {
    if (atomic_fetch_sub_explicit(&job->refs, 1, memory_order_acq_rel) != 1)
        return;
    plugin_call_free(&job->call);
    arena_free(job->call.memory);
    pthread_mutex_destroy(&job->saying);
    free(job);
}

void job_end(session_pool *p, session_job *job, session_end how, uint64_t now_ns) {
    if (job->told)
        return;
    job->told = true;
    job->told_ns = now_ns;
    job->end = how;
    atomic_fetch_add_explicit(&job->refs, 1, memory_order_relaxed); /* the callee's */
    job->next = p->telling;
    p->telling = job;
}

bool session_job_stop(session_job *job) {
    session_pool *p = job->pool;
    hear_no_more(job);
    if (p == NULL)
        return false;
    pool_lock(p);
    if (!job->told) {
        job->told = true;
        job->told_ns = clock_ns();
        atomic_store_explicit(&job->call.cancelled, 1, memory_order_relaxed);
        if (job->queued) {
            pool_drop_ended(p, job);
            session_job_unref(job); /* the line's */
        } else {
            keeper_want(p, job->told_ns); /* what runs for it is interrupted */
        }
    }
    bool begun = job->begun;
    pool_unlock(p);
    return begun;
}

void session_job_leave(session_job *job) {
    session_job_stop(job);
    session_job_unref(job);
}
