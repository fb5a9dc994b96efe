/* Groups that are synced while others are committed; syncs that fail. fsync and fdatasync are this file's,
 * for SQLite too. */
#include "events_fixture.h"
#include "sync_calls.h"

#include "base/log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#define T "subscription/a"
#define MANY 400

static _Atomic(int) failing;    /* so many of the next syncs fail with EIO */
static _Atomic(int) held;       /* so many of the next ones wait for `go` */
static sem_t go, begun;         /* begun: one that waits */
static _Atomic(int) sync_count; /* all there were */

static _Atomic(bool) no_database; /* its syncs fail */

static _Atomic(store *) always_wanted; /* another sync of its log, by the time that one is over */

static bool is_database(int fd) {
    char link[40], path[256];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path);
    return n > 3 && memcmp(path + n - 3, ".db", 3) == 0;
}

static int sync_of(int fd, long call) {
    store *s = atomic_load(&always_wanted);
    atomic_fetch_add(&sync_count, 1);
    if (s != NULL && !is_database(fd)) {
        pthread_mutex_lock(&s->lock);
        s->ahead.wanted = true;
        pthread_mutex_unlock(&s->lock);
    }
    if (atomic_load(&no_database) && is_database(fd)) {
        errno = EIO;
        return -1;
    }
    if (atomic_load(&held) > 0 && atomic_fetch_sub(&held, 1) > 0) {
        sem_post(&begun);
        sem_wait(&go);
    }
    if (atomic_load(&failing) > 0 && atomic_fetch_sub(&failing, 1) > 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(call, fd);
}

static void open_all(fixture *f) {
    atomic_store(&failing, 0);
    atomic_store(&held, 0);
    atomic_store(&no_database, false);
    sem_init(&go, 0, 0);
    sem_init(&begun, 0, 0);
    log_set_level(LOG_LEVEL_OFF);
    queue_open(f);
    ck_assert_int_eq(put_one(f, "before", T, NULL, NOW), STORE_OK);
}

static event_new seen_event(const char *id) {
    return (event_new){.id = str_from(id),
                       .source = STR("s"),
                       .dedup = str_from(id),
                       .dedup_ms = 100000,
                       .payload = STR("{}"),
                       .at_ms = NOW};
}

/* --- several at once --------------------------------------------------------------------------------- */

typedef struct put_list {
    fixture *f;
    _Atomic(int) told[MANY]; /* in which order: 1, 2, ... */
    _Atomic(int) next;
} put_list;
typedef struct put_one_of {
    put_list *list;
    int n;
} put_one_of;

static void note_order(store_result r, const bool *repeated, size_t count, void *ctx) {
    put_one_of *o = ctx;
    (void)repeated;
    ck_assert(r == STORE_OK && count == 1);
    atomic_store(&o->list->told[o->n], atomic_fetch_add(&o->list->next, 1) + 1);
    sem_post(&o->list->f->sem);
}

static void put_nth(put_one_of *o) {
    char id[16];
    snprintf(id, sizeof id, "n%d", o->n);
    const event_new n = seen_event(id);
    ck_assert(events_put(o->list->f->s, &n, 1, o->list->f->l, note_order, o));
}

START_TEST(a_group_is_committed_and_synced_while_another_is_being_synced) {
    fixture f;
    static put_list list;
    static put_one_of of[2];
    memset(&list, 0, sizeof list);
    list.f = &f;
    open_all(&f);
    atomic_store(&held, 2);
    for (int i = 0; i < 2; i++) {
        of[i] = (put_one_of){&list, i};
        put_nth(&of[i]);
        sem_wait(&begun); /* the second sync begins, and the first has not ended */
    }
    ck_assert_int_eq(atomic_load(&list.next), 0); /* nothing is acknowledged that may not be on disk */
    sem_post(&go);
    sem_post(&go);
    sem_wait(&f.sem);
    sem_wait(&f.sem);
    ck_assert_int_eq(atomic_load(&list.told[0]), 1);
    ck_assert_int_eq(atomic_load(&list.told[1]), 2);
    fixture_close(&f);
}
END_TEST

START_TEST(all_are_told_of_in_their_order) {
    fixture f;
    static put_list list;
    static put_one_of of[MANY];
    memset(&list, 0, sizeof list);
    list.f = &f;
    open_all(&f);
    for (int i = 0; i < MANY; i++) {
        of[i] = (put_one_of){&list, i};
        put_nth(&of[i]);
    }
    for (int i = 0; i < MANY; i++)
        sem_wait(&f.sem);
    for (int i = 0; i < MANY; i++)
        ck_assert_int_eq(atomic_load(&list.told[i]), i + 1);
    fixture_close(&f);
}
END_TEST

/* So many syncs have ended that are behind another. */
static bool is_over_with(store *s, unsigned wanted) {
    unsigned ended = 0;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < SYNC_RUNS; i++)
        ended += s->sync.runs[i].number != 0 && s->sync.runs[i].ended;
    pthread_mutex_unlock(&s->lock);
    return ended == wanted;
}

