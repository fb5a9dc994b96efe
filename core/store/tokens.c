#include "store/tokens.h"

#include "store/store_internal.h"

#include <stdlib.h>

store_result store_token_get(store *s, arena *a, bb_str name, bb_str *sealed, uint64_t *updated_ms) {
    store_result r = STORE_OK;
    if (s == NULL)
        return STORE_NOT_FOUND;
    pthread_mutex_lock(&s->main_lock);
    sqlite3_stmt *stmt = database_prepare(&s->main, "SELECT sealed, updated_ms FROM tokens WHERE name = ?");
    database_text(stmt, 1, name);
    if (database_row(stmt, &r)) {
        *sealed = arena_copy(a, database_column(stmt, 0));
        if (updated_ms != NULL)
            *updated_ms = database_column_u64(stmt, 1);
        r = sealed->ptr != NULL ? STORE_OK : STORE_FAILED;
        sqlite3_reset(stmt);
    } else if (r == STORE_OK) {
        r = STORE_NOT_FOUND;
    }
    pthread_mutex_unlock(&s->main_lock);
    return r;
}

store_result store_token_names(store *s, arena *a, bb_str prefix, bb_str **names, size_t *count) {
    store_result r = STORE_OK;
    size_t cap = 0;
    *names = NULL;
    *count = 0;
    if (s == NULL)
        return STORE_OK;
    pthread_mutex_lock(&s->main_lock);
    sqlite3_stmt *stmt = database_prepare(
        &s->main, "SELECT name FROM tokens WHERE substr(name, 1, length(?1)) = ?1 ORDER BY name");
    database_text(stmt, 1, prefix);
    while (database_row(stmt, &r)) {
        if (*count == cap) {
            size_t more = cap == 0 ? 16 : cap * 2;
            bb_str *larger = arena_grow(a, *names, cap * sizeof **names, more * sizeof **names);
            if (larger == NULL) {
                sqlite3_reset(stmt);
                r = STORE_FAILED;
                break;
            }
            *names = larger;
            cap = more;
        }
        (*names)[(*count)++] = arena_copy(a, database_column(stmt, 0));
    }
    pthread_mutex_unlock(&s->main_lock);
    return r;
}

typedef struct token_job {
    loop_job loop;
    bb_str name, sealed;
    uint64_t now_ms;
    void (*done)(store_result r, void *ctx);
    void *ctx;
    char texts[];
} token_job;

static store_result put(store *s, database *d, store_job *job) {
    const token_job *j = (token_job *)job;
    (void)s;
    sqlite3_stmt *stmt = database_prepare(
        d, "INSERT INTO tokens(name, sealed, updated_ms) VALUES(?, ?, ?) ON CONFLICT DO UPDATE SET "
           "sealed = excluded.sealed, updated_ms = excluded.updated_ms");
    database_text(stmt, 1, j->name);
    database_blob(stmt, 2, j->sealed.ptr, j->sealed.len);
    database_u64(stmt, 3, j->now_ms);
    return database_done(stmt);
}

static void deliver(loop *l, void *arg) {
    token_job *j = arg;
    (void)l;
    j->done(j->loop.job.result, j->ctx);
    free(j);
}

bool store_token_put(store *s, bb_str name, bb_str sealed, uint64_t now_ms, loop *l,
                     void (*done)(store_result r, void *ctx), void *ctx) {
    token_job *j = malloc(sizeof *j + name.len + sealed.len);
    if (j == NULL)
        return false;
    char *at = j->texts;
    *j = (token_job){.loop = {.job = {.write = put, .finish = loop_job_finish, .single = true},
                              .l = done != NULL ? l : NULL,
                              .deliver = deliver},
                     .now_ms = now_ms,
                     .done = done,
                     .ctx = ctx};
    j->name = job_text(&at, name);
    j->sealed = job_text(&at, sealed);
    store_result r = store_submit(s, &j->loop.job);
    if (r == STORE_READ_ONLY && done != NULL) {
        j->loop.job.result = r;
        r = loop_post(l, deliver, j) ? STORE_OK : STORE_BUSY;
    }
    if (r != STORE_OK)
        free(j);
    return r == STORE_OK;
}

store_result store_token_put_now(store *s, bb_str name, bb_str sealed, uint64_t now_ms) {
    token_job j = {
        .loop.job = {.write = put, .single = true}, .name = name, .sealed = sealed, .now_ms = now_ms};
    return store_run(s, &j.loop.job);
}

static store_result delete_token(store *s, database *d, store_job *job) {
    (void)s;
    sqlite3_stmt *stmt = database_prepare(d, "DELETE FROM tokens WHERE name = ?");
    database_text(stmt, 1, ((token_job *)job)->name);
    store_result r = database_done(stmt);
    return r == STORE_OK && sqlite3_changes(d->sq) == 0 ? STORE_NOT_FOUND : r;
}

store_result store_token_delete(store *s, bb_str name) {
    token_job j = {.loop.job = {.write = delete_token, .single = true}, .name = name};
    return store_run(s, &j.loop.job);
}
