/* The circuit breaker: each change of state, at times that the tests give. */
#include <busbar/busbar.h>

#include "limit/breaker.h"

#include "limit/crew.h"

#define START 1000000ull

static const breaker_policy by_row = {.failures = 3, .open_ms = 1000, .max_open_ms = 10000, .probes = 1};
static const breaker_policy by_rate = {
    .rate_percent = 50, .minimum = 10, .window_ms = 8000, .open_ms = 1000, .max_open_ms = 10000, .probes = 1};

static breaker b;

static void fresh(void) {
    breaker_init(&b);
}

static breaker_pass pass_at(const breaker_policy *p, uint64_t now) {
    breaker_pass pass = breaker_admit(&b, p, now);
    ck_assert(pass.admitted);
    return pass;
}

static void report(const breaker_policy *p, breaker_pass pass, breaker_result r, uint64_t now) {
    breaker_report(&b, p, &pass, r, now);
}

static void once(const breaker_policy *p, breaker_result r, uint64_t now) {
    report(p, pass_at(p, now), r, now);
}

static void refuses(const breaker_policy *p, uint64_t now, uint64_t retry_after_ms) {
    breaker_pass pass = breaker_admit(&b, p, now);
    ck_assert(!pass.admitted && !pass.probe);
    ck_assert_uint_eq(pass.retry_after_ms, retry_after_ms);
}

static void is_now(breaker_state s, uint64_t now, uint64_t retry_after_ms) {
    uint64_t retry = 1;
    ck_assert_int_eq(breaker_now(&b, now, &retry), s);
    ck_assert_uint_eq(retry, retry_after_ms);
    ck_assert_int_eq(breaker_now(&b, now, NULL), s);
}

static void open_by_row(uint64_t now) {
    for (int i = 0; i < 3; i++)
        once(&by_row, BREAKER_BAD, now);
    is_now(BREAKER_OPEN, now, 1000);
}

START_TEST(names) {
    ck_assert_str_eq(breaker_state_name(BREAKER_CLOSED), "closed");
    ck_assert_str_eq(breaker_state_name(BREAKER_OPEN), "open");
    ck_assert_str_eq(breaker_state_name(BREAKER_HALF_OPEN), "half_open");
}
END_TEST

/* --- closed ----------------------------------------------------------------------------------------------
 */

START_TEST(failures_in_a_row_open_it) {
    fresh();
    is_now(BREAKER_CLOSED, START, 0);
    once(&by_row, BREAKER_BAD, START);
    once(&by_row, BREAKER_BAD, START + 500000); /* however far apart */
    is_now(BREAKER_CLOSED, START + 500000, 0);
    once(&by_row, BREAKER_BAD, START + 900000);
    is_now(BREAKER_OPEN, START + 900000, 1000);
    refuses(&by_row, START + 900000, 1000);
    refuses(&by_row, START + 900999, 1);
    ck_assert_uint_eq(atomic_load(&b.openings), 1);
    ck_assert_uint_eq(atomic_load(&b.refused), 2);
    breaker_destroy(&b);
}
END_TEST

START_TEST(a_good_one_breaks_the_row_and_an_unknown_one_does_not) {
    fresh();
    for (int i = 0; i < 20; i++) {
        once(&by_row, BREAKER_BAD, START);
        once(&by_row, BREAKER_BAD, START);
        once(&by_row, BREAKER_GOOD, START);
    }
    is_now(BREAKER_CLOSED, START, 0);
    for (int i = 0; i < 3; i++) {
        is_now(BREAKER_CLOSED, START, 0);
        once(&by_row, BREAKER_UNKNOWN, START);
        once(&by_row, BREAKER_BAD, START);
    }
    is_now(BREAKER_OPEN, START, 1000);
    breaker_destroy(&b);
}
END_TEST

