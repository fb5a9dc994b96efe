#include "store/quota.h"

#include "store/store_internal.h"

#include <stdlib.h>
#include <time.h>

#define DAY_MS 86400000u

/* The start of the month that holds `now_ms`, UTC. */
static uint64_t month_start(uint64_t now_ms) {
    time_t now = (time_t)(now_ms / 1000);
    struct tm tm;
    if (gmtime_r(&now, &tm) == NULL)
        return 0;
    tm.tm_mday = 1;
    tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
    return (uint64_t)timegm(&tm) * 1000;
}

/* --- removing what is over --------------------------------------------------------------------------- */

typedef struct prune_job {
    store_job job;
    uint64_t day_ms, month_ms; /* periods that began before are over */
} prune_job;

static store_result prune(store *s, database *d, store_job *job) {
    (void)s;
    const prune_job *j = (prune_job *)job;
    sqlite3_stmt *stmt = database_prepare(d, "DELETE FROM quotas WHERE (period = 'day' AND start_ms < ?1) OR "
                                             "(period = 'month' AND start_ms < ?2)");
    database_u64(stmt, 1, j->day_ms);
    database_u64(stmt, 2, j->month_ms);
    return database_done(stmt);
}

static void queue_prune(store *s, uint64_t day_ms, uint64_t month_ms) {
    prune_job *j = s->read_only ? NULL : malloc(sizeof *j);
    if (j == NULL)
        return;
    *j = (prune_job){.job = {.write = prune, .finish = store_job_free, .single = true},
                     .day_ms = day_ms,
                     .month_ms = month_ms};
    if (store_submit(s, &j->job) != STORE_OK)
        free(j);
}

/* --- loading ----------------------------------------------------------------------------------------- */

static bool add_row(arena *a, sqlite3_stmt *stmt, quota_row **rows, size_t n) {
    if (n % 64 == 0)
        *rows = arena_grow(a, *rows, n * sizeof **rows, (n + 64) * sizeof **rows);
    if (*rows == NULL)
        return false;
    quota_row *row = &(*rows)[n];
    *row = (quota_row){.subject = arena_copy(a, database_column(stmt, 0)),
                       .period = arena_copy(a, database_column(stmt, 1)),
                       .start_ms = database_column_u64(stmt, 2),
                       .used = database_column_u64(stmt, 3)};
    return row->subject.ptr != NULL && row->period.ptr != NULL;
}

store_result store_quota_load(store *s, arena *a, uint64_t now_ms, quota_row **out, size_t *count) {
    store_result r = STORE_OK;
    size_t n = 0;
    *out = NULL;
    *count = 0;
    if (s == NULL)
        return STORE_OK;
    uint64_t day_ms = now_ms >= DAY_MS ? now_ms - DAY_MS + 1 : 0, month_ms = month_start(now_ms);
    pthread_mutex_lock(&s->main_lock);
    sqlite3_stmt *stmt = database_prepare(&s->main,
                                          "SELECT subject, period, start_ms, used FROM quotas WHERE "
                                          "(period = 'day' AND start_ms >= ?1) OR "
                                          "(period = 'month' AND start_ms >= ?2)");
    database_u64(stmt, 1, day_ms);
    database_u64(stmt, 2, month_ms);
    while (database_row(stmt, &r)) {
        if (!add_row(a, stmt, out, n++)) {
            r = STORE_FAILED;
            sqlite3_reset(stmt);
            break;
        }
    }
    pthread_mutex_unlock(&s->main_lock);
    queue_prune(s, day_ms, month_ms);
    *count = r == STORE_OK ? n : 0;
    return r;
}

/* --- saving ------------------------------------------------------------------------------------------ */

typedef struct save_job {
    store_job job;
    size_t count;
    quota_row rows[]; /* their texts behind them */
} save_job;

static store_result save(store *s, database *d, store_job *job) {
    (void)s;
    const save_job *j = (save_job *)job;
    store_result r = STORE_OK;
    for (size_t i = 0; r == STORE_OK && i < j->count; i++) {
        sqlite3_stmt *stmt = database_prepare(
            d, "INSERT INTO quotas(subject, period, start_ms, used) VALUES(?, ?, ?, ?) "
               "ON CONFLICT DO UPDATE SET used = excluded.used");
        database_text(stmt, 1, j->rows[i].subject);
        database_text(stmt, 2, j->rows[i].period);
        database_u64(stmt, 3, j->rows[i].start_ms);
        database_u64(stmt, 4, j->rows[i].used);
        r = database_done(stmt);
    }
    return r;
}

bool store_quota_save(store *s, const quota_row *rows, size_t count) {
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += rows[i].subject.len + rows[i].period.len;
    save_job *j = malloc(sizeof *j + count * sizeof *rows + bytes);
    if (j == NULL)
        return store_submit_or_drop(s, NULL);
    char *at = (char *)(j->rows + count);
    j->job = (store_job){.write = save, .finish = store_job_free};
    j->count = count;
    for (size_t i = 0; i < count; i++) {
        j->rows[i] = rows[i];
        j->rows[i].subject = job_text(&at, rows[i].subject);
        j->rows[i].period = job_text(&at, rows[i].period);
    }
    return store_submit_or_drop(s, &j->job);
}
