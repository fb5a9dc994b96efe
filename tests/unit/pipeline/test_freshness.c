/* How long an answer may be kept, by what the service says (RFC 9111 section 5.2.2), and what a caller will
 * take (section 5.2.1). */
#include <busbar/busbar.h>

#include "pipeline/freshness.h"

#include "unit.h"

#define YEAR_MS 31536000000ull

static freshness of(const char *cache_control, const char *age) {
    freshness f;
    freshness_read(str_from(cache_control), str_from(age), &f);
    return f;
}

static void keeps(const char *cache_control, const char *age, uint64_t max_age_ms) {
    freshness f = of(cache_control, age);
    ck_assert_msg(f.has_max_age, "%s", cache_control);
    ck_assert_msg(f.max_age_ms == max_age_ms, "%s: %llu", cache_control, (unsigned long long)f.max_age_ms);
}

START_TEST(nothing_said) {
    static const char *const nothing[] = {
        NULL,       "",           " ",          ",",  ",,",    "public",   "private",    "foo=bar, baz",
        "max-ag=5", "max-agee=5", "xmax-age=5", "no", "store", "no_store", "s-maxage=10"};
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        freshness f = of(nothing[i], NULL);
        ck_assert_msg(!f.no_store && !f.no_cache && !f.has_max_age && f.max_age_ms == 0, "%zu", i);
    }
}
END_TEST

START_TEST(directives) {
    ck_assert(of("no-store", NULL).no_store);
    ck_assert(of("No-Store", NULL).no_store);
    ck_assert(of("private, no-store, max-age=0", NULL).no_store);
    ck_assert(of("private,no-store", NULL).no_store);
    ck_assert(of("\tno-store\t", NULL).no_store);
    ck_assert(of("no-cache", NULL).no_cache);
    ck_assert(of("NO-CACHE", NULL).no_cache);
    ck_assert(!of("no-cache", NULL).no_store);
    ck_assert(of("no-cache=\"Set-Cookie\"", NULL).no_cache); /* of a field: of all, to be sure */
    keeps("max-age=60", NULL, 60000);
    keeps("Max-Age=60", NULL, 60000);
    keeps("public, max-age=60, must-revalidate", NULL, 60000);
    keeps(" max-age = 60 ", NULL, 60000);
    keeps("max-age=0", NULL, 0);
    keeps("max-age=007", NULL, 7000);
    freshness all = of("no-cache, no-store, max-age=5", NULL);
    ck_assert(all.no_cache && all.no_store && all.has_max_age && all.max_age_ms == 5000);
}
END_TEST

START_TEST(quoted_values) {
    keeps("max-age=\"60\"", NULL, 60000); /* section 5.2: to be understood in both forms */
    keeps("private=\"a, max-age=5\", max-age=60", NULL, 60000);
    keeps("ext=\"a\\\", max-age=5, \\\\\", max-age=60", NULL, 60000);
    ck_assert(!of("private=\"x, no-store, y\"", NULL).no_store);
    ck_assert(!of("ext=\"no-store\"", NULL).no_store);
    ck_assert(of("ext=\"a,b\",no-store", NULL).no_store);
    ck_assert(of("ext=\"a, no-store", NULL).no_store); /* a quote without an end hides nothing */
    ck_assert(of("ext=\"a\\\", no-store", NULL).no_store);
}
END_TEST

/* A megabyte of quotes without an end: were each searched to the end of the text, this took hours. */
START_TEST(hostile_quotes_end) {
    static const char *const pieces[] = {"\"\\", "\"\\\"\\,", "\"\\\",", "\",", "\\\","};
    for (size_t i = 0; i < sizeof pieces / sizeof pieces[0]; i++) {
        buf text;
        freshness f;
        buf_init(&text);
        buf_lit(&text, "x=\"");
        while (text.len < 1000000)
            buf_str_add(&text, str_from(pieces[i]));
        buf_lit(&text, ", max-age=7");
        freshness_read(buf_str(&text), (bb_str){NULL, 0}, &f);
        ck_assert(!f.has_max_age || f.max_age_ms == 7000);
        buf_free(&text);
    }
}
END_TEST

