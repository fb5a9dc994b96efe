/* Signatures: what OpenSSL's command line and Python's hmac make of the same bytes. */
#include <busbar/busbar.h>

#include "base/arena.h"
#include "plugin/host_crypto.h"
#include "unit.h"
#include "webhook/signing.h"

/* The key is the bytes 0 to 31. */
#define HMAC_KEY "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define HMAC_V1 "v1,AMaOha7DUT/0J0JMycRuYOBSvbx3WtwLd2khXXbaVj4="
#define HMAC_HEX "sha256=b4cebde30982443ec36c18fa99ad10a70e705bba779f57c37e84decb64ae50fb"
#define TEXT_V1 "v1,lSUysQ7dbhR7FxfY1+ZF8s5+POH1HVtj4BoQCVZy3F0="
#define TEXT_HEX "sha256=cf12ccafc1c577a839911e96272e904666d59943c94d669b83d585b8782b0820"
#define SEED_KEY "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define PAIR_KEY \
    "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuA=="
#define PUBLIC_KEY "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
#define PAIR_V1A \
    "v1a,DA+4m4VqA33Hm9Wlha/1LaJIOTEvbTa2btJ5gtcP1KIJ83aMbtlDaDEj9gW4UzCjPd9EMUgy41eDWvfIiFddCQ=="
#define CONTENT "msg_1.1700000000.{\"a\":1}"

static signing_keys *keys_of(const char *text) {
    err e = {""};
    signing_keys *k = signing_keys_read(str_from(text), &e);
    ck_assert_msg(k != NULL, "%s: %s", text, e.text);
    return k;
}

static void signs(const char *secret, const char *standard, const char *legacy) {
    signing_keys *k = keys_of(secret);
    buf out = {0};
    ck_assert(signing_standard(k, STR(CONTENT), &out));
    ck_assert_str_eq(buf_cstr(&out), standard);
    buf_clear(&out);
    ck_assert_int_eq(signing_legacy(k, STR("{\"a\":1}"), &out), legacy != NULL);
    if (legacy != NULL)
        ck_assert_str_eq(buf_cstr(&out), legacy);
    buf_free(&out);
    signing_keys_free(k);
}

START_TEST(each_kind_of_secret_signs) {
    signs(HMAC_KEY, HMAC_V1, HMAC_HEX);
    signs("plain text", TEXT_V1, TEXT_HEX);
    signs(SEED_KEY, PAIR_V1A, NULL);
    signs(PAIR_KEY, PAIR_V1A, NULL);
}
END_TEST

START_TEST(several_secrets_sign_all) {
    signs(HMAC_KEY "\n" SEED_KEY "\nplain text", HMAC_V1 " " PAIR_V1A " " TEXT_V1, HMAC_HEX "," TEXT_HEX);
    signs("\r\n  " SEED_KEY " \r\n\n\t" HMAC_KEY "\r\n", PAIR_V1A " " HMAC_V1, HMAC_HEX);
}
END_TEST

START_TEST(wrong_secrets_are_told_without_themselves) {
    static const char *const wrong[] = {
        "",
        " \n \n",
        "whsec_",
        "whsec_AAECAwQFBgcICQoLDA0O",                        /* 15 bytes */
        "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", /* no padding */
        "whsec_not base64 at all, but long enough!",
        "whsk_",
        "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", /* 31 bytes */
        "whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8DoQe/884Qvh1w3RjnS8CZZ+TWMJulDV8d3IZkElUxuQ==",
        PUBLIC_KEY,
        "1\n2\n3\n4\n5\n6\n7\n8\n9",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        err e = {""};
        ck_assert_msg(signing_keys_read(str_from(wrong[i]), &e) == NULL, "%s is taken", wrong[i]);
        ck_assert_msg(e.text[0] != '\0', "%s: no word", wrong[i]);
        ck_assert_ptr_null(strstr(e.text, "AAECAw"));
    }
    char text[600];
    err e = {""};
    memset(text, 'x', sizeof text);
    ck_assert_ptr_null(signing_keys_read(str_of(text, sizeof text), &e));
    ck_assert_ptr_nonnull(strstr(e.text, "512"));
    signing_keys_free(NULL);
}
END_TEST

START_TEST(new_secrets_are_good_and_never_alike) {
    buf one = {0}, two = {0}, public_key = {0}, own = {0};
    err e = {""};
    ck_assert(signing_generate(&one, &e) && signing_generate(&two, &e));
    ck_assert_uint_eq(one.len, sizeof HMAC_KEY - 1);
    ck_assert(!str_eq(buf_str(&one), buf_str(&two)));
    signing_keys_free(keys_of(buf_cstr(&one)));
    buf_clear(&one);
    ck_assert(signing_generate_pair(&one, &public_key, &e));
    signing_keys *k = keys_of(buf_cstr(&one));
    signing_public_keys(k, &own);
    ck_assert(str_eq(buf_str(&own), buf_str(&public_key)));
    uint8_t key[32], signature[64];
    ck_assert_uint_eq(host_crypto.base64_decode(str_of(own.ptr + 5, own.len - 5), key, sizeof key), 32);
    buf_clear(&two);
    ck_assert(signing_standard(k, STR("any"), &two));
    ck_assert_uint_eq(host_crypto.base64_decode(str_of(two.ptr + 4, two.len - 4), signature, 64), 64);
    ck_assert(host_crypto.ed25519_verify(str_of(key, 32), STR("any"), str_of(signature, 64)));
    signing_keys_free(k);
    buf_free(&one);
    buf_free(&two);
    buf_free(&public_key);
    buf_free(&own);
}
END_TEST

START_TEST(public_keys_are_those_of_the_pairs) {
    signing_keys *k = keys_of(HMAC_KEY "\n" SEED_KEY "\n" PAIR_KEY);
    buf out = {0};
    signing_public_keys(k, &out);
    ck_assert_str_eq(buf_cstr(&out), PUBLIC_KEY "\n" PUBLIC_KEY);
    buf_free(&out);
    signing_keys_free(k);
}
END_TEST

UNIT_MAIN(unit_test(each_kind_of_secret_signs), unit_test(several_secrets_sign_all),
          unit_test(wrong_secrets_are_told_without_themselves),
          unit_test(new_secrets_are_good_and_never_alike), unit_test(public_keys_are_those_of_the_pairs))
