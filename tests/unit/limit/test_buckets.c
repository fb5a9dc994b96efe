/* Limits that a service keeps for each of its routes, and for each thing that a route is about. */
#include <busbar/busbar.h>

#include "limit/upstream.h"

#include "limit/crew.h"

#define MS 1000000ull
#define START 5000000000000ull

static const bb_str SEND = {"POST /channels/{id}/messages", 28}, READ = {"GET /channels/{id}/messages", 27};
static const bb_str ONE = {"1", 1}, TWO = {"2", 1}, NONE = {NULL, 0};

static void tell(bucket_book *b, bb_str route, bb_str scope, const char *id, uint64_t left, uint64_t limit,
                 uint64_t reset_ms, uint64_t now_ns) {
    bucket_said said = {
        .id = str_from(id), .has_left = true, .left = left, .limit = limit, .reset_ms = reset_ms};
    buckets_tell(b, route, scope, &said, now_ns);
}

START_TEST(each_route_and_each_thing_has_its_own) {
    bucket_book *b = buckets_new();
    ck_assert_uint_eq(buckets_wait(b, SEND, ONE, START), 0);
    tell(b, SEND, ONE, "", 0, 5, 2000, START);
    ck_assert_uint_eq(buckets_wait(b, SEND, ONE, START + 500 * MS), 1500 * MS);
    ck_assert_uint_eq(buckets_wait(b, SEND, TWO, START), 0);
    ck_assert_uint_eq(buckets_wait(b, READ, ONE, START), 0);
    ck_assert_uint_eq(buckets_wait(b, SEND, NONE, START), 0);
    tell(b, SEND, TWO, "", 2, 5, 2000, START);
    for (int i = 0; i < 2; i++)
        ck_assert_uint_eq(buckets_wait(b, SEND, TWO, START), 0);
    ck_assert_uint_eq(buckets_wait(b, SEND, TWO, START), 2000 * MS);
    buckets_free(b);
    buckets_free(NULL);
}
END_TEST

START_TEST(routes_of_one_bucket_share_it_for_each_thing) {
    bucket_book *b = buckets_new();
    tell(b, SEND, ONE, "abc", 3, 5, 2000, START);
    tell(b, READ, ONE, "abc", 1, 5, 2000, START);
    ck_assert_uint_eq(buckets_wait(b, SEND, ONE, START), 0);
    ck_assert_uint_eq(buckets_wait(b, READ, ONE, START), 2000 * MS);
    ck_assert_uint_eq(buckets_wait(b, READ, TWO, START), 0);
    tell(b, READ, TWO, "def", 0, 5, 9000, START); /* it is another one now, for all things */
    ck_assert_uint_eq(buckets_wait(b, READ, ONE, START), 0);
    ck_assert_uint_eq(buckets_wait(b, SEND, ONE, START), 2000 * MS);
    buckets_free(b);
}
END_TEST

START_TEST(after_the_reset_goes_what_a_window_gives) {
    bucket_book *b = buckets_new();
    tell(b, SEND, ONE, "abc", 4, 5, 2000, START);
    tell(b, SEND, ONE, "abc", 0, 5, 100, START + 1900 * MS);
    ck_assert_uint_eq(buckets_wait(b, SEND, ONE, START + 1900 * MS), 100 * MS);
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(buckets_wait(b, SEND, ONE, START + 2000 * MS), 0);
    ck_assert_uint_eq(buckets_wait(b, SEND, ONE, START + 2000 * MS), 2000 * MS);
    tell(b, READ, ONE, "", 0, 0, 1000, START); /* of how many is not told */
    for (int i = 0; i < 50; i++)
        ck_assert_uint_eq(buckets_wait(b, READ, ONE, START + 1000 * MS), 0);
    buckets_free(b);
}
END_TEST

START_TEST(what_is_under_way_stays_counted_within_a_window) {
    bucket_book *b = buckets_new();
    tell(b, SEND, ONE, "", 4, 5, 2000, START);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(buckets_wait(b, SEND, ONE, START), 0);
    tell(b, SEND, ONE, "", 3, 5, 1900, START + 100 * MS); /* of the first of the three */
    ck_assert_uint_eq(buckets_wait(b, SEND, ONE, START + 100 * MS), 0);
    ck_assert_uint_eq(buckets_wait(b, SEND, ONE, START + 100 * MS), 1900 * MS);
    tell(b, SEND, ONE, "", 4, 5, 2000, START + 1000 * MS); /* a new window */
    ck_assert_uint_eq(buckets_wait(b, SEND, ONE, START + 1000 * MS), 0);
    buckets_free(b);
}
END_TEST

