/* oauth2_consent.h - consent: somebody lets the hub act at a service, in a browser. And its opposite. */
#ifndef AUTH_OAUTH2_CONSENT_H
#define AUTH_OAUTH2_CONSENT_H

#include "auth/session.h"

/* What was begun. Texts live until the callback returns. */
typedef struct auth_begun {
    problem problem;     /* PROBLEM_NONE, or why nothing was begun */
    bb_str detail;       /* of a problem */
    const char *kind;    /* "authorization_code", "device_code"; "token": nobody needs to consent, and the
                            connection has a new token */
    const char *id;      /* of the consent, as auth_session_write_state shows it; NULL: none is needed */
    bb_str url;          /* to be opened in a browser */
    bb_str user_code;    /* device_code: to be entered there */
    bb_str complete_url; /* device_code: with the code in it; absent: there is none */
    uint64_t expires_in_s;
} auth_begun;
typedef void (*auth_begun_done)(const auth_begun *begun, void *ctx);

/* Begins a consent, or has a token got at once where none is needed. `done` is called once on this loop,
 * perhaps before this returns. [loop] */
void auth_consent_begin(const auth *a, const auth_loop *l, auth_begun_done done, void *ctx);

/* What the service sent the browser back with. */
typedef struct auth_callback {
    bb_str state, code, iss, error, error_description; /* absent: not there */
} auth_callback;
/* `connection` is "" where the state belongs to none. */
typedef void (*auth_callback_done)(bool ok, const char *connection, const char *text, void *ctx);
void auth_consent_callback(auth_runtime *r, const auth_loop *l, const auth_callback *c,
                           auth_callback_done done, void *ctx);

/* Forgets the tokens here, in the store too, and has the service revoke them (RFC 7009). `for_good`: the
 * connection goes, and calls that still run put nothing into the store. `done` (may be NULL) is called once,
 * on that loop, or from within where there is nothing to ask for; `text` says what came of it. [main] */
typedef void (*auth_revoked)(bool ok, const char *text, void *ctx);
void auth_revoke(const auth *a, unsigned loop_number, bool for_good, auth_revoked done, void *ctx);

#endif
