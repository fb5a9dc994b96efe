/* What services say of their limits, in every form that is about. */
#include <busbar/busbar.h>

#include "pipeline/told.h"

#include "unit.h"

#define NOW 1769860800000ull /* 2026-01-31T12:00:00Z */
#define DAY_MS 86400000ull

static told heard(unsigned status, const str_pair *fields, size_t n) {
    told t;
    told_read(fields, n, status, NOW, &t);
    return t;
}

#define FIELD(name, value) \
    { STR(name), STR(value) }
#define HEARD(status, ...)                           \
    heard((status), (const str_pair[]){__VA_ARGS__}, \
          sizeof((const str_pair[]){__VA_ARGS__}) / sizeof(str_pair))

static void says(told t, uint64_t left, uint64_t reset_ms) {
    ck_assert(t.has_left);
    ck_assert_uint_eq(t.left, left);
    ck_assert_uint_eq(t.reset_ms, reset_ms);
}

/* RateLimit with that value. */
static told ratelimit(const char *value) {
    const str_pair field = {STR("RateLimit"), str_from(value)};
    return heard(200, &field, 1);
}

static told pair(const char *left, const char *reset) {
    const str_pair fields[] = {{STR("X-RateLimit-Remaining"), str_from(left)},
                               {STR("X-RateLimit-Reset"), str_from(reset)}};
    return heard(200, fields, 2);
}

static void silent(told t) {
    ck_assert(!t.has_left);
    ck_assert_uint_eq(t.wait_ms, 0);
}

START_TEST(nothing) {
    silent(heard(200, NULL, 0));
    silent(HEARD(200, FIELD("Content-Type", "application/json"),
                 FIELD("Date", "Sat, 31 Jan 2026 12:00:00 GMT")));
    silent(HEARD(200, FIELD("RateLimit-Policy", "\"default\";q=100;w=60")));
    silent(HEARD(200, FIELD("X-RateLimit-Limit", "100")));
    silent(HEARD(200, FIELD("X-RateLimit-Remaining", "5"))); /* without a reset it says too little */
    silent(HEARD(200, FIELD("X-RateLimit-Reset", "5")));
    silent(HEARD(200, FIELD("", "")));
    silent(HEARD(200, FIELD("RateLimi", "r=1;t=1")));
}
END_TEST

/* draft-ietf-httpapi-ratelimit-headers-08 and later. */
START_TEST(lists_of_items) {
    says(ratelimit("\"default\";r=50;t=30"), 50, 30000);
    says(ratelimit("\"default\" ; r=50 ; t=30"), 50, 30000);
    says(ratelimit("default;t=30;r=50"), 50, 30000);
    says(ratelimit("\"default\";r=0;t=30;pk=:cHNsZWVw:"), 0, 30000);
    says(ratelimit("\"default\";r=7"), 7, 1000); /* no t: for a moment */
    says(ratelimit("\"a\";r=50;t=30, \"b\";r=10;t=3600"), 10, 3600000);
    says(ratelimit("\"a\";r=0;t=30,\"b\";r=0;t=3600,\"c\";r=0;t=5"), 0, 3600000);
    says(ratelimit("\"a\";r=5;t=30,\"b\""), 5, 30000);
    says(HEARD(200, FIELD("ratelimit", "\"a\";r=5;t=30"), FIELD("RATELIMIT", "\"b\";r=2;t=60")), 2, 60000);
}
END_TEST

START_TEST(names_in_quotes_say_nothing) {
    says(ratelimit("\"x,y;r=0;t=100\";r=50;t=30"), 50, 30000);
    says(ratelimit("\"a\\\",b;r=0;t=9\";r=4;t=3"), 4, 3000);
    silent(ratelimit("\"r=1;t=2\""));
}
END_TEST

/* Up to -07: a dictionary, or three fields. */
START_TEST(older_drafts) {
    says(ratelimit("limit=100, remaining=50, reset=30"), 50, 30000);
    says(ratelimit("limit=100,remaining=0,reset=1"), 0, 1000);
    says(ratelimit("reset=30, remaining=50"), 50, 30000);
    says(ratelimit("limit=10, remaining=2;w=5, reset=3;w=5"), 2, 3000);
    silent(ratelimit("limit=100, remaining=50"));
    says(HEARD(200, FIELD("RateLimit-Limit", "10, 10;w=1, 50;w=60"), FIELD("RateLimit-Remaining", "9"),
               FIELD("RateLimit-Reset", "50")),
         9, 50000);
}
END_TEST

