/* file_writes.c - writes of SQLite that follow one another in its log, made one.
 *
 * A commit writes two pieces a page; with pages of 4 KiB the calls cost more than what they copy. Here they
 * are put together, on top of SQLite's own VFS, until the transaction's last frame is there. By that time
 * they have to be: then the commit is told to other connections and processes, in the index of the log, which
 * is no file operation and cannot fail. A write that fails late fails the commit.
 *
 * Not the database: a checkpoint that has come to a part of the log tells of that in the index behind its
 * last write, without a sync or anything else that could fail. */
#include "store/file_writes.h"

#include "store/store_internal.h"

#include <stdlib.h>
#include <string.h>

#define ROOM 122880u      /* bytes; SQLite writes less than 128 KiB in one call (os_unix.c, seekAndWriteFd) */
#define AT_ONCE (1 << 20) /* bytes of the database for one sync, */
#define RESPITE (64 << 20) /* and so many more after one that failed */
#define FRAME_COMMIT 4 /* in a frame's header: the pages of the database after a commit; 0: it ends none */

/* A file of this VFS: the log, or the database, through which SQLite locks the log. */
typedef struct joined_file joined_file;
struct joined_file {
    sqlite3_file base;
    sqlite3_file *below; /* SQLite's own, behind this in memory */
    joined_file *other;  /* the log's database, the database's log; NULL: it is not open */

    /* of a log */
    char *buf;         /* of ROOM bytes; NULL: none yet */
    size_t len;        /* so many of them are to be written */
    sqlite3_int64 end; /* where the last write ended, these included */
    bool commits;      /* the frame whose page comes next */

    /* of a database */
    sqlite3_int64 unsynced;   /* bytes that have been written since a sync */
    volatile uint32_t *index; /* the first region of its log's index; NULL: it is not mapped */
};

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
    f->commits = n == (int)STORE_FRAME_HEADER &&
                 memcmp((const char *)bytes + FRAME_COMMIT, none, sizeof none) != 0;
    return ends;
}

