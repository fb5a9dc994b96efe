/* Quotas of a day and a month: their ends, clocks that are set back, and what is saved when. */
#include <busbar/busbar.h>

#include "base/clock.h"
#include "limit/quota.h"

#include "limit/crew.h"

#include <stdio.h>

#define DAY 86400000ull

static uint64_t at(const char *text) {
    uint64_t ms = 0;
    ck_assert(clock_from_rfc3339(str_from(text), &ms));
    return ms;
}

static void spans(quota_period p, const char *now, const char *start, const char *end) {
    ck_assert_msg(quota_period_start(p, at(now)) == at(start), "%s", now);
    ck_assert_msg(quota_period_end(p, at(now)) == at(end), "%s", now);
}

START_TEST(days_and_months_begin_and_end) {
    spans(QUOTA_DAY, "2026-01-31T12:00:00Z", "2026-01-31", "2026-02-01");
    spans(QUOTA_DAY, "2026-01-31T23:59:59.999Z", "2026-01-31", "2026-02-01");
    spans(QUOTA_DAY, "2026-02-01T00:00:00Z", "2026-02-01", "2026-02-02");
    spans(QUOTA_DAY, "2026-12-31T23:59:59.999Z", "2026-12-31", "2027-01-01");
    spans(QUOTA_DAY, "2024-02-29T10:00:00Z", "2024-02-29", "2024-03-01");
    spans(QUOTA_MONTH, "2026-01-31T12:00:00Z", "2026-01-01", "2026-02-01");
    spans(QUOTA_MONTH, "2026-01-01T00:00:00Z", "2026-01-01", "2026-02-01");
    spans(QUOTA_MONTH, "2026-12-31T23:59:59.999Z", "2026-12-01", "2027-01-01");
    spans(QUOTA_MONTH, "2024-02-29T23:59:59.999Z", "2024-02-01", "2024-03-01");
    spans(QUOTA_MONTH, "2023-02-28T23:59:59.999Z", "2023-02-01", "2023-03-01");
    spans(QUOTA_MONTH, "2100-02-28T23:59:59.999Z", "2100-02-01", "2100-03-01");
    spans(QUOTA_MONTH, "2000-02-29T00:00:00Z", "2000-02-01", "2000-03-01");
    ck_assert_str_eq(quota_period_name(QUOTA_DAY), "day");
    ck_assert_str_eq(quota_period_name(QUOTA_MONTH), "month");
}
END_TEST

static void takes(quota *q, quota_period p, uint64_t limit, uint64_t now, uint64_t left) {
    quota_answer a = quota_take(q, p, limit, now);
    ck_assert(a.taken);
    ck_assert_uint_eq(a.left, left);
}

static void refuses(quota *q, quota_period p, uint64_t limit, uint64_t now, uint64_t reset_ms) {
    quota_answer a = quota_take(q, p, limit, now);
    ck_assert(!a.taken);
    ck_assert_uint_eq(a.left, 0);
    ck_assert_uint_eq(a.reset_ms, reset_ms);
}

START_TEST(a_day_is_used_up_and_comes_again) {
    quota q = {0};
    uint64_t now = at("2026-01-31T23:00:00Z");
    takes(&q, QUOTA_DAY, 2, now, 1);
    takes(&q, QUOTA_DAY, 2, now, 0);
    refuses(&q, QUOTA_DAY, 2, now, 3600000);
    refuses(&q, QUOTA_DAY, 2, now + 3599999, 1);
    takes(&q, QUOTA_DAY, 2, now + 3600000, 1);
    takes(&q, QUOTA_DAY, 2, now + 3600000, 0);
    refuses(&q, QUOTA_DAY, 2, now + 3600001, DAY - 1);
    takes(&q, QUOTA_DAY, 2, now + 40 * DAY, 1); /* after days without a call */
}
END_TEST

/* Every month of 12 years: the last millisecond is in it, the next is not. */
START_TEST(months_of_all_lengths) {
    quota q = {0};
    uint64_t now = at("2019-11-15T08:00:00Z");
    takes(&q, QUOTA_MONTH, 1, now, 0);
    for (int i = 0; i < 144; i++) {
        uint64_t end = quota_period_end(QUOTA_MONTH, now);
        refuses(&q, QUOTA_MONTH, 1, now, end - now);
        refuses(&q, QUOTA_MONTH, 1, end - 1, 1);
        now = end;
        takes(&q, QUOTA_MONTH, 1, now, 0);
    }
    ck_assert_uint_eq(now, at("2031-11-01"));
}
END_TEST

START_TEST(a_clock_set_back_counts_on) {
    quota q = {0};
    uint64_t now = at("2026-02-01T00:00:10Z");
    takes(&q, QUOTA_DAY, 3, now, 2);
    takes(&q, QUOTA_DAY, 3, now - 20000, 1); /* in January again: still February's */
    takes(&q, QUOTA_DAY, 3, now, 0);
    refuses(&q, QUOTA_DAY, 3, now - 20000, DAY + 10000); /* until February 1 ends */
    ck_assert_uint_eq(atomic_load(&q.start_ms), at("2026-02-01"));
}
END_TEST

