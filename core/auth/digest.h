/* digest.h - HTTP Digest (RFC 7616): MD5, SHA-256, SHA-512-256, and their -sess forms; qop auth and auth-int,
 * and none (RFC 2069). */
#ifndef AUTH_DIGEST_H
#define AUTH_DIGEST_H

#include "auth/sign.h"

typedef struct digest_challenge {
    bb_str realm, nonce, opaque, algorithm, qop; /* in the arena given */
    bool stale, userhash;
} digest_challenge;

/* The strongest Digest challenge of a WWW-Authenticate field's value (which may hold several, of several
 * schemes). False: there is none that this hub can answer. */
bool digest_challenge_read(arena *a, bb_str www_authenticate, digest_challenge *out);
/* `count`: how often this nonce was answered, from 1. */
bool digest_sign(arena *a, const digest_challenge *c, bb_str username, bb_str password, uint32_t count,
                 const sign_request *r, sign_addition *out);
/* The same with a client nonce of the caller's. */
bool digest_sign_with(arena *a, const digest_challenge *c, bb_str username, bb_str password, uint32_t count,
                      bb_str cnonce, const sign_request *r, sign_addition *out);

#endif
