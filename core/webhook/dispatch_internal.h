/* dispatch_internal.h - what the files of the dispatcher share. All of it belongs to its loop. */
#ifndef WEBHOOK_DISPATCH_INTERNAL_H
#define WEBHOOK_DISPATCH_INTERNAL_H

#include "pipeline/call.h"
#include "webhook/dispatch.h"
#include "webhook/health.h"
#include "webhook/verdict.h"

typedef struct runner runner;
typedef struct request request;
typedef struct shaping shaping;

/* A target at work. */
struct runner {
    dispatcher *d;
    runner *next;        /* of the dispatcher */
    runner *beside;      /* of its bell */
    runner *hungry;      /* next of those that wait for their turn to read */
    bool is_hungry, fed; /* fed: it is its turn */
    bool seen;           /* in the configuration that is being put in force */
    char *name;
    webhook_item *item; /* a reference: the plan is in it */
    const delivery_plan *plan;
    lane lane;
    health health;
    bool unsaved; /* the health is not in the queue as it is */
    bool saving, telling;
    uint64_t lease_ns; /* ours until then; 0: not ours */
    size_t counted;    /* bytes of the dispatcher's that are this one's */
    uv_timer_t timer;
    bool retired; /* no longer in force: ends once nothing of it is under way */
    bool stepping, again;
    unsigned uses; /* callbacks to come */
};

/* Requests under way: a post, or a call. */
struct request {
    runner *r;
    webhook_item *item; /* a reference: the destination is in it */
    const delivery_plan *plan;
    request *next, *previous;
    held **list;
    delivery *events; /* of a batch: side by side */
    size_t count;
    uint64_t began_ms, began_ns;
    post *post;
    call *call;
    arena *memory;
};

struct shaping {
    runner *r;
    held *h;
    bool keeps; /* as the plan said at its beginning */
    shaping *next, *previous;
    transform_run *run;
    arena *memory;
};

typedef struct over {
    runner *r;
    held *h;
} over;

typedef struct over_list {
    over *items;
    size_t count, cap;
} over_list;

struct dispatcher {
    dispatch *all;
    dispatch_front *front;
    worker *worker;
    store *events;
    posts *posts;
    webhook_set *set; /* a reference; NULL: none yet */
    runner *runners;
    runner *bells[DISPATCH_BELLS];
    runner *hungry, **hungry_end;
    unsigned reads; /* under way */
    size_t held_bytes;
    request *requests;
    shaping *shapings;
    struct trying *tryings;
    over_list over;       /* to be committed next */
    over_list committing; /* being committed; count 0: none */
    size_t untold;        /* deliveries of which nobody was told, since the log was */
    gcra untold_told;
    uv_timer_t commit_timer, lease_timer, drained_timer;
    bool leasing, lease_again,
        lease_all;              /* asked for; and somebody has come meanwhile; or it is time for all */
    bool draining;              /* nothing more is begun */
    void (*drained)(void *ctx); /* NULL: nobody waits for it, or has been told */
    void *drained_ctx;
    bool closing;
    unsigned uses, handles; /* callbacks to come; open handles */
};

lane_time dispatch_now(const dispatcher *d);

/* runner.c */
void runner_step(runner *r);
runner *runner_new(dispatcher *d, const target *t, webhook_item *item);
void runner_change(runner *r, const target *t, webhook_item *item);
void runner_retire(runner *r);
static inline void runner_use(runner *r) {
    r->uses++;
}
void runner_unuse(runner *r);      /* may free it */
void dispatch_feed(dispatcher *d); /* lets those read that waited for it */

/* runner_shape.c: filter and transform */
#define SHAPE_JQ_MS 5000u
#define SHAPE_JQ_RESULT_MAX (16u << 20) /* bytes */
void runner_shape(runner *r, held *h);
/* $busbar in the program: the event beside its payload. Absent: no memory. */
bb_str shape_variables(arena *a, const delivery *d, bb_str to, uint64_t attempt);
/* jq, on account of whoever has sent the event. NULL: no memory. */
transform_run *shape_start(dispatcher *d, const char *program, bb_str input, bb_str variables, bb_str source,
                           transform_done done, void *ctx);
void shaping_cancel(shaping *s);

/* runner_send.c: requests */
void runner_send(runner *r, held *const *list, size_t count);
void request_cancel(request *q);
/* What came of it: outcomes, health, pace. Frees it. */
void request_over(request *q, const verdict *v);

/* runner_emit.c: a new event of another type */
bool request_emit(request *q);
/* That of a delivery which is over by it. In `a`; false: no memory. */
bool dispatch_emitted(dispatcher *d, arena *a, const runner *r, const held *h, event_new *out);

/* runner_health.c */
void runner_health(runner *r, const verdict *v);
/* It rests for what is left of the rest that was kept with it: before another process, or a start. */
void runner_rest_again(runner *r);
/* Another receiver from now on: what the one before asked for, and how it failed, is forgotten. */
void runner_meets_another(runner *r);
void runner_save(runner *r); /* what is unsaved or untold */
void runner_do(runner *r, dispatch_command what);

/* dispatch_commit.c */
void dispatch_over(runner *r, held *h, const delivery_outcome *o);
void dispatch_commit(dispatcher *d);
void dispatch_drop(dispatcher *d); /* lets go of what was to be committed: it stays due */
void on_commit_timer(uv_timer_t *timer);

/* dispatch_event.c: events of the hub's own */
typedef struct own_event {
    bb_str source, type, attributes, payload;
} own_event;
/* Fills in id, time and who gets it. In `a`; false: no memory. */
bool dispatch_event(dispatcher *d, arena *a, const own_event *e, event_new *out);
bb_str dispatch_event_of_delivery(arena *a, const runner *r, const held *h);
bb_str dispatch_event_of_disabled(arena *a, const runner *r);

/* dispatch_lease.c */
void dispatch_lease(dispatcher *d, bool all); /* false: of those alone that have none */
void on_lease_timer(uv_timer_t *timer);

/* dispatch.c */
runner *dispatch_find(const dispatcher *d, bb_str target); /* NULL: not in force */
void dispatch_look(dispatcher *d);                         /* something has ended that a stop may wait for */
void dispatch_ended(dispatcher *d); /* one use or handle fewer: frees it after the last */

#endif
