/* Tokens: published vectors, signatures checked by OpenSSL, keys that do not fit, a key shared by threads. */
#include "auth/jwt.h"

#include "keys.h"
#include "plugin/host_crypto.h"
#include "sign_fixture.h"
#include "json/json.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <stdio.h>

#define PAYLOAD "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}"

static arena *a;
static void set_up(void) {
    a = arena_new(0);
}
static void tear_down(void) {
    arena_free(a);
}

static bb_str decoded(bb_str text) {
    uint8_t *out = arena_alloc(a, text.len + 1);
    size_t n = host_crypto.base64url_decode(text, out, text.len);
    ck_assert_uint_ne(n, SIZE_MAX);
    return str_of(out, n);
}

static jwt_key *key_of(const char *algorithm, bb_str key) {
    err e = {""};
    jwt_key *k = jwt_key_new(str_from(algorithm), key, &e);
    ck_assert_msg(k != NULL, "%s: %s", algorithm, e.text);
    return k;
}

/* --- vectors ------------------------------------------------------------------------------------------ */

START_TEST(hs256_of_rfc7515_a1) {
    set_up();
    bb_str secret = decoded(
        STR("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"));
    jwt_key *k = key_of("HS256", secret);
    expect_str(
        jwt_sign(a, k, STR("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}"), STR(PAYLOAD)),
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    jwt_key_free(k);
    tear_down();
}
END_TEST

START_TEST(rs256_of_rfc7515_a2) {
    set_up();
    jwt_key *k = key_of("RS256", str_from(rsa_pem));
    expect_str(
        jwt_sign(a, k, STR("{\"alg\":\"RS256\"}"), STR(PAYLOAD)),
        "eyJhbGciOiJSUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGb"
        "ds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0G"
        "arZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6Lbg"
        "GY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw");
    jwt_key_free(k);
    tear_down();
}
END_TEST

START_TEST(eddsa_of_rfc8037_a4) {
    set_up();
    jwt_key *k = key_of("EdDSA", str_from(ed25519_pem));
    expect_str(jwt_sign(a, k, STR("{\"alg\":\"EdDSA\"}"), STR("Example of Ed25519 signing")),
               "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc."
               "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg");
    jwt_key_free(k);
    tear_down();
}
END_TEST

/* --- signatures that are not the same twice, checked by OpenSSL -------------------------------------------
 */

/* DER out of R||S, in `der`. */
static size_t der_of(bb_str raw, unsigned char **der) {
    size_t part = raw.len / 2;
    const unsigned char *bytes = (const unsigned char *)raw.ptr;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    ck_assert_int_eq(
        ECDSA_SIG_set0(pair, BN_bin2bn(bytes, (int)part, NULL), BN_bin2bn(bytes + part, (int)part, NULL)), 1);
    int n = i2d_ECDSA_SIG(pair, der);
    ECDSA_SIG_free(pair);
    ck_assert_int_gt(n, 0);
    return (size_t)n;
}

static bool verifies(EVP_PKEY *key, const char *hash, bool pss, bb_str input, const unsigned char *signature,
                     size_t n) {
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *parameters = NULL;
    ck_assert_int_eq(EVP_DigestVerifyInit_ex(ctx, &parameters, hash, NULL, NULL, key, NULL), 1);
    if (pss) {
        EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING);
        EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST);
    }
    bool ok = EVP_DigestVerify(ctx, signature, n, (const unsigned char *)input.ptr, input.len) == 1;
    EVP_MD_CTX_free(ctx);
    return ok;
}

static bb_str pem_of(EVP_PKEY *key) {
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    ck_assert_int_eq(PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL), 1);
    long n = BIO_get_mem_data(out, &text);
    bb_str pem = arena_copy(a, str_of(text, (size_t)n));
    BIO_free(out);
    return pem;
}

