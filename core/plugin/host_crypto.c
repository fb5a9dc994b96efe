/* host_crypto.c - extension "busbar.crypto/1" on OpenSSL 3. Algorithms are fetched once: a fetch by name
 * takes a lock that all threads share (and a quarter of the time of a short HMAC). */
#include "plugin/host_crypto.h"

#include "base/str.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static EVP_MD *digests[3];
static EVP_MAC_CTX *macs[3]; /* without a key: each thread has copies, */
static pthread_key_t copies; /* as many; a copy for each use costs as much as a block or ten of SHA-256 */
static const char *const names[3] = {"SHA1", "SHA256", "SHA512"};

static EVP_MAC_CTX *mac_of(EVP_MAC *mac, const char *name) {
    char digest_name[8] = "";
    memcpy(digest_name, name, strlen(name));
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
                           OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *ctx = mac != NULL ? EVP_MAC_CTX_new(mac) : NULL;
    if (ctx != NULL && EVP_MAC_CTX_set_params(ctx, params) != 1) {
        EVP_MAC_CTX_free(ctx);
        ctx = NULL;
    }
    return ctx;
}

static void free_copies(void *arg) {
    EVP_MAC_CTX **own = arg;
    for (int i = 0; i < 3; i++)
        EVP_MAC_CTX_free(own[i]);
    free(own);
}

static void fetch(void) {
    EVP_MAC *mac = pthread_key_create(&copies, free_copies) == 0 ? EVP_MAC_fetch(NULL, "HMAC", NULL) : NULL;
    for (int i = 0; i < 3; i++) {
        digests[i] = EVP_MD_fetch(NULL, names[i], NULL);
        macs[i] = mac_of(mac, names[i]);
    }
    EVP_MAC_free(mac); /* its contexts hold it */
}

static int number_of(bb_hash hash) {
    pthread_once(&once, fetch);
    return hash >= BB_SHA1 && hash <= BB_SHA512 ? (int)hash - 1 : -1;
}

static size_t digest(bb_hash hash, bb_str data, uint8_t *out) {
    int i = number_of(hash);
    unsigned n = 0;
    if (i < 0 || digests[i] == NULL || EVP_Digest(data.ptr, data.len, out, &n, digests[i], NULL) != 1)
        return 0;
    return n;
}

/* The thread's own; NULL: no memory. */
static EVP_MAC_CTX *copy_of(int i) {
    EVP_MAC_CTX **own = pthread_getspecific(copies);
    if (own == NULL &&
        ((own = calloc(3, sizeof(EVP_MAC_CTX *))) == NULL || pthread_setspecific(copies, own) != 0)) {
        free(own);
        return NULL;
    }
    if (own[i] == NULL)
        own[i] = EVP_MAC_CTX_dup(macs[i]);
    return own[i];
}

static size_t hmac(bb_hash hash, bb_str key, bb_str data, uint8_t *out) {
    static const unsigned char empty[1]; /* a NULL key would mean "the one set before" */
    int i = number_of(hash);
    EVP_MAC_CTX *ctx = i >= 0 && macs[i] != NULL ? copy_of(i) : NULL;
    size_t n = 0;
    bool ok = ctx != NULL &&
              EVP_MAC_init(ctx, key.len > 0 ? (const unsigned char *)key.ptr : empty, key.len, NULL) == 1 &&
              EVP_MAC_update(ctx, data.len > 0 ? (const unsigned char *)data.ptr : empty, data.len) == 1 &&
              EVP_MAC_final(ctx, out, &n, BB_HASH_MAX) == 1;
    if (ctx != NULL)
        EVP_MAC_init(ctx, empty, 0, NULL); /* it keeps no secret */
    return ok ? n : 0;
}

/* --- text encodings ---------------------------------------------------------------------------------------
 */

static size_t hex_encode(bb_str bytes, char *out, size_t cap) {
    static const char digits[] = "0123456789abcdef";
    if (bytes.len > cap / 2)
        return SIZE_MAX;
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = (unsigned char)bytes.ptr[i];
        out[2 * i] = digits[c >> 4];
        out[2 * i + 1] = digits[c & 15];
    }
    return bytes.len * 2;
}