START_TEST(a_pause_is_one_buckets_or_everybodys) {
    upstream u = {.refs = 1};
    bucket_said pause = {.id = str_from("abc"), .wait_ms = 700};
    ck_assert_uint_eq(upstream_route_wait(&u, SEND, ONE, START), 0);
    upstream_route_tell(&u, SEND, ONE, &pause, START);
    ck_assert_uint_eq(upstream_route_wait(&u, SEND, ONE, START), 700 * MS);
    ck_assert_uint_eq(upstream_route_wait(&u, SEND, TWO, START), 0);
    ck_assert_uint_eq(upstream_told_wait(&u, START), 0);
    pause.wait_ms = 100; /* it only grows */
    upstream_route_tell(&u, SEND, ONE, &pause, START);
    ck_assert_uint_eq(upstream_route_wait(&u, SEND, ONE, START), 700 * MS);
    upstream_block(&u, 900, START);
    ck_assert_uint_eq(upstream_route_wait(&u, SEND, ONE, START), 900 * MS);
    ck_assert_uint_eq(upstream_route_wait(&u, READ, TWO, START), 900 * MS);
    ck_assert_uint_eq(upstream_told_wait(&u, START), 900 * MS);
    ck_assert_uint_eq(upstream_route_wait(&u, SEND, ONE, START + 900 * MS), 0);
    buckets_free(atomic_load(&u.buckets));
}
END_TEST

START_TEST(memory_is_bounded_and_those_that_bind_longest_stay) {
    bucket_book *b = buckets_new();
    bucket_view views[BUCKETS_MAX + 10];
    char name[24];
    tell(b, SEND, ONE, "", 0, 1, 3600000, START);
    for (int i = 0; i < 100000; i++) {
        snprintf(name, sizeof name, "%d", i);
        tell(b, READ, str_from(name), "", 0, 1, 1000, START);
        tell(b, str_from(name), NONE, name, 0, 1, 1000, START);
    }
    ck_assert_uint_eq(buckets_wait(b, SEND, ONE, START), 3600000 * MS);
    ck_assert_uint_eq(buckets_list(b, START, views, BUCKETS_MAX + 10), BUCKETS_MAX);
    ck_assert_uint_eq(buckets_list(b, START + 1000 * MS, views, BUCKETS_MAX), 1);
    ck_assert_str_eq(views[0].name, "POST /channels/{id}/messages of 1");
    ck_assert_uint_eq(views[0].left, 0);
    ck_assert_uint_eq(views[0].limit, 1);
    ck_assert_uint_eq(views[0].reset_ms, 3599000);
    buckets_free(b);
}
END_TEST

#define TOLD 1000

typedef struct race {
    upstream u;
    _Atomic(uint64_t) passed;
} race;

static void *ask(void *arg) {
    race *r = ((hand *)arg)->shared;
    bucket_said nothing = {.id = str_from("abc")};
    for (int i = 0; i < TOLD; i++) {
        if (upstream_route_wait(&r->u, SEND, ONE, START) == 0)
            atomic_fetch_add(&r->passed, 1);
        upstream_route_tell(&r->u, READ, TWO, &nothing, START);
    }
    return NULL;
}

START_TEST(eight_threads_share_what_was_told) {
    for (int round = 0; round < 5; round++) {
        race r = {.u = {.refs = 1}};
        bucket_said said = {.has_left = true, .left = TOLD, .limit = TOLD, .reset_ms = 1000};
        upstream_route_tell(&r.u, SEND, ONE, &said, START);
        crew_run(ask, &r, 1);
        ck_assert_uint_eq(atomic_load(&r.passed), TOLD);
        buckets_free(atomic_load(&r.u.buckets));
    }
}
END_TEST

UNIT_MAIN(each_route_and_each_thing_has_its_own, routes_of_one_bucket_share_it_for_each_thing,
          after_the_reset_goes_what_a_window_gives, what_is_under_way_stays_counted_within_a_window,
          a_pause_is_one_buckets_or_everybodys, memory_is_bounded_and_those_that_bind_longest_stay,
          eight_threads_share_what_was_told)
