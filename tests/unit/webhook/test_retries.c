/* When a delivery is tried again, when a target takes any, and what failures make of its health. */
#include "unit.h"
#include <busbar/busbar.h>

#include "webhook/health.h"
#include "webhook/retries.h"
#include "webhook/verdict.h"
#include "webhook/window.h"
#include "json/json.h"

#define MINUTE 60000ull
#define HOUR (60 * MINUTE)
#define DAY (24 * HOUR)

static arena *memory;

/* --- delays ------------------------------------------------------------------------------------------- */

START_TEST(delays_are_read) {
    memory = arena_new(0);
    retry_delays d;
    ck_assert(retries_read(memory, STR("5s, 2m,1h ,28d"), &d));
    ck_assert_uint_eq(d.count, 4);
    ck_assert_uint_eq(d.ms[0], 5000);
    ck_assert_uint_eq(d.ms[3], 28 * DAY);
    ck_assert(retries_read(memory, STR(" None "), &d));
    ck_assert_uint_eq(d.count, 0);
    static const char many[] =
        "1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,1s,"
        "1s,1s,1s,1s,1s,1s";
    static const char *const bad[] = {"", "5", "5s,", "-1s", "29d", "5s;6s", "nonesuch", many};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!retries_read(memory, str_from(bad[i]), &d), "\"%s\"", bad[i]);
    arena_free(memory);
}
END_TEST

START_TEST(the_usual_delays_last_for_days_and_end) {
    retry_delays d = retries_default();
    uint64_t delay, sum = 0;
    for (uint32_t i = 1; i <= 10; i++) {
        ck_assert(retries_next(&d, i, 0, 0, &delay));
        sum += delay;
    }
    ck_assert_uint_gt(sum, 4 * DAY);
    ck_assert(!retries_next(&d, 11, 0, 0, &delay));
    ck_assert(!retries_next(&d, 0, 0, 0, &delay));
    ck_assert(!retries_next(&d, UINT32_MAX, 0, 0, &delay));
}
END_TEST

START_TEST(chance_adds_a_fifth_at_most_and_takes_nothing_off) {
    retry_delays d = retries_default();
    uint64_t delay, most = 0;
    for (uint64_t random = 0; random < 5000; random++) {
        ck_assert(retries_next(&d, 1, 0, random * 7919, &delay));
        ck_assert_uint_ge(delay, 5000);
        ck_assert_uint_le(delay, 6000);
        most = delay > most ? delay : most;
    }
    ck_assert_uint_gt(most, 5900);
}
END_TEST

START_TEST(what_the_receiver_asks_for_counts_where_it_is_longer_and_up_to_a_day) {
    retry_delays d = retries_default();
    uint64_t delay;
    ck_assert(retries_next(&d, 1, 60000, 0, &delay));
    ck_assert_uint_eq(delay, 60000);
    ck_assert(retries_next(&d, 4, 60000, 0, &delay));
    ck_assert_uint_eq(delay, 2 * HOUR);
    ck_assert(retries_next(&d, 1, UINT64_MAX, 0, &delay));
    ck_assert_uint_eq(delay, DAY);
}
END_TEST

/* --- windows ----------------------------------------------------------------------------------------------
 */

#define MONDAY (1700000000000ull - 1700000000000ull % DAY - DAY) /* 2023-11-13, 00:00 UTC */

static uint64_t wait_at(const char *text, uint64_t wall_ms) {
    delivery_window w;
    ck_assert_msg(window_read(str_from(text), &w), "\"%s\"", text);
    return window_wait_ms(&w, wall_ms);
}

START_TEST(a_window_is_open_in_its_hours) {
    const char *office = "Mon-Fri 09:00-17:00, Sat 10:00-12:00";
    ck_assert_uint_eq(wait_at(office, MONDAY + 9 * HOUR), 0);
    ck_assert_uint_eq(wait_at(office, MONDAY + 17 * HOUR - 1), 0);
    ck_assert_uint_eq(wait_at(office, MONDAY + 17 * HOUR), 16 * HOUR);
    ck_assert_uint_eq(wait_at(office, MONDAY), 9 * HOUR);
    ck_assert_uint_eq(wait_at(office, MONDAY + 5 * DAY + 11 * HOUR), 0);
    ck_assert_uint_eq(wait_at(office, MONDAY + 5 * DAY + 12 * HOUR), DAY + 21 * HOUR);
    ck_assert_uint_eq(wait_at("* 00:00-24:00", MONDAY + 3 * DAY + 1), 0);
    delivery_window none = {.count = 0};
    ck_assert_uint_eq(window_wait_ms(&none, MONDAY), 0);
}
END_TEST

