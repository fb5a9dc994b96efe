#include "store/secrets.h"

#include "store/store_internal.h"

/* What is replaced or removed here is overwritten in the file (in its log, too, once a rotation has ended),
 * so that a copy of it taken later holds no older blob. */
static store_result erase(database *d, store_result (*write)(database *d, const void *what),
                          const void *what) {
    database_exec(d, "PRAGMA secure_delete=ON");
    store_result r = write(d, what);
    database_exec(d, "PRAGMA secure_delete=FAST");
    return r;
}

/* --- one secret -------------------------------------------------------------------------------------- */

store_result store_secret_get(store *s, arena *a, bb_str name, store_secret *out) {
    store_result r = STORE_OK;
    if (s == NULL)
        return STORE_NOT_FOUND;
    pthread_mutex_lock(&s->main_lock);
    sqlite3_stmt *stmt = database_prepare(
        &s->main, "SELECT sealed, created_ms, updated_ms FROM secrets WHERE name = ?");
    database_text(stmt, 1, name);
    if (database_row(stmt, &r)) {
        *out = (store_secret){.name = name,
                              .sealed = arena_copy(a, database_column(stmt, 0)),
                              .created_ms = database_column_u64(stmt, 1),
                              .updated_ms = database_column_u64(stmt, 2)};
        r = out->sealed.ptr != NULL ? STORE_OK : STORE_FAILED;
        sqlite3_reset(stmt);
    } else if (r == STORE_OK) {
        r = STORE_NOT_FOUND;
    }
    pthread_mutex_unlock(&s->main_lock);
    return r;
}

typedef struct secret_job {
    store_job job;
    bb_str name, sealed;
    uint64_t now_ms;
    bool created;
} secret_job;

static store_result update(database *d, const void *what) {
    const secret_job *j = what;
    sqlite3_stmt *stmt = database_prepare(d,
                                          "UPDATE secrets SET sealed = ?2, updated_ms = ?3 WHERE name = ?1");
    database_text(stmt, 1, j->name);
    database_blob(stmt, 2, j->sealed.ptr, j->sealed.len);
    database_u64(stmt, 3, j->now_ms);
    return database_done(stmt);
}

static store_result put(store *s, database *d, store_job *job) {
    secret_job *j = (secret_job *)job;
    (void)s;
    store_result r = erase(d, update, j);
    j->created = r == STORE_OK && sqlite3_changes(d->sq) == 0;
    if (!j->created)
        return r;
    sqlite3_stmt *stmt = database_prepare(
        d, "INSERT INTO secrets(name, sealed, created_ms, updated_ms) VALUES(?1, ?2, ?3, ?3)");
    database_text(stmt, 1, j->name);
    database_blob(stmt, 2, j->sealed.ptr, j->sealed.len);
    database_u64(stmt, 3, j->now_ms);
    return database_done(stmt);
}

store_result store_secret_put(store *s, bb_str name, bb_str sealed, uint64_t now_ms, bool *created) {
    secret_job j = {.job = {.write = put}, .name = name, .sealed = sealed, .now_ms = now_ms};
    store_result r = store_run(s, &j.job);
    if (created != NULL)
        *created = j.created;
    return r;
}

static store_result delete_row(database *d, const void *name) {
    sqlite3_stmt *stmt = database_prepare(d, "DELETE FROM secrets WHERE name = ?");
    database_text(stmt, 1, *(const bb_str *)name);
    store_result r = database_done(stmt);
    return r == STORE_OK && sqlite3_changes(d->sq) == 0 ? STORE_NOT_FOUND : r;
}

static store_result delete_secret(store *s, database *d, store_job *job) {
    (void)s;
    return erase(d, delete_row, &((secret_job *)job)->name);
}

store_result store_secret_delete(store *s, bb_str name) {
    secret_job j = {.job = {.write = delete_secret}, .name = name};
    return store_run(s, &j.job);
}

/* --- all --------------------------------------------------------------------------------------------- */

/* Room for one more in a list in an arena. */
static void *grow(arena *a, void *list, size_t n, size_t size) {
    return n % 32 == 0 ? arena_grow(a, list, n * size, (n + 32) * size) : list;
}

static bool add_secret(arena *a, sqlite3_stmt *row, store_secret **out, size_t *n) {
    *out = grow(a, *out, *n, sizeof **out);
    if (*out == NULL)
        return false;
    store_secret *one = &(*out)[(*n)++];
    *one = (store_secret){.name = arena_copy(a, database_column(row, 0)),
                          .sealed = arena_copy(a, database_column(row, 1)),
                          .created_ms = database_column_u64(row, 2),
                          .updated_ms = database_column_u64(row, 3)};
    return one->name.ptr != NULL && one->sealed.ptr != NULL;
}

