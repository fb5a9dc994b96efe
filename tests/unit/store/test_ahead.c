/* Events that are told of before they are in the database: what a process that is killed, or a device that
 * fails, leaves of them. pwrite and syncs are this file's, for SQLite too. */
#include "events_fixture.h"
#include "sync_calls.h"
#include "write_calls.h"

#include "base/log.h"
#include "store/ahead.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>

#define T "subscription/a"

static _Atomic(bool) no_log, no_notes; /* no room for them: the log may not grow, notes cannot be written */

static bool is_named(int fd, const char *end) {
    char link[40], path[256];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path);
    return n > (ssize_t)strlen(end) && memcmp(path + n - strlen(end), end, strlen(end)) == 0;
}

static bool grows(int fd, size_t n, off_t at) {
    struct stat st;
    return fstat(fd, &st) == 0 && at + (off_t)n > st.st_size;
}

static ssize_t write_of(int fd, const void *bytes, size_t n, off_t at) {
    if ((atomic_load(&no_log) && is_named(fd, "-wal") && grows(fd, n, at)) ||
        (atomic_load(&no_notes) && is_named(fd, "-ahead"))) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, n, at);
}

static _Atomic(unsigned) sync_us; /* that each sync takes longer */

static int sync_of(int fd, long call) {
    usleep(atomic_load(&sync_us));
    return (int)syscall(call, fd);
}

static void open_all(fixture *f) {
    atomic_store(&no_log, false);
    atomic_store(&no_notes, false);
    log_set_level(LOG_LEVEL_OFF);
    queue_open(f);
    ck_assert(f->s->ahead.usable);
    ck_assert_int_eq(put_one(f, "before", T, NULL, NOW), STORE_OK);
    store_flush(f->s);
}

/* The files as a kill at this moment would leave them. */
static void copy_files(const fixture *f, fixture *image) {
    char command[512];
    *image = (fixture){.folder = "/tmp/busbar-image-XXXXXX"};
    ck_assert_ptr_nonnull(mkdtemp(image->folder));
    snprintf(image->path, sizeof image->path, "%s/events.db", image->folder);
    snprintf(command, sizeof command, "cp '%s' '%s-wal' '%s-ahead' '%s'", f->path, f->path, f->path,
             image->folder);
    ck_assert_int_eq(system(command), 0);
}

static void open_image(fixture *image) {
    err e = {""};
    image->s = events_open(image->path, &e);
    ck_assert_msg(image->s != NULL, "%s", e.text);
    image->l = loop_new(0);
    image->a = arena_new(0);
    ck_assert(image->l != NULL && image->a != NULL && loop_start(image->l));
    sem_init(&image->sem, 0, 0);
}

static int64_t count_of(fixture *f, const char *where) {
    char sql[200];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM events WHERE %s", where);
    return number_of(f, sql);
}

/* Puts "e0", "e1", … until one is refused: the log takes nothing, and a commit is tried soon. So many were
 * taken. */
static int put_while_taken(fixture *f) {
    char id[16];
    int n = 0;
    for (;; n++) {
        snprintf(id, sizeof id, "e%d", n);
        if (put_one(f, id, T, NULL, NOW) != STORE_OK)
            return n;
        ck_assert_int_lt(n, 100000);
    }
}

/* --- what is there again ------------------------------------------------------------------------------- */

START_TEST(what_was_told_of_before_its_commit_is_there_after_a_kill) {
    fixture f, image;
    open_all(&f);
    atomic_store(&no_log, true);
    int taken = put_while_taken(&f);
    ck_assert_int_ge(taken, 1);
    ck_assert_int_eq(database_number(&f.s->main, "SELECT count(*) FROM events", -1), 1);
    copy_files(&f, &image);
    atomic_store(&no_log, false);
    open_image(&image);
    ck_assert_int_ge(count_of(&image, "id GLOB 'e*'"), taken);
    ck_assert_int_le(count_of(&image, "id GLOB 'e*'"), taken + 1); /* the one refused may be there */
    ck_assert_int_eq(count_of(&image, "id = 'before'"), 1);
    ck_assert_uint_eq(counts_of(&image, T).pending, (uint64_t)count_of(&image, "1"));
    due_told d = due(&image, T, NOW, 64);
    ck_assert_str_eq(d.list[0].event, "before");
    ck_assert_str_eq(d.list[1].event, "e0");
    ck_assert_str_eq(d.list[1].payload, "{\"n\":1}");
    ck_assert_str_eq(d.list[1].type, "order.paid");
    queue_reopen(&image); /* and not once more */
    ck_assert_int_le(count_of(&image, "id GLOB 'e*'"), taken + 1);
    fixture_close(&image);
    fixture_close(&f);
}
END_TEST

