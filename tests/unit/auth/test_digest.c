/* HTTP Digest: the examples of RFC 7616, 2617 and 2069, and challenges of all shapes. */
#include "auth/digest.h"

#include "auth/sign_text.h"
#include "sign_fixture.h"

static sign_request get(const char *url) {
    return (sign_request){.method = STR("GET"), .url = str_from(url)};
}

/* The field's value with a fixed client nonce. */
static bb_str answer(arena *a, const char *challenge, const char *username, const char *password,
                     const char *cnonce, const sign_request *r) {
    digest_challenge c;
    sign_addition added;
    ck_assert_msg(digest_challenge_read(a, str_from(challenge), &c), "%s", challenge);
    ck_assert(
        digest_sign_with(a, &c, str_from(username), str_from(password), 1, str_from(cnonce), r, &added));
    ck_assert_uint_eq(added.header_count, 1);
    ck_assert_int_eq(added.headers[0].ptr[added.headers[0].len], '\0');
    return added.headers[0];
}

#define RFC7616_MD5                                                                   \
    "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=MD5, " \
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "                        \
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
#define RFC7616_SHA256                                                                    \
    "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm=SHA-256, " \
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "                            \
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""

/* --- vectors ------------------------------------------------------------------------------------------ */

START_TEST(rfc7616_md5_and_sha256) {
    arena *a = arena_new(0);
    sign_request r = get("http://www.example.org/dir/index.html");
    const char *cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
    expect_str(
        answer(a, RFC7616_MD5, "Mufasa", "Circle of Life", cnonce, &r),
        "Authorization: Digest realm=\"http-auth@example.org\", username=\"Mufasa\", "
        "uri=\"/dir/index.html\", "
        "algorithm=MD5, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", nc=00000001, qop=auth, "
        "cnonce=\"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ\", "
        "response=\"8ca523f5e9506fed4657c9700eebdbec\", "
        "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"");
    /* the strongest of several, wherever it stands */
    bb_str wanted = answer(a, RFC7616_SHA256, "Mufasa", "Circle of Life", cnonce, &r);
    ck_assert(
        contains(wanted, "response=\"753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1\""));
    expect_str(answer(a, RFC7616_SHA256 ", " RFC7616_MD5, "Mufasa", "Circle of Life", cnonce, &r),
               wanted.ptr);
    expect_str(answer(a, "Basic realm=\"x\", " RFC7616_MD5 ", Negotiate, " RFC7616_SHA256 ", Bearer",
                      "Mufasa", "Circle of Life", cnonce, &r),
               wanted.ptr);
    arena_free(a);
}
END_TEST

#define RFC7616_SHA512                                                        \
    "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, " \
    "nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", "                \
    "opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8"

/* Section 3.9.2 with the response of erratum 4897: the text's own was made with a truncated SHA-512. */
START_TEST(rfc7616_sha512_256_and_userhash) {
    arena *a = arena_new(0);
    sign_request r = get("http://api.example.org/doe.json");
    bb_str hashed = answer(a, RFC7616_SHA512 ", userhash=true", "J\xc3\xa4s\xc3\xb8n Doe", "Secret, or not?",
                           "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", &r);
    ck_assert(
        contains(hashed, "response=\"3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5\""));
    ck_assert(
        contains(hashed, "username=\"793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b\""));
    ck_assert(contains(hashed, ", userhash=true"));
    bb_str plain = answer(a, RFC7616_SHA512, "J\xc3\xa4s\xc3\xb8n Doe", "Secret, or not?",
                          "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v", &r);
    ck_assert(contains(plain, "username*=UTF-8''J%C3%A4s%C3%B8n%20Doe, "));
    ck_assert(
        contains(plain, "response=\"3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5\""));
    ck_assert(!contains(plain, "userhash"));
    arena_free(a);
}
END_TEST

#define OLD                                                                               \
    "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", " \
    "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\""

START_TEST(rfc2617_and_rfc2069) {
    arena *a = arena_new(0);
    sign_request r = get("http://www.nowhere.org/dir/index.html");
    bb_str field = answer(a, OLD ", qop=\"auth,auth-int\"", "Mufasa", "Circle Of Life", "0a4f113b", &r);
    ck_assert(contains(field, "response=\"6629fae49393a05397450978507c4ef1\""));
    ck_assert(!contains(field, "algorithm")); /* not asked for, not told */
    /* with the response of erratum 749 */
    field = answer(a, OLD, "Mufasa", "CircleOfLife", "unused", &r);
    ck_assert(contains(field, "response=\"1949323746fe6a43ef61f9606e7febea\""));
    ck_assert(!contains(field, "qop") && !contains(field, "nc=") && !contains(field, "cnonce"));
    arena_free(a);
}
END_TEST

/* No published example: the formula of RFC 7616 section 3.4, worked out with another implementation of MD5.
 */
START_TEST(session_and_auth_int) {
    arena *a = arena_new(0);
    sign_request r = get("http://www.nowhere.org/dir/index.html");
    bb_str field = answer(a, OLD ", qop=auth, algorithm=MD5-sess", "Mufasa", "Circle Of Life", "0a4f113b",
                          &r);
    ck_assert_msg(contains(field, "response=\"8e3825c57e897f5a0dec6c2d4e5059d0\""), "%.*s", STR_FMT(field));
    ck_assert(contains(field, "algorithm=MD5-sess, "));
    r.method = STR("POST");
    r.body = STR("hello");
    field = answer(a, OLD ", qop=auth-int", "Mufasa", "Circle Of Life", "0a4f113b", &r);
    ck_assert_msg(contains(field, "response=\"b3da9049011b9dafbd8fc28b2deecc0b\""), "%.*s", STR_FMT(field));
    ck_assert(contains(field, "qop=auth-int, "));
    arena_free(a);
}
END_TEST

/* --- reading ------------------------------------------------------------------------------------------ */

START_TEST(challenges_in_odd_shapes) {
    arena *a = arena_new(0);
    digest_challenge c;
    ck_assert(digest_challenge_read(
        a, STR(" ,, dIGEST\tREALM = \"a\\\"b\\\\, c=\\\"d\" ,Nonce=n1 , , STALE=TRUE"), &c));
    expect_str(c.realm, "a\"b\\, c=\"d");
    expect_str(c.nonce, "n1");
    ck_assert(c.stale && !c.userhash);
    ck_assert_ptr_null(c.opaque.ptr);
    /* a token68 with padding, and one that looks like a scheme */
    ck_assert(digest_challenge_read(
        a, STR("Negotiate YIIB/+Zm==, NTLM TlRMTVNTUAAC=, Digest realm=\"\", nonce=\"\""), &c));
    expect_str(c.realm, "");
    expect_str(c.nonce, "");
    ck_assert(digest_challenge_read(a, STR("Basic, Digest realm=\"r\", nonce=\"n\""), &c));
    /* the first of a name counts */
    ck_assert(
        digest_challenge_read(a, STR("Digest realm=\"r\", realm=\"s\", nonce=\"n\", userhash=\"true\""), &c));
    expect_str(c.realm, "r");
    ck_assert(c.userhash);
    arena_free(a);
}
END_TEST

START_TEST(challenges_that_cannot_be_answered) {
    arena *a = arena_new(0);
    static const char *const wrong[] = {"",
                                        " ",
                                        ",",
                                        "Digest",
                                        "Basic realm=\"x\"",
                                        "Digest realm=\"x\"",
                                        "Digest nonce=\"x\"",
                                        "Digest realm=\"x, nonce=\"y\"",
                                        "Digest realm=\"x\", nonce=\"y",
                                        "Digest realm=\"x\", nonce=\"y\", algorithm=SHA-1",
                                        "Digest realm=\"x\", nonce=\"y\", qop=\"auth-conf\"",
                                        "Digest realm=\"x\", nonce=\"\n\"",
                                        "realm=\"x\", nonce=\"y\"",
                                        "Digest realm=x nonce",
                                        "\"",
                                        "=",
                                        "Digest =",
                                        "Digest realm=\"\\",
                                        "Bearer Digest, realm=\"x\", nonce=\"y\""};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        digest_challenge c;
        ck_assert_msg(!digest_challenge_read(a, str_from(wrong[i]), &c), "%s", wrong[i]);
    }
    arena_free(a);
}
END_TEST

