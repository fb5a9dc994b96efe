/* Whether the table of what has been seen may have a hash: never no where it has. */
#include "unit.h"

#include "store/events_dedup_filter.h"

#include <stdlib.h>

#define ROWS 20000
#define AT_ONCE 700

static uint64_t state = 88172645463325252u; /* xorshift64 */

static int64_t any(void) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (int64_t)state;
}

static int by_number(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void make_rows(int64_t *rows) {
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = any();
    qsort(rows, ROWS, sizeof *rows, by_number);
}

/* As the table is swept: some rows at a time. */
static void learn(dedup_filter *f, const int64_t *rows, size_t count) {
    uint64_t from = 0;
    for (size_t at = 0;; at += AT_ONCE) {
        bool last = count - at < AT_ONCE;
        size_t n = last ? count - at : AT_ONCE;
        uint64_t end = last ? UINT64_MAX : dedup_place(rows[at + n - 1]) + 1;
        dedup_filter_learn(f, from, end, rows + at, n);
        from = end;
        if (last)
            return;
    }
}

static size_t those_that_may_be(const dedup_filter *f, size_t asked) {
    size_t n = 0;
    for (size_t i = 0; i < asked; i++)
        n += dedup_filter_may_have(f, any());
    return n;
}

START_TEST(places_are_in_the_order_of_numbers_with_a_sign) {
    ck_assert_uint_eq(dedup_place(INT64_MIN), 0);
    ck_assert_uint_eq(dedup_place(-1) + 1, dedup_place(0));
    ck_assert_uint_eq(dedup_place(INT64_MAX), UINT64_MAX);
}
END_TEST

START_TEST(what_is_not_known_may_be_there) {
    dedup_filter f = {0};
    const int64_t row = INT64_MIN + 5;
    ck_assert(dedup_filter_may_have(&f, 7) && !dedup_filter_is_whole(&f));
    dedup_filter_learn(&f, 0, dedup_place(0), &row, 1);
    ck_assert(dedup_filter_may_have(&f, row));
    ck_assert(!dedup_filter_may_have(&f, -7));
    ck_assert(dedup_filter_may_have(&f, 7));
    dedup_filter_learn(&f, dedup_place(0), UINT64_MAX, NULL, 0);
    ck_assert(dedup_filter_is_whole(&f));
    ck_assert(!dedup_filter_may_have(&f, 7) && dedup_filter_may_have(&f, row));
    dedup_filter_forget(&f);
    ck_assert(dedup_filter_may_have(&f, -7) && !dedup_filter_is_whole(&f));
    dedup_filter_free(&f);
}
END_TEST

START_TEST(every_row_may_be_there_and_most_others_not) {
    dedup_filter f = {0};
    static int64_t rows[ROWS];
    make_rows(rows);
    learn(&f, rows, ROWS);
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < ROWS; i++)
            ck_assert(dedup_filter_may_have(&f, rows[i]));
        ck_assert_uint_lt(those_that_may_be(&f, 10000), 100);
        learn(&f, rows, ROWS);
    }
    dedup_filter_free(&f);
}
END_TEST

START_TEST(what_is_added_stays_and_what_went_goes) {
    dedup_filter f = {0};
    static int64_t rows[ROWS], half[ROWS / 2];
    make_rows(rows);
    learn(&f, rows, 0);
    for (size_t i = 0; i < ROWS; i++)
        dedup_filter_add(&f, rows[i]);
    for (size_t i = 0; i < ROWS; i++)
        ck_assert(dedup_filter_may_have(&f, rows[i]));
    for (size_t i = 0; i < ROWS / 2; i++)
        half[i] = rows[2 * i];
    learn(&f, half, ROWS / 2);
    size_t left = 0;
    for (size_t i = 0; i < ROWS; i++) {
        ck_assert(i % 2 == 1 || dedup_filter_may_have(&f, rows[i]));
        left += i % 2 == 1 && dedup_filter_may_have(&f, rows[i]);
    }
    ck_assert_uint_lt(left, 100);
    dedup_filter_free(&f);
}
END_TEST

/* Rows so close that they share a part of the hashes, on both sides of where a sweep stopped. */
START_TEST(neighbours_of_where_a_sweep_stopped_are_kept) {
    dedup_filter f = {0};
    const int64_t rows[] = {INT64_MIN, INT64_MIN + 1, -3, -2, -1, 0, 1, 2, INT64_MAX - 1, INT64_MAX};
    const size_t count = sizeof rows / sizeof rows[0];
    for (size_t stop = 0; stop < count; stop++) {
        uint64_t at = dedup_place(rows[stop]);
        for (int again = 0; again < 2; again++) {
            dedup_filter_learn(&f, 0, at, rows, stop);
            for (size_t i = 0; i < count; i++)
                ck_assert(dedup_filter_may_have(&f, rows[i]));
            dedup_filter_learn(&f, at, UINT64_MAX, rows + stop, count - stop);
            for (size_t i = 0; i < count; i++)
                ck_assert(dedup_filter_may_have(&f, rows[i]));
        }
    }
    ck_assert(!dedup_filter_may_have(&f, 1ll << 50));
    dedup_filter_free(&f);
}
END_TEST

UNIT_MAIN(unit_test(places_are_in_the_order_of_numbers_with_a_sign),
          unit_test(what_is_not_known_may_be_there), unit_test(every_row_may_be_there_and_most_others_not),
          unit_test(what_is_added_stays_and_what_went_goes),
          unit_test(neighbours_of_where_a_sweep_stopped_are_kept))