START_TEST(a_commit_that_fails_loses_nothing_that_was_told_of) {
    fixture f;
    open_all(&f);
    atomic_store(&no_log, true);
    int taken = put_while_taken(&f);
    ck_assert_int_ne(store_health(f.s), STORE_OK);
    ck_assert(f.s->ahead.owed);
    ck_assert_uint_eq(due(&f, T, NOW, 64).count, 1); /* what is there is delivered all the while */
    atomic_store(&no_log, false);
    put_until_it_is_taken(&f, "after");
    ck_assert_int_ge(count_of(&f, "id GLOB 'e*'"), taken);
    ck_assert_int_eq(count_of(&f, "id = 'after'"), 1);
    ck_assert_uint_eq(counts_of(&f, T).pending, (uint64_t)count_of(&f, "1"));
    ck_assert(!f.s->ahead.owed);
    ck_assert_int_eq(atomic_load(&events_of(f.s)->room_taken), 0); /* what was refused takes no room */
    fixture_close(&f);
}
END_TEST

START_TEST(what_could_not_be_written_before_a_stop_is_there_after_the_next_start) {
    fixture f;
    char path[160];
    open_all(&f);
    snprintf(path, sizeof path, "%s-ahead", f.path);
    atomic_store(&no_log, true);
    int taken = put_while_taken(&f);
    err e = {""};
    store_close(f.s);
    ck_assert_int_eq(access(path, F_OK), 0);
    f.s = events_open(f.path, &e); /* on a disk that is full still */
    ck_assert_msg(f.s != NULL, "%s", e.text);
    ck_assert_int_ne(put_one(&f, "refused", T, NULL, NOW), STORE_OK);
    atomic_store(&no_log, false);
    put_until_it_is_taken(&f, "after");
    ck_assert_int_ge(count_of(&f, "id GLOB 'e*'"), taken);
    queue_reopen(&f);
    ck_assert(f.s->ahead.usable);
    ck_assert_int_ge(count_of(&f, "id GLOB 'e*'"), taken);
    ck_assert_int_eq(count_of(&f, "id = 'after'"), 1);
    fixture_close(&f);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

/* A repeat is told of as one, and is nothing that is written again. */
START_TEST(repeats_are_not_noted) {
    fixture f, image;
    const event_new n = {.id = STR("a"),
                         .source = STR("s"),
                         .dedup = STR("d"),
                         .dedup_ms = 100000,
                         .payload = STR("{}"),
                         .at_ms = NOW};
    event_new again = n;
    again.id = STR("b");
    open_all(&f);
    atomic_store(&no_log, true);
    ck_assert_int_eq(put_events(&f, &n, 1).r, STORE_OK);
    put_told o = put_events(&f, &again, 1);
    ck_assert(o.r != STORE_OK || o.repeated[0]);
    copy_files(&f, &image);
    atomic_store(&no_log, false);
    open_image(&image);
    ck_assert_int_eq(count_of(&image, "id = 'a'"), 1);
    ck_assert_int_eq(count_of(&image, "id = 'b'"), 0);
    ck_assert(put_events(&image, &again, 1).repeated[0]);
    fixture_close(&image);
    fixture_close(&f);
}
END_TEST

/* --- the file --------------------------------------------------------------------------------------------
 */

static void change_byte(const char *path, off_t at) {
    int fd = open(path, O_RDWR);
    char byte;
    ck_assert(fd >= 0 && pread(fd, &byte, 1, at) == 1);
    byte ^= 1;
    ck_assert(pwrite(fd, &byte, 1, at) == 1);
    close(fd);
}

START_TEST(a_torn_note_ends_what_is_read) {
    fixture f, image;
    char path[160];
    open_all(&f);
    atomic_store(&no_log, true);
    int taken = put_while_taken(&f);
    off_t end = f.s->ahead.at;
    ck_assert_uint_eq(f.s->ahead.half, 0);
    copy_files(&f, &image);
    atomic_store(&no_log, false);
    snprintf(path, sizeof path, "%s-ahead", image.path);
    change_byte(path, STORE_PAGE + end - STORE_PAGE + 40); /* in the last group's records */
    open_image(&image);
    ck_assert_int_le(count_of(&image, "id GLOB 'e*'"), taken);
    ck_assert_int_ge(count_of(&image, "id GLOB 'e*'"), taken - 1);
    ck_assert_int_eq(put_one(&image, "after", T, NULL, NOW), STORE_OK);
    fixture_close(&image);
    fixture_close(&f);
}
END_TEST

START_TEST(notes_of_another_database_are_not_taken) {
    fixture f, image, other;
    char command[400];
    open_all(&f);
    open_all(&other);
    atomic_store(&no_log, true);
    put_while_taken(&f);
    copy_files(&f, &image);
    atomic_store(&no_log, false);
    store_close(other.s);
    snprintf(command, sizeof command, "cp '%s-ahead' '%s'", image.path, other.folder);
    ck_assert_int_eq(system(command), 0);
    err e = {""};
    other.s = events_open(other.path, &e);
    ck_assert_msg(other.s != NULL, "%s", e.text);
    ck_assert_int_eq(count_of(&other, "1"), 1);
    ck_assert(other.s->ahead.usable);
    snprintf(command, sizeof command, "rm -rf '%s'", image.folder);
    ck_assert_int_eq(system(command), 0);
    fixture_close(&other);
    fixture_close(&f);
}
END_TEST

START_TEST(where_no_note_can_be_written_each_group_is_committed) {
    fixture f;
    open_all(&f);
    atomic_store(&no_notes, true);
    for (int i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof id, "e%d", i);
        ck_assert_int_eq(put_one(&f, id, T, NULL, NOW), STORE_OK);
        ck_assert_int_eq(database_number(&f.s->main, "SELECT count(*) FROM events", -1), i + 2);
    }
    fixture_close(&f);
}
END_TEST

