/* crash.h - what is written down when the process is about to die of a signal: in whose code, and where.
 *
 * The handler runs on a stack of its own and calls nothing that is not async-signal-safe: it writes a few
 * lines to a descriptor that was opened before, and one to standard error. Then the action that was there
 * before goes on (a sanitizer's, or the system's: the process dies of that signal, with its core dump). */
#ifndef PLUGIN_CRASH_H
#define PLUGIN_CRASH_H

#include "base/arena.h"
#include "base/err.h"

/* From here on SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT and SIGSYS are written down. `fd`: where to, empty
 * now; -1: only standard error gets its line. `where` names the place to people. Threads within connectors
 * get their stack by their mark. False: *e, and nothing is changed. [main], before other threads run. */
bool crash_install(int fd, const char *where, const char *version, err *e);
/* Puts back what was there. Does not close `fd`. [main], after other threads have ended. */
void crash_remove(void);

/* What a report says. Texts are in the arena, NULL where it does not say. */
typedef struct crash_report {
    uint64_t at_ms;     /* wall clock; 0: not said */
    const char *signal; /* "SIGSEGV" */
    bool within;        /* a connector; else what follows was visited last */
    bool sent;          /* by another process: nobody's fault */
    const char *plugin; /* NULL: no connector was ever visited */
    const char *version, *connection, *operation, *step, *note;
    char sha256[65]; /* "": not said */
} crash_report;

/* False: the text is no report (empty, or cut before it says anything). */
bool crash_read(arena *a, bb_str text, crash_report *out);
/* One sentence without a full stop: "connector echo 1.0.0 (build 0123456789ab) crashed (SIGSEGV) in operation
 * boom, step start, of connection a". */
bb_str crash_sentence(arena *a, const crash_report *r);

#endif
