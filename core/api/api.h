/* Room api: the REST API over everything that is plugged in. It includes pipeline, registry, http, observe,
 * json and base; hub includes it. */

/* api.h - the HTTP API of one loop.
 *
 * What reads is answered on the loop, from the snapshot in force. What changes files or configuration becomes
 * a job for the main thread (job.h). */
#ifndef API_API_H
#define API_API_H

#include "access/access.h"
#include "api/job.h"
#include "cache/cache.h"
#include "http/server.h"
#include "observe/alerts.h"
#include "pipeline/worker.h"
#include "store/store.h"

/* What all loops share. Immutable once serving. */
typedef struct api_shared {
    const char *version;
    isolates *isolates; /* NULL: none */
    access_keys *access;
    store *store; /* NULL: none, offline */
    cache *cache;
    alerts *alerts; /* NULL: no rules */
    const struct content_folders *folders;
    worker *const *workers; /* of all loops, */
    unsigned worker_count;
    struct transfers *transfers;
    struct auth_runtime *auth;
    struct watchdog *watchdog; /* NULL: none */
    executions *executions;
    uint64_t idempotency_keep_ms;
    _Atomic(int64_t) tls_not_after;          /* of the certificate in force, seconds since 1970; 0: none */
    _Atomic(bool) ready;                     /* /readyz */
    uint64_t (*http_connections)(void *ctx); /* of all loops */
    bool (*submit)(void *ctx, api_job *job); /* to the main thread; false: no memory */
    void *ctx;
} api_shared;

/* Refusals alike, on their way to the audit log. */
typedef struct audit_note {
    uint64_t at_ms, count; /* 0: none */
    const char *action, *why;
    char actor[40], actor_name[101], from[48], target[200];
} audit_note;

typedef struct api {
    const api_shared *shared;
    worker *worker;
    struct webhook_loop *webhooks;
    audit_note denied;
    uint64_t denied_since_ms; /* the beginning of this while */
    unsigned denied_entries;  /* written in it */
} api;

/* Hands what is noted to the store; now and then, and at the end. [loop] */
void audit_flush(api *a);

/* Whether a request's body is a file for an operation: the server's http_streams. */
bool api_streams(const http_request *head, void *ctx);
/* The server's handler: ctx is an api. */
void api_handle(http_exchange *x, void *ctx);

#endif