/* --- failures ---------------------------------------------------------------------------------------- */

START_TEST(a_sync_that_fails_acknowledges_nothing_and_the_next_does) {
    fixture f;
    const event_new e = seen_event("e1");
    open_all(&f);
    atomic_store(&failing, 1);
    ck_assert_int_ne(put_events(&f, &e, 1).r, STORE_OK);
    put_told again = put_events(&f, &e, 1); /* its sender tries again: it was written, and is on disk now */
    ck_assert_int_eq(again.r, STORE_OK);
    ck_assert(again.repeated[0]);
    ck_assert_int_eq(store_health(f.s), STORE_OK);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events WHERE id = 'e1'"), 1);
    fixture_close(&f);
}
END_TEST

START_TEST(while_syncs_fail_nothing_is_acknowledged_and_then_all_goes_on) {
    fixture f;
    char id[16];
    open_all(&f);
    atomic_store(&failing, 1000000);
    for (int i = 0; i < 5; i++) {
        snprintf(id, sizeof id, "f%d", i);
        const event_new e = seen_event(id);
        ck_assert_int_ne(put_events(&f, &e, 1).r, STORE_OK);
    }
    ck_assert_int_ne(store_health(f.s), STORE_OK);
    ck_assert_uint_eq(due(&f, T, NOW, 10).count, 1); /* what is there is delivered all the while */
    atomic_store(&failing, 0);
    put_until_it_is_taken(&f, "after");
    ck_assert_int_eq(store_health(f.s), STORE_OK);
    queue_reopen(&f);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events WHERE id IN ('before', 'after')"), 2);
    fixture_close(&f);
}
END_TEST

/* It was told so, and is there all the same. */
static void check_failed(fixture *f, const put_told *told_of, const event_new *e) {
    ck_assert_int_ne(told_of->r, STORE_OK);
    ck_assert(put_events(f, e, 1).repeated[0]);
}

START_TEST(a_failure_fails_what_was_committed_behind_it_too) {
    fixture f;
    put_told first = {.f = &f}, second = {.f = &f};
    const event_new a = seen_event("a"), b = seen_event("b");
    open_all(&f);
    atomic_store(&held, 2);
    ck_assert(events_put(f.s, &a, 1, f.l, note_put, &first));
    sem_wait(&begun);
    ck_assert(events_put(f.s, &b, 1, f.l, note_put, &second));
    sem_wait(&begun);
    atomic_store(&failing, 1); /* one of the two, and the other's success says nothing then */
    sem_post(&go);
    sem_wait(&f.sem);
    sem_wait(&f.sem);
    sem_post(&go);
    check_failed(&f, &first, &a);
    check_failed(&f, &second, &b);
    fixture_close(&f);
}
END_TEST

/* The device says once that it failed, to one of two: the other may be done before that one says so. */
START_TEST(no_sync_speaks_for_one_that_began_before_it) {
    fixture f;
    put_told first = {.f = &f}, second = {.f = &f};
    const event_new a = seen_event("a"), b = seen_event("b");
    open_all(&f);
    atomic_store(&held, 1);
    ck_assert(events_put(f.s, &a, 1, f.l, note_put, &first));
    sem_wait(&begun);
    int syncs = atomic_load(&sync_count);
    ck_assert(events_put(f.s, &b, 1, f.l, note_put, &second));
    for (int i = 0; i < 5000 && !is_over_with(f.s, 1); i++)
        usleep(1000);
    ck_assert(is_over_with(f.s, 1)); /* the second has ended */
    ck_assert_int_gt(atomic_load(&sync_count), syncs);
    ck_assert_int_ne(sem_trywait(&f.sem), 0);
    atomic_store(&failing, 1);
    sem_post(&go);
    sem_wait(&f.sem);
    sem_wait(&f.sem);
    check_failed(&f, &first, &a);
    check_failed(&f, &second, &b);
    fixture_close(&f);
}
END_TEST

