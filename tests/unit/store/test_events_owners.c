/* Whose a target is: by time, and by who is alive. */
#include "events_fixture.h"

#include "base/clock.h"
#include "base/log.h"

#include <signal.h>
#include <sys/wait.h>

typedef struct own_told {
    fixture *f;
    store_result r;
    bool own[8];
} own_told;

static void note_own(store_result r, const bool *own, size_t count, void *ctx) {
    own_told *o = ctx;
    o->r = r;
    memcpy(o->own, own, count * sizeof *own);
    sem_post(&o->f->sem);
}

static bool owns(fixture *f, uint64_t now_ms, uint64_t until_ms) {
    own_told o = {.f = f};
    const bb_str names[2] = {STR("subscription/a"), STR("subscription/b")};
    ck_assert(events_own(f->s, names, 2, now_ms, until_ms, f->l, note_own, &o));
    sem_wait(&f->sem);
    ck_assert_int_eq(o.r, STORE_OK);
    ck_assert(o.own[0] == o.own[1]);
    return o.own[0];
}

START_TEST(a_lease_is_taken_and_renewed) {
    fixture f;
    queue_open(&f);
    ck_assert(owns(&f, NOW, NOW + 1000));
    ck_assert(owns(&f, NOW + 500, NOW + 1500));
    ck_assert_int_eq(number_of(&f, "SELECT min(until_ms) FROM targets"), (int64_t)NOW + 1500);
    fixture_close(&f);
}
END_TEST

/* Another process with the file: a child that owns the targets until it is told to end. */
static pid_t start_owner(fixture *f, int *hold) {
    int ready[2], held[2];
    char byte = 0;
    ck_assert(pipe(ready) == 0 && pipe(held) == 0);
    pid_t child = fork();
    if (child == 0) {
        fixture own = *f;
        err e = {""};
        close(held[1]);
        own.s = events_open(f->path, &e);
        own.l = loop_new(0);
        sem_init(&own.sem, 0, 0);
        bool ok = own.s != NULL && loop_start(own.l) && owns(&own, NOW, NOW + 1000) &&
                  write(ready[1], "r", 1) == 1;
        (void)!read(held[0], &byte, 1);
        _exit(ok ? 0 : 1);
    }
    close(held[0]);
    close(ready[1]);
    ck_assert_int_eq(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    *hold = held[1];
    return child;
}

START_TEST(a_lease_of_a_process_that_lives_holds_until_its_time) {
    fixture f = {.folder = "/tmp/busbar-events-XXXXXX"};
    int hold, status;
    ck_assert_ptr_nonnull(mkdtemp(f.folder));
    snprintf(f.path, sizeof f.path, "%s/events.db", f.folder);
    pid_t child = start_owner(&f, &hold); /* before any thread runs here */
    queue_reopen(&f);
    f.l = loop_new(0);
    f.a = arena_new(0);
    sem_init(&f.sem, 0, 0);
    ck_assert(loop_start(f.l));
    ck_assert(!owns(&f, NOW + 1, NOW + 1001));
    ck_assert(!owns(&f, NOW + 999, NOW + 2000));
    ck_assert(owns(&f, NOW + 1000, NOW + 2000)); /* not renewed */
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    close(hold);
    fixture_close(&f);
}
END_TEST

START_TEST(a_lease_of_a_process_that_was_killed_is_over_at_once) {
    fixture f = {.folder = "/tmp/busbar-events-XXXXXX"};
    int hold, status;
    ck_assert_ptr_nonnull(mkdtemp(f.folder));
    snprintf(f.path, sizeof f.path, "%s/events.db", f.folder);
    pid_t child = start_owner(&f, &hold);
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    close(hold);
    queue_reopen(&f);
    f.l = loop_new(0);
    f.a = arena_new(0);
    sem_init(&f.sem, 0, 0);
    ck_assert(loop_start(f.l));
    ck_assert(owns(&f, NOW + 1, NOW + 1001));
    fixture_close(&f);
}
END_TEST

START_TEST(a_targets_own_text_is_kept) {
    fixture f;
    queue_open(&f);
    told o = {.f = &f};
    ck_assert_ptr_null(events_target_state(f.s, STR("subscription/a"), f.a).ptr);
    ck_assert(
        events_target_set_state(f.s, STR("subscription/a"), STR("{\"failing\":1}"), f.l, note_result, &o));
    sem_wait(&f.sem);
    ck_assert_int_eq(o.r, STORE_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert(str_eq(events_target_state(f.s, STR("subscription/a"), f.a), STR("{\"failing\":1}")));
        queue_reopen(&f);
    }
    ck_assert(events_target_set_state(f.s, STR("subscription/a"), STR(""), NULL, NULL, NULL));
    store_flush(f.s);
    ck_assert_ptr_null(events_target_state(f.s, STR("subscription/a"), f.a).ptr);
    fixture_close(&f);
}
END_TEST

/* As another process does with a target that had nothing and that nobody renewed. */
START_TEST(a_target_that_another_process_removed_is_made_anew) {
    fixture f;
    log_set_level(LOG_LEVEL_OFF);
    queue_open(&f);
    ck_assert(owns(&f, NOW, NOW + 1000));
    ck_assert_int_eq(fixture_sql(&f, "DELETE FROM targets"), STORE_OK);
    ck_assert_int_eq(put_one(&f, "e1", "subscription/a", NULL, NOW), STORE_OK);
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(due(&f, "subscription/a", NOW, 10).count, 1);
        ck_assert_uint_eq(counts_of(&f, "subscription/a").pending, 1);
        queue_reopen(&f);
    }
    ck_assert_int_eq(finish(&f, due(&f, "subscription/a", NOW, 1).list[0].id, DELIVERY_DONE, 0, NOW),
                     STORE_OK);
    ck_assert_uint_eq(counts_of(&f, "subscription/a").pending, 0);
    ck_assert_int_eq(fixture_sql(&f, "UPDATE deliveries SET state = 4; DELETE FROM targets"), STORE_OK);
    ck_assert(owns(&f, NOW, NOW + 1000)); /* a row's lease, not nothing's */
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM targets WHERE owner <> 0"), 2);
    fixture_close(&f);
}
END_TEST

