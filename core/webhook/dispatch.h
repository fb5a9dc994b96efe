/* dispatch.h - the dispatcher: reads what is due from the queue, delivers it, and writes what became of it.
 *
 * One a loop, for the targets that belong to it (target_loop); what it knows of a target is its own, without
 * locks. A target has so many requests under way and no more, so a slow one holds back no other, and only what
 * is under way is in memory. A delivery is over when its outcome is on disk, not before: a process that ends at
 * any moment leaves it due. */
#ifndef WEBHOOK_DISPATCH_H
#define WEBHOOK_DISPATCH_H

#include "pipeline/worker.h"
#include "store/events.h"
#include "webhook/post.h"
#include "webhook/set.h"

typedef struct dispatcher dispatcher; /* of one loop */

/* All of the hub, for those who store events. Set before the loops run. */
typedef struct dispatch {
    dispatcher *loops[LOOP_MAX];
    unsigned count;
} dispatch;

/* Of `worker`'s loop, which is number worker->number of the set's targets. Before the loop runs, or on it.
 * NULL: no memory. */
dispatcher *dispatcher_new(dispatch *all, worker *w, store *events, err *e);
/* The configuration in force from now on; a reference of its own is taken. [loop] */
void dispatcher_swap(dispatcher *d, webhook_set *set);
/* Lets go: nothing more is read, what is under way is cancelled and stays due. `closed` runs on the loop once
 * nothing of it is left; d is freed. Before the worker is closed. [loop] */
void dispatcher_close(dispatcher *d, void (*closed)(void *ctx), void *ctx);

/* Events were stored for these: their loops look. [any-thread] */
void dispatch_wake(const dispatch *all, const event_target *targets, size_t count);
void dispatch_wake_name(const dispatch *all, bb_str target);

#endif
