/* syncer.c - what makes groups durable while the next ones are written.
 *
 * SQLite commits without a sync (synchronous=NORMAL: only what takes the log into the database is synced, so
 * that the file is whole at any moment). A group's frames are in the log then, behind those of all groups
 * before it, or its notes are in a file of their own (ahead.c); one fdatasync of that file makes all of them
 * durable. Several threads (threads.c) do that, each for all that has been written when it begins, so that a
 * slow disk has several syncs under way. Groups are told of in their order, and none by a sync that another
 * one of the same file, which began before it, may yet belie.
 *
 * After a sync that failed, the kernel may have dropped what was to be written, and another sync would say
 * nothing of it (fsync(2), "Errors"): all groups under way have failed, and nothing is committed any more
 * until the log, checked frame by frame, has been written once more and synced. What those
 * groups changed is in the file all the same: who is told of a failure knows not that nothing was done. */
#include "store/store_internal.h"

#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define SPACING_NS 100000u /* between the beginnings of two syncs of which the first is still under way */

/* --- under the lock ---------------------------------------------------------------------------------- */

/* Every group that is not durable yet has failed, and those that are still being written will have. */
static void fail_groups(sync_state *y, store_result r) {
    for (uint64_t n = y->durable; n < y->written; n++)
        if (y->groups[n % SYNC_GROUPS].result == STORE_OK)
            y->groups[n % SYNC_GROUPS].result = r;
    y->started = y->durable = y->written;
    atomic_store(&y->failed, r);
}

/* What needs no sync is durable with what was before it. */
static void pass_over(sync_state *y) {
    while (y->durable < y->written && y->groups[y->durable % SYNC_GROUPS].what == SYNC_NONE)
        y->durable++;
    if (y->started < y->durable)
        y->started = y->durable;
}

/* The groups that are over, in their order: one thread at a time tells of them. */
static void tell(store *s) {
    sync_state *y = &s->sync;
    pass_over(y);
    if (y->telling)
        return;
    y->telling = true;
    while (y->told < y->durable && y->undone != y->told) {
        const sync_group g = y->groups[y->told % SYNC_GROUPS];
        pthread_mutex_unlock(&s->lock);
        store_finish_group(s, g.first, g.result);
        pthread_mutex_lock(&s->lock);
        y->told++;
        y->jobs -= g.jobs;
        pthread_cond_broadcast(&y->room);
    }
    y->telling = false;
}

sync_due syncer_due(const store *s, uint64_t *at) {
    const sync_state *y = &s->sync;
    *at = y->under_way > 0 ? y->began_ns + SPACING_NS : 0;
    if (y->started == y->written || y->under_way >= s->kind->syncs || y->waits)
        return SYNC_NOT;
    return store_now_ns() >= *at ? SYNC_NOW : SYNC_LATER;
}

/* --- a sync ------------------------------------------------------------------------------------------ */

/* The file lives as long as a connection is open, and one always is. */
bool syncer_open(store *s) {
    char path[4096];
    if (s->sync.fd >= 0)
        return true;
    snprintf(path, sizeof path, "%s-wal", s->path);
    s->sync.fd = open(path, O_RDONLY | O_CLOEXEC);
    return s->sync.fd >= 0;
}

/* Where the groups that are not known to be on disk have written. */
static unsigned files_of(const sync_state *y) {
    unsigned what = SYNC_NONE;
    for (uint64_t n = y->durable; n < y->written; n++)
        what |= y->groups[n % SYNC_GROUPS].what;
    return what;
}

/* 0, or an errno. */
static int sync_files(store *s, unsigned what) {
    if ((what & SYNC_LOG) != 0 && fdatasync(s->sync.fd) != 0)
        return errno;
    return (what & SYNC_AHEAD) != 0 && fdatasync(s->ahead.fd) != 0 ? errno : 0;
}

static void has_failed(store *s, int number) {
    sync_state *y = &s->sync;
    if (atomic_load(&y->failed) == STORE_OK)
        log_error("%s: what was written cannot be synced: %s", s->path, strerror(number));
    fail_groups(y, database_result(SQLITE_IOERR, number));
    pthread_cond_signal(&s->writes_come); /* it is the writer's to mend */
}

