/* The rate limiter: never more than its rate and burst, from however many threads; and no stingier than that.
 * Time is a number that the tests move on. */
#include "limit/gcra.h"

#include "limit/crew.h"

#include <stdlib.h>

#define SECOND 1000000000ull
#define START 1000000000000ull /* the clock's first reading: not 0, as no machine's is */

static gcra_policy policy_of(uint64_t rate, uint64_t period_ns, uint32_t burst) {
    gcra_policy p;
    ck_assert(gcra_policy_of(rate, period_ns, burst, &p));
    return p;
}

static gcra_policy any_policy(uint64_t *random) {
    static const uint64_t periods[] = {SECOND, 60 * SECOND, 3600 * SECOND, 86400 * SECOND};
    uint64_t rate = between(random, 1, 1u << between(random, 0, 20));
    return policy_of(rate, periods[chance(random) % 4], (uint32_t)between(random, 1, 50));
}

START_TEST(policies) {
    gcra_policy p = policy_of(100, SECOND, 7);
    ck_assert_uint_eq(p.interval_ns, 10000000);
    ck_assert_uint_eq(p.burst, 7);
    ck_assert_uint_eq(p.rate, 100);
    ck_assert_uint_eq(p.period_ns, SECOND);
    ck_assert_uint_eq(policy_of(100, SECOND, 0).burst, 100);
    ck_assert_uint_eq(policy_of(600, 60 * SECOND, 0).burst, 10);
    ck_assert_uint_eq(policy_of(1, 86400 * SECOND, 0).burst, 1);
    ck_assert_uint_eq(policy_of(3, SECOND, 1).interval_ns, 333333334); /* rounded up */
    ck_assert_uint_eq(policy_of(SECOND, SECOND, 1).interval_ns, 1);
    ck_assert(!gcra_policy_of(0, SECOND, 1, &p));
    ck_assert(!gcra_policy_of(1, 0, 1, &p));
    ck_assert(!gcra_policy_of(SECOND + 1, SECOND, 1, &p));
}
END_TEST

/* A burst of a million at one a day would be 2,700 years of credit: past what a 64-bit clock can tell. */
START_TEST(a_burst_that_time_cannot_hold_is_refused) {
    gcra_policy p;
    ck_assert(!gcra_policy_of(1, 86400 * SECOND, 1000000, &p));
    ck_assert(!gcra_policy_of(1, 86400 * SECOND, UINT32_MAX, &p));
    p = policy_of(1, 86400 * SECOND, 50000);
    gcra g = {0};
    for (uint32_t i = 0; i < 50000; i++)
        ck_assert_uint_eq(gcra_take(&g, &p, START, 0, NULL), 0);
    ck_assert_uint_eq(gcra_take(&g, &p, START, 0, NULL), GCRA_NEVER);
}
END_TEST

START_TEST(no_limit_admits_all) {
    gcra_policy none = {0};
    gcra g = {0};
    for (int i = 0; i < 100; i++)
        ck_assert_uint_eq(gcra_take(&g, &none, START, 0, NULL), 0);
    uint64_t full_ns = 1;
    ck_assert_uint_eq(gcra_left(&g, &none, START, &full_ns), UINT32_MAX);
    ck_assert_uint_eq(full_ns, 0);
}
END_TEST

START_TEST(a_rested_limiter_admits_exactly_its_burst) {
    uint64_t random = 1;
    for (int round = 0; round < 500; round++) {
        gcra_policy p = any_policy(&random);
        gcra g = {0};
        uint64_t now = START, wait = 0, full = 0;
        for (int rest = 0; rest < 3; rest++) {
            ck_assert_uint_eq(gcra_left(&g, &p, now, &full), p.burst);
            ck_assert_uint_eq(full, 0);
            for (uint32_t i = 0; i < p.burst; i++) {
                ck_assert_uint_eq(gcra_take(&g, &p, now, 0, NULL), 0);
                ck_assert_uint_eq(gcra_left(&g, &p, now, &full), p.burst - i - 1);
                ck_assert_uint_eq(full, (i + 1) * p.interval_ns);
            }
            ck_assert_uint_eq(gcra_take(&g, &p, now, 0, &wait), GCRA_NEVER);
            ck_assert_uint_eq(wait, p.interval_ns);
            now += p.burst * p.interval_ns + chance(&random) % p.period_ns;
        }
    }
}
END_TEST

