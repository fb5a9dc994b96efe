/* executions.h - the history of calls, in segments of many lines, so that keeping it costs the hub little. */
#ifndef STORE_EXECUTIONS_H
#define STORE_EXECUTIONS_H

#include "store/store.h"

typedef struct execution_segment {
    bb_str first_id, last_id;   /* ids sort by time */
    uint64_t first_ms, last_ms; /* wall clock */
    uint32_t count, failed;     /* lines */
    bb_str lines;               /* JSON lines, oldest first */
} execution_segment;

/* Copied and queued. False: dropped. [any-thread] */
bool store_executions_add(store *s, const execution_segment *segment);

/* Drops the oldest segments beyond `keep_count` executions or older than `keep_ms` (0: no bound of that
 * kind), now and then as segments come in. [any-thread] */
void store_executions_keep(store *s, uint64_t keep_count, uint64_t keep_ms);

/* Walks segments, newest first, that may hold ids below `before_id` (absent: from the end), or exactly
 * `exact_id` where that is given, in the time range (0: open). `see` runs on the reader's thread for each
 * until it gives false; then `done` on loop `l`. Everything given lives until done. Writes queued before are
 * seen. False: no memory, neither runs. [any-thread] */
typedef struct execution_walk {
    bb_str before_id, exact_id;
    uint64_t since_ms, until_ms;
    bool (*see)(bb_str lines, void *ctx);
    void (*done)(store_result r, void *ctx);
    void *ctx;
} execution_walk;
bool store_executions_walk(store *s, const execution_walk *walk, loop *l);

#endif