/* A machine without a battery for its clock begins in 1970, and counts all the same. */
START_TEST(a_clock_that_was_never_set_counts) {
    for (int p = 0; p < QUOTA_PERIODS; p++) {
        quota q = {0};
        takes(&q, (quota_period)p, 2, 0, 1);
        takes(&q, (quota_period)p, 2, 60000, 0);
        refuses(&q, (quota_period)p, 2, 60001, quota_period_end((quota_period)p, 0) - 60001);
        takes(&q, (quota_period)p, 2, at("2026-01-31"), 1);
        refuses(&q, (quota_period)p, 1, at("2026-01-31"), DAY);
    }
}
END_TEST

START_TEST(one_is_given_back) {
    quota q = {0};
    uint64_t now = at("2026-01-31");
    quota_give_back(&q);
    takes(&q, QUOTA_DAY, 1, now, 0);
    quota_give_back(&q);
    takes(&q, QUOTA_DAY, 1, now, 0);
    refuses(&q, QUOTA_DAY, 1, now, DAY);
    for (int i = 0; i < 3; i++)
        quota_give_back(&q); /* more than was taken: not below nothing */
    takes(&q, QUOTA_DAY, 1, now, 0);
    refuses(&q, QUOTA_DAY, 1, now, DAY);
}
END_TEST

/* A limit made smaller than what is used: refused, not wrapped around. */
START_TEST(a_limit_that_shrinks) {
    quota q = {0};
    uint64_t now = at("2026-01-31");
    for (uint64_t i = 0; i < 10; i++)
        takes(&q, QUOTA_DAY, 10, now, 9 - i);
    refuses(&q, QUOTA_DAY, 5, now, DAY);
    takes(&q, QUOTA_DAY, 11, now, 0);
}
END_TEST

/* --- threads ------------------------------------------------------------------------------------------- */

#define PERIODS 300u
#define LIMIT 50u

typedef struct race {
    quota q;
    quota_period period;
    _Atomic(uint64_t) now, taken;
    uint64_t end;
} race;

/* Takes until there is none left, then moves the clock on to the next period: who was refused at the present
 * time saw that period full. */
static void *use_up(void *arg) {
    hand *h = arg;
    race *r = h->shared;
    for (;;) {
        uint64_t now = atomic_load(&r->now);
        if (now >= r->end)
            return NULL;
        if (quota_take(&r->q, r->period, LIMIT, now).taken)
            atomic_fetch_add(&r->taken, 1);
        else
            atomic_compare_exchange_strong(&r->now, &now, quota_period_end(r->period, now));
    }
}

START_TEST(eight_threads_take_exactly_the_limit_in_every_period) {
    for (int p = 0; p < QUOTA_PERIODS; p++) {
        race r = {.period = (quota_period)p};
        uint64_t now = at("2026-01-31T11:22:33Z");
        atomic_init(&r.now, now);
        for (unsigned i = 0; i < PERIODS; i++)
            now = quota_period_end(r.period, now);
        r.end = now;
        crew_run(use_up, &r, 7);
        ck_assert_uint_eq(atomic_load(&r.taken), (uint64_t)PERIODS * LIMIT);
    }
}
END_TEST

/* --- the book ------------------------------------------------------------------------------------------ */

START_TEST(a_subject_has_one_entry) {
    quota_book *b = quota_book_new();
    quotas *one = quota_book_get(b, STR("key:1"));
    ck_assert_ptr_nonnull(one);
    ck_assert_ptr_eq(quota_book_get(b, STR("key:1")), one);
    ck_assert_ptr_ne(quota_book_get(b, STR("key:11")), one);
    ck_assert_ptr_ne(quota_book_get(b, STR("connection:1")), one);
    char name[32];
    for (int i = 0; i < 5000; i++) {
        snprintf(name, sizeof name, "key:%d", i);
        quota_take(&quota_book_get(b, str_from(name))->of[QUOTA_DAY], QUOTA_DAY, 9999, at("2026-01-31") + 1);
    }
    ck_assert_ptr_eq(quota_book_get(b, STR("key:1")), one);
    ck_assert_uint_eq(atomic_load(&one->of[QUOTA_DAY].used), 1);
    quota_book_free(b);
    quota_book_free(NULL);
}
END_TEST

START_TEST(changes_are_told_once) {
    quota_book *b = quota_book_new();
    uint64_t now = at("2026-01-31T12:00:00Z");
    quota_change c[4];
    quotas *q = quota_book_get(b, STR("key:1"));
    quota_book_get(b, STR("key:2"));
    ck_assert_uint_eq(quota_book_changes(b, c, 4), 0);
    quota_take(&q->of[QUOTA_MONTH], QUOTA_MONTH, 100, now);
    quota_take(&q->of[QUOTA_MONTH], QUOTA_MONTH, 100, now);
    ck_assert_uint_eq(quota_book_changes(b, c, 4), 1);
    ck_assert(str_eq(c[0].subject, STR("key:1")));
    ck_assert_int_eq(c[0].period, QUOTA_MONTH);
    ck_assert_uint_eq(c[0].start_ms, at("2026-01-01"));
    ck_assert_uint_eq(c[0].used, 2);
    ck_assert_uint_eq(quota_book_changes(b, c, 4), 0);
    quota_give_back(&q->of[QUOTA_MONTH]);
    ck_assert_uint_eq(quota_book_changes(b, c, 4), 1);
    ck_assert_uint_eq(c[0].used, 1);
    quota_book_free(b);
}
END_TEST

