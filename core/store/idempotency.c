#include "store/idempotency.h"

#include "store/store_internal.h"

#include <stdlib.h>

#define REMOVE_EVERY 32u /* beginnings between two removals of expired rows */
#define HASH 32u

/* --- beginning --------------------------------------------------------------------------------------- */

typedef struct begin_job {
    loop_job loop;
    uint8_t key[HASH], request[HASH];
    uint64_t now_ms, keep_ms;
    idempotency_begun done;
    void *ctx;
    idempotency_state state;
    idempotency_answer answer;
    char *texts; /* of the answer; owned */
} begin_job;

static bool keep_answer(begin_job *j, sqlite3_stmt *row) {
    bb_str type = database_column(row, 4), body = database_column(row, 5);
    free(j->texts);
    char *at = j->texts = malloc(type.len + body.len + 1);
    if (at == NULL)
        return false;
    j->answer.status = (unsigned)database_column_u64(row, 3);
    j->answer.content_type = job_text(&at, type);
    j->answer.body = job_text(&at, body);
    return true;
}

static bool same(bb_str column, const uint8_t *bytes, size_t len) {
    return column.len == len && memcmp(column.ptr, bytes, len) == 0;
}

/* What the row that is there means. False: memory. */
static bool judge(const store *s, begin_job *j, sqlite3_stmt *row) {
    if (!same(database_column(row, 0), j->request, HASH))
        j->state = IDEMPOTENCY_MISMATCH;
    else if (database_column_u64(row, 2) != 0)
        j->state = IDEMPOTENCY_DONE;
    else
        j->state = same(database_column(row, 1), s->boot, sizeof s->boot) ? IDEMPOTENCY_RUNNING
                                                                          : IDEMPOTENCY_LOST;
    return j->state != IDEMPOTENCY_DONE || keep_answer(j, row);
}

static store_result take_over(store *s, database *d, const begin_job *j) {
    sqlite3_stmt *stmt = database_prepare(d, "UPDATE idempotency SET boot = ?2 WHERE key = ?1");
    database_blob(stmt, 1, j->key, HASH);
    database_blob(stmt, 2, s->boot, sizeof s->boot);
    return database_done(stmt);
}

/* In place of an expired one, if there is. */
static store_result insert_running(store *s, database *d, const begin_job *j) {
    sqlite3_stmt *stmt = database_prepare(
        d, "INSERT OR REPLACE INTO idempotency(key, request, boot, done, status, content_type, body, "
           "expires_ms) VALUES(?, ?, ?, 0, 0, '', x'', ?)");
    database_blob(stmt, 1, j->key, HASH);
    database_blob(stmt, 2, j->request, HASH);
    database_blob(stmt, 3, s->boot, sizeof s->boot);
    database_u64(stmt, 4, j->now_ms + j->keep_ms);
    return database_done(stmt);
}

static store_result remove_expired(store *s, database *d, uint64_t now_ms) {
    if (s->idempotency_begun++ % REMOVE_EVERY != 0)
        return STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "DELETE FROM idempotency WHERE number IN (SELECT number FROM idempotency "
           "WHERE expires_ms <= ? LIMIT 128)");
    database_u64(stmt, 1, now_ms);
    return database_done(stmt);
}

static store_result begin(store *s, database *d, store_job *job) {
    begin_job *j = (begin_job *)job;
    store_result r = remove_expired(s, d, j->now_ms);
    if (r != STORE_OK)
        return r;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT request, boot, done, status, content_type, body FROM idempotency "
           "WHERE key = ?1 AND expires_ms > ?2");
    database_blob(stmt, 1, j->key, HASH);
    database_u64(stmt, 2, j->now_ms);
    if (!database_row(stmt, &r)) {
        j->state = IDEMPOTENCY_NEW;
        return r == STORE_OK ? insert_running(s, d, j) : r;
    }
    bool ok = judge(s, j, stmt);
    sqlite3_reset(stmt);
    return !ok ? STORE_FAILED : j->state == IDEMPOTENCY_LOST ? take_over(s, d, j) : STORE_OK;
}