START_TEST(a_refusal_says_when_and_takes_nothing) {
    gcra_policy p = policy_of(10, SECOND, 1);
    gcra g = {0};
    uint64_t wait = 0;
    ck_assert_uint_eq(gcra_take(&g, &p, START, 0, &wait), 0);
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(gcra_take(&g, &p, START + 40000000, 0, &wait), GCRA_NEVER);
        ck_assert_uint_eq(wait, 60000000);
    }
    ck_assert_uint_eq(gcra_take(&g, &p, START + 99999999, 0, &wait), GCRA_NEVER);
    ck_assert_uint_eq(wait, 1);
    ck_assert_uint_eq(gcra_take(&g, &p, START + 99999999, 1, NULL), 1); /* in the very next nanosecond */
    ck_assert_uint_eq(gcra_take(&g, &p, START + 100000000, 99999999, &wait), GCRA_NEVER);
    ck_assert_uint_eq(gcra_take(&g, &p, START + 100000000, 100000000, &wait), 100000000);
}
END_TEST

/* However long a line of callers that would wait for ever: time does not wrap around and admit them. */
START_TEST(no_wait_beyond_what_time_can_hold) {
    gcra_policy p = policy_of(1, 86400 * SECOND, 1);
    gcra g = {0};
    uint64_t last = 0, taken = 0, wait;
    while ((wait = gcra_take(&g, &p, START, UINT64_MAX, NULL)) != GCRA_NEVER) {
        ck_assert(taken == 0 || wait > last);
        last = wait;
        ck_assert_uint_lt(taken++, 300000);
    }
    ck_assert_uint_gt(taken, 10000);
    ck_assert_uint_eq(gcra_take(&g, &p, START, UINT64_MAX, NULL), GCRA_NEVER);
}
END_TEST

/* --- against a bucket ---------------------------------------------------------------------------------- */

/* The same limit told another way: a bucket of burst tokens that fills by one an interval. In nanoseconds of
 * credit, so that nothing is rounded. */
typedef struct bucket {
    uint64_t credit_ns, seen_ns;
} bucket;

static bool bucket_take(bucket *b, const gcra_policy *p, uint64_t now_ns) {
    uint64_t most = p->burst * p->interval_ns, grown = b->credit_ns + (now_ns - b->seen_ns);
    b->credit_ns = grown < most ? grown : most;
    b->seen_ns = now_ns;
    if (b->credit_ns < p->interval_ns)
        return false;
    b->credit_ns -= p->interval_ns;
    return true;
}

START_TEST(it_is_a_token_bucket) {
    uint64_t random = 2;
    for (int round = 0; round < 300; round++) {
        gcra_policy p = any_policy(&random);
        gcra g = {0};
        bucket b = {p.burst * p.interval_ns, START};
        uint64_t now = START;
        for (int i = 0; i < 1000; i++) {
            if (chance(&random) % 4 != 0)
                now += chance(&random) % (p.interval_ns * (1 + chance(&random) % 3));
            bool admitted = gcra_take(&g, &p, now, 0, NULL) == 0;
            ck_assert_msg(admitted == bucket_take(&b, &p, now), "round %d, step %d", round, i);
        }
    }
}
END_TEST

/* --- times of admission, and every window over them ------------------------------------------------------
 */

