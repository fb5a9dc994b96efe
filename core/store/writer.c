/* writer.c - what is queued, done in groups by the thread whose turn it is (threads.c), and handed to those
 * that sync (syncer.c).
 *
 * A group is all that waits. Within it, a job that fails by its own doing is taken back alone; an error of
 * the device fails the group. A group of jobs that can be done again is noted (ahead.c), and the transaction
 * in which it was done stays open for those that come next; any other one is committed with what is open.
 * Where the disk is slow, it is noted first, and done while that is synced. */
#include "store/ahead.h"

#include "base/clock.h"
#include "base/log.h"

#include <errno.h>

#define GROUP_MAX 4096        /* jobs in a transaction: bounds how long the first waits for the last */
#define PACE_NS 2000000u      /* a group begins at most so much later than the one before, */
#define COMPANY 4u            /* or with this part of the jobs that are under way; */
#define SLOW 8u               /* where a sync takes so many times as long as a commit, */
#define PACE_SLOW_NS 300000u  /* so that its sync may begin so much later than the one before */
#define PROBE_SECONDS 1       /* after a failure: how often an idle writer tries again */
#define HOLD_NS 50000000u     /* a transaction stays open so long, */
#define HOLD_JOBS 256u        /* or for so many jobs, */
#define HOLD_BYTES (4u << 20) /* or bytes of their notes, and one group more */

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

/* --- a transaction ----------------------------------------------------------------------------------- */

/* Committed, or (not STORE_OK) undone. */
static void is_over(store *s, store_result r) {
    if (r != STORE_OK) {
        set_health(s, r); /* before the rollback changes what the error was */
        if (in_transaction(s))
            database_exec(&s->write, "ROLLBACK");
    } else {
        atomic_fetch_add_explicit(&s->commits, 1, memory_order_relaxed);
    }
    s->open = false;
    ahead_after_commit(s, r);
    if (s->kind->after_group != NULL)
        s->kind->after_group(s, r);
}

static store_result begin(store *s) {
    if (s->open)
        return STORE_OK;
    store_result r = database_done(database_prepare(&s->write, "BEGIN IMMEDIATE"));
    s->open = true;
    s->may_hold = s->ahead.usable && s->kind->is_alone != NULL && s->kind->is_alone(s);
    s->open_ns = store_now_ns();
    s->open_jobs = 0;
    if (r != STORE_OK)
        is_over(s, r);
    return r;
}

/* What is open is committed, where anything is: others see it from then on. */
static store_result end_transaction(store *s) {
    if (!s->open)
        return STORE_OK;
    store_result r = s->kind->before_commit != NULL ? s->kind->before_commit(s, &s->write) : STORE_OK;
    if (r == STORE_OK)
        r = ahead_before_commit(s, &s->write);
    if (r == STORE_OK)
        r = database_done(database_prepare(&s->write, "COMMIT"));
    is_over(s, r);
    return r;
}

/* What was told of as done, and lost with its transaction. */
static store_result redo(store *s) {
    store_result r = begin(s);
    if (r != STORE_OK)
        return r;
    r = ahead_redo(s, &s->write);
    if (r == STORE_OK)
        return end_transaction(s);
    is_over(s, r);
    return r;
}

bool writer_open(store *s) {
    return ahead_open(s, redo);
}

/* What comes before all else, so that something can be written. */
static store_result make_ready(store *s) {
    if (needs_connection(s))
        open_again(s);
    store_result r = log_health(s);
    if (atomic_load(&s->sync.failed) != STORE_OK) {
        end_transaction(s);
        r = log_mend(s);
    }
    if (r == STORE_OK && s->write.sq == NULL)
        r = (store_result)atomic_load(&s->health);
    return r == STORE_OK && s->ahead.owed ? redo(s) : r;
}

static bool is_due(const store *s) {
    return s->open && (s->open_jobs >= HOLD_JOBS || s->ahead.open.len >= HOLD_BYTES ||
                       store_now_ns() - s->open_ns >= HOLD_NS);
}

