/* pool.c - runs: which child gets them, how long they may take, how they end. */
#include "transform/pool.h"

#include "transform/counts.h"

#include <assert.h>
#include <stdlib.h>

transforms *transforms_new(loop *l, err *e) {
    transforms *t = calloc(1, sizeof *t);
    if (t == NULL) {
        err_set(e, "no memory for transforms");
        return NULL;
    }
    t->on = l;
    t->idle_ms = IDLE_MS;
    t->waiting.last = &t->waiting.first;
    t->failing.last = &t->failing.first;
    t->suspects.last = &t->suspects.first;
    return t;
}

static void free_when_closed(transforms *t) {
    if (t->closing && t->workers == NULL && t->runs == 0)
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

/* The last thing that is done with a run: `done` may free the pool. */
static void finish(transform_run *r, transform_outcome outcome, bb_str json, bb_str detail) {
    list_remove(r);
    r->by = NULL;
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
    if (w != NULL) {
        w->run = NULL;
        worker_dismiss(w);
        pool_suspect(t, r);
    }
    /* the pool outlives `done`: this run's timer is not closed yet */
    fail(r, TRANSFORM_TIMEOUT,
         w != NULL ? "its time is up" : "its time was up before a child was free for it");
    pool_next(t);
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

static bool is_suspect(transforms *t, uint64_t program_hash) {
    const suspicion *s = suspicion_of(t, program_hash);
    return s != NULL && s->until_ms > loop_now_ms(t->on);
}

static bool suspect_runs(transforms *t) {
    for (const worker *w = t->workers; w != NULL; w = w->next)
        if (w->run != NULL && is_suspect(t, w->run->program_hash))
            return true;
    return false;
}

static void wait_in_turn(transforms *t, transform_run *r) {
    list_add(is_suspect(t, r->program_hash) ? &t->suspects : &t->waiting, r);
}

void pool_suspect(transforms *t, const transform_run *r) {
    suspicion *s = suspicion_of(t, r->program_hash);
    if (s == NULL)
        s = &t->suspicions[t->suspected++ % SUSPICIONS];
    *s = (suspicion){r->program_hash, loop_now_ms(t->on) + SUSPECT_MS};
    for (transform_run *w = t->waiting.first, *next; w != NULL; w = next) {
        next = w->next;
        if (w->program_hash == r->program_hash) {
            list_remove(w);
            list_add(&t->suspects, w);
        }
    }
}

/* --- who runs what ------------------------------------------------------------------------------------ */

/* An idle child that has the program compiled, else any idle one. */
static worker *idle_worker(const transforms *t, uint64_t program_hash) {
    worker *any = NULL;
    for (worker *w = t->workers; w != NULL; w = w->next) {
        if (w->dismissed || w->silent || w->exited || w->run != NULL)
            continue;
        if (worker_knows(w, program_hash))
            return w;
        if (any == NULL)
            any = w;
    }
    return any;
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
    }
    return true;
}

void pool_next(transforms *t) {
    while (!t->closing && t->waiting.first != NULL)
        if (!place(t, t->waiting.first))
            return;
    while (!t->closing && t->suspects.first != NULL && !suspect_runs(t))
        if (!place(t, t->suspects.first))
            return;
}

void pool_answer(transforms *t, transform_run *r, transform_outcome outcome, bb_str json, bb_str detail) {
    finish(r, outcome, json, detail); /* its timer is not closed yet, so the pool is still there */
    pool_next(t);
}

void pool_again(transforms *t, transform_run *r) {
    r->by = NULL;
    wait_in_turn(t, r);
    pool_next(t);
}

transform_run *pool_add(transforms *t, const char *program, uint64_t timeout_ms, transform_done done,
                        void *ctx) {
    transform_run *r = calloc(1, sizeof *r);
    if (r == NULL)
        return NULL;
    *r = (transform_run){
        .pool = t, .program = program, .program_hash = str_hash(str_from(program)), .done = done, .ctx = ctx};
    uv_timer_init(loop_uv(t->on), &r->timer);
    r->timer.data = r;
    uv_timer_start(&r->timer, on_timer, timeout_ms, 0);
    t->runs++;
    wait_in_turn(t, r);
    return r;
}

transform_run *transform_start(transforms *t, const char *program, bb_str input, bb_str variables,
                               uint64_t timeout_ms, size_t max_result, transform_done done, void *ctx) {
    assert(!t->closing);
    transform_run *r = pool_add(t, program, timeout_ms, done, ctx);
    if (r == NULL)
        return NULL;
    r->input = input;
    r->variables = variables;
    r->max_result = max_result;
    if (input.len > UINT32_MAX || variables.len > UINT32_MAX || strlen(program) > UINT32_MAX)
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

static void drop_all(run_list *list) {
    while (list->first != NULL)
        drop(list->first);
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
    drop_all(&t->waiting);
    drop_all(&t->suspects);
    drop_all(&t->failing);
    free_when_closed(t);
}
