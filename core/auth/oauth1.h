/* oauth1.h - OAuth 1.0 request signatures (RFC 5849). */
#ifndef AUTH_OAUTH1_H
#define AUTH_OAUTH1_H

#include "auth/sign.h"

typedef struct oauth1_key oauth1_key; /* for RSA-SHA1, RSA-SHA256; immutable */

typedef struct oauth1_credentials {
    bb_str consumer_key, consumer_secret, token, token_secret,
        realm;     /* token, its secret and realm may be absent */
    bb_str method; /* HMAC-SHA1, HMAC-SHA256, RSA-SHA1, RSA-SHA256, PLAINTEXT */
    const oauth1_key *key;
} oauth1_credentials;

oauth1_key *oauth1_key_new(bb_str pem, err *e);
void oauth1_key_free(oauth1_key *k);

/* Adds Authorization: OAuth ...; form bodies (application/x-www-form-urlencoded) take part in the signature,
 * section 3.4.1.3. False: no memory, or a URL that cannot be taken apart. */
bool oauth1_sign(arena *a, const oauth1_credentials *c, const sign_request *r, sign_addition *out);

/* The same with a nonce and a time (seconds since 1970) of the caller's. */
bool oauth1_sign_at(arena *a, const oauth1_credentials *c, const sign_request *r, bb_str nonce,
                    uint64_t seconds, sign_addition *out);
/* The text that is signed (section 3.4.1.1), over the protocol parameters given, in plain bytes. Absent: no
 * memory, or a URL that cannot be taken apart. */
bb_str oauth1_base_string(arena *a, const sign_request *r, const str_pair *protocol, size_t count);

#endif
