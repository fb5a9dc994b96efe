/* pool.c - runs: when a child gets them, how long they may take, how they end. */
#include "transform/turns.h"

#include "transform/counts.h"

#include <assert.h>
#include <stdlib.h>

#define START_MS 10000u /* a child is ready within; or the machine has no time for one now */

transforms *transforms_new(loop *l, err *e) {
    transforms *t = calloc(1, sizeof *t);
    if (t == NULL) {
        err_set(e, "no memory for transforms");
        return NULL;
    }
    t->on = l;
    t->idle_ms = IDLE_MS;
    t->failing.last = &t->failing.first;
    return t;
}

static void free_when_closed(transforms *t) {
    if (!t->closing || t->workers != NULL || t->runs > 0)
        return;
    turns_clear(t);
    free(t);
}

void pool_worker_closed(transforms *pool, worker *w) {
    worker **at = &pool->workers;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    free_when_closed(pool);
}

/* --- runs -------------------------------------------------------------------------------------------- */

static void on_run_closed(uv_handle_t *handle) {
    transform_run *r = handle->data;
    transforms *t = r->pool;
    t->runs--;
    free(r);
    free_when_closed(t);
}

static void list_add(run_list *list, transform_run *r) {
    r->in = list;
    r->next = NULL;
    r->back = list->last;
    *list->last = r;
    list->last = &r->next;
}

static void list_remove(transform_run *r) {
    if (r->in == NULL)
        return;
    *r->back = r->next;
    if (r->next != NULL)
        r->next->back = r->back;
    else
        r->in->last = r->back;
    r->in = NULL;
}

static void leave_child(transform_run *r) {
    if (r->by != NULL)
        turns_end(r);
    r->by = NULL;
}

/* The last thing that is done with a run: `done` may free the pool. */
static void finish(transform_run *r, transform_outcome outcome, bb_str json, bb_str detail) {
    list_remove(r);
    leave_child(r);
    turns_leave(r);
    if (r->done != NULL) {
        counts_run(outcome);
        r->done(outcome, json, detail, r->ctx);
    }
    uv_close((uv_handle_t *)&r->timer, on_run_closed);
}

static void fail(transform_run *r, transform_outcome outcome, const char *detail) {
    finish(r, outcome, (bb_str){NULL, 0}, str_from(detail));
}

static void on_timer(uv_timer_t *timer) {
    transform_run *r = timer->data;
    transforms *t = r->pool;
    if (r->failure != NULL) {
        fail(r, TRANSFORM_BROKEN, r->failure);
        return;
    }
    worker *w = r->by;
    bool ran = w != NULL && w->ready;
    if (w != NULL) {
        w->run = NULL;
        worker_dismiss(w);
    }
    if (ran && !r->cut)
        pool_suspect(t, r);
    /* the pool outlives `done`: this run's timer is not closed yet */
    fail(r, ran ? TRANSFORM_TIMEOUT : TRANSFORM_BUSY,
         ran ? "its time is up" : "no child was free for it in time");
    pool_next(t);
}

static uint64_t least(uint64_t a, uint64_t b) {
    return a < b ? a : b;
}

static uint64_t left_ms(const transform_run *r) {
    uint64_t gone = loop_now_ms(r->pool->on) - r->since_ms, all = r->job.within_ms;
    return all == 0 ? UINT64_MAX : all > gone ? all - gone : 0;
}

/* It waits for a child. */
static void wait_in_turn(transform_run *r) {
    list_add(&r->turn->waiting, r);
    uv_timer_start(&r->timer, on_timer, least(TRANSFORM_WAIT_MS, left_ms(r)), 0);
}

void pool_ready(transform_run *r) {
    uint64_t left = left_ms(r);
    r->cut = left < r->job.timeout_ms;
    uv_timer_start(&r->timer, on_timer, least(r->job.timeout_ms, left), 0);
}

/* Tells of it when the loop turns next, so that done never comes from within transform_start. */
static void fail_soon(transform_run *r, const char *why) {
    list_remove(r);
    list_add(&r->pool->failing, r);
    r->failure = why;
    uv_timer_start(&r->timer, on_timer, 0, 0);
}

/* --- suspects ------------------------------------------------------------------------------------- */

static suspicion *suspicion_of(transforms *t, uint64_t program_hash) {
    for (unsigned i = 0; i < SUSPICIONS; i++)
        if (t->suspicions[i].program_hash == program_hash && t->suspicions[i].until_ms > 0)
            return &t->suspicions[i];
    return NULL;
}

bool pool_is_suspect(transforms *t, uint64_t program_hash) {
    const suspicion *s = suspicion_of(t, program_hash);
    return s != NULL && s->until_ms > loop_now_ms(t->on);
}

bool pool_suspect_runs(transforms *t) {
    for (const worker *w = t->workers; w != NULL; w = w->next)
        if (w->run != NULL && pool_is_suspect(t, w->run->program_hash))
            return true;
    return false;
}