store_result store_secrets_list(store *s, arena *a, store_secret **out, size_t *count) {
    store_result r = STORE_OK;
    *out = NULL;
    *count = 0;
    if (s == NULL)
        return STORE_OK;
    pthread_mutex_lock(&s->main_lock);
    sqlite3_stmt *stmt = database_prepare(
        &s->main, "SELECT name, substr(sealed, 1, 9), created_ms, updated_ms FROM secrets ORDER BY name");
    while (database_row(stmt, &r)) {
        if (!add_secret(a, stmt, out, count)) {
            r = STORE_FAILED;
            sqlite3_reset(stmt);
            break;
        }
    }
    pthread_mutex_unlock(&s->main_lock);
    return r;
}

/* --- sealing anew ------------------------------------------------------------------------------------ */

static bool add_sealed(arena *a, sqlite3_stmt *row, store_sealed **out, size_t *n) {
    *out = grow(a, *out, *n, sizeof **out);
    if (*out == NULL)
        return false;
    store_sealed *one = &(*out)[(*n)++];
    *one = (store_sealed){.token = database_column_u64(row, 0) != 0,
                          .name = arena_copy(a, database_column(row, 1)),
                          .sealed = arena_copy(a, database_column(row, 2))};
    return one->name.ptr != NULL && one->sealed.ptr != NULL;
}

#define STALE                                                                                               \
    "(SELECT 0 AS token, name, sealed FROM secrets WHERE substr(sealed, 2, 8) <> ?1 "                       \
    "UNION ALL SELECT 1, name, sealed FROM tokens WHERE substr(sealed, 2, 8) <> ?1) WHERE (token, name) > " \
    "(?2, ?3) "

static void bind_stale(sqlite3_stmt *stmt, const uint8_t *key, const store_sealed *after) {
    if (stmt == NULL)
        return;
    database_blob(stmt, 1, key, STORE_KEY_ID_BYTES);
    sqlite3_bind_int(stmt, 2, after == NULL ? -1 : after->token);
    database_text(stmt, 3, after != NULL ? after->name : STR(""));
}

store_result store_sealed_stale(store *s, arena *a, const uint8_t key[STORE_KEY_ID_BYTES],
                                const store_sealed *after, size_t limit, store_sealed **out, size_t *count,
                                size_t *left) {
    store_result r = STORE_OK;
    *out = NULL;
    *count = *left = 0;
    if (s == NULL)
        return STORE_OK;
    pthread_mutex_lock(&s->main_lock);
    sqlite3_stmt *stmt = database_prepare(&s->main, "SELECT count(*) FROM " STALE);
    bind_stale(stmt, key, after);
    if (database_row(stmt, &r)) {
        *left = (size_t)database_column_u64(stmt, 0);
        sqlite3_reset(stmt);
    }
    stmt = database_prepare(&s->main,
                            "SELECT token, name, sealed FROM " STALE "ORDER BY token, name LIMIT ?4");
    bind_stale(stmt, key, after);
    if (stmt != NULL)
        database_u64(stmt, 4, limit);
    while (r == STORE_OK && database_row(stmt, &r)) {
        if (!add_sealed(a, stmt, out, count)) {
            r = STORE_FAILED;
            sqlite3_reset(stmt);
        }
    }
    pthread_mutex_unlock(&s->main_lock);
    return r;
}

typedef struct replace_job {
    store_job job;
    const store_sealed *old;
    const bb_str *fresh;
    size_t count;
} replace_job;

static store_result replace_all(database *d, const void *what) {
    const replace_job *j = what;
    store_result r = STORE_OK;
    for (size_t i = 0; r == STORE_OK && i < j->count; i++) {
        sqlite3_stmt *stmt =
            j->old[i].token
                ? database_prepare(d, "UPDATE tokens SET sealed = ?2 WHERE name = ?1 AND sealed = ?3")
                : database_prepare(d, "UPDATE secrets SET sealed = ?2 WHERE name = ?1 AND sealed = ?3");
        database_text(stmt, 1, j->old[i].name);
        database_blob(stmt, 2, j->fresh[i].ptr, j->fresh[i].len);
        database_blob(stmt, 3, j->old[i].sealed.ptr, j->old[i].sealed.len);
        r = database_done(stmt);
    }
    return r;
}

static store_result replace(store *s, database *d, store_job *job) {
    (void)s;
    return erase(d, replace_all, job);
}

store_result store_sealed_replace(store *s, const store_sealed *old, const bb_str *fresh, size_t count) {
    replace_job j = {.job = {.write = replace}, .old = old, .fresh = fresh, .count = count};
    return store_run(s, &j.job);
}
