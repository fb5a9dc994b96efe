/* A wall clock that is set: how old things are, and when what waits is due. Time is given. */
#include "events_fixture.h"

#include "base/clock.h"
#include "base/log.h"

#define T "subscription/a"
#define HOUR 3600000ull
#define DAY (24 * HOUR)

static _Atomic(uint64_t) wall, boot, monotonic;

static uint64_t wall_now(void) {
    return atomic_load(&wall);
}

static uint64_t boot_now(void) {
    return atomic_load(&boot) * 1000000u;
}

/* Each look is later than any pause between sweeps. */
static uint64_t much_later(void) {
    return atomic_fetch_add(&monotonic, 60000000000u);
}

static void pass(uint64_t ms) {
    atomic_fetch_add(&wall, ms);
    atomic_fetch_add(&boot, ms);
}

static void begin(fixture *f) {
    log_set_level(LOG_LEVEL_OFF);
    atomic_store(&wall, NOW);
    atomic_store(&boot, 5000);
    clock_inject((clock_source){.ns = much_later, .wall_ms = wall_now, .boot_ns = boot_now});
    queue_open(f);
}

static int64_t left_after(fixture *f, uint64_t keep_ms, uint64_t dead_ms) {
    for (int i = 0; i < 8; i++) {
        events_keep(f->s, keep_ms, dead_ms, 0);
        store_flush(f->s);
    }
    events_keep(f->s, 0, 0, 0);
    return number_of(f, "SELECT count(*) FROM events");
}

static void put_at_wall(fixture *f, const char *id) {
    ck_assert_int_eq(put_one(f, id, NULL, NULL, wall_now()), STORE_OK);
}

/* --- the clock alone -------------------------------------------------------------------------------------
 */

START_TEST(time_that_was_left_out_has_not_passed) {
    events_clock c = {0};
    uint64_t by;
    ck_assert_int_eq(events_clock_look(&c, "b1", NOW, 1000, &by), CLOCK_STEADY);
    ck_assert_int_eq(events_clock_look(&c, "b1", NOW + HOUR, 1000 + HOUR, &by), CLOCK_STEADY);
    ck_assert_int_eq(events_clock_look(&c, "b1", NOW + 10 * DAY, 1000 + HOUR, &by), CLOCK_FORWARD);
    ck_assert_uint_eq(by, 10 * DAY - HOUR);
    ck_assert_uint_eq(events_clock_age(&c, NOW), HOUR);
    ck_assert_uint_eq(events_clock_age(&c, NOW + 10 * DAY), 0);
    ck_assert_uint_eq(events_clock_due(&c, NOW + 10 * DAY + 7), NOW + HOUR + 7);
    events_clock_look(&c, "b1", NOW + 11 * DAY, 1000 + HOUR + DAY, &by);
    ck_assert_uint_eq(events_clock_age(&c, NOW), HOUR + DAY);
    ck_assert_uint_eq(events_clock_age(&c, NOW + 10 * DAY + HOUR), DAY - HOUR);
    ck_assert_int_eq(events_clock_look(&c, "b1", NOW + DAY + HOUR, 1000 + HOUR + DAY, &by), CLOCK_BACK);
    ck_assert_uint_eq(by, 10 * DAY - HOUR);
    ck_assert_int_eq(c.shift_ms, 0);
    ck_assert_uint_le(events_clock_age(&c, NOW), DAY + HOUR); /* never more than what has passed */
    ck_assert_uint_eq(events_clock_age(&c, NOW + 10 * DAY), 0);
}
END_TEST

START_TEST(a_clock_that_is_a_little_fast_has_not_jumped) {
    events_clock c = {0};
    uint64_t by;
    events_clock_look(&c, "b1", NOW, 0, &by);
    for (uint64_t s = 1; s <= 100000; s++) /* half a thousandth, in steps of a second */
        ck_assert_int_eq(events_clock_look(&c, "b1", NOW + s * 1000 + s / 2, s * 1000, &by), CLOCK_STEADY);
    ck_assert_uint_eq(events_clock_age(&c, NOW), 100050000);
    ck_assert_int_eq(c.shift_ms, 0);
}
END_TEST