/* Where the database is not known, neither is when its lock goes. */
static bool has_room(joined_file *f, int n) {
    if (f->buf == NULL && f->other != NULL)
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

static int log_write(sqlite3_file *s, const void *bytes, int n, sqlite3_int64 at) {
    joined_file *f = (joined_file *)s;
    bool last = ends_commit(f, bytes, n);
    int r = write_some(f, bytes, n, at);
    return r == SQLITE_OK && last ? flush(f) : r;
}

/* --- the database -------------------------------------------------------------------------------------- */

#define WRITE_LOCK 0 /* of the index: who may write into the log, https://sqlite.org/walformat.html 2.3.2 */

/* Frames that were written before their transaction was rolled back are nobody's: others may write in their
 * place as soon as the lock is gone. */
static int main_shm_lock(sqlite3_file *s, int offset, int n, int flags) {
    joined_file *f = (joined_file *)s;
    if (offset == WRITE_LOCK && (flags & SQLITE_SHM_UNLOCK) != 0 && (flags & SQLITE_SHM_EXCLUSIVE) != 0 &&
        f->other != NULL)
        f->other->len = 0;
    return below(f)->xShmLock(f->below, offset, n, flags);
}

/* Byte 96 of the index of the log: how many of its frames are in the database, nBackfill of
 * https://sqlite.org/walformat.html section 2.1. A checkpoint that stops before the log's end, since a reader
 * or a writer is in the way, moves it on without a sync; and after a sync that failed the kernel may have
 * dropped what it wrote (fsync(2), "Errors"), and writes it by no later one. So all of the log is to be taken
 * in once more. Whoever syncs the database holds the locks under which SQLite itself sets it. */
#define BACKFILL_AT 24u /* in numbers of 4 bytes */

static int sync_database(joined_file *f, int flags) {
    int r = below(f)->xSync(f->below, flags);
    if (r != SQLITE_OK && f->other != NULL && f->index != NULL)
        __atomic_store_n(&f->index[BACKFILL_AT], 0, __ATOMIC_SEQ_CST);
    return r;
}

/* What a checkpoint writes is synced on the way: all of it at once, at its end, would hold up the syncs of
 * what comes in meanwhile for as long as the disk takes for it. Where one has failed, some may and some may
 * not: the next checkpoint has as few as it can have. */
static int main_write(sqlite3_file *s, const void *bytes, int n, sqlite3_int64 at) {
    joined_file *f = (joined_file *)s;
    int r = below(f)->xWrite(f->below, bytes, n, at);
    f->unsynced += n;
    if (r != SQLITE_OK || f->other == NULL || f->unsynced < AT_ONCE)
        return r;
    r = sync_database(f, SQLITE_SYNC_NORMAL | SQLITE_SYNC_DATAONLY);
    f->unsynced = r == SQLITE_OK ? 0 : -RESPITE;
    return r;
}

static int main_sync(sqlite3_file *s, int flags) {
    joined_file *f = (joined_file *)s;
    f->unsynced = 0;
    return sync_database(f, flags);
}

static int main_shm_map(sqlite3_file *s, int region, int size, int extend, void volatile **out) {
    joined_file *f = (joined_file *)s;
    int r = below(f)->xShmMap(f->below, region, size, extend, out);
    if (region == 0 && r == SQLITE_OK)
        f->index = (volatile uint32_t *)*out;
    return r;
}

static void main_shm_barrier(sqlite3_file *s) {
    joined_file *f = (joined_file *)s;
    below(f)->xShmBarrier(f->below);
}

static int main_shm_unmap(sqlite3_file *s, int delete) {
    joined_file *f = (joined_file *)s;
    f->index = NULL;
    return below(f)->xShmUnmap(f->below, delete);
}

/* --- both ---------------------------------------------------------------------------------------------- */

/* What is to be written comes before it; of the database nothing ever is. */
#define AFTER_WRITES(f, operation) \
    int written = flush(f);        \
    return written == SQLITE_OK ? (operation) : written

static int any_read(sqlite3_file *s, void *out, int n, sqlite3_int64 at) {
    joined_file *f = (joined_file *)s;
    AFTER_WRITES(f, below(f)->xRead(f->below, out, n, at));
}

static int any_truncate(sqlite3_file *s, sqlite3_int64 size) {
    joined_file *f = (joined_file *)s;
    AFTER_WRITES(f, below(f)->xTruncate(f->below, size));
}

static int log_sync(sqlite3_file *s, int flags) {
    joined_file *f = (joined_file *)s;
    AFTER_WRITES(f, below(f)->xSync(f->below, flags));
}

static int any_size(sqlite3_file *s, sqlite3_int64 *out) {
    joined_file *f = (joined_file *)s;
    AFTER_WRITES(f, below(f)->xFileSize(f->below, out));
}

static int any_close(sqlite3_file *s) {
    joined_file *f = (joined_file *)s;
    if (f->other != NULL)
        f->other->other = NULL;
    free(f->buf);
    return below(f)->xClose(f->below);
}

static int any_lock(sqlite3_file *s, int level) {
    joined_file *f = (joined_file *)s;
    return below(f)->xLock(f->below, level);
}

static int any_unlock(sqlite3_file *s, int level) {
    joined_file *f = (joined_file *)s;
    return below(f)->xUnlock(f->below, level);
}

static int any_control(sqlite3_file *s, int op, void *arg) {
    joined_file *f = (joined_file *)s;
    return below(f)->xFileControl(f->below, op, arg);
}

static int any_is_reserved(sqlite3_file *s, int *out) {
    joined_file *f = (joined_file *)s;
    return below(f)->xCheckReservedLock(f->below, out);
}

static int any_sector(sqlite3_file *s) {
    joined_file *f = (joined_file *)s;
    return below(f)->xSectorSize(f->below);
}

static int any_traits(sqlite3_file *s) {
    joined_file *f = (joined_file *)s;
    return below(f)->xDeviceCharacteristics(f->below);
}

#define OF_BOTH                                                                               \
    .xClose = any_close, .xRead = any_read, .xTruncate = any_truncate, .xFileSize = any_size, \
    .xLock = any_lock, .xUnlock = any_unlock, .xFileControl = any_control,                    \
    .xCheckReservedLock = any_is_reserved, .xSectorSize = any_sector, .xDeviceCharacteristics = any_traits

static const sqlite3_io_methods log_methods = {
    .iVersion = 1, .xWrite = log_write, .xSync = log_sync, OF_BOTH};

static const sqlite3_io_methods main_methods = {
    .iVersion = 2, /* without files in memory, which nothing here asks for */
    .xWrite = main_write,
    .xSync = main_sync,
    OF_BOTH,
    .xShmMap = main_shm_map,
    .xShmLock = main_shm_lock,
    .xShmBarrier = main_shm_barrier,
    .xShmUnmap = main_shm_unmap,
};

/* --- the VFS ------------------------------------------------------------------------------------------ */

static sqlite3_vfs *system_vfs;
static sqlite3_vfs joined_vfs; /* the system's, but for xOpen */
static bool registered;

static void join(joined_file *log, joined_file *of) {
    if (of == NULL || of->base.pMethods != &main_methods)
        return;
    log->other = of;
    of->other = log;
}

/* All other files are the system's alone. */
static int joined_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *s, int flags, int *flags_out) {
    joined_file *f = (joined_file *)s;
    bool is_log = (flags & SQLITE_OPEN_WAL) != 0;
    (void)vfs;
    if (!is_log && (flags & SQLITE_OPEN_MAIN_DB) == 0)
        return system_vfs->xOpen(system_vfs, name, s, flags, flags_out);
    *f = (joined_file){.below = (sqlite3_file *)(f + 1), .end = -1};
    int r = system_vfs->xOpen(system_vfs, name, f->below, flags, flags_out);
    if (f->below->pMethods != NULL)
        f->base.pMethods = is_log ? &log_methods : &main_methods;
    if (is_log && f->below->pMethods != NULL)
        join(f, (joined_file *)sqlite3_database_file_object(name));
    return r;
}

static void register_once(void) {
    /* Nobody asks how much memory SQLite has: counting it takes a lock for each piece. Refused, and the count
     * stays, in a process that has used SQLite before, as to read a store. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
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