/* As above, and made again by that process since. */
START_TEST(a_target_that_another_process_made_anew_is_found) {
    fixture f;
    log_set_level(LOG_LEVEL_OFF);
    queue_open(&f);
    ck_assert(owns(&f, NOW, NOW + 1000));
    ck_assert_int_eq(fixture_sql(&f, "DELETE FROM targets; INSERT INTO targets(name, done) "
                                     "VALUES('subscription/b', 3), ('subscription/a', 5)"),
                     STORE_OK);
    ck_assert_int_eq(put_one(&f, "e1", "subscription/a", "k", NOW), STORE_OK);
    ck_assert_uint_eq(due(&f, "subscription/a", NOW, 10).count, 1);
    ck_assert_uint_eq(due(&f, "subscription/b", NOW, 10).count, 0);
    ck_assert_uint_eq(counts_of(&f, "subscription/a").pending, 1);
    ck_assert_uint_eq(counts_of(&f, "subscription/a").done, 5);
    fixture_close(&f);
}
END_TEST

/* --- a clock that is set ----------------------------------------------------------------------------- */

static _Atomic(uint64_t) wall, passed, looks;

static uint64_t wall_now(void) {
    return atomic_load(&wall);
}

static uint64_t boot_now(void) {
    return atomic_load(&passed) * 1000000u;
}

/* Each look is later than any pause between sweeps. */
static uint64_t much_later(void) {
    return atomic_fetch_add(&looks, 60000000000u);
}

static void set_clock(void) {
    log_set_level(LOG_LEVEL_OFF);
    atomic_store(&wall, NOW);
    atomic_store(&passed, 5000);
    clock_inject((clock_source){.ns = much_later, .wall_ms = wall_now, .boot_ns = boot_now});
}

