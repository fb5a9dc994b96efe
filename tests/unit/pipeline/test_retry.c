/* Whether and when a request is repeated: no clock, no network. */
#include "unit.h"

#include "pipeline/retry.h"

#include <stdlib.h>

static const retry_policy policy = {
    .attempts = 4, .base_ms = 100, .max_ms = 1000, .retry_after_ms = 30000, .budget_percent = 20};

static retry_question question(void) {
    return (retry_question){.status = 503,
                            .repeatable = true,
                            .attempt = 1,
                            .left_ms = 60000,
                            .now_ms = 1769860800000u,
                            .random = 99};
}

START_TEST(only_what_may_pass_is_repeated) {
    for (unsigned status = 200; status < 600; status++) {
        retry_question q = question();
        q.status = status;
        bool passing = status == 429 || status == 502 || status == 503 || status == 504;
        ck_assert_msg(retry_decide(&policy, &q).repeat == passing, "%u", status);
    }
    for (int f = HTTP_FAIL_CONNECT; f <= HTTP_FAIL_OTHER; f++) {
        retry_question q = question();
        q.failure = (http_failure)f;
        bool passing = f == HTTP_FAIL_CONNECT || f == HTTP_FAIL_EMPTY || f == HTTP_FAIL_TRUNCATED ||
                       f == HTTP_FAIL_TIMEOUT;
        ck_assert_msg(retry_decide(&policy, &q).repeat == passing, "failure %d", f);
    }
}
END_TEST

START_TEST(an_unsafe_request_is_repeated_only_where_nobody_acted_on_it) {
    retry_question q = question();
    q.repeatable = false;
    ck_assert(!retry_decide(&policy, &q).repeat);
    q.status = 429;
    ck_assert(retry_decide(&policy, &q).repeat);
    q.status = 0;
    q.failure = HTTP_FAIL_CONNECT;
    q.sent = false;
    ck_assert(retry_decide(&policy, &q).repeat);
    q.failure = HTTP_FAIL_TIMEOUT;
    q.sent = true;
    ck_assert(!retry_decide(&policy, &q).repeat);
}
END_TEST

START_TEST(attempts_end) {
    retry_question q = question();
    q.attempt = 4;
    ck_assert(!retry_decide(&policy, &q).repeat);
}
END_TEST

START_TEST(delays_grow_with_full_jitter_up_to_the_bound) {
    static const uint64_t bounds[] = {100, 200, 400};
    for (unsigned attempt = 1; attempt <= 3; attempt++) {
        uint64_t least = UINT64_MAX, most = 0;
        for (unsigned i = 0; i < 10000; i++) {
            retry_question q = question();
            q.attempt = attempt;
            q.random = (uint64_t)i * 2654435761u;
            uint64_t delay = retry_decide(&policy, &q).delay_ms;
            least = delay < least ? delay : least;
            most = delay > most ? delay : most;
        }
        ck_assert_uint_eq(most, bounds[attempt - 1]);
        ck_assert_uint_eq(least, 0);
    }
}
END_TEST

START_TEST(retry_after_is_honoured_up_to_the_cap) {
    retry_question q = question();
    q.retry_after = STR("7");
    ck_assert_uint_eq(retry_decide(&policy, &q).delay_ms, 7000);
    q.retry_after = STR("Sat, 31 Jan 2026 12:00:09 GMT");
    ck_assert_uint_eq(retry_decide(&policy, &q).delay_ms, 9000);
    q.retry_after = STR("3600");
    retry_answer a = retry_decide(&policy, &q);
    ck_assert(!a.repeat);
    ck_assert_uint_eq(a.retry_after_ms, 3600000);
    q.retry_after = STR("soon");
    ck_assert(retry_decide(&policy, &q).repeat);
    q.retry_after = STR("Sat, 31 Jan 2026 11:00:00 GMT"); /* past */
    ck_assert(retry_decide(&policy, &q).repeat);
}
END_TEST

START_TEST(never_beyond_the_deadline) {
    retry_question q = question();
    q.retry_after = STR("7");
    q.left_ms = 7000;
    ck_assert(!retry_decide(&policy, &q).repeat);
    q.left_ms = 7001;
    ck_assert(retry_decide(&policy, &q).repeat);
}
END_TEST

START_TEST(the_budget_is_a_share_of_the_calls_and_a_reserve) {
    connection_stats *s = connection_stats_new();
    unsigned spent = 0;
    while (retry_budget_spend(s))
        spent++;
    ck_assert_uint_eq(spent, 10);
    for (int i = 0; i < 100; i++)
        retry_budget_earn(s, &policy);
    for (spent = 0; retry_budget_spend(s);)
        spent++;
    ck_assert_uint_eq(spent, 10); /* never more than the reserve is kept */
    for (int i = 0; i < 25; i++)
        retry_budget_earn(s, &policy);
    for (spent = 0; retry_budget_spend(s);)
        spent++;
    ck_assert_uint_eq(spent, 5);
    connection_stats_unref(s);
}
END_TEST

UNIT_MAIN(only_what_may_pass_is_repeated, an_unsafe_request_is_repeated_only_where_nobody_acted_on_it,
          attempts_end, delays_grow_with_full_jitter_up_to_the_bound, retry_after_is_honoured_up_to_the_cap,
          never_beyond_the_deadline, the_budget_is_a_share_of_the_calls_and_a_reserve)