START_TEST(many_jumps_only_keep_for_longer) {
    events_clock c = {0};
    uint64_t by, passed = 0, now = NOW;
    events_clock_look(&c, "b1", now, 0, &by);
    for (int i = 0; i < 40; i++) {
        passed += 1000;
        now += DAY + 1000;
        ck_assert_int_eq(events_clock_look(&c, "b1", now, passed, &by), CLOCK_FORWARD);
        ck_assert_uint_le(events_clock_age(&c, NOW), passed);
        ck_assert_uint_le(events_clock_age(&c, now - DAY - 1000), 1000);
    }
    ck_assert_uint_le(c.gap_count, CLOCK_GAPS);
    buf text = {0};
    events_clock again;
    events_clock_write(&c, &text);
    ck_assert(events_clock_read(buf_str(&text), &again));
    ck_assert_mem_eq(&again, &c, sizeof c);
    buf_free(&text);
    ck_assert(!events_clock_read(STR("b1 1 2"), &again));
    ck_assert(!events_clock_read(STR("b1 1 2 3 4 9 8 0"), &again));
}
END_TEST

START_TEST(a_long_time_between_two_boots_is_doubted_for_a_day) {
    events_clock c = {0};
    uint64_t by;
    events_clock_look(&c, "b1", NOW, 9000, &by);
    ck_assert_int_eq(events_clock_look(&c, "b2", NOW + HOUR, 10, &by), CLOCK_STEADY);
    ck_assert_uint_eq(events_clock_age(&c, NOW), HOUR);
    ck_assert_int_eq(events_clock_look(&c, "b3", NOW + 30 * DAY, 10, &by), CLOCK_DOUBTED);
    ck_assert_uint_eq(events_clock_age(&c, NOW), HOUR);
    ck_assert_uint_eq(events_clock_due(&c, NOW + 30 * DAY), NOW + 30 * DAY); /* what was due meanwhile is */
    events_clock_look(&c, "b3", NOW + 31 * DAY - 1, 10 + DAY - 1, &by);
    ck_assert_uint_eq(events_clock_age(&c, NOW), HOUR + DAY - 1);
    events_clock_look(&c, "b3", NOW + 31 * DAY, 10 + DAY, &by);
    ck_assert_uint_eq(events_clock_age(&c, NOW), 31 * DAY);
}
END_TEST

START_TEST(a_clock_that_was_wrong_at_the_boot_is_put_right) {
    events_clock c = {0};
    uint64_t by;
    events_clock_look(&c, "b1", NOW, 9000, &by);
    ck_assert_int_eq(events_clock_look(&c, "b2", NOW + 99 * DAY, 10, &by), CLOCK_DOUBTED);
    ck_assert_int_eq(events_clock_look(&c, "b2", NOW + 60000, 60010, &by), CLOCK_BACK);
    ck_assert_int_le(llabs(c.shift_ms), 60000);
    ck_assert_uint_le(events_clock_age(&c, NOW - HOUR), HOUR + 60000);
    /* no battery: it begins in 1970, until somebody knows */
    ck_assert_int_eq(events_clock_look(&c, "b3", 1000, 1000, &by), CLOCK_BACK);
    ck_assert_uint_eq(events_clock_age(&c, NOW), 0);
    ck_assert_uint_ge(events_clock_due(&c, 1000), NOW);
    ck_assert_int_eq(events_clock_look(&c, "b3", NOW + 2 * HOUR, 2000, &by), CLOCK_FORWARD);
    ck_assert_uint_ge(events_clock_age(&c, NOW - DAY), DAY); /* what had passed still has */
    ck_assert_uint_le(events_clock_age(&c, NOW - DAY), DAY + 2 * HOUR);
}
END_TEST

/* Two hours before the jump, and an hour after it: then no battery, until a time server is asked. */
START_TEST(a_boot_in_1970_makes_nothing_older) {
    events_clock c = {0};
    uint64_t by, due;
    events_clock_look(&c, "b1", NOW, 0, &by);
    events_clock_look(&c, "b1", NOW + HOUR, HOUR, &by);
    ck_assert_int_eq(events_clock_look(&c, "b1", NOW + 30 * DAY, HOUR + 1000, &by), CLOCK_FORWARD);
    events_clock_look(&c, "b1", NOW + 30 * DAY + HOUR, 2 * HOUR + 1000, &by);
    due = events_clock_due(&c, NOW + 30 * DAY + 2 * HOUR); /* in an hour */
    ck_assert_uint_eq(events_clock_age(&c, NOW), 2 * HOUR + 1000);
    ck_assert_int_eq(events_clock_look(&c, "b2", 10000, 5000, &by), CLOCK_BACK);
    ck_assert_uint_eq(events_clock_age(&c, NOW), 0);
    ck_assert_uint_eq(events_clock_wall(&c, due), 10000 + HOUR);
    buf text = {0};
    events_clock again;
    events_clock_write(&c, &text);
    ck_assert(events_clock_read(buf_str(&text), &again));
    ck_assert_mem_eq(&again, &c, sizeof c);
    buf_free(&text);
    ck_assert_int_eq(events_clock_look(&c, "b2", 4000, 8000, &by), CLOCK_BACK); /* in 1970, too */
    ck_assert_int_eq(events_clock_look(&c, "b2", NOW + 30 * DAY + HOUR + 60000, 15000, &by), CLOCK_FORWARD);
    ck_assert_uint_eq(events_clock_age(&c, NOW), 2 * HOUR + 1000);
    uint64_t wall_ms = events_clock_wall(&c, due), now = NOW + 30 * DAY + HOUR + 60000;
    ck_assert(wall_ms <= now + HOUR && wall_ms >= now + HOUR - 60000);
    ck_assert_uint_eq(c.behind_ms, 0);
}
END_TEST

