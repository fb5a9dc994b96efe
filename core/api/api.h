/* Room api: the REST API over everything that is plugged in. It includes pipeline, registry, http, observe,
 * json and base; hub includes it. */

/* api.h - the HTTP API of one loop.
 *
 * What reads is answered on the loop, from the snapshot in force. What changes files or configuration becomes
 * a job for the main thread (job.h). */
#ifndef API_API_H
#define API_API_H

#include "api/job.h"
#include "http/server.h"
#include "pipeline/worker.h"

/* What all loops share. Immutable once serving. */
typedef struct api_shared {
    const char *version;
    bb_str key; /* of the admin */
    executions *executions;
    _Atomic(bool) ready;                     /* /readyz */
    uint64_t (*http_connections)(void *ctx); /* of all loops */
    bool (*submit)(void *ctx, api_job *job); /* to the main thread; false: no memory */
    void *ctx;
} api_shared;

typedef struct api {
    const api_shared *shared;
    worker *worker;
} api;

/* The server's handler: ctx is an api. */
void api_handle(http_exchange *x, void *ctx);

#endif
