/* The watchdog with a time of the test's own: nothing here sleeps or measures. */
#include <busbar/busbar.h> /* first: Check has a macro `fail` */

#include "unit.h"

#include "base/clock.h"
#include "plugin/watchdog.h"

#include <pthread.h>

#define HASH "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define MS 1000000u

static watchdog_event events[16];
static size_t count;
static uint64_t now;
static watchdog *dog;
static mark_build *echo;

static void keep(const watchdog_event *e, void *ctx) {
    ck_assert_ptr_eq(ctx, &count);
    ck_assert_uint_lt(count, 16);
    events[count++] = *e;
}

static uint64_t calls_on(unsigned loop) {
    return 40 + loop;
}

static void setup(unsigned loops) {
    const watchdog_options o = {
        .warning_ms = 50, .limit_ms = 1000, .tell = keep, .calls_on = calls_on, .ctx = &count};
    dog = watchdog_new(&o, loops);
    ck_assert_ptr_nonnull(dog);
    count = 0;
    now = 1000000 * (uint64_t)MS;
    echo = mark_build_new(STR("echo"), HASH, 3, "");
    mark_of_loop(1);
}

/* Looks every 10 ms for so long. */
static bool pass(unsigned ms) {
    bool moved = false;
    for (unsigned i = 0; i <= ms; i += 10) {
        now += 10 * MS;
        moved = watchdog_look(dog, now);
    }
    return moved;
}

static mark *enter(void) {
    return mark_enter_step(echo, mark_name(STR("a")), "things.get", "start");
}

START_TEST(a_visit_that_is_short_is_not_told_of) {
    setup(2);
    pass(10);
    for (int i = 0; i < 200; i++) { /* always within one, but never the same for long */
        mark *here = enter();
        pass(30);
        mark_leave(here);
    }
    pass(10);
    ck_assert_uint_eq(count, 0);
    watchdog_free(dog);
}
END_TEST

START_TEST(a_visit_that_takes_long_is_told_of_when_it_is_over) {
    setup(2);
    pass(10);
    mark *here = enter();
    ck_assert(pass(80));
    ck_assert_uint_eq(count, 0);
    mark_leave(here);
    pass(10);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(events[0].kind, WATCHDOG_BLOCKED);
    ck_assert_ptr_eq(events[0].build, echo);
    ck_assert_str_eq(events[0].connection, "a");
    ck_assert_str_eq(events[0].operation, "things.get");
    ck_assert_str_eq(events[0].step, "start");
    ck_assert_uint_ge(events[0].ms, 50);
    ck_assert_uint_le(events[0].ms, 90);
    ck_assert_int_eq(events[0].loop, 1);
    ck_assert_uint_eq(events[0].waiting, 41);
    char text[256];
    watchdog_describe(&events[0], text, sizeof text);
    ck_assert_str_eq(
        text,
        "connector echo (build 0123456789ab, generation 3), connection a, operation things.get, step start");
    ck_assert(!pass(10));
    watchdog_free(dog);
}
END_TEST

START_TEST(a_visit_past_the_limit_is_told_of_at_once_and_again_when_over) {
    setup(2);
    mark *here = enter();
    pass(900);
    ck_assert_uint_eq(count, 0);
    pass(200);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(events[0].kind, WATCHDOG_STUCK);
    ck_assert_uint_ge(events[0].ms, 1000);
    pass(500);
    ck_assert_uint_eq(count, 1);
    mark_leave(here);
    pass(10);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(events[1].kind, WATCHDOG_BLOCKED);
    ck_assert_uint_ge(events[1].ms, 1500);
    watchdog_free(dog);
}
END_TEST

START_TEST(many_long_visits_are_told_of_now_and_then) {
    setup(2);
    for (int i = 0; i < 20; i++) {
        mark *here = enter();
        pass(70);
        mark_leave(here);
        pass(10);
    }
    ck_assert_uint_eq(count, 1);
    for (int i = 0; i < 11; i++)
        pass(1000);
    mark *here = enter();
    pass(70);
    mark_leave(here);
    pass(10);
    ck_assert_uint_eq(count, 2);
    ck_assert_uint_eq(events[1].untold, 19);
    buf text;
    buf_init(&text);
    watchdog_render(dog, &text);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&text), "\nbusbar_step_blocked_total{plugin=\"echo\"} 21\n"));
    ck_assert_ptr_nonnull(
        strstr(buf_cstr(&text), "\nbusbar_step_blocked_seconds_max{plugin=\"echo\"} 0.070\n"));
    buf_free(&text);
    watchdog_free(dog);
}
END_TEST

START_TEST(a_process_that_was_stopped_has_not_blocked) {
    setup(2);
    mark *here = enter();
    pass(10);
    now += 60000 * (uint64_t)MS; /* SIGSTOP, a machine that sleeps */
    watchdog_look(dog, now);
    ck_assert_uint_eq(count, 0);
    mark_leave(here);
    pass(10);
    ck_assert_uint_eq(count, 1);
    ck_assert_uint_le(events[0].ms, 300);
    watchdog_free(dog);
}
END_TEST

