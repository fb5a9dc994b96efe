/* file_writes.c - writes of SQLite that follow one another in a file, made one.
 *
 * A commit writes two pieces a page into the log, a checkpoint one a page into the database: with pages of
 * 4 KiB the calls cost more than what they copy. Here they are put together, on top of SQLite's own VFS: the
 * database's until anything else is done with the file (a sync at the latest), the log's until the
 * transaction's last frame is there. By that time they have to be: then the commit is told to other
 * connections and processes, in the index of the log, which is no file operation and cannot fail.
 *
 * A write that fails late fails what SQLite does then: the commit, or the checkpoint's sync. */
#include "store/file_writes.h"

#include <sqlite3.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define ROOM \
    (120u * 1024u)      /* bytes. SQLite writes less than 128 KiB in one call (os_unix.c, seekAndWriteFd) */
#define FRAME_HEADER 24 /* bytes, https://sqlite.org/fileformat2.html#walformat */
#define FRAME_COMMIT 4  /* in it: the database's pages after a commit, 0 in frames that end none */

typedef struct joined_file {
    sqlite3_file base;
    sqlite3_file *below; /* SQLite's own, behind this in memory */
    char *buf;           /* of ROOM bytes; NULL: none yet */
    size_t len;          /* so many of them are to be written */
    sqlite3_int64 end;   /* where the last write ended, these included */
    bool log;            /* else the database */
    bool commits;        /* the frame whose page comes next */
} joined_file;

static const sqlite3_io_methods *below(const joined_file *f) {
    return f->below->pMethods;
}

static int flush(joined_file *f) {
    int n = (int)f->len;
    f->len = 0;
    return n > 0 ? below(f)->xWrite(f->below, f->buf, n, f->end - n) : SQLITE_OK;
}

/* --- writing ----------------------------------------------------------------------------------------- */

/* Whether the transaction's frames are all there with this. */
static bool ends_commit(joined_file *f, const void *bytes, int n) {
    bool ends = f->commits;
    static const char none[4];
    f->commits = n == FRAME_HEADER && memcmp((const char *)bytes + FRAME_COMMIT, none, sizeof none) != 0;
    return ends;
}

static bool has_room(joined_file *f, int n) {
    if (f->buf == NULL)
        f->buf = malloc(ROOM);
    return f->buf != NULL && f->len + (size_t)n <= ROOM;
}

/* What does not follow the last write is written at once: frames that SQLite goes back to are not followed by
 * a write that would tell that all are there. */
static int write_some(joined_file *f, const void *bytes, int n, sqlite3_int64 at) {
    bool follows = at == f->end;
    int r = follows && has_room(f, n) ? SQLITE_OK : flush(f);
    if (r != SQLITE_OK)
        return r;
    f->end = at + n;
    if (!follows || !has_room(f, n))
        return below(f)->xWrite(f->below, bytes, n, at);
    memcpy(f->buf + f->len, bytes, (size_t)n);
    f->len += (size_t)n;
    return SQLITE_OK;
}

static int joined_write(sqlite3_file *s, const void *bytes, int n, sqlite3_int64 at) {
    joined_file *f = (joined_file *)s;
    bool last = f->log && ends_commit(f, bytes, n);
    int r = write_some(f, bytes, n, at);
    return r == SQLITE_OK && last ? flush(f) : r;
}

/* --- everything else ---------------------------------------------------------------------------------- */

/* What is to be written comes before it. */
#define AFTER_WRITES(f, operation) \
    int written = flush(f);        \
    return written == SQLITE_OK ? (operation) : written

static int joined_read(sqlite3_file *s, void *out, int n, sqlite3_int64 at) {
    joined_file *f = (joined_file *)s;
    AFTER_WRITES(f, below(f)->xRead(f->below, out, n, at));
}

static int joined_truncate(sqlite3_file *s, sqlite3_int64 size) {
    joined_file *f = (joined_file *)s;
    AFTER_WRITES(f, below(f)->xTruncate(f->below, size));
}

static int joined_sync(sqlite3_file *s, int flags) {
    joined_file *f = (joined_file *)s;
    AFTER_WRITES(f, below(f)->xSync(f->below, flags));
}

static int joined_size(sqlite3_file *s, sqlite3_int64 *out) {
    joined_file *f = (joined_file *)s;
    AFTER_WRITES(f, below(f)->xFileSize(f->below, out));
}

static int joined_fetch(sqlite3_file *s, sqlite3_int64 at, int n, void **out) {
    joined_file *f = (joined_file *)s;
    *out = NULL; /* it is not in memory */
    AFTER_WRITES(f, below(f)->iVersion < 3 ? SQLITE_OK : below(f)->xFetch(f->below, at, n, out));
}

