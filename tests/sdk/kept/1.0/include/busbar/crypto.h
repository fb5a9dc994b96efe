/*
 * busbar/crypto.h - extension "busbar.crypto/1": what signatures and tokens need.
 *
 * Thread: all are [any-thread] and [no-block]. Output goes into buffers the caller owns.
 */
#ifndef BUSBAR_CRYPTO_H
#define BUSBAR_CRYPTO_H

#include <busbar/types.h>

BB_BEGIN_DECLS

typedef int32_t bb_hash;
enum {
    BB_SHA1 = 1,   /* 20 bytes; for services that still ask for it */
    BB_SHA256 = 2, /* 32 bytes */
    BB_SHA512 = 3  /* 64 bytes */
};
#define BB_HASH_MAX 64 /* bytes of the longest */

typedef struct bb_crypto_api {
    uint32_t size; /* sizeof(bb_crypto_api) of the host */
    uint32_t reserved;

    /* The digest, or the HMAC (RFC 2104), of `data`. `out` takes BB_HASH_MAX bytes.
     * Gives the bytes written; 0: no such hash. */
    size_t (*digest)(bb_hash hash, bb_str data, uint8_t *out);
    size_t (*hmac)(bb_hash hash, bb_str key, bb_str data, uint8_t *out);

    /* Text encodings. `out` takes `cap` bytes; no NUL is written. Give the bytes written, or
     * SIZE_MAX where `cap` is too small or (decoding) the text is not of that encoding.
     * base64: RFC 4648 section 4, padded; base64url: section 5, without padding when written, with or without
     * when read; hex: lower case when written, either when read. */
    size_t (*hex_encode)(bb_str bytes, char *out, size_t cap);
    size_t (*hex_decode)(bb_str text, uint8_t *out, size_t cap);
    size_t (*base64_encode)(bb_str bytes, char *out, size_t cap);
    size_t (*base64_decode)(bb_str text, uint8_t *out, size_t cap);
    size_t (*base64url_encode)(bb_str bytes, char *out, size_t cap);
    size_t (*base64url_decode)(bb_str text, uint8_t *out, size_t cap);

    /* `n` bytes fit for keys. BB_OK, or BB_E_PLUGIN where the system gives none. */
    bb_code (*random)(void *out, size_t n);
    /* 1 where both are the same, in a time that depends on their length alone. */
    int32_t (*equal)(bb_str a, bb_str b);
} bb_crypto_api;

BB_END_DECLS

#endif
