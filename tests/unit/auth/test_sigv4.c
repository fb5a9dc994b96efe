/* AWS Signature Version 4: the published cases, and requests that nobody should send. */
#include "auth/sigv4.h"

#include "auth/sign_text.h"
#include "sign_fixture.h"
#include "json/json.h"

#include <dirent.h>
#include <stdio.h>
#include <time.h>

static bb_str read_file(arena *a, const char *folder, const char *name) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "re");
    ck_assert_msg(f != NULL, "%s cannot be read", path);
    char *text = arena_alloc(a, 1 << 20);
    size_t n = fread(text, 1, 1 << 20, f);
    fclose(f);
    return str_of(text, n);
}

/* --- the cases ------------------------------------------------------------------------------------------ */

typedef struct sample {
    sigv4_credentials credentials;
    sign_request request;
    bb_str headers[32];
} sample;

static uint64_t time_of(bb_str rfc3339) {
    struct tm tm = {0};
    char text[32] = "";
    memcpy(text, rfc3339.ptr, rfc3339.len < 31 ? rfc3339.len : 31);
    ck_assert_ptr_nonnull(strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm));
    return (uint64_t)timegm(&tm) * 1000;
}

/* "GET /path with blanks HTTP/1.1", header lines (folded ones begin with a blank), an empty line, the body.
 */
static void read_request(arena *a, bb_str text, sample *out) {
    bb_str line, rest = text;
    ck_assert(str_split(&rest, '\n', &line) && str_split(&line, ' ', &out->request.method));
    ck_assert(str_ends(line, STR(" HTTP/1.1")));
    bb_str target = str_of(line.ptr, line.len - strlen(" HTTP/1.1"));
    out->request.url = arena_printf(a, "https://example.amazonaws.com%.*s", STR_FMT(target));
    out->request.headers = out->headers;
    while (rest.len > 0 && str_split(&rest, '\n', &line) && line.len > 0) {
        size_t n = out->request.header_count;
        if (line.ptr[0] == ' ')
            out->headers[n - 1].len = (size_t)(line.ptr + line.len - out->headers[n - 1].ptr);
        else
            out->headers[out->request.header_count++] = line;
    }
    out->request.body = rest;
}

static void read_sample(arena *a, const char *folder, sample *out) {
    const json_value *context = json_read(a, read_file(a, folder, "context.json"), NULL, NULL);
    const json_value *who = json_getl(context, "credentials");
    bool normalize = json_bool(json_getl(context, "normalize"), false);
    bool omit = json_bool(json_getl(context, "omit_session_token"), false); /* put on after signing */
    *out = (sample){0};
    out->credentials = (sigv4_credentials){
        .access_key = json_string(json_getl(who, "access_key_id")),
        .secret_key = json_string(json_getl(who, "secret_access_key")),
        .session_token = omit ? (bb_str){NULL, 0} : json_string(json_getl(who, "token")),
        .region = json_string(json_getl(context, "region")),
        .service = json_string(json_getl(context, "service")),
        .double_encode = true,
        .normalize_path = normalize,
        .content_sha256 = json_bool(json_getl(context, "sign_body"), false),
    };
    read_request(a, read_file(a, folder, "request.txt"), out);
    out->request.now_ms = time_of(json_string(json_getl(context, "timestamp")));
}

/* The field as the signed request of the case has it; absent: it has none. */
static bb_str wanted_field(bb_str text, const char *name) {
    bb_str line, found, value;
    while (text.len > 0 && str_split(&text, '\n', &line) && line.len > 0)
        if (sign_header_split(line, &found, &value) && str_eq_nocase(found, str_from(name)))
            return value;
    return (bb_str){NULL, 0};
}

static bool run_case(arena *a, const char *folder, const char *name) {
    sample s;
    sign_addition added;
    read_sample(a, folder, &s);
    bb_str wanted = read_file(a, folder, "header-signed-request.txt"), field, value;
    if (!sigv4_sign(a, &s.credentials, &s.request, &added))
        return false;
    bool same = added.header_count > 0;
    for (size_t i = 0; i < added.header_count; i++) {
        ck_assert(sign_header_split(added.headers[i], &field, &value));
        bb_str expected = wanted_field(wanted, arena_strdup(a, field));
        if (!str_eq(value, expected)) {
            same = false;
            printf("%s: %.*s\n  wanted %.*s\n", name, STR_FMT(added.headers[i]), STR_FMT(expected));
        }
    }
    return same;
}

