/* log.c - SQLite's log of what was written (the file -wal): when it is taken into the database (a
 * checkpoint), and how it is mended after a sync that failed. */
#include "store/ahead.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
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

#define PASSES 4             /* by the thread, each of what has been added during the one before, */
#define REST_MAX 256u        /* pages: until so few are left that the writer may as well */
#define FAR 8u               /* times as long as it should be: then it is told, or nothing more is taken */
#define AGAIN_NS 1000000000u /* after a failure */

static void complain(store *s, const char *what, size_t frames) {
    uint64_t now = store_now_ns(), before = atomic_load(&s->log.complained_ns);
    if ((before == 0 || now - before >= STORE_TELL_NS) &&
        atomic_compare_exchange_strong(&s->log.complained_ns, &before, now))
        log_error("%s-wal: %s: it has %zu pages", s->path, what, frames);
}

/* Somebody else may be at it, or a reader be in the way: that is no failure. */
void log_taken_in(store *s, int code) {
    store_result r = (code & 0xff) == SQLITE_BUSY ? STORE_OK : database_result(code, errno);
    atomic_store(&s->log.result, r);
    if (r != STORE_OK)
        complain(s, "the log cannot be taken into the database", atomic_load(&s->log.frames));
}

/* *taken: pages that are in the database then. */
static bool take_in_some(store *s, database *d, size_t *taken) {
    int n = 0;
    errno = 0;
    int code = sqlite3_wal_checkpoint_v2(d->sq, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, &n);
    log_taken_in(s, code);
    *taken = n > 0 ? (size_t)n : 0;
    return code == SQLITE_OK;
}

/* Nothing that may not be on disk is to be the only copy of what it replaces. */
static bool may_take_in(store *s) {
    return atomic_load(&s->sync.failed) == STORE_OK;
}

/* Under the lock. */
static void sync_wanted(store *s) {
    if (!s->ahead.wanted)
        return;
    s->ahead.wanted = false;
    syncer_sync_log(s);
}

/* Unlocks meanwhile. */
static void take_in_most(store *s) {
    bool more = true;
    for (int i = 0; more && i < PASSES && may_take_in(s); i++) {
        size_t taken;
        pthread_mutex_unlock(&s->lock);
        more = take_in_some(s, &s->log.db, &taken) && taken + REST_MAX < atomic_load(&s->log.frames);
        pthread_mutex_lock(&s->lock);
        sync_wanted(s);
    }
}

