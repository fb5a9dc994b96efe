#include "webhook/signing.h"

#include "plugin/host_crypto.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>

#define KEY_MAX 512     /* bytes of an HMAC's key */
#define ED25519_SEED 32 /* RFC 8032 section 5.1.5 */
#define ED25519_SIGNATURE 64

typedef struct signing_key {
    EVP_PKEY *pair;  /* Ed25519; NULL: it is an HMAC's */
    size_t len;      /* of `bytes` */
    uint8_t bytes[]; /* the HMAC's key */
} signing_key;

struct signing_keys {
    signing_key *keys[SIGNING_KEYS_MAX];
    size_t count;
};

/* --- reading ---------------------------------------------------------------------------------------- */

static signing_key *key_new(const uint8_t *bytes, size_t len, err *e) {
    signing_key *k = calloc(1, sizeof *k + len);
    if (k == NULL) {
        err_set(e, "no memory");
        return NULL;
    }
    k->len = len;
    memcpy(k->bytes, bytes, len);
    return k;
}

static signing_key *read_hmac(bb_str text, err *e) {
    uint8_t bytes[64];
    size_t n = host_crypto.base64_decode(text, bytes, sizeof bytes);
    signing_key *k = NULL;
    if (n == SIZE_MAX)
        err_set(e, "behind \"whsec_\" the secret is base64 of at most 64 bytes (RFC 4648 section 4, padded)");
    else if (n < 16)
        err_set(e, "behind \"whsec_\" the secret is base64 of at least 16 bytes, better of 32");
    else
        k = key_new(bytes, n, e);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return k;
}

/* With the public key behind the seed, it must be that seed's: else signatures would fit neither. */
static EVP_PKEY *pair_of(const uint8_t *bytes, size_t n) {
    uint8_t public_key[32];
    size_t len = sizeof public_key;
    EVP_PKEY *pair = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, bytes, ED25519_SEED);
    if (pair != NULL && n > ED25519_SEED &&
        (EVP_PKEY_get_raw_public_key(pair, public_key, &len) != 1 ||
         memcmp(public_key, bytes + ED25519_SEED, sizeof public_key) != 0)) {
        EVP_PKEY_free(pair);
        pair = NULL;
    }
    ERR_clear_error();
    return pair;
}

static signing_key *read_pair(bb_str text, err *e) {
    uint8_t bytes[64];
    size_t n = host_crypto.base64_decode(text, bytes, sizeof bytes);
    EVP_PKEY *pair = n == ED25519_SEED || n == sizeof bytes ? pair_of(bytes, n) : NULL;
    OPENSSL_cleanse(bytes, sizeof bytes);
    signing_key *k = NULL;
    if (pair == NULL)
        err_set(e,
                "behind \"whsk_\" the key is base64 of 32 bytes, an Ed25519 seed, or of 64, the seed and its "
                "public key");
    else
        k = key_new((const uint8_t *)"", 0, e);
    if (k != NULL)
        k->pair = pair;
    else
        EVP_PKEY_free(pair);
    return k;
}

static signing_key *read_key(bb_str line, err *e) {
    if (str_starts(line, STR("whsec_")))
        return read_hmac(str_of(line.ptr + 6, line.len - 6), e);
    if (str_starts(line, STR("whsk_")))
        return read_pair(str_of(line.ptr + 5, line.len - 5), e);
    if (str_starts(line, STR("whpk_"))) {
        err_set(e, "a \"whpk_\" key is public and verifies: signing takes the \"whsk_\" key of the pair");
        return NULL;
    }
    if (line.len > KEY_MAX) {
        err_set(e, "the secret is longer than %d bytes", KEY_MAX);
        return NULL;
    }
    return key_new((const uint8_t *)line.ptr, line.len, e);
}

static bool read_lines(signing_keys *k, bb_str text, err *e) {
    for (bb_str line; str_split(&text, '\n', &line);) {
        while (line.len > 0 && line.ptr[line.len - 1] == '\r')
            line.len--;
        line = str_trim(line);
        if (line.len == 0)
            continue;
        if (k->count == SIGNING_KEYS_MAX)
            return err_set(e, "there are more than %d secrets: remove those that no receiver uses any more",
                           SIGNING_KEYS_MAX);
        signing_key *key = read_key(line, e);
        if (key == NULL)
            return false;
        k->keys[k->count++] = key;
    }
    return k->count > 0 || err_set(e, "the secret is empty");
}

signing_keys *signing_keys_read(bb_str text, err *e) {
    signing_keys *k = calloc(1, sizeof *k);
    if (k == NULL) {
        err_set(e, "no memory");
        return NULL;
    }
    if (read_lines(k, text, e))
        return k;
    signing_keys_free(k);
    return NULL;
}

