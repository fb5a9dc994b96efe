/* writer.c - what is queued, committed as a group by the thread whose turn it is (threads.c), and handed to
 * those that sync (syncer.c).
 *
 * A group is one transaction. Within it, a job that fails by its own doing is taken back alone; an error of
 * the device fails the group. */
#include "store/store_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>

#define GROUP_MAX 4096 /* jobs in a transaction: bounds how long the first waits for the last */
#define PACE 4u        /* a group begins after so many times what the last one took, since that began, */
#define PACE_SLOW 2u   /* or so many, where a sync takes SLOW times as long as a commit, */
#define SLOW 8u
#define PACE_NS 2000000u /* and at most so much later */
#define GATHER_LEAST 8u  /* jobs for which it waits no longer */
#define PROBE_SECONDS 1  /* after a failure: how often an idle writer tries again */

store_result writer_configure(database *d, const store_kind *kind) {
    store_result r = database_exec(d, "PRAGMA journal_mode=WAL");
    /* Syncs are the syncer's, and log.c takes the log into the database. */
    if (r == STORE_OK)
        r = database_exec(d, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=0;"
                             "PRAGMA cache_size=-2000; PRAGMA cell_size_check=ON; PRAGMA secure_delete=FAST");
    return r == STORE_OK && kind->configure != NULL ? database_exec(d, kind->configure) : r;
}

/* --- health ------------------------------------------------------------------------------------------ */

/* On a nearly full disk, small writes come through between large ones that do not: the log is told of it now
 * and then, not of each. */
static void set_health(store *s, store_result r) {
    uint64_t now = clock_ns();
    store_result before = (store_result)atomic_exchange_explicit(&s->health, r, memory_order_relaxed);
    if (r == before)
        return;
    if (r == STORE_OK) {
        if (s->complained)
            log_info("the store can be written again");
        s->complained = false;
    } else if (s->complained_ns == 0 || now - s->complained_ns >= STORE_TELL_NS) {
        log_error("%s: %s (%s)", s->path, store_result_text(r),
                  s->write.sq != NULL ? sqlite3_errmsg(s->write.sq) : "not open");
        s->complained = true;
        s->complained_ns = now;
    }
}

/* A connection that met a device error may keep it: a file that was read-only when it was opened stays so. */
static bool needs_connection(store *s) {
    int health = atomic_load_explicit(&s->health, memory_order_relaxed);
    return health != STORE_OK && health != STORE_FULL &&
           clock_ns() - s->opened_ns >= PROBE_SECONDS * 1000000000ull;
}

static void open_again(store *s) {
    err e = {""};
    s->opened_ns = clock_ns();
    database_close(&s->write);
    if (!database_open(&s->write, s->path, DATABASE_WRITE, &e))
        return;
    if (sqlite3_db_readonly(s->write.sq, "main") == 1 || writer_configure(&s->write, s->kind) != STORE_OK)
        database_close(&s->write);
    else
        log_watch(s);
}

/* What was overwritten in the database is still in its log. Readers are not waited for: where one is in the
 * way, the log is overwritten by later writes. */
