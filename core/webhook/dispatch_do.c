/* dispatch_do.c - what somebody does to a target, from another loop: done on the target's own, told when it
 * is on disk. */
#include "webhook/dispatch_internal.h"

#include <stdlib.h>

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
    loop_post(c->from, answer, c);
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