START_TEST(a_good_one_before_a_damaged_one) {
    arena *a = arena_new(0);
    digest_challenge c;
    ck_assert(digest_challenge_read(a, STR("Digest realm=\"r\", nonce=\"n\", Digest realm=\"x"), &c));
    expect_str(c.realm, "r");
    arena_free(a);
}
END_TEST

/* --- writing ------------------------------------------------------------------------------------------ */

START_TEST(quotes_are_escaped) {
    arena *a = arena_new(0);
    sign_request r = get("https://h.example?q=\"x\\");
    bb_str field = answer(a, "Digest realm=\"a\\\"b\", nonce=\"n\\\\\", opaque=\"o\"", "u\"\\", "p", "c", &r);
    ck_assert(contains(field,
                       "realm=\"a\\\"b\", username=\"u\\\"\\\\\", uri=\"/?q=\\\"x\\\\\", nonce=\"n\\\\\", "));
    arena_free(a);
}
END_TEST

START_TEST(counts_and_nonces) {
    arena *a = arena_new(0);
    digest_challenge c;
    sign_addition added;
    sign_request r = get("https://h.example/");
    r.random[0] = 0xab;
    ck_assert(digest_challenge_read(a, STR(OLD ", qop=auth"), &c));
    ck_assert(digest_sign(a, &c, STR("u"), STR("p"), 0x1a2b3c4d, &r, &added));
    ck_assert(contains(added.headers[0], "nc=1a2b3c4d, "));
    ck_assert(contains(added.headers[0], "cnonce=\"ab000000000000000000000000000000\""));
    r.url = STR("nowhere");
    ck_assert(!digest_sign(a, &c, STR("u"), STR("p"), 1, &r, &added));
    arena_free(a);
}
END_TEST

