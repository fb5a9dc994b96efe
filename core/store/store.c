/* store.c - opening, closing, and how the store fares. */
#include "store/ahead.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

const char *store_result_text(store_result r) {
    switch (r) {
    case STORE_OK: return "done";
    case STORE_NOT_FOUND: return "the store has no such entry";
    case STORE_EXISTS: return "the store has an entry of this name already";
    case STORE_FULL:
        return "the store's disk is full: free space on it, or raise the quota; the hub goes on by itself";
    case STORE_READ_ONLY:
        return "the store's file or folder cannot be written: make the state folder writable for the hub; it "
               "goes on by itself";
    case STORE_BUSY: return "too many writes wait for the store's disk: try again later";
    case STORE_FAILED: break;
    }
    return "the store cannot be read or written: look into the hub's log; the file may be damaged, or its "
           "device failing";
}

problem store_result_problem(store_result r) {
    switch (r) {
    case STORE_OK: return PROBLEM_NONE;
    case STORE_NOT_FOUND: return PROBLEM_NOT_FOUND;
    case STORE_EXISTS: return PROBLEM_CONFLICT;
    case STORE_BUSY: return PROBLEM_OVERLOADED;
    default: return PROBLEM_STORE_UNAVAILABLE;
    }
}

/* --- opening ----------------------------------------------------------------------------------------- */

static store *new_store(const char *path, const store_kind *kind, err *e) {
    store *s = calloc(1, sizeof *s);
    if (s == NULL || (s->path = strdup(path)) == NULL) {
        free(s);
        err_set(e, "no memory");
        return NULL;
    }
    s->kind = kind;
    atomic_store(&s->log.pages, kind->log_pages);
    queue_init(&s->writes);
    queue_init(&s->reads);
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->main_lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&s->writes_come, &monotonic);
    pthread_cond_init(&s->reads_come, &monotonic);
    pthread_cond_init(&s->finished, &monotonic);
    pthread_cond_init(&s->work, &monotonic);
    pthread_cond_init(&s->sync.time, &monotonic);
    pthread_cond_init(&s->sync.room, &monotonic);
    pthread_cond_init(&s->log.come, &monotonic);
    s->sync.fd = s->log.index = s->ahead.fd = -1;
    s->sync.undone = SYNC_NO_GROUP;
    pthread_condattr_destroy(&monotonic);
    return s;
}

/* Made before SQLite does, so that nobody else can read it at any moment; its log takes over the mode. */
static bool make_file(const char *path, err *e) {
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd >= 0) {
        close(fd);
        return true;
    }
    if (errno != EEXIST)
        return err_set(e, "%s: the store cannot be made: %s", path, strerror(errno));
    if (stat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return err_set(e, "%s: the store is no regular file: move it away", path);
    if ((st.st_mode & 077) != 0 && chmod(path, st.st_mode & 0700) != 0)
        return err_set(e, "%s: others can read the store, and its mode cannot be changed: %s; make it 0600",
                       path, strerror(errno));
    return true;
}

/* sched(7), SCHED_BATCH: on a processor that is busy, a loop brings all that it has before a group of it is
 * written, not one event each. Of a hub that was given another policy, the threads keep that. */
static void give_way(pthread_t thread) {
    const struct sched_param none = {0};
    if (sched_getscheduler(0) == SCHED_OTHER)
        pthread_setschedparam(thread, SCHED_BATCH, &none);
}

bool store_start_thread(pthread_t *thread, void *(*run)(void *), store *s, const char *name, bool gives_way) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool ok = pthread_create(thread, NULL, run, s) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (ok)
        pthread_setname_np(*thread, name);
    if (ok && gives_way)
        give_way(*thread);
    return ok;
}

static bool open_readers(store *s, const char *uri, err *e) {
    return database_open(&s->read, uri, DATABASE_READ, e) && database_open(&s->main, uri, DATABASE_READ, e) &&
           /* KiB of cached pages: most reads are of few rows */
           database_exec(&s->read, "PRAGMA cache_size=-512") == STORE_OK &&
           database_exec(&s->main, "PRAGMA cache_size=-256") == STORE_OK;
}

static bool start_threads(store *s, err *e) {
    if (!s->read_only && !(log_start(s, e) && threads_start(s, e)))
        return false;
    s->reader_runs = store_start_thread(&s->reader, reader_main, s, "store-read", false);
    return s->reader_runs || err_set(e, "the store's threads cannot be started: %s", strerror(errno));
}

static bool open_writer(store *s, err *e) {
    if (!make_file(s->path, e) || (s->kind->announce != NULL && !s->kind->announce(s, e)) ||
        !database_open(&s->write, s->path, DATABASE_CREATE, e))
        return false;
    if (sqlite3_db_readonly(s->write.sq, "main") == 1)
        return err_set(e, "%s: %s", s->path, store_result_text(STORE_READ_ONLY));
    if (!store_check_integrity(&s->write, s->path, s->kind, e))
        return false;
    bool is_new = database_number(&s->write, "SELECT count(*) FROM sqlite_schema", 1) == 0;
    store_result r = is_new && s->kind->create != NULL ? database_exec(&s->write, s->kind->create) : STORE_OK;
    if (r == STORE_OK)
        r = writer_configure(&s->write, s->kind);
    if (r != STORE_OK)
        return r == STORE_FAILED ? store_damaged(s->path, s->kind, sqlite3_errmsg(s->write.sq), e)
                                 : err_set(e, "%s: %s", s->path, store_result_text(r));
    log_watch(s);
    r = log_make_durable(s);
    if (r != STORE_OK)
        return err_set(e, "%s: %s", s->path, store_result_text(r));
    return store_migrate(&s->write, s->path, s->kind, e);
}

