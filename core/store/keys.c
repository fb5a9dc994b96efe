#include "store/keys.h"

#include "store/store_internal.h"

/* --- reading ----------------------------------------------------------------------------------------- */

static bool read_key(arena *a, sqlite3_stmt *row, store_key *out) {
    bb_str hash = database_column(row, 4);
    *out = (store_key){.id = arena_copy(a, database_column(row, 0)),
                       .name = arena_copy(a, database_column(row, 1)),
                       .role = arena_copy(a, database_column(row, 2)),
                       .limits = arena_copy(a, database_column(row, 3)),
                       .created_ms = database_column_u64(row, 5),
                       .expires_ms = database_column_u64(row, 6),
                       .revoked_ms = database_column_u64(row, 7)};
    if (hash.len == sizeof out->hash)
        memcpy(out->hash, hash.ptr, sizeof out->hash);
    return hash.len == sizeof out->hash && out->id.ptr != NULL && out->name.ptr != NULL &&
           out->role.ptr != NULL && out->limits.ptr != NULL;
}

store_result store_keys_load(store *s, arena *a, store_key **out, size_t *count) {
    *out = NULL;
    *count = 0;
    if (s == NULL)
        return STORE_OK;
    store_result r = STORE_OK;
    size_t n = 0, cap = 0;
    pthread_mutex_lock(&s->main_lock);
    sqlite3_stmt *stmt = database_prepare(&s->main,
                                          "SELECT id, name, role, limits, hash, created_ms, expires_ms, "
                                          "revoked_ms FROM keys ORDER BY number");
    while (database_row(stmt, &r)) {
        if (n == cap) {
            store_key *grown = arena_grow(a, *out, cap * sizeof **out, (cap + 64) * sizeof **out);
            cap += 64;
            *out = grown;
        }
        if (*out == NULL || !read_key(a, stmt, &(*out)[n++])) {
            r = STORE_FAILED;
            sqlite3_reset(stmt);
            break;
        }
    }
    pthread_mutex_unlock(&s->main_lock);
    *count = r == STORE_OK ? n : 0;
    return r;
}

/* --- writing ----------------------------------------------------------------------------------------- */

typedef struct key_job {
    store_job job;
    const store_key *key;
    bb_str id;
    uint64_t now_ms;
} key_job;

static store_result add(store *s, database *d, store_job *job) {
    (void)s;
    const store_key *k = ((key_job *)job)->key;
    sqlite3_stmt *stmt = database_prepare(
        d, "INSERT INTO keys(id, name, role, limits, hash, created_ms, expires_ms, revoked_ms) "
           "VALUES(?, ?, ?, ?, ?, ?, ?, ?)");
    database_text(stmt, 1, k->id);
    database_text(stmt, 2, k->name);
    database_text(stmt, 3, k->role);
    database_text(stmt, 4, k->limits);
    database_blob(stmt, 5, k->hash, sizeof k->hash);
    database_u64(stmt, 6, k->created_ms);
    database_u64(stmt, 7, k->expires_ms);
    database_u64(stmt, 8, k->revoked_ms);
    return database_done(stmt);
}

store_result store_key_add(store *s, const store_key *key) {
    key_job j = {.job = {.write = add, .single = true}, .key = key};
    return store_run(s, &j.job);
}

/* A key that is revoked already keeps its time. */
static store_result revoke_key(store *s, database *d, store_job *job) {
    (void)s;
    const key_job *j = (key_job *)job;
    sqlite3_stmt *stmt = database_prepare(
        d, "UPDATE keys SET revoked_ms = CASE revoked_ms WHEN 0 THEN ?2 ELSE revoked_ms END WHERE id = ?1");
    database_text(stmt, 1, j->id);
    database_u64(stmt, 2, j->now_ms);
    store_result r = database_done(stmt);
    return r == STORE_OK && sqlite3_changes(d->sq) == 0 ? STORE_NOT_FOUND : r;
}

store_result store_key_revoke(store *s, bb_str id, uint64_t now_ms) {
    key_job j = {.job = {.write = revoke_key, .single = true}, .id = id, .now_ms = now_ms};
    return store_run(s, &j.job);
}
