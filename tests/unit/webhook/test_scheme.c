/* The hub's own schemes: what their samples sign they verify, and nothing else; and vectors made elsewhere
 * (OpenSSL's command line, Python's hmac). */
#include <busbar/busbar.h>

#include "scheme_fixture.h"

#define STD_KEY "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define STD_PUBLIC "whpk_A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
#define STD_V1 "v1,AMaOha7DUT/0J0JMycRuYOBSvbx3WtwLd2khXXbaVj4="
#define STD_V1A "v1a,DA+4m4VqA33Hm9Wlha/1LaJIOTEvbTa2btJ5gtcP1KIJ83aMbtlDaDEj9gW4UzCjPd9EMUgy41eDWvfIiFddCQ=="

/* Whether a request with these header fields ("A: b\nC: d") is taken. */
static bool takes_with(const char *scheme, const char *fields, const char *headers) {
    trial t;
    bb_str lines[8], rest = str_from(headers);
    begin(&t, fields);
    while (str_split(&rest, '\n', &lines[t.request.header_count]))
        t.request.header_count++;
    t.request.headers = lines;
    bool taken = takes(&t, scheme);
    end(&t);
    return taken;
}

#define WRONG "v1,AAAA v1a,AAAA v1,AAAA v1a,AAAA "

START_TEST(vectors_made_elsewhere_fit) {
    static const char ids[] = "webhook-id: msg_1\nWEBHOOK-TIMESTAMP: 1700000000\nWebhook-Signature: ";
    const struct {
        const char *scheme, *fields, *headers;
        bool taken;
    } all[] = {
        {"hmac",
         "{\"secret\":\"k\",\"algorithm\":\"sha256\",\"encoding\":\"hex\",\"signed\":\"{body}\","
         "\"secret_encoding\":\"text\",\"header\":\"X-S\"}",
         "x-s: c3a92ff9e274cdcce27a58c15a78ec6dcbbdbd0038a87e7a11baef2028fd8bff", true},
        {"bearer", "{\"secret\":\"abc\"}", "authorization: BEARER abc", true},
        {"bearer", "{\"secret\":\"abc\"}", "authorization: Bearer abcd", false},
        {"bearer", "{}", "authorization: Bearer ", false},
        {"basic", "{\"username\":\"Aladdin\",\"password\":\"open sesame\"}",
         "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", true}, /* RFC 7617 section 2 */
        {"basic", "{\"username\":\"Aladdin\",\"password\":\"open sesame\"}",
         "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=", false},
        {"basic", "{}", "Authorization: Basic ", false},
        {"token", "{\"secret\":\"abc\",\"header\":\"X-T\"}", "X-T: abc", true},
        {"token", "{\"secret\":\"abc\",\"header\":\"X-T\"}", "X-T:\tabc", true}, /* RFC 9110 section 5.5 */
        {"token", "{\"secret\":\"abc\",\"header\":\"X-T\"}", "X-T: \t abc", true},
        {"token", "{\"secret\":\"abc\",\"header\":\"X-T\"}", "X-Tt: abc", false},
        {"token", "{\"header\":\"X-T\"}", "X-T: ", false},
        {"none", "{}", "", true},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        ck_assert_msg(takes_with(all[i].scheme, all[i].fields, all[i].headers) == all[i].taken, "%s: %s",
                      all[i].scheme, all[i].headers);
    char text[512];
    static const struct {
        const char *key, *signature;
        bool taken;
    } standard[] = {{STD_KEY, STD_V1, true},
                    {STD_KEY, "v2,x v1,AAAA " STD_V1, true},
                    {STD_KEY, STD_V1A, false},
                    {STD_PUBLIC, STD_V1A, true},
                    {STD_PUBLIC, STD_V1, false},
                    {"whsec_!", STD_V1, false},
                    {"whpk_AAAA", STD_V1A, false},
                    {STD_KEY, WRONG WRONG WRONG WRONG STD_V1, true},
                    {STD_PUBLIC, WRONG "v1a,AAAA v1a,AAAA v1a,AAAA " STD_V1A, true},
                    {STD_PUBLIC, WRONG WRONG WRONG WRONG STD_V1A, false}};
    for (size_t i = 0; i < sizeof standard / sizeof standard[0]; i++) {
        char fields[256];
        snprintf(fields, sizeof fields, "{\"secret\":\"%s\"}", standard[i].key);
        snprintf(text, sizeof text, "%s%s", ids, standard[i].signature);
        ck_assert_msg(takes_with("standard_webhooks", fields, text) == standard[i].taken, "%s %s",
                      standard[i].key, standard[i].signature);
    }
}
END_TEST

/* Has the scheme's own sample verified, then with each byte of the body changed. */
static void round_trip(const char *scheme, const char *fields, bool covers_body) {
    trial t;
    begin(&t, fields);
    scheme_sample s = {.id = STR("evt_1"), .request = t.request};
    ck_assert_msg(scheme_sample_sign(&t.call.abi, own_scheme_find(str_from(scheme)), &s), "%s", fields);
    t.request = s.request;
    t.request.headers = s.lines;
    ck_assert_msg(takes(&t, scheme), "%s %s: %.*s", scheme, fields, STR_FMT(t.call.error.message));
    char body[16];
    for (size_t i = 0; i < t.request.body.len && covers_body; i++) {
        memcpy(body, s.request.body.ptr, s.request.body.len);
        body[i] ^= 1;
        t.request.body.ptr = body;
        ck_assert_msg(!takes(&t, scheme), "%s: byte %zu", fields, i);
    }
    end(&t);
}

START_TEST(samples_are_verified_and_nothing_else_is) {
    static const char *const algorithms[] = {"sha1", "sha256", "sha512"}, *const encodings[] = {"hex",
                                                                                                "base64"};
    static const char *const shapes[] = {
        "\"signed\":\"{body}\"",
        "\"signed\":\"{body}\",\"prefix\":\"sha256=\"",
        "\"signed\":\"{timestamp}.{body}\",\"timestamp_header\":\"X-Time\"",
        "\"signed\":\"v0:{timestamp}:{body}\",\"signature_key\":\"v1\",\"timestamp_key\":\"t\"",
        "\"signed\":\"{method}{url}{body}{timestamp}\",\"timestamp_header\":\"X-Time\"",
        "\"signed\":\"{id}|{path}|{body}|{nothing}{\",\"id_from\":\"X-Id\""};
    char fields[512];
    for (size_t a = 0; a < 3; a++)
        for (size_t e = 0; e < 2; e++)
            for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
                snprintf(fields, sizeof fields,
                         "{\"secret\":\"6b6579\",\"secret_encoding\":\"%s\",\"header\":\"X-S\","
                         "\"algorithm\":\"%s\",\"encoding\":\"%s\",%s}",
                         s % 2 == 0 ? "hex" : "text", algorithms[a], encodings[e], shapes[s]);
                round_trip("hmac", fields, true);
            }
    round_trip("standard_webhooks", "{\"secret\":\"" STD_KEY "\",\"type_from\":\"/type\"}", true);
    round_trip("bearer", "{\"secret\":\"abc\"}", false);
    round_trip("token", "{\"secret\":\"abc\",\"header\":\"X-T\"}", false);
    round_trip("basic", "{\"username\":\"u\",\"password\":\"p:w\"}", false);
    round_trip("none", "{}", false);
    trial t;
    begin(&t, "{\"secret\":\"" STD_PUBLIC "\"}");
    scheme_sample s = {.id = STR("evt_1"), .request = t.request};
    ck_assert(!scheme_sample_sign(&t.call.abi, &scheme_standard, &s)); /* of a public key */
    end(&t);
}
END_TEST

