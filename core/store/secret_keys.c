/* secret_keys.c - data keys, wrapped by the master key. */
#include "store/secrets.h"
#include "store/store_internal.h"

static bool add_key(arena *a, sqlite3_stmt *row, store_secret_key **out, size_t *n) {
    if (*n % 16 == 0)
        *out = arena_grow(a, *out, *n * sizeof **out, (*n + 16) * sizeof **out);
    bb_str id = database_column(row, 0);
    if (*out == NULL || id.len != STORE_KEY_ID_BYTES)
        return false;
    store_secret_key *key = &(*out)[(*n)++];
    *key = (store_secret_key){.wrapped = arena_copy(a, database_column(row, 1)),
                              .created_ms = database_column_u64(row, 2)};
    memcpy(key->id, id.ptr, sizeof key->id);
    return key->wrapped.ptr != NULL;
}

store_result store_secret_keys_load(store *s, arena *a, store_secret_key **out, size_t *count) {
    store_result r = STORE_OK;
    *out = NULL;
    *count = 0;
    if (s == NULL)
        return STORE_OK;
    pthread_mutex_lock(&s->main_lock);
    sqlite3_stmt *stmt = database_prepare(&s->main,
                                          "SELECT id, wrapped, created_ms FROM secret_keys ORDER BY number");
    while (database_row(stmt, &r)) {
        if (!add_key(a, stmt, out, count)) {
            r = STORE_FAILED;
            sqlite3_reset(stmt);
            break;
        }
    }
    pthread_mutex_unlock(&s->main_lock);
    return r;
}

typedef struct keys_job {
    store_job job;
    const store_secret_key *keys;
    size_t count;
} keys_job;

/* Wrapped keys that are replaced or removed are overwritten in the file and leave its log: a master key that
 * became known opens nothing any more once the keys are wrapped anew. */
static store_result put(store *s, database *d, store_job *job) {
    const keys_job *j = (keys_job *)job;
    store_result r = STORE_OK;
    s->empty_log = true;
    database_exec(d, "PRAGMA secure_delete=ON");
    for (size_t i = 0; r == STORE_OK && i < j->count; i++) {
        sqlite3_stmt *stmt = database_prepare(
            d, "INSERT INTO secret_keys(id, wrapped, created_ms) VALUES(?, ?, ?) "
               "ON CONFLICT(id) DO UPDATE SET wrapped = excluded.wrapped");
        database_blob(stmt, 1, j->keys[i].id, STORE_KEY_ID_BYTES);
        database_blob(stmt, 2, j->keys[i].wrapped.ptr, j->keys[i].wrapped.len);
        database_u64(stmt, 3, j->keys[i].created_ms);
        r = database_done(stmt);
    }
    database_exec(d, "PRAGMA secure_delete=FAST");
    return r;
}

store_result store_secret_keys_put(store *s, const store_secret_key *keys, size_t count) {
    keys_job j = {.job = {.write = put}, .keys = keys, .count = count};
    return store_run(s, &j.job);
}

static store_result prune(store *s, database *d, store_job *job) {
    (void)job;
    s->empty_log = true;
    database_exec(d, "PRAGMA secure_delete=ON");
    store_result r = database_done(database_prepare(
        d, "DELETE FROM secret_keys WHERE number < (SELECT max(number) FROM secret_keys) AND "
           "id NOT IN (SELECT substr(sealed, 2, 8) FROM secrets) AND "
           "id NOT IN (SELECT substr(sealed, 2, 8) FROM tokens)"));
    database_exec(d, "PRAGMA secure_delete=FAST");
    return r;
}

store_result store_secret_keys_prune(store *s) {
    store_job j = {.write = prune};
    return store_run(s, &j);
}
