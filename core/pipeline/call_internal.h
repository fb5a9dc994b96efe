/* call_internal.h - what the stages share. */
#ifndef PIPELINE_CALL_INTERNAL_H
#define PIPELINE_CALL_INTERNAL_H

#include "auth/ticket.h"
#include "isolate/isolate.h"
#include "observe/metrics.h"
#include "pipeline/call.h"
#include "pipeline/retry.h"
#include "transform/transform.h"

/* A body that a later request of the same call must not overwrite, since values of it may still be held. */
typedef struct kept_body {
    struct kept_body *next;
    buf bytes;
} kept_body;

/* NEXT: go on with the next stage. WAIT: something will go on with call_go_on, or end the call. END: the call
 * has its result. */
typedef enum { STAGE_NEXT, STAGE_WAIT, STAGE_END } stage_result;
typedef struct stage {
    const char *name;
    stage_result (*run)(call *c);
} stage;

/* What [errors] makes of an answer; PROBLEM_NONE: nothing. The texts point into the answer. */
typedef struct mapped_error {
    problem problem;
    bb_str message, code;
} mapped_error;

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
    bool waits;             /* the timer runs */
    uint64_t counted_bytes; /* of this call in its connection's ledger */

    call_request request;
    const json_value *input;
    const json_value *secrets_of; /* the input whose "writeOnly" texts are known; NULL: none yet */
    bb_str *secrets;
    size_t secret_count;
    char id[EXECUTION_ID_SIZE];
    uint64_t started_ns, started_wall_ns, ended_ns;
    uint64_t deadline_ns, last_deadline_ns; /* the second: of the fallback too */

    /* where it is */
    const stage *stages;
    size_t stage_count, stage_at;
    uv_timer_t timer; /* until the next attempt, or the deadline of a wait */
    void (*woken)(call *c);

    /* admission to the service: given back after each request */
    breaker_pass pass;
    bool passed, has_slot;
    uint64_t place_ns; /* in the rate, while waiting for it; 0: none */
    slot_wait *slot_wait;
    auth_ticket ticket;
    transform_run *transform;
    isolate_call isolate;     /* of a connection whose connector runs in a process of its own */
    session_job *session_job; /* under way, or the one whose output is the call's; counted */

    /* the request under way */
    http_send send;
    http_transfer *transfer;
    buf answer_body;
    kept_body *kept;
    unsigned attempt;        /* of this request, from 1 */
    unsigned attempts;       /* of the call */
    unsigned requests;       /* different ones of the call */
    unsigned keyed_requests; /* as idempotency keys number them */
    unsigned keyed_before;   /* as of the last `start` */
    uint64_t waited_ms;      /* that steps had requests wait */
    bb_str retry_after;      /* Retry-After of the last answer, which may be gone */
    unsigned begun_anew;     /* times, since a step said that the service wants it later */
    bool changed; /* the service may have acted on a request of this call that is no mere reading */
    bool repeatable;
    bool acted;          /* the service may have acted on a request of this call that is not safe to repeat */
    size_t url_len;      /* as the connector made it, before credentials */
    bb_str secret_url;   /* what is asked for in its place, a NUL behind; told to nobody; absent: the URL */
    bb_str refused_path; /* of a request that was answered by an error: its URL's buffer is the next one's */
    mapped_error mapped; /* of the answer that is being looked at */
    uint64_t sent_wall_ns;
    uint64_t request_bytes;

    /* pages, with `all` */
    buf items;
    uint64_t item_count;
    unsigned pages;

    /* the cache */
    buf key;
    uint64_t key_hash;
    bool keyed;             /* `key` is made: the answer may be cached */
    cache_entry *entry;     /* found, or being the answer; counted */
    cache_flight *flight;   /* led by this call */
    cache_wait *cache_wait; /* for another call's answer */
    cache_failure *failure; /* another call's, which is ours; counted */
    bool fresh_forbidden;   /* the service said no-store */
    uint64_t purges;        /* of the cache, when the service was about to be asked */
    bool stale_forbidden;   /* the service said no-cache or must-revalidate */
    bool has_told_age;      /* the service said max-age */
    uint64_t told_age_ms;
    bb_str etag, modified;

    struct content_run *content; /* NULL: JSON alone */

    bool pending; /* the steps' last word was a request, which has no answer yet */
    enum {
        AFTERMATH_NONE,
        AFTERMATH_ASKED,   /* the connector's process is to say what the service is told */
        AFTERMATH_READY,   /* it is described; the caller has not let go of the call yet */
        AFTERMATH_AWAITED, /* as ASKED, and the caller has let go */
        AFTERMATH_SENDING
    } aftermath;

    plugin_progress progress; /* as its steps said, */
    bool has_progress;        /* if they did */

    call *nested; /* the fallback's */
    bool nested_running;

    uint8_t trace_id[16], span_id[8], client_span_id[8];
    bool traced; /* the service gets a traceparent */

    call_result result;
};