void signing_keys_free(signing_keys *k) {
    for (size_t i = 0; k != NULL && i < k->count; i++) {
        EVP_PKEY_free(k->keys[i]->pair);
        OPENSSL_cleanse(k->keys[i]->bytes, k->keys[i]->len);
        free(k->keys[i]);
    }
    free(k);
}

/* --- signing ------------------------------------------------------------------------------------------ */

static bb_str key_bytes(const signing_key *k) {
    return str_of(k->bytes, k->len);
}

static bool sign_pair(const signing_key *k, bb_str content, uint8_t out[ED25519_SIGNATURE]) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t n = ED25519_SIGNATURE;
    bool ok = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pair) == 1 &&
              EVP_DigestSign(ctx, out, &n, (const uint8_t *)content.ptr, content.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok && n == ED25519_SIGNATURE;
}

static bool add_base64(buf *out, const uint8_t *bytes, size_t n) {
    if (!buf_reserve(out, 4 * (n / 3 + 1)))
        return false;
    out->len += host_crypto.base64_encode(str_of(bytes, n), out->ptr + out->len, out->cap - out->len);
    return true;
}

bool signing_standard(const signing_keys *k, bb_str content, buf *out) {
    uint8_t bytes[BB_HASH_MAX];
    for (size_t i = 0; i < k->count; i++) {
        const signing_key *key = k->keys[i];
        size_t n = key->pair == NULL ? host_crypto.hmac(BB_SHA256, key_bytes(key), content, bytes)
                   : sign_pair(key, content, bytes) ? ED25519_SIGNATURE
                                                    : 0;
        if (i > 0)
            buf_char(out, ' ');
        buf_str_add(out, key->pair == NULL ? STR("v1,") : STR("v1a,"));
        if (n == 0 || !add_base64(out, bytes, n))
            return false;
    }
    return !out->failed;
}

bool signing_legacy(const signing_keys *k, bb_str body, buf *out) {
    uint8_t bytes[BB_HASH_MAX];
    bool any = false;
    for (size_t i = 0; i < k->count; i++) {
        if (k->keys[i]->pair != NULL)
            continue;
        size_t n = host_crypto.hmac(BB_SHA256, key_bytes(k->keys[i]), body, bytes);
        if (n == 0 || !buf_reserve(out, 2 * n + 16))
            return false;
        buf_str_add(out, any ? STR(",sha256=") : STR("sha256="));
        out->len += host_crypto.hex_encode(str_of(bytes, n), out->ptr + out->len, out->cap - out->len);
        any = true;
    }
    return any && !out->failed;
}

static bool has(const signing_keys *k, bool pair) {
    for (size_t i = 0; i < k->count; i++)
        if ((k->keys[i]->pair != NULL) == pair)
            return true;
    return false;
}

bool signing_has_hmac(const signing_keys *k) {
    return has(k, false);
}

bool signing_has_pair(const signing_keys *k) {
    return has(k, true);
}

/* --- new ones ------------------------------------------------------------------------------------------ */

bool signing_generate(buf *secret, err *e) {
    uint8_t bytes[32];
    bool ok = host_crypto.random(bytes, sizeof bytes) == BB_OK;
    buf_lit(secret, "whsec_");
    ok = ok && add_base64(secret, bytes, sizeof bytes);
    OPENSSL_cleanse(bytes, sizeof bytes);
    return (ok && !secret->failed) || err_set(e, "the system gives no random bytes, or no memory");
}

static void add_public(const signing_key *k, buf *out) {
    uint8_t bytes[32];
    size_t n = sizeof bytes;
    if (EVP_PKEY_get_raw_public_key(k->pair, bytes, &n) != 1)
        return;
    buf_lit(out, "whpk_");
    add_base64(out, bytes, n);
}

bool signing_generate_pair(buf *secret, buf *public_key, err *e) {
    uint8_t seed[ED25519_SEED];
    bool ok = host_crypto.random(seed, sizeof seed) == BB_OK;
    signing_key k = {.pair = ok ? pair_of(seed, sizeof seed) : NULL};
    buf_lit(secret, "whsk_");
    ok = k.pair != NULL && add_base64(secret, seed, sizeof seed);
    if (ok)
        add_public(&k, public_key);
    EVP_PKEY_free(k.pair);
    OPENSSL_cleanse(seed, sizeof seed);
    return (ok && !secret->failed && !public_key->failed) ||
           err_set(e, "the system gives no random bytes, or no memory");
}

void signing_public_keys(const signing_keys *k, buf *out) {
    for (size_t i = 0; i < k->count; i++)
        if (k->keys[i]->pair != NULL) {
            if (out->len > 0)
                buf_char(out, '\n');
            add_public(k->keys[i], out);
        }
}