START_TEST(off_admits_all_and_counts_nothing) {
    static const breaker_policy off = {.open_ms = 1, .max_open_ms = 1, .probes = 1, .window_ms = 100};
    fresh();
    for (int i = 0; i < 100; i++)
        once(&off, BREAKER_BAD, START);
    is_now(BREAKER_CLOSED, START, 0);
    open_by_row(START);
    once(&off, BREAKER_GOOD, START); /* another connection of this upstream that has it off */
    is_now(BREAKER_OPEN, START, 1000);
    breaker_destroy(&b);
}
END_TEST

/* --- the rate ----------------------------------------------------------------------------------------------
 */

START_TEST(a_rate_over_the_window_opens_it) {
    fresh();
    for (int i = 0; i < 5; i++)
        once(&by_rate, BREAKER_GOOD, START + (uint64_t)i);
    for (int i = 0; i < 4; i++)
        once(&by_rate, BREAKER_BAD, START + 10);
    is_now(BREAKER_CLOSED, START + 10, 0); /* 4 of 9: below the minimum */
    once(&by_rate, BREAKER_BAD, START + 20);
    is_now(BREAKER_OPEN, START + 20, 1000); /* 5 of 10 */
    breaker_destroy(&b);
}
END_TEST

START_TEST(a_rate_below_the_bound_does_not) {
    fresh();
    for (uint64_t i = 0; i < 1000; i++) {
        once(&by_rate, BREAKER_GOOD, START + i * 50);
        once(&by_rate, BREAKER_GOOD, START + i * 50);
        once(&by_rate, BREAKER_BAD, START + i * 50);
        once(&by_rate, BREAKER_BAD, START + i * 50);
        once(&by_rate, BREAKER_GOOD, START + i * 50);
        is_now(BREAKER_CLOSED, START + i * 50, 0); /* 40 % */
    }
    breaker_destroy(&b);
}
END_TEST

/* What is older than the window counts no more; what is younger than seven eighths of it does. */
START_TEST(old_failures_are_forgotten) {
    for (uint64_t later = 0; later <= 20000; later += 250) {
        fresh();
        for (int i = 0; i < 9; i++)
            once(&by_rate, BREAKER_BAD, START);
        once(&by_rate, BREAKER_BAD, START + later);
        if (later <= 7000)
            is_now(BREAKER_OPEN, START + later, 1000);
        else if (later >= 8000)
            is_now(BREAKER_CLOSED, START + later, 0);
        breaker_destroy(&b);
    }
}
END_TEST

/* A service that was well for an hour and then fails: the hour does not hide it. */
START_TEST(good_times_do_not_hide_bad_ones) {
    fresh();
    uint64_t now = START;
    for (int i = 0; i < 36000; i++, now += 100)
        once(&by_rate, BREAKER_GOOD, now);
    uint64_t failing_since = now;
    while (breaker_now(&b, now, NULL) == BREAKER_CLOSED && now < failing_since + 60000) {
        once(&by_rate, BREAKER_BAD, now);
        now += 100;
    }
    ck_assert_uint_le(now - failing_since, 4200); /* half of the window at most, and a step */
    ck_assert_uint_ge(now - failing_since, 3000);
    breaker_destroy(&b);
}
END_TEST

START_TEST(a_hundred_percent_and_a_tiny_window) {
    breaker_policy all = by_rate;
    all.rate_percent = 100;
    all.minimum = 0;
    all.window_ms = 1;
    fresh();
    once(&all, BREAKER_GOOD, START);
    once(&all, BREAKER_BAD, START);
    is_now(BREAKER_CLOSED, START, 0);
    once(&all, BREAKER_BAD, START + 8);
    is_now(BREAKER_OPEN, START + 8, 1000);
    breaker_destroy(&b);
}
END_TEST

/* Closed again, it begins with an empty window. */
START_TEST(closing_clears_the_window) {
    fresh();
    for (int i = 0; i < 10; i++)
        once(&by_rate, BREAKER_BAD, START);
    is_now(BREAKER_OPEN, START, 1000);
    once(&by_rate, BREAKER_GOOD, START + 1000);
    is_now(BREAKER_CLOSED, START + 1000, 0);
    for (int i = 0; i < 9; i++)
        once(&by_rate, BREAKER_BAD, START + 1000);
    is_now(BREAKER_CLOSED, START + 1000, 0);
    once(&by_rate, BREAKER_BAD, START + 1000);
    is_now(BREAKER_OPEN, START + 1000, 1000);
    breaker_destroy(&b);
}
END_TEST

