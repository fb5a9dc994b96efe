/* What is kept, and what goes. Time is given: nothing here waits. */
#include "events_fixture.h"

#include "base/clock.h"
#include "store/events_dedup.h"

#define T "subscription/a"
#define DAY 86400000ull

static _Atomic(uint64_t) wall, monotonic;

static uint64_t wall_now(void) {
    return atomic_load(&wall);
}

/* Each look is later than any pause between sweeps. */
static uint64_t much_later(void) {
    return atomic_fetch_add(&monotonic, 60000000000u);
}

static void set_time(uint64_t now_ms) {
    atomic_store(&wall, now_ms);
    clock_inject((clock_source){.ns = much_later, .wall_ms = wall_now});
}

static void sweep(fixture *f, uint64_t keep_ms, uint64_t dead_ms, uint64_t bytes) {
    for (int i = 0; i < 8; i++) {
        events_keep(f->s, keep_ms, dead_ms, bytes);
        store_flush(f->s);
    }
    events_keep(f->s, 0, 0, 0);
    store_flush(f->s);
}

START_TEST(old_events_go_but_for_what_is_pending) {
    fixture f;
    set_time(NOW);
    queue_open(&f);
    ck_assert_int_eq(put_one(&f, "pending", T, NULL, NOW), STORE_OK);
    ck_assert_int_eq(put_one(&f, "done", T, NULL, NOW), STORE_OK);
    ck_assert_int_eq(put_one(&f, "dead", T, NULL, NOW), STORE_OK);
    ck_assert_int_eq(put_one(&f, "nobody's", NULL, NULL, NOW), STORE_OK);
    ck_assert_int_eq(put_one(&f, "newer", T, NULL, NOW + DAY), STORE_OK);
    due_told d = due(&f, T, NOW, 10);
    ck_assert_int_eq(finish(&f, d.list[1].id, DELIVERY_DONE, 0, NOW), STORE_OK);
    ck_assert_int_eq(finish(&f, d.list[2].id, DELIVERY_DEAD, 0, NOW + DAY), STORE_OK);
    set_time(NOW + DAY - 1);
    sweep(&f, DAY, DAY, 0);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events"), 5);
    set_time(NOW + DAY);
    sweep(&f, DAY, DAY, 0);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events"), 3);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM attempts"), 1);
    set_time(NOW + 2 * DAY);
    sweep(&f, DAY, DAY, 0);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events WHERE id IN ('pending', 'newer')"), 2);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events"), 2);
    target_counts c = counts_of(&f, T);
    ck_assert(c.pending == 2 && c.dead == 0 && c.done == 1);
    ck_assert_int_eq(number_of(&f, "SELECT rows FROM targets"), 2);
    d = due(&f, T, NOW, 10);
    ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_DONE, 0, NOW), STORE_OK);
    ck_assert_int_eq(finish(&f, d.list[1].id, DELIVERY_DONE, 0, NOW), STORE_OK);
    sweep(&f, DAY, DAY, 0);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events"),
                     1); /* the newest stays: its number is not given again */
    fixture_close(&f);
}
END_TEST

START_TEST(a_target_with_nothing_left_goes) {
    fixture f;
    set_time(NOW);
    queue_open(&f);
    ck_assert_int_eq(put_one(&f, "e1", T, NULL, NOW), STORE_OK);
    ck_assert_int_eq(put_one(&f, "e2", "subscription/b", NULL, NOW), STORE_OK);
    ck_assert_int_eq(finish(&f, due(&f, T, NOW, 1).list[0].id, DELIVERY_DONE, 0, NOW), STORE_OK);
    set_time(NOW + DAY);
    sweep(&f, 1, 1, 0);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM targets"), 1);
    ck_assert_int_eq(put_one(&f, "e3", T, NULL, NOW + DAY), STORE_OK);
    ck_assert_uint_eq(counts_of(&f, T).pending, 1);
    ck_assert_uint_eq(due(&f, T, NOW + DAY, 10).count, 1);
    fixture_close(&f);
}
END_TEST