START_TEST(a_window_goes_over_midnight_and_over_the_week) {
    ck_assert_uint_eq(wait_at("Sun 22:00-06:00", MONDAY + 5 * HOUR), 0);
    ck_assert_uint_eq(wait_at("Sun 22:00-06:00", MONDAY - 1), 0);
    ck_assert_uint_eq(wait_at("Sun 22:00-06:00", MONDAY + 6 * HOUR), 6 * DAY + 16 * HOUR);
    ck_assert_uint_eq(wait_at("Fri-Mon 08:00-09:00", MONDAY + 8 * HOUR), 0);
    ck_assert_uint_eq(wait_at("Fri-Mon 08:00-09:00", MONDAY + 9 * HOUR), 3 * DAY + 23 * HOUR);
}
END_TEST

START_TEST(a_window_has_an_offset) {
    ck_assert_uint_eq(wait_at("Mon 09:00-17:00 +02:00", MONDAY + 7 * HOUR), 0);
    ck_assert_uint_eq(wait_at("Mon 09:00-17:00 +02:00", MONDAY + 15 * HOUR), 6 * DAY + 16 * HOUR);
    ck_assert_uint_eq(wait_at("Mon 09:00-17:00 -05:30", MONDAY + 14 * HOUR + 30 * MINUTE), 0);
    ck_assert_uint_eq(wait_at("Mon 09:00-17:00 UTC", MONDAY + 9 * HOUR), 0);
    ck_assert_uint_eq(wait_at("Mon 00:00-01:00 -14:00", 0), 4 * DAY + 14 * HOUR); /* a Thursday */
}
END_TEST

START_TEST(what_is_no_window_is_refused) {
    static const char *const bad[] = {"",
                                      "Mon",
                                      "09:00-17:00",
                                      "Mon 9:00-17:00",
                                      "Mon 09:00",
                                      "Mon 09:00-25:00",
                                      "Mon 24:00-25:00",
                                      "Mon 09:60-10:00",
                                      "Mun 09:00-10:00",
                                      "Mon-Tue-Wed 09:00-10:00",
                                      "Mon 09:00-10:00 +15:00",
                                      "Mon 09:00-10:00 +2",
                                      "Mon 09:00-10:00-11:00",
                                      "Mon 09:00-10:00,",
                                      "* 00:00-01:00, * 02:00-03:00, * 04:00-05:00"};
    delivery_window w;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!window_read(str_from(bad[i]), &w), "\"%s\"", bad[i]);
}
END_TEST

/* The wait leads to an open window, whatever the window and the time. */
START_TEST(after_the_wait_it_is_open) {
    static const char *const windows[] = {"Mon-Fri 09:00-17:00 +02:00", "Sun 22:00-06:00",
                                          "Wed 13:37-13:38 -11:00", "* 23:59-00:01"};
    for (size_t i = 0; i < sizeof windows / sizeof windows[0]; i++)
        for (uint64_t t = MONDAY; t < MONDAY + 8 * DAY; t += 17 * MINUTE + 1) {
            uint64_t wait = wait_at(windows[i], t);
            ck_assert_uint_lt(wait, 7 * DAY);
            ck_assert_uint_eq(wait_at(windows[i], t + wait), 0);
            if (wait > 1)
                ck_assert_uint_eq(wait_at(windows[i], t + wait - 1), 1);
        }
}
END_TEST

/* --- health
 * ---------------------------------------------------------------------------------------------------- */

/* With a clock that does not jump. */
static bool failed(health *h, uint64_t now_ms, uint64_t disable_after_ms, bool gone, bb_str why) {
    uint64_t since = h->failing_ms != 0 && now_ms > h->failing_ms ? now_ms - h->failing_ms : 0;
    return health_failed(h, now_ms, since, disable_after_ms, gone, why);
}

START_TEST(nothing_but_failures_for_long_enough_disable) {
    health h = {0};
    ck_assert(!failed(&h, 1000, DAY, false, STR("no")));
    ck_assert(!failed(&h, 2000, DAY, false, STR("no")));
    ck_assert(failed(&h, 1000 + MINUTE, DAY, false, STR("no"))); /* worth a note now */
    ck_assert(!failed(&h, 1000 + HOUR, DAY, false, STR("no")));
    ck_assert_uint_eq(h.disabled_ms, 0);
    ck_assert(failed(&h, 1000 + DAY, DAY, false, STR("connection refused")));
    ck_assert_uint_eq(h.disabled_ms, 1000 + DAY);
    ck_assert_str_eq(h.reason, "nothing but failures for too long: connection refused");
    ck_assert(!failed(&h, 1001 + DAY, DAY, false, STR("again")));
}
END_TEST