/* --- open and half-open -----------------------------------------------------------------------------------
 */

START_TEST(one_good_probe_closes_it) {
    fresh();
    open_by_row(START);
    is_now(BREAKER_HALF_OPEN, START + 1000, 0);
    breaker_pass probe = pass_at(&by_row, START + 1000);
    ck_assert(probe.probe);
    refuses(&by_row, START + 1000, 1); /* one at a time */
    refuses(&by_row, START + 99000, 1);
    report(&by_row, probe, BREAKER_GOOD, START + 1200);
    is_now(BREAKER_CLOSED, START + 1200, 0);
    ck_assert(!pass_at(&by_row, START + 1200).probe);
    breaker_destroy(&b);
}
END_TEST

START_TEST(one_bad_probe_opens_it_for_longer_up_to_the_cap) {
    static const uint64_t lengths[] = {2000, 4000, 8000, 10000, 10000, 10000};
    fresh();
    open_by_row(START);
    uint64_t now = START + 1000;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        once(&by_row, BREAKER_BAD, now);
        is_now(BREAKER_OPEN, now, lengths[i]);
        refuses(&by_row, now + lengths[i] - 1, 1);
        now += lengths[i];
    }
    ck_assert_uint_eq(atomic_load(&b.openings), 7);
    once(&by_row, BREAKER_GOOD, now);
    is_now(BREAKER_CLOSED, now, 0);
    open_by_row(now); /* and from the first length again */
    breaker_destroy(&b);
}
END_TEST

/* However often in a row: doubling stops at the cap and does not wrap around. */
START_TEST(the_open_time_never_wraps) {
    static const breaker_policy p = {.failures = 1, .open_ms = 3, .max_open_ms = 86400000, .probes = 1};
    fresh();
    uint64_t now = START, last = 0, retry = 0;
    for (int i = 0; i < 300; i++) {
        once(&p, BREAKER_BAD, now);
        ck_assert_int_eq(breaker_now(&b, now, &retry), BREAKER_OPEN);
        ck_assert(retry == (last == 0 ? 3 : last * 2) || retry == 86400000);
        ck_assert_uint_ge(retry, last);
        last = retry;
        now += retry;
    }
    ck_assert_uint_eq(last, 86400000);
    breaker_destroy(&b);
}
END_TEST

START_TEST(a_probe_that_was_never_sent_leaves_its_place) {
    fresh();
    open_by_row(START);
    for (int i = 0; i < 5; i++) {
        once(&by_row, BREAKER_UNKNOWN, START + 1000);
        is_now(BREAKER_HALF_OPEN, START + 1000, 0);
    }
    once(&by_row, BREAKER_GOOD, START + 1000);
    is_now(BREAKER_CLOSED, START + 1000, 0);
    breaker_destroy(&b);
}
END_TEST

START_TEST(several_probes) {
    breaker_policy p = by_row;
    p.probes = 3;
    fresh();
    open_by_row(START);
    breaker_pass probes[3];
    for (int i = 0; i < 3; i++)
        probes[i] = pass_at(&p, START + 1000);
    refuses(&p, START + 1000, 1);
    report(&p, probes[0], BREAKER_GOOD, START + 1001);
    probes[0] = pass_at(&p, START + 1001); /* its place is free, and it is not closed yet */
    ck_assert(probes[0].probe);
    report(&p, probes[1], BREAKER_GOOD, START + 1002);
    is_now(BREAKER_HALF_OPEN, START + 1002, 0);
    report(&p, probes[2], BREAKER_GOOD, START + 1003);
    is_now(BREAKER_CLOSED, START + 1003, 0);
    report(&p, probes[0], BREAKER_BAD, START + 1004); /* of before it closed */
    is_now(BREAKER_CLOSED, START + 1004, 0);
    breaker_destroy(&b);
}
END_TEST

