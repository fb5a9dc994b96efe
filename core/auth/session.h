/* session.h - what the calls of a connection share of their credentials: the token in hand, its renewal under
 * way, the last failure. And the runtime: what the sessions of a process share.
 *
 * A session belongs to a connection's id and to what its tokens are for (client, endpoint, scope, ...). It
 * lives on over reloads; where other settings change, it goes on with the newest ones that were used. */
#ifndef AUTH_SESSION_H
#define AUTH_SESSION_H

#include "auth/ticket.h"
#include "secret/secret.h"
#include "store/store.h"

typedef struct auth_runtime auth_runtime;
typedef struct auth_session auth_session;

typedef struct auth_runtime_options {
    store *store;     /* NULL: tokens live in memory only */
    secrets *secrets; /* seals what goes into the store; NULL only without one */
    bool read_only;   /* another process owns the store: what it keeps is used, and nothing put into it */
    unsigned loops;
} auth_runtime_options;

auth_runtime *auth_runtime_new(const auth_runtime_options *o); /* NULL: no memory [main] */
/* What is there only later: the URL that browsers reach the hub by ("http://127.0.0.1:8420"), and the loops,
 * as many as in the options. Copied. False: no memory. [main], before the loops run */
bool auth_runtime_serve(auth_runtime *r, const char *public_url, const auth_loop *loops);
/* After a reload: what failed before is tried again. [main] */
void auth_runtime_reloaded(auth_runtime *r);
/* Now and then: tokens that the store did not take are put into it once it is well. [main] */
void auth_runtime_store_again(auth_runtime *r);
/* Before a loop's client goes: what waits there on a timer ends. [loop] */
void auth_runtime_close_loop(auth_runtime *r, const loop *l);
/* All loops have ended, the store is closed, all connections are freed. NULL is fine. [main] */
void auth_runtime_free(auth_runtime *r);

/* Gives a compiled auth its session: the one there is, or a new one with what the store has kept. `target` is
 * copied. True without doing anything for schemes that share nothing. [main] */
bool auth_attach(auth_runtime *r, bb_str connection, bb_str base_url, const http_target *target, auth *a,
                 err *e);
void auth_session_unref(auth_session *s); /* NULL is fine [any-thread] */

/* {"scheme", "state": "none|valid|expiring|needs_consent|failed", "expires_at", "last_error", "advice",
 * "consent": {...}}: never a token. [any-thread] */
void auth_session_write_state(const auth *a, json_writer *w);
/* Changes when somebody gives consent anew, or the tokens are taken back: what was got before may have been
 * another account's. [any-thread] */
uint64_t auth_session_epoch(const auth *a);
/* One word of it, for lists; "none" for schemes without tokens. */
const char *auth_session_state(const auth *a);

#endif