static void check_token(const char *algorithm, EVP_PKEY *key, const char *hash, bool pss, size_t raw) {
    jwt_key *k = key_of(algorithm, pem_of(key));
    for (int i = 0; i < 40; i++) { /* leading zeros of R and S come by chance: 1 in 128 */
        bb_str token = jwt_mint(a, k, STR("k1"), (bb_str){NULL, 0}, arena_printf(a, "{\"n\":%d}", i));
        ck_assert_ptr_nonnull(token.ptr);
        const char *last = memrchr(token.ptr, '.', token.len);
        bb_str input = str_of(token.ptr, (size_t)(last - token.ptr));
        bb_str bytes = decoded(str_of(last + 1, token.len - input.len - 1));
        unsigned char *der = NULL;
        size_t n = bytes.len;
        if (raw > 0) {
            ck_assert_uint_eq(bytes.len, raw);
            n = der_of(bytes, &der);
        }
        ck_assert(verifies(key, hash, pss, input, der != NULL ? der : (const unsigned char *)bytes.ptr, n));
        OPENSSL_free(der);
    }
    jwt_key_free(k);
}

START_TEST(ecdsa_is_r_and_s) {
    set_up();
    static const struct {
        const char *algorithm, *curve, *hash;
        size_t raw;
    } kinds[] = {{"ES256", "P-256", "SHA256", 64},
                 {"ES384", "P-384", "SHA384", 96},
                 {"ES512", "P-521", "SHA512", 132}};
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY *key = EVP_EC_gen(kinds[i].curve);
        check_token(kinds[i].algorithm, key, kinds[i].hash, false, kinds[i].raw);
        EVP_PKEY_free(key);
    }
    tear_down();
}
END_TEST

START_TEST(rsa_of_every_kind) {
    set_up();
    static const char *const hashes[] = {"SHA256", "SHA384", "SHA512"};
    BIO *in = BIO_new_mem_buf(rsa_pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    BIO_free(in);
    for (int i = 0; i < 3; i++) {
        check_token(arena_printf(a, "RS%s", hashes[i] + 3).ptr, key, hashes[i], false, 0);
        check_token(arena_printf(a, "PS%s", hashes[i] + 3).ptr, key, hashes[i], true, 0);
    }
    EVP_PKEY_free(key);
    tear_down();
}
END_TEST

START_TEST(eddsa_of_both_curves) {
    set_up();
    static const char *const kinds[] = {"ED25519", "ED448"};
    for (int i = 0; i < 2; i++) {
        EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, kinds[i]);
        check_token("EdDSA", key, NULL, false, 0);
        EVP_PKEY_free(key);
    }
    tear_down();
}
END_TEST

START_TEST(hmac_of_every_hash) {
    set_up();
    static const char *const hashes[] = {"SHA256", "SHA384", "SHA512"};
    static const size_t sizes[] = {32, 48, 64};
    char secret[64];
    memset(secret, 'k', sizeof secret);
    for (int i = 0; i < 3; i++) {
        jwt_key *k = key_of(arena_printf(a, "HS%s", hashes[i] + 3).ptr, str_of(secret, sizes[i]));
        bb_str token = jwt_mint(a, k, (bb_str){NULL, 0}, (bb_str){NULL, 0}, STR("{}"));
        const char *last = memrchr(token.ptr, '.', token.len);
        bb_str got = decoded(str_of(last + 1, token.len - (size_t)(last + 1 - token.ptr)));
        unsigned char wanted[64];
        size_t n = 0;
        ck_assert_ptr_nonnull(EVP_Q_mac(NULL, "HMAC", NULL, hashes[i], NULL, secret, sizes[i],
                                        (const unsigned char *)token.ptr, (size_t)(last - token.ptr), wanted,
                                        sizeof wanted, &n));
        ck_assert(str_eq(got, str_of(wanted, n)));
        jwt_key_free(k);
    }
    tear_down();
}
END_TEST

/* --- the header ----------------------------------------------------------------------------------------- */

static void expect_header(const char *kid, const char *more, const char *wanted) {
    jwt_key *k = key_of("HS256", STR("0123456789abcdef0123456789abcdef"));
    bb_str token = jwt_mint(a, k, str_from(kid), str_from(more), STR("{\"sub\":\"x\"}")), head, payload;
    ck_assert_ptr_nonnull(token.ptr);
    ck_assert_int_eq(token.ptr[token.len], '\0');
    ck_assert(str_split(&token, '.', &head) && str_split(&token, '.', &payload));
    expect_str(decoded(head), wanted);
    expect_str(decoded(payload), "{\"sub\":\"x\"}");
    jwt_key_free(k);
}

