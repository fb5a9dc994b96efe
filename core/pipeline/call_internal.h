/* call_internal.h - what the stages share. */
#ifndef PIPELINE_CALL_INTERNAL_H
#define PIPELINE_CALL_INTERNAL_H

#include "observe/metrics.h"
#include "pipeline/call.h"

/* A body that a later request of the same call must not overwrite, since values of it may still be held. */
typedef struct kept_body {
    struct kept_body *next;
    buf bytes;
} kept_body;

struct call {
    plugin_call steps; /* what the connector sees and said */
    worker *worker;
    connection *conn;
    const plugin_op *op;
    call *next, *previous; /* of the worker's list */
    arena *memory;         /* of the whole call */
    arena *page_memory;    /* of one page, with `all`; else NULL, and steps.memory is `memory` */
    call_done done;
    void *ctx;
    bool ended, freed;

    call_request request;
    const json_value *input;
    char id[EXECUTION_ID_SIZE];
    uint64_t started_ns, started_ms, deadline_ns, ended_ns;

    /* the request under way */
    http_send send;
    http_transfer *transfer;
    bb_str *fields;
    buf answer_body;
    kept_body *kept;
    unsigned attempt;  /* of this request, from 1 */
    unsigned attempts; /* of the call */
    unsigned requests; /* different ones of the call */
    bool repeatable;
    uv_timer_t timer; /* until the next attempt */
    bool waiting;

    /* pages, with `all` */
    buf items;
    uint64_t item_count;
    unsigned pages;

    call_result result;
};

/* --- the stages, in their order ------------------------------------------------------------------------- */

typedef enum { STAGE_NEXT, STAGE_WAIT, STAGE_END } stage_result;
typedef struct stage {
    const char *name;
    stage_result (*run)(call *c);
} stage;

stage_result stage_input(call *c);       /* input.c: JSON, schema */
stage_result stage_start(call *c);       /* steps.c: the connector's first step */
stage_result stage_credentials(call *c); /* credentials.c */
stage_result stage_send(call *c);        /* send.c: HTTP with retry */
stage_result stage_output(call *c);      /* output.c: the answer, or the next page */

/* stages.c: goes on with the request that the connector described, or with its output. */
void call_run(call *c);
void call_run_request(call *c);
void call_run_output(call *c);

/* --- how a call fails: all give STAGE_END --------------------------------------------------------------- */

/* errors.c. The texts are copied, and secrets are taken out of them. */
stage_result call_fail(call *c, problem p, bb_str detail);
__attribute__((format(printf, 3, 4))) stage_result call_failf(call *c, problem p, const char *format, ...);
/* By what the connector said in steps.error. */
stage_result call_fail_by_steps(call *c);
/* By what the client met. */
stage_result call_fail_by_transport(call *c, const http_answer *answer);

/* steps.c: runs `resume` on an answer. */
stage_result call_resume(call *c, const http_answer *answer);

/* Milliseconds until the deadline; 0: it has passed. */
uint64_t call_left_ms(const call *c);

void call_end(call *c);         /* record, then `done` */
void call_drop_kept(call *c);   /* bodies of earlier answers */
void call_object_free(call *c); /* for good: of the idle ones */
void call_record(call *c);      /* record.c */

#endif
