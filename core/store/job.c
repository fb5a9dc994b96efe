/* job.c - the ways into the queues, and out of them. */
#include "store/store_internal.h"

#include <stdlib.h>

void queue_init(job_queue *q) {
    *q = (job_queue){.last = &q->first};
}

void queue_add(job_queue *q, store_job *job) {
    job->next = NULL;
    *q->last = job;
    q->last = &job->next;
    q->length++;
}

store_result store_submit(store *s, store_job *job) {
    if (s == NULL || (s->read_only && job->write != NULL))
        return STORE_READ_ONLY;
    store_result r = STORE_OK;
    pthread_mutex_lock(&s->lock);
    bool reads_now = s->read_only;
    if (s->stop_writer || s->stop_reader) {
        r = STORE_FAILED;
    } else if (job->write != NULL && s->writes.length >= STORE_QUEUE_MAX) {
        r = STORE_BUSY;
    } else {
        queue_add(reads_now ? &s->reads : &s->writes, job);
        if (reads_now || s->writes.length >= s->wanted)
            pthread_cond_signal(reads_now ? &s->reads_come : &s->writes_come);
    }
    pthread_mutex_unlock(&s->lock);
    return r;
}

/* --- blocking ---------------------------------------------------------------------------------------- */

/* Stands in the queue for a job whose owner waits. */
typedef struct waiting {
    store_job job;
    store_job *inner;
    store *s;
    bool done;
} waiting;

static store_result run_inner(store *s, database *d, store_job *job) {
    store_job *inner = ((waiting *)job)->inner;
    return inner->write(s, d, inner);
}

static void wake_owner(store_job *job) {
    waiting *w = (waiting *)job;
    store *s = w->s; /* `w` is gone once the owner sees `done` */
    pthread_mutex_lock(&s->lock);
    w->done = true;
    pthread_cond_broadcast(&s->finished);
    pthread_mutex_unlock(&s->lock);
}

static store_result wait_for(store *s, waiting *w) {
    store_result r = store_submit(s, &w->job);
    if (r != STORE_OK)
        return r;
    pthread_mutex_lock(&s->lock);
    while (!w->done)
        pthread_cond_wait(&s->finished, &s->lock);
    pthread_mutex_unlock(&s->lock);
    return w->job.result;
}

store_result store_run(store *s, store_job *job) {
    waiting w = {
        .job = {.write = run_inner, .finish = wake_owner, .single = job->single}, .inner = job, .s = s};
    return wait_for(s, &w);
}

static store_result run_nothing(store *s, database *d, store_job *job) {
    (void)s;
    (void)d;
    (void)job;
    return STORE_OK;
}

/* A read is behind the writes before it, and behind the reads before it. */
void store_flush(store *s) {
    waiting w = {.job = {.read = run_nothing, .finish = wake_owner}, .s = s};
    if (s != NULL)
        wait_for(s, &w);
}

/* --- told of on a loop ------------------------------------------------------------------------------- */

void loop_job_finish(store_job *job) {
    loop_job *j = (loop_job *)job;
    if (j->l == NULL) {
        free(j);
        return;
    }
    loop_give(j->l, &j->task, j->deliver, j);
}

void store_job_free(store_job *job) {
    free(job);
}

bool store_submit_or_drop(store *s, store_job *job) {
    if (job != NULL && store_submit(s, job) == STORE_OK)
        return true;
    free(job);
    if (s != NULL)
        atomic_fetch_add_explicit(&s->dropped, 1, memory_order_relaxed);
    return false;
}