store *store_open_kind(const char *path, const store_kind *kind, err *e) {
    store *s = new_store(path, kind, e);
    if (s == NULL)
        return NULL;
    if (getrandom(s->boot, sizeof s->boot, 0) != (ssize_t)sizeof s->boot || !open_writer(s, e) ||
        !open_readers(s, path, e) || (kind->open != NULL && !kind->open(s, e)) || !writer_open(s) ||
        !start_threads(s, e)) {
        if (e != NULL && e->text[0] == '\0')
            err_set(e, "%s: the store cannot be opened", path);
        store_close(s);
        return NULL;
    }
    return s;
}

store *store_open(const char *path, err *e) {
    return store_open_kind(path, &store_main, e);
}

/* Where no hub has the file open, there is no log beside it, and SQLite would make one to read it: it is told
 * that the file does not change instead. */
static char *read_uri(const char *path) {
    char *log_path = sqlite3_mprintf("%s-wal", path);
    bool alone = log_path != NULL && access(log_path, F_OK) != 0;
    sqlite3_free(log_path);
    buf uri;
    buf_init(&uri);
    buf_lit(&uri, "file:");
    for (; *path != '\0'; path++) {
        if (strchr("%?#", *path) != NULL)
            buf_printf(&uri, "%%%02X", (unsigned char)*path);
        else
            buf_char(&uri, *path);
    }
    if (alone)
        buf_lit(&uri, "?immutable=1");
    buf_char(&uri, '\0');
    if (uri.failed)
        buf_free(&uri);
    return uri.ptr;
}

store *store_open_read_only(const char *path, err *e) {
    store *s = new_store(path, &store_main, e);
    if (s == NULL)
        return NULL;
    s->read_only = true;
    atomic_store(&s->health, STORE_READ_ONLY);
    char *uri = read_uri(path);
    bool ok = uri != NULL && open_readers(s, uri, e) &&
              store_check_version(&s->main, path, store_main.version, e) && start_threads(s, e);
    free(uri);
    if (!ok) {
        if (e != NULL && e->text[0] == '\0')
            err_set(e, "%s: the store cannot be opened", path);
        store_close(s);
        return NULL;
    }
    return s;
}

/* --- closing ----------------------------------------------------------------------------------------- */

static void stop_reader(store *s) {
    if (!s->reader_runs)
        return;
    pthread_mutex_lock(&s->lock);
    s->stop_reader = true;
    pthread_cond_broadcast(&s->reads_come);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->reader, NULL);
    s->reader_runs = false;
}

/* Else the last connection takes the log into the database as it closes, and removes it: of one that is not
 * whole the next start finds by its checksums what there is. */
static void leave_log(store *s) {
    sqlite3 *const all[] = {s->log.db.sq, s->read.sq, s->main.sq, s->write.sq};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (all[i] != NULL)
            sqlite3_db_config(all[i], SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
}

void store_close(store *s) {
    if (s == NULL)
        return;
    threads_stop(s); /* first: they feed the reader, and need the log's */
    log_stop(s);
    stop_reader(s);
    if (s->kind->close != NULL)
        s->kind->close(s);
    if (atomic_load(&s->sync.failed) != STORE_OK)
        leave_log(s);
    database_close(&s->log.db);
    database_close(&s->read);
    database_close(&s->main);
    database_close(&s->write); /* last: takes the log into the database and removes it */
    log_closed(s);
    syncer_close(s);
    ahead_close(s);
    pthread_cond_destroy(&s->writes_come);
    pthread_cond_destroy(&s->reads_come);
    pthread_cond_destroy(&s->finished);
    pthread_cond_destroy(&s->work);
    pthread_cond_destroy(&s->sync.time);
    pthread_cond_destroy(&s->sync.room);
    pthread_cond_destroy(&s->log.come);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->main_lock);
    free(s->path);
    free(s);
}

/* --- how it fares ------------------------------------------------------------------------------------ */

store_result store_health(const store *s) {
    return s != NULL ? (store_result)atomic_load_explicit((_Atomic(int) *)(uintptr_t)&s->health,
                                                          memory_order_relaxed)
                     : STORE_READ_ONLY;
}

static uint64_t load(const _Atomic(uint64_t) *n) {
    return atomic_load_explicit((_Atomic(uint64_t) *)(uintptr_t)n, memory_order_relaxed);
}

static uint64_t bytes_of(const char *path, const char *suffix) {
    char name[4096];
    struct stat st;
    snprintf(name, sizeof name, "%s%s", path, suffix);
    return stat(name, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

void store_count(const store *s, store_counts *out) {
    *out = (store_counts){0};
    if (s == NULL)
        return;
    *out = (store_counts){.commits = load(&s->commits),
                          .writes = load(&s->written),
                          .failures = load(&s->failures),
                          .dropped = load(&s->dropped),
                          .file_bytes = bytes_of(s->path, "") + bytes_of(s->path, "-wal")};
    pthread_mutex_t *lock = (pthread_mutex_t *)(uintptr_t)&s->lock;
    pthread_mutex_lock(lock);
    out->queued = s->writes.length;
    pthread_mutex_unlock(lock);
}
