/* mark.h - which connector's code a thread is in, so that a crash or a blocked loop can be put down to it.
 *
 * Every function of a connector is called between mark_enter and mark_leave: a few stores to a line of the
 * thread's own, no clock, no lock. The signal handler reads the crashing thread's own mark; the watchdog
 * reads all threads' marks and tells by `turn` whether it is still the same visit that it saw before. */
#ifndef PLUGIN_MARK_H
#define PLUGIN_MARK_H

#include "plugin/module.h"

#include <stdatomic.h>

/* A build as reports name it. It outlives its module: what was visited last may be asked for after the last
 * connection has gone. One a load, some 4 % of what a load keeps anyway. */
typedef struct mark_build {
    char plugin[65], version[33], sha256[65];
    uint64_t generation; /* plugin_module.number */
    struct mark_build *next;
    char path[]; /* the copy that is loaded */
} mark_build;

/* One visit. All texts live as long as the process: the connector's own, a build's, or mark_name's. */
typedef struct mark_visit {
    const mark_build *build; /* NULL: a connector that is not known by a file (tests) */
    const char *connection;  /* id; NULL: none */
    const char *operation;   /* id, or "create", "destroy", "self_test", an auth scheme's id, ... */
    const char *step;        /* "start", "resume", "auth sign", ...; NULL: `operation` says all */
} mark_visit;

/* Written by its thread alone, by plain stores in this order; see mark_read. */
typedef struct mark {
    _Alignas(64) _Atomic(uint64_t) turn; /* odd: within a visit */
    _Atomic(const mark_build *) build;
    _Atomic(const char *) connection, operation, step;
    _Atomic(bool) may_block; /* a thread that may: the watchdog looks away */
    _Atomic(bool) taken;     /* by a thread that lives */
    _Atomic(int) thread;     /* gettid() */
    _Atomic(int) loop;       /* its number; -1: no loop's thread */
    struct mark *next;
} mark;

/* The thread's own; made the first time, given back when the thread ends. */
extern _Thread_local mark *mark_mine;
mark *mark_new(void); /* a static one where there is no memory: never NULL */

/* This thread's visits may take long: the main thread's, which creates instances, and worker threads'. */
void mark_may_block(void);

/* This thread is that loop's. */
void mark_of_loop(unsigned loop);

/* The watchdog sleeps while nobody visits anything: the next visit wakes it, which costs the others a look at
 * a flag. */
extern _Atomic(bool) mark_asleep;
void mark_wake(void);
void mark_on_wake(void (*wake)(void)); /* before other threads run; NULL: nobody sleeps */

/* A release store orders all stores before it: a reader that sees a visit's field sees the end of the one
 * before, too. The same as plain stores on x86. */
#define MARK_STORE(place, value) atomic_store_explicit(&(place), (value), memory_order_release)

static inline mark *mark_enter_step(const mark_build *build, const char *conn, const char *operation,
                                    const char *step) {
    mark *here = mark_mine != NULL ? mark_mine : mark_new();
    MARK_STORE(here->build, build);
    MARK_STORE(here->connection, conn);
    MARK_STORE(here->operation, operation);
    MARK_STORE(here->step, step);
    MARK_STORE(here->turn, atomic_load_explicit(&here->turn, memory_order_relaxed) + 1);
    if (atomic_load_explicit(&mark_asleep, memory_order_relaxed))
        mark_wake();
    return here;
}

/* `conn`, a connection's id or NULL, and `operation` must live as long as the process: mark_name makes such.
 */
static inline mark *mark_enter(const plugin_module *m, const char *conn, const char *operation) {
    return mark_enter_step(m->build, conn, operation, NULL);
}

static inline void mark_leave(mark *here) {
    MARK_STORE(here->turn, atomic_load_explicit(&here->turn, memory_order_relaxed) + 1);
}

/* The turn of a visit under way, and the visit; 0: none is. [any-thread] */
uint64_t mark_read(const mark *m, mark_visit *out);
/* All marks there ever were, the newest first; skip those that are not taken. [any-thread] */
mark *mark_first(void);

/* A copy of the text that lives as long as the process, the same for the same text: for ids, of which there
 * are few. [any-thread] */
const char *mark_name(bb_str text);
/* What reports name, kept for ever; NULL: no memory. `version` may be set once it is known. [main] */
mark_build *mark_build_new(bb_str plugin, const char *sha256, uint64_t generation, const char *path);

/* What this thread is at, or was at last, as one line without a line break: "connector echo 1.0.0 (build
 * 0123456789ab, generation 2), connection a, operation b, step start". Async-signal-safe. False: it has never
 * been within a connector; *within: it is now. */
bool mark_text(char *out, size_t cap, bool *within);
/* Of a visit. Async-signal-safe. */
struct sigtext;
void mark_describe(struct sigtext *t, const mark_visit *v);

/* Whether `operation` is the id of a scheme, by the step's name; NULL: it is not. Async-signal-safe. */
static inline bool mark_is_scheme(const char *step) {
    return step != NULL && (strncmp(step, "auth", 4) == 0 || strncmp(step, "webhook", 7) == 0);
}

/* Called on each thread that gets a mark, and when it ends: what else a thread within connectors needs. Once,
 * before other threads run. */
void mark_on_thread(void (*begin)(void), void (*end)(void));

#endif