START_TEST(an_idle_store_mends_itself) {
    fixture f;
    const event_new e = seen_event("e1");
    open_all(&f);
    atomic_store(&failing, 1);
    ck_assert_int_ne(put_events(&f, &e, 1).r, STORE_OK);
    for (int i = 0; i < 1000 && atomic_load(&f.s->sync.failed) != STORE_OK; i++)
        usleep(10000);
    ck_assert_int_eq(atomic_load(&f.s->sync.failed), STORE_OK);
    fixture_close(&f);
}
END_TEST

/* --- a slow disk: groups are synced before they are done ------------------------------------------------ */

/* The next group finds that the last sync took long. All are told of. */
static void be_slow(fixture *f) {
    pthread_mutex_lock(&f->s->lock);
    f->s->sync.took_ns = UINT64_MAX / 2;
    pthread_mutex_unlock(&f->s->lock);
}

/* An event whose group is noted, and done when it is let. */
typedef struct held_job {
    store_job job;
    event_new event;
    store_result outcome;
    sem_t may, told;
} held_job;

static store_result do_held(store *s, database *d, store_job *job) {
    held_job *j = (held_job *)job;
    bool repeated = false;
    sem_wait(&j->may);
    return j->outcome == STORE_OK ? event_put(s, d, &j->event, &repeated) : j->outcome;
}

static bool note_held(const store_job *job, buf *out) {
    bool repeated = false;
    event_new e = ((const held_job *)job)->event;
    event_notes_add(&(event_list){.count = 1, .events = &e, .repeated = &repeated}, out);
    return true;
}

static void tell_held(store_job *job) {
    sem_post(&((held_job *)job)->told);
}

static void wait_until_undone(store *s, bool undone) {
    bool is = !undone;
    for (int i = 0; i < 5000 && is != undone; i++) {
        usleep(1000);
        pthread_mutex_lock(&s->lock);
        is = s->sync.undone != SYNC_NO_GROUP;
        pthread_mutex_unlock(&s->lock);
    }
    ck_assert(is == undone);
}

static void submit_held(fixture *f, held_job *j, const char *id, store_result outcome) {
    *j = (held_job){.job = {.write = do_held, .note = note_held, .finish = tell_held, .single = true},
                    .event = seen_event(id),
                    .outcome = outcome};
    sem_init(&j->may, 0, 0);
    sem_init(&j->told, 0, 0);
    be_slow(f);
    ck_assert_int_eq(store_submit(f->s, &j->job), STORE_OK);
    wait_until_undone(f->s, true);
}

static void wait_for_durable(store *s) {
    bool all = false;
    for (int i = 0; i < 5000 && !all; i++) {
        usleep(1000);
        pthread_mutex_lock(&s->lock);
        all = s->sync.durable == s->sync.written;
        pthread_mutex_unlock(&s->lock);
    }
    ck_assert(all);
}

static bool is_told(held_job *j) {
    return sem_trywait(&j->told) == 0;
}

START_TEST(on_a_slow_disk_a_group_is_told_of_when_it_is_synced_and_done) {
    fixture f;
    held_job j;
    open_all(&f);
    atomic_store(&held, 1);
    submit_held(&f, &j, "synced first", STORE_OK);
    sem_wait(&begun); /* its sync, and it is not done */
    sem_post(&go);
    wait_for_durable(f.s);
    ck_assert(!is_told(&j));
    sem_post(&j.may);
    sem_wait(&j.told);
    ck_assert_int_eq(j.job.result, STORE_OK);
    atomic_store(&held, 1);
    submit_held(&f, &j, "done first", STORE_OK);
    sem_wait(&begun);
    sem_post(&j.may);
    wait_until_undone(f.s, false);
    ck_assert(!is_told(&j));
    sem_post(&go);
    sem_wait(&j.told);
    ck_assert_int_eq(j.job.result, STORE_OK);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events WHERE id IN ('synced first', 'done first')"),
                     2);
    fixture_close(&f);
}
END_TEST