static void *shortener_main(void *arg) {
    store *s = arg;
    log_state *g = &s->log;
    pthread_mutex_lock(&s->lock);
    for (;;) {
        while (g->turn != LOG_LONG && !g->stop && !s->ahead.wanted)
            pthread_cond_wait(&g->come, &s->lock);
        if (g->stop)
            break;
        sync_wanted(s);
        if (g->turn != LOG_LONG || g->stop) /* one sync and then that: syncs alone do not shorten it */
            continue;
        take_in_most(s);
        g->turn = LOG_REST;
        pthread_cond_broadcast(&s->sync.room);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* Closing any descriptor of the file -shm ends all locks that SQLite has on it, of every connection of this
 * process (fcntl(2), "Advisory record locking"): this one is closed after them. */
static bool open_index(store *s, err *e) {
    char path[4096];
    snprintf(path, sizeof path, "%s-shm", s->path);
    s->log.index = open(path, O_RDONLY | O_CLOEXEC);
    return s->log.index >= 0 || err_set(e, "%s: %s", path, strerror(errno));
}

bool log_start(store *s, err *e) {
    log_state *g = &s->log;
    g->turn = LOG_SHORT;
    return database_open(&g->db, s->path, DATABASE_WRITE, e) &&
           writer_configure(&g->db, s->kind) == STORE_OK && open_index(s, e) &&
           (g->runs = store_start_thread(&g->thread, shortener_main, s, "store-log", true));
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
}

void log_closed(store *s) {
    if (s->log.index >= 0)
        close(s->log.index);
    s->log.index = -1;
}

#define PART 8u     /* of the size that the file may have */
#define LEAST 1000u /* pages */
/* A page that is changed again and again is taken in once for a whole log, and whoever writes waits for the
 * last of it each time: where the disk has so much free, the log is so many times as long. */
#define ROOMY_FREE (2ull << 30)
#define ROOMY_TIMES 4u

/* Under the lock. */
static void set_length(store *s) {
    const log_state *g = &s->log;
    size_t most = s->kind->log_pages * (g->roomy ? ROOMY_TIMES : 1);
    size_t pages = g->part == 0 || g->part > most ? most : g->part < LEAST ? LEAST : g->part;
    atomic_store_explicit(&s->log.pages, pages, memory_order_relaxed);
}

void log_limit(store *s, uint64_t file_bytes) {
    pthread_mutex_lock(&s->lock);
    s->log.part = file_bytes == 0 ? 0 : (size_t)(file_bytes / PART / STORE_PAGE) + 1;
    set_length(s);
    pthread_mutex_unlock(&s->lock);
}

void log_room(store *s, uint64_t free_bytes) {
    bool roomy = free_bytes >= ROOMY_FREE;
    pthread_mutex_lock(&s->lock);
    if (s->log.roomy != roomy) {
        s->log.roomy = roomy;
        set_length(s);
    }
    pthread_mutex_unlock(&s->lock);
}

/* What it was longer than that, it is cut by when it begins anew; and what is to be done next is asked anew.
 */
static void limit_file(store *s, size_t pages) {
    char sql[64];
    if (s->log.limited == pages || s->write.sq == NULL)
        return;
    snprintf(sql, sizeof sql, "PRAGMA journal_size_limit = %zu", pages * STORE_PAGE * 2);
    s->log.limited = s->log.next = pages;
    database_exec(&s->write, sql);
}

/* Whose turn it was. The writer's is over by this; nobody's becomes the thread's where the log `is_long`. */
static log_turn take_turn(store *s, bool is_long) {
    log_state *g = &s->log;
    pthread_mutex_lock(&s->lock);
    log_turn turn = g->turn;
    if (turn == LOG_REST)
        g->turn = LOG_SHORT;
    else if (is_long)
        g->turn = LOG_LONG;
    pthread_cond_signal(&g->come);
    pthread_mutex_unlock(&s->lock);
    return turn;
}

/* Most of it by another thread, while groups are committed behind it; what these have added by the writer
 * itself, for only a log that is all in the database begins anew. Where a reader is in the way it grows on,
 * and it is tried now and then. */
void log_shorten(store *s) {
    log_state *g = &s->log;
    size_t some = atomic_load(&g->pages), frames = atomic_load(&g->frames), taken;
    bool failing = atomic_load(&g->result) != STORE_OK;
    limit_file(s, some);
    if (frames < some && !failing) {
        if (g->asked) /* it has begun anew: what the thread left to the writer is done, too */
            g->asked = take_turn(s, false) == LOG_LONG;
        g->next = some;
        return;
    }
    if (s->write.sq == NULL || !may_take_in(s) ||
        (failing ? store_now_ns() - g->tried_ns < AGAIN_NS : frames < g->next))
        return;
    if (frames > FAR * some && !failing)
        complain(s, "the log grows faster than it is taken into the database, or a reader does not end",
                 frames);
    g->tried_ns = store_now_ns();
    g->asked = true;
    if (take_turn(s, true) != LOG_REST)
        return; /* the thread's: the rest is taken in as soon as it has come to its end */
    g->next = frames + some / 4;
    take_in_some(s, &s->write, &taken);
}

/* On a full disk it grows no further: what is free soon is needed for taking it in. */
static store_result health(const log_state *g) {
    store_result r = (store_result)atomic_load(&g->result);
    size_t most = (r == STORE_FULL ? 1 : FAR) * atomic_load(&g->pages);
    return r != STORE_OK && atomic_load(&g->frames) > most ? r : STORE_OK;
}

store_result log_health(store *s) {
    size_t taken;
    if (health(&s->log) == STORE_FULL && s->write.sq != NULL && !s->open && may_take_in(s))
        take_in_some(s, &s->write, &taken); /* there may be room now; where there is none it ends at once */
    return health(&s->log);
}

/* --- after a sync that failed ------------------------------------------------------------------------ */

/* How many frames SQLite takes the log to have: mxFrame of its index, https://sqlite.org/walformat.html
 * section 2.1, in the machine's byte order. */
static bool read_length(const store *s, size_t *length) {
    uint32_t frames = 0;
    bool ok = pread(s->log.index, &frames, sizeof frames, 16) == (ssize_t)sizeof frames;
    *length = frames;
    return ok;
}

/* What the kernel has dropped is in its memory still, but would not be written again by another sync: all of
 * it is written once more. Taking it into the database would not do: the log goes on behind what may be
 * missing. */
static store_result renew(store *s, bool of_length) {
    char path[4096];
    size_t length = 0, whole;
    snprintf(path, sizeof path, "%s-wal", s->path);
    if (of_length && !read_length(s, &length))
        return STORE_FAILED;
    store_result r = log_renew(path, length, &whole);
    if (r != STORE_OK && whole < length)
        complain(s,
                 "the device has lost what was written: restart the hub, which goes on with what there is; "
                 "too few pages of the log are whole",
                 whole);
    return r;
}

/* While nobody else writes, another hub of this file neither. */
static store_result renew_alone(store *s, bool of_length) {
    store_result r = database_exec(&s->write, "BEGIN IMMEDIATE");
    if (r != STORE_OK)
        return r;
    r = renew(s, of_length);
    database_exec(&s->write, "ROLLBACK");
    return r;
}

store_result log_make_durable(store *s) {
    return renew_alone(s, false);
}

static void settle(store *s) {
    pthread_mutex_lock(&s->lock);
    while (s->sync.under_way > 0 || s->log.turn == LOG_LONG)
        pthread_cond_wait(&s->sync.room, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

store_result log_mend(store *s) {
    log_state *g = &s->log;
    if (g->mended != STORE_OK && store_now_ns() - g->mended_ns < AGAIN_NS)
        return g->mended;
    settle(s);
    g->mended = s->write.sq != NULL ? renew_alone(s, true) : STORE_FAILED;
    g->mended_ns = store_now_ns();
    if (g->mended == STORE_OK) {
        ahead_begin_anew(s);
        atomic_store(&s->sync.failed, STORE_OK);
    }
    return g->mended;
}