static size_t hex_decode(bb_str text, uint8_t *out, size_t cap) {
    if (text.len % 2 != 0 || text.len / 2 > cap)
        return SIZE_MAX;
    for (size_t i = 0; i < text.len / 2; i++) {
        int high = str_hex_digit(text.ptr[2 * i]), low = str_hex_digit(text.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return SIZE_MAX;
        out[i] = (uint8_t)(high << 4 | low);
    }
    return text.len / 2;
}

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url_safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static size_t encode64(bb_str bytes, char *out, size_t cap, const char *alphabet, bool pad) {
    size_t rest = bytes.len % 3, tail = rest == 0 ? 0 : pad ? 4 : rest + 1;
    if (bytes.len / 3 > (SIZE_MAX - 4) / 4 || bytes.len / 3 * 4 + tail > cap)
        return SIZE_MAX;
    size_t n = 0;
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t have = bytes.len - i < 3 ? bytes.len - i : 3;
        uint32_t group = 0;
        for (size_t k = 0; k < 3; k++)
            group = group << 8 | (k < have ? (unsigned char)bytes.ptr[i + k] : 0u);
        for (size_t k = 0; k < 4; k++) {
            if (k <= have)
                out[n++] = alphabet[group >> (18 - 6 * k) & 63];
            else if (pad)
                out[n++] = '=';
        }
    }
    return n;
}

/* Each character's value and one more; 0: it has none. */
typedef struct values64 {
    uint8_t of[256];
} values64;
static values64 standard_values, url_safe_values;
static pthread_once_t values_once = PTHREAD_ONCE_INIT;

static void find_values(void) {
    for (unsigned i = 0; i < 64; i++) {
        standard_values.of[(unsigned char)standard[i]] = (uint8_t)(i + 1);
        url_safe_values.of[(unsigned char)url_safe[i]] = (uint8_t)(i + 1);
    }
}

/* Strict: bits that no byte takes must be zero (RFC 4648 section 3.5). */
static size_t decode64(bb_str text, uint8_t *out, size_t cap, const values64 *values, bool needs_padding) {
    size_t len = text.len;
    pthread_once(&values_once, find_values);
    while (len > 0 && text.len - len < 2 && text.ptr[len - 1] == '=')
        len--;
    bool padded = len < text.len;
    if (((needs_padding || padded) && text.len % 4 != 0) || len % 4 == 1 || len * 3 / 4 > cap)
        return SIZE_MAX;
    uint32_t bits = 0;
    unsigned held = 0;
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned v = values->of[(unsigned char)text.ptr[i]];
        if (v == 0)
            return SIZE_MAX;
        bits = bits << 6 | (v - 1);
        held += 6;
        if (held >= 8) {
            held -= 8;
            out[n++] = (uint8_t)(bits >> held);
            bits &= (1u << held) - 1;
        }
    }
    return bits == 0 ? n : SIZE_MAX;
}

static size_t base64_encode(bb_str bytes, char *out, size_t cap) {
    return encode64(bytes, out, cap, standard, true);
}
static size_t base64_decode(bb_str text, uint8_t *out, size_t cap) {
    return decode64(text, out, cap, &standard_values, true);
}
static size_t base64url_encode(bb_str bytes, char *out, size_t cap) {
    return encode64(bytes, out, cap, url_safe, false);
}
static size_t base64url_decode(bb_str text, uint8_t *out, size_t cap) {
    return decode64(text, out, cap, &url_safe_values, false);
}

/* --- the rest ---------------------------------------------------------------------------------------------
 */

static bb_code random_(void *out, size_t n) {
    while (n > 0) {
        int part = n < 1 << 20 ? (int)n : 1 << 20;
        if (RAND_bytes(out, part) != 1)
            return BB_E_PLUGIN;
        out = (char *)out + part;
        n -= (size_t)part;
    }
    return BB_OK;
}

static int32_t equal(bb_str a, bb_str b) {
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

static int32_t ed25519_verify(bb_str public_key, bb_str data, bb_str signature) {
    if (public_key.len != 32 || signature.len != 64)
        return 0;
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const uint8_t *)public_key.ptr, 32);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool fits = key != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
                EVP_DigestVerify(ctx, (const uint8_t *)signature.ptr, 64, (const uint8_t *)data.ptr,
                                 data.len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    ERR_clear_error(); /* of a signature that does not fit: nobody else's */
    return fits;
}

const bb_crypto_api host_crypto = {
    .size = sizeof(bb_crypto_api),
    .digest = digest,
    .hmac = hmac,
    .hex_encode = hex_encode,
    .hex_decode = hex_decode,
    .base64_encode = base64_encode,
    .base64_decode = base64_decode,
    .base64url_encode = base64url_encode,
    .base64url_decode = base64url_decode,
    .random = random_,
    .equal = equal,
    .ed25519_verify = ed25519_verify,
};
