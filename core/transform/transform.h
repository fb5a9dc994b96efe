/* Room transform: jq programs run over JSON. It includes base and json; registry and pipeline include it. */

/* transform.h - jq (libjq) in child processes.
 *
 * A jq program can run without end or fill the memory, and libjq cannot be interrupted: so it runs in a child
 * process of this same program, with a limit on its memory, and is killed when its time is up. Each loop has
 * a pool of children of its own, started when first needed, at most TRANSFORM_CHILDREN at once; what comes
 * beyond waits its turn: children's time is shared out fairly, among owners (a connection, the sender of an
 * event) and among the programs of each, and its wait is no part of a run's time. Programs that lately took
 * too much time or memory share one child. A child keeps compiled programs, and ends when it has had nothing
 * to do for a minute.
 *
 * A program sees nothing of the world: no environment, no files, no modules (`import` and `include` are
 * errors), no further input, UTC only.
 *
 * Numbers: jq calculates with doubles. A number of the input that a double cannot hold (a 64-bit id, a long
 * decimal) passes through unchanged wherever the program only moves it; `tostring`, "\(...)", `join`,
 * `tojson` and @formats write its digits, `tonumber` makes the nearest double of it. To all else it is a
 * string: adding to it is an error, `type` says "string", and it is unequal to every number. Numbers written
 * in the program are doubles. */
#ifndef TRANSFORM_TRANSFORM_H
#define TRANSFORM_TRANSFORM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"

#define TRANSFORM_CHILDREN 5
#define TRANSFORM_CHILDREN_OF_ONE 4 /* that one owner, and one program, may have: the last is the others' */
#define TRANSFORM_WAIT_MS 30000u    /* the longest wait for a child */

typedef struct transforms transforms; /* of one loop */
typedef struct transform_run transform_run;

typedef enum {
    TRANSFORM_OK,
    TRANSFORM_FAILED,    /* the program raised an error, or gave no result, or more than one */
    TRANSFORM_TIMEOUT,   /* its time is up: the child was killed */
    TRANSFORM_TOO_LARGE, /* its memory, or its result, is over the limit */
    TRANSFORM_BROKEN,    /* a child cannot be started */
    TRANSFORM_BUSY       /* no child was free for it in time: it has not begun, and may later */
} transform_outcome;

/* Whether the program compiles: in a child, blocking, some 25 ms and at most 5 s; a program that it has been
 * asked about before costs nothing. False: *e has jq's own words. [main] */
bool transform_check(const char *program, err *e);

transforms *transforms_new(loop *l, err *e);
/* Kills the children; `done` of what is under way is not called any more. [loop] */
void transforms_free(transforms *t);

/* `json` is the result, exactly one JSON text; of a failure, `detail` says why (jq's words). Both live until
 * done returns. */
typedef void (*transform_done)(transform_outcome outcome, bb_str json, bb_str detail, void *ctx);
typedef struct transform_job {
    const char *program;
    bb_str input;
    bb_str variables;    /* a JSON object text, bound to $busbar in the program; absent: {} */
    uint64_t owner;      /* a hash: on whose account it runs */
    uint64_t timeout_ms; /* of the run, from when a child takes it */
    uint64_t within_ms;  /* of the wait and the run together; 0: no matter */
    size_t max_result;   /* bytes */
} transform_job;
/* Its texts live until done, which is called on the loop, never from within. NULL: no memory. [loop] */
transform_run *transform_start(transforms *t, const transform_job *job, transform_done done, void *ctx);
/* done is not called any more. */
void transform_cancel(transform_run *r);

/* Runs by outcome, and children started, since the process began, in the text format of metrics.
 * [any-thread] */
void transform_render(buf *out);

/* The child's side: `busbar transform`, started by this room alone. Gives an exit code. */
int transform_child_main(void);

#endif
