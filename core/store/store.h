/* Room store: what must outlive the process: API keys, audit log, executions, quotas, idempotency keys,
 * tokens, secrets. SQLite now; nothing outside this room sees it, so that another database can take its
 * place. It includes base and json; secret, observe, auth, pipeline, api and hub include it. */

/* store.h - one database file, one thread that writes, one that reads.
 *
 * Writes are queued and committed in groups: what `done` is told of as STORE_OK is on disk. A full disk, or a
 * file that cannot be written, fails what needs it with STORE_FULL or STORE_READ_ONLY; every later write
 * tries again, so the store recovers by itself. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/problem.h"

typedef struct store store;

typedef enum {
    STORE_OK,
    STORE_NOT_FOUND,
    STORE_EXISTS,
    STORE_FULL,      /* no space on the device, or a quota of the file system */
    STORE_READ_ONLY, /* the file or its folder cannot be written */
    STORE_BUSY,      /* the queue is full (see STORE_QUEUE_MAX): nothing was queued */
    STORE_FAILED     /* damaged, or an error of the device; or no memory */
} store_result;

#define STORE_QUEUE_MAX 100000 /* writes that wait */

/* A sentence for a problem's detail or the log: what is wrong and what to do. Never a path's content. */
const char *store_result_text(store_result r);
/* STORE_OK -> PROBLEM_NONE, STORE_BUSY -> PROBLEM_OVERLOADED, NOT_FOUND/EXISTS -> NOT_FOUND/CONFLICT, all
 * else -> PROBLEM_STORE_UNAVAILABLE. */
problem store_result_problem(store_result r);

/* Opens (or makes, 0600) the file, checks its integrity, brings it to this version (a copy named
 * FILE.before-vN is made first), starts the threads. A file of a newer version is refused. NULL: *e says what
 * to do. [main] */
store *store_open(const char *path, err *e);
/* Read only, for a child process or a command beside a running hub; writes give STORE_READ_ONLY. */
store *store_open_read_only(const char *path, err *e);
/* Waits until all that was queued before is done, and its callbacks are posted. NULL is fine. [main] */
void store_flush(store *s);
/* Commits what is queued, stops the threads. No loop that is to be told of something may be gone. NULL is
 * fine. [main] */
void store_close(store *s);

/* Whether the last write came through. [any-thread] */
store_result store_health(const store *s);

typedef struct store_counts {
    uint64_t commits, writes, failures, dropped; /* since the start; dropped: fire-and-forget, queue full */
    uint64_t queued;                             /* now */
    uint64_t file_bytes;                         /* database and its log */
} store_counts;
void store_count(const store *s, store_counts *out); /* [any-thread] */

#endif
