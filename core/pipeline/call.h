/* call.h - one call of one operation, from the caller's input to the answer.
 *
 * Belongs to its worker's loop. Everything it holds lives in its arena and buffers, and goes when it ends. */
#ifndef PIPELINE_CALL_H
#define PIPELINE_CALL_H

#include "base/problem.h"
#include "pipeline/worker.h"
#include "plugin/call.h"

typedef struct call_request {
    connection *conn;
    const plugin_op *op;
    bb_str input;        /* JSON text; lives until `done` */
    bb_str cursor;       /* absent: from the beginning */
    bool all;            /* follow every page */
    uint64_t max_items;  /* with `all`: at most so many; 0: no limit of the caller's */
    uint64_t timeout_ms; /* 0: the operation's, the connection's or the hub's */
} call_request;

/* One thing that is wrong with the input. */
typedef struct call_issue {
    bb_str pointer, detail;
} call_issue;

/* How a call ended. Slices live until call_free. */
typedef struct call_result {
    problem problem; /* PROBLEM_NONE: `data` is the output */
    bb_str data;     /* JSON text */
    bool paginated;
    bb_str next_cursor; /* absent: no further page */
    bool truncated;     /* max_items cut a page */
    bb_str detail;      /* of a problem; secrets removed */
    bb_str upstream_code;
    unsigned upstream_status;
    bool retryable;
    uint64_t retry_after_ms; /* 0: unknown */
    const call_issue *issues;
    size_t issue_count;
} call_result;

typedef void (*call_done)(call *c, const call_result *result, void *ctx);

/* Begins a call. `begun` (may be NULL) is given the call before anything is done, to be able to cancel it;
 * `done` is called once, on this loop, perhaps before this returns, and ends with call_free. False: no
 * memory, and neither is called. */
typedef void (*call_begun)(call *c, void *ctx);
bool call_begin(worker *w, const call_request *request, call_begun begun, call_done done, void *ctx);
/* Nobody waits any more: `done` is called with PROBLEM_CANCELLED from within. */
void call_cancel(call *c);
void call_free(call *c); /* in or after `done` */

const connection *call_connection(const call *c);
/* {"id", "connection", "operation", "status", ...}: a call that has ended. */
void call_write_execution(const call *c, json_writer *w);
/* Memory that goes with the call. */
arena *call_memory(call *c);

#define CALL_DEFAULT_TIMEOUT_MS 30000u
#define CALL_MAX_TIMEOUT_MS 86400000u

#endif
