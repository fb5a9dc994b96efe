/* dispatch.h - the dispatcher: reads what is due from the queue, delivers it, and writes what became of it.
 *
 * One a loop, for the targets that belong to it (target_loop); what it knows of a target is its own, without
 * locks. A target has so many requests under way and no more, so a slow one holds back no other, and only
 * what is under way is in memory. A delivery is over when its outcome is on disk, not before: a process that
 * ends at any moment leaves it due. */
#ifndef WEBHOOK_DISPATCH_H
#define WEBHOOK_DISPATCH_H

#include "pipeline/worker.h"
#include "store/events.h"
#include "webhook/post.h"
#include "webhook/set.h"

typedef struct dispatcher dispatcher; /* of one loop */

#define DISPATCH_BELLS 1024u /* targets of one loop that are told apart when they are woken */

typedef enum {
    DISPATCH_DONE,
    DISPATCH_RETRIED,
    DISPATCH_DEAD,
    DISPATCH_FILTERED,
    DISPATCH_OUTCOMES
} dispatch_outcome;

/* What others may see and do of one loop's dispatcher: outlives it. */
typedef struct dispatch_front {
    loop *loop;
    dispatcher *to; /* NULL: closed. The loop's own */
    _Atomic(uint64_t) woken[DISPATCH_BELLS / 64];
    _Atomic(bool) posted;
    /* written by the loop alone */
    _Atomic(uint64_t) outcomes[DISPATCH_OUTCOMES];
    _Atomic(uint64_t) requests, request_ms; /* that have ended, and what they took */
    _Atomic(uint64_t) held_bytes, under_way;
} dispatch_front;

/* All of the hub's. Zeroed at first. */
typedef struct dispatch {
    dispatch_front loops[LOOP_MAX];
    unsigned count;
} dispatch;

/* Of `worker`'s loop, number `worker->number`: in the order of their numbers, before the loops run. NULL: no
 * memory. */
dispatcher *dispatcher_new(dispatch *all, worker *w, store *events, err *e);
/* The configuration in force from now on; a reference of its own is taken. [loop] */
void dispatcher_swap(dispatcher *d, webhook_set *set);
/* Begins nothing more, but what is under way may end: `done` runs on the loop, never from within, once that
 * is over and on disk, or dispatcher_last_call was called. [loop] */
void dispatcher_drain(dispatcher *d, void (*done)(void *ctx), void *ctx);
/* It is not waited for any longer: what is under way is cut off by dispatcher_close. NULL is fine. [loop] */
void dispatcher_last_call(dispatcher *d);
/* Lets go: nothing more is read, what is under way is cancelled and stays due. What the queue still has to
 * tell is awaited, then d frees itself. Before the worker is closed. NULL is fine. [loop] */
void dispatcher_close(dispatcher *d);

/* Events were stored for these: their loops look. [any-thread] */
void dispatch_wake(dispatch *all, const event_target *targets, size_t count);
void dispatch_wake_name(dispatch *all, bb_str target);

/* What somebody does to a target. */
typedef enum {
    DISPATCH_PAUSE,  /* nothing is delivered, and nothing given up */
    DISPATCH_RESUME, /* of pause and of being disabled; its receiver is taken for well */
    DISPATCH_DISABLE /* what is due goes to the dead letters */
} dispatch_command;
/* `done` runs on loop `l` once it is on disk. STORE_NOT_FOUND: there is no such target in force. False: no
 * memory. [any-thread] */
bool dispatch_do(dispatch *all, bb_str target, dispatch_command what, loop *l, events_done done, void *ctx);

/* Deliveries that were due have been cancelled, of this target or (empty) of any: what is held of them is let
 * go of, and `done` runs on loop `l` once nothing of it is sent any more but what is under way. False: no
 * memory. [any-thread] */
bool dispatch_forget(dispatch *all, bb_str target, loop *l, void (*done)(void *ctx), void *ctx);

/* Whether a target takes an event, past the queue: a URL gets one of the type "busbar.test"; an operation is
 * called with `data` (or where that is absent, the example of a type that the target names, or a message),
 * shaped by the plan's filter and transform. The plan is the item's. False: no memory. [loop] */
typedef struct try_result {
    bool ok;
    const char *outcome; /* "ok", "status", "filtered", a problem's name, ... */
    unsigned status;     /* of the answer; 0: there was none */
    uint64_t duration_ms;
    bb_str text; /* until done returns */
} try_result;
typedef void (*try_done)(const try_result *result, void *ctx);
struct delivery_plan;
bool dispatch_try(dispatcher *d, webhook_item *item, const struct delivery_plan *plan, bb_str data,
                  try_done done, void *ctx);
/* Those that are under way end now: nobody waits for them any longer. NULL is fine. [loop] */
void dispatch_try_cancel(dispatcher *d);

/* Metrics, in their text format. [any-thread] */
void dispatch_render(const dispatch *all, buf *out);

#endif
