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

UNIT_MAIN(unit_test(a_target_is_disabled_after_so_much_time), unit_test(a_clock_set_forward_disables_nothing),
          unit_test(a_clock_set_back_begins_anew))
