/* Every write, sync and truncation of the device fails once: what was told to be on disk is there, and the
 * store goes on. */
#include "fixture.h"

#include "base/log.h"

#include <errno.h>
#include <stdatomic.h>

/* --- a file system that fails ------------------------------------------------------------------------- */

static sqlite3_vfs failing, *real;
static _Atomic(int) countdown; /* 0: nothing fails; 1: the next operation does */
static _Atomic(int) errors;    /* how many fail in a row */
static _Atomic(int) hits;

typedef struct failing_file {
    sqlite3_file base;
    sqlite3_file *inner; /* behind this */
} failing_file;

static sqlite3_file *inner_of(sqlite3_file *file) {
    return ((failing_file *)file)->inner;
}

static bool fails_now(int error) {
    if (atomic_load(&countdown) == 0 || atomic_fetch_sub(&countdown, 1) != 1)
        return false;
    atomic_fetch_add(&hits, 1);
    if (atomic_fetch_sub(&errors, 1) > 1)
        atomic_store(&countdown, 1);
    errno = error;
    return true;
}

static int fail_write(sqlite3_file *f, const void *bytes, int n, sqlite3_int64 at) {
    return fails_now(ENOSPC) ? SQLITE_FULL : inner_of(f)->pMethods->xWrite(inner_of(f), bytes, n, at);
}

static int fail_truncate(sqlite3_file *f, sqlite3_int64 size) {
    return fails_now(EIO) ? SQLITE_IOERR_TRUNCATE : inner_of(f)->pMethods->xTruncate(inner_of(f), size);
}

static int fail_sync(sqlite3_file *f, int flags) {
    return fails_now(EIO) ? SQLITE_IOERR_FSYNC : inner_of(f)->pMethods->xSync(inner_of(f), flags);
}

static int pass_close(sqlite3_file *f) {
    return inner_of(f)->pMethods->xClose(inner_of(f));
}

static int pass_read(sqlite3_file *f, void *out, int n, sqlite3_int64 at) {
    return inner_of(f)->pMethods->xRead(inner_of(f), out, n, at);
}

static int pass_size(sqlite3_file *f, sqlite3_int64 *size) {
    return inner_of(f)->pMethods->xFileSize(inner_of(f), size);
}

static int pass_lock(sqlite3_file *f, int level) {
    return inner_of(f)->pMethods->xLock(inner_of(f), level);
}

static int pass_unlock(sqlite3_file *f, int level) {
    return inner_of(f)->pMethods->xUnlock(inner_of(f), level);
}

static int pass_reserved(sqlite3_file *f, int *out) {
    return inner_of(f)->pMethods->xCheckReservedLock(inner_of(f), out);
}

static int pass_control(sqlite3_file *f, int op, void *arg) {
    return inner_of(f)->pMethods->xFileControl(inner_of(f), op, arg);
}

static int pass_sector(sqlite3_file *f) {
    return inner_of(f)->pMethods->xSectorSize(inner_of(f));
}

static int pass_characteristics(sqlite3_file *f) {
    return inner_of(f)->pMethods->xDeviceCharacteristics(inner_of(f));
}

static int pass_map(sqlite3_file *f, int page, int size, int extend, void volatile **out) {
    return inner_of(f)->pMethods->xShmMap(inner_of(f), page, size, extend, out);
}

static int pass_shm_lock(sqlite3_file *f, int offset, int n, int flags) {
    return inner_of(f)->pMethods->xShmLock(inner_of(f), offset, n, flags);
}

static void pass_barrier(sqlite3_file *f) {
    inner_of(f)->pMethods->xShmBarrier(inner_of(f));
}

static int pass_unmap(sqlite3_file *f, int remove) {
    return inner_of(f)->pMethods->xShmUnmap(inner_of(f), remove);
}