START_TEST(sizes) {
    arena *a = arena_new(0);
    char *text = arena_alloc(a, 65536);
    memset(text, 'x', 65536);
    memcpy(text, "Digest realm=\"r\", nonce=\"", 25);
    text[65535] = '"';
    digest_challenge c;
    ck_assert(digest_challenge_read(a, str_of(text, 65536), &c));
    ck_assert_uint_eq(c.nonce.len, 65536 - 26);
    memset(text, ',', 65536);
    ck_assert(!digest_challenge_read(a, str_of(text, 65536), &c));
    memset(text, '=', 65536);
    ck_assert(!digest_challenge_read(a, str_of(text, 65536), &c));
    arena_free(a);
}
END_TEST

static bool attempt(arena *a) {
    digest_challenge c;
    sign_addition added;
    sign_request r = get("https://h.example");
    return digest_challenge_read(a, STR(OLD ", qop=auth"), &c) &&
           digest_sign(a, &c, STR("u"), STR("p"), 1, &r, &added);
}

START_TEST(little_memory) {
    torture(attempt);
}
END_TEST

UNIT_MAIN(unit_test(little_memory), unit_test(rfc7616_md5_and_sha256),
          unit_test(rfc7616_sha512_256_and_userhash), unit_test(rfc2617_and_rfc2069),
          unit_test(session_and_auth_int), unit_test(challenges_in_odd_shapes),
          unit_test(challenges_that_cannot_be_answered), unit_test(a_good_one_before_a_damaged_one),
          unit_test(quotes_are_escaped), unit_test(counts_and_nonces), unit_test(sizes))