START_TEST(a_boot_in_1970_puts_nothing_off_that_was_written_in_doubt) {
    events_clock c = {0};
    uint64_t by, now = NOW + 2 * DAY, due;
    events_clock_look(&c, "b1", NOW, 1000, &by);
    ck_assert_int_eq(events_clock_look(&c, "b2", now, 1000, &by), CLOCK_DOUBTED);
    due = events_clock_due(&c, now + HOUR);
    events_clock_look(&c, "b2", now + 60000, 61000, &by);
    ck_assert_int_eq(events_clock_look(&c, "b3", 10000, 5000, &by), CLOCK_BACK);
    ck_assert_int_eq(events_clock_look(&c, "b3", now + 120000, 35000, &by), CLOCK_FORWARD);
    ck_assert_uint_le(events_clock_wall(&c, due), now + HOUR + 120000);
    ck_assert_uint_ge(events_clock_wall(&c, due), now + HOUR);
    ck_assert_uint_le(events_clock_age(&c, NOW - HOUR), HOUR + 120000); /* still in doubt */
    /* the doubt was another boot's: what has been written since then is not put off by it either */
    due = events_clock_due(&c, now + 120000 + HOUR);
    ck_assert_int_eq(events_clock_look(&c, "b3", now + 120000 - DAY, 35000, &by), CLOCK_BACK);
    ck_assert_uint_eq(events_clock_wall(&c, due), now + 120000 + HOUR - DAY);
    /* twice in 1970, and right by yet another boot */
    events_clock_look(&c, "b4", 1000, 1000, &by);
    ck_assert_int_eq(events_clock_look(&c, "b5", 2000, 1000, &by), CLOCK_STEADY);
    ck_assert_int_eq(events_clock_look(&c, "b6", now, 1000, &by), CLOCK_DOUBTED);
    ck_assert_uint_le(events_clock_wall(&c, due), now + HOUR);
    ck_assert_uint_le(events_clock_age(&c, NOW - HOUR), HOUR + 120000);
}
END_TEST

/* The clock was wrong, by a year, and a boot has put it right: no year without anything growing old. */
START_TEST(a_clock_behind_is_believed_after_a_day) {
    events_clock c = {0};
    uint64_t by;
    events_clock_look(&c, "b1", NOW, 1000, &by);
    ck_assert_int_eq(events_clock_look(&c, "b1", NOW + 365 * DAY, 2000, &by), CLOCK_FORWARD);
    ck_assert_int_eq(events_clock_look(&c, "b2", NOW + HOUR, 1000, &by), CLOCK_BACK);
    ck_assert_int_eq(events_clock_look(&c, "b2", NOW + DAY, 1000 + 23 * HOUR, &by), CLOCK_STEADY);
    ck_assert_uint_le(events_clock_age(&c, NOW), 1000);
    events_clock_look(&c, "b2", NOW + DAY + HOUR, 1000 + DAY, &by);
    ck_assert_uint_le(events_clock_age(&c, NOW), DAY + HOUR);
    uint64_t age = events_clock_age(&c, NOW);
    events_clock_look(&c, "b2", NOW + 3 * DAY + HOUR, 1000 + 3 * DAY, &by);
    ck_assert_uint_eq(events_clock_age(&c, NOW), age + 2 * DAY);
    ck_assert_int_eq(events_clock_look(&c, "b2", NOW + 40 * DAY, 2000 + 3 * DAY, &by), CLOCK_FORWARD);
    ck_assert_uint_le(events_clock_age(&c, NOW), age + 2 * DAY + 1000); /* a jump is one, there too */
}
END_TEST

/* --- the queue by it -------------------------------------------------------------------------------------
 */

