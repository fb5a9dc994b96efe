/* A disk that is nearly full: what is still taken, and what is not. statvfs is this file's. */
#include "events_fixture.h"

#include "base/log.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/statvfs.h>

#define MIB (1024u * 1024u)
#define T "subscription/a"

static _Atomic(uint64_t) free_bytes;

__attribute__((visibility("default"))) int statvfs(const char *path, struct statvfs *out) {
    (void)path;
    *out = (struct statvfs){.f_bsize = 4096, .f_frsize = 4096, .f_bavail = atomic_load(&free_bytes) / 4096};
    return 0;
}

static char payload[MIB];

static void open_with(fixture *f, uint64_t bytes) {
    log_set_level(LOG_LEVEL_OFF);
    memset(payload, 'x', sizeof payload);
    atomic_store(&free_bytes, bytes);
    queue_open(f);
}

static event_new large(const char *id, bool own) {
    return (event_new){.id = str_from(id),
                       .source = STR("s"),
                       .content_type = STR("text/plain"),
                       .payload = str_of(payload, sizeof payload),
                       .at_ms = NOW,
                       .own = own};
}

/* However many come at once. */
static store_result put_many(fixture *f, const char *name, size_t count, bool own) {
    static char ids[32][16];
    event_new list[32];
    for (size_t i = 0; i < count; i++) {
        snprintf(ids[i], sizeof ids[i], "%s%zu", name, i);
        list[i] = large(ids[i], own);
    }
    return put_events(f, list, count).r;
}

START_TEST(no_more_is_taken_than_there_is_room_for_twice) {
    fixture f;
    open_with(&f, 64 * MIB); /* two logs of 16 MiB are left free */
    ck_assert_int_eq(put_many(&f, "a", 20, false), STORE_FULL);
    ck_assert_int_eq(put_many(&f, "b", 12, false), STORE_OK);
    fixture_close(&f);
}
END_TEST

START_TEST(there_is_a_reserve_from_the_first_event_on) {
    fixture f;
    open_with(&f, 20 * MIB);
    const event_new e = large("a", false);
    ck_assert_int_eq(put_events(&f, &e, 1).r, STORE_FULL);
    fixture_close(&f);
}
END_TEST

START_TEST(what_the_hub_makes_of_them_has_room_a_little_longer) {
    fixture f;
    open_with(&f, 32 * MIB);
    ck_assert_int_eq(put_many(&f, "a", 1, false), STORE_FULL);
    ck_assert_int_eq(put_many(&f, "b", 6, true), STORE_FULL);
    ck_assert_int_eq(put_many(&f, "c", 3, true), STORE_OK);
    ck_assert(!events_reserve(f.s, 100 * MIB));
    fixture_close(&f);
}
END_TEST

START_TEST(room_that_is_given_back_is_had_again) {
    fixture f;
    open_with(&f, 64 * MIB);
    ck_assert(events_reserve(f.s, 14 * MIB));
    const event_new e = large("a", false), later = large("b", false);
    store_result r = STORE_OK;
    for (int i = 0; i < 3 && r == STORE_OK; i++) {
        const event_new more = large(i == 0 ? "x" : i == 1 ? "y" : "z", false);
        r = put_events(&f, &more, 1).r;
    }
    ck_assert_int_eq(r, STORE_FULL);
    ck_assert_int_eq(put_events(&f, &e, 1).r, STORE_FULL);
    events_unreserve(f.s, 14 * MIB);
    ck_assert_int_eq(put_events(&f, &later, 1).r, STORE_OK);
    fixture_close(&f);
}
END_TEST

START_TEST(events_are_taken_again_once_there_is_room) {
    fixture f;
    open_with(&f, 0);
    ck_assert_int_eq(put_one(&f, "a", T, NULL, NOW), STORE_FULL);
    atomic_store(&free_bytes, 1024ull * MIB);
    store_result r = STORE_FULL;
    for (int i = 0; i < 500 && r != STORE_OK; i++) { /* a look comes with what is done once a second */
        events_keep(f.s, 0, 0, 0);
        usleep(10000);
        r = put_one(&f, "b", T, NULL, NOW);
    }
    ck_assert_int_eq(r, STORE_OK);
    fixture_close(&f);
}
END_TEST