START_TEST(a_second_hub_of_the_file_has_no_notes) {
    fixture f, second;
    err e = {""};
    open_all(&f);
    second = f;
    second.s = events_open(f.path, &e);
    ck_assert_msg(second.s != NULL, "%s", e.text);
    ck_assert(!second.s->ahead.usable);
    for (int i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof id, "e%d", i);
        ck_assert_int_eq(put_one(i % 2 == 0 ? &f : &second, id, T, NULL, NOW), STORE_OK);
    }
    ck_assert_int_eq(count_of(&f, "1"), 21);
    store_close(second.s);
    ck_assert_int_eq(put_one(&f, "last", T, NULL, NOW), STORE_OK);
    queue_reopen(&f);
    ck_assert_int_eq(count_of(&f, "1"), 22);
    fixture_close(&f);
}
END_TEST

/* --- round after round --------------------------------------------------------------------------------- */

typedef struct many {
    fixture *f;
    _Atomic(int) taken;
} many;

static void note_many(store_result r, const bool *repeated, size_t count, void *ctx) {
    many *m = ctx;
    (void)repeated;
    (void)count;
    ck_assert_int_eq(r, STORE_OK);
    atomic_fetch_add(&m->taken, 1);
    sem_post(&m->f->sem);
}

static void put_large(many *m, int n) {
    static char payload[60000];
    char id[16];
    snprintf(id, sizeof id, "e%06d", n);
    memset(payload, 'a' + n % 26, sizeof payload);
    const event_target to = {.target = STR(T)};
    const event_new e = {.id = str_from(id),
                         .source = STR("s"),
                         .payload = str_of(payload, sizeof payload),
                         .at_ms = NOW,
                         .targets = &to,
                         .target_count = 1};
    ck_assert(events_put(m->f->s, &e, 1, m->f->l, note_many, m));
}

#define LARGE 700 /* 42 MB: each half is filled more than twice */
#define AT_ONCE 8

START_TEST(the_file_is_filled_again_and_again) {
    fixture f, image;
    struct stat st;
    char path[160];
    many m = {.f = &f};
    open_all(&f);
    snprintf(path, sizeof path, "%s-ahead", f.path);
    uint64_t before = f.s->ahead.number;
    for (int i = 0; i < LARGE; i++) {
        if (i >= AT_ONCE)
            sem_wait(&f.sem);
        put_large(&m, i);
    }
    for (int i = 0; i < AT_ONCE; i++)
        sem_wait(&f.sem);
    copy_files(&f, &image);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_le(st.st_size, 17 << 20);
    ck_assert_uint_gt(f.s->ahead.number, before);
    open_image(&image);
    ck_assert_int_eq(count_of(&image, "id GLOB 'e*'"), LARGE);
    ck_assert_int_eq(count_of(&image, "id GLOB 'e*' AND substr(CAST(payload AS TEXT), 1, 1) <> "
                                      "char(97 + CAST(substr(id, 2) AS INTEGER) % 26)"),
                     0);
    ck_assert_int_eq(number_of(&image, "SELECT count(*) FROM (SELECT id, lag(id) OVER (ORDER BY number) AS "
                                       "before FROM events WHERE id GLOB 'e*') WHERE before > id"),
                     0);
    fixture_close(&image);
    fixture_close(&f);
}
END_TEST

