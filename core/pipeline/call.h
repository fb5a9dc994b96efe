/* call.h - one call of one operation, from the caller's input to the answer.
 *
 * Belongs to its worker's loop. Everything it holds lives in its arena and buffers, and goes when it ends. */
#ifndef PIPELINE_CALL_H
#define PIPELINE_CALL_H

#include "access/access.h"
#include "base/problem.h"
#include "cache/cache.h"
#include "content/content.h"
#include "observe/trace.h"
#include "pipeline/worker.h"
#include "plugin/call.h"

/* What the caller says of cached answers (RFC 9111 section 5.2.1). */
typedef struct cache_wish {
    bool no_cache, no_store, only_if_cached;
    bool has_max_age;
    uint64_t max_age_ms;
} cache_wish;

/* The files of a call, and what is to be told of them. The caller's; lives until `done`. */
typedef struct call_content {
    content_source *source;                /* NULL: there is none to take. Replaced, where it is spooled */
    content_sink *sink;                    /* NULL: no place for what is given */
    const struct content_folders *folders; /* where to spool; NULL: nowhere */
    uint64_t offset;                       /* the download begins there: the sink has what is before */
    const char *validator;                 /* with an offset: as it was then; "" : unknown */
    bb_str saved;                          /* JSON text of a call that broke off; absent: none */
    /* The connector's resume state: to be kept, then `kept` is called, later, from the loop. NULL: it is
     * needed within this call alone. False: it cannot be kept, and the call fails. `kept` must not be called
     * once the call has ended. */
    bool (*save)(void *ctx, bb_str json, void (*kept)(void *kept_ctx, bool ok), void *kept_ctx);
    void *ctx;
    /* how far it is: [any-thread] */
    _Atomic(uint64_t) done_bytes, total_bytes; /* total: FLOW_UNKNOWN */
} call_content;

typedef struct call_request {
    connection *conn;
    const plugin_op *op;
    principal *who;      /* NULL: the hub itself */
    bb_str input;        /* JSON text; lives until `done` */
    bb_str cursor;       /* absent: from the beginning */
    bool all;            /* follow every page */
    uint64_t max_items;  /* with `all`: at most so many; 0: no limit of the caller's */
    uint64_t timeout_ms; /* 0: the operation's, the connection's or the hub's */
    bool has_max_wait;   /* the caller's own bound for waiting on limits */
    uint64_t max_wait_ms;
    cache_wish cache;
    bb_str idempotency;  /* the key that the service is given for an unsafe request; absent: one of the call's
                            own */
    bb_str label;        /* that the caller knows it by while it runs; absent: none; lives until `done` */
    trace_context trace; /* the caller's; its `state` lives until `done` */
    call_content *content; /* NULL: JSON alone */
    http_probe *
        probe; /* not NULL: a person's test: limits and breaker let it pass, and the way is described there */
    /* the pipeline's own */
    bool is_fallback;     /* made by another call: has no fallback of its own */
    cache_flight *flight; /* made to fill the cache: leads this flight */
} call_request;

/* One thing that is wrong with the input. */
typedef struct call_issue {
    bb_str pointer, detail;
} call_issue;

typedef enum {
    CACHE_UNUSED, /* the operation is not cached */
    CACHE_BYPASS, /* as the caller asked */
    CACHE_MISS,
    CACHE_HIT,
    CACHE_STALE,       /* being refreshed, or in place of a failure */
    CACHE_REVALIDATED, /* the service said: not modified */
    CACHE_SHARED       /* the answer of another call of the same input */
} cache_use;

typedef enum { FALLBACK_NONE, FALLBACK_CONNECTION, FALLBACK_STALE, FALLBACK_DOCUMENT } fallback_kind;

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
    bool unbegun; /* of a problem: the hub had no room even to begin; nobody was asked for anything */
    bool unsure;  /* of a problem: a service may have acted on a request that is not safe to repeat */
    uint64_t retry_after_ms; /* 0: unknown */
    const call_issue *issues;
    size_t issue_count;
    cache_use cache;
    uint64_t age_ms;        /* of a cached answer */
    fallback_kind fallback; /* what answers in place of `instead_of` */
    problem instead_of;
    access_limits limits; /* of the caller's key */
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
const plugin_op *call_operation(const call *c);
const char *call_id(const call *c);
/* Whether doing it twice does no harm: safe, idempotent, or told from its repeat by the service. */
bool call_op_repeatable(const plugin_op *op);
/* {"id", "connection", "operation", "status", ...}: a call that has ended. */
void call_write_execution(const call *c, json_writer *w);
/* Which of the calls that run somebody asks for. Absent members ask for nothing. */
#define CALL_LABEL_MAX 64 /* bytes */
typedef struct running_filter {
    bb_str id, call, connection, operation;
    const patterns *connections; /* what the reader may see; NULL: all */
} running_filter;
/* Appends those of the worker's calls that fit, each a JSON object, with commas between and, where `out` is
 * not empty, in front; at most *left of them, which counts down. [loop] */
void calls_running(const worker *w, const running_filter *f, size_t *left, buf *out);
/* Memory that goes with the call. */
arena *call_memory(call *c);

#define CALL_DEFAULT_TIMEOUT_MS 30000u
#define CALL_MAX_TIMEOUT_MS 86400000u

#endif