START_TEST(a_clock_set_forward_ends_no_lease_of_one_that_lives) {
    fixture f = {.folder = "/tmp/busbar-events-XXXXXX"};
    int hold, status;
    set_clock();
    ck_assert_ptr_nonnull(mkdtemp(f.folder));
    snprintf(f.path, sizeof f.path, "%s/events.db", f.folder);
    pid_t child = start_owner(&f, &hold);
    queue_reopen(&f);
    f.l = loop_new(0);
    f.a = arena_new(0);
    sem_init(&f.sem, 0, 0);
    ck_assert(loop_start(f.l));
    atomic_fetch_add(&wall, 3600000);
    ck_assert(!owns(&f, wall_now(), wall_now() + 1000));
    atomic_fetch_sub(&wall, 7200000);
    ck_assert(!owns(&f, wall_now(), wall_now() + 1000));
    atomic_fetch_add(&wall, 1000);
    atomic_fetch_add(&passed, 1000);
    ck_assert(owns(&f, wall_now(), wall_now() + 1000));
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
    close(hold);
    fixture_close(&f);
}
END_TEST

START_TEST(a_clock_set_forward_removes_no_target_that_is_owned) {
    fixture f;
    set_clock();
    queue_open(&f);
    ck_assert(owns(&f, NOW, NOW + 1000));
    atomic_fetch_add(&wall, 3600000);
    events_keep(f.s, 86400000, 0, 0);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM targets"), 2);
    atomic_fetch_add(&wall, 1000);
    atomic_fetch_add(&passed, 1000);
    events_keep(f.s, 86400000, 0, 0);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM targets"), 0);
    fixture_close(&f);
}
END_TEST

static store_result abandon(fixture *f, uint64_t idle_ms, uint64_t *count) {
    change_told o = {.f = f};
    ck_assert(deliveries_abandon(f->s, STR("subscription/a"), idle_ms, f->l, note_change, &o));
    sem_wait(&f->sem);
    *count = o.count;
    return o.r;
}

static size_t left(fixture *f, const char *name) {
    size_t n;
    store_flush(f->s);
    const bb_str *names = events_targets_left(f->s, f->a, &n);
    ck_assert_ptr_nonnull(names);
    ck_assert(n == 0 || str_eq(names[0], str_from(name)));
    return n;
}

/* Whoever has had the lease for the last time, and whatever the clock is set to meanwhile. */
START_TEST(what_waits_for_nobody_is_cancelled_after_a_while) {
    fixture f;
    uint64_t n;
    set_clock();
    queue_open(&f);
    ck_assert(owns(&f, NOW, NOW + 1000));
    ck_assert_uint_eq(left(&f, ""), 0);
    ck_assert_int_eq(put_one(&f, "e1", "subscription/a", NULL, NOW), STORE_OK);
    ck_assert_int_eq(put_one(&f, "e2", "subscription/a", "k", NOW), STORE_OK);
    ck_assert_int_eq(put_one(&f, "e3", "subscription/a", "k", NOW), STORE_OK);
    ck_assert_uint_eq(left(&f, "subscription/a"), 1);
    atomic_fetch_add(&wall, 3600000);
    atomic_fetch_add(&wall, 5999);
    atomic_fetch_add(&passed, 5999);
    ck_assert_int_eq(abandon(&f, 5000, &n), STORE_EXISTS);
    ck_assert_uint_eq(n, 0);
    ck_assert_uint_eq(counts_of(&f, "subscription/a").pending, 3);
    atomic_fetch_add(&wall, 1);
    atomic_fetch_add(&passed, 1);
    ck_assert_int_eq(abandon(&f, 5000, &n), STORE_OK);
    ck_assert_uint_eq(n, 3);
    ck_assert_uint_eq(left(&f, ""), 0);
    ck_assert_uint_eq(redrive_all(&f, (event_query){.state = DELIVERY_CANCELLED}, wall_now()), 3);
    ck_assert(owns(&f, wall_now(), wall_now() + 1));
    ck_assert_int_eq(abandon(&f, 5000, &n), STORE_EXISTS);
    ck_assert_int_eq(fixture_sql(&f, "UPDATE targets SET owner = 0, until_ms = 0"), STORE_OK);
    ck_assert_int_eq(abandon(&f, 5000, &n), STORE_OK); /* of no lease ever */
    ck_assert_uint_eq(n, 3);
    fixture_close(&f);
}
END_TEST

/* --- two hubs of one file, and what has been seen ------------------------------------------------------- */

static void open_beside(const fixture *f, fixture *other) {
    err e = {""};
    *other = *f;
    other->s = events_open(f->path, &e);
    ck_assert_msg(other->s != NULL, "%s", e.text);
}

