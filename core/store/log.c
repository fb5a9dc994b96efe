/* log.c - SQLite's log of what was written (the file -wal): when it is taken into the database (a
 * checkpoint), and whether it is whole. */
#include "store/store_internal.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- how long it is ---------------------------------------------------------------------------------- */

static int committed(void *arg, sqlite3 *sq, const char *name, int frames) {
    (void)sq, (void)name;
    atomic_store_explicit(&((store *)arg)->log.frames, frames > 0 ? (size_t)frames : 0, memory_order_relaxed);
    return SQLITE_OK;
}

void log_watch(store *s) {
    s->log.limited = 0;
    sqlite3_wal_hook(s->write.sq, committed, s);
}

/* --- taking it into the database ---------------------------------------------------------------------- */

#define PASSES 4      /* by the thread, each of what has been added during the one before, */
#define REST_MAX 256u /* pages: until so few are left that the writer may as well */

/* How many pages are in the database then. */
static size_t take_in_some(database *d) {
    int taken = 0;
    sqlite3_wal_checkpoint_v2(d->sq, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, &taken);
    return taken > 0 ? (size_t)taken : 0;
}

static void take_in_most(log_state *g) {
    for (int i = 0; i < PASSES; i++)
        if (take_in_some(&g->db) + REST_MAX >= atomic_load_explicit(&g->frames, memory_order_relaxed))
            break;
}

