/* OAuth 1.0: the specification's examples and those that services publish, and odd requests. */
#include "auth/oauth1.h"

#include "auth/sign_text.h"
#include "keys.h"
#include "plugin/host_crypto.h"
#include "sign_fixture.h"

#include <openssl/evp.h>
#include <openssl/pem.h>

static const bb_str form_type = {"Content-Type: application/x-www-form-urlencoded", 47};

/* RFC 5849 section 3.4.1.1: duplicate names, "+" and %20, an empty value, a name without "=". */
START_TEST(base_string_of_the_rfc) {
    arena *a = arena_new(0);
    sign_request r = {.method = STR("POST"),
                      .url = STR("http://EXAMPLE.COM:80/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b"),
                      .headers = &form_type,
                      .header_count = 1,
                      .body = STR("c2&a3=2+q")};
    const str_pair protocol[] = {{STR("oauth_consumer_key"), STR("9djdj82h48djs9d2")},
                                 {STR("oauth_token"), STR("kkk9d7dh3k39sjv7")},
                                 {STR("oauth_signature_method"), STR("HMAC-SHA1")},
                                 {STR("oauth_timestamp"), STR("137131201")},
                                 {STR("oauth_nonce"), STR("7d8f3e4a")}};
    expect_str(
        oauth1_base_string(a, &r, protocol, 5),
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%"
        "26c%"
        "2540%3D%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_"
        "method%3DHMAC-SHA1%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7");
    arena_free(a);
}
END_TEST

/* RFC 5849 section 3.4.1.2: a port that is not the scheme's own stays. */
START_TEST(base_uri_of_the_rfc) {
    arena *a = arena_new(0);
    sign_request r = {.method = STR("GET"), .url = STR("https://www.EXAMPLE.net:8080/?q=1")};
    expect_str(oauth1_base_string(a, &r, NULL, 0), "GET&https%3A%2F%2Fwww.example.net%3A8080%2F&q%3D1");
    r.url = STR("http://EXAMPLE.COM:80/r%20v/X?id=123");
    expect_str(oauth1_base_string(a, &r, NULL, 0), "GET&http%3A%2F%2Fexample.com%2Fr%2520v%2FX&id%3D123");
    r.url = STR("https://example.com:443");
    expect_str(oauth1_base_string(a, &r, NULL, 0), "GET&https%3A%2F%2Fexample.com%2F&");
    arena_free(a);
}
END_TEST

/* The example of OAuth Core 1.0, appendix A.5. */
START_TEST(core_appendix_a) {
    arena *a = arena_new(0);
    oauth1_credentials c = {.consumer_key = STR("dpf43f3p2l4k3l03"),
                            .consumer_secret = STR("kd94hf93k423kf44"),
                            .token = STR("nnch734d00sl2jdk"),
                            .token_secret = STR("pfkkdhi9sl3r4s00"),
                            .realm = STR("http://photos.example.net/"),
                            .method = STR("HMAC-SHA1")};
    sign_request r = {.method = STR("GET"),
                      .url = STR("http://photos.example.net/photos?file=vacation.jpg&size=original")};
    sign_addition added;
    ck_assert(oauth1_sign_at(a, &c, &r, STR("kllo9940pd9333jh"), 1191242096, &added));
    expect_only(
        &added,
        "Authorization: OAuth realm=\"http://photos.example.net/\", "
        "oauth_consumer_key=\"dpf43f3p2l4k3l03\", oauth_nonce=\"kllo9940pd9333jh\", "
        "oauth_signature_method=\"HMAC-SHA1\", oauth_timestamp=\"1191242096\", oauth_version=\"1.0\", "
        "oauth_token=\"nnch734d00sl2jdk\", oauth_signature=\"tR3%2BTy81lMeYAr%2FFid0kMTYa%2FWM%3D\"");
    arena_free(a);
}
END_TEST

static bb_str field_of(arena *a, const oauth1_credentials *c, const sign_request *r) {
    sign_addition added;
    if (!oauth1_sign_at(a, c, r, STR("kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"), 1318622958, &added))
        return (bb_str){NULL, 0};
    return added.headers[0];
}

static const oauth1_credentials shared = {
    .consumer_key = {"xvz1evFS4wEEPTGEFPHBog", 22},
    .consumer_secret = {"kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw", 43},
    .token = {"370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb", 50},
    .token_secret = {"LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE", 41},
    .method = {"HMAC-SHA1", 9},
};

