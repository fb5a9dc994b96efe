/* What is in the files once a commit is over, how many writes and syncs that took, and some that fail.
 * pwrite, fsync and fdatasync are this file's, for SQLite too. */
#include "fixture.h"
#include "sync_calls.h"
#include "write_calls.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

static _Atomic(int) write_count;
static _Atomic(int) failing_after; /* so many writes from now, one fails with ENOSPC; -1: none */

static ssize_t write_of(int fd, const void *bytes, size_t n, off_t at) {
    atomic_fetch_add(&write_count, 1);
    if (atomic_load(&failing_after) >= 0 && atomic_fetch_sub(&failing_after, 1) == 0) {
        errno = ENOSPC;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, n, at);
}

static _Atomic(int) sync_count;
static _Atomic(int) failing_sync; /* so many syncs from now, one fails with EIO; -1: none */

static int sync_of(int fd, long call) {
    atomic_fetch_add(&sync_count, 1);
    if (atomic_load(&failing_sync) >= 0 && atomic_fetch_sub(&failing_sync, 1) == 0) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(call, fd);
}

/* --- a database, and a table of numbered texts of which the sum is known ---------------------------------
 */

typedef struct files {
    char folder[64], path[128];
    database d;
} files;

static void configure(database *d, const char *cache) {
    ck_assert_int_eq(database_exec(d, "PRAGMA journal_mode=WAL"), STORE_OK);
    ck_assert_int_eq(database_exec(d, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0"), STORE_OK);
    ck_assert_int_eq(database_exec(d, cache), STORE_OK);
}

static void files_open(files *f, const char *cache) {
    *f = (files){.folder = "/tmp/busbar-writes-XXXXXX"};
    err e = {""};
    atomic_store(&failing_after, -1);
    atomic_store(&failing_sync, -1);
    ck_assert_ptr_nonnull(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/x.db", f->folder);
    ck_assert_msg(database_open(&f->d, f->path, DATABASE_CREATE, &e), "%s", e.text);
    configure(&f->d, cache);
    ck_assert_int_eq(database_exec(&f->d, "CREATE TABLE t(number INTEGER PRIMARY KEY, v INTEGER, text BLOB)"),
                     STORE_OK);
}

static void files_close(files *f) {
    char command[160];
    database_close(&f->d);
    snprintf(command, sizeof command, "rm -rf '%s'", f->folder);
    ck_assert_int_eq(system(command), 0);
}

static int64_t sum_of(sqlite3 *sq) {
    sqlite3_stmt *stmt;
    ck_assert_int_eq(
        sqlite3_prepare_v2(sq, "SELECT total(number * v + length(text)) FROM t", -1, &stmt, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    int64_t sum = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return sum;
}

/* What a hub would find after a crash: the files as they are, without the index of the log. */
static int64_t sum_after_crash(const files *f) {
    char command[1024], copy[160];
    sqlite3 *sq;
    snprintf(copy, sizeof copy, "%s/copy.db", f->folder);
    snprintf(command, sizeof command, "rm -f '%s-shm' && cp '%s' '%s' && cp '%s-wal' '%s-wal'", copy, f->path,
             copy, f->path, copy);
    ck_assert_int_eq(system(command), 0);
    ck_assert_int_eq(sqlite3_open_v2(copy, &sq, SQLITE_OPEN_READWRITE, "unix"), SQLITE_OK);
    int64_t sum = sum_of(sq);
    sqlite3_stmt *stmt;
    ck_assert_int_eq(sqlite3_prepare_v2(sq, "PRAGMA integrity_check", -1, &stmt, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_step(stmt), SQLITE_ROW);
    ck_assert_str_eq((const char *)sqlite3_column_text(stmt, 0), "ok");
    sqlite3_finalize(stmt);
    ck_assert_int_eq(sqlite3_close(sq), SQLITE_OK);
    return sum;
}

static uint32_t state;
static unsigned random_below(unsigned n) {
    state = state * 1664525u + 1013904223u;
    return (state >> 8) % n;
}

static store_result change_some(database *d, unsigned rows) {
    char sql[200];
    for (unsigned i = 0; i < rows; i++) {
        snprintf(sql, sizeof sql,
                 "INSERT INTO t(number, v, text) VALUES(%u, %u, zeroblob(%u)) "
                 "ON CONFLICT(number) DO UPDATE SET v = excluded.v, text = excluded.text",
                 random_below(2000), random_below(1000), random_below(3000));
        store_result r = database_exec(d, sql);
        if (r != STORE_OK)
            return r;
    }
    return STORE_OK;
}

/* A page each, behind one another: nothing is read for them. */
#define HUNDRED                                                                                             \
    "INSERT INTO t(v, text) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100) " \
    "SELECT i, zeroblob(3500) FROM n"

/* --- what is in the files ------------------------------------------------------------------------------ */

static void checkpoint(database *d) {
    ck_assert_int_eq(sqlite3_wal_checkpoint_v2(d->sq, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
                     SQLITE_OK);
}

static void change(database *d, unsigned rows, const char *end) {
    ck_assert_int_eq(database_exec(d, "BEGIN IMMEDIATE"), STORE_OK);
    ck_assert_int_eq(change_some(d, rows), STORE_OK);
    ck_assert_int_eq(database_exec(d, end), STORE_OK);
}

/* Of two that write in turn, with caches so small that SQLite writes frames before the commit, goes back to
 * them, and leaves some of what is rolled back in the log. */
START_TEST(all_of_a_commit_is_in_the_files) {
    files f;
    database other = {0};
    err e = {""};
    state = 7;
    files_open(&f, "PRAGMA cache_size=5");
    ck_assert_msg(database_open(&other, f.path, DATABASE_WRITE, &e), "%s", e.text);
    configure(&other, "PRAGMA cache_size=5");
    for (int round = 0; round < 120; round++) {
        database *d = random_below(2) == 0 ? &f.d : &other;
        change(d, 1 + random_below(round % 3 == 0 ? 200 : 4), random_below(4) == 0 ? "ROLLBACK" : "COMMIT");
        int64_t sum = sum_of(f.d.sq);
        ck_assert_int_eq(sum_of(other.sq), sum);
        ck_assert_int_eq(sum_after_crash(&f), sum);
        if (random_below(4) == 0) {
            checkpoint(random_below(2) == 0 ? &f.d : &other);
            ck_assert_int_eq(sum_after_crash(&f), sum);
        }
    }
    database_close(&other);
    files_close(&f);
}
END_TEST

/* What was rolled back stands in nobody's way: another process may have written in its place. The log is
 * empty before: else the rollback reads from it. */
START_TEST(what_is_rolled_back_is_not_written_later) {
    files f;
    database other = {0};
    err e = {""};
    state = 5;
    files_open(&f, "PRAGMA cache_size=5");
    ck_assert_msg(database_open(&other, f.path, DATABASE_WRITE, &e), "%s", e.text);
    configure(&other, "PRAGMA cache_size=5");
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(
            database_exec(&f.d, "PRAGMA wal_checkpoint(TRUNCATE); BEGIN IMMEDIATE; " HUNDRED "; ROLLBACK"),
            STORE_OK);
        change(&other, 200, "COMMIT");
        int64_t sum = sum_of(other.sq);
        ck_assert_int_eq(sum_of(f.d.sq), sum); /* with a read of the log by each */
        ck_assert_int_eq(sum_after_crash(&f), sum);
        change(&f.d, 1, "COMMIT");
        ck_assert_int_eq(sum_after_crash(&f), sum_of(other.sq));
    }
    database_close(&other);
    files_close(&f);
}
END_TEST

static int writes_of(files *f, const char *sql) {
    atomic_store(&write_count, 0);
    ck_assert_int_eq(database_exec(&f->d, sql), STORE_OK);
    return atomic_load(&write_count);
}

/* 100 pages of a commit, 200 pieces: in as many parts as the buffer has to be emptied. */
START_TEST(what_follows_is_written_in_one_piece) {
    files f;
    files_open(&f, "PRAGMA cache_size=1000");
    ck_assert_int_eq(database_exec(&f.d, "INSERT INTO t(number, v) VALUES(1, 1)"), STORE_OK);
    ck_assert_int_le(writes_of(&f, HUNDRED), 6);
    ck_assert_int_eq(sum_after_crash(&f), sum_of(f.d.sq));
    files_close(&f);
}
END_TEST

/* --- writes that fail ---------------------------------------------------------------------------------- */

/* Whichever write of a commit it is: all of the commit is gone, nothing before it, and the next one holds. */
START_TEST(a_write_that_fails_fails_its_commit_alone) {
    files f;
    state = 11;
    files_open(&f, "PRAGMA cache_size=20");
    for (int at = 0; at < 40; at++) {
        int64_t before = sum_of(f.d.sq);
        ck_assert_int_eq(database_exec(&f.d, "BEGIN IMMEDIATE"), STORE_OK);
        atomic_store(&failing_after, at % 10);
        store_result r = change_some(&f.d, 150);
        if (r == STORE_OK)
            r = database_exec(&f.d, "COMMIT");
        bool failed = atomic_exchange(&failing_after, -1) < 0;
        ck_assert_int_eq(r, failed ? STORE_FULL : STORE_OK);
        if (r != STORE_OK && sqlite3_get_autocommit(f.d.sq) == 0)
            ck_assert_int_eq(database_exec(&f.d, "ROLLBACK"), STORE_OK);
        if (r != STORE_OK)
            ck_assert_int_eq(sum_of(f.d.sq), before);
        ck_assert_int_eq(sum_after_crash(&f), sum_of(f.d.sq));
        ck_assert_int_eq(change_some(&f.d, 2), STORE_OK);
        ck_assert_int_eq(sum_after_crash(&f), sum_of(f.d.sq));
    }
    files_close(&f);
}
END_TEST

/* A checkpoint whose write fails has taken nothing in: all is in the log still. */
START_TEST(a_write_that_fails_fails_its_checkpoint) {
    files f;
    int failures = 0;
    state = 13;
    files_open(&f, "PRAGMA cache_size=1000");
    for (int at = 0; at < 12; at++) {
        ck_assert_int_eq(change_some(&f.d, 40), STORE_OK);
        int64_t sum = sum_of(f.d.sq);
        atomic_store(&failing_after, at);
        int code = sqlite3_wal_checkpoint_v2(f.d.sq, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        if (atomic_exchange(&failing_after, -1) < 0)
            ck_assert_int_ne((failures++, code), SQLITE_OK);
        else
            ck_assert_int_eq(code, SQLITE_OK);
        ck_assert_int_eq(sum_of(f.d.sq), sum);
        ck_assert_int_eq(sum_after_crash(&f), sum);
    }
    ck_assert_int_gt(failures, 0);
    files_close(&f);
}
END_TEST

/* --- a long checkpoint --------------------------------------------------------------------------------- */

/* Of the log, of each MiB, and of the rest. */
START_TEST(what_a_checkpoint_writes_is_synced_on_the_way) {
    files f;
    files_open(&f, "PRAGMA cache_size=1000");
    for (int i = 0; i < 16; i++) /* 1,600 pages, 6.25 MiB */
        ck_assert_int_eq(database_exec(&f.d, HUNDRED), STORE_OK);
    int64_t sum = sum_of(f.d.sq);
    atomic_store(&sync_count, 0);
    checkpoint(&f.d);
    ck_assert_int_eq(atomic_load(&sync_count), 8);
    ck_assert_int_eq(sum_of(f.d.sq), sum);
    files_close(&f);
}
END_TEST

/* Whichever sync it is: all is in the log still, and the next checkpoint writes all of it, with syncs at its
 * beginning and its end alone where the one on the way has failed. */
START_TEST(a_sync_that_fails_fails_its_checkpoint) {
    files f;
    files_open(&f, "PRAGMA cache_size=1000");
    for (int at = 0; at < 5; at++) {
        for (int i = 0; i < 8; i++) /* 3.1 MiB */
            ck_assert_int_eq(database_exec(&f.d, HUNDRED), STORE_OK);
        int64_t sum = sum_of(f.d.sq);
        atomic_store(&failing_sync, at);
        ck_assert_int_ne(sqlite3_wal_checkpoint_v2(f.d.sq, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
                         SQLITE_OK);
        ck_assert_int_lt(atomic_exchange(&failing_sync, -1), 0);
        ck_assert_int_eq(sum_of(f.d.sq), sum);
        ck_assert_int_eq(sum_after_crash(&f), sum);
        atomic_store(&sync_count, 0);
        checkpoint(&f.d);
        ck_assert_int_eq(atomic_load(&sync_count), at == 1 || at == 2 || at == 3 ? 2 : 5);
        ck_assert_int_eq(sum_after_crash(&f), sum);
    }
    files_close(&f);
}
END_TEST

/* A reader has a checkpoint end before the log does, and without a sync of the database: one that fails later
 * may have lost what that wrote, and all of it is written again. */
START_TEST(a_sync_that_fails_has_all_of_the_log_taken_in_again) {
    files f;
    database other = {0};
    err e = {""};
    store_result r = STORE_OK;
    files_open(&f, "PRAGMA cache_size=1000");
    checkpoint(&f.d);
    ck_assert_msg(database_open(&other, f.path, DATABASE_WRITE, &e), "%s", e.text);
    ck_assert_int_eq(database_exec(&f.d, HUNDRED), STORE_OK);
    sqlite3_stmt *reading = database_prepare(&other, "SELECT number FROM t");
    ck_assert(database_row(reading, &r)); /* and holds what it reads */
    ck_assert_int_eq(database_exec(&f.d, "INSERT INTO t(number, v) VALUES(5000, 1)"), STORE_OK);
    checkpoint(&f.d); /* of the hundred */
    sqlite3_reset(reading);
    ck_assert_int_eq(database_exec(&f.d, "INSERT INTO t(number, v) VALUES(5001, 1)"), STORE_OK);
    atomic_store(&failing_sync, 1); /* behind the log's */
    ck_assert_int_ne(sqlite3_wal_checkpoint_v2(f.d.sq, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL),
                     SQLITE_OK);
    ck_assert_int_lt(atomic_load(&failing_sync), 0);
    atomic_store(&write_count, 0);
    checkpoint(&f.d);
    ck_assert_int_ge(atomic_load(&write_count), 100);
    ck_assert_int_eq(sum_after_crash(&f), sum_of(f.d.sq));
    database_close(&other);
    files_close(&f);
}
END_TEST

UNIT_MAIN(unit_test(all_of_a_commit_is_in_the_files), unit_test(what_is_rolled_back_is_not_written_later),
          unit_test(what_follows_is_written_in_one_piece),
          unit_test(a_write_that_fails_fails_its_commit_alone),
          unit_test(a_write_that_fails_fails_its_checkpoint),
          unit_test(what_a_checkpoint_writes_is_synced_on_the_way),
          unit_test(a_sync_that_fails_fails_its_checkpoint),
          unit_test(a_sync_that_fails_has_all_of_the_log_taken_in_again))
