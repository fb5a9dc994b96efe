/* jwt.h - JSON Web Tokens, minted (RFC 7519, RFC 7515 compact form, RFC 7518 algorithms, RFC 8037 EdDSA). */
#ifndef AUTH_JWT_H
#define AUTH_JWT_H

#include "auth/sign.h"

typedef struct jwt_key jwt_key; /* immutable; any thread */

/* `algorithm`: HS256/384/512, RS256/384/512, PS256/384/512, ES256/384/512, EdDSA. `key`: the secret's bytes
 * for HS (at least as long as the hash: RFC 7518 section 3.2), else a private key in PEM (PKCS#8, PKCS#1 or
 * SEC1; not encrypted) of the kind and curve that the algorithm wants; RSA at least 2048 bits. NULL: *e,
 * without any of the key. */
jwt_key *jwt_key_new(bb_str algorithm, bb_str key, err *e);
void jwt_key_free(jwt_key *k); /* NULL is fine */
bool jwt_algorithm_ok(bb_str algorithm);

/* A signed token over the claims (a JSON object's text), with {"alg","typ":"JWT"} and, where given, "kid" and
 * the members of `more_header` (a JSON object's text). In `a`; absent: no memory or the signature fails. */
bb_str jwt_mint(arena *a, const jwt_key *k, bb_str kid, bb_str more_header, bb_str claims);
/* The compact form (RFC 7515 section 7.1) over a header and a payload that are taken as they are. */
bb_str jwt_sign(arena *a, const jwt_key *k, bb_str header, bb_str payload);

#endif
