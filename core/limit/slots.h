/* slots.h - at most so many at once, over all loops; who finds no slot may wait for one in line. */
#ifndef LIMIT_SLOTS_H
#define LIMIT_SLOTS_H

#include "base/loop.h"

#include <pthread.h>
#include <stdatomic.h>

typedef struct slot_wait slot_wait;

typedef struct slots {
    _Atomic(uint32_t) used;
    _Atomic(uint32_t) waiting;
    pthread_mutex_t lock; /* guards the line; taken only where somebody waits */
    slot_wait *first, **end;
} slots;

void slots_init(slots *s);
void slots_destroy(slots *s); /* nobody waits any more */

/* True: a slot is yours until slots_give. `cap` 0: no limit, but counted. [any-thread] */
bool slots_take(slots *s, uint32_t cap);
void slots_give(slots *s); /* [any-thread] */

/* Waits in line: `got` is called on loop `l` once the slot is yours, never from within. NULL: no memory.
 * [loop] */
slot_wait *slots_wait(slots *s, uint32_t cap, loop *l, void (*got)(void *ctx), void *ctx);
/* Waits no more: `got` will not be called; a slot that was on its way is given back. [loop] */
void slots_cancel(slot_wait *w);

#endif
