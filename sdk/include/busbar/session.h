/*
 * busbar/session.h - extension "busbar.session/1": operations that run on a session of the connector's own.
 *
 * For services that are reached by a client library, not by HTTP requests: a database driver, a broker.
 * The connector says how a session is opened, checked and closed and what an operation does on one; the host
 * has the rest: a pool of sessions per connection with a size, an idle time and a lifetime, the threads, the
 * line of calls that wait, deadline and cancel.
 *
 * The operation itself is declared in bb_plugin.operations as any other, with `bb_session_start` as its
 * `start`; bb_session_extension.operations adds by its id what runs in its place:
 *
 *     static bb_step query(bb_call *call, bb_session *session) {
 *         struct link *link = session->handle;
 *         ...
 *         return bb_done_text(call, rows);
 *     }
 *
 * The connector lists its bb_session_extension under the id (BUSBAR_PLUGIN_WITH), and calls
 * host->get_extension by the same id to get a bb_session_api (bb_session_host does). A host that does not
 * know the extension runs `bb_session_start`, which fails with BB_E_UNSUPPORTED.
 *
 * A session has a thread of its own, from `open` to `close`: one function at a time, always on that thread.
 * Sessions of one connection run beside each other, and share what `instance` points to. They live over a
 * reload that leaves their connection as it is; `destroy` is called after the last of them is closed.
 *
 * Thread: [worker] the session's own. May block; should come back when the time is over or `interrupt` was
 *                  called. One that does not keeps its thread and its session; the caller is answered.
 *         [init], [step] as in plugin.h. [any-thread] beside whatever else runs.
 */
#ifndef BUSBAR_SESSION_H
#define BUSBAR_SESSION_H

#include <busbar/plugin.h>
#include <string.h>

BB_BEGIN_DECLS

#define BB_EXT_SESSION "busbar.session/1"

/* One session, as the connector's functions see it. Owner: the host, from before `open` until after `close`.
 */
typedef struct bb_session {
    uint32_t size; /* sizeof(bb_session) of the host */
    uint32_t reserved;
    const bb_host *host;
    const char *connection;  /* id of the connection */
    const bb_json *settings; /* the connection's: an object, checked, defaults filled in */
    void *instance;          /* what `create` gave, or NULL */
    void *handle;            /* the connector's own: `open` sets it; NULL before */
} bb_session;

/* --- what the connector declares: static, const ------------------------------------------------- */

/* What one operation of bb_plugin.operations does on a session. */
typedef struct bb_session_operation {
    uint32_t size;         /* sizeof(bb_session_operation) */
    uint32_t flags;        /* 0 */
    const char *operation; /* its id */
    /* Turns call->input into an output (BB_DONE) or an error (BB_FAIL). All of the call's host functions
     * work but those of bb_http_api: there is no request to describe and no answer to read. A failure leaves
     * the session good, unless bb_session_api.broken was called. [worker] */
    bb_step (*run)(bb_call *call, bb_session *session);
} bb_session_operation;

/* What the connector declares under BB_EXT_SESSION. */
typedef struct bb_session_extension {
    uint32_t size;  /* sizeof(bb_session_extension) */
    uint32_t flags; /* 0 */
    /* Defaults of the connection's [session] section, each 0 for the host's. */
    uint32_t sessions;    /* open at once, at most 256; host's: 4 */
    uint32_t idle_ms;     /* an unused session is closed after so long; host's: 60 s */
    uint32_t lifetime_ms; /* a session is not used again after so long; host's: unlimited */
    uint32_t health_ms;   /* a session unused for so long is checked before it is used; host's: 5 s */
    /* Opens one: logs in, and sets session->handle. BB_OK, or the code of what went wrong, with the text
     * given by bb_session_api.fail; then nothing is left behind, since `close` is not called. Bounded by
     * bb_session_api.time_left_ms. [worker] */
    bb_code (*open)(bb_session *session);
    /* Optional: whether an idle session still is good, by the cheapest question there is. Not BB_OK: it is
     * closed, and another one opened in its place. [worker] */
    bb_code (*check)(bb_session *session);
    /* Frees what `open` made. Never fails, should not wait for the service. [worker] */
    void (*close)(bb_session *session);
    /* Optional: makes `run` or `check`, which is under way on the session's thread right now, come back soon:
     * the time is over, or nobody waits any more. The host sees to it that the session is neither closed nor
     * used for another call meanwhile. Without it they look at bb_call_api.cancelled and time_left_ms.
     * [any-thread] [no-block] */
    void (*interrupt)(bb_session *session);
    const bb_session_operation *const *operations; /* ends with NULL; at least one */
} bb_session_extension;

