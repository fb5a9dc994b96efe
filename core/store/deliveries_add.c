/* deliveries_add.c - a new delivery, and whose turn it is among those of one key. */
#include "store/events_internal.h"

#include "base/siphash.h"

/* Of two keys with the same hash, the deliveries are done one after the other, too: that harms nothing. */
uint64_t key_hash(const events *v, bb_str key) {
    uint64_t hash = key.ptr != NULL ? siphash(v->secret, key) : 0;
    return key.ptr != NULL && hash == 0 ? 1 : hash;
}

store_result deliveries_is_key_taken(database *d, int64_t number, uint64_t hash, bool *taken) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT 1 FROM deliveries INDEXED BY keyed WHERE target = ?1 AND hash = ?2 "
           "AND hash <> 0 AND state <= 0 LIMIT 1");
    *taken = false;
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, number);
    sqlite3_bind_int64(stmt, 2, (int64_t)hash);
    *taken = database_row(stmt, &r);
    if (*taken)
        sqlite3_reset(stmt);
    return r;
}

static store_result insert(database *d, const delivery_new *n, int state, uint64_t due_ms, uint64_t hash) {
    sqlite3_stmt *stmt = database_prepare(
        d, "INSERT INTO deliveries(id, target, state, attempts, due_ms, batch, hash, key) "
           "VALUES(?, ?, ?, 0, ?, 0, ?, ?)");
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, n->id);
    sqlite3_bind_int64(stmt, 2, n->t->number);
    sqlite3_bind_int(stmt, 3, state);
    database_u64(stmt, 4, due_ms);
    sqlite3_bind_int64(stmt, 5, (int64_t)hash);
    database_text(stmt, 6, n->key);
    return database_done(stmt);
}

store_result deliveries_add(store *s, database *d, const delivery_new *n) {
    events *v = events_of(s);
    uint64_t hash = key_hash(v, n->key);
    bool taken = false;
    store_result r = hash != 0 ? deliveries_is_key_taken(d, n->t->number, hash, &taken) : STORE_OK;
    if (r == STORE_OK)
        r = insert(d, n,
                   taken      ? STATE_WAITING
                   : n->later ? STATE_LATER
                              : DELIVERY_PENDING,
                   n->later ? time_due(s, n->due_ms) : time_due_about(v, n->due_ms), hash);
    if (r != STORE_OK)
        return r;
    if (n->t->oldest == 0 || n->id < n->t->oldest) {
        n->t->oldest = n->id;
        n->t->oldest_ms = n->event_ms;
    }
    return counts_change(v, (count_change){.t = n->t, .pending = 1, .rows = 1}) ? STORE_OK : STORE_FAILED;
}

/* The first of those that wait; where one of the key is on its turn still, nothing. */
store_result deliveries_next_of_key(database *d, int64_t number, uint64_t hash) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT id, state FROM deliveries INDEXED BY keyed WHERE target = ?1 AND hash = ?2 AND hash <> 0 "
           "AND state <= 0 ORDER BY id LIMIT 1");
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, number);
    sqlite3_bind_int64(stmt, 2, (int64_t)hash);
    if (!database_row(stmt, &r))
        return r;
    int64_t id = sqlite3_column_int64(stmt, 0);
    bool waits = sqlite3_column_int(stmt, 1) == STATE_WAITING;
    sqlite3_reset(stmt);
    if (!waits)
        return STORE_OK;
    stmt = database_prepare(d, "UPDATE deliveries SET state = -2 WHERE id = ?");
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, id);
    return database_done(stmt);
}