/* A refused first call of a new period, and as many calls as yesterday: both leave a count that the store
 * must hear of, although the number is the one it knows, or 0. */
START_TEST(a_new_period_is_saved_whatever_its_count) {
    quota_book *b = quota_book_new();
    uint64_t now = at("2026-01-31T12:00:00Z");
    quota_change c[2];
    quota *q = &quota_book_get(b, STR("key:1"))->of[QUOTA_DAY];
    takes(q, QUOTA_DAY, 9, now, 8);
    ck_assert_uint_eq(quota_book_changes(b, c, 2), 1);
    takes(q, QUOTA_DAY, 9, now + DAY, 8);
    ck_assert_uint_eq(quota_book_changes(b, c, 2), 1);
    ck_assert_uint_eq(c[0].start_ms, at("2026-02-01"));
    ck_assert_uint_eq(c[0].used, 1);
    ck_assert_uint_eq(quota_book_changes(b, c, 2), 0);
    quota_book_free(b);
}
END_TEST

START_TEST(what_could_not_be_saved_is_told_again) {
    quota_book *b = quota_book_new();
    uint64_t now = at("2026-01-31T12:00:00Z");
    quota_change c[8];
    quota_take(&quota_book_get(b, STR("key:1"))->of[QUOTA_DAY], QUOTA_DAY, 9, now);
    quota_take(&quota_book_get(b, STR("key:2"))->of[QUOTA_MONTH], QUOTA_MONTH, 9, now);
    quota *back = &quota_book_get(b, STR("key:3"))->of[QUOTA_DAY];
    quota_take(back, QUOTA_DAY, 9, now);
    ck_assert_uint_eq(quota_book_changes(b, c, 8), 3);
    quota_give_back(back); /* 0 now: the store may still have 1 */
    ck_assert_uint_eq(quota_book_changes(b, c, 8), 1);
    quota_book_unsaved(b);
    ck_assert_uint_eq(quota_book_changes(b, c, 8), 3);
    ck_assert_uint_eq(quota_book_changes(b, c, 8), 0);
    quota_book_free(b);
}
END_TEST

START_TEST(a_restart_goes_on_counting) {
    quota_book *b = quota_book_new();
    uint64_t now = at("2026-01-31T12:00:00Z");
    quota_change c[2];
    quota_book_restore(b, STR("key:1"), QUOTA_DAY, at("2026-01-31"), 7);
    quota_book_restore(b, STR("key:2"), QUOTA_DAY, at("2026-01-30"), 7);
    ck_assert_uint_eq(quota_book_changes(b, c, 2), 0);
    takes(&quota_book_get(b, STR("key:1"))->of[QUOTA_DAY], QUOTA_DAY, 9, now, 1);
    takes(&quota_book_get(b, STR("key:2"))->of[QUOTA_DAY], QUOTA_DAY, 9, now, 8); /* yesterday's is over */
    ck_assert_uint_eq(quota_book_changes(b, c, 2), 2);
    quota_book_free(b);
}
END_TEST

/* More change all the time than are saved at once: each has its turn. */
START_TEST(nobody_is_kept_from_being_saved) {
    quota_book *b = quota_book_new();
    uint64_t now = at("2026-01-31T12:00:00Z");
    bool saved[100] = {false};
    quota_change c[10];
    char name[32];
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 100; i++) {
            snprintf(name, sizeof name, "%d", i);
            quota_take(&quota_book_get(b, str_from(name))->of[QUOTA_DAY], QUOTA_DAY, 9999, now);
        }
        size_t n = quota_book_changes(b, c, 10);
        ck_assert_uint_eq(n, 10);
        for (size_t i = 0; i < n; i++) {
            uint64_t of = 0;
            ck_assert(str_to_u64(c[i].subject, &of) && of < 100);
            saved[of] = true;
        }
    }
    for (int i = 0; i < 100; i++)
        ck_assert_msg(saved[i], "%d", i);
    ck_assert_uint_eq(quota_book_changes(b, c, 0), 0);
    quota_book_free(b);
}
END_TEST

UNIT_MAIN(unit_test(days_and_months_begin_and_end), unit_test(a_day_is_used_up_and_comes_again),
          unit_test(months_of_all_lengths), unit_test(a_clock_set_back_counts_on),
          unit_test(a_clock_that_was_never_set_counts), unit_test(one_is_given_back),
          unit_test(a_limit_that_shrinks), unit_test(eight_threads_take_exactly_the_limit_in_every_period),
          unit_test(a_subject_has_one_entry), unit_test(changes_are_told_once),
          unit_test(a_new_period_is_saved_whatever_its_count),
          unit_test(what_could_not_be_saved_is_told_again), unit_test(a_restart_goes_on_counting),
          unit_test(nobody_is_kept_from_being_saved))