START_TEST(published_cases) {
    const char *specs = getenv("BUSBAR_SPECS");
    if (specs == NULL) {
        printf("SKIP auth_sigv4:published_cases: BUSBAR_SPECS is not set\n");
        return;
    }
    char root[512], folder[1024];
    snprintf(root, sizeof root, "%s/conformance/aws-sigv4/v4", specs);
    DIR *dir = opendir(root);
    ck_assert_msg(dir != NULL, "%s cannot be read", root);
    unsigned cases = 0, wrong = 0;
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        if (d->d_name[0] == '.')
            continue;
        arena *a = arena_new(0);
        snprintf(folder, sizeof folder, "%s/%s", root, d->d_name);
        cases++;
        wrong += !run_case(a, folder, d->d_name);
        arena_free(a);
    }
    closedir(dir);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_ge(cases, 38);
}
END_TEST

/* --- requests of the test's own
 * ------------------------------------------------------------------------------- */

static const sigv4_credentials plain = {
    .access_key = {"AKIDEXAMPLE", 11},
    .secret_key = {"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40},
    .region = {"us-east-1", 9},
    .service = {"service", 7},
    .double_encode = true,
    .normalize_path = true,
};
#define NOW 1440938160000u /* 2015-08-30T12:36:00Z */

/* The Authorization field, or an absent slice. */
static bb_str sign(arena *a, const sigv4_credentials *c, const char *url, const bb_str *headers, size_t count,
                   bb_str body) {
    sign_request r = {.method = STR("GET"),
                      .url = str_from(url),
                      .headers = headers,
                      .header_count = count,
                      .body = body,
                      .now_ms = NOW};
    sign_addition added;
    if (!sigv4_sign(a, c, &r, &added))
        return (bb_str){NULL, 0};
    for (size_t i = 0; i < added.header_count; i++)
        ck_assert_int_eq(added.headers[i].ptr[added.headers[i].len], '\0');
    return added.headers[added.header_count - 1];
}

static bb_str of_url(arena *a, const char *url) {
    return sign(a, &plain, url, NULL, 0, (bb_str){NULL, 0});
}

START_TEST(host_comes_from_the_url) {
    arena *a = arena_new(0);
    bb_str host = STR("Host: example.amazonaws.com");
    bb_str given = sign(a, &plain, "https://example.amazonaws.com/", &host, 1, (bb_str){NULL, 0});
    ck_assert(contains(given,
                       "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31")); /* get-vanilla */
    static const char *const same[] = {"https://example.amazonaws.com/", "https://example.amazonaws.com",
                                       "https://example.amazonaws.com:443/", "HTTPS://example.amazonaws.com?",
                                       "https://example.amazonaws.com/?&&"};
    for (size_t i = 0; i < 5; i++)
        expect_str(of_url(a, same[i]), given.ptr);
    ck_assert(!str_eq(of_url(a, "https://example.amazonaws.com:8443/"), given));
    arena_free(a);
}
END_TEST

START_TEST(urls_that_cannot_be_taken_apart) {
    arena *a = arena_new(0);
    static const char *const wrong[] = {"",
                                        "/",
                                        "ftp://x/",
                                        "https://",
                                        "https:///x",
                                        "https://user:pw@host/",
                                        "https://host/#part",
                                        "http",
                                        "https://:443/"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(of_url(a, wrong[i]).ptr == NULL, "%s", wrong[i]);
    arena_free(a);
}
END_TEST

START_TEST(queries_are_one_in_many_spellings) {
    arena *a = arena_new(0);
    bb_str wanted = of_url(a, "https://h.example/?a=%20&b=x%2Fy&c=%25zz");
    static const char *const same[] = {"https://h.example/?c=%zz&b=x/y&a=+",
                                       "https://h.example/?b=x%2fy&&c=%25zz&a=%20"};
    for (size_t i = 0; i < 2; i++)
        expect_str(of_url(a, same[i]), wanted.ptr);
    /* a name without "=" has an empty value; a value may hold "=" */
    expect_str(of_url(a, "https://h.example/?k"), of_url(a, "https://h.example/?k=").ptr);
    expect_str(of_url(a, "https://h.example/?k=a=b"), of_url(a, "https://h.example/?k=a%3Db").ptr);
    /* duplicates are ordered by value */
    expect_str(of_url(a, "https://h.example/?k=b&k=a"), of_url(a, "https://h.example/?k=a&k=b").ptr);
    ck_assert(!str_eq(of_url(a, "https://h.example/?k=a&k=a"), of_url(a, "https://h.example/?k=a")));
    arena_free(a);
}
END_TEST

START_TEST(header_fields_in_canonical_form) {
    arena *a = arena_new(0);
    const bb_str one[] = {STR("X-Long: a b c"), STR("x-two: 1"), STR("X-Two: 2")};
    const bb_str other[] = {STR("x-two:1"),           STR("X-LONG:\t a  \t b   c \t"),
                            STR("X-Two:2 "),          STR("User-Agent: any"),
                            STR("Traceparent: 00-1"), STR("Authorization: Bearer x"),
                            STR("no colon here"),     STR(": no name")};
    bb_str wanted = sign(a, &plain, "https://h.example/", one, 3, (bb_str){NULL, 0});
    ck_assert(contains(wanted, "SignedHeaders=host;x-amz-date;x-long;x-two,"));
    expect_str(sign(a, &plain, "https://h.example/", other, 8, (bb_str){NULL, 0}), wanted.ptr);
    arena_free(a);
}
END_TEST

START_TEST(paths_of_object_stores) {
    arena *a = arena_new(0);
    sigv4_credentials s3 = plain;
    s3.double_encode = s3.normalize_path = false;
    s3.content_sha256 = true;
    bb_str wanted = sign(a, &s3, "https://b.example/a//%20b/../%2Fc%28", NULL, 0, (bb_str){NULL, 0});
    ck_assert(contains(wanted, "x-amz-content-sha256"));
    expect_str(sign(a, &s3, "https://b.example/a//%20b/../%2fc(", NULL, 0, (bb_str){NULL, 0}), wanted.ptr);
    ck_assert(!str_eq(sign(a, &s3, "https://b.example/a/%20b/../%2Fc(", NULL, 0, (bb_str){NULL, 0}), wanted));
    arena_free(a);
}
END_TEST

/* "Authenticating Requests (AWS Signature Version 4)", Amazon S3 API: the example "GET Object". */
START_TEST(s3_get_object) {
    arena *a = arena_new(0);
    sigv4_credentials s3 = {.access_key = STR("AKIAIOSFODNN7EXAMPLE"),
                            .secret_key = STR("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
                            .region = STR("us-east-1"),
                            .service = STR("s3"),
                            .content_sha256 = true};
    bb_str range = STR("Range: bytes=0-9");
    sign_request r = {.method = STR("GET"),
                      .url = STR("https://examplebucket.s3.amazonaws.com/test.txt"),
                      .headers = &range,
                      .header_count = 1,
                      .now_ms = 1369353600000u};
    sign_addition added;
    ck_assert(sigv4_sign(a, &s3, &r, &added));
    ck_assert_uint_eq(added.header_count, 3);
    expect_str(
        added.headers[2],
        "Authorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
        "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
        "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
    arena_free(a);
}
END_TEST

START_TEST(unsigned_payload) {
    arena *a = arena_new(0);
    sigv4_credentials s3 = plain;
    s3.content_sha256 = true;
    bb_str field = STR("x-amz-content-sha256: UNSIGNED-PAYLOAD");
    bb_str one = sign(a, &s3, "https://h.example/", &field, 1, STR("one"));
    expect_str(sign(a, &s3, "https://h.example/", &field, 1, STR("two")), one.ptr);
    ck_assert(!str_eq(sign(a, &s3, "https://h.example/", NULL, 0, STR("two")), one));
    arena_free(a);
}
END_TEST

START_TEST(sizes) {
    arena *a = arena_new(0);
    char *big = arena_alloc(a, 65536);
    memset(big, ' ', 65536);
    memcpy(big, "X-Big: v", 8);
    bb_str line = str_of(big, 65536), small = STR("X-Big: v");
    expect_str(sign(a, &plain, "https://h.example/", &line, 1, (bb_str){NULL, 0}),
               sign(a, &plain, "https://h.example/", &small, 1, (bb_str){NULL, 0}).ptr);
    char *url = arena_alloc(a, 65536);
    memset(url, '&', 65536);
    memcpy(url, "https://h.example/?", 19);
    url[65535] = '\0';
    expect_str(of_url(a, url), of_url(a, "https://h.example/").ptr);
    memset(url + 19, '/', 65516);
    memcpy(url + 18, "/", 1);
    expect_str(of_url(a, url), of_url(a, "https://h.example/").ptr);
    arena_free(a);
}
END_TEST

static bool attempt(arena *a) {
    return of_url(a, "https://h.example/x?y=z").ptr != NULL;
}

START_TEST(little_memory) {
    torture(attempt);
}
END_TEST

UNIT_MAIN(unit_test(little_memory), unit_test(published_cases), unit_test(host_comes_from_the_url),
          unit_test(urls_that_cannot_be_taken_apart), unit_test(queries_are_one_in_many_spellings),
          unit_test(header_fields_in_canonical_form), unit_test(paths_of_object_stores),
          unit_test(s3_get_object), unit_test(unsigned_payload), unit_test(sizes))
