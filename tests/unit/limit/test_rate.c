/* Rates and quotas as people write them. */
#include <busbar/busbar.h>

#include "limit/rate.h"

#include "unit.h"

START_TEST(rates) {
    static const struct {
        const char *text;
        uint64_t interval_ns;
        uint32_t burst;
    } good[] = {
        {"100/s", 10000000, 100},     {"100", 10000000, 100},          {" 100 / s ", 10000000, 100},
        {"100/sec", 10000000, 100},   {"100/second", 10000000, 100},   {"600/m", 100000000, 10},
        {"600/min", 100000000, 10},   {"600/minute", 100000000, 10},   {"1000/h", 3600000000, 1},
        {"1000/hour", 3600000000, 1}, {"5000/d", 17280000000, 1},      {"5000/day", 17280000000, 1},
        {"1/d", 86400000000000, 1},   {"1000000000/s", 1, 1000000000},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        gcra_policy p;
        ck_assert_msg(rate_read(str_from(good[i].text), 0, &p), "%s", good[i].text);
        ck_assert_msg(p.interval_ns == good[i].interval_ns, "%s", good[i].text);
        ck_assert_msg(p.burst == good[i].burst, "%s", good[i].text);
    }
}
END_TEST

START_TEST(a_burst_of_ones_own) {
    gcra_policy p;
    ck_assert(rate_read(STR("5/h"), 30, &p));
    ck_assert_uint_eq(p.burst, 30);
    ck_assert_uint_eq(p.rate, 5);
    ck_assert_uint_eq(p.period_ns, 3600000000000u);
    ck_assert(!rate_read(STR("1/d"), 1000000, &p)); /* 2,700 years of it */
}
END_TEST

START_TEST(no_rates) {
    static const char *const bad[] = {
        "",
        " ",
        "/",
        "/s",
        "100/",
        "100/ ",
        "0",
        "0/s",
        "-1/s",
        "1.5/s",
        "1e3",
        "100/S",
        "100/ms",
        "100/week",
        "100/s/",
        "100 s",
        "100/1s",
        "ten/s",
        "+5/s",
        "100/s x",
        "1000000001/s",
        "99999999999999999999/s",
    };
    gcra_policy p;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!rate_read(str_from(bad[i]), 0, &p), "%s", bad[i]);
    ck_assert(!rate_read((bb_str){NULL, 0}, 0, &p));
}
END_TEST

START_TEST(quotas_of_day_and_month) {
    static const struct {
        const char *text;
        uint64_t day, month;
    } good[] = {
        {"1000/day", 1000, 0},
        {"1000/d", 1000, 0},
        {"20000/month", 0, 20000},
        {"1000/day, 20000/month", 1000, 20000},
        {" 20000 / month,1000/ day ", 1000, 20000},
        {"18446744073709551615/day", UINT64_MAX, 0},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        uint64_t q[QUOTA_PERIODS] = {77, 77};
        ck_assert_msg(quota_read(str_from(good[i].text), q), "%s", good[i].text);
        ck_assert_msg(q[QUOTA_DAY] == good[i].day && q[QUOTA_MONTH] == good[i].month, "%s", good[i].text);
    }
}
END_TEST

START_TEST(no_quotas) {
    static const char *const bad[] = {
        "",
        ",",
        "1000",
        "1000/",
        "/day",
        "0/day",
        "1000/m",
        "1000/year",
        "1000/day,",
        "-1/day",
        "1000/Day",
        "1000/day 2000/month",
        "1/day/day",
        "1.5/day",
        "5/day, 6/day",
        "5/month, 6/d, 7/month",
        "18446744073709551616/day",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t q[QUOTA_PERIODS] = {7, 8};
        ck_assert_msg(!quota_read(str_from(bad[i]), q), "%s", bad[i]);
        ck_assert_msg(q[QUOTA_DAY] == 7 && q[QUOTA_MONTH] == 8, "%s", bad[i]);
    }
    uint64_t q[QUOTA_PERIODS];
    ck_assert(!quota_read((bb_str){NULL, 0}, q));
}
END_TEST

UNIT_MAIN(unit_test(rates), unit_test(a_burst_of_ones_own), unit_test(no_rates),
          unit_test(quotas_of_day_and_month), unit_test(no_quotas))
