/* watchdog.h - who keeps an event loop waiting, and for how long.
 *
 * A step must not block (busbar/plugin.h), but the hub cannot keep it from doing so: it can say who did. A
 * thread looks at all marks (plugin/mark.h) every 10 ms: the same visit seen again and again is a step that
 * does not come back. Nothing is measured on the loops' side, and the thread sleeps while nothing moves. What
 * keeps a loop from its work outside connectors is told by its pulse. */
#ifndef PLUGIN_WATCHDOG_H
#define PLUGIN_WATCHDOG_H

#include "base/buf.h"
#include "base/err.h"
#include "plugin/mark.h"

typedef enum {
    WATCHDOG_BLOCKED, /* a visit has ended that took longer than the warning's time */
    WATCHDOG_STUCK,   /* a visit has passed the limit, and is still under way */
    WATCHDOG_LATE,    /* a loop came late to its work; not because of a connector */
    WATCHDOG_STILL    /* a loop has stood still for longer than the limit; not because of a connector */
} watchdog_kind;

typedef struct watchdog_event {
    watchdog_kind kind;
    int loop;         /* -1: a thread that is no loop's */
    uint64_t ms;      /* at least: seen between the first look and the last. Without the time that the thread
                         waited for a processor, where the system counts that */
    uint64_t busy_ms; /* WATCHDOG_LATE: of these it computed; the rest it waited for something */
    uint64_t waiting; /* calls under way on that loop */
    uint64_t untold;  /* BLOCKED: earlier visits of that connector that were not told of one by one */
    const mark_build *build; /* BLOCKED and STUCK */
    char connection[128], operation[128], step[16];
} watchdog_event;

/* The visit of a BLOCKED or STUCK event in words, as mark_describe has it. */
void watchdog_describe(const watchdog_event *e, char *out, size_t cap);

typedef struct watchdog_options {
    uint64_t warning_ms, limit_ms;                    /* 0: not told of */
    void (*tell)(const watchdog_event *e, void *ctx); /* on the watchdog's thread */
    uint64_t (*calls_on)(unsigned loop);              /* [any-thread]; NULL: not known */
    void *ctx;
} watchdog_options;

/* A loop's sign of life: its thread writes, the watchdog reads. */
typedef struct watchdog_pulse {
    _Alignas(64) _Atomic(uint64_t) due_ns;   /* when the loop wants to be woken next; 0: it is idle */
    _Atomic(uint64_t) late_ns, late_busy_ns; /* how late it came at the worst since the watchdog looked */
} watchdog_pulse;

typedef struct watchdog watchdog;

/* One a process. NULL: no memory. [main] */
watchdog *watchdog_new(const watchdog_options *o, unsigned loops);
watchdog_pulse *watchdog_pulse_of(watchdog *w, unsigned loop);
bool watchdog_start(watchdog *w); /* the thread */
void watchdog_free(watchdog *w);  /* ends the thread; NULL is fine */

/* One look at everything, as the thread takes them. False: nothing has moved since the last, and nothing is
 * under way. */
bool watchdog_look(watchdog *w, uint64_t now_ns);

/* The pulse has come, `busy_ns` of processor time after it was set. [loop] */
void watchdog_beat(watchdog_pulse *p, uint64_t now_ns, uint64_t busy_ns);
/* The next is to come at that time; 0: the loop goes idle. [loop] */
void watchdog_expect(watchdog_pulse *p, uint64_t due_ns);

/* busbar_step_blocked_total and busbar_step_blocked_seconds_max, by connector. NULL is fine. [any-thread] */
void watchdog_render(watchdog *w, buf *out);

#endif