START_TEST(nonsense_counts_as_stale) {
    static const char *const bad[] = {"max-age",     "max-age=",    "max-age=x",   "max-age=-1",
                                      "max-age=1.5", "max-age=60s", "max-age=+60", "max-age=\"\"",
                                      "max-age=\"6", "max-age=6 0", "max-age==60", "max-age='60'"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        keeps(bad[i], NULL, 0);
}
END_TEST

START_TEST(the_first_of_several_counts) {
    keeps("max-age=60, max-age=5", NULL, 60000);
    keeps("max-age=5, max-age=60", NULL, 5000);
    keeps("max-age=x, max-age=60", NULL, 0);
}
END_TEST

START_TEST(great_numbers) {
    keeps("max-age=31536000", NULL, YEAR_MS);
    keeps("max-age=31536001", NULL, YEAR_MS);
    keeps("max-age=2147483648", NULL, YEAR_MS);
    keeps("max-age=18446744073709551615", NULL, YEAR_MS);
    keeps("max-age=18446744073709551616", NULL, YEAR_MS); /* section 1.2.2: as the greatest there is */
    keeps("max-age=99999999999999999999999999", NULL, YEAR_MS);
}
END_TEST

START_TEST(the_age_is_taken_off) {
    keeps("max-age=60", "0", 60000);
    keeps("max-age=60", "10", 50000);
    keeps("max-age=60", " 10 ", 50000);
    keeps("max-age=60", "60", 0);
    keeps("max-age=60", "61", 0);
    keeps("max-age=60", "99999999999999999999", 0);
    keeps("max-age=60", "10, 20", 50000); /* section 5.1: the first of a list */
    keeps("max-age=60", "", 60000);
    keeps("max-age=60", "x", 60000);
    keeps("max-age=60", "-5", 60000);
    keeps("max-age=60", "1.5", 60000);
    freshness f = of(NULL, "10");
    ck_assert(!f.has_max_age && f.max_age_ms == 0);
}
END_TEST

START_TEST(fields_in_several_lines) {
    const str_pair fields[] = {{STR("Content-Type"), STR("application/json")},
                               {STR("cache-control"), STR("max-age=60")},
                               {STR("Age"), STR("10")},
                               {STR("Cache-Control"), STR("no-store, max-age=5")},
                               {STR("age"), STR("50")}};
    freshness f;
    freshness_of(fields, 5, &f);
    ck_assert(f.no_store && f.has_max_age && f.max_age_ms == 50000);
    freshness_of(fields, 2, &f);
    ck_assert(!f.no_store && f.has_max_age && f.max_age_ms == 60000);
    freshness_of(fields, 1, &f);
    ck_assert(!f.no_store && !f.has_max_age);
    freshness_of(NULL, 0, &f);
    ck_assert(!f.no_store && !f.has_max_age);
}
END_TEST

/* --- what a caller asks for
 * --------------------------------------------------------------------------------- */

static cache_wish wish_of(const char *text) {
    cache_wish w;
    freshness_wish(str_from(text), &w);
    return w;
}

START_TEST(wishes) {
    static const char *const nothing[] = {NULL, "", "max-stale=5", "min-fresh=5", "no-transform", "x,,y"};
    for (size_t i = 0; i < sizeof nothing / sizeof nothing[0]; i++) {
        cache_wish w = wish_of(nothing[i]);
        ck_assert_msg(!w.no_cache && !w.no_store && !w.only_if_cached && !w.has_max_age, "%zu", i);
    }
    ck_assert(wish_of("no-cache").no_cache);
    ck_assert(wish_of("No-Cache").no_cache);
    ck_assert(wish_of("no-store").no_store);
    ck_assert(wish_of("only-if-cached").only_if_cached);
    cache_wish w = wish_of("only-if-cached, max-age=30");
    ck_assert(w.only_if_cached && w.has_max_age && w.max_age_ms == 30000);
    w = wish_of("max-age=0");
    ck_assert(w.has_max_age && w.max_age_ms == 0);
    w = wish_of("max-age=nonsense");
    ck_assert(w.has_max_age && w.max_age_ms == 0);
    w = wish_of("max-age=\"7\", max-age=9");
    ck_assert(w.has_max_age && w.max_age_ms == 7000);
    w = wish_of("ext=\"no-cache, no-store\"");
    ck_assert(!w.no_cache && !w.no_store);
}
END_TEST

UNIT_MAIN(unit_test(nothing_said), unit_test(directives), unit_test(quoted_values),
          unit_test(hostile_quotes_end), unit_test(nonsense_counts_as_stale),
          unit_test(the_first_of_several_counts), unit_test(great_numbers), unit_test(the_age_is_taken_off),
          unit_test(fields_in_several_lines), unit_test(wishes))
