/* signing.h - signatures of what is posted: Standard Webhooks (standardwebhooks.com) v1 (HMAC-SHA256) and v1a
 * (Ed25519), and the older form of a hex HMAC of the body.
 *
 * A subscription has one secret or several: each signs, so that a receiver can change from one to another
 * at any time while both are there. Thread: any; keys are not changed once read. */
#ifndef WEBHOOK_SIGNING_H
#define WEBHOOK_SIGNING_H

#include "base/buf.h"
#include "base/err.h"

typedef struct signing_keys signing_keys;

#define SIGNING_KEYS_MAX 8

/* One secret a line, the current one first; blanks around and empty lines are passed over:
 *   whsec_BASE64   the key of an HMAC, 16 to 64 bytes (the specification asks for 24 to 64)
 *   whsk_BASE64    an Ed25519 private key: a seed of 32 bytes, or the seed and the public key (64)
 *   other text     an HMAC's key, its bytes as they are
 * Owner: the caller. NULL: *e, which holds nothing of the secret. */
signing_keys *signing_keys_read(bb_str text, err *e);
void signing_keys_free(signing_keys *k); /* wipes; NULL is fine */

/* Adds the value of Webhook-Signature, "v1,BASE64 v1a,BASE64", for `content`, which is "ID.SECONDS.BODY".
 * False: no memory, or OpenSSL refuses. */
bool signing_standard(const signing_keys *k, bb_str content, buf *out);
/* Adds "sha256=HEX" of the body for each HMAC key, with commas between. False: as above, or there is none. */
bool signing_legacy(const signing_keys *k, bb_str body, buf *out);

/* Whether one is an HMAC's, and one a pair's. */
bool signing_has_hmac(const signing_keys *k);
bool signing_has_pair(const signing_keys *k);

/* A new secret: "whsec_" and 32 random bytes; or a pair for v1a: "whsk_" and "whpk_", which verifies. */
bool signing_generate(buf *secret, err *e);
bool signing_generate_pair(buf *secret, buf *public_key, err *e);
/* Adds the public keys ("whpk_BASE64") of the Ed25519 ones, one a line: what receivers verify v1a by. */
void signing_public_keys(const signing_keys *k, buf *out);

#endif
