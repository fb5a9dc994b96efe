/* Single flight when a loop cannot be told for want of memory. The loop is the test's own: it takes what is
 * posted, or not, and runs it when the test says so. */
#include "cache/fixture.h"

#define POSTS 16

static struct {
    loop_fn fn;
    void *arg;
} posts[POSTS];
static unsigned posted;
static unsigned refuse; /* so many of the next posts */

bool loop_post(loop *l, loop_fn fn, void *arg) {
    (void)l;
    if (refuse > 0) {
        refuse--;
        return false;
    }
    ck_assert_uint_lt(posted, POSTS);
    posts[posted].fn = fn;
    posts[posted++].arg = arg;
    return true;
}

static void run_posts(void) {
    unsigned n = posted;
    for (unsigned i = 0; i < n; i++)
        posts[i].fn(NULL, posts[i].arg);
    memmove(posts, posts + n, (posted - n) * sizeof posts[0]);
    posted -= n;
}

typedef struct asker {
    cache_flight *lead;
    cache_wait *wait;
    unsigned ends;
    flight_end how;
} asker;

static void on_end(flight_end how, cache_entry *entry, cache_failure *failure, cache_flight *flight,
                   void *ctx) {
    asker *a = ctx;
    a->wait = NULL;
    a->lead = flight;
    a->how = how;
    a->ends++;
    cache_entry_drop(entry);
    cache_failure_drop(failure);
}

static void join_all(cache *c, asker *a, size_t n) {
    for (size_t i = 0; i < n; i++) {
        a[i] = (asker){.ends = 0};
        cache_join(c, STR("k"), cache_hash(c, STR("k")), NULL, on_end, &a[i], &a[i].lead, &a[i].wait);
        ck_assert(i == 0 ? a[i].lead != NULL : a[i].wait != NULL);
    }
}

static void over(cache *c) {
    for (unsigned i = 0; i < SHARDS; i++)
        ck_assert_ptr_null(c->shards[i].flights);
    ck_assert_uint_eq(posted, 0);
    ck_assert_uint_eq(refuse, 0);
    cache_free(c);
}

/* It waits until its deadline, and its cancel frees all that it was to be given. */
START_TEST(one_cannot_be_told) {
    cache *c = cache_new(1 << 20);
    asker a[4];
    join_all(c, a, 4);
    cache_entry *e = put_text(c, STR("k"), "op", STR("x"));
    refuse = 1;
    cache_flight_end(c, a[0].lead, FLIGHT_FILLED, e, NULL);
    cache_entry_drop(e);
    run_posts();
    ck_assert_uint_eq(a[1].ends, 0);
    ck_assert(a[2].ends == 1 && a[3].ends == 1);
    cache_wait_cancel(c, a[1].wait);
    over(c);
}
END_TEST

/* The lead must not be lost with it: else nobody ever asked for this key again. */
START_TEST(the_next_leader_cannot_be_told) {
    cache *c = cache_new(1 << 20);
    asker a[4];
    join_all(c, a, 4);
    refuse = 2;
    cache_flight_end(c, a[0].lead, FLIGHT_LEAD, NULL, NULL);
    run_posts();
    ck_assert(a[1].ends == 0 && a[2].ends == 0);
    ck_assert(a[3].ends == 1 && a[3].how == FLIGHT_LEAD);
    cache_flight_end(c, a[3].lead, FLIGHT_ALONE, NULL, NULL);
    cache_wait_cancel(c, a[1].wait);
    cache_wait_cancel(c, a[2].wait);
    over(c);
}
END_TEST

START_TEST(no_leader_can_be_told) {
    cache *c = cache_new(1 << 20);
    asker a[3], next;
    join_all(c, a, 3);
    refuse = 2;
    cache_flight_end(c, a[0].lead, FLIGHT_LEAD, NULL, NULL);
    run_posts();
    join_all(c, &next, 1); /* leads anew */
    cache_flight_end(c, next.lead, FLIGHT_ALONE, NULL, NULL);
    cache_wait_cancel(c, a[1].wait);
    cache_wait_cancel(c, a[2].wait);
    over(c);
}
END_TEST

/* Cancelled with the lead on its way, and the one behind it cannot be told. */
START_TEST(the_lead_sent_on_cannot_be_told) {
    cache *c = cache_new(1 << 20);
    asker a[4];
    join_all(c, a, 4);
    cache_flight_end(c, a[0].lead, FLIGHT_LEAD, NULL, NULL);
    cache_wait_cancel(c, a[1].wait);
    refuse = 1;
    run_posts();
    run_posts();
    ck_assert_uint_eq(a[2].ends, 0);
    ck_assert(a[3].ends == 1 && a[3].how == FLIGHT_LEAD);
    cache_flight_end(c, a[3].lead, FLIGHT_ALONE, NULL, NULL);
    cache_wait_cancel(c, a[2].wait);
    over(c);
}
END_TEST

UNIT_MAIN(unit_test(one_cannot_be_told), unit_test(the_next_leader_cannot_be_told),
          unit_test(no_leader_can_be_told), unit_test(the_lead_sent_on_cannot_be_told))