START_TEST(one_bad_of_several_probes_opens_it_once) {
    breaker_policy p = by_row;
    p.probes = 3;
    fresh();
    open_by_row(START);
    breaker_pass probes[3];
    for (int i = 0; i < 3; i++)
        probes[i] = pass_at(&p, START + 1000);
    report(&p, probes[0], BREAKER_GOOD, START + 1001);
    report(&p, probes[1], BREAKER_BAD, START + 1002);
    is_now(BREAKER_OPEN, START + 1002, 2000);
    report(&p, probes[2], BREAKER_BAD, START + 1500); /* not a second time */
    is_now(BREAKER_OPEN, START + 1500, 1502);
    ck_assert_uint_eq(atomic_load(&b.openings), 2);
    for (int i = 0; i < 3; i++) /* all places are free, and the good one of before counts no more */
        probes[i] = pass_at(&p, START + 3002);
    for (int i = 0; i < 3; i++) {
        is_now(BREAKER_HALF_OPEN, START + 3003, 0);
        report(&p, probes[i], BREAKER_GOOD, START + 3003);
    }
    is_now(BREAKER_CLOSED, START + 3003, 0);
    breaker_destroy(&b);
}
END_TEST

/* --- results that come late
 * --------------------------------------------------------------------------------- */

START_TEST(results_of_before_count_no_more) {
    fresh();
    breaker_pass late[5];
    for (int i = 0; i < 5; i++)
        late[i] = pass_at(&by_row, START);
    open_by_row(START);
    report(&by_row, late[0], BREAKER_GOOD, START + 10);
    report(&by_row, late[1], BREAKER_BAD, START + 10);
    is_now(BREAKER_OPEN, START + 10, 990); /* neither closed nor opened anew */
    breaker_pass probe = pass_at(&by_row, START + 1000);
    report(&by_row, late[2], BREAKER_BAD, START + 1001);
    is_now(BREAKER_HALF_OPEN, START + 1001, 0);
    report(&by_row, probe, BREAKER_GOOD, START + 1002);
    for (int i = 0; i < 2; i++)
        once(&by_row, BREAKER_BAD, START + 1003);
    report(&by_row, late[3], BREAKER_BAD, START + 1004); /* would be the third in a row */
    is_now(BREAKER_CLOSED, START + 1004, 0);
    report(&by_row, late[4], BREAKER_GOOD, START + 1005); /* would break the row */
    once(&by_row, BREAKER_BAD, START + 1006);
    is_now(BREAKER_OPEN, START + 1006, 1000);
    breaker_destroy(&b);
}
END_TEST

START_TEST(what_was_refused_reports_nothing) {
    fresh();
    open_by_row(START);
    breaker_pass refused = breaker_admit(&b, &by_row, START + 1);
    report(&by_row, refused, BREAKER_GOOD, START + 1000);
    is_now(BREAKER_OPEN, START + 999, 1);
    breaker_destroy(&b);
}
END_TEST

START_TEST(an_operator_resets_it) {
    fresh();
    open_by_row(START);
    breaker_reset(&b);
    is_now(BREAKER_CLOSED, START, 0);
    open_by_row(START); /* the first length: as new */
    breaker_pass probe = pass_at(&by_row, START + 1000);
    breaker_reset(&b);
    report(&by_row, probe, BREAKER_BAD, START + 1000);
    is_now(BREAKER_CLOSED, START + 1000, 0);
    once(&by_row, BREAKER_BAD, START);
    once(&by_row, BREAKER_BAD, START);
    breaker_reset(&b); /* closed: the row begins anew all the same */
    once(&by_row, BREAKER_BAD, START);
    once(&by_row, BREAKER_BAD, START);
    is_now(BREAKER_CLOSED, START, 0);
    breaker_destroy(&b);
}
END_TEST

/* --- threads
 * -------------------------------------------------------------------------------------------------- */

typedef struct probing {
    breaker_policy policy;
    /* of each time half-open, by its epoch: a probe of the time before may still be under way */
    _Atomic(uint32_t) inside[1024];
    _Atomic(uint32_t) most, probes, admitted;
    _Atomic(uint64_t) now;
    bool bad;
} probing;