/* Up to `until` was committed when a sync of the log began. */
static void log_is_safe(store *s, uint64_t until) {
    if (atomic_load(&s->sync.failed) == STORE_OK && until > atomic_load(&s->ahead.safe))
        atomic_store(&s->ahead.safe, until);
}

/* `under_way` is less than SYNC_RUNS. */
static sync_run *begin_run(sync_state *y, unsigned what, uint64_t until, uint64_t in_log) {
    sync_run *r = y->runs;
    while (r->number != 0)
        r++;
    *r = (sync_run){.number = ++y->begun, .what = what, .until = until, .in_log = in_log};
    y->under_way++;
    return r;
}

static bool is_behind_another(const sync_state *y, const sync_run *r) {
    for (const sync_run *o = y->runs; o < y->runs + SYNC_RUNS; o++)
        if (o->number != 0 && !o->ended && o->number < r->number && (o->what & r->what) != 0)
            return true;
    return false;
}

static void conclude_runs(store *s) {
    sync_state *y = &s->sync;
    for (sync_run *r = y->runs; r < y->runs + SYNC_RUNS; r++) {
        if (r->number == 0 || !r->ended || is_behind_another(y, r))
            continue;
        if (r->until > y->durable)
            y->durable = r->until;
        if ((r->what & SYNC_LOG) != 0)
            log_is_safe(s, r->in_log);
        r->number = 0;
        y->under_way--;
    }
}

/* Unlocks meanwhile. *took: ns, without the wait for the lock. */
static void sync_unlocked(store *s, unsigned what, uint64_t until, uint64_t *took) {
    sync_state *y = &s->sync;
    sync_run *r = begin_run(y, what, until, atomic_load(&s->ahead.committed));
    bool ready = (what & SYNC_LOG) == 0 || syncer_open(s);
    int number = ready ? 0 : errno;
    if ((what & SYNC_LOG) != 0)
        s->log.synced = atomic_load(&s->log.frames);
    pthread_mutex_unlock(&s->lock);
    uint64_t began = store_now_ns();
    if (ready)
        number = sync_files(s, what);
    uint64_t ended = store_now_ns();
    pthread_mutex_lock(&s->lock);
    *took = ended - began;
    r->ended = true;
    if (number != 0) {
        has_failed(s, number);
        r->until = r->in_log = 0;
    }
    conclude_runs(s);
    tell(s);
    pthread_cond_broadcast(&y->room);
}

void syncer_sync(store *s) {
    sync_state *y = &s->sync;
    unsigned what = files_of(y);
    y->started = y->written;
    y->began_ns = store_now_ns();
    sync_unlocked(s, what, y->written, &y->took_ns);
}

void syncer_sync_log(store *s) {
    uint64_t took;
    while (s->sync.under_way == SYNC_RUNS)
        pthread_cond_wait(&s->sync.room, &s->lock);
    sync_unlocked(s, SYNC_LOG, 0, &took);
}

/* --- the writer's side ------------------------------------------------------------------------------- */

void syncer_add(store *s, store_job *first, store_result r, unsigned what, bool undone) {
    sync_state *y = &s->sync;
    while (y->written - y->told == SYNC_GROUPS)
        pthread_cond_wait(&y->room, &s->lock);
    bool none_starts = what == SYNC_NONE && y->started == y->written;
    if (what != SYNC_NONE && r == STORE_OK)
        r = (store_result)atomic_load(&y->failed);
    y->undone = undone ? y->written : SYNC_NO_GROUP;
    y->groups[y->written++ % SYNC_GROUPS] = (sync_group){first, r, what, s->last_group};
    y->jobs += s->last_group;
    if (none_starts)
        y->started = y->written;
    tell(s);
}

store_job *syncer_undone(store *s) {
    sync_state *y = &s->sync;
    return y->undone != SYNC_NO_GROUP ? y->groups[y->undone % SYNC_GROUPS].first : NULL;
}

void syncer_done(store *s, store_result r) {
    sync_state *y = &s->sync;
    sync_group *g = &y->groups[y->undone % SYNC_GROUPS];
    if (g->result == STORE_OK)
        g->result = r;
    y->undone = SYNC_NO_GROUP;
    tell(s);
}

void syncer_close(store *s) {
    if (s->sync.fd >= 0)
        close(s->sync.fd);
    s->sync.fd = -1;
}