static void deliver_begun(loop *l, void *arg) {
    begin_job *j = arg;
    (void)l;
    bool answered = j->loop.job.result == STORE_OK && j->state == IDEMPOTENCY_DONE;
    j->done(j->loop.job.result, j->state, answered ? &j->answer : NULL, j->ctx);
    free(j->texts);
    free(j);
}

bool store_idempotency_begin(store *s, const uint8_t key[32], const uint8_t request[32], uint64_t now_ms,
                             uint64_t keep_ms, loop *l, idempotency_begun done, void *ctx) {
    begin_job *j = calloc(1, sizeof *j);
    if (j == NULL)
        return false;
    j->loop = (loop_job){
        .job = {.write = begin, .finish = loop_job_finish}, .l = l, .deliver = deliver_begun};
    memcpy(j->key, key, HASH);
    memcpy(j->request, request, HASH);
    j->now_ms = now_ms;
    j->keep_ms = keep_ms;
    j->done = done;
    j->ctx = ctx;
    store_result r = store_submit(s, &j->loop.job);
    if (r == STORE_READ_ONLY) {
        j->loop.job.result = r;
        r = loop_post(l, deliver_begun, j) ? STORE_OK : STORE_BUSY;
    }
    if (r != STORE_OK)
        free(j);
    return r == STORE_OK;
}

/* --- ending ------------------------------------------------------------------------------------------ */

typedef struct end_job {
    loop_job loop;
    uint8_t key[HASH];
    idempotency_answer answer;
    void (*done)(store_result r, void *ctx);
    void *ctx;
    char texts[];
} end_job;

static store_result finish(store *s, database *d, store_job *job) {
    const end_job *j = (end_job *)job;
    (void)s;
    sqlite3_stmt *stmt = database_prepare(
        d, "UPDATE idempotency SET done = 1, status = ?2, content_type = ?3, body = ?4 WHERE key = ?1");
    database_blob(stmt, 1, j->key, HASH);
    database_u64(stmt, 2, j->answer.status);
    database_text(stmt, 3, j->answer.content_type);
    database_blob(stmt, 4, j->answer.body.ptr, j->answer.body.len);
    store_result r = database_done(stmt);
    return r == STORE_OK && sqlite3_changes(d->sq) == 0 ? STORE_NOT_FOUND : r;
}

static void deliver_ended(loop *l, void *arg) {
    end_job *j = arg;
    (void)l;
    if (j->done != NULL)
        j->done(j->loop.job.result, j->ctx);
    free(j);
}

bool store_idempotency_finish(store *s, const uint8_t key[32], const idempotency_answer *answer, loop *l,
                              void (*done)(store_result r, void *ctx), void *ctx) {
    end_job *j = malloc(sizeof *j + answer->content_type.len + answer->body.len);
    if (j == NULL)
        return false;
    char *at = j->texts;
    j->loop = (loop_job){.job = {.write = finish, .finish = loop_job_finish, .single = true},
                         .l = done != NULL ? l : NULL,
                         .deliver = deliver_ended};
    memcpy(j->key, key, HASH);
    j->answer.status = answer->status;
    j->answer.content_type = job_text(&at, answer->content_type);
    j->answer.body = job_text(&at, answer->body);
    j->done = done;
    j->ctx = ctx;
    store_result r = store_submit(s, &j->loop.job);
    if (r == STORE_READ_ONLY && done != NULL) {
        j->loop.job.result = r;
        r = loop_post(l, deliver_ended, j) ? STORE_OK : STORE_BUSY;
    }
    if (r != STORE_OK)
        free(j);
    return r == STORE_OK;
}

static store_result forget(store *s, database *d, store_job *job) {
    (void)s;
    sqlite3_stmt *stmt = database_prepare(d, "DELETE FROM idempotency WHERE key = ? AND done = 0");
    database_blob(stmt, 1, ((end_job *)job)->key, HASH);
    return database_done(stmt);
}

void store_idempotency_forget(store *s, const uint8_t key[32]) {
    end_job *j = calloc(1, sizeof *j);
    if (j != NULL) {
        j->loop.job = (store_job){.write = forget, .finish = store_job_free, .single = true};
        memcpy(j->key, key, HASH);
    }
    store_submit_or_drop(s, j != NULL ? &j->loop.job : NULL);
}