/* "Creating a signature", X (Twitter) developer documentation: parameters in the query and in a form. */
START_TEST(query_and_form) {
    arena *a = arena_new(0);
    sign_request r = {
        .method = STR("POST"),
        .url = STR("https://api.twitter.com/1.1/statuses/update.json?include_entities=true"),
        .headers = &form_type,
        .header_count = 1,
        .body = STR("status=Hello%20Ladies%20%2B%20Gentlemen%2C%20a%20signed%20OAuth%20request%21")};
    bb_str wanted = field_of(a, &shared, &r);
    ck_assert(contains(wanted, "oauth_signature=\"hCtSmYh%2BiHYCEqBWrE7C7hYmtUk%3D\""));
    r.body = STR("status=Hello+Ladies+%2b+Gentlemen,+a+signed+OAuth+request!");
    expect_str(field_of(a, &shared, &r), wanted.ptr);
    bb_str type = STR("content-type:APPLICATION/x-www-form-urlencoded ; charset=utf-8");
    r.headers = &type;
    expect_str(field_of(a, &shared, &r), wanted.ptr);
    /* any other body takes no part */
    type = STR("Content-Type: application/json");
    bb_str without = field_of(a, &shared, &r);
    ck_assert(!str_eq(without, wanted));
    r.body = STR("{\"other\":1}");
    expect_str(field_of(a, &shared, &r), without.ptr);
    arena_free(a);
}
END_TEST

START_TEST(hmac_sha256) {
    arena *a = arena_new(0);
    oauth1_credentials c = shared;
    c.method = STR("HMAC-SHA256");
    sign_request r = {.method = STR("GET"), .url = STR("https://h.example/x")};
    bb_str field = field_of(a, &c, &r);
    bb_str base = arena_printf(
        a,
        "GET&https%%3A%%2F%%2Fh.example%%2Fx&oauth_consumer_key%%3D%.*s%%26oauth_nonce%%3D"
        "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg%%26oauth_signature_method%%3DHMAC-SHA256"
        "%%26oauth_timestamp%%3D1318622958%%26oauth_token%%3D%.*s%%26oauth_version%%3D1.0",
        STR_FMT(c.consumer_key), STR_FMT(c.token));
    bb_str key = arena_printf(a, "%.*s&%.*s", STR_FMT(c.consumer_secret), STR_FMT(c.token_secret));
    uint8_t digest[BB_HASH_MAX];
    size_t n = host_crypto.hmac(BB_SHA256, key, base, digest);
    bb_str text = sign_encode(a, sign_base64(a, str_of(digest, n)));
    ck_assert(contains(field, arena_printf(a, "oauth_signature=\"%.*s\"", STR_FMT(text)).ptr));
    arena_free(a);
}
END_TEST

START_TEST(plaintext_and_no_token) {
    arena *a = arena_new(0);
    oauth1_credentials c = {
        .consumer_key = STR("k"), .consumer_secret = STR("a&b c"), .method = STR("PLAINTEXT")};
    sign_request r = {.method = STR("GET"), .url = STR("https://h.example")};
    bb_str field = field_of(a, &c, &r);
    ck_assert(contains(field, "oauth_signature=\"a%2526b%2520c%26\""));
    ck_assert(!contains(field, "oauth_token"));
    ck_assert(!contains(field, "realm"));
    arena_free(a);
}
END_TEST

/* --- RSA ------------------------------------------------------------------------------------------------ */

static void check_rsa(arena *a, const char *method, const char *hash) {
    err e = {""};
    oauth1_key *key = oauth1_key_new(str_from(rsa_pem), &e);
    ck_assert_msg(key != NULL, "%s", e.text);
    oauth1_credentials c = {.consumer_key = STR("k"), .method = str_from(method), .key = key};
    sign_request r = {.method = STR("GET"), .url = STR("https://h.example/x?y=z")};
    bb_str field = field_of(a, &c, &r);
    const char *at = memmem(field.ptr, field.len, "oauth_signature=\"", 17);
    ck_assert_ptr_nonnull(at);
    sign_params plain = {0};
    ck_assert(sign_params_read(a, &plain, str_of(at + 17, (size_t)(field.ptr + field.len - at) - 18)));
    /* decode once more by hand: the signature is percent-encoded base64 */
    char base64[512];
    size_t n = 0;
    bb_str text = plain.items[0].name;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.ptr[i];
        if (byte == '%') {
            host_crypto.hex_decode(str_of(text.ptr + i + 1, 2), &byte, 1);
            i += 2;
        }
        base64[n++] = (char)byte;
    }
    uint8_t signature[256];
    ck_assert_uint_eq(host_crypto.base64_decode(str_of(base64, n), signature, sizeof signature), 256);
    bb_str base = arena_printf(
        a,
        "GET&https%%3A%%2F%%2Fh.example%%2Fx&oauth_consumer_key%%3Dk%%26oauth_nonce%%3D"
        "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg%%26oauth_signature_method%%3D%s"
        "%%26oauth_timestamp%%3D1318622958%%26oauth_version%%3D1.0%%26y%%3Dz",
        method);
    BIO *in = BIO_new_mem_buf(rsa_pem, -1);
    EVP_PKEY *pkey = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    ck_assert_int_eq(EVP_DigestVerifyInit_ex(ctx, NULL, hash, NULL, NULL, pkey, NULL), 1);
    ck_assert_int_eq(EVP_DigestVerify(ctx, signature, 256, (const unsigned char *)base.ptr, base.len), 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(pkey);
    BIO_free(in);
    oauth1_key_free(key);
}

