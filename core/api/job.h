/* job.h - a request that the main thread carries out: it alone changes the configuration.
 *
 * Made by a loop, handed to the main thread, handed back with the answer, freed by the loop. */
#ifndef API_JOB_H
#define API_JOB_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/problem.h"
#include "http/server.h"

typedef enum {
    JOB_RELOAD,
    JOB_PLAN, /* reload?dry_run=true */
    JOB_LAST_RELOAD,
    JOB_CREATE, /* a connection */
    JOB_REPLACE,
    JOB_MERGE, /* RFC 7396 */
    JOB_DELETE,
    JOB_WEBHOOK_CREATE, /* these four: an endpoint, a subscription, an event type: hub/webhook_jobs.c */
    JOB_WEBHOOK_REPLACE,
    JOB_WEBHOOK_MERGE,
    JOB_WEBHOOK_DELETE,
    JOB_WEBHOOK_ROTATE, /* `secret` in front of a subscription's */
    JOB_KEY_CREATE,
    JOB_KEY_REVOKE,
    JOB_SECRET_LIST, /* from here to JOB_SECRET_ROTATE: hub/secret_jobs.c */
    JOB_SECRET_GET,
    JOB_SECRET_SET,
    JOB_SECRET_REMOVE,
    JOB_SECRET_ROTATE,
    JOB_QUARANTINE_LIST, /* these two: hub/quarantine_jobs.c */
    JOB_QUARANTINE_ALLOW,
    JOB_AUTH_REVOKE, /* a connection's tokens */
    JOB_AUTH_REVOKED /* the hub's own: that is done */
} api_job_kind;

typedef struct api_job {
    api_job_kind kind;
    bool wait;        /* of a reload: until what was replaced has drained */
    int webhook_kind; /* of JOB_WEBHOOK_…: a webhook_kind */
    bool begun;       /* a rotation: its first step is done */
    uint64_t done;    /* and what it has re-encrypted so far */
    arena *memory;    /* all texts */
    bb_str id, body;
    bb_str secret;                  /* made for what is created or changed: told in the answer, once */
    bb_str public_key;              /* of the pair among it, absent: none is */
    bb_str target;                  /* what it turned out to be about, where that is not `id` */
    bb_str actor, actor_name, from; /* who asks, from where: for the audit log */
    /* the answer */
    problem problem; /* not PROBLEM_NONE: `detail` says what */
    unsigned status;
    bb_str detail;
    buf answer; /* JSON */
    /* the way back */
    loop *loop;
    http_exchange *exchange; /* the loop's alone; NULL: its client has gone, and it has been answered */
    struct api_job *next;    /* the main thread's */
} api_job;

/* A job of the kind for this exchange, with the request's body; NULL: no memory. */
struct api;
struct principal;
api_job *api_job_new(struct api *a, http_exchange *x, const struct principal *who, api_job_kind kind,
                     bb_str id);
/* Hands it to the main thread; answers the exchange where that fails, or `job` is NULL. */
void api_job_submit(struct api *a, http_exchange *x, api_job *job);

/* Sends the answer and frees the job. On the job's loop: post it with loop_post(job->loop, api_job_done,
 * job). */
void api_job_done(loop *l, void *job);
void api_job_free(api_job *job); /* of one that nobody waits for any more */

#endif