/* It was noted, and is on disk: this hub does not do it again with what it has to. */
START_TEST(what_fails_behind_its_note_is_not_written_later) {
    fixture f;
    held_job j;
    const event_new e = seen_event("e1");
    open_all(&f);
    ck_assert_int_eq(put_events(&f, &e, 1).r, STORE_OK);
    submit_held(&f, &j, "failed", STORE_FULL);
    wait_for_durable(f.s);
    sem_post(&j.may);
    sem_wait(&j.told);
    ck_assert_int_eq(j.job.result, STORE_FULL);
    put_until_it_is_taken(&f, "after");
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events WHERE id IN ('before', 'e1', 'after')"), 3);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events WHERE id = 'failed'"), 0);
    queue_reopen(&f);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events WHERE id IN ('before', 'e1', 'after')"), 3);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events WHERE id = 'failed'"), 0);
    fixture_close(&f);
}
END_TEST

START_TEST(a_sync_that_fails_fails_a_group_that_is_not_done) {
    fixture f;
    held_job j;
    open_all(&f);
    atomic_store(&failing, 1);
    submit_held(&f, &j, "e1", STORE_OK);
    wait_for_durable(f.s);
    ck_assert_int_ne(atomic_load(&f.s->sync.failed), STORE_OK);
    ck_assert(!is_told(&j));
    sem_post(&j.may);
    sem_wait(&j.told);
    ck_assert_int_ne(j.job.result, STORE_OK);
    put_until_it_is_taken(&f, "after");
    fixture_close(&f);
}
END_TEST

START_TEST(a_repeat_and_an_id_that_is_taken_are_told_of_as_such) {
    fixture f;
    event_new e = seen_event("e1"), taken = seen_event("e1");
    taken.dedup = STR("another");
    open_all(&f);
    be_slow(&f);
    ck_assert_int_eq(put_events(&f, &e, 1).r, STORE_OK);
    for (int i = 0; i < 3; i++) {
        be_slow(&f);
        put_told o = put_events(&f, &e, 1);
        ck_assert(o.r == STORE_OK && o.repeated[0]);
        be_slow(&f);
        ck_assert_int_eq(put_events(&f, &taken, 1).r, STORE_EXISTS);
    }
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events WHERE id = 'e1'"), 1);
    fixture_close(&f);
}
END_TEST

/* --- the log ----------------------------------------------------------------------------------------- */

/* Whether what the log holds is whole says this, not the device. */
START_TEST(a_log_that_has_lost_something_is_found_out) {
    fixture f;
    char log_path[160], byte;
    open_all(&f);
    for (int i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof id, "w%d", i);
        ck_assert_int_eq(put_one(&f, id, T, NULL, NOW), STORE_OK);
        store_flush(f.s); /* a commit of its own */
    }
    snprintf(log_path, sizeof log_path, "%s-wal", f.path);
    size_t whole = log_whole_frames(log_path);
    ck_assert_uint_ge(whole, 20);
    int fd = open(log_path, O_RDWR);
    off_t at = 32 + 3 * (24 + 4096) + 24 + 100; /* in the fourth page */
    ck_assert(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= 1;
    ck_assert(pwrite(fd, &byte, 1, at) == 1);
    ck_assert_uint_eq(log_whole_frames(log_path), 3);
    atomic_store(&failing, 1);
    ck_assert_int_ne(put_one(&f, "x", T, NULL, NOW), STORE_OK);
    ck_assert_int_ne(put_one(&f, "y", T, NULL, NOW), STORE_OK); /* and stays so: nothing of it is taken in */
    byte ^= 1;
    ck_assert(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
    put_until_it_is_taken(&f, "z");
    ck_assert_uint_eq(log_whole_frames("/nowhere/x-wal"), 0);
    fixture_close(&f);
}
END_TEST

/* The file as it is left then: what the checksums vouch for is there at the next start. */
START_TEST(a_log_that_is_not_whole_is_left_as_it_is) {
    fixture f;
    char log_path[160], byte = 'X';
    open_all(&f);
    for (int i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof id, "w%d", i);
        ck_assert_int_eq(put_one(&f, id, T, NULL, NOW), STORE_OK);
        store_flush(f.s); /* a commit of its own */
    }
    snprintf(log_path, sizeof log_path, "%s-wal", f.path);
    size_t whole = log_whole_frames(log_path);
    int fd = open(log_path, O_RDWR);
    off_t at = 32 + (off_t)(whole - 1) * (24 + 4096) + 24 + 100; /* in the last page */
    ck_assert(fd >= 0 && pwrite(fd, &byte, 1, at) == 1);
    close(fd);
    atomic_store(&failing, 1);
    ck_assert_int_ne(put_one(&f, "x", T, NULL, NOW), STORE_OK);
    ck_assert_int_ne(put_one(&f, "y", T, NULL, NOW), STORE_OK);
    queue_reopen(&f);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events WHERE id IN ('before', 'w0', 'w18')"), 3);
    ck_assert_int_eq(number_of(&f, "SELECT count(*) FROM events WHERE id = 'y'"), 0);
    ck_assert_int_eq(put_one(&f, "z", T, NULL, NOW), STORE_OK);
    fixture_close(&f);
}
END_TEST

