/* events_owners.c - whose a target is.
 *
 * A process is known by a random number, and holds a lock on the byte of that number in FILE-owners for as
 * long as it lives, however it ends: all that have the file are on one machine, as SQLite's log demands. So a
 * lease of one that is gone is seen to be over at once, also across containers. Locks of fcntl, not of the
 * open file: a child must not inherit them. */
#include "store/events_internal.h"

#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

static struct flock byte_of(int64_t owner) {
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)owner, .l_len = 1};
}

bool owners_open(store *s, err *e) {
    events *v = events_of(s);
    char path[4096];
    uint64_t random = 0;
    if (snprintf(path, sizeof path, "%s-owners", s->path) >= (int)sizeof path)
        return err_set(e, "%s: the path is too long", s->path);
    if (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        return err_set(e, "%s: the system gives no random numbers: %s", s->path, strerror(errno));
    v->owner = (int64_t)(random >> 2) + 1; /* within a file's offsets, and never 0, which is nobody */
    v->owners = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct flock lock = byte_of(v->owner);
    return (v->owners >= 0 && fcntl(v->owners, F_SETLK, &lock) == 0) ||
           err_set(e, "%s: cannot be opened and locked: %s; make the folder writable for the hub", path,
                   strerror(errno));
}

bool owners_alone(store *s) {
    struct flock any = {.l_type = F_WRLCK, .l_whence = SEEK_SET}; /* of the whole file */
    return fcntl(events_of(s)->owners, F_GETLK, &any) == 0 && any.l_type == F_UNLCK;
}

void owners_close(events *v) {
    if (v->owners >= 0)
        close(v->owners);
    v->owners = -1;
}

/* In doubt, it lives: its lease ends by its time. */
bool owners_lives(const events *v, int64_t owner) {
    struct flock lock = byte_of(owner);
    return fcntl(v->owners, F_GETLK, &lock) != 0 || lock.l_type != F_UNLCK;
}

/* --- leases ------------------------------------------------------------------------------------------ */

typedef struct own_job {
    loop_job loop;
    size_t count;
    bb_str *targets;
    bool *own;
    uint64_t now_ms, until_ms; /* as times of dues are: a clock that jumps ends no lease */
    events_own_done done;
    void *ctx;
} own_job;

static store_result read_lease(database *d, int64_t number, int64_t *owner, uint64_t *until_ms) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT owner, until_ms FROM targets WHERE number = ?");
    *owner = 0;
    *until_ms = 0;
    database_u64(stmt, 1, (uint64_t)number);
    if (!database_row(stmt, &r))
        return r;
    *owner = sqlite3_column_int64(stmt, 0);
    *until_ms = database_column_u64(stmt, 1);
    sqlite3_reset(stmt);
    return STORE_OK;
}

store_result owners_idle(const store *s, database *d, int64_t number, uint64_t idle_ms, bool *idle) {
    int64_t owner;
    uint64_t until_ms;
    store_result r = read_lease(d, number, &owner, &until_ms);
    *idle = r == STORE_OK && until_ms + idle_ms <= time_due(s, clock_wall_ms());
    return r;
}

static store_result own_one(store *s, database *d, const own_job *j, size_t i) {
    events *v = events_of(s);
    target *t;
    int64_t owner;
    uint64_t until_ms;
    store_result r = targets_get(s, d, j->targets[i], &t);
    if (r == STORE_OK)
        r = read_lease(d, t->number, &owner, &until_ms);
    if (r != STORE_OK)
        return r;
    j->own[i] = owner == 0 || owner == v->owner || until_ms <= j->now_ms || !owners_lives(v, owner);
    if (!j->own[i])
        return STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d,
                                          "UPDATE targets SET owner = ?2, until_ms = ?3 WHERE number = ?1");
    database_u64(stmt, 1, (uint64_t)t->number);
    database_u64(stmt, 2, (uint64_t)v->owner);
    database_u64(stmt, 3, j->until_ms);
    return database_done(stmt);
}

static store_result own_all(store *s, database *d, const own_job *j) {
    store_result r = STORE_OK;
    for (size_t i = 0; r == STORE_OK && i < j->count; i++)
        r = own_one(s, d, j, i);
    return r;
}

static store_result run(store *s, database *d, store_job *job) {
    events_job(s, own_all(s, d, (own_job *)job));
}

static void deliver(loop *l, void *arg) {
    own_job *j = arg;
    (void)l;
    if (j->loop.job.result != STORE_OK)
        memset(j->own, 0, j->count * sizeof *j->own);
    j->done(j->loop.job.result, j->own, j->count, j->ctx);
    free(j);
}

static size_t bytes_of(const bb_str *texts, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += texts[i].len;
    return bytes;
}

bool events_own(store *s, const bb_str *targets, size_t count, uint64_t now_ms, uint64_t until_ms, loop *l,
                events_own_done done, void *ctx) {
    own_job *j = malloc(sizeof *j + count * (sizeof *targets + sizeof(bool)) + bytes_of(targets, count));
    if (j == NULL)
        return false;
    uint64_t due_ms = s != NULL ? time_due(s, now_ms) : now_ms;
    *j = (own_job){.loop = {.job = {.write = run, .finish = loop_job_finish}, .l = l, .deliver = deliver},
                   .count = count,
                   .now_ms = due_ms,
                   .until_ms = due_ms + (until_ms - now_ms),
                   .done = done,
                   .ctx = ctx};
    j->targets = (bb_str *)(j + 1);
    j->own = (bool *)(j->targets + count);
    memset(j->own, 0, count * sizeof(bool));
    char *at = (char *)(j->own + count);
    for (size_t i = 0; i < count; i++)
        j->targets[i] = job_text(&at, targets[i]);
    bool ok = events_submit(s, &j->loop);
    if (!ok)
        free(j);
    return ok;
}