START_TEST(a_clock_set_forward_removes_nothing) {
    fixture f;
    begin(&f);
    ck_assert_int_eq(put_one(&f, "dead", T, NULL, NOW), STORE_OK);
    ck_assert_int_eq(finish(&f, due(&f, T, NOW, 1).list[0].id, DELIVERY_DEAD, 0, NOW), STORE_OK);
    put_at_wall(&f, "old");
    put_at_wall(&f, "newest");
    atomic_fetch_add(&wall, 400 * DAY);
    ck_assert_int_eq(left_after(&f, DAY, DAY), 3);
    ck_assert_uint_eq(events_age_ms(f.s, NOW), 0);
    queue_reopen(&f);
    ck_assert_int_eq(left_after(&f, DAY, DAY), 3);
    put_at_wall(&f, "after");
    pass(DAY - 1);
    ck_assert_int_eq(left_after(&f, DAY, DAY), 4);
    pass(1);
    ck_assert_int_eq(left_after(&f, DAY, DAY), 1);
    fixture_close(&f);
}
END_TEST

START_TEST(what_another_boot_left_is_kept_for_a_day) {
    fixture f;
    begin(&f);
    put_at_wall(&f, "old");
    events *v = events_of(f.s);
    pthread_mutex_lock(&v->lock);
    str_put(v->boot, sizeof v->boot, STR("another"));
    str_put(v->clock.boot, sizeof v->clock.boot, STR("another"));
    pthread_mutex_unlock(&v->lock);
    put_at_wall(&f, "newest"); /* with which the time is noted */
    store_flush(f.s);
    atomic_fetch_add(&wall, 400 * DAY);
    queue_reopen(&f);
    ck_assert_int_eq(left_after(&f, 2 * DAY, DAY), 2);
    pass(DAY - 1);
    ck_assert_int_eq(left_after(&f, 2 * DAY, DAY), 2);
    pass(1);
    ck_assert_int_eq(left_after(&f, 2 * DAY, DAY), 1);
    fixture_close(&f);
}
END_TEST

START_TEST(events_of_a_time_to_come_hold_up_no_removal) {
    fixture f;
    begin(&f);
    put_at_wall(&f, "before");
    atomic_fetch_add(&wall, 400 * DAY);
    put_at_wall(&f, "future");
    put_at_wall(&f, "future too");
    atomic_fetch_sub(&wall, 400 * DAY);
    put_at_wall(&f, "after");
    put_at_wall(&f, "newest");
    pass(DAY - 1);
    ck_assert_int_eq(left_after(&f, DAY, DAY), 5);
    pass(HOUR);
    ck_assert_int_eq(left_after(&f, DAY, DAY), 1);
    fixture_close(&f);
}
END_TEST

/* Keyed, so that the second waits for the first: on its turn, it is one that comes later. */
START_TEST(what_waits_for_its_time_comes_in_time) {
    fixture f;
    begin(&f);
    ck_assert_int_eq(put_one(&f, "e1", T, "k", NOW), STORE_OK);
    ck_assert_int_eq(put_one(&f, "e2", T, "k", NOW), STORE_OK);
    ck_assert_int_eq(put_one(&f, "retried", T, NULL, NOW), STORE_OK);
    due_told d = due(&f, T, NOW, 10);
    ck_assert_uint_eq(d.count, 2);
    ck_assert_int_eq(finish(&f, d.list[1].id, DELIVERY_PENDING, NOW + 5000, NOW), STORE_OK);
    atomic_fetch_sub(&wall, HOUR);
    store_flush(f.s);
    ck_assert_int_eq(finish(&f, d.list[0].id, DELIVERY_DONE, 0, NOW), STORE_OK);
    d = due(&f, T, wall_now(), 10);
    ck_assert_uint_eq(d.count, 1); /* the second of the key: not an hour later */
    ck_assert_str_eq(d.list[0].event, "e2");
    ck_assert_uint_eq(d.next_ms, wall_now() + 5000);
    pass(4999);
    ck_assert_uint_eq(due(&f, T, wall_now(), 10).count, 1);
    pass(1);
    ck_assert_uint_eq(due(&f, T, wall_now(), 10).count, 2);
    list_told l = list_of(&f, true, (event_query){.target = STR(T), .state = DELIVERY_PENDING});
    ck_assert_ptr_nonnull(strstr(l.json, "\"due\":\"2023-11-14T21:13:25.000Z\"")); /* by the clock as it is */
    ck_assert_int_eq(
        finish(&f, due(&f, T, wall_now(), 10).list[1].id, DELIVERY_PENDING, wall_now() + HOUR, NOW),
        STORE_OK);
    atomic_fetch_add(&wall, DAY); /* forward: not before its hour is over */
    queue_reopen(&f);
    d = due(&f, T, wall_now(), 10);
    ck_assert_uint_eq(d.count, 1);
    ck_assert_uint_eq(d.next_ms, wall_now() + HOUR);
    ck_assert_uint_eq(redrive_all(&f, (event_query){.state = DELIVERY_PENDING}, wall_now()), 1);
    ck_assert_uint_eq(due(&f, T, wall_now(), 10).count, 2);
    fixture_close(&f);
}
END_TEST