/* How many locks of files this process holds. */
static int locks_held(void) {
    char line[256], own[24];
    int n = 0;
    FILE *locks = fopen("/proc/locks", "r");
    ck_assert_ptr_nonnull(locks);
    snprintf(own, sizeof own, " %d ", (int)getpid());
    while (fgets(line, sizeof line, locks) != NULL)
        n += strstr(line, own) != NULL;
    fclose(locks);
    return n;
}

START_TEST(a_mended_log_keeps_its_locks_and_needs_no_reader_to_end) {
    fixture f;
    database other;
    store_result r;
    open_all(&f);
    ck_assert(database_open(&other, f.path, DATABASE_READ, NULL));
    sqlite3_stmt *reading = database_prepare(&other, "SELECT id FROM events UNION ALL SELECT 'more'");
    ck_assert(database_row(reading, &r)); /* and holds what it reads */
    store_flush(f.s);                     /* no transaction is open, which has one, too */
    int before = locks_held();
    ck_assert_int_ge(before, 1);
    atomic_store(&failing, 1);
    ck_assert_int_ne(put_one(&f, "lost", T, NULL, NOW), STORE_OK);
    put_until_it_is_taken(&f, "after");
    ck_assert_int_ge(locks_held(), before);
    sqlite3_reset(reading);
    database_close(&other);
    fixture_close(&f);
}
END_TEST

START_TEST(a_database_that_cannot_be_synced_lets_the_log_grow_so_far) {
    fixture f;
    static char payload[6000];
    char id[16];
    int i = 0;
    memset(payload, 'x', sizeof payload);
    open_all(&f);
    atomic_store(&f.s->log.pages, 50);
    atomic_store(&no_database, true);
    for (store_result r = STORE_OK; i < 5000 && r == STORE_OK; i++) {
        snprintf(id, sizeof id, "g%d", i);
        event_new e = seen_event(id);
        e.payload = str_of(payload, sizeof payload);
        r = put_events(&f, &e, 1).r;
    }
    ck_assert_int_lt(i, 5000);
    ck_assert_int_ne(store_health(f.s), STORE_OK);
    ck_assert_uint_lt(atomic_load(&f.s->log.frames), 1000);
    atomic_store(&no_database, false);
    put_until_it_is_taken(&f, "after");
    ck_assert_int_eq(store_health(f.s), STORE_OK);
    fixture_close(&f);
}
END_TEST

/* It is taken into the database while groups come in, and begins anew. */
START_TEST(the_log_is_cut_under_load) {
    fixture f;
    static char payload[6000];
    struct stat st;
    char log_path[160], id[16];
    memset(payload, 'x', sizeof payload);
    open_all(&f);
    atomic_store(&f.s->log.pages, 500); /* 2 MB */
    snprintf(log_path, sizeof log_path, "%s-wal", f.path);
    for (int i = 0; i < 3000; i++) { /* 18 MB */
        snprintf(id, sizeof id, "l%d", i);
        event_new e = seen_event(id);
        e.payload = str_of(payload, sizeof payload);
        ck_assert_int_eq(put_events(&f, &e, 1).r, STORE_OK);
    }
    ck_assert_int_eq(stat(log_path, &st), 0);
    ck_assert_int_lt(st.st_size, 12 << 20);
    fixture_close(&f);
}
END_TEST

