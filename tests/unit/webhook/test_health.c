/* Since when a target fails, and when it is disabled for it: by the time that has passed, not by the clock.
 */
#include "unit.h"
#include <busbar/busbar.h>

#include "webhook/health.h"

#define NOW 1700000000000u
#define DAY 86400000ull

START_TEST(a_target_is_disabled_after_so_much_time) {
    health h = {0};
    ck_assert(!health_failed(&h, NOW, 0, DAY, false, STR("500")));
    ck_assert_uint_eq(h.failing_ms, NOW);
    ck_assert(health_failed(&h, NOW + DAY - 1, DAY - 1, DAY, false, STR("500")) && h.kept &&
              h.disabled_ms == 0);
    ck_assert(health_failed(&h, NOW + DAY, DAY, DAY, false, STR("500")));
    ck_assert_uint_eq(h.disabled_ms, NOW + DAY);
    ck_assert_str_eq(h.reason, "nothing but failures for too long: 500");
    ck_assert(!health_failed(&h, NOW + 2 * DAY, 2 * DAY, DAY, false, STR("500")));
}
END_TEST

/* The clock says a year, but it was set: a second has passed. */
START_TEST(a_clock_set_forward_disables_nothing) {
    health h = {0};
    health_failed(&h, NOW, 0, DAY, false, STR("500"));
    ck_assert(!health_failed(&h, NOW + 365 * DAY, 1000, DAY, false, STR("500")));
    ck_assert_uint_eq(h.disabled_ms, 0);
    ck_assert(health_failed(&h, NOW + 365 * DAY, 1000, DAY, true, STR(""))); /* gone is gone */
    ck_assert_uint_gt(h.disabled_ms, 0);
}
END_TEST

START_TEST(a_clock_set_back_begins_anew) {
    health h = {0};
    health_failed(&h, NOW, 0, DAY, false, STR("500"));
    ck_assert(!health_failed(&h, NOW - DAY, 0, DAY, false, STR("500")));
    ck_assert_uint_eq(h.failing_ms, NOW - DAY);
    ck_assert(!health_well(&h));
    ck_assert_uint_eq(h.failing_ms, 0);
    ck_assert(!health_failed(&h, NOW, 9 * DAY, 0, false, STR("500")) || h.disabled_ms == 0); /* never */
}
END_TEST

START_TEST(a_rest_is_kept_where_it_is_worth_it) {
    health h = {0};
    ck_assert(!health_rests(&h, NOW, 4999) && h.rest_ms == 0);
    ck_assert(health_rests(&h, NOW, 60000));
    ck_assert_uint_eq(health_rest_left_ms(&h, 0), 60000);
    ck_assert_uint_eq(health_rest_left_ms(&h, 59999), 1);
    ck_assert_uint_eq(health_rest_left_ms(&h, 60000), 0);
    ck_assert_uint_eq(health_rest_left_ms(&h, DAY), 0);
    ck_assert(!health_rests(&h, NOW + 10000, 50999)); /* the same */
    ck_assert(!health_rests(&h, NOW + 10000, 20000)); /* shorter */
    ck_assert_uint_eq(h.rested_ms, NOW);
    ck_assert(health_rests(&h, NOW + 10000, 51000));
    ck_assert(health_rests(&h, NOW - DAY, 5000)); /* the clock was set back */
    ck_assert(h.rested_ms == NOW - DAY && h.rest_ms == 5000);
    ck_assert(health_rests(&h, NOW, UINT64_MAX / 2) && h.rest_ms == 2 * DAY);
}
END_TEST

START_TEST(a_rest_is_read_as_it_was_written) {
    arena *a = arena_new(0);
    bool ok;
    health h = {0}, back;
    ck_assert(health_rests(&h, NOW, 3600000));
    health_read(health_write(a, &h, &ok), &back);
    ck_assert(ok && back.rested_ms == NOW && back.rest_ms == 3600000 && back.disabled_ms == 0);
    static const char *const odd[] = {"{\"rest_ms\":5000}", "{\"rested_ms\":5}",
                                      "{\"rest_ms\":99999999999,\"rested_ms\":5}",
                                      "{\"rest_ms\":\"1\",\"rested_ms\":5}"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        health_read(str_from(odd[i]), &back);
        ck_assert(back.rest_ms == 0 && back.rested_ms == 0);
    }
    arena_free(a);
}
END_TEST

UNIT_MAIN(unit_test(a_target_is_disabled_after_so_much_time), unit_test(a_clock_set_forward_disables_nothing),
          unit_test(a_clock_set_back_begins_anew), unit_test(a_rest_is_kept_where_it_is_worth_it),
          unit_test(a_rest_is_read_as_it_was_written))
