/* host_session.h - extension "busbar.session/1": a connector's sessions, checked and their functions run.
 *
 * A plugin_session is used by one thread at a time, but for what is atomic, and `interrupt`. */
#ifndef PLUGIN_HOST_SESSION_H
#define PLUGIN_HOST_SESSION_H

#include "plugin/call.h"
#include "plugin/module.h"

#include <busbar/session.h>

#define PLUGIN_SESSIONS_MAX 256

/* What session->handle was got with, and what the connector's functions have said of it. */
typedef struct plugin_session {
    bb_session abi; /* first: the connector's bb_session pointer is a plugin_session pointer */
    const bb_session_extension *ext;
    const struct mark_build *build; /* for marks, as is: */
    const char *marked;             /* the connection's id, which lives as long as the process */
    const str_pair *credentials;    /* fields of [auth], each value with a NUL behind */
    size_t credential_count;
    enum { SESSION_AT_REST, SESSION_OPENING, SESSION_CHECKING, SESSION_RUNNING, SESSION_CLOSING } doing;
    plugin_call *call;  /* while `run` is under way */
    plugin_error error; /* of open and check; its texts are in the two below */
    char message[1024], upstream_code[128];
    bool broken, acted;            /* as `run` said: not to be used again; the service may have acted */
    _Atomic(int) cancelled;        /* nobody waits for what is under way */
    _Atomic(uint64_t) deadline_ns; /* of what is under way: CLOCK_MONOTONIC; 0: none */
} plugin_session;

/* Ready to be opened. What it points to stays the caller's. */
void plugin_session_init(plugin_session *s, const plugin_module *m, const bb_connection *connection,
                         void *instance);
/* False: s->error says why. */
bool plugin_session_open(plugin_session *s);
bool plugin_session_check(plugin_session *s);
void plugin_session_close(plugin_session *s);
/* On any thread, while `run` or `check` is under way. Of a connector with `interrupt`. */
void plugin_session_interrupt(plugin_session *s);
/* Runs the operation. PLUGIN_DONE: c->output is a JSON text; PLUGIN_FAILED: c->error. The caller has set
 * c->abi. */
plugin_outcome plugin_session_run(plugin_session *s, plugin_call *c, const bb_session_operation *op);

/* Checks what a connector's get_extension gives against its operations, which are in `m`, and ties the two
 * together: m->sessions (NULL: it has none) and plugin_op.session. False: *e says what is wrong. */
bool host_session_admit(plugin_module *m, err *e);

extern const bb_session_api host_session;

#endif