/* The thread has taken in all of it, and it began anew: the next long one is the thread's again. */
START_TEST(what_was_left_to_the_writer_is_over_with_the_log) {
    fixture f;
    log_turn turn;
    open_all(&f);
    pthread_mutex_lock(&f.s->lock); /* as it stands then */
    f.s->log.turn = LOG_REST;
    f.s->log.asked = true;
    pthread_mutex_unlock(&f.s->lock);
    for (int i = 0; i < 2; i++) { /* it is looked at behind each commit */
        const event_new e = seen_event(i == 0 ? "a" : "b");
        ck_assert_int_eq(put_events(&f, &e, 1).r, STORE_OK);
        store_flush(f.s);
    }
    pthread_mutex_lock(&f.s->lock);
    turn = f.s->log.turn;
    pthread_mutex_unlock(&f.s->lock);
    ck_assert_int_eq(turn, LOG_SHORT);
    fixture_close(&f);
}
END_TEST

/* However fast it grows. */
START_TEST(a_log_that_is_synced_again_and_again_is_taken_in) {
    fixture f;
    log_turn turn = LOG_LONG;
    open_all(&f);
    atomic_store(&always_wanted, f.s);
    pthread_mutex_lock(&f.s->lock);
    f.s->log.turn = LOG_LONG;
    f.s->ahead.wanted = true;
    pthread_cond_signal(&f.s->log.come);
    pthread_mutex_unlock(&f.s->lock);
    for (int i = 0; i < 1000 && turn == LOG_LONG; i++) {
        usleep(10000);
        pthread_mutex_lock(&f.s->lock);
        turn = f.s->log.turn;
        pthread_mutex_unlock(&f.s->lock);
    }
    atomic_store(&always_wanted, NULL);
    ck_assert_int_eq(turn, LOG_REST);
    fixture_close(&f);
}
END_TEST

/* The policy of the threads with that name; -1: there is none, -2: they have several. */
static int policy_of(const char *name) {
    char path[300], comm[32] = "";
    int policy = -1;
    DIR *d = opendir("/proc/self/task");
    ck_assert_ptr_nonnull(d);
    for (struct dirent *e; (e = readdir(d)) != NULL;) {
        snprintf(path, sizeof path, "/proc/self/task/%s/comm", e->d_name);
        FILE *file = fopen(path, "r");
        bool is = file != NULL && fgets(comm, sizeof comm, file) != NULL &&
                  strncmp(comm, name, strlen(name)) == 0;
        int its = is ? sched_getscheduler(atoi(e->d_name)) : policy;
        policy = policy == -1 || its == policy ? its : -2;
        if (file != NULL)
            fclose(file);
    }
    closedir(d);
    return policy;
}

START_TEST(threads_that_write_give_way) {
    fixture f;
    open_all(&f);
    int own = sched_getscheduler(0), wanted = own == SCHED_OTHER ? SCHED_BATCH : own;
    ck_assert_int_eq(policy_of("store-write"), wanted);
    ck_assert_int_eq(policy_of("store-log"), wanted);
    ck_assert_int_eq(policy_of("store-read"), own);
    fixture_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(what_was_left_to_the_writer_is_over_with_the_log),
          unit_test(a_group_is_committed_and_synced_while_another_is_being_synced),
          unit_test(all_are_told_of_in_their_order),
          unit_test(a_sync_that_fails_acknowledges_nothing_and_the_next_does),
          unit_test(while_syncs_fail_nothing_is_acknowledged_and_then_all_goes_on),
          unit_test(a_failure_fails_what_was_committed_behind_it_too),
          unit_test(no_sync_speaks_for_one_that_began_before_it), unit_test(an_idle_store_mends_itself),
          unit_test(on_a_slow_disk_a_group_is_told_of_when_it_is_synced_and_done),
          unit_test(what_fails_behind_its_note_is_not_written_later),
          unit_test(a_sync_that_fails_fails_a_group_that_is_not_done),
          unit_test(a_repeat_and_an_id_that_is_taken_are_told_of_as_such),
          unit_test(a_log_that_has_lost_something_is_found_out),
          unit_test(a_log_that_is_not_whole_is_left_as_it_is),
          unit_test(a_mended_log_keeps_its_locks_and_needs_no_reader_to_end),
          unit_test(a_database_that_cannot_be_synced_lets_the_log_grow_so_far),
          unit_test(the_log_is_cut_under_load), unit_test(a_log_that_is_synced_again_and_again_is_taken_in),
          unit_test(threads_that_write_give_way))
