/* mark.h - which connector's code a thread is in, so that a crash or a blocked loop can be put down to it.
 *
 * Every function of a connector is called between mark_enter and mark_leave: two stores, no clock, no lock.
 * The signal handler reads the crashing thread's own mark; the watchdog reads all threads' marks and tells by
 * `turn` whether it is still the same visit that it saw before. */
#ifndef PLUGIN_MARK_H
#define PLUGIN_MARK_H

#include "plugin/module.h"

#include <stdatomic.h>

/* One visit. What it points to lives as long as the visit, and the texts as long as the process: they are the
 * connector's own or the module's, which is never unmapped. */
typedef struct mark_visit {
    const plugin_module *module;
    const char *connection; /* id; NULL: none */
    const char *operation;  /* id, or "create", "destroy", "self_test", "auth SCHEME", ... */
} mark_visit;

typedef struct mark {
    _Atomic(uint64_t) turn; /* odd: within a visit */
    mark_visit visit;
    bool may_block; /* a worker thread's: the watchdog looks away */
} mark;

/* The thread's own; registered with the watchdog the first time. */
extern _Thread_local mark *mark_mine;
mark *mark_new(void); /* a static one where there is no memory: never NULL */

static inline mark *mark_enter(const plugin_module *m, const char *connection, const char *operation) {
    mark *here = mark_mine != NULL ? mark_mine : mark_new();
    here->visit = (mark_visit){.module = m, .connection = connection, .operation = operation};
    atomic_fetch_add_explicit(&here->turn, 1, memory_order_release);
    return here;
}

static inline void mark_leave(mark *here) {
    atomic_fetch_add_explicit(&here->turn, 1, memory_order_release);
}

#endif
