/* Room session: pools of sessions: connections to services that a connector's own client library makes, each
 * with a thread of its own. It includes plugin, json and base, and knows of no event loop: the hub and a
 * worker process run the same pools. Registry, pipeline, api and hub include it, and isolate. */

/* session.h - a connection's pool of sessions, and the jobs it is given.
 *
 * Nothing runs for a pool that is not used: sessions are opened when calls come, end with their idle time,
 * and with the last of them ends the pool's keeper, the thread that watches over deadlines. */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "plugin/host_session.h"

#include <pthread.h>

#define SESSION_EXECUTION_SIZE 64

/* What an admin says of a pool: [session]. */
typedef struct session_policy {
    uint32_t sessions;    /* open at once, 1 to PLUGIN_SESSIONS_MAX */
    uint32_t waiting;     /* calls in line beyond those that are being served */
    uint64_t wait_ms;     /* the longest time in line */
    uint64_t idle_ms;     /* an unused session is closed after so long */
    uint64_t lifetime_ms; /* a session is not used again after so long; 0: unlimited */
    uint64_t health_ms;   /* a session unused for so long is checked before it is used; 0: always */
    uint64_t open_ms;     /* to open or check one */
} session_policy;

/* What a connector declares, the hub's own where it declares nothing. */
session_policy session_policy_of(const bb_session_extension *declared);

/* What a pool is made of. All it points to lives until the pool is gone. */
typedef struct session_setup {
    const plugin_module *module; /* with `sessions` */
    const bb_connection *connection;
    void *instance;
    const str_pair *credentials;
    size_t credential_count;
    session_policy policy;
    uint64_t stuck_ms; /* from the end of its time until a function counts as stuck; 0: 2 s */
} session_setup;

typedef struct session_pool session_pool;
typedef struct session_job session_job;

/* How a job ended. */
typedef enum {
    SESSION_RAN,        /* job->outcome says what it came to, job->call has output or error */
    SESSION_NOT_OPENED, /* no session could be opened: job->call.error; it was not run */
    SESSION_LINE_FULL,  /* too many calls in line */
    SESSION_WAITED,     /* in line for longer than allowed */
    SESSION_NO_PLACE,   /* no place is left for a session: functions that are stuck hold them, or no thread is
                           to be had */
    SESSION_OVER_TIME,  /* the deadline; job->begun tells whether it had begun to run, and may run still */
    SESSION_RETIRED     /* the pool is ending */
} session_end;

/* One operation to be run. Whoever makes it sets done and ctx before it is submitted, and reads the rest once
 * `done` was called: until then it is the pool's. After SESSION_OVER_TIME `call` stays the pool's. */
struct session_job {
    plugin_call call;
    const plugin_op *op;
    /* Called once, on any thread, without a lock held, perhaps before session_submit returns; not after
     * session_job_leave. The callee gets a reference, to be dropped by session_job_unref. */
    void (*done)(session_job *job);
    /* Called on any thread when `run` has said how far it is, and not again before session_job_progress; not
     * after session_job_stop or _leave has come back. It must not call the room but later, and gets a
     * reference for that, to be dropped by session_job_unref. False: it has none, and is called again. NULL:
     * nobody listens. */
    bool (*progressed)(session_job *job);
    void *ctx;
    void *owner; /* of whoever made it, alone: the room does not look at it */
    session_end end;
    plugin_outcome outcome;
    bool begun;              /* `run` was called */
    bool broken, acted;      /* as the connector said; acted: the service may have acted on it */
    uint64_t retry_after_ms; /* SESSION_NOT_OPENED: no session will be opened before; 0: unknown */
    char execution[SESSION_EXECUTION_SIZE];
    /* the pool's */
    _Atomic(unsigned) refs;
    session_pool *pool;
    session_job *next;
    uint64_t submitted_ns, told_ns;
    bool told, queued;
    pthread_mutex_t saying; /* guards these two, and that `progressed` is called */
    plugin_progress said;
    bool is_said; /* and has not been asked for */
};

/* `input` is the JSON text of an object; texts are copied; the deadline is CLOCK_MONOTONIC, not 0. NULL: no
 * memory. Owner: whoever makes it, who ends with session_job_leave. */
session_job *session_job_new(const plugin_op *op, bb_str input, bb_str cursor, const char *execution,
                             uint64_t deadline_ns);
void session_job_unref(session_job *job);

/* How far `run` has said that it is. False: nothing that was not asked for. [any-thread] */
bool session_job_progress(session_job *job, plugin_progress *out);

/* No thread runs before the first job. NULL: no memory. */
session_pool *session_pool_new(const session_setup *setup);
/* Takes a job that was not submitted before. [any-thread] */
void session_submit(session_pool *p, session_job *job);
/* Nobody waits for it any more: `done` is not called from here on (it may be under way on another thread),
 * and what runs for it is interrupted. True: it had begun to run. [any-thread] */
bool session_job_stop(session_job *job);
/* The same, and the owner lets go of it: what it gave is gone. [any-thread] */
void session_job_leave(session_job *job);

/* The end: waiting jobs are refused, idle sessions closed. `gone` is called on any thread once all of the
 * pool's threads have come to their end, perhaps before this returns; a function that never comes back keeps
 * it from being called. No job is submitted from here on. */
void session_pool_retire(session_pool *p, void (*gone)(void *ctx), void *ctx);
/* After session_pool_retire: whether all threads ended within so many milliseconds. */
bool session_pool_wait(session_pool *p, uint64_t ms);
/* After `gone`; or of a pool that was never used. NULL is fine. */
void session_pool_free(session_pool *p);

typedef struct session_counts {
    unsigned open;    /* usable or in use: idle + busy */
    unsigned busy;    /* a call runs on it */
    unsigned opening; /* or being closed */
    unsigned waiting; /* calls in line */
    unsigned stuck;   /* functions past their time that have not come back */
    uint64_t opened, failed, checks_failed, refused, stuck_ever; /* since the pool was made */
} session_counts;
void session_pool_count(session_pool *p, session_counts *out); /* [any-thread] */
const session_policy *session_pool_policy(const session_pool *p);

#endif
