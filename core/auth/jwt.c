#include "auth/jwt.h"

#include "auth/pem.h"
#include "auth/sign_text.h"
#include "json/json.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <stdlib.h>

typedef enum { HMAC, RSA_PKCS1, RSA_PSS, ECDSA, EDDSA } kind;

typedef struct algorithm {
    const char *name;
    kind kind;
    const char *hash;  /* NULL: the algorithm has its own */
    size_t hash_bytes; /* least length of an HMAC key */
    const char *curve; /* as OpenSSL names it */
    int part;          /* bytes of R and of S */
} algorithm;

/* RFC 7518 section 3.1, RFC 8037 section 3.1. */
static const algorithm algorithms[] = {
    {"HS256", HMAC, "SHA256", 32, NULL, 0},
    {"HS384", HMAC, "SHA384", 48, NULL, 0},
    {"HS512", HMAC, "SHA512", 64, NULL, 0},
    {"RS256", RSA_PKCS1, "SHA256", 32, NULL, 0},
    {"RS384", RSA_PKCS1, "SHA384", 48, NULL, 0},
    {"RS512", RSA_PKCS1, "SHA512", 64, NULL, 0},
    {"PS256", RSA_PSS, "SHA256", 32, NULL, 0},
    {"PS384", RSA_PSS, "SHA384", 48, NULL, 0},
    {"PS512", RSA_PSS, "SHA512", 64, NULL, 0},
    {"ES256", ECDSA, "SHA256", 32, "prime256v1", 32},
    {"ES384", ECDSA, "SHA384", 48, "secp384r1", 48},
    {"ES512", ECDSA, "SHA512", 64, "secp521r1", 66},
    {"EdDSA", EDDSA, NULL, 0, NULL, 0},
    {NULL, HMAC, NULL, 0, NULL, 0},
};

static const algorithm *find(bb_str name) {
    for (const algorithm *g = algorithms; g->name != NULL; g++)
        if (str_eq(name, str_from(g->name)))
            return g;
    return NULL;
}

bool jwt_algorithm_ok(bb_str name) {
    return find(name) != NULL;
}

struct jwt_key {
    const algorithm *algorithm;
    EVP_MAC_CTX *mac; /* HS: with the key; each use works on a copy */
    EVP_PKEY *pkey;   /* the others */
};

/* --- keys ------------------------------------------------------------------------------------------- */

static bool set_secret(jwt_key *k, bb_str secret, err *e) {
    const algorithm *g = k->algorithm;
    if (secret.len < g->hash_bytes)
        return err_set(e, "the secret has %zu bytes; %s needs at least %zu (RFC 7518 section 3.2)",
                       secret.len, g->name, g->hash_bytes);
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)g->hash, 0),
                           OSSL_PARAM_construct_end()};
    k->mac = hmac != NULL ? EVP_MAC_CTX_new(hmac) : NULL;
    EVP_MAC_free(hmac);
    return (k->mac != NULL &&
            EVP_MAC_init(k->mac, (const unsigned char *)secret.ptr, secret.len, params) == 1) ||
           err_set(e, "OpenSSL has no HMAC with %s", g->hash);
}

static bool check_rsa(const jwt_key *k, err *e) {
    int bits = EVP_PKEY_get_bits(k->pkey), type = EVP_PKEY_get_base_id(k->pkey);
    bool fits = type == EVP_PKEY_RSA || (type == EVP_PKEY_RSA_PSS && k->algorithm->kind == RSA_PSS);
    if (!fits)
        return err_set(e, "%s needs an RSA key; this one is of another kind", k->algorithm->name);
    return bits >= 2048 ||
           err_set(e, "the RSA key has %d bits; %s needs at least 2048", bits, k->algorithm->name);
}

static bool check_ec(const jwt_key *k, err *e) {
    char curve[64] = "";
    size_t n = 0;
    if (EVP_PKEY_get_base_id(k->pkey) != EVP_PKEY_EC ||
        EVP_PKEY_get_group_name(k->pkey, curve, sizeof curve, &n) != 1)
        return err_set(e, "%s needs an EC key; this one is of another kind", k->algorithm->name);
    return strcmp(curve, k->algorithm->curve) == 0 ||
           err_set(e, "%s needs a key on the curve %s; this one is on %s", k->algorithm->name,
                   k->algorithm->curve, curve);
}

static bool check_kind(const jwt_key *k, err *e) {
    int type = EVP_PKEY_get_base_id(k->pkey);
    switch (k->algorithm->kind) {
    case RSA_PKCS1:
    case RSA_PSS: return check_rsa(k, e);
    case ECDSA: return check_ec(k, e);
    default:
        return type == EVP_PKEY_ED25519 || type == EVP_PKEY_ED448 ||
               err_set(e, "EdDSA needs an Ed25519 or Ed448 key; this one is of another kind");
    }
}