static void put_large(fixture *f, unsigned from, unsigned count) {
    static char payload[100000];
    memset(payload, 'x', sizeof payload);
    for (unsigned i = from; i < from + count; i++) {
        char id[16];
        snprintf(id, sizeof id, "e%u", i);
        const event_new n = {.id = str_from(id), .payload = str_of(payload, sizeof payload), .at_ms = NOW};
        ck_assert_int_eq(put_events(f, &n, 1).r, STORE_OK);
    }
}

START_TEST(a_file_that_is_too_large_shrinks) {
    fixture f;
    store_counts c;
    set_time(NOW);
    queue_open(&f);
    put_large(&f, 0, 400); /* 40 MB */
    for (int i = 0; i < 200; i++)
        sweep(&f, 0, 0, 4u << 20);
    int64_t left = number_of(&f, "SELECT count(*) FROM events");
    ck_assert_msg(left >= 20 && left <= 42, "%lld are left", (long long)left);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events WHERE id = 'e399'"), 1);
    ck_assert_int_le(number_of(&f, "PRAGMA freelist_count"), (16 << 20) / 4096 + 1);
    queue_reopen(&f);
    store_count(f.s, &c);
    ck_assert_uint_lt(c.file_bytes, 24u << 20);
    fixture_close(&f);
}
END_TEST

START_TEST(counts_survive_reopening) {
    fixture f;
    set_time(NOW);
    queue_open(&f);
    for (int i = 0; i < 6; i++) {
        char id[8];
        snprintf(id, sizeof id, "e%d", i);
        ck_assert_int_eq(put_one(&f, id, T, NULL, NOW + (uint64_t)i), STORE_OK);
    }
    due_told d = due(&f, T, NOW, 10);
    ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_DONE, 0, NOW), STORE_OK);
    ck_assert_int_eq(finish(&f, d.list[1].id, DELIVERY_DEAD, 0, NOW), STORE_OK);
    ck_assert_int_eq(finish(&f, d.list[2].id, DELIVERY_FILTERED, 0, NOW), STORE_OK);
    ck_assert_int_eq(finish(&f, d.list[3].id, DELIVERY_PENDING, NOW + 9999, NOW), STORE_OK);
    for (int i = 0; i < 2; i++) {
        target_counts c = counts_of(&f, T);
        ck_assert(c.pending == 3 && c.dead == 1 && c.done == 1 && c.oldest_ms == NOW + 3);
        queue_reopen(&f);
    }
    target_counts none;
    ck_assert(!events_target_counts(f.s, STR("subscription/nobody"), &none) && none.pending == 0);
    fixture_close(&f);
}
END_TEST

/* --- repeats ------------------------------------------------------------------------------------------- */

static bool is_repeat(fixture *f, unsigned number, uint64_t at_ms) {
    char id[32], key[16];
    static unsigned ids;
    snprintf(id, sizeof id, "x%u", ids++);
    snprintf(key, sizeof key, "%u", number);
    const event_new n = {
        .id = str_from(id), .source = STR("s"), .dedup = str_from(key), .dedup_ms = DAY, .at_ms = at_ms};
    put_told put = put_events(f, &n, 1);
    ck_assert_int_eq(put.r, STORE_OK);
    return put.repeated[0];
}

static void put_many(fixture *f, unsigned from, unsigned count, uint64_t at_ms) {
    enum { AT_ONCE = 500 };
    static event_new list[AT_ONCE];
    static char texts[AT_ONCE][2][16];
    for (unsigned i = from; i < from + count; i += AT_ONCE) {
        for (unsigned k = 0; k < AT_ONCE; k++) {
            snprintf(texts[k][0], 16, "e%u", i + k);
            snprintf(texts[k][1], 16, "%u", i + k);
            list[k] = (event_new){.id = str_from(texts[k][0]),
                                  .source = STR("s"),
                                  .dedup = str_from(texts[k][1]),
                                  .dedup_ms = DAY,
                                  .at_ms = at_ms};
        }
        put_told put = put_events(f, list, AT_ONCE);
        ck_assert_int_eq(put.r, STORE_OK);
        ck_assert(!put.repeated[0] && !put.repeated[15]);
    }
}