/* In a child: puts until it is killed, and tells of each that was taken. */
static void put_and_tell(const char *path, int round, int out) {
    fixture f = {0};
    err e = {""};
    f.s = events_open(path, &e);
    f.l = loop_new(0);
    sem_init(&f.sem, 0, 0);
    if (f.s == NULL || f.l == NULL || !loop_start(f.l))
        _exit(1);
    for (int i = 0;; i++) {
        char id[16];
        snprintf(id, sizeof id, "%03d-%06d", round, i);
        if (put_one(&f, id, T, NULL, NOW) != STORE_OK || write(out, &i, sizeof i) != (ssize_t)sizeof i)
            _exit(1);
    }
}

START_TEST(killed_again_and_again_it_loses_nothing) {
    fixture f = {.folder = "/tmp/busbar-events-XXXXXX"};
    int taken[12];
    log_set_level(LOG_LEVEL_OFF);
    ck_assert_ptr_nonnull(mkdtemp(f.folder)); /* no thread is to be there before a fork */
    snprintf(f.path, sizeof f.path, "%s/events.db", f.folder);
    for (int round = 0; round < 12; round++) {
        int ends[2], told_of = 0, i;
        ck_assert_int_eq(pipe(ends), 0);
        atomic_store(&sync_us, round % 2 * 5000u); /* a slow disk: noted before it is done */
        pid_t child = fork();
        if (child == 0)
            put_and_tell(f.path, round, ends[1]);
        ck_assert_int_gt(child, 0);
        close(ends[1]);
        while (told_of < 5 + 37 * round && read(ends[0], &i, sizeof i) == (ssize_t)sizeof i)
            told_of++;
        kill(child, SIGKILL);
        while (read(ends[0], &i, sizeof i) == (ssize_t)sizeof i)
            told_of++;
        waitpid(child, NULL, 0);
        close(ends[0]);
        taken[round] = told_of;
    }
    atomic_store(&sync_us, 0);
    open_image(&f);
    for (int round = 0; round < 12; round++) {
        char where[60];
        snprintf(where, sizeof where, "id GLOB '%03d-*'", round);
        int64_t n = count_of(&f, where);
        ck_assert_int_ge(taken[round], 5 + 37 * round);
        ck_assert(n == taken[round] || n == taken[round] + 1); /* the last one was not told of */
    }
    ck_assert_uint_eq(counts_of(&f, T).pending, (uint64_t)count_of(&f, "1"));
    fixture_close(&f);
}
END_TEST

/* In a child: puts without a pause until it is killed. */
static void put_for_ever(const char *path, int out) {
    fixture f = {0};
    err e = {""};
    f.s = events_open(path, &e);
    f.l = loop_new(0);
    sem_init(&f.sem, 0, 0);
    if (f.s == NULL || f.l == NULL || !loop_start(f.l))
        _exit(1);
    many m = {.f = &f};
    for (int i = 0;; i++) {
        if (i >= AT_ONCE)
            sem_wait(&f.sem);
        if (i == 100 && write(out, &i, sizeof i) != (ssize_t)sizeof i)
            _exit(1);
        put_large(&m, i);
    }
}

/* One that keeps the file busy keeps nobody out: it holds no transaction while there are others. */
START_TEST(another_process_comes_in_under_load) {
    fixture f = {.folder = "/tmp/busbar-events-XXXXXX"};
    int ends[2], i;
    log_set_level(LOG_LEVEL_OFF);
    ck_assert_ptr_nonnull(mkdtemp(f.folder));
    snprintf(f.path, sizeof f.path, "%s/events.db", f.folder);
    ck_assert_int_eq(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0)
        put_for_ever(f.path, ends[1]);
    ck_assert_int_gt(child, 0);
    ck_assert_int_eq(read(ends[0], &i, sizeof i), (ssize_t)sizeof i);
    open_image(&f);
    ck_assert(!f.s->ahead.usable);
    for (i = 0; i < 20; i++) {
        char id[16];
        snprintf(id, sizeof id, "x%d", i);
        ck_assert_int_eq(put_one(&f, id, T, NULL, NOW), STORE_OK);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    ck_assert_int_eq(count_of(&f, "id GLOB 'x*'"), 20);
    fixture_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(what_was_told_of_before_its_commit_is_there_after_a_kill),
          unit_test(a_commit_that_fails_loses_nothing_that_was_told_of),
          unit_test(what_could_not_be_written_before_a_stop_is_there_after_the_next_start),
          unit_test(repeats_are_not_noted), unit_test(a_torn_note_ends_what_is_read),
          unit_test(notes_of_another_database_are_not_taken),
          unit_test(where_no_note_can_be_written_each_group_is_committed),
          unit_test(a_second_hub_of_the_file_has_no_notes), unit_test(the_file_is_filled_again_and_again),
          unit_test(killed_again_and_again_it_loses_nothing), unit_test(another_process_comes_in_under_load))
