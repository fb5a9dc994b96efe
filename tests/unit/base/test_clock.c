/* Times as text, and a clock of the test's own. */
#include <busbar/busbar.h>

#include "base/clock.h"

#include "unit.h"

#include <stdio.h>
#include <time.h>

static uint64_t at(const char *text) {
    uint64_t ms = 0;
    ck_assert_msg(clock_from_rfc3339(str_from(text), &ms), "\"%s\"", text);
    return ms;
}

static void shows(uint64_t ms, const char *wanted) {
    char text[CLOCK_RFC3339_SIZE];
    clock_rfc3339(ms, text);
    ck_assert_str_eq(text, wanted);
}

START_TEST(written) {
    shows(0, "1970-01-01T00:00:00.000Z");
    shows(1769860800123u, "2026-01-31T12:00:00.123Z");
    shows(951827696007u, "2000-02-29T12:34:56.007Z");
    shows(253402300799999u, "9999-12-31T23:59:59.999Z");
    shows(253402300800000u, "0000-00-00T00:00:00.000Z"); /* five digits have no place */
    shows(UINT64_MAX, "0000-00-00T00:00:00.000Z");
}
END_TEST

START_TEST(read) {
    ck_assert_uint_eq(at("2026-01-31T12:00:00.123Z"), 1769860800123u);
    ck_assert_uint_eq(at("2026-01-31T12:00:00Z"), 1769860800000u);
    ck_assert_uint_eq(at("2026-01-31t12:00:00z"), 1769860800000u);
    ck_assert_uint_eq(at("2026-01-31 12:00:00Z"), 1769860800000u); /* RFC 3339 section 5.6, the note */
    ck_assert_uint_eq(at("2026-01-31T13:30:00+01:30"), 1769860800000u);
    ck_assert_uint_eq(at("2026-01-31T11:59:00-00:01"), 1769860800000u);
    ck_assert_uint_eq(at("2026-02-01T11:59:00+23:59"), 1769860800000u);
    ck_assert_uint_eq(at("2026-01-31T12:00:00.1Z"), 1769860800100u);
    ck_assert_uint_eq(at("2026-01-31T12:00:00.123456789Z"), 1769860800123u);
    ck_assert_uint_eq(at("2026-01-31"), 1769817600000u);
    ck_assert_uint_eq(at("1970-01-01"), 0);
    ck_assert_uint_eq(at("1970-01-01T00:00:00Z"), 0);
    ck_assert_uint_eq(at("1970-01-01T01:00:00+01:00"), 0);
    ck_assert_uint_eq(at("2016-12-31T23:59:60Z"), 1483228800000u); /* a leap second */
    ck_assert_uint_eq(at("2024-02-29"), 1709164800000u);
    ck_assert_uint_eq(at("2000-02-29"), 951782400000u);
}
END_TEST

START_TEST(refused) {
    static const char *const bad[] = {
        "",
        "2026",
        "2026-01",
        "2026-1-31",
        "2026-01-3",
        "26-01-31",
        "2026-00-10",
        "2026-13-10",
        "2026-01-00",
        "2026-01-32",
        "2026-02-29",
        "2026-02-30",
        "2100-02-29",
        "2026-04-31",
        "1969-12-31",
        "2026-01-31T",
        "2026-01-31Z",
        "2026-01-31T12:00",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:61Z",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00+01",
        "2026-01-31T12:00:00+0100",
        "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:00+01:60",
        "2026-01-31T12:00:00ZZ",
        "2026-01-31T12:00:00Z ",
        " 2026-01-31",
        "2026-01-31T12:00:00+01:00Z",
        "1970-01-01T00:00:00+01:00",
        "+026-01-31",
        "2026-01-31T-1:00:00Z",
    };
    uint64_t ms;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!clock_from_rfc3339(str_from(bad[i]), &ms), "\"%s\"", bad[i]);
    ck_assert(!clock_from_rfc3339((bb_str){NULL, 0}, &ms));
    ck_assert(!clock_from_rfc3339(str_of("2026-01-31T12:00:00\0Z", 21), &ms));
}
END_TEST

START_TEST(what_is_written_is_read_back) {
    char text[CLOCK_RFC3339_SIZE];
    for (uint64_t ms = 0; ms <= 253402300799999u; ms += 86399999u * 37 + 11) {
        clock_rfc3339(ms, text);
        ck_assert_uint_eq(at(text), ms);
    }
}
END_TEST

/* Every day of 400 years, and the day after the last of each month, which is none. */
START_TEST(the_calendar) {
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint64_t day = 0, ms;
    for (int year = 1970; year < 2370; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (int month = 1; month <= 12; month++) {
            int last = lengths[month - 1] + (month == 2 && leap);
            char text[40];
            for (int d = 1; d <= last; d++, day++) {
                snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, d);
                ck_assert_uint_eq(at(text), day * 86400000u);
            }
            snprintf(text, sizeof text, "%04d-%02d-%02d", year, month, last + 1);
            ck_assert_msg(!clock_from_rfc3339(str_from(text), &ms), "%s", text);
        }
    }
}
END_TEST

START_TEST(times_that_are_given_on) {
    static const char *const right[] = {"2026-01-31T12:00:00Z", "2026-01-31t12:00:00.123456789+14:00",
                                        "1969-07-20T20:17:40Z", "1970-01-01T00:00:00+01:00",
                                        "0000-02-29T00:00:00Z", "9999-12-31T23:59:60z"};
    static const char *const wrong[] = {"",
                                        "2026-01-31",
                                        "2026-01-31 12:00:00Z",
                                        "2026-01-31T12:00:00",
                                        "2026-01-31T12:00Z",
                                        "1900-02-29T00:00:00Z",
                                        "1969-07-20T24:00:00Z",
                                        "2026-01-31T12:00:00Z "};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        ck_assert_msg(clock_is_rfc3339(str_from(right[i])), "\"%s\"", right[i]);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        ck_assert_msg(!clock_is_rfc3339(str_from(wrong[i])), "\"%s\"", wrong[i]);
}
END_TEST

static uint64_t test_ns(void) {
    return 42;
}

static uint64_t test_wall_ms(void) {
    return 1769860800123u;
}

START_TEST(another_source) {
    clock_inject((clock_source){.ns = test_ns, .wall_ms = test_wall_ms});
    ck_assert_uint_eq(clock_ns(), 42);
    ck_assert_uint_eq(clock_wall_ms(), 1769860800123u);
    ck_assert_uint_eq(clock_wall_ns(), 1769860800123000000u);
    clock_inject((clock_source){.ns = test_ns});
    ck_assert_uint_eq(clock_ns(), 42);
    ck_assert_uint_ne(clock_wall_ms(), 1769860800123u);
    clock_inject((clock_source){0});
    uint64_t before = clock_ns();
    ck_assert_uint_ne(before, 42);
    ck_assert_uint_ge(clock_ns(), before); /* CLOCK_MONOTONIC: never backwards */
}
END_TEST

UNIT_MAIN(unit_test(written), unit_test(read), unit_test(refused), unit_test(what_is_written_is_read_back),
          unit_test(the_calendar), unit_test(times_that_are_given_on), unit_test(another_source))
