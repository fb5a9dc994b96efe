/* dispatch_do.c - what somebody does to a target, from another loop: done on the target's own, told when it
 * is on disk. */
#include "webhook/dispatch_internal.h"

#include <stdlib.h>
#include <time.h>

/* Somebody waits for this: memory for a post must come. */
static void post_surely(loop *l, loop_fn fn, void *arg) {
    const struct timespec pause = {.tv_nsec = 1000000};
    while (!loop_post(l, fn, arg))
        nanosleep(&pause, NULL);
}

/* --- of one target ------------------------------------------------------------------------------------- */

typedef struct command {
    dispatch_front *front;
    dispatch_command what;
    loop *from;
    events_done done;
    void *ctx;
    store_result result;
    char name[]; /* of the target */
} command;

static void answer(loop *l, void *arg) {
    (void)l;
    command *c = arg;
    c->done(c->result, c->ctx);
    free(c);
}

static void end(command *c, store_result result) {
    c->result = result;
    post_surely(c->from, answer, c);
}

static void on_saved(store_result result, void *ctx) {
    end(ctx, result);
}

static void carry_out(loop *l, void *arg) {
    command *c = arg;
    dispatcher *d = c->front->to;
    runner *r = d != NULL ? dispatch_find(d, str_from(c->name)) : NULL;
    arena *a = r != NULL ? arena_new_sized(0, 1024) : NULL;
    if (a == NULL) {
        end(c, r == NULL ? STORE_NOT_FOUND : STORE_FAILED);
        return;
    }
    bool ok;
    runner_do(r, c->what);
    bb_str json = health_write(a, &r->health, &ok);
    if (!ok || !events_target_set_state(d->events, str_from(c->name), json, l, on_saved, c))
        end(c, STORE_BUSY);
    arena_free(a);
}

bool dispatch_do(dispatch *all, bb_str name, dispatch_command what, loop *l, events_done done, void *ctx) {
    command *c = all->count > 0 ? malloc(sizeof *c + name.len + 1) : NULL;
    if (c == NULL)
        return false;
    *c = (command){.front = &all->loops[target_loop(name, all->count)],
                   .what = what,
                   .from = l,
                   .done = done,
                   .ctx = ctx};
    str_put(c->name, name.len + 1, name);
    if (loop_post(c->front->loop, carry_out, c))
        return true;
    free(c);
    return false;
}

/* --- what was cancelled is forgotten -------------------------------------------------------------------- */

typedef struct forgetting forgetting;

typedef struct errand {
    forgetting *of;
    dispatch_front *front;
} errand;

struct forgetting {
    _Atomic(unsigned) left; /* loops */
    loop *from;
    void (*done)(void *ctx);
    void *ctx;
    errand errands[LOOP_MAX];
    char name[]; /* of the target; empty: any */
};

static void forgotten(loop *l, void *arg) {
    (void)l;
    forgetting *f = arg;
    f->done(f->ctx);
    free(f);
}

static void one_less(forgetting *f) {
    if (atomic_fetch_sub(&f->left, 1) == 1)
        post_surely(f->from, forgotten, f);
}

static void forget(loop *l, void *arg) {
    (void)l;
    errand *e = arg;
    forgetting *f = e->of;
    dispatcher *d = e->front->to;
    bb_str name = str_from(f->name);
    for (runner *r = d != NULL ? d->runners : NULL, *next; r != NULL; r = next) {
        next = r->next;
        if (r->retired || (name.len > 0 && !str_eq(str_from(r->name), name)))
            continue;
        lane_forget(&r->lane);
        runner_step(r);
    }
    one_less(f);
}

bool dispatch_forget(dispatch *all, bb_str name, loop *l, void (*done)(void *ctx), void *ctx) {
    unsigned first = name.len > 0 && all->count > 0 ? target_loop(name, all->count) : 0;
    unsigned count = name.len > 0 && all->count > 0 ? 1 : all->count;
    forgetting *f = malloc(sizeof *f + name.len + 1);
    if (f == NULL)
        return false;
    *f = (forgetting){.left = count + 1, .from = l, .done = done, .ctx = ctx};
    str_put(f->name, name.len + 1, name);
    for (unsigned i = 0; i < count; i++) {
        f->errands[i] = (errand){f, &all->loops[first + i]};
        post_surely(f->errands[i].front->loop, forget, &f->errands[i]);
    }
    one_less(f);
    return true;
}
