/* ticket.h - credentials for one request of a call: got, perhaps after waiting; put into the request; and, on
 * a 401, got anew once.
 *
 *     ticket.auth = &conn->auth; ... ; switch (auth_ticket_get(&ticket)) { READY: auth_ticket_sign(...) ... }
 *
 * A ticket is part of a call and belongs to the call's loop. What several calls share (the token of a
 * connection, its refresh under way) is behind it, in the connection's session. */
#ifndef AUTH_TICKET_H
#define AUTH_TICKET_H

#include "auth/auth.h"
#include "auth/sign.h"
#include "base/problem.h"
#include "http/client.h"

/* What one loop lends to the schemes that make requests of their own. */
typedef struct auth_loop {
    loop *loop;
    http_client *client;
} auth_loop;

typedef enum { AUTH_READY, AUTH_WAIT, AUTH_FAILED } auth_state;

typedef struct auth_ticket {
    /* set by the call; zero the rest */
    const auth *auth;
    const auth_loop *loop;
    arena *memory;        /* of the call */
    uint64_t deadline_ns; /* CLOCK_MONOTONIC */
    void (*woken)(struct auth_ticket *t,
                  void *ctx); /* after AUTH_WAIT, on the loop: `state` is READY or FAILED */
    void *ctx;
    /* the outcome */
    auth_state state;
    problem problem; /* AUTH_FAILED: and a sentence for people, without secrets */
    bb_str detail;
    bool retryable;
    bb_str token;           /* a copy in `memory`; absent: the scheme has none */
    bb_str origin;          /* where the token is good, in place of base_url's; absent: there */
    uint64_t version;       /* of the token: tells a later one from this */
    unsigned renewals;      /* how often auth_ticket_rejected said yes */
    struct auth_wait *wait; /* while waiting */
} auth_ticket;

/* At once for schemes without a token, and while the token is good. AUTH_WAIT: `woken` will be called, unless
 * cancelled. */
auth_state auth_ticket_get(auth_ticket *t);
void auth_ticket_cancel(auth_ticket *t); /* waits no more; fine in any state */

/* What goes into the request now: credentials fields and query. Last: nothing changes the request after it.
 */
bool auth_ticket_sign(auth_ticket *t, const sign_request *r, sign_addition *out, err *e);
/* Names of header fields that the scheme will set ("Authorization"), so that the connector's own give way.
 * Ends with NULL. */
const char *const *auth_ticket_fields(const auth *a);

/* The service answered 401 (or as the scheme tells a refused token). True: get the ticket again and repeat
 * the request; at most once a call, whatever the scheme. The answer's header may hold a challenge (digest).
 */
bool auth_ticket_rejected(auth_ticket *t, const http_answer *answer);

/* The text without secrets: those of the configuration, and of the token in hand. */
bb_str auth_ticket_redact(const auth_ticket *t, arena *a, bb_str text);

#endif