START_TEST(rsa) {
    arena *a = arena_new(0);
    check_rsa(a, "RSA-SHA1", "SHA1");
    check_rsa(a, "RSA-SHA256", "SHA256");
    err e = {""};
    ck_assert_ptr_null(oauth1_key_new(str_from(ec_pem), &e));
    ck_assert_ptr_nonnull(strstr(e.text, "not an RSA key"));
    ck_assert_ptr_null(oauth1_key_new(STR("secret"), &e));
    ck_assert_ptr_nonnull(strstr(e.text, "not PEM"));
    oauth1_credentials c = {.consumer_key = STR("k"), .method = STR("RSA-SHA1")};
    sign_request r = {.method = STR("GET"), .url = STR("https://h.example/")};
    ck_assert_ptr_null(field_of(a, &c, &r).ptr); /* no key */
    oauth1_key_free(NULL);
    arena_free(a);
}
END_TEST

/* --- what else may come ------------------------------------------------------------------------------------
 */

START_TEST(what_cannot_be_signed) {
    arena *a = arena_new(0);
    oauth1_credentials c = shared;
    sign_request r = {.method = STR("GET"), .url = STR("h.example/x")};
    ck_assert_ptr_null(field_of(a, &c, &r).ptr);
    r.url = STR("https://user@h.example/x");
    ck_assert_ptr_null(field_of(a, &c, &r).ptr);
    r.url = STR("https://h.example/x");
    c.method = STR("HMAC-MD5");
    ck_assert_ptr_null(field_of(a, &c, &r).ptr);
    arena_free(a);
}
END_TEST

START_TEST(nonce_and_time_are_the_requests) {
    arena *a = arena_new(0);
    sign_request r = {.method = STR("GET"), .url = STR("https://h.example/x"), .now_ms = 1318622958999u};
    for (int i = 0; i < 16; i++)
        r.random[i] = (uint8_t)(i * 17);
    sign_addition added;
    ck_assert(oauth1_sign(a, &shared, &r, &added));
    ck_assert(contains(added.headers[0], "oauth_nonce=\"00112233445566778899aabbccddeeff\""));
    ck_assert(contains(added.headers[0], "oauth_timestamp=\"1318622958\""));
    arena_free(a);
}
END_TEST

START_TEST(sizes) {
    arena *a = arena_new(0);
    char *body = arena_alloc(a, 65536);
    for (int i = 0; i < 65536; i++)
        body[i] = "%+&=a"[i % 5];
    sign_request r = {.method = STR("POST"),
                      .url = STR("https://h.example/x"),
                      .headers = &form_type,
                      .header_count = 1,
                      .body = str_of(body, 65536)};
    bb_str one = field_of(a, &shared, &r);
    ck_assert_ptr_nonnull(one.ptr);
    body[65535] = 'b';
    ck_assert(!str_eq(field_of(a, &shared, &r), one));
    arena_free(a);
}
END_TEST

static bool attempt(arena *a) {
    sign_request r = {.method = STR("GET"), .url = STR("https://h.example/x?y=z")};
    return field_of(a, &shared, &r).ptr != NULL;
}

START_TEST(little_memory) {
    torture(attempt);
}
END_TEST

UNIT_MAIN(unit_test(little_memory), unit_test(base_string_of_the_rfc), unit_test(base_uri_of_the_rfc),
          unit_test(core_appendix_a), unit_test(query_and_form), unit_test(hmac_sha256),
          unit_test(plaintext_and_no_token), unit_test(rsa), unit_test(what_cannot_be_signed),
          unit_test(nonce_and_time_are_the_requests), unit_test(sizes))