START_TEST(header_members) {
    set_up();
    expect_header(NULL, NULL, "{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
    expect_header("a\"b", NULL, "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"a\\\"b\"}");
    expect_header("k", "{\"x5t\": \"abc\"}",
                  "{\"alg\":\"HS256\",\"typ\":\"JWT\",\"kid\":\"k\",\"x5t\":\"abc\"}");
    expect_header("k", "{\"typ\":\"at+jwt\",\"kid\":\"other\"}",
                  "{\"alg\":\"HS256\",\"typ\":\"at+jwt\",\"kid\":\"other\"}");
    expect_header(NULL, "{\"alg\":\"none\"}", "{\"alg\":\"HS256\",\"typ\":\"JWT\"}");
    tear_down();
}
END_TEST

START_TEST(header_that_is_no_object) {
    set_up();
    jwt_key *k = key_of("HS256", STR("0123456789abcdef0123456789abcdef"));
    static const char *const wrong[] = {"[]", "{", "\"x\"", "{\"a\":1,\"a\":2}"};
    for (size_t i = 0; i < 4; i++)
        ck_assert_ptr_null(jwt_mint(a, k, STR("k"), str_from(wrong[i]), STR("{}")).ptr);
    jwt_key_free(k);
    tear_down();
}
END_TEST

/* --- keys that do not fit ---------------------------------------------------------------------------------
 */

static void refused(const char *algorithm, const char *key, const char *part) {
    err e = {""};
    ck_assert_ptr_null(jwt_key_new(str_from(algorithm), str_from(key), &e));
    ck_assert_msg(strstr(e.text, part) != NULL, "%s: %s", algorithm, e.text);
    if (key != NULL && strlen(key) > 8) { /* nothing of the key in it, whatever was wrong */
        char piece[9] = "";
        memcpy(piece, key + strlen(key) / 2, 8);
        ck_assert_ptr_null(strstr(e.text, piece));
    }
}

START_TEST(keys_that_do_not_fit) {
    set_up();
    refused("none", "x", "no algorithm \"none\"");
    refused("hs256", "x", "no algorithm");
    refused("HS256", "0123456789abcdef0123456789abcde", "31 bytes; HS256 needs at least 32");
    refused("HS512", "0123456789abcdef0123456789abcdef", "needs at least 64");
    refused("HS256", NULL, "0 bytes");
    refused("RS256", "", "not PEM");
    refused("RS256", "aGVsbG8gaGVsbG8gaGVsbG8=", "not PEM");
    refused("RS256", ec_pem, "needs an RSA key");
    refused("PS256", ed25519_pem, "needs an RSA key");
    refused("ES256", rsa_pem, "needs an EC key");
    refused("ES384", ec_pem, "secp384r1; this one is on prime256v1");
    refused("EdDSA", ec_pem, "needs an Ed25519 or Ed448 key");
    refused("RS256", "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZI\n-----END PUBLIC KEY-----\n", "public key");
    refused("RS256", "-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2Vw\\n-----END PRIVATE KEY-----\\n",
            "line breaks");
    refused("RS256", "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2Vw\n-----END PRIVATE KEY-----\n", "damaged");
    ck_assert_uint_eq(ERR_peek_error(), 0); /* nothing is left for the next user of this thread */
    tear_down();
}
END_TEST

START_TEST(short_and_encrypted_rsa) {
    set_up();
    EVP_PKEY *small = EVP_RSA_gen(1024);
    refused("RS256", pem_of(small).ptr, "1024 bits; RS256 needs at least 2048");
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL, passphrase[] = "secret";
    ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(out, small, EVP_aes_256_cbc(), passphrase, 6, NULL, NULL),
                     1);
    long n = BIO_get_mem_data(out, &text);
    refused("RS256", arena_strdup(a, str_of(text, (size_t)n)), "is encrypted");
    BIO_free(out);
    EVP_PKEY_free(small);
    tear_down();
}
END_TEST