/* Asks for passes at the same time as the others; each probe is held for a while. */
static void *probe(void *arg) {
    hand *h = arg;
    probing *t = h->shared;
    for (int i = 0; i < 3000; i++) {
        uint64_t now = atomic_load(&t->now);
        breaker_pass pass = breaker_admit(&b, &t->policy, now);
        if (!pass.admitted) {
            atomic_compare_exchange_strong(&t->now, &now, now + pass.retry_after_ms);
            continue;
        }
        if (!pass.probe) {
            atomic_fetch_add(&t->admitted, 1);
            breaker_report(&b, &t->policy, &pass, BREAKER_BAD, now);
            continue;
        }
        _Atomic(uint32_t) *of = &t->inside[pass.epoch % 1024];
        uint32_t inside = atomic_fetch_add(of, 1) + 1, most = atomic_load(&t->most);
        while (inside > most && !atomic_compare_exchange_weak(&t->most, &most, inside)) {
        }
        atomic_fetch_add(&t->probes, 1);
        breaker_result r = chance(&h->random) % 4 == 0 ? BREAKER_UNKNOWN
                           : t->bad                    ? BREAKER_BAD
                                                       : BREAKER_GOOD;
        atomic_fetch_sub(of, 1);
        breaker_report(&b, &t->policy, &pass, r, now);
    }
    return NULL;
}

START_TEST(never_more_probes_at_once_than_allowed) {
    for (uint32_t probes = 1; probes <= 3; probes++) {
        for (int bad = 0; bad < 2; bad++) {
            probing t = {.policy = {.failures = 1, .open_ms = 5, .max_open_ms = 40, .probes = probes},
                         .bad = bad};
            atomic_init(&t.now, START);
            fresh();
            crew_run(probe, &t, probes);
            ck_assert_uint_gt(atomic_load(&t.probes), 0);
            ck_assert_uint_le(atomic_load(&t.most), probes);
            ck_assert_uint_gt(atomic_load(&b.openings), 1);
            if (bad) /* never closed again: only those that were there at the first opening */
                ck_assert_uint_le(atomic_load(&t.admitted), CREW);
            ck_assert_uint_eq(b.probing, 0);
            breaker_destroy(&b);
        }
    }
}
END_TEST

static void *fail_all(void *arg) {
    (void)arg;
    for (int i = 0; i < 1000; i++) {
        breaker_pass pass = breaker_admit(&b, &by_row, START);
        breaker_report(&b, &by_row, &pass, BREAKER_BAD, START);
    }
    return NULL;
}

START_TEST(a_storm_of_failures_opens_it_once) {
    for (int round = 0; round < 50; round++) {
        fresh();
        crew_run(fail_all, NULL, 1);
        ck_assert_uint_eq(atomic_load(&b.openings), 1);
        is_now(BREAKER_OPEN, START, 1000);
        breaker_destroy(&b);
    }
}
END_TEST

UNIT_MAIN(unit_test(names), unit_test(failures_in_a_row_open_it),
          unit_test(a_good_one_breaks_the_row_and_an_unknown_one_does_not),
          unit_test(off_admits_all_and_counts_nothing), unit_test(a_rate_over_the_window_opens_it),
          unit_test(a_rate_below_the_bound_does_not), unit_test(old_failures_are_forgotten),
          unit_test(good_times_do_not_hide_bad_ones), unit_test(a_hundred_percent_and_a_tiny_window),
          unit_test(closing_clears_the_window), unit_test(one_good_probe_closes_it),
          unit_test(one_bad_probe_opens_it_for_longer_up_to_the_cap), unit_test(the_open_time_never_wraps),
          unit_test(a_probe_that_was_never_sent_leaves_its_place), unit_test(several_probes),
          unit_test(one_bad_of_several_probes_opens_it_once), unit_test(results_of_before_count_no_more),
          unit_test(what_was_refused_reports_nothing), unit_test(an_operator_resets_it),
          unit_test(never_more_probes_at_once_than_allowed), unit_test(a_storm_of_failures_opens_it_once))
