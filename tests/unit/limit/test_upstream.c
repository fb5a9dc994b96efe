/* What connections that use the same credential at the same host share: the book of them, and what the
 * service said of its own limit. */
#include <busbar/busbar.h>

#include "limit/upstream.h"

#include "limit/crew.h"

#define MS 1000000ull
#define START 5000000000000ull

START_TEST(one_for_each_key_until_the_last_leaves) {
    upstream_book b = {NULL};
    upstream *a = upstream_get(&b, "aa"), *c = upstream_get(&b, "cc");
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_ne(a, c);
    ck_assert_ptr_eq(upstream_get(&b, "aa"), a);
    upstream_unref(&b, a);
    upstream_tell(a, 0, 1000, START); /* still there */
    ck_assert_ptr_eq(upstream_get(&b, "aa"), a);
    upstream_unref(&b, a);
    upstream_unref(&b, a);
    upstream *again = upstream_get(&b, "aa");
    ck_assert_uint_eq(upstream_told_wait(again, START), 0); /* a new one */
    upstream_unref(&b, c);
    ck_assert_ptr_eq(b.first, again);
    upstream_unref(&b, again);
    ck_assert_ptr_null(b.first);
    upstream_unref(&b, NULL);
}
END_TEST

START_TEST(keys_are_64_digits) {
    upstream_book b = {NULL};
    char key[65];
    memset(key, 'f', 64);
    key[64] = '\0';
    upstream *u = upstream_get(&b, key);
    ck_assert_str_eq(u->key, key);
    ck_assert_ptr_eq(upstream_get(&b, key), u);
    key[63] = 'e';
    upstream *other = upstream_get(&b, key);
    ck_assert_ptr_ne(other, u);
    upstream_unref(&b, other);
    upstream_unref(&b, u);
    upstream_unref(&b, u);
    ck_assert_ptr_null(b.first);
}
END_TEST