/* The call's place in its connection's ledger. */
static inline ledger_share *call_share(const call *c) {
    return &c->conn->holds[c->worker->number].share;
}
/* call.c: has the ledger know what memory the call has now; 0 at its end. */
void call_count_memory(call *c, uint64_t bytes);
uint64_t call_memory_used(const call *c);

/* --- the stages, in their order --------------------------------------------------------------------------
 */

stage_result stage_access(call *c);             /* access.c */
stage_result stage_quota(call *c);              /* quota.c */
stage_result stage_input(call *c);              /* input.c: JSON */
stage_result stage_cache(call *c);              /* cache.c */
stage_result stage_transform_request(call *c);  /* transform.c */
stage_result stage_schema(call *c);             /* input.c: schema */
stage_result stage_start(call *c);              /* steps.c: the connector's first step */
stage_result stage_delay(call *c);              /* steps.c: a request that the connector has wait */
stage_result stage_breaker(call *c);            /* breaker.c */
stage_result stage_told(call *c);               /* limit.c: what the service said of its limits */
stage_result stage_rate(call *c);               /* limit.c */
stage_result stage_slot(call *c);               /* limit.c */
stage_result stage_ticket(call *c);             /* credentials.c: they are got */
stage_result stage_breaker_still(call *c);      /* breaker.c: after all waits */
stage_result stage_sign(call *c);               /* credentials.c: and put in */
stage_result stage_send(call *c);               /* send.c: HTTP with retry */
stage_result stage_session(call *c);            /* session.c: in its place, an operation on a session */
stage_result stage_validate(call *c);           /* validate.c: output schema */
stage_result stage_output(call *c);             /* output.c: the answer, or the next page */
stage_result stage_transform_response(call *c); /* transform.c */
stage_result stage_end(call *c);
const json_value *call_output_value(call *c); /* validate.c: the connector's output, read */

/* --- content.c: a call whose content passes in pieces -------------------------------------------------- */

stage_result stage_content(call *c);     /* what must be known as a whole is spooled */
stage_result stage_content_end(call *c); /* what was given out is where it belongs */
plugin_content *content_of_steps(call *c);
/* After a step: keeps what it saved. NEXT: go on; WAIT: with `go_on`, later. */
stage_result content_keep(call *c, void (*go_on)(call *c));
/* Range and the like, for a download that goes on; gives how many fields. */
size_t content_fields(call *c, bb_str *fields);
/* Completes c->send; false: the call has failed. */
bool content_describe(call *c);
void content_sent(call *c); /* the transfer is under way: its inactivity is watched */
/* Before anything is made of the answer: true: it goes on by itself. */
bool content_answered(call *c, const http_answer *answer);
uint64_t content_moved(const call *c); /* bytes so far, repeats counted */
void content_restart(call *c);         /* from `start`, with what was saved */
bool content_goes_on(const call *c);   /* an upload that saved how */
bool content_at_begin(const call *c);  /* its bytes can be had from the first on, and none has been given */
bool content_got_on(const call *c);    /* in this attempt: it did not just fail */
bool content_may_repeat(const call *c);
void content_leave(call *c);                            /* the call ends, or is cancelled */
void call_answered(call *c, const http_answer *answer); /* send.c */
void call_restart(call *c);                             /* steps.c: from `start`, with what was saved */
uint64_t call_allowed_ms(const call *c);                /* call.c: by caller, connection, operation */

/* stages.c: begins with the call, with the request that the connector described, or with its output;
 * call_go_on: after a STAGE_WAIT. */
void call_run(call *c);
void call_run_request(call *c);
void call_run_session(call *c); /* the same, for a session operation */
void call_run_output(call *c);
void call_go_on(call *c);
/* As call_go_on, but the stage that waited runs again. */
void call_go_on_again(call *c);
/* Has `woken` run after `ms`; NULL: the call's time is over then, and it fails. One wait at a time. */
void call_wait(call *c, uint64_t ms, void (*woken)(call *c));
void call_wait_over(call *c);
/* session.c: nobody waits for the job under way. True: it had begun to run. */
bool call_stop_session(call *c);
/* Lets go of it, or of the last one: what it gave is gone. */
void call_leave_session(call *c);
/* Takes back all that is under way for the call: transfer, waits, admission. */
void call_abandon(call *c);

/* --- how a call fails: all give STAGE_END --------------------------------------------------------------- */