START_TEST(one_success_begins_anew) {
    health h = {0};
    failed(&h, 1000, DAY, false, STR("no"));
    ck_assert(!health_well(&h)); /* nothing was noted */
    failed(&h, DAY, DAY, false, STR("no"));
    ck_assert_uint_eq(h.disabled_ms, 0);
    ck_assert(failed(&h, DAY + HOUR, DAY, false, STR("no")));
    ck_assert(health_well(&h));
    ck_assert_uint_eq(h.failing_ms, 0);
    ck_assert(!failed(&h, DAY * 9, 0, false, STR("no")));
    ck_assert(failed(&h, DAY * 900, 0, false, STR("no"))); /* 0: never */
    ck_assert_uint_eq(h.disabled_ms, 0);
}
END_TEST

START_TEST(a_clock_set_back_disables_nobody) {
    health h = {0};
    failed(&h, 9 * DAY, DAY, false, STR("no"));
    failed(&h, 1000, DAY, false, STR("no"));
    ck_assert_uint_eq(h.failing_ms, 1000);
    ck_assert_uint_eq(h.disabled_ms, 0);
}
END_TEST

START_TEST(gone_disables_at_once) {
    health h = {0};
    ck_assert(failed(&h, 5, 0, true, STR("")));
    ck_assert_uint_eq(h.disabled_ms, 5);
}
END_TEST

START_TEST(health_is_read_as_it_was_written) {
    memory = arena_new(0);
    health h = {.failing_ms = 7, .disabled_ms = 9, .paused = true, .reason = "by \"hand\""}, back;
    bool ok;
    health_read(health_write(memory, &h, &ok), &back);
    ck_assert(ok);
    ck_assert(back.failing_ms == 7 && back.disabled_ms == 9 && back.paused && back.kept);
    ck_assert_str_eq(back.reason, h.reason);
    const health well = {0};
    ck_assert_ptr_null(health_write(memory, &well, &ok).ptr);
    static const char *const odd[] = {"", "{", "[]", "{\"paused\":1,\"failing_ms\":-4,\"reason\":{}}"};
    for (size_t i = 0; i < 4; i++) {
        health_read(str_from(odd[i]), &back);
        ck_assert(!back.paused && back.failing_ms == 0 && back.reason[0] == '\0');
    }
    arena_free(memory);
}
END_TEST

START_TEST(a_long_reason_is_cut_between_characters) {
    char why[600];
    for (size_t i = 0; i + 1 < sizeof why; i += 2)
        memcpy(why + i, "\xc3\xa4", 2);
    for (size_t shift = 0; shift < 2; shift++) {
        health h = {.failing_ms = 1};
        failed(&h, DAY + 1, DAY, false, str_of(why + shift * 2, sizeof why - 2 - shift * 2));
        ck_assert(json_utf8_valid(str_from(h.reason)));
        ck_assert_uint_gt(strlen(h.reason), 200);
    }
}
END_TEST

/* --- verdicts
 * ------------------------------------------------------------------------------------------------- */

static delivery_outcome after(const verdict *v, uint32_t attempts) {
    static const uint64_t ms[] = {1000, 2000};
    const delivery_plan plan = {.retries = {ms, 2}};
    const delivery d = {.id = 5, .attempts = attempts};
    return verdict_outcome(v, &plan, &d, 100, 200, 0);
}

