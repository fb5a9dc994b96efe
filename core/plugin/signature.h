/* signature.h - a connector's detached signature, PLUGIN.so.sig: who vouches for which file, as which
 * connector, since when.
 *
 * A text of seven lines, in this order, each ended by a line feed and nothing else in it:
 *
 *     busbar-signature: 1
 *     key: 0123456789abcdef
 *     plugin: ID
 *     sha256: 64 HEXADECIMAL DIGITS OF THE CONNECTOR'S FILE
 *     size: ITS BYTES
 *     signed-at: 2026-01-31T12:00:00.000Z
 *     signature: 88 CHARACTERS OF BASE64
 *
 * Ed25519 (RFC 8032) over the first six lines as they stand: none of them can be changed, and the signature
 * moved to no other file or connector. The key is named by the first 16 hexadecimal digits of the SHA-256 of
 * its SubjectPublicKeyInfo (`openssl pkey -pubin -outform DER | sha256sum`): a hint to which key to try,
 * never what is trusted. Thread: any. */
#ifndef PLUGIN_SIGNATURE_H
#define PLUGIN_SIGNATURE_H

#include "base/buf.h"
#include "base/err.h"

#define SIGNATURE_TEXT_MAX 1024u
#define SIGNATURE_SUFFIX ".sig"

typedef struct signature {
    char key[17], plugin[65], sha256[65];
    uint64_t size, at_ms;
    uint8_t bytes[64];
    bb_str covered; /* what is signed: the beginning of the text that was read */
} signature;

/* A public key. */
typedef struct signature_key {
    char id[17];
    const char *name; /* of its file, without .pem: the signer */
    uint8_t bytes[32];
} signature_key;

/* Strictly. `out->covered` lies within `text`. */
bool signature_read(bb_str text, signature *out, err *e);
bool signature_verify(const signature *s, const signature_key *key);

/* An Ed25519 public key in PEM. `name` is left alone. */
bool signature_key_read(bb_str pem, signature_key *out, err *e);
/* From its 32 bytes, as signature_key.bytes has them. */
bool signature_key_of(const uint8_t bytes[32], signature_key *out);

/* A new pair: the private key as PKCS#8, encrypted where a passphrase is given (absent: not). Wipe it. */
bool signature_key_make(bb_str passphrase, buf *private_pem, buf *public_pem, err *e);

/* The text of a signature, without `bytes` and `key`, which come from the private key. The passphrase may be
 * absent where the key is not encrypted. */
bool signature_make(const signature *about, bb_str private_pem, bb_str passphrase, buf *out, err *e);

#endif