/* errors.c. The texts are copied, and secrets are taken out of them. */
stage_result call_fail(call *c, problem p, bb_str detail);
__attribute__((format(printf, 3, 4))) stage_result call_failf(call *c, problem p, const char *format, ...);
/* By what the connector said in steps.error. */
stage_result call_fail_by_steps(call *c);
/* By what [errors] says of the answer. */
stage_result call_fail_mapped(call *c);
/* By what the client met. */
stage_result call_fail_by_transport(call *c, const http_answer *answer);
bb_str call_redact(call *c, bb_str text);
/* The same, and without what the caller's input marks as secret: a text that others than the caller may see.
 */
bb_str call_shown(call *c, bb_str text);
/* Those values go with the caller, unless they are kept. False: no memory. */
bool call_keep_secrets(call *c);
/* Host and path of the request under way, as long as the connector has begun no other. */
bb_str call_path_asked(const call *c);

/* mapping.c: also kept as c->mapped. */
mapped_error call_map_error(call *c, const http_answer *answer);
void call_map_code(call *c, bb_str code); /* of a session operation, whose failures have no status */

/* steps.c: runs `resume` on an answer. */
stage_result call_resume(call *c, const http_answer *answer);
/* isolate.c: the same for a connector in a process of its own: STAGE_WAIT. */
stage_result call_start_isolated(call *c);
stage_result call_resume_isolated(call *c);
/* Its process ended, or is off. */
stage_result call_fail_isolated(call *c, isolate_result result, bb_str detail, uint64_t retry_ms);
/* --- aftermath.c: a call that is given up while the service is at work for it ------------------------------
 */

/* Whether its connector would be asked if it were given up now: its process must not forget it. */
bool aftermath_due(const call *c);
/* At the call's end, with its result: has the connector say what the service is to be told, or lets go of its
 * process. */
void aftermath_settle(call *c);
/* The caller has let go. True: the call lives on, for that one request. */
bool aftermath_begin(call *c);
void aftermath_answered(call *c, const http_answer *answer);
void aftermath_end(call *c); /* in place of call_end */
void call_link(call *c);     /* call.c: among those that are under way, */
void call_unlink(call *c);   /* and not any more */

/* progress.c: the steps' own word; of a session operation: see session_job.progressed. */
void call_progressed(plugin_call *steps, const plugin_progress *progress);
bool call_session_progressed(session_job *job);
/* steps.c: what a step came to, as the stage's result. */
stage_result call_follow(call *c, plugin_outcome outcome);
/* send.c: the first field of that name; absent: none. */
bb_str call_answer_field(const http_answer *answer, bb_str name);

/* breaker.c, limit.c: gives back what the request was admitted by. */
void call_leave_upstream(call *c, breaker_result result);
void call_leave_rate(call *c); /* limit.c: the place that it waited for */

/* cache.c */
void call_cache_answer(call *c, const http_answer *answer);       /* what its header fields say */
bool call_cache_not_modified(call *c, const http_answer *answer); /* a 304: the entry is the answer */
void call_cache_settle(call *c);                    /* the call has its result: store, tell those who wait */
bool call_cache_rescue(call *c, uint64_t stale_ms); /* a failure: an entry of that age in its place */
void call_cache_leave(call *c);                     /* cancelled */
void call_use_entry(call *c, cache_use how);

/* attempt.c: one begins, of HTTP requests or of operations on sessions */
void call_count_attempt(call *c);
/* retry_decide, with what the call itself knows of the question: its time, now and chance. */
retry_answer call_ask_retry(call *c, retry_question *q);
/* The same, and what follows: has `again` run later. False: it is not to be repeated. */
bool call_begin_later(call *c, retry_question *q, void (*again)(call *c));

/* fallback.c: true: another answer is being got, or is there: see c->nested_running. */
bool call_fall_back(call *c);

/* trace.c */
void call_trace_begin(call *c);
bb_str call_traceparent(
    call *c); /* a span id for the attempt, and "traceparent: ..." for the service; absent: none */
void call_trace_attempt(call *c, const http_answer *answer);
void call_trace_session(call *c, problem outcome); /* the same, of a session operation */
void call_trace_end(call *c);

/* summary.c: what the record keeps of input and answer, redacted. */
size_t call_summary_request(call *c, char *out, size_t cap);
size_t call_summary_response(call *c, char *out, size_t cap);

/* Milliseconds until the deadline; 0: it has passed. */
uint64_t call_left_ms(const call *c);
/* What a call has where its caller does not say. */
uint64_t call_usual_timeout_ms(const call *c);

void call_end(call *c);         /* the fallback, or record, then `done` */
void call_drop_kept(call *c);   /* bodies of earlier answers */
void call_object_free(call *c); /* for good: of the idle ones */
void call_record(call *c);      /* record.c */

#endif