START_TEST(cancelled_ones_are_kept_from_then_on) {
    fixture f;
    begin(&f);
    ck_assert_int_eq(put_one(&f, "cancelled", T, NULL, NOW), STORE_OK);
    ck_assert_int_eq(put_one(&f, "newest", NULL, NULL, NOW), STORE_OK);
    pass(10 * DAY);
    ck_assert_uint_eq(purge_all(&f, (event_query){.state = DELIVERY_PENDING}), 1);
    ck_assert_int_eq(left_after(&f, DAY, DAY), 2);
    pass(DAY - 1);
    ck_assert_int_eq(left_after(&f, DAY, DAY), 2);
    ck_assert_uint_eq(redrive_all(&f, (event_query){.state = DELIVERY_CANCELLED}, wall_now()), 1);
    ck_assert_uint_eq(due(&f, T, wall_now(), 10).count, 1);
    ck_assert_uint_eq(purge_all(&f, (event_query){.state = DELIVERY_PENDING}), 1);
    pass(DAY);
    ck_assert_int_eq(left_after(&f, DAY, DAY), 1);
    fixture_close(&f);
}
END_TEST

/* While nothing comes in, too: what one look asks for goes on until all is gone. */
START_TEST(an_idle_queue_is_swept_to_its_end) {
    enum { AT_ONCE = 500, MANY = 20000 };
    static event_new list[AT_ONCE];
    static char ids[AT_ONCE][16];
    fixture f;
    begin(&f);
    for (int i = 0; i < MANY; i += AT_ONCE) {
        for (int k = 0; k < AT_ONCE; k++) {
            snprintf(ids[k], sizeof ids[k], "e%d", i + k);
            list[k] = (event_new){.id = str_from(ids[k]), .at_ms = NOW};
        }
        ck_assert_int_eq(put_events(&f, list, AT_ONCE).r, STORE_OK);
    }
    pass(DAY);
    clock_inject((clock_source){.wall_ms = wall_now, .boot_ns = boot_now});
    uint64_t before = events_of(f.s)->removed;
    ck_assert_uint_eq(before, 0);
    events_keep(f.s, DAY, DAY, 0); /* once */
    for (int i = 0; i < 20000 && number_of(&f, "SELECT count(*) FROM events") > 1; i++)
        usleep(1000);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events"), 1);
    fixture_close(&f);
}
END_TEST

START_TEST(statements_have_no_end) {
    static char texts[300][32];
    fixture f;
    begin(&f);
    for (int i = 0; i < 300; i++)
        snprintf(texts[i], sizeof texts[i], "SELECT %d", i);
    for (int again = 0; again < 2; again++)
        for (int i = 0; i < 300; i++) {
            store_result r = STORE_OK;
            sqlite3_stmt *stmt = database_prepare(&f.s->main, texts[i]);
            ck_assert(database_row(stmt, &r));
            ck_assert_int_eq(sqlite3_column_int(stmt, 0), i);
            sqlite3_reset(stmt);
        }
    fixture_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(time_that_was_left_out_has_not_passed),
          unit_test(a_clock_that_is_a_little_fast_has_not_jumped), unit_test(many_jumps_only_keep_for_longer),
          unit_test(a_long_time_between_two_boots_is_doubted_for_a_day),
          unit_test(a_clock_that_was_wrong_at_the_boot_is_put_right),
          unit_test(a_boot_in_1970_makes_nothing_older),
          unit_test(a_boot_in_1970_puts_nothing_off_that_was_written_in_doubt),
          unit_test(a_clock_behind_is_believed_after_a_day), unit_test(a_clock_set_forward_removes_nothing),
          unit_test(what_another_boot_left_is_kept_for_a_day),
          unit_test(events_of_a_time_to_come_hold_up_no_removal),
          unit_test(what_waits_for_its_time_comes_in_time), unit_test(cancelled_ones_are_kept_from_then_on),
          unit_test(an_idle_queue_is_swept_to_its_end), unit_test(statements_have_no_end))