static uint64_t file_most; /* 0: any size */

/* The hub tells once a second how large the file may be. */
static size_t log_length(fixture *f, size_t wanted) {
    size_t pages = 0;
    for (int i = 0; i < 500 && pages != wanted; i++) {
        events_keep(f->s, 0, 0, file_most);
        store_flush(f->s);
        usleep(10000);
        pages = atomic_load(&f->s->log.pages);
    }
    return pages;
}

START_TEST(the_log_is_as_long_as_the_disk_has_room_for) {
    fixture f;
    open_with(&f, 4096ull * MIB);
    ck_assert_uint_eq(log_length(&f, 16384), 16384);
    atomic_store(&free_bytes, 1024ull * MIB);
    ck_assert_uint_eq(log_length(&f, 4096), 4096);
    file_most = 64 * MIB; /* whatever is free then */
    atomic_store(&free_bytes, 4096ull * MIB);
    bool roomy = false;
    for (int i = 0; i < 10000 && !roomy; i++) { /* it is looked at ten times a second */
        ck_assert_uint_eq(log_length(&f, 2049), 2049);
        pthread_mutex_lock(&f.s->lock);
        roomy = f.s->log.roomy;
        pthread_mutex_unlock(&f.s->lock);
    }
    ck_assert(roomy);
    ck_assert_uint_eq(atomic_load(&f.s->log.pages), 2049);
    fixture_close(&f);
}
END_TEST

/* --- outcomes, and what comes of them ------------------------------------------------------------------ */

static store_result finish_with(fixture *f, int64_t id, const event_new *e) {
    told o = {.f = f};
    const delivery_outcome done = {.id = id, .state = DELIVERY_DONE, .attempted = true, .at_ms = NOW};
    ck_assert(deliveries_finish(f->s, &done, 1, (events_with){e, 1}, f->l, note_result, &o));
    sem_wait(&f->sem);
    return o.r;
}

START_TEST(an_outcome_and_its_event_are_written_together_or_not_at_all) {
    fixture f;
    open_with(&f, 1024ull * MIB);
    const event_target to = {.target = STR(T)};
    event_new e = large("made", true);
    e.targets = &to;
    e.target_count = 1;
    ck_assert_int_eq(put_one(&f, "cause", T, NULL, NOW), STORE_OK);
    ck_assert_int_eq(put_one(&f, "made", NULL, NULL, NOW), STORE_OK); /* its id is taken */
    int64_t id = due(&f, T, NOW, 10).list[0].id;
    ck_assert_int_ne(finish_with(&f, id, &e), STORE_OK);
    ck_assert_uint_eq(counts_of(&f, T).pending, 1);
    ck_assert_uint_eq(counts_of(&f, T).done, 0);
    e.id = STR("made2");
    ck_assert_int_eq(finish_with(&f, id, &e), STORE_OK);
    ck_assert_uint_eq(counts_of(&f, T).pending, 1); /* the new event's */
    ck_assert_uint_eq(counts_of(&f, T).done, 1);
    ck_assert_str_eq(due(&f, T, NOW, 10).list[0].event, "made2");
    fixture_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(no_more_is_taken_than_there_is_room_for_twice),
          unit_test(there_is_a_reserve_from_the_first_event_on),
          unit_test(what_the_hub_makes_of_them_has_room_a_little_longer),
          unit_test(room_that_is_given_back_is_had_again),
          unit_test(events_are_taken_again_once_there_is_room),
          unit_test(the_log_is_as_long_as_the_disk_has_room_for),
          unit_test(an_outcome_and_its_event_are_written_together_or_not_at_all))