START_TEST(threads_that_may_block_are_not_looked_at) {
    setup(2);
    mark_may_block();
    mark *here = enter();
    pass(5000);
    mark_leave(here);
    pass(10);
    ck_assert_uint_eq(count, 0);
    watchdog_free(dog);
    atomic_store(&here->may_block, false);
}
END_TEST

START_TEST(no_times_no_words) {
    const watchdog_options o = {.tell = keep, .ctx = &count};
    setup(2);
    watchdog_free(dog);
    dog = watchdog_new(&o, 2);
    mark *here = enter();
    pass(5000);
    mark_leave(here);
    pass(10);
    ck_assert_uint_eq(count, 0);
    watchdog_free(dog);
}
END_TEST

/* --- loops ---------------------------------------------------------------------------------------------- */

START_TEST(a_loop_that_comes_late_is_told_of) {
    setup(2);
    watchdog_pulse *p = watchdog_pulse_of(dog, 0);
    ck_assert(!pass(10));
    watchdog_expect(p, now + 25 * MS);
    ck_assert(pass(20));
    watchdog_beat(p, now + 10 * MS, 5 * MS);
    pass(10);
    ck_assert_uint_eq(count, 0);
    watchdog_expect(p, now);
    pass(300);
    ck_assert_uint_eq(count, 0);
    watchdog_beat(p, now, 120 * MS);
    watchdog_expect(p, 0);
    pass(10);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(events[0].kind, WATCHDOG_LATE);
    ck_assert_int_eq(events[0].loop, 0);
    ck_assert_ptr_null(events[0].build);
    ck_assert_uint_ge(events[0].ms, 300);
    ck_assert_uint_eq(events[0].busy_ms, 120);
    ck_assert(!pass(10));
    watchdog_free(dog);
}
END_TEST

START_TEST(a_loop_that_stands_still_is_told_of_once) {
    setup(2);
    watchdog_expect(watchdog_pulse_of(dog, 0), now + 25 * MS);
    pass(3000);
    ck_assert_uint_eq(count, 1);
    ck_assert_int_eq(events[0].kind, WATCHDOG_STILL);
    ck_assert_uint_ge(events[0].ms, 1000);
    watchdog_free(dog);
}
END_TEST

START_TEST(a_loop_that_a_connector_keeps_is_not_told_of_twice) {
    setup(2);
    watchdog_pulse *p = watchdog_pulse_of(dog, 1);
    pass(10);
    watchdog_expect(p, now);
    mark *here = enter();
    pass(3000);
    mark_leave(here);
    watchdog_beat(p, now, 0);
    watchdog_expect(p, 0);
    pass(100);
    ck_assert_uint_eq(count, 2);
    ck_assert_int_eq(events[0].kind, WATCHDOG_STUCK);
    ck_assert_int_eq(events[1].kind, WATCHDOG_BLOCKED);
    watchdog_free(dog);
}
END_TEST

/* --- the thread ----------------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t told = PTHREAD_COND_INITIALIZER;
static unsigned told_of;

static void note(const watchdog_event *e, void *ctx) {
    (void)ctx;
    pthread_mutex_lock(&lock);
    told_of += e->kind == WATCHDOG_STUCK;
    pthread_cond_signal(&told);
    pthread_mutex_unlock(&lock);
}

/* Asleep for want of visits, it is woken by one; however long this takes, nothing here depends on it. */
START_TEST(the_thread_wakes_for_a_visit) {
    const watchdog_options o = {.warning_ms = 20, .limit_ms = 20, .tell = note};
    dog = watchdog_new(&o, 1);
    echo = mark_build_new(STR("echo"), HASH, 3, "");
    ck_assert(watchdog_start(dog));
    for (unsigned i = 1; i <= 3; i++) {
        while (!atomic_load(&mark_asleep))
            sched_yield();
        mark *here = enter();
        pthread_mutex_lock(&lock);
        while (told_of < i)
            pthread_cond_wait(&told, &lock);
        pthread_mutex_unlock(&lock);
        mark_leave(here);
    }
    watchdog_free(dog);
    ck_assert(!atomic_load(&mark_asleep));
    mark_leave(enter());
}
END_TEST

UNIT_MAIN(unit_test(a_visit_that_is_short_is_not_told_of),
          unit_test(a_visit_that_takes_long_is_told_of_when_it_is_over),
          unit_test(a_visit_past_the_limit_is_told_of_at_once_and_again_when_over),
          unit_test(many_long_visits_are_told_of_now_and_then),
          unit_test(a_process_that_was_stopped_has_not_blocked),
          unit_test(threads_that_may_block_are_not_looked_at), unit_test(no_times_no_words),
          unit_test(a_loop_that_comes_late_is_told_of), unit_test(a_loop_that_stands_still_is_told_of_once),
          unit_test(a_loop_that_a_connector_keeps_is_not_told_of_twice),
          unit_test(the_thread_wakes_for_a_visit))