START_TEST(as_many_as_were_told) {
    upstream u = {.refs = 1};
    ck_assert_uint_eq(upstream_told_wait(&u, START), 0); /* nothing told yet */
    upstream_tell(&u, 3, 1000, START);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(upstream_told_wait(&u, START + 1), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(upstream_told_wait(&u, START + 400 * MS), 600 * MS);
    ck_assert_uint_eq(upstream_told_wait(&u, START + 1000 * MS - 1), 1);
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(upstream_told_wait(&u, START + 1000 * MS), 0); /* the reset: no more is known */
}
END_TEST

START_TEST(the_last_word_counts) {
    upstream u = {.refs = 1};
    upstream_tell(&u, 0, 60000, START);
    ck_assert_uint_eq(upstream_told_wait(&u, START), 60000 * MS);
    upstream_tell(&u, 1, 500, START);
    ck_assert_uint_eq(upstream_told_wait(&u, START), 0);
    ck_assert_uint_eq(upstream_told_wait(&u, START), 500 * MS);
    upstream_tell(&u, UINT64_MAX, 500, START); /* "no limit", as some put it */
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(upstream_told_wait(&u, START), 0);
    ck_assert_int_gt(atomic_load(&u.told_left), INT64_MAX - 11);
}
END_TEST

START_TEST(a_block_comes_first_and_only_grows) {
    upstream u = {.refs = 1};
    upstream_tell(&u, 5, 1000, START);
    upstream_block(&u, 300, START);
    ck_assert_uint_eq(upstream_told_wait(&u, START), 300 * MS);
    upstream_block(&u, 100, START);
    ck_assert_uint_eq(upstream_told_wait(&u, START), 300 * MS);
    upstream_block(&u, 400, START);
    ck_assert_uint_eq(upstream_told_wait(&u, START + 399 * MS), MS);
    ck_assert_int_eq(atomic_load(&u.told_left), 5); /* who was refused is not counted */
    ck_assert_uint_eq(upstream_told_wait(&u, START + 400 * MS), 0);
    ck_assert_int_eq(atomic_load(&u.told_left), 4);
}
END_TEST

#define TOLD 1000

typedef struct told_race {
    upstream u;
    _Atomic(uint64_t) passed, renewed;
} told_race;

/* Each asks many more times than there are places. */
static void *ask(void *arg) {
    told_race *r = ((hand *)arg)->shared;
    for (int i = 0; i < TOLD; i++)
        if (upstream_told_wait(&r->u, START) == 0)
            atomic_fetch_add(&r->passed, 1);
    return NULL;
}

START_TEST(eight_threads_share_what_was_told) {
    for (int round = 0; round < 20; round++) {
        told_race r = {.u = {.refs = 1}};
        upstream_tell(&r.u, TOLD, 1000, START);
        crew_run(ask, &r, 1);
        ck_assert_uint_eq(atomic_load(&r.passed), TOLD);
        ck_assert_int_eq(atomic_load(&r.u.told_left), 0);
    }
}
END_TEST

/* One tells again and again that nothing is left, the others ask: a refused one must not add a place. */
static void *ask_or_tell(void *arg) {
    hand *h = arg;
    told_race *r = h->shared;
    for (int i = 0; i < 20000; i++) {
        if (h->number == 0)
            upstream_tell(&r->u, 0, 1000, START);
        else if (upstream_told_wait(&r->u, START) == 0)
            atomic_fetch_add(&r->passed, 1);
    }
    return NULL;
}

START_TEST(asking_while_it_is_told_adds_nothing) {
    told_race r = {.u = {.refs = 1}};
    upstream_tell(&r.u, 0, 1000, START);
    crew_run(ask_or_tell, &r, 2);
    ck_assert_uint_eq(atomic_load(&r.passed), 0);
    ck_assert_int_eq(atomic_load(&r.u.told_left), 0);
}
END_TEST

static void *block(void *arg) {
    hand *h = arg;
    told_race *r = h->shared;
    for (uint64_t i = 0; i < 2000; i++)
        upstream_block(&r->u, (i * 7919 + h->number) % 10007, START);
    return NULL;
}

START_TEST(the_longest_block_of_many_stays) {
    told_race r = {.u = {.refs = 1}};
    uint64_t longest = 0;
    for (unsigned n = 0; n < CREW; n++)
        for (uint64_t i = 0; i < 2000; i++)
            longest = (i * 7919 + n) % 10007 > longest ? (i * 7919 + n) % 10007 : longest;
    crew_run(block, &r, 3);
    ck_assert_uint_eq(upstream_told_wait(&r.u, START), longest * MS);
}
END_TEST

/* Places of the rate that are given up are taken again, each once, the earliest first. */
START_TEST(a_place_that_is_given_up_is_taken_again) {
    const uint64_t second = 1000 * MS;
    upstream_book b = {NULL};
    upstream *u = upstream_get(&b, "aa");
    gcra_policy p;
    uint64_t long_ns = 0;
    ck_assert(gcra_policy_of(1, second, 1, &p));
    for (uint64_t i = 0; i < 5; i++)
        ck_assert_uint_eq(upstream_rate_take(u, &p, START, 60 * second, &long_ns), i * second);
    upstream_rate_leave(u, START + 3 * second, START);
    upstream_rate_leave(u, START + 2 * second, START);
    upstream_rate_leave(u, START, START); /* has come */
    ck_assert_uint_eq(upstream_rate_take(u, &p, START, second, &long_ns), GCRA_NEVER);
    ck_assert_uint_eq(upstream_rate_take(u, &p, START, 60 * second, &long_ns), 2 * second);
    ck_assert_uint_eq(upstream_rate_take(u, &p, START + second, 60 * second, &long_ns), 2 * second);
    ck_assert_uint_eq(upstream_rate_take(u, &p, START, 60 * second, &long_ns), 5 * second);
    upstream_rate_leave(u, START + 4 * second, START);
    ck_assert_uint_eq(upstream_rate_take(u, &p, START + 4 * second, 60 * second, &long_ns), 2 * second);
    upstream_unref(&b, u);
}
END_TEST

START_TEST(many_places_are_kept_up_to_a_bound) {
    const uint64_t second = 1000 * MS;
    upstream_book b = {NULL};
    upstream *u = upstream_get(&b, "aa");
    gcra_policy p;
    ck_assert(gcra_policy_of(1, second, 1, &p));
    for (uint64_t i = 0; i < 10000; i++)
        ck_assert_uint_eq(upstream_rate_take(u, &p, START, UINT64_MAX / 2, NULL), i * second);
    for (uint64_t i = 1; i < 10000; i++)
        upstream_rate_leave(u, START + i * second, START);
    for (uint64_t i = 1; i <= 100; i++)
        ck_assert_uint_eq(upstream_rate_take(u, &p, START, UINT64_MAX, NULL), i * second);
    upstream_unref(&b, u);
}
END_TEST

UNIT_MAIN(unit_test(one_for_each_key_until_the_last_leaves), unit_test(keys_are_64_digits),
          unit_test(as_many_as_were_told), unit_test(the_last_word_counts),
          unit_test(a_block_comes_first_and_only_grows), unit_test(eight_threads_share_what_was_told),
          unit_test(asking_while_it_is_told_adds_nothing), unit_test(the_longest_block_of_many_stays),
          unit_test(a_place_that_is_given_up_is_taken_again), unit_test(many_places_are_kept_up_to_a_bound))
