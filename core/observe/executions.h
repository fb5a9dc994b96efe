/* executions.h - the calls of late, remembered: one ring a loop, read together.
 *
 * Holds summaries of input and output, redacted. */
#ifndef OBSERVE_EXECUTIONS_H
#define OBSERVE_EXECUTIONS_H

#include "base/arena.h"
#include "base/pattern.h"
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

/* The members of one, as a JSON object. */
void execution_write(const execution *e, json_writer *w);

typedef struct execution_filter {
    bb_str connection, operation, id; /* absent: any */
    bb_str before;                    /* an id: only older ones */
    int failed;                       /* 1: only failures, 0: only successes, -1: any */
    uint64_t since_ms, until_ms;      /* 0: open */
    const patterns *connections;      /* what the reader may see; NULL: all */
    size_t limit;
} execution_filter;
bool execution_fits(const execution *e, const execution_filter *f);
/* The newest that fit, of each loop at most `limit`, into *out (of loops * limit places), in no order. Gives
 * how many. [any-thread] */
size_t executions_recent(const executions *x, const execution_filter *f, execution *out);
unsigned executions_loops(const executions *x);

/* Those of a loop since the last taking, at most `max`, oldest first: failures all, successes as long as
 * *successes is not used up. *missed: how many were passed over, or overwritten before they were taken. One
 * taker. False: nothing is left. */
bool executions_take(executions *x, unsigned loop, execution *out, size_t max, size_t *successes,
                     size_t *taken, uint64_t *missed);
/* What became of those taken. */
void executions_note(executions *x, uint64_t kept, uint64_t lost);
uint64_t executions_kept(const executions *x);
uint64_t executions_lost(const executions *x);

/* Ids that sort by time (48 bits of milliseconds, then 80 random bits, Crockford's base 32). */
void execution_id(uint64_t wall_ms, const uint8_t random[10], char out[EXECUTION_ID_SIZE]);

#endif