START_TEST(keys_in_older_forms) {
    set_up();
    jwt_key_free(key_of("ES256", str_from(ec_sec1_pem)));
    EVP_PKEY *key = EVP_RSA_gen(2048);
    BIO *out = BIO_new(BIO_s_mem());
    char *text = NULL;
    ck_assert_int_eq(PEM_write_bio_PrivateKey_traditional(out, key, NULL, NULL, 0, NULL, NULL), 1);
    long n = BIO_get_mem_data(out, &text);
    ck_assert(contains(str_of(text, (size_t)n), "BEGIN RSA PRIVATE KEY"));
    jwt_key_free(key_of("RS256", str_of(text, (size_t)n)));
    BIO_free(out);
    EVP_PKEY_free(key);
    tear_down();
}
END_TEST

/* --- one key, many threads
 * ----------------------------------------------------------------------------------- */

static void *mint_many(void *key) {
    arena *own = arena_new(0);
    for (int i = 0; i < 50; i++) {
        ck_assert_ptr_nonnull(jwt_mint(own, key, STR("k"), (bb_str){NULL, 0}, STR("{}")).ptr);
        arena_reset(own);
    }
    arena_free(own);
    return NULL;
}

START_TEST(threads_share_a_key) {
    static const struct {
        const char *algorithm, *key;
    } kinds[] = {{"HS256", "0123456789abcdef0123456789abcdef"},
                 {"ES256", ec_pem},
                 {"RS256", rsa_pem},
                 {"EdDSA", ed25519_pem}};
    for (size_t i = 0; i < 4; i++) {
        jwt_key *k = key_of(kinds[i].algorithm, str_from(kinds[i].key));
        pthread_t threads[4];
        for (int t = 0; t < 4; t++)
            ck_assert_int_eq(pthread_create(&threads[t], NULL, mint_many, k), 0);
        for (int t = 0; t < 4; t++)
            pthread_join(threads[t], NULL);
        jwt_key_free(k);
    }
}
END_TEST

START_TEST(sizes) {
    set_up();
    jwt_key *k = key_of("HS256", STR("0123456789abcdef0123456789abcdef"));
    char *big = arena_alloc(a, 65536);
    memset(big, 'x', 65536);
    ck_assert_uint_gt(jwt_mint(a, k, (bb_str){NULL, 0}, (bb_str){NULL, 0}, str_of(big, 65536)).len, 87000);
    expect_str(decoded(str_of("", 0)), "");
    arena *none = arena_new(256);
    ck_assert_ptr_null(jwt_mint(none, k, (bb_str){NULL, 0}, (bb_str){NULL, 0}, str_of(big, 65536)).ptr);
    arena_free(none);
    jwt_key_free(k);
    jwt_key_free(NULL);
    ck_assert(jwt_algorithm_ok(STR("ES512")) && !jwt_algorithm_ok(STR("ES521")) &&
              !jwt_algorithm_ok(STR("none")));
    tear_down();
}
END_TEST

static jwt_key *tortured;

static bool attempt(arena *memory) {
    return jwt_mint(memory, tortured, STR("k"), STR("{\"a\":1}"), STR("{\"b\":2}")).ptr != NULL;
}

START_TEST(little_memory) {
    tortured = key_of("ES256", str_from(ec_pem));
    torture(attempt);
    jwt_key_free(tortured);
}
END_TEST

UNIT_MAIN(unit_test(little_memory), unit_test(hs256_of_rfc7515_a1), unit_test(rs256_of_rfc7515_a2),
          unit_test(eddsa_of_rfc8037_a4), unit_test(ecdsa_is_r_and_s), unit_test(rsa_of_every_kind),
          unit_test(eddsa_of_both_curves), unit_test(hmac_of_every_hash), unit_test(header_members),
          unit_test(header_that_is_no_object), unit_test(keys_that_do_not_fit),
          unit_test(short_and_encrypted_rsa), unit_test(keys_in_older_forms), unit_test(threads_share_a_key),
          unit_test(sizes))