void pool_suspect(transforms *t, const transform_run *r) {
    suspicion *s = suspicion_of(t, r->program_hash);
    if (s == NULL)
        s = &t->suspicions[t->suspected++ % SUSPICIONS];
    *s = (suspicion){r->program_hash, loop_now_ms(t->on) + SUSPECT_MS};
}

/* --- who runs what ------------------------------------------------------------------------------------ */

static bool is_idle(const worker *w) {
    return !w->dismissed && !w->silent && !w->exited && w->run == NULL;
}

/* An idle child that has the program compiled, else any idle one. */
static worker *idle_worker(const transforms *t, uint64_t program_hash) {
    worker *any = NULL;
    for (worker *w = t->workers; w != NULL; w = w->next) {
        if (!is_idle(w))
            continue;
        if (worker_knows(w, program_hash))
            return w;
        if (any == NULL)
            any = w;
    }
    return any;
}

static bool is_any_free(const transforms *t) {
    if (t->serving < TRANSFORM_CHILDREN)
        return true;
    for (const worker *w = t->workers; w != NULL; w = w->next)
        if (is_idle(w))
            return true;
    return false;
}

static worker *worker_for(transforms *t, const transform_run *r, int *code) {
    worker *w = idle_worker(t, r->program_hash);
    *code = 0;
    return w != NULL || t->serving >= TRANSFORM_CHILDREN ? w : worker_new(t, code);
}

/* False: no child is free. */
static bool place(transforms *t, transform_run *r) {
    int code;
    worker *w = worker_for(t, r, &code);
    if (w == NULL && (code == 0 || t->serving > 0))
        return false;
    if (w == NULL) {
        fail_soon(r, uv_strerror(code));
    } else if (worker_order(w, r)) {
        list_remove(r);
        r->by = w;
        turns_begin(r);
        if (w->ready)
            pool_ready(r);
        else
            uv_timer_start(&r->timer, on_timer, least(START_MS, left_ms(r)), 0);
    }
    return true;
}

void pool_next(transforms *t) {
    transform_run *r;
    while (!t->closing && is_any_free(t) && (r = turns_next(t)) != NULL)
        if (!place(t, r))
            return;
}

void pool_answer(transforms *t, transform_run *r, transform_outcome outcome, bb_str json, bb_str detail) {
    finish(r, outcome, json, detail); /* its timer is not closed yet, so the pool is still there */
    pool_next(t);
}

void pool_again(transforms *t, transform_run *r) {
    leave_child(r);
    wait_in_turn(r);
    pool_next(t);
}

transform_run *pool_add(transforms *t, const transform_job *job, transform_done done, void *ctx) {
    transform_run *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    *r = (transform_run){.pool = t,
                         .job = *job,
                         .program_hash = str_hash(str_from(job->program)),
                         .since_ms = loop_now_ms(t->on),
                         .done = done,
                         .ctx = ctx};
    if (!turns_enter(t, r)) {
        free(r);
        return NULL;
    }
    uv_timer_init(loop_uv(t->on), &r->timer);
    r->timer.data = r;
    t->runs++;
    wait_in_turn(r);
    return r;
}

transform_run *transform_start(transforms *t, const transform_job *job, transform_done done, void *ctx) {
    assert(!t->closing);
    transform_run *r = pool_add(t, job, done, ctx);
    if (r == NULL)
        return NULL;
    if (job->input.len > UINT32_MAX || job->variables.len > UINT32_MAX || strlen(job->program) > UINT32_MAX)
        fail_soon(r, "a text is over 4 GiB");
    else
        pool_next(t);
    return r;
}

void transform_cancel(transform_run *r) {
    worker *w = r->by;
    r->done = NULL;
    /* An order that is with the child as a whole needs nothing of the caller's any more: let it end, rather
     * than start another child. The timer still bounds it. */
    if (w != NULL && worker_written(w))
        return;
    transforms *t = r->pool;
    if (w != NULL) {
        w->run = NULL;
        worker_dismiss(w);
    }
    finish(r, TRANSFORM_FAILED, (bb_str){NULL, 0}, (bb_str){NULL, 0});
    pool_next(t);
}

static void drop(transform_run *r) {
    r->done = NULL;
    fail(r, TRANSFORM_FAILED, "");
}

void transforms_free(transforms *t) {
    if (t == NULL)
        return;
    t->closing = true;
    for (worker *w = t->workers; w != NULL; w = w->next) {
        transform_run *r = w->run;
        w->run = NULL;
        worker_dismiss(w);
        if (r != NULL)
            drop(r);
    }
    for (turn *u; (u = turns_waiting(t)) != NULL;) /* which goes with its last run */
        drop(u->waiting.first);
    while (t->failing.first != NULL)
        drop(t->failing.first);
    free_when_closed(t);
}