static const sqlite3_io_methods methods = {.iVersion = 2,
                                           .xClose = pass_close,
                                           .xRead = pass_read,
                                           .xWrite = fail_write,
                                           .xTruncate = fail_truncate,
                                           .xSync = fail_sync,
                                           .xFileSize = pass_size,
                                           .xLock = pass_lock,
                                           .xUnlock = pass_unlock,
                                           .xCheckReservedLock = pass_reserved,
                                           .xFileControl = pass_control,
                                           .xSectorSize = pass_sector,
                                           .xDeviceCharacteristics = pass_characteristics,
                                           .xShmMap = pass_map,
                                           .xShmLock = pass_shm_lock,
                                           .xShmBarrier = pass_barrier,
                                           .xShmUnmap = pass_unmap};

static int open_failing(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out) {
    failing_file *f = (failing_file *)file;
    (void)vfs;
    f->inner = (sqlite3_file *)(f + 1);
    int code = real->xOpen(real, name, f->inner, flags, out);
    f->base.pMethods = f->inner->pMethods != NULL ? &methods : NULL;
    return code;
}

static void install(void) {
    if (real != NULL)
        return;
    real = sqlite3_vfs_find(NULL);
    failing = *real;
    failing.zName = "failing";
    failing.szOsFile = (int)sizeof(failing_file) + real->szOsFile;
    failing.xOpen = open_failing;
    ck_assert_int_eq(sqlite3_vfs_register(&failing, 1), SQLITE_OK);
}

/* --- the store on it ----------------------------------------------------------------------------------- */

enum { PUTS = 30, OPERATIONS = 60 };

/* bytes of what is put: up to some pages */
static size_t size_of(int i) {
    return (size_t)(i % 6) * 1800 + 1;
}

/* Gives whether the operation was reached. */
static bool round_of(int operation, int in_a_row) {
    fixture f;
    char name[16], large[10000];
    store_result told_of[PUTS];
    memset(large, 'x', sizeof large);
    fixture_open(&f);
    atomic_store(&hits, 0);
    atomic_store(&errors, in_a_row);
    atomic_store(&countdown, operation);
    for (int i = 0; i < PUTS; i++) {
        snprintf(name, sizeof name, "t%d", i);
        told_of[i] = store_token_put_now(f.s, str_from(name), str_of(large, size_of(i)), 1);
    }
    bool reached = atomic_load(&hits) > 0;
    atomic_store(&countdown, 0);
    store_result after =
        STORE_FAILED; /* every write tries again; what has to be opened anew takes a second */
    for (int i = 0; i < 1500 && after != STORE_OK; i++) {
        after = store_token_put_now(f.s, STR("after"), STR("x"), 1);
        if (after != STORE_OK)
            usleep(20000);
    }
    ck_assert_int_eq(after, STORE_OK);
    fixture_reopen(&f); /* with a check of its integrity */
    for (int i = 0; i < PUTS; i++) {
        bb_str sealed;
        snprintf(name, sizeof name, "t%d", i);
        store_result r = store_token_get(f.s, f.a, str_from(name), &sealed, NULL);
        ck_assert_msg(told_of[i] != STORE_OK || (r == STORE_OK && sealed.len == size_of(i)),
                      "operation %d: \"%s\" was told to be on disk", operation, name);
        ck_assert(r == STORE_OK || r == STORE_NOT_FOUND);
    }
    fixture_close(&f);
    return reached;
}

START_TEST(whatever_fails_once_loses_nothing) {
    int reached = 0;
    log_set_level(LOG_LEVEL_OFF);
    install();
    for (int operation = 1; operation <= OPERATIONS; operation++)
        reached += round_of(operation, 1);
    ck_assert_int_gt(reached, 20);
}
END_TEST

START_TEST(whatever_fails_again_and_again_loses_nothing) {
    int reached = 0;
    log_set_level(LOG_LEVEL_OFF);
    install();
    for (int operation = 1; operation <= OPERATIONS; operation += 7)
        reached += round_of(operation, 5);
    ck_assert_int_gt(reached, 3);
}
END_TEST

UNIT_MAIN(unit_test(whatever_fails_once_loses_nothing),
          unit_test(whatever_fails_again_and_again_loses_nothing))