static void probe(store *s) {
    end_transaction(s);
    make_room(s);
    log_shorten(s);
    store_result r = make_ready(s);
    if (r == STORE_OK)
        r = database_exec(&s->write, "INSERT INTO meta(name, value) VALUES('probe', 1) ON CONFLICT(name) "
                                     "DO UPDATE SET value = value + 1");
    set_health(s, r);
}

/* --- a group ----------------------------------------------------------------------------------------- */

static store_result run_jobs(store *s, store_job *first, bool noted) {
    store_result r = STORE_OK;
    for (store_job *job = first; r == STORE_OK && job != NULL; job = job->next)
        if (!run_job(s, job))
            r = is_device_error(job->result) ? job->result : STORE_FAILED;
    if (r != STORE_OK && noted)
        ahead_take_back(s);
    if (r != STORE_OK)
        is_over(s, r);
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

typedef struct group_of {
    unsigned jobs, reads, noted, single; /* noted: of the others; these can be done again */
} group_of;

static group_of look_at(const store_job *first) {
    group_of g = {0};
    for (; first != NULL; first = first->next) {
        g.jobs++;
        g.reads += first->write == NULL;
        g.noted += first->write != NULL && first->note != NULL;
        g.single += first->single;
    }
    return g;
}

static bool may_be_noted(const store *s, const group_of *g) {
    return s->may_hold && g->noted == g->jobs;
}

/* Where the disk takes the time, a group's sync begins before the group is done. What is noted then may still
 * be refused: that is safe where a job that is done again, and is refused, changes nothing. */
static bool is_noted_first(const store *s, const group_of *g) {
    bool is_well = atomic_load_explicit(&s->health, memory_order_relaxed) == STORE_OK;
    return is_well && s->slow_disk && may_be_noted(s, g) && g->single == g->jobs;
}

/* A read sees what was written before it. `tried`: the group could not be noted. */
static store_result settle(store *s, const store_job *first, const group_of *g, bool tried, unsigned *what) {
    bool wrote;
    if (!tried && may_be_noted(s, g) && ahead_note(s, first, &wrote)) {
        s->open_jobs += g->jobs;
        *what = wrote ? SYNC_AHEAD : SYNC_NONE;
        return STORE_OK;
    }
    store_result r = end_transaction(s);
    *what = r == STORE_OK && g->reads < g->jobs ? SYNC_LOG : SYNC_NONE;
    return r;
}

/* STORE_OK: done, or (*undone) to be done with the next turn; on disk once *what is synced. */
static store_result do_jobs(store *s, store_job *first, const group_of *g, unsigned *what, bool *undone) {
    store_result r = make_ready(s);
    s->began_ns = store_now_ns();
    if (r == STORE_OK)
        r = begin(s);
    bool wrote, early = r == STORE_OK && is_noted_first(s, g);
    if (early && ahead_note(s, first, &wrote) && wrote) {
        s->open_jobs += g->jobs;
        *what = SYNC_AHEAD;
        *undone = true;
        return STORE_OK;
    }
    if (r == STORE_OK)
        r = run_jobs(s, first, false);
    return r == STORE_OK ? settle(s, first, g, early, what) : r;
}

static void look_after(store *s, store_result r) {
    set_health(s, r);
    if (s->empty_log && s->write.sq != NULL && r == STORE_OK && !s->open)
        empty_log(s);
    if (!s->open)
        make_room(s);
}

static store_result write_group(store *s, store_job *first, unsigned *what, bool *undone) {
    const group_of g = look_at(first);
    if (g.reads == g.jobs) {
        end_transaction(s);
        return STORE_OK; /* they see what there is */
    }
    store_result r = do_jobs(s, first, &g, what, undone);
    s->commit_ns = store_now_ns() - s->began_ns;
    if (!*undone)
        look_after(s, r);
    return r;
}

static void do_group(store *s, store_job *first) {
    unsigned what = SYNC_NONE;
    bool undone = false;
    store_result r = write_group(s, first, &what, &undone);
    pthread_mutex_lock(&s->lock);
    syncer_add(s, first, r, what, undone);
    pthread_mutex_unlock(&s->lock);
}

/* What was noted first. */
static void do_undone(store *s) {
    store_job *first = syncer_undone(s);
    if (first == NULL)
        return;
    uint64_t began_ns = store_now_ns();
    store_result r = run_jobs(s, first, true);
    s->commit_ns += store_now_ns() - began_ns;
    look_after(s, r);
    pthread_mutex_lock(&s->lock);
    syncer_done(s, r);
    pthread_mutex_unlock(&s->lock);
}

/* --- a turn -------------------------------------------------------------------------------------- */

/* While groups are under way the next one waits a little for company: a group and its sync take as long as
 * some ten events, whatever is in it. Not for long: the processor is to have something to do while the disk
 * has, and these threads give way to those that bring more (threads.c). Where the disk is what takes the
 * time, waiting comes on top: no longer than until the next sync may as well begin. Under the lock. */
static void gather(store *s) {
    s->slow_disk = s->sync.took_ns > SLOW * s->commit_ns;
    uint64_t until = s->began_ns + PACE_NS;
    s->wanted = s->sync.jobs / COMPANY;
    if (s->slow_disk) {
        until = s->sync.began_ns + PACE_SLOW_NS;
        s->wanted = GROUP_MAX;
    }
    while (s->sync.told < s->sync.written && s->writes.length < s->wanted && !s->stop_writer)
        if (store_wait_until(&s->writes_come, &s->lock, until) != 0)
            break;
    s->wanted = 0;
}

/* What woke the writer. IDLE: a second passed after a failure; DUE: the open transaction is to end. */
typedef enum { TURN_GROUP, TURN_IDLE, TURN_DUE, TURN_STOP } turn;

static bool wait_until(store *s, uint64_t ns) {
    return store_wait_until(&s->writes_come, &s->lock, ns) == 0 || s->writes.first != NULL;
}

/* For jobs. Under the lock. */
static turn wait_for_turn(store *s) {
    while (s->writes.first == NULL) {
        bool well = atomic_load_explicit(&s->health, memory_order_relaxed) == STORE_OK;
        if (s->open && (s->stop_writer || !wait_until(s, s->open_ns + HOLD_NS)))
            return TURN_DUE;
        if (s->open)
            continue;
        if (s->stop_writer)
            return TURN_STOP;
        if (well && atomic_load(&s->sync.failed) != STORE_OK)
            return TURN_IDLE; /* at once, the first time */
        if (well)
            pthread_cond_wait(&s->writes_come, &s->lock);
        else if (!wait_until(s, store_now_ns() + PROBE_SECONDS * 1000000000ull))
            return TURN_IDLE;
    }
    return TURN_GROUP;
}

/* Up to GROUP_MAX jobs off the queue. */
static turn take_group(store *s, store_job **out) {
    pthread_mutex_lock(&s->lock);
    turn t = wait_for_turn(s);
    if (t == TURN_GROUP) {
        gather(s);
        store_job **end = &s->writes.first;
        unsigned n = 0;
        *out = s->writes.first;
        for (; *end != NULL && n < GROUP_MAX; n++, s->writes.length--)
            end = &(*end)->next;
        s->last_group = n;
        s->writes.first = *end;
        if (*end == NULL)
            s->writes.last = &s->writes.first;
        *end = NULL;
    }
    pthread_mutex_unlock(&s->lock);
    return t;
}

/* What the groups before have left to be done comes first, of the log last: none of them waits for it. */
bool writer_take_turn(store *s) {
    store_job *first = NULL;
    do_undone(s);
    if (is_due(s))
        end_transaction(s);
    if (!s->open)
        log_shorten(s);
    turn t = take_group(s, &first);
    if (t == TURN_DUE)
        end_transaction(s);
    else if (t == TURN_IDLE)
        probe(s);
    else if (t == TURN_GROUP)
        do_group(s, first);
    return t != TURN_STOP;
}