START_TEST(x_forms) {
    says(HEARD(200, FIELD("X-RateLimit-Limit", "60"), FIELD("X-RateLimit-Remaining", "59"),
               FIELD("X-RateLimit-Reset", "3600")),
         59, 3600000);
    says(HEARD(429, FIELD("x-ratelimit-remaining", "0"), FIELD("x-ratelimit-reset", "17")), 0, 17000);
    says(HEARD(200, FIELD("x-rate-limit-remaining", "3"), FIELD("x-rate-limit-reset", "4")), 3, 4000);
    says(HEARD(200, FIELD("X-Rate-Limit-Remaining", "3"), FIELD("X-Rate-Limit-Reset", "4")), 3, 4000);
    /* Seconds from now with a fraction go before a time by another clock. */
    says(HEARD(200, FIELD("X-RateLimit-Remaining", "0"), FIELD("X-RateLimit-Reset", "1470173023.123"),
               FIELD("X-RateLimit-Reset-After", "4.32187")),
         0, 4321);
    says(HEARD(200, FIELD("X-RateLimit-Remaining", "1"), FIELD("X-RateLimit-Reset-After", "64")), 1, 64000);
    says(HEARD(200, FIELD("X-RateLimit-Remaining", "1"), FIELD("X-RateLimit-Reset-After", "0.5")), 1, 500);
    says(HEARD(200, FIELD("X-RateLimit-Remaining", "1"), FIELD("X-RateLimit-Reset-After", "99999999999.9")),
         1, 86400000);
    says(HEARD(200, FIELD("X-RateLimit-Remaining", "1"), FIELD("X-RateLimit-Reset-After", "soon"),
               FIELD("X-RateLimit-Reset", "7")),
         1, 7000);
    silent(
        HEARD(200, FIELD("X-RateLimit-Remaining", "3"), FIELD("X-Rate-Limit-Reset", "4"))); /* of two kinds */
}
END_TEST

START_TEST(forms_of_a_reset) {
    says(pair("1", "0"), 1, 0);
    says(pair("1", "90"), 1, 90000);
    says(pair("1", "90.75"), 1, 90000);
    says(pair("1", " 90 "), 1, 90000);
    says(pair("1", "1769860830"), 1, 30000);    /* seconds since 1970 */
    says(pair("1", "1769860830.5"), 1, 30000);  /* with a fraction */
    says(pair("1", "1769860830500"), 1, 30500); /* milliseconds since 1970 */
    says(pair("1", "1769860770"), 1, 0);        /* gone */
    says(pair("1", "1769860770000"), 1, 0);     /* gone */
    says(pair("1", "86400"), 1, DAY_MS);
    says(pair("1", "86401"), 1, DAY_MS); /* no service is believed for longer */
    says(pair("1", "999999999"), 1, DAY_MS);
    says(pair("1", "1801396800"), 1, DAY_MS); /* a year from now */
    says(pair("1", "999999999999999999"), 1, DAY_MS);
    says(pair("999999999999999999", "1"), 999999999999999999u, 1000);
}
END_TEST

START_TEST(nonsense) {
    static const char *const bad[] = {"",
                                      " ",
                                      "x",
                                      "-1",
                                      "+1",
                                      "1e3",
                                      "1s",
                                      "0x1",
                                      "\"5\"",
                                      "NaN",
                                      "9999999999999999999",
                                      "..",
                                      ";",
                                      "unlimited",
                                      "Sat, 31 Jan 2026 12:00:30 GMT",
                                      "2026-01-31T12:00:30Z"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const char *text = bad[i];
        ck_assert_msg(!pair(text, "5").has_left, "\"%s\"", text);
        ck_assert_msg(!pair("5", text).has_left, "\"%s\"", text);
        ck_assert_msg(!ratelimit(text).has_left, "\"%s\"", text);
    }
    static const char *const lists[] = {";;;;",      ",,,,",

                                        "=;=;=",     "\"a\";r;t",   "a;r=;t=",           "a;r=x;t=1",
                                        "a;R=1;T=1", "a;rr=1;tt=1", "remaining=;reset=", "remaining, reset",
                                        "\"",        "\"\\",        "a;r=-1;t=5"};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        ck_assert_msg(!ratelimit(lists[i]).has_left, "\"%s\"", lists[i]);
}
END_TEST

