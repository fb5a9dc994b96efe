/* pem.h - private keys as admins have them, and signatures with them. Thread: any; a key is shared between
 * threads as long as nothing changes it. */
#ifndef AUTH_PEM_H
#define AUTH_PEM_H

#include "base/arena.h"
#include "base/err.h"

#include <openssl/evp.h>

/* A private key in PEM: PKCS#8, PKCS#1 or SEC1, not encrypted. Never asks for a passphrase. NULL: *e, without
 * any of the key. Owner: the caller. */
EVP_PKEY *pem_private_key(bb_str pem, err *e);
/* The bytes of a signature as OpenSSL gives them (ECDSA: DER), in `a`. `hash`: "SHA256"; NULL for EdDSA.
 * `pss`: RSASSA-PSS with a salt as long as the hash. Absent: no memory, or the key does not fit. */
bb_str pem_sign(arena *a, EVP_PKEY *key, const char *hash, bool pss, bb_str data);

#endif