static int by_time(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Of every two admissions i <= j: j - i + 1 <= rate x (t[j] - t[i]) / period + burst. In one pass: of the
 * i's only the one with the greatest t[i] x rate - i x period can break it. */
static bool every_window_holds(uint64_t *times, size_t n, const gcra_policy *p) {
    qsort(times, n, sizeof *times, by_time);
    __int128 worst = 0;
    for (size_t j = 0; j < n; j++) {
        __int128 line = (__int128)(times[j] - times[0]) * p->rate - (__int128)j * p->period_ns;
        if (j == 0 || line > worst)
            worst = line;
        if (line - worst + (__int128)(p->burst - 1) * p->period_ns < 0)
            return false;
    }
    return true;
}

START_TEST(the_check_itself_finds_one_too_many) {
    gcra_policy p = policy_of(10, SECOND, 2);
    uint64_t good[] = {0, 0, SECOND / 10, SECOND / 5, SECOND, SECOND};
    uint64_t bad[] = {0, SECOND / 10, SECOND, SECOND, SECOND + SECOND / 10 - 1, 2 * SECOND};
    ck_assert(every_window_holds(good, 6, &p));
    ck_assert(!every_window_holds(bad, 6, &p));
}
END_TEST

/* The earliest time of the k-th that breaks no window with those before it: asked of each of them. */
static uint64_t earliest(const uint64_t *times, size_t k, uint64_t now, const gcra_policy *p) {
    uint64_t at = now;
    for (size_t i = 0; i + p->burst <= k; i++) {
        uint64_t from_i = times[i] + (k - i + 1 - p->burst) * p->interval_ns;
        at = from_i > at ? from_i : at;
    }
    return at;
}

START_TEST(waiting_gives_the_earliest_place) {
    uint64_t random = 3, times[400];
    for (int round = 0; round < 100; round++) {
        gcra_policy p = any_policy(&random);
        gcra g = {0};
        uint64_t now = START;
        for (size_t k = 0; k < 400;) {
            now += chance(&random) % (2 * p.interval_ns);
            uint64_t most = chance(&random) % (20 * p.interval_ns), told = 0;
            uint64_t wait = gcra_take(&g, &p, now, most, &told), wanted = earliest(times, k, now, &p) - now;
            if (wait == GCRA_NEVER) {
                ck_assert_uint_gt(told, most);
                ck_assert_uint_eq(told, wanted);
            } else {
                ck_assert_uint_eq(wait, wanted);
                times[k++] = now + wait;
            }
        }
        ck_assert(every_window_holds(times, 400, &p));
    }
}
END_TEST

/* --- many threads ----------------------------------------------------------------------------------------
 */

#define EACH 4000u /* admissions that a thread can note down */

typedef struct arena_of_takers {
    gcra limiter;
    gcra_policy policy;
    _Atomic(uint64_t) now;
    uint64_t end;           /* the clock stops here */
    uint64_t step;          /* it moves by up to so much, when a thread was refused */
    uint64_t longest;       /* wait */
    _Atomic(bool) nonsense; /* a wait that was not asked for */
    uint64_t times[CREW * EACH];
    size_t counts[CREW];
} takers;

static void *take_and_move_on(void *arg) {
    hand *h = arg;
    takers *t = h->shared;
    uint64_t *times = t->times + (size_t)h->number * EACH;
    size_t n = 0;
    while (n < EACH) {
        uint64_t now = atomic_load(&t->now), told = 0;
        uint64_t most = t->longest > 0 ? chance(&h->random) % t->longest : 0;
        uint64_t wait = gcra_take(&t->limiter, &t->policy, now, most, &told);
        if (wait != GCRA_NEVER) {
            times[n++] = now + wait;
            if (wait > most)
                atomic_store(&t->nonsense, true);
            continue;
        }
        if (told <= most)
            atomic_store(&t->nonsense, true);
        if (now >= t->end)
            break;
        atomic_fetch_add(&t->now, between(&h->random, 1, t->step));
    }
    t->counts[h->number] = n;
    return NULL;
}

static size_t gather(takers *t) {
    size_t n = 0;
    for (unsigned i = 0; i < CREW; i++) {
        memmove(t->times + n, t->times + (size_t)i * EACH, t->counts[i] * sizeof *t->times);
        n += t->counts[i];
    }
    return n;
}

static takers *takers_new(gcra_policy p, uint64_t intervals, uint64_t step) {
    takers *t = calloc(1, sizeof *t);
    ck_assert_ptr_nonnull(t);
    t->policy = p;
    t->end = START + intervals * p.interval_ns;
    t->step = step;
    atomic_init(&t->now, START);
    return t;
}

/* rate x time + burst, from the first clock reading to the last. */
static uint64_t allowed(const takers *t, uint64_t until) {
    return (uint64_t)((__int128)(until - START) * t->policy.rate / t->policy.period_ns) + t->policy.burst;
}

START_TEST(eight_threads_never_take_more_than_rate_and_burst) {
    uint64_t random = 4;
    for (unsigned round = 0; round < 150; round++) {
        gcra_policy p = any_policy(&random);
        uint64_t step = 1 + chance(&random) % (p.interval_ns * (1 + chance(&random) % 100));
        takers *t = takers_new(p, 500 + step / p.interval_ns * 20, step);
        crew_run(take_and_move_on, t, round);
        size_t n = gather(t);
        ck_assert_uint_le(n, allowed(t, atomic_load(&t->now)));
        ck_assert_uint_ge(n, p.burst);
        ck_assert(every_window_holds(t->times, n, &p));
        ck_assert(!atomic_load(&t->nonsense));
        free(t);
    }
}
END_TEST

START_TEST(eight_waiting_threads_never_take_more) {
    uint64_t random = 5;
    for (unsigned round = 0; round < 150; round++) {
        gcra_policy p = any_policy(&random);
        takers *t = takers_new(p, 300, 1 + chance(&random) % (4 * p.interval_ns));
        t->longest = 1 + chance(&random) % (30 * p.interval_ns);
        crew_run(take_and_move_on, t, round);
        size_t n = gather(t);
        ck_assert(every_window_holds(t->times, n, &p));
        ck_assert_uint_le(n, allowed(t, t->times[n - 1])); /* the latest wait's end, as they are in order */
        ck_assert(!atomic_load(&t->nonsense));
        free(t);
    }
}
END_TEST

/* Steps of at most an interval, and a burst greater than what all threads together can skip: then the bucket
 * never runs over, and every token that time has given must have been taken. */
START_TEST(eight_threads_lose_nothing_of_the_rate) {
    uint64_t random = 6;
    for (unsigned round = 0; round < 100; round++) {
        gcra_policy p = any_policy(&random);
        p.burst = (uint32_t)between(&random, 2 * CREW, 60);
        takers *t = takers_new(p, 800, p.interval_ns);
        crew_run(take_and_move_on, t, round);
        size_t n = gather(t);
        uint64_t now = atomic_load(&t->now);
        while (gcra_take(&t->limiter, &p, now, 0, NULL) == 0)
            n++;
        uint64_t due = (now - START) / p.interval_ns + p.burst;
        ck_assert_uint_le(n, due);
        ck_assert_uint_ge(n + 1, due); /* one interval's worth at most */
        free(t);
    }
}
END_TEST

UNIT_MAIN(unit_test(policies), unit_test(a_burst_that_time_cannot_hold_is_refused),
          unit_test(no_limit_admits_all), unit_test(a_rested_limiter_admits_exactly_its_burst),
          unit_test(a_refusal_says_when_and_takes_nothing), unit_test(no_wait_beyond_what_time_can_hold),
          unit_test(it_is_a_token_bucket), unit_test(the_check_itself_finds_one_too_many),
          unit_test(waiting_gives_the_earliest_place),
          unit_test(eight_threads_never_take_more_than_rate_and_burst),
          unit_test(eight_waiting_threads_never_take_more), unit_test(eight_threads_lose_nothing_of_the_rate))