START_TEST(the_newer_form_comes_first) {
    told t = HEARD(200, FIELD("X-RateLimit-Remaining", "1"), FIELD("X-RateLimit-Reset", "1"),
                   FIELD("RateLimit", "\"d\";r=9;t=8"));
    says(t, 9, 8000);
    t = HEARD(200, FIELD("X-RateLimit-Remaining", "1"), FIELD("X-RateLimit-Reset", "1"),
              FIELD("RateLimit-Remaining", "9"), FIELD("RateLimit-Reset", "8"));
    says(t, 9, 8000);
    t = HEARD(200, FIELD("X-RateLimit-Remaining", "1"), FIELD("X-RateLimit-Reset", "1"),
              FIELD("RateLimit", "nonsense"));
    says(t, 1, 1000);
}
END_TEST

/* --- Retry-After -------------------------------------------------------------------------------------------
 */

static uint64_t wait_of(unsigned status, const char *retry_after) {
    const str_pair field = {STR("Retry-After"), str_from(retry_after)};
    told t = heard(status, &field, 1);
    ck_assert(!t.has_left);
    return t.wait_ms;
}

START_TEST(pauses) {
    ck_assert_uint_eq(wait_of(429, "5"), 5000);
    ck_assert_uint_eq(wait_of(503, "5"), 5000);
    ck_assert_uint_eq(wait_of(429, "0"), 0);
    ck_assert_uint_eq(wait_of(429, "Sat, 31 Jan 2026 12:00:30 GMT"), 30000);
    ck_assert_uint_eq(wait_of(429, "Saturday, 31-Jan-26 12:00:30 GMT"), 30000);
    ck_assert_uint_eq(wait_of(429, "Sat Jan 31 12:00:30 2026"), 30000);
    ck_assert_uint_eq(wait_of(429, "Sat, 31 Jan 2026 11:59:30 GMT"), 0);
    ck_assert_uint_eq(wait_of(429, "86401"), DAY_MS);
    ck_assert_uint_eq(wait_of(429, "99999999999999"), DAY_MS);
    ck_assert_uint_eq(wait_of(429, "18446744073709551616"), DAY_MS);
    ck_assert_uint_eq(wait_of(429, "99999999999999999999999999999999999999"), DAY_MS);
    ck_assert_uint_eq(wait_of(429, "Fri, 31 Dec 9999 23:59:59 GMT"), DAY_MS);
    ck_assert_uint_eq(wait_of(429, ""), 0);
    ck_assert_uint_eq(wait_of(429, "soon"), 0);
    ck_assert_uint_eq(wait_of(429, "-5"), 0);
    static const unsigned others[] = {200, 201, 301, 400, 401, 404, 500, 502, 504};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_uint_eq(wait_of(others[i], "5"), 0);
}
END_TEST

START_TEST(a_pause_and_a_limit) {
    told t = HEARD(429, FIELD("retry-after", "7"), FIELD("RateLimit", "\"d\";r=0;t=30"));
    says(t, 0, 30000);
    ck_assert_uint_eq(t.wait_ms, 7000);
}
END_TEST

START_TEST(which_limit_is_meant) {
    const str_pair bucket = FIELD("X-RateLimit-Bucket", "abcd1234"),
                   left = FIELD("X-RateLimit-Remaining", "3"), after = FIELD("X-RateLimit-Reset-After", "1"),
                   again = FIELD("Retry-After", "7");
    told t = HEARD(200, bucket, left, after, FIELD("X-RateLimit-Limit", "5"));
    ck_assert(str_eq(t.bucket, STR("abcd1234")));
    ck_assert_uint_eq(t.limit, 5);
    t = HEARD(429, bucket, left, after, again, FIELD("X-RateLimit-Scope", "user"));
    ck_assert(!t.whole);
    ck_assert_uint_eq(t.wait_ms, 7000);
    ck_assert(!HEARD(429, again, FIELD("x-ratelimit-scope", "shared")).whole);
    ck_assert(HEARD(429, again, FIELD("X-RateLimit-Scope", "global")).whole);
    ck_assert(HEARD(429, again, bucket, FIELD("X-RateLimit-Global", "true")).whole);
    ck_assert(HEARD(429, again).whole); /* it names none */
    ck_assert(HEARD(503, again, left, after).whole);
}
END_TEST

UNIT_MAIN(which_limit_is_meant, unit_test(nothing), unit_test(lists_of_items),
          unit_test(names_in_quotes_say_nothing), unit_test(older_drafts), unit_test(x_forms),
          unit_test(forms_of_a_reset), unit_test(nonsense), unit_test(the_newer_form_comes_first),
          unit_test(pauses), unit_test(a_pause_and_a_limit))
