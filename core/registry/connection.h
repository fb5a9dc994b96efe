/* Room registry: what is plugged in: connectors, connections, and how one configuration becomes the next. It
 * includes auth, plugin, conf, http's target, observe, json and base; pipeline, api and hub include it. */

/* connection.h - one configured connection, ready to be called. Immutable but for its counters.
 *
 * Made and destroyed by the main thread. A call pins it on its loop by `connection_enter`; a connection that
 * has been replaced is destroyed once every loop has let go of it. */
#ifndef REGISTRY_CONNECTION_H
#define REGISTRY_CONNECTION_H

#include "auth/auth.h"
#include "http/client.h"
#include "isolate/isolate.h"
#include "limit/quota.h"
#include "limit/upstream.h"
#include "observe/alerts.h"
#include "plugin/instance.h"
#include "plugin/origin.h"
#include "registry/policies.h"
#include "session/session.h"

#include <stdatomic.h>

/* How a failed request is repeated. */
typedef struct retry_policy {
    uint32_t attempts;        /* requests in all, 1 to 10 */
    uint64_t base_ms, max_ms; /* full jitter: a random time up to base * 2^n, at most max */
    uint64_t retry_after_ms;  /* a longer Retry-After ends the call instead */
    uint32_t budget_percent;  /* repeats in a hundred calls, beyond a reserve of 10 */
} retry_policy;

/* What outlives a change of the connection's settings: counted by reference [main]; its counters by all
 * loops. */
typedef struct connection_stats {
    _Atomic(uint64_t) calls, failures;
    _Atomic(uint64_t) faults;                           /* failures that are not the caller's own */
    _Atomic(uint64_t) durations[ALERT_BOUNDS + 1];      /* calls by duration, each in one bucket */
    _Atomic(uint64_t) last_success_ms, last_failure_ms; /* wall clock; 0: never */
    _Atomic(uint32_t) failing;                          /* failures since the last success */
    _Atomic(int) last_problem;
    _Atomic(int64_t) retry_tokens; /* of the retry budget: 100 pay for one repeat */
    unsigned refs;
} connection_stats;

/* One loop's hold on a connection. */
typedef struct connection_hold {
    ledger_share share; /* written by the loop alone */
    bool retiring;      /* tell the main thread when no call is under way any more; the loop's own */
} connection_hold;

typedef struct connection {
    bb_str id, name;
    const char *file;
    plugin_module *module; /* the instance holds the reference */
    plugin_instance instance;
    auth auth;
    const bb_str *secret_settings; /* values of settings that the schema marks writeOnly: shown nowhere */
    size_t secret_setting_count;
    bb_str base_url;        /* without a slash at its end */
    plugin_origins origins; /* that get credentials beside its */
    retry_policy retry;
    policies policies;
    http_target target;
    uint64_t timeout_ms;
    bool isolate; /* its connector runs in a process of its own */
    isolate_limits isolation;
    isolated *isolated; /* that process; NULL: none. It then holds the module's reference */
    session_policy session_policy;
    session_pool *sessions;   /* of a connector with session operations; else NULL */
    char upstream_key[65];    /* tells credential and host */
    upstream *upstream;       /* shared by all connections of that key; referenced */
    upstream_book *upstreams; /* its book */
    quotas *quotas;           /* the book's; NULL: no quota is configured */
    char fingerprint[65];     /* of all that was configured, values put in: same means unchanged */
    bb_str
        conf_json; /* as written, for the API: {"connection":{...},"settings":{...},...}; secrets replaced */
    uint64_t generation; /* the configuration's number that brought it */
    connection_stats *stats;
    arena *memory;
    connection_hold *holds; /* one a loop */
    unsigned loops;
    /* [main] from here */
    unsigned loops_left; /* that have not let go, once it is retired */
    uint64_t retired_ms; /* loop time; 0: in use */
    bool cancelled, zombie;
    bool sessions_ending; /* all loops have let go: its sessions are being closed */
    struct connection *next_retired;
} connection;

/* Under way on that loop. */
static inline uint64_t connection_calls(const connection *c, unsigned loop_number) {
    return atomic_load_explicit(&c->holds[loop_number].share.calls, memory_order_relaxed);
}
/* [loop] */
static inline void connection_enter(connection *c, unsigned loop_number) {
    ledger_add(&c->holds[loop_number].share.calls, 1);
}
/* True: this was the last call of a retiring connection: tell the main thread. [loop] */
static inline bool connection_leave(connection *c, unsigned loop_number) {
    ledger_take(&c->holds[loop_number].share.calls, 1);
    return connection_calls(c, loop_number) == 0 && c->holds[loop_number].retiring;
}

/* Calls `destroy` of the connector and frees all. One whose sessions have not ended (session_pool_retire) is
 * left as it is. [main] */
void connection_free(connection *c);
/* How many were left so: the process then ends without the ceremonies that their threads would stumble over.
 */
unsigned connections_left_behind(void);

/* What the connection holds now: of all loops, and its instance. [any-thread] */
typedef struct connection_ledger {
    uint64_t calls, call_bytes, waits, transfers, writers;
    uint64_t memory_bytes, memory_blocks, memory_limit;
    uint64_t sessions; /* open */
} connection_ledger;
void connection_held(const connection *c, connection_ledger *out);

connection_stats *connection_stats_new(void);
void connection_stats_unref(connection_stats *s);

#endif
