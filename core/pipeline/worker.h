/* Room pipeline: the life of a call, one file a stage. It includes registry, auth, plugin, http, observe,
 * json and base; api and hub include it. */

/* worker.h - what one event loop has for its calls: the client, the snapshot in force, its calls.
 *
 * All functions belong to the loop's thread unless said otherwise. */
#ifndef PIPELINE_WORKER_H
#define PIPELINE_WORKER_H

#include "auth/ticket.h"
#include "cache/cache.h"
#include "http/client.h"
#include "observe/executions.h"
#include "observe/otlp.h"
#include "registry/snapshot.h"
#include "transform/transform.h"

typedef struct worker worker;
typedef struct call call;

/* Called on the loop's thread once it has let go of a retired connection. */
typedef void (*worker_released)(connection *c, void *ctx);

struct worker {
    loop *loop;
    unsigned number;
    http_client *client;
    const snapshot *snapshot;
    executions *executions;
    cache *cache;           /* of the hub; NULL: nothing is cached */
    otlp *otlp;             /* of the hub; NULL: no traces are exported */
    double sample;          /* share of the traces that begin here that are exported, 0 to 1 */
    transforms *transforms; /* of this loop; NULL: none can be run */
    auth_loop auth_loop;
    worker_released released;
    void *released_ctx;
    call *active; /* under way */
    call *idle;   /* objects to be used again */
    unsigned idle_count;
    buf scratch;        /* of one function at a time */
    uint64_t random[2]; /* xoroshiro128+: jitter and ids, no secrets */
    bool last_call;     /* all calls were cancelled, since the hub ends: no service is told of it */
    bool closing;
};

/* What a hub's workers share; `executions` must be there. */
typedef struct worker_shared {
    executions *executions;
    cache *cache;
    otlp *otlp;
    double sample;
    worker_released released;
    void *released_ctx;
} worker_shared;

bool worker_init(worker *w, loop *l, unsigned number, const snapshot *s, const worker_shared *shared, err *e);
/* Puts the next snapshot in force, and begins to let go of the connections that it has replaced. */
void worker_swap(worker *w, const snapshot *s, connection *const *retired, size_t count);
/* Cancels the calls of a connection that configuration `generation` brought: what their services are told of
 * it still goes out. NULL: all calls, that too, for good. */
void worker_cancel(worker *w, const connection *c, uint64_t generation);
/* Cancels what is left and frees. The loop runs on until the handles are closed. */
void worker_close(worker *w);

uint64_t worker_random(worker *w);
void worker_leave(worker *w, connection *c); /* a call on it has ended */

#endif