static event_new keyed_event(const char *id, uint64_t dedup_ms) {
    return (event_new){.id = str_from(id),
                       .source = STR("s"),
                       .dedup = STR("d"),
                       .dedup_ms = dedup_ms,
                       .payload = STR("{}"),
                       .at_ms = NOW};
}

/* One without a key comes first: it hides nothing that others have written before it. */
START_TEST(what_another_hub_has_seen_is_a_repeat) {
    fixture f, other;
    event_new keyed = keyed_event("keyed", 100000);
    log_set_level(LOG_LEVEL_OFF);
    queue_open(&f);
    open_beside(&f, &other);
    ck_assert_int_eq(put_one(&f, "first", NULL, NULL, NOW), STORE_OK);
    ck_assert(!put_events(&other, &keyed, 1).repeated[0]);
    const event_new both[] = {{.id = STR("plain"), .source = STR("s"), .payload = STR("{}"), .at_ms = NOW},
                              keyed_event("again", 100000)};
    put_told o = put_events(&f, both, 2);
    ck_assert(o.r == STORE_OK && !o.repeated[0] && o.repeated[1]);
    store_close(other.s);
    fixture_close(&f);
}
END_TEST

/* Events that are refused give their numbers back: another's has one of them. */
START_TEST(what_another_hub_has_seen_under_a_number_that_was_given_back_is_a_repeat) {
    fixture f, other;
    const event_new refused[] = {
        {.id = STR("new"), .source = STR("s"), .payload = STR("{}"), .at_ms = NOW},
        {.id = STR("first"), .source = STR("s"), .payload = STR("{}"), .at_ms = NOW}};
    event_new keyed = keyed_event("keyed", 100000);
    log_set_level(LOG_LEVEL_OFF);
    queue_open(&f);
    open_beside(&f, &other);
    ck_assert_int_eq(put_one(&f, "first", NULL, NULL, NOW), STORE_OK);
    ck_assert_int_eq(put_events(&f, refused, 2).r, STORE_EXISTS);
    ck_assert(!put_events(&other, &keyed, 1).repeated[0]);
    keyed.id = STR("again");
    ck_assert(put_events(&f, &keyed, 1).repeated[0]);
    store_close(other.s);
    fixture_close(&f);
}
END_TEST

/* It was there and went between two looks: the table has it. */
START_TEST(what_another_hub_has_seen_and_removed_is_a_repeat) {
    enum { A_DAY = 86400000 };
    fixture f, other;
    event_new keyed = keyed_event("keyed", 10u * A_DAY);
    set_clock();
    queue_open(&f);
    open_beside(&f, &other);
    ck_assert_int_eq(put_one(&f, "first", NULL, NULL, NOW), STORE_OK);
    store_flush(f.s);
    ck_assert(dedup_filter_is_whole(&events_of(f.s)->dedup.filter));
    ck_assert(!put_events(&other, &keyed, 1).repeated[0]);
    ck_assert_int_eq(put_one(&other, "newest", NULL, NULL, NOW + A_DAY), STORE_OK);
    atomic_store(&wall, NOW + A_DAY);
    atomic_store(&passed, 5000 + A_DAY);
    for (int i = 0; i < 8; i++) {
        events_keep(other.s, A_DAY, A_DAY, 0);
        store_flush(other.s);
    }
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events"), 1);
    keyed.id = STR("again");
    ck_assert(put_events(&f, &keyed, 1).repeated[0]);
    store_close(other.s);
    fixture_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(what_waits_for_nobody_is_cancelled_after_a_while),
          unit_test(a_target_that_another_process_made_anew_is_found),
          unit_test(a_clock_set_forward_ends_no_lease_of_one_that_lives),
          unit_test(a_clock_set_forward_removes_no_target_that_is_owned),
          unit_test(a_target_that_another_process_removed_is_made_anew),
          unit_test(a_lease_is_taken_and_renewed),
          unit_test(a_lease_of_a_process_that_lives_holds_until_its_time),
          unit_test(a_lease_of_a_process_that_was_killed_is_over_at_once),
          unit_test(a_targets_own_text_is_kept), unit_test(what_another_hub_has_seen_is_a_repeat),
          unit_test(what_another_hub_has_seen_under_a_number_that_was_given_back_is_a_repeat),
          unit_test(what_another_hub_has_seen_and_removed_is_a_repeat))