static void empty_log(store *s) {
    sqlite3_busy_timeout(s->write.sq, 0);
    errno = 0;
    int code = sqlite3_wal_checkpoint_v2(s->write.sq, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
    log_taken_in(s, code);
    if (code == SQLITE_OK)
        atomic_store(&s->log.frames, 0);
    s->empty_log = s->empty_log && (code & 0xff) == SQLITE_BUSY; /* then with the next group */
    sqlite3_busy_timeout(s->write.sq, DATABASE_BUSY_MS);
}

/* On a full disk, the log is a part of what fills it. Of one that may not be on disk nothing is taken in. */
static void make_room(store *s) {
    uint64_t now = clock_ns();
    if (atomic_load_explicit(&s->health, memory_order_relaxed) != STORE_FULL || s->write.sq == NULL ||
        atomic_load(&s->sync.failed) != STORE_OK ||
        (s->room_ns != 0 && now - s->room_ns < PROBE_SECONDS * 1000000000ull))
        return;
    s->room_ns = now;
    empty_log(s);
}

static void probe(store *s) {
    if (needs_connection(s))
        open_again(s);
    make_room(s);
    store_result r = atomic_load(&s->sync.failed) != STORE_OK ? log_mend(s) : STORE_OK;
    log_shorten(s);
    if (r == STORE_OK)
        r = log_health(s);
    if (r == STORE_OK)
        r = database_exec(&s->write, "INSERT INTO meta(name, value) VALUES('probe', 1) ON CONFLICT(name) "
                                     "DO UPDATE SET value = value + 1");
    set_health(s, r);
}

/* --- a group ----------------------------------------------------------------------------------------- */

static bool is_device_error(store_result r) {
    return r == STORE_FULL || r == STORE_READ_ONLY || r == STORE_FAILED;
}

static bool in_transaction(const store *s) {
    return s->write.sq != NULL && sqlite3_get_autocommit(s->write.sq) == 0;
}

/* One job, all or nothing. False: the group is lost, with job->result. */
static bool run_job(store *s, store_job *job) {
    if (job->write == NULL) { /* a read: the reader's turn comes after the commit */
        job->result = STORE_OK;
        return true;
    }
    if (!job->single && database_done(database_prepare(&s->write, "SAVEPOINT job")) != STORE_OK) {
        job->result = STORE_FAILED;
        return false;
    }
    job->result = job->write(s, &s->write, job);
    if (is_device_error(job->result) || !in_transaction(s))
        return false;
    if (job->single)
        return true;
    if (job->result != STORE_OK)
        database_exec(&s->write, "ROLLBACK TO job");
    return database_done(database_prepare(&s->write, "RELEASE job")) == STORE_OK;
}

/* The transaction of a group. STORE_OK: committed. */
static store_result run_group(store *s, store_job *first) {
    store_result r = database_done(database_prepare(&s->write, "BEGIN IMMEDIATE"));
    for (store_job *job = first; r == STORE_OK && job != NULL; job = job->next)
        if (!run_job(s, job))
            r = is_device_error(job->result) ? job->result : STORE_FAILED;
    if (r == STORE_OK && s->kind->before_commit != NULL)
        r = s->kind->before_commit(s, &s->write);
    if (r == STORE_OK)
        r = database_done(database_prepare(&s->write, "COMMIT"));
    if (r != STORE_OK) {
        set_health(s, r); /* before the rollback changes what the error was */
        if (in_transaction(s))
            database_exec(&s->write, "ROLLBACK");
    }
    if (s->kind->after_group != NULL)
        s->kind->after_group(s, r);
    return r;
}

void store_finish_group(store *s, store_job *first, store_result r) {
    while (first != NULL) {
        store_job *job = first;
        first = job->next;
        if (job->write == NULL) {
            pthread_mutex_lock(&s->lock);
            queue_add(&s->reads, job);
            pthread_cond_signal(&s->reads_come);
            pthread_mutex_unlock(&s->lock);
            continue;
        }
        atomic_fetch_add_explicit(r == STORE_OK ? &s->written : &s->failures, 1, memory_order_relaxed);
        if (r != STORE_OK)
            job->result = r;
        job->finish(job);
    }
}

static bool has_write(const store_job *first) {
    while (first != NULL && first->write == NULL)
        first = first->next;
    return first != NULL;
}

/* STORE_OK: committed, which is not yet on disk. */
static store_result commit(store *s, store_job *first) {
    if (needs_connection(s))
        open_again(s);
    store_result r = atomic_load(&s->sync.failed) != STORE_OK ? log_mend(s) : log_health(s);
    s->began_ns = store_now_ns();
    if (r == STORE_OK)
        r = s->write.sq != NULL ? run_group(s, first) : (store_result)atomic_load(&s->health);
    s->commit_ns = store_now_ns() - s->began_ns;
    if (r == STORE_OK)
        atomic_fetch_add_explicit(&s->commits, 1, memory_order_relaxed);
    set_health(s, r);
    if (s->empty_log && s->write.sq != NULL && r == STORE_OK)
        empty_log(s);
    make_room(s);
    return r;
}

static void commit_group(store *s, store_job *first) {
    bool changes = has_write(first);
    store_result r = changes ? commit(s, first) : STORE_OK;
    pthread_mutex_lock(&s->lock);
    syncer_add(s, first, r, changes && r == STORE_OK);
    pthread_mutex_unlock(&s->lock);
}

/* --- a turn -------------------------------------------------------------------------------------- */

/* While groups are under way the next one waits a little for company: a commit takes as long as some ten
 * events, whatever is in it. Little, where the disk is what takes the time: then that waiting comes on top,
 * and the processor has time. Under the lock. */
static void gather(store *s) {
    s->slow_disk = s->sync.took_ns > SLOW * s->commit_ns;
    uint64_t ns = (s->slow_disk ? PACE_SLOW : PACE) * s->commit_ns;
    uint64_t until = s->began_ns + (ns < PACE_NS ? ns : PACE_NS);
    s->wanted = s->last_group - s->last_group / 4;
    if (s->wanted < GATHER_LEAST)
        s->wanted = GATHER_LEAST;
    while (s->sync.told < s->sync.written && s->writes.length < s->wanted && !s->stop_writer)
        if (store_wait_until(&s->writes_come, &s->lock, until) != 0)
            break;
    s->wanted = 0;
}

/* Up to GROUP_MAX jobs off the queue; NULL: stop, or (*idle) a second passed after a failure. */
static store_job *take_group(store *s, bool *idle) {
    *idle = false;
    pthread_mutex_lock(&s->lock);
    while (s->writes.first == NULL && !s->stop_writer && !*idle) {
        bool well = atomic_load_explicit(&s->health, memory_order_relaxed) == STORE_OK;
        if (well && atomic_load(&s->sync.failed) != STORE_OK) {
            *idle = true; /* at once, the first time */
            break;
        }
        if (well) {
            pthread_cond_wait(&s->writes_come, &s->lock);
            continue;
        }
        *idle = store_wait_until(&s->writes_come, &s->lock, store_now_ns() + PROBE_SECONDS * 1000000000ull) !=
                    0 &&
                s->writes.first == NULL;
    }
    gather(s);
    store_job *first = s->writes.first, **end = &s->writes.first;
    unsigned n = 0;
    for (; *end != NULL && n < GROUP_MAX; n++, s->writes.length--)
        end = &(*end)->next;
    s->last_group = n;
    s->writes.first = *end;
    if (*end == NULL)
        s->writes.last = &s->writes.first;
    if (first != NULL) {
        *end = NULL;
        *idle = false;
    }
    pthread_mutex_unlock(&s->lock);
    return first;
}

/* What the groups before have left to be done of the log comes first: none of them waits for it. */
bool writer_take_turn(store *s) {
    bool idle;
    log_shorten(s);
    store_job *first = take_group(s, &idle);
    if (idle)
        probe(s);
    else if (first != NULL)
        commit_group(s, first);
    return first != NULL || idle;
}