START_TEST(answers_are_judged) {
    static const struct {
        post_failure failure;
        unsigned status;
        bool ok, gone, again;
        lane_mood mood;
    } cases[] = {{POST_OK, 200, true, false, false, LANE_WELL},
                 {POST_OK, 299, true, false, false, LANE_WELL},
                 {POST_STATUS, 301, false, false, false, LANE_FAILED},
                 {POST_STATUS, 400, false, false, false, LANE_FAILED},
                 {POST_STATUS, 410, false, true, false, LANE_FAILED},
                 {POST_STATUS, 429, false, false, false, LANE_THROTTLE},
                 {POST_STATUS, 500, false, false, false, LANE_FAILED},
                 {POST_STATUS, 502, false, false, false, LANE_THROTTLE},
                 {POST_STATUS, 503, false, false, false, LANE_THROTTLE},
                 {POST_STATUS, 504, false, false, false, LANE_THROTTLE},
                 {POST_TIMEOUT, 0, false, false, false, LANE_FAILED},
                 {POST_REFUSED, 0, false, false, false, LANE_FAILED},
                 {POST_NO_MEMORY, 0, false, false, true, LANE_FAILED},
                 {POST_CANCELLED, 0, false, false, true, LANE_FAILED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const post_result r = {.failure = cases[i].failure, .status = cases[i].status};
        verdict v = verdict_of_post(&r);
        ck_assert_int_eq(v.ok, cases[i].ok);
        ck_assert_int_eq(v.gone, cases[i].gone);
        ck_assert_int_eq(v.again, cases[i].again);
        ck_assert_int_eq(v.mood, cases[i].mood);
    }
}
END_TEST

START_TEST(a_call_whose_input_is_wrong_is_not_made_again) {
    const call_result wrong = {.problem = PROBLEM_INVALID_INPUT},
                      down = {.problem = PROBLEM_UPSTREAM_UNAVAILABLE};
    verdict v = verdict_of_call(&wrong, 1);
    ck_assert(v.final && !v.ill && v.text.len > 0);
    ck_assert_int_eq(after(&v, 0).state, DELIVERY_DEAD);
    v = verdict_of_call(&down, 1);
    ck_assert(!v.final && v.ill);
    ck_assert_int_eq(v.mood, LANE_THROTTLE);
    ck_assert_int_eq(after(&v, 0).state, DELIVERY_PENDING);
}
END_TEST

START_TEST(a_call_that_the_hub_had_no_room_for_is_no_attempt) {
    const call_result full = {.problem = PROBLEM_OVERLOADED, .unbegun = true},
                      acted = {.problem = PROBLEM_OVERLOADED, .unbegun = true, .unsure = true},
                      later = {.problem = PROBLEM_OVERLOADED}, mended = {.unbegun = true};
    ck_assert(verdict_of_call(&full, 1).again);
    ck_assert(!verdict_of_call(&acted, 1).again); /* another connection in its place was asked */
    ck_assert(!verdict_of_call(&later, 1).again);
    ck_assert(verdict_of_call(&mended, 1).ok && !verdict_of_call(&mended, 1).again);
}
END_TEST

START_TEST(outcomes_follow_the_schedule) {
    verdict v = {.ok = false, .ill = true};
    delivery_outcome o = after(&v, 0);
    ck_assert_int_eq(o.state, DELIVERY_PENDING);
    ck_assert_uint_eq(o.due_ms, 1200);
    ck_assert_uint_eq(o.at_ms, 100);
    ck_assert(o.attempted);
    ck_assert_uint_eq(after(&v, 1).due_ms, 2200);
    ck_assert_int_eq(after(&v, 2).state, DELIVERY_DEAD);
    v.retry_after_ms = 60000;
    ck_assert_uint_eq(after(&v, 0).due_ms, 60200);
    v.gone = true;
    ck_assert_int_eq(after(&v, 0).state, DELIVERY_DEAD);
    v = (verdict){.ok = true};
    ck_assert_int_eq(after(&v, 0).state, DELIVERY_DONE);
}
END_TEST

UNIT_MAIN(unit_test(delays_are_read), unit_test(the_usual_delays_last_for_days_and_end),
          unit_test(chance_adds_a_fifth_at_most_and_takes_nothing_off),
          unit_test(what_the_receiver_asks_for_counts_where_it_is_longer_and_up_to_a_day),
          unit_test(a_window_is_open_in_its_hours), unit_test(a_window_goes_over_midnight_and_over_the_week),
          unit_test(a_window_has_an_offset), unit_test(what_is_no_window_is_refused),
          unit_test(after_the_wait_it_is_open), unit_test(nothing_but_failures_for_long_enough_disable),
          unit_test(one_success_begins_anew), unit_test(a_clock_set_back_disables_nobody),
          unit_test(gone_disables_at_once), unit_test(health_is_read_as_it_was_written),
          unit_test(a_long_reason_is_cut_between_characters), unit_test(answers_are_judged),
          unit_test(a_call_whose_input_is_wrong_is_not_made_again),
          unit_test(a_call_that_the_hub_had_no_room_for_is_no_attempt),
          unit_test(outcomes_follow_the_schedule))