static int joined_unfetch(sqlite3_file *s, sqlite3_int64 at, void *page) {
    joined_file *f = (joined_file *)s;
    return below(f)->iVersion < 3 ? SQLITE_OK : below(f)->xUnfetch(f->below, at, page);
}

static int joined_close(sqlite3_file *s) {
    joined_file *f = (joined_file *)s;
    int written = flush(f), r = below(f)->xClose(f->below);
    free(f->buf);
    return written != SQLITE_OK ? written : r;
}

/* Not these: SQLite does not look at what all of them return, and syncs the database before it unlocks it. */
static int joined_lock(sqlite3_file *s, int level) {
    joined_file *f = (joined_file *)s;
    return below(f)->xLock(f->below, level);
}

static int joined_unlock(sqlite3_file *s, int level) {
    joined_file *f = (joined_file *)s;
    return below(f)->xUnlock(f->below, level);
}

static int joined_control(sqlite3_file *s, int op, void *arg) {
    joined_file *f = (joined_file *)s;
    return below(f)->xFileControl(f->below, op, arg);
}

static int joined_is_reserved(sqlite3_file *s, int *out) {
    joined_file *f = (joined_file *)s;
    return below(f)->xCheckReservedLock(f->below, out);
}

static int joined_sector(sqlite3_file *s) {
    joined_file *f = (joined_file *)s;
    return below(f)->xSectorSize(f->below);
}

static int joined_traits(sqlite3_file *s) {
    joined_file *f = (joined_file *)s;
    return below(f)->xDeviceCharacteristics(f->below);
}

/* The index of the log, which is told of through the database's file, has writes of its own. */
static int joined_shm_map(sqlite3_file *s, int region, int size, int extend, void volatile **out) {
    joined_file *f = (joined_file *)s;
    return below(f)->xShmMap(f->below, region, size, extend, out);
}

static int joined_shm_lock(sqlite3_file *s, int offset, int n, int flags) {
    joined_file *f = (joined_file *)s;
    return below(f)->xShmLock(f->below, offset, n, flags);
}

static void joined_shm_barrier(sqlite3_file *s) {
    joined_file *f = (joined_file *)s;
    below(f)->xShmBarrier(f->below);
}

static int joined_shm_unmap(sqlite3_file *s, int delete) {
    joined_file *f = (joined_file *)s;
    return below(f)->xShmUnmap(f->below, delete);
}

static const sqlite3_io_methods joined_methods = {
    .iVersion = 3,
    .xClose = joined_close,
    .xRead = joined_read,
    .xWrite = joined_write,
    .xTruncate = joined_truncate,
    .xSync = joined_sync,
    .xFileSize = joined_size,
    .xLock = joined_lock,
    .xUnlock = joined_unlock,
    .xCheckReservedLock = joined_is_reserved,
    .xFileControl = joined_control,
    .xSectorSize = joined_sector,
    .xDeviceCharacteristics = joined_traits,
    .xShmMap = joined_shm_map,
    .xShmLock = joined_shm_lock,
    .xShmBarrier = joined_shm_barrier,
    .xShmUnmap = joined_shm_unmap,
    .xFetch = joined_fetch,
    .xUnfetch = joined_unfetch,
};

/* --- the VFS ------------------------------------------------------------------------------------------ */

static sqlite3_vfs *system_vfs;
static sqlite3_vfs joined_vfs; /* the system's, but for xOpen */
static bool registered;

/* Journals and temporary files are the system's alone. */
static int joined_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *s, int flags, int *flags_out) {
    joined_file *f = (joined_file *)s;
    (void)vfs;
    if ((flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_DB)) == 0)
        return system_vfs->xOpen(system_vfs, name, s, flags, flags_out);
    *f = (joined_file){.below = (sqlite3_file *)(f + 1), .end = -1, .log = (flags & SQLITE_OPEN_WAL) != 0};
    int r = system_vfs->xOpen(system_vfs, name, f->below, flags, flags_out);
    if (f->below->pMethods != NULL)
        f->base.pMethods = &joined_methods;
    return r;
}

static void register_once(void) {
    system_vfs = sqlite3_vfs_find(NULL);
    if (system_vfs == NULL || system_vfs->iVersion < 3)
        return;
    joined_vfs = *system_vfs;
    joined_vfs.zName = "busbar";
    joined_vfs.szOsFile += (int)sizeof(joined_file);
    joined_vfs.xOpen = joined_open;
    joined_vfs.pNext = NULL;
    registered = sqlite3_vfs_register(&joined_vfs, 0) == SQLITE_OK;
}

const char *file_writes_vfs(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_once);
    return registered ? joined_vfs.zName : NULL;
}
