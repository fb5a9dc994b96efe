/* events.c - the queue's file: its tables, opening and closing it. */
#include "store/events_dedup.h"

#include "base/clock.h"

#include <stdlib.h>
#include <sys/random.h>

/* A step that has been released is never changed: a new one is added.
 *
 * events: `at_ms` first, so that a row is passed over without its payload being read.
 * deliveries: DONE and FILTERED ones, most of all, are in no index but the table itself. `place` finds what
 * is pending or dead of a target in its order, `due` those that come later by their time, `keyed` the first
 * of a key. `batch` is set by an attempt that did not do: the deliveries of one request have the same.
 * dedup: hashes under a secret of this file; of two that are the same, by a chance of 2^-64, the later is
 * taken for a repeat. */
const char events_version_1[] =
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value) WITHOUT ROWID;"
    "CREATE TABLE events(number INTEGER PRIMARY KEY, at_ms INTEGER NOT NULL, dedup INTEGER NOT NULL,"
    " dedup_until_ms INTEGER NOT NULL, id TEXT NOT NULL UNIQUE,"
    " source TEXT NOT NULL, type TEXT NOT NULL, content_type TEXT NOT NULL, attributes TEXT NOT NULL,"
    " payload BLOB NOT NULL);"
    "CREATE TABLE targets(number INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
    " pending INTEGER NOT NULL DEFAULT 0, dead INTEGER NOT NULL DEFAULT 0, done INTEGER NOT NULL DEFAULT 0,"
    " rows INTEGER NOT NULL DEFAULT 0, owner INTEGER NOT NULL DEFAULT 0, until_ms INTEGER NOT NULL DEFAULT 0,"
    " state TEXT NOT NULL DEFAULT '');"
    "CREATE TABLE deliveries(id INTEGER PRIMARY KEY, target INTEGER NOT NULL, state INTEGER NOT NULL,"
    " attempts INTEGER NOT NULL, due_ms INTEGER NOT NULL, first_ms INTEGER NOT NULL, hash INTEGER NOT NULL,"
    " key TEXT NOT NULL);"
    "CREATE INDEX place ON deliveries(target, state, id) WHERE state <> 1 AND state <> 2;"
    "CREATE INDEX due ON deliveries(target, due_ms, id) WHERE state = -2;"
    "CREATE INDEX keyed ON deliveries(target, hash, id) WHERE hash <> 0 AND state <= 0;"
    "CREATE TABLE attempts(delivery INTEGER NOT NULL, number INTEGER NOT NULL, at_ms INTEGER NOT NULL,"
    " duration_ms INTEGER NOT NULL, status INTEGER NOT NULL, text TEXT NOT NULL,"
    " PRIMARY KEY(delivery, number)) WITHOUT ROWID;"
    "CREATE TABLE dedup(hash INTEGER PRIMARY KEY, until_ms INTEGER NOT NULL);";

/* By which a repeat names the event that it repeats. */
static const char version_2[] = "ALTER TABLE dedup ADD COLUMN number INTEGER NOT NULL DEFAULT 0;";

/* Nobody asked when the first attempt was; what was tried at one moment then may as well come together. */
static const char version_3[] = "ALTER TABLE deliveries RENAME COLUMN first_ms TO batch;";

/* A program that does not know of the file of what comes in (ahead.c) would pass over what is there. */
static const char version_4[] = "INSERT OR IGNORE INTO meta(name, value) VALUES('ahead', x'');";

static const migration migrations[] = {{events_version_1}, {version_2}, {version_3}, {version_4}};

static const char *const checks[] = {"PRAGMA quick_check('targets')", "PRAGMA quick_check('deliveries')",
                                     "PRAGMA quick_check('events')", "PRAGMA quick_check('dedup')",
                                     "PRAGMA quick_check('attempts')"};

/* --- opening ----------------------------------------------------------------------------------------- */

static bool load_secret(store *s, err *e) {
    events *v = s->state;
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(&s->write, "SELECT value FROM meta WHERE name = 'secret'");
    if (database_row(stmt, &r)) {
        bb_str value = database_column(stmt, 0);
        bool whole = value.len == sizeof v->secret;
        if (whole)
            memcpy(v->secret, value.ptr, sizeof v->secret);
        sqlite3_reset(stmt);
        return whole ||
               err_set(e, "%s: the queue is damaged (its secret): restore the file from a backup", s->path);
    }
    stmt = database_prepare(&s->write, "INSERT INTO meta(name, value) VALUES('secret', ?)");
    if (r != STORE_OK || getrandom(v->secret, sizeof v->secret, 0) != (ssize_t)sizeof v->secret)
        return err_set(e, "%s: %s", s->path, store_result_text(STORE_FAILED));
    database_blob(stmt, 1, v->secret, sizeof v->secret);
    r = database_done(stmt);
    return r == STORE_OK || err_set(e, "%s: %s", s->path, store_result_text(r));
}

static bool on_announce(store *s, err *e) {
    events *v = calloc(1, sizeof *v);
    if (v == NULL)
        return err_set(e, "no memory");
    pthread_mutex_init(&v->lock, NULL);
    v->owners = -1;
    s->state = v;
    return owners_open(s, e);
}

static bool on_open(store *s, err *e) {
    log_limit(s, 1); /* short, until events_keep tells how large the file may be */
    bool ok = load_secret(s, e) && time_load(s, e) && targets_load(s, e) && dedup_load(s, e);
    room_look(s);
    return ok;
}

static void on_close(store *s) {
    events *v = s->state;
    if (v == NULL)
        return;
    targets_free(v);
    dedup_free(&v->dedup);
    owners_close(v);
    free(v->changes);
    pthread_mutex_destroy(&v->lock);
    free(v);
    s->state = NULL;
}

static store_result before_commit(store *s, database *d) {
    store_result r = time_save_some(s, d);
    if (r == STORE_OK)
        r = keep_some(s, d);
    if (r == STORE_OK)
        r = dedup_merge_some(events_of(s), d, clock_wall_ms());
    return r == STORE_OK ? counts_save(s, d) : r;
}

static void after_group(store *s, store_result r) {
    counts_publish(s, r);
    room_look(s);
}

static const store_kind kind = {
    .application_id = 0x42534556, /* "BSEV" */
    .migrations = migrations,
    .version = sizeof migrations / sizeof migrations[0],
    .checks = checks,
    .check_count = sizeof checks / sizeof checks[0],
    .lost = "events that were not delivered yet, and the history of deliveries",
    .create = "PRAGMA auto_vacuum=INCREMENTAL",
    .syncs = SYNC_THREADS,
    /* 16 MiB: written into the file once for many commits; longer where there is room (log.c) */
    .log_pages = 4096,
    .configure = "PRAGMA cache_size=-16000", /* KiB of pages in memory */
    .announce = on_announce,
    .open = on_open,
    .close = on_close,
    .before_commit = before_commit,
    .after_group = after_group,
    .redo = event_notes_redo,
    .is_alone = owners_alone,
};

store *events_open(const char *path, err *e) {
    return store_open_kind(path, &kind, e);
}

bool events_submit(store *s, loop_job *j) {
    store_result r = store_submit(s, &j->job);
    if (r == STORE_READ_ONLY && j->l != NULL) {
        j->job.result = r;
        r = loop_post(j->l, j->deliver, j) ? STORE_OK : STORE_BUSY;
    }
    return r == STORE_OK;
}
