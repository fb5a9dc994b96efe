/* executions.h - the calls of late, remembered: one ring a loop, read together.
 *
 * Holds summaries of input and output, redacted. */
#ifndef OBSERVE_EXECUTIONS_H
#define OBSERVE_EXECUTIONS_H

#include "base/arena.h"
#include "base/problem.h"
#include "json/json.h"

#define EXECUTION_ID_SIZE 30 /* "ex_" and 26 characters, and a NUL */

typedef struct execution {
    char id[EXECUTION_ID_SIZE];
    char connection[65], plugin[65], operation[101];
    uint64_t started_ms; /* wall clock */
    uint64_t duration_us;
    problem outcome;
    uint16_t upstream_status;         /* of the last answer; 0: none */
    uint16_t attempts;                /* requests sent */
    const char *cache;                /* how the cache served it: a literal, "" : it was not cached */
    const char *fallback;             /* what answered instead: a literal, "" : nothing did */
    char key[40];                     /* id of the caller's key; "" : the hub itself */
    char trace[33];                   /* trace id, hex; "" : none */
    char detail[160];                 /* of a failure, secrets removed */
    char request[400], response[160]; /* summaries: JSON texts, or "" */
} execution;

typedef struct executions executions; /* of one hub */

executions *executions_new(unsigned loops, unsigned per_loop);
void executions_free(executions *x);
/* The place of the next one, to be filled in whole and then told of by executions_added. [loop] */
execution *executions_next(executions *x, unsigned loop);
void executions_added(executions *x, unsigned loop);

typedef struct execution_filter {
    bb_str connection, operation, id; /* absent: any */
    int failed;                       /* 1: only failures, 0: only successes, -1: any */
    size_t limit;
} execution_filter;
/* Writes {"executions": [...]}, the newest first. [any-thread] */
void executions_write(const executions *x, const execution_filter *filter, json_writer *w);
/* The members of one, without the braces' outside. */
void execution_write(const execution *e, json_writer *w);
/* False: it is not remembered (any more). [any-thread] */
bool executions_find(const executions *x, bb_str id, execution *out);

/* Ids that sort by time (48 bits of milliseconds, then 80 random bits, Crockford's base 32). */
void execution_id(uint64_t wall_ms, const uint8_t random[10], char out[EXECUTION_ID_SIZE]);

#endif