jwt_key *jwt_key_new(bb_str name, bb_str key, err *e) {
    const algorithm *g = find(name);
    if (g == NULL) {
        err_set(
            e,
            "there is no algorithm \"%.*s\": allowed are HS256, HS384, HS512, RS256, RS384, RS512, PS256, "
            "PS384, PS512, ES256, ES384, ES512 and EdDSA",
            STR_FMT(name));
        return NULL;
    }
    jwt_key *k = calloc(1, sizeof *k);
    if (k == NULL) {
        err_set(e, "no memory");
        return NULL;
    }
    k->algorithm = g;
    bool ok = g->kind == HMAC ? set_secret(k, key, e)
                              : (k->pkey = pem_private_key(key, e)) != NULL && check_kind(k, e);
    ERR_clear_error();
    if (!ok) {
        jwt_key_free(k);
        return NULL;
    }
    return k;
}

void jwt_key_free(jwt_key *k) {
    if (k == NULL)
        return;
    EVP_MAC_CTX_free(k->mac); /* both wipe what they hold */
    EVP_PKEY_free(k->pkey);
    free(k);
}

/* --- signatures --------------------------------------------------------------------------------------- */

static bb_str hmac_signature(arena *a, const jwt_key *k, bb_str input) {
    size_t n = 0, cap = k->algorithm->hash_bytes;
    unsigned char *out = arena_alloc(a, cap);
    EVP_MAC_CTX *ctx = out != NULL ? EVP_MAC_CTX_dup(k->mac) : NULL;
    bool ok = ctx != NULL && EVP_MAC_update(ctx, (const unsigned char *)input.ptr, input.len) == 1 &&
              EVP_MAC_final(ctx, out, &n, cap) == 1;
    EVP_MAC_CTX_free(ctx);
    return ok ? str_of(out, n) : (bb_str){NULL, 0};
}

/* R and S as numbers of a fixed length, one after the other (RFC 7518 section 3.4). */
static bb_str raw_of_der(arena *a, bb_str der, int part) {
    const unsigned char *at = (const unsigned char *)der.ptr;
    ECDSA_SIG *pair = der.ptr != NULL ? d2i_ECDSA_SIG(NULL, &at, (long)der.len) : NULL;
    unsigned char *out = pair != NULL ? arena_alloc(a, 2 * (size_t)part) : NULL;
    bool ok = out != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(pair), out, part) == part &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), out + part, part) == part;
    ECDSA_SIG_free(pair);
    return ok ? str_of(out, 2 * (size_t)part) : (bb_str){NULL, 0};
}

static bb_str signature(arena *a, const jwt_key *k, bb_str input) {
    const algorithm *g = k->algorithm;
    if (g->kind == HMAC)
        return hmac_signature(a, k, input);
    bb_str bytes = pem_sign(a, k->pkey, g->hash, g->kind == RSA_PSS, input);
    return g->kind == ECDSA ? raw_of_der(a, bytes, g->part) : bytes;
}

/* --- tokens ------------------------------------------------------------------------------------------- */

bb_str jwt_sign(arena *a, const jwt_key *k, bb_str header, bb_str payload) {
    bb_str parts[2] = {sign_base64url(a, header), sign_base64url(a, payload)};
    buf out;
    buf_init(&out);
    buf_str_add(&out, parts[0]);
    buf_char(&out, '.');
    buf_str_add(&out, parts[1]);
    bb_str bytes = {NULL, 0};
    if (!out.failed && parts[0].ptr != NULL && parts[1].ptr != NULL)
        bytes = signature(a, k, buf_str(&out));
    bb_str text = bytes.ptr != NULL ? sign_base64url(a, bytes) : bytes;
    buf_char(&out, '.');
    buf_str_add(&out, text);
    bb_str token = sign_copy(a, &out);
    return text.ptr != NULL ? token : text;
}

/* The algorithm is the key's; typ and kid give way to members of the same name. */
static bb_str header_of(arena *a, const jwt_key *k, bb_str kid, const json_value *more) {
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    json_object(&w);
    json_member_string(&w, STR("alg"), str_from(k->algorithm->name));
    if (json_getl(more, "typ") == NULL)
        json_member_string(&w, STR("typ"), STR("JWT"));
    if (kid.len > 0 && json_getl(more, "kid") == NULL)
        json_member_string(&w, STR("kid"), kid);
    for (json_iter it = json_iterate(more); json_next(&it);)
        if (!str_eq(it.key, STR("alg"))) {
            json_key(&w, it.key);
            json_put_value(&w, it.value);
        }
    json_object_end(&w);
    out.failed |= !json_writer_finish(&w);
    return sign_copy(a, &out);
}

bb_str jwt_mint(arena *a, const jwt_key *k, bb_str kid, bb_str more_header, bb_str claims) {
    static const json_limits unique = {.reject_duplicate_keys = true};
    const json_value *more = NULL;
    if (more_header.len > 0) {
        more = json_read(a, more_header, &unique, NULL);
        if (!json_is(more, JSON_OBJECT))
            return (bb_str){NULL, 0};
    }
    bb_str header = header_of(a, k, kid, more);
    return header.ptr != NULL ? jwt_sign(a, k, header, claims) : header;
}