/* --- what the host offers ----------------------------------------------------------------------- */

/* Within the session's functions. */
typedef struct bb_session_api {
    uint32_t size; /* sizeof(bb_session_api) of the host */
    uint32_t reserved;
    /* In open and check: says what is wrong. The texts are copied. The function then returns error->code.
     * [worker] */
    void (*fail)(bb_session *session, const bb_error *error);
    /* The value of a field of the connection's [auth] section, for a driver that logs in by itself:
     * "username" and "password" of the scheme basic, "token" of bearer, "key" of api_key. A NUL follows it.
     * Absent: the scheme has no such field, or it is not filled in. Owner: the host, until `close` has
     * returned, then it is overwritten: keep no copy. [worker] */
    bb_str (*credential)(bb_session *session, const char *name);
    /* In run: the session is not to be used again, and is closed after `run` has returned. `acted` 0: the
     * service cannot have acted on this call, as when the connection was found closed before anything was
     * sent; the host may then run it again on another session, whatever it does. [worker] */
    void (*broken)(bb_session *session, int32_t acted);
    /* 1 once nobody waits for what is under way: the caller has gone, the connection is being retired, or the
     * time is over. [any-thread] */
    int32_t (*cancelled)(const bb_session *session);
    /* Milliseconds left for what is under way; 0 when they have passed. [any-thread] */
    int64_t (*time_left_ms)(const bb_session *session);
} bb_session_api;

/* --- short names -------------------------------------------------------------------------------- */

/* The `start` of every session operation: what a host without sessions answers. [step] */
static inline bb_step bb_session_start(bb_call *call) {
    static const char text[] = "this host has no sessions (busbar.session/1), which the operation needs";
    bb_error error;
    memset(&error, 0, sizeof error);
    error.size = (uint32_t)sizeof error;
    error.code = BB_E_UNSUPPORTED;
    error.message.ptr = text;
    error.message.len = sizeof text - 1;
    error.retry = BB_RETRY_NO;
    call->host->call->fail(call, &error);
    return BB_FAIL;
}

static inline const bb_session_api *bb_session_host(const bb_session *session) {
    return (const bb_session_api *)session->host->get_extension(session->host, BB_EXT_SESSION);
}

/* How open or check ends badly: return bb_session_fail(session, BB_E_UPSTREAM_UNAVAILABLE, text); `message`
 * is a C string. */
static inline bb_code bb_session_fail(bb_session *session, bb_code code, const char *message) {
    bb_error error;
    memset(&error, 0, sizeof error);
    error.size = (uint32_t)sizeof error;
    error.code = code;
    error.message.ptr = message;
    error.message.len = message != NULL ? strlen(message) : 0;
    bb_session_host(session)->fail(session, &error);
    return code;
}
static inline bb_str bb_session_credential(bb_session *session, const char *name) {
    return bb_session_host(session)->credential(session, name);
}
static inline void bb_session_broken(bb_session *session, int32_t acted) {
    bb_session_host(session)->broken(session, acted);
}
static inline int32_t bb_session_cancelled(const bb_session *session) {
    return bb_session_host(session)->cancelled(session);
}
static inline int64_t bb_session_time_left_ms(const bb_session *session) {
    return bb_session_host(session)->time_left_ms(session);
}

BB_END_DECLS

#endif