static void *shortener_main(void *arg) {
    store *s = arg;
    log_state *g = &s->log;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (g->turn != LOG_LONG && !g->stop)
            pthread_cond_wait(&g->come, &s->lock);
        if (g->stop)
            break;
        pthread_mutex_unlock(&s->lock);
        take_in_most(g);
        pthread_mutex_lock(&s->lock);
        g->turn = LOG_REST;
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

bool log_start(store *s, err *e) {
    log_state *g = &s->log;
    g->turn = LOG_SHORT;
    return database_open(&g->db, s->path, DATABASE_WRITE, e) &&
           writer_configure(&g->db, s->kind) == STORE_OK &&
           (g->runs = store_start_thread(&g->thread, shortener_main, s, "store-log"));
}

void log_stop(store *s) {
    log_state *g = &s->log;
    pthread_mutex_lock(&s->lock);
    g->stop = true;
    pthread_cond_broadcast(&g->come);
    pthread_mutex_unlock(&s->lock);
    if (g->runs)
        pthread_join(g->thread, NULL);
    g->runs = false;
    database_close(&g->db);
}

#define PART 8u     /* of the size that the file may have */
#define LEAST 1000u /* pages */
#define PAGE 4096u  /* bytes, SQLite's own choice */

void log_limit(store *s, uint64_t file_bytes) {
    size_t part = (size_t)(file_bytes / PART / PAGE), most = s->kind->log_pages;
    size_t pages = file_bytes == 0 || part > most ? most : part < LEAST ? LEAST : part;
    atomic_store_explicit(&s->log.pages, pages, memory_order_relaxed);
}

/* What it was longer than that, it is cut by when it begins anew. */
static void limit_file(store *s, size_t pages) {
    char sql[64];
    if (s->log.limited == pages || s->write.sq == NULL)
        return;
    snprintf(sql, sizeof sql, "PRAGMA journal_size_limit = %zu", pages * PAGE * 2);
    s->log.limited = pages;
    database_exec(&s->write, sql);
}

/* Most of it by another thread, while groups are committed behind it; what these have added by the writer
 * itself, for only a log that is all in the database begins anew. Where a reader is in the way it grows on,
 * and it is tried now and then. Nothing is taken in that may not be whole. */
void log_shorten(store *s) {
    log_state *g = &s->log;
    size_t some = atomic_load_explicit(&g->pages, memory_order_relaxed),
           frames = atomic_load_explicit(&g->frames, memory_order_relaxed);
    limit_file(s, some);
    if (frames < some)
        g->next = some;
    if (frames < g->next || s->write.sq == NULL || atomic_load(&s->sync.failed) != STORE_OK)
        return;
    pthread_mutex_lock(&s->lock);
    log_turn turn = g->turn;
    if (turn != LOG_LONG)
        g->turn = turn == LOG_SHORT ? LOG_LONG : LOG_SHORT;
    pthread_cond_signal(&g->come);
    pthread_mutex_unlock(&s->lock);
    if (turn == LOG_REST) {
        g->next = frames + some / 4;
        take_in_some(&s->write);
    }
}

/* --- whether it is whole ----------------------------------------------------------------------------- */

#define LOG_HEADER 32u
#define FRAME_HEADER 24u
#define PAGE_MAX 65536u

typedef struct log_reader {
    int fd;
    size_t page; /* bytes */
    bool big;    /* big-endian checksums */
    uint32_t sum[2];
    uint8_t header[LOG_HEADER];
    uint8_t frame[FRAME_HEADER + PAGE_MAX];
} log_reader;

static uint32_t big_endian(const uint8_t *p) {
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* Of a multiple of 8 bytes: https://sqlite.org/fileformat2.html#walformat, "Checksum Algorithm". */
static void add_up(log_reader *r, const uint8_t *p, size_t n) {
    for (size_t i = 0; i < n; i += 8) {
        uint32_t x = big_endian(p + i), y = big_endian(p + i + 4);
        r->sum[0] += (r->big ? x : __builtin_bswap32(x)) + r->sum[1];
        r->sum[1] += (r->big ? y : __builtin_bswap32(y)) + r->sum[0];
    }
}

static bool sums_are(const log_reader *r, const uint8_t *p) {
    return r->sum[0] == big_endian(p) && r->sum[1] == big_endian(p + 4);
}

static bool read_header(log_reader *r) {
    if (pread(r->fd, r->header, LOG_HEADER, 0) != (ssize_t)LOG_HEADER)
        return false;
    r->page = big_endian(r->header + 8);
    r->big = (r->header[3] & 1) != 0;
    add_up(r, r->header, 24);
    return r->page >= 512 && r->page <= PAGE_MAX && r->page % 8 == 0 && sums_are(r, r->header + 24);
}

/* The one at `at`; false: it is not whole, or of an earlier round of the log, of which the salts tell. */
static bool read_frame(log_reader *r, off_t at) {
    ssize_t n = (ssize_t)(FRAME_HEADER + r->page);
    if (pread(r->fd, r->frame, (size_t)n, at) != n || memcmp(r->frame + 8, r->header + 16, 8) != 0)
        return false;
    add_up(r, r->frame, 8);
    add_up(r, r->frame + FRAME_HEADER, r->page);
    return sums_are(r, r->frame + 16);
}

size_t log_whole_frames(const char *path) {
    log_reader *r = calloc(1, sizeof *r);
    size_t n = 0;
    if (r == NULL)
        return 0;
    r->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (r->fd >= 0 && read_header(r))
        while (read_frame(r, (off_t)(LOG_HEADER + n * (FRAME_HEADER + r->page))))
            n++;
    if (r->fd >= 0)
        close(r->fd);
    free(r);
    return n;
}

/* How many frames SQLite takes the log to have: mxFrame of its index, https://sqlite.org/walformat.html
 * section 2.1, in the machine's byte order. */
static bool read_length(const store *s, size_t *length) {
    char path[4096];
    uint32_t frames = 0;
    snprintf(path, sizeof path, "%s-shm", s->path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool ok = fd >= 0 && pread(fd, &frames, sizeof frames, 16) == (ssize_t)sizeof frames;
    if (fd >= 0)
        close(fd);
    *length = frames;
    return ok;
}

/* --- after a sync that failed ------------------------------------------------------------------------ */

/* All of it into the database, which SQLite syncs. A reader may be in its way: soon again. */
static store_result take_in(store *s) {
    int frames = -1, taken = -1;
    errno = 0;
    int code = sqlite3_wal_checkpoint_v2(s->write.sq, NULL, SQLITE_CHECKPOINT_PASSIVE, &frames, &taken);
    store_result r = database_result(code, errno);
    return r == STORE_OK && taken < frames ? STORE_FAILED : r;
}

store_result log_mend(store *s) {
    char path[4096];
    size_t length;
    syncer_settle(s);
    snprintf(path, sizeof path, "%s-wal", s->path);
    if (s->write.sq == NULL || !read_length(s, &length))
        return STORE_FAILED;
    size_t whole = length > 0 ? log_whole_frames(path) : 0;
    if (whole < length) {
        log_error(
            "%s: %zu of %zu pages are whole: the device has lost what was written; restart the hub, which "
            "goes on with what there is",
            path, whole, length);
        return STORE_FAILED;
    }
    store_result r = take_in(s);
    if (r == STORE_OK)
        atomic_store(&s->sync.failed, STORE_OK);
    return r;
}