START_TEST(what_was_seen_is_merged_and_still_known) {
    fixture f;
    set_time(NOW);
    queue_open(&f);
    put_many(&f, 0, 200000, NOW);
    ck_assert_int_ge(number_of(&f, "SELECT count(*) FROM dedup"), 65536);
    for (int again = 0; again < 2; again++) {
        for (unsigned i = 0; i < 200000; i += 9999)
            ck_assert_msg(is_repeat(&f, i, NOW + 1), "%u is not known", i);
        queue_reopen(&f);
    }
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events"), 200000);
    uint64_t left = f.s != NULL ? events_of(f.s)->dedup.count : 0;
    ck_assert_uint_lt(left, 140000); /* only what is not in the table is read again */
    for (int i = 0; i < 1000 && !dedup_filter_is_whole(&events_of(f.s)->dedup.filter); i++) {
        ck_assert(!is_repeat(&f, 400000 + (unsigned)i, NOW)); /* with each group some more become known */
        number_of(&f, "SELECT 1");
    }
    ck_assert(dedup_filter_is_whole(&events_of(f.s)->dedup.filter));
    for (unsigned i = 0; i < 200000; i += 99)
        ck_assert_msg(is_repeat(&f, i, NOW + 1), "%u is not known", i);
    set_time(NOW + 2 * DAY);
    put_many(&f, 200000, 200000, NOW + 2 * DAY);
    ck_assert_int_lt(number_of(&f, "SELECT count(*) FROM dedup WHERE until_ms <= 1700172800000"), 100000);
    fixture_close(&f);
}
END_TEST

START_TEST(an_event_that_was_removed_is_a_repeat_still) {
    fixture f;
    set_time(NOW);
    queue_open(&f);
    put_many(&f, 0, 500, NOW);
    set_time(NOW + 1000);
    for (int i = 0; i < 5; i++)
        sweep(&f, 1000, 0, 0);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events"), 1);
    queue_reopen(&f);
    ck_assert(is_repeat(&f, 7, NOW + 2000));
    ck_assert(!is_repeat(&f, 7, NOW + DAY));
    fixture_close(&f);
}
END_TEST

/* --- clocks -------------------------------------------------------------------------------------------- */

START_TEST(a_clock_that_jumps_loses_nothing) {
    fixture f;
    set_time(NOW);
    queue_open(&f);
    ck_assert_int_eq(put_one(&f, "future", T, NULL, NOW + 365 * DAY), STORE_OK); /* the clock was wrong */
    ck_assert_int_eq(put_one(&f, "now", T, NULL, NOW), STORE_OK);
    due_told d = due(&f, T, NOW, 10);
    ck_assert_uint_eq(d.count, 2); /* what is to be had at once is not held back by its time */
    ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_PENDING, NOW + 5000, NOW), STORE_OK);
    d = due(&f, T, NOW - DAY, 10); /* back by a day: it comes later by as much */
    ck_assert_uint_eq(d.count, 1);
    ck_assert_uint_eq(d.next_ms, NOW + 5000);
    ck_assert(is_repeat(&f, 1, NOW + 365 * DAY) == false);
    ck_assert(!is_repeat(&f, 1, NOW)); /* seen in a time to come: better twice than never */
    ck_assert(is_repeat(&f, 1, NOW + 1));
    ck_assert(is_repeat(&f, 1, NOW - 3600000)); /* an hour is no jump */
    fixture_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(old_events_go_but_for_what_is_pending), unit_test(a_target_with_nothing_left_goes),
          unit_test(a_file_that_is_too_large_shrinks), unit_test(counts_survive_reopening),
          unit_test(what_was_seen_is_merged_and_still_known),
          unit_test(an_event_that_was_removed_is_a_repeat_still), unit_test(a_clock_that_jumps_loses_nothing))