START_TEST(ids_and_types_are_found_where_they_stand) {
    static const struct {
        const char *fields, *id, *type;
    } all[] = {{"{\"id_from\":\"/id\",\"type_from\":\"X-Type\"}", "7", "made"},
               {"{\"id_from\":\"X-Id\",\"type_from\":\"/data/kind\"}", "d-1", "order"},
               {"{\"id_from\":\"/none\",\"type_from\":\"X-None\"}", "", ""}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        trial t;
        const bb_str lines[] = {STR("X-Id: d-1"), STR("x-type: made")};
        begin(&t, all[i].fields);
        t.request.headers = lines;
        t.request.header_count = 2;
        t.request.body = STR("{\"id\":7,\"data\":{\"kind\":\"order\"}}");
        ck_assert(takes(&t, "none"));
        ck_assert(str_eq(t.said.events[0].id, str_from(all[i].id)));
        ck_assert(str_eq(t.said.events[0].type, str_from(all[i].type)));
        ck_assert(str_eq(t.said.events[0].payload, t.request.body));
        end(&t);
    }
}
END_TEST

START_TEST(times_are_read_in_seconds_and_milliseconds) {
    static const struct {
        const char *text;
        int64_t ms;
    } all[] = {{"1700000000", 1700000000000},
               {"1700000000123", 1700000000123},
               {"0", 0},
               {"", -1},
               {"17000000001x3", -1},
               {"-1", -1},
               {"1.5", -1},
               {"99999999999999", -1}};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        trial t;
        begin(&t, "{}");
        int read = scheme_signed_at(&t.call.abi, str_from(all[i].text));
        ck_assert_msg(read == (all[i].ms >= 0), "%s", all[i].text);
        ck_assert_msg(!read || t.said.signed_at_ms == all[i].ms, "%s", all[i].text);
        end(&t);
    }
}
END_TEST

UNIT_MAIN(unit_test(vectors_made_elsewhere_fit), unit_test(samples_are_verified_and_nothing_else_is),
          unit_test(ids_and_types_are_found_where_they_stand),
          unit_test(times_are_read_in_seconds_and_milliseconds))
