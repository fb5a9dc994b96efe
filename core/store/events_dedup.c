/* events_dedup.c - which events of a source have been seen. */
#include "store/events_internal.h"

#include "base/siphash.h"

/* The two texts cannot run into each other: the inner hash has a length of its own. */
uint64_t dedup_hash(const events *v, bb_str source, bb_str dedup) {
    const uint64_t both[2] = {siphash(v->secret, source), siphash(v->secret, dedup)};
    return siphash(v->secret, str_of(both, sizeof both));
}

/* After the clock has jumped back, what was seen in a time that is yet to come is no repeat: a second time is
 * better than never. Less than a window is no jump. */
store_result dedup_look(database *d, uint64_t hash, uint64_t now_ms, uint64_t window_ms, bool *repeated) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT until_ms FROM dedup WHERE hash = ?");
    *repeated = false;
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, (int64_t)hash);
    if (!database_row(stmt, &r))
        return r;
    uint64_t until = database_column_u64(stmt, 0);
    sqlite3_reset(stmt);
    *repeated = until > now_ms && until - now_ms <= 2 * window_ms;
    return STORE_OK;
}

store_result dedup_add(database *d, uint64_t hash, uint64_t until_ms, uint64_t now_ms) {
    (void)now_ms;
    sqlite3_stmt *stmt = database_prepare(d, "INSERT OR REPLACE INTO dedup(hash, until_ms) VALUES(?, ?)");
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, (int64_t)hash);
    database_u64(stmt, 2, until_ms);
    return database_done(stmt);
}
