/* deliveries_row.c - a delivery's row, read and changed; what follows of a change: counts, whose turn it is.
 */
#include "store/events_internal.h"

store_result delivery_read(database *d, int64_t id, delivery_row *out) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT target, state, attempts, due_ms, batch, hash FROM deliveries WHERE id = ?");
    database_u64(stmt, 1, (uint64_t)id);
    if (!database_row(stmt, &r))
        return r == STORE_OK ? STORE_NOT_FOUND : r;
    *out = (delivery_row){.id = id,
                          .target = sqlite3_column_int64(stmt, 0),
                          .state = sqlite3_column_int(stmt, 1),
                          .attempts = database_column_u64(stmt, 2),
                          .due_ms = database_column_u64(stmt, 3),
                          .batch = sqlite3_column_int64(stmt, 4),
                          .hash = (uint64_t)sqlite3_column_int64(stmt, 5)};
    sqlite3_reset(stmt);
    return STORE_OK;
}

static store_result update(database *d, const delivery_row *row) {
    sqlite3_stmt *stmt = database_prepare(
        d, "UPDATE deliveries SET state = ?2, attempts = ?3, due_ms = ?4, batch = ?5 WHERE id = ?1");
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, row->id);
    sqlite3_bind_int(stmt, 2, row->state);
    database_u64(stmt, 3, row->attempts);
    database_u64(stmt, 4, row->due_ms);
    sqlite3_bind_int64(stmt, 5, row->batch);
    return database_done(stmt);
}

static store_result count(store *s, database *d, const delivery_row *row, int was, int is) {
    target *t;
    store_result r = targets_get_numbered(s, d, row->target, &t);
    if (r != STORE_OK || was == is)
        return r;
    bool ends = was <= 0 && is > 0, begins = was > 0 && is <= 0;
    if ((ends && row->id == t->oldest) || (begins && (t->oldest == 0 || row->id < t->oldest)))
        t->oldest_gone = true;
    const count_change c = {.t = t,
                            .pending = (is <= 0) - (was <= 0),
                            .dead = (is == DELIVERY_DEAD) - (was == DELIVERY_DEAD),
                            .done = (is == DELIVERY_DONE) - (was == DELIVERY_DONE)};
    return counts_change(events_of(s), c) ? STORE_OK : STORE_FAILED;
}

static bool is_on_turn(const delivery_row *row) {
    return row->state == DELIVERY_PENDING || row->state == STATE_LATER;
}

store_result delivery_write(store *s, database *d, const delivery_row *was, delivery_row *is) {
    store_result r = STORE_OK;
    bool begins = was->state > 0 && is->state <= 0, taken = false;
    if (begins && is->hash != 0)
        r = deliveries_is_key_taken(d, is->target, is->hash, &taken);
    if (taken)
        is->state = STATE_WAITING;
    if (r == STORE_OK)
        r = update(d, is);
    if (r == STORE_OK && is->hash != 0 && is_on_turn(was) && is->state > 0)
        r = deliveries_next_of_key(d, is->target, is->hash);
    return r == STORE_OK ? count(s, d, is, was->state, is->state) : r;
}

store_result delivery_remove(store *s, database *d, const delivery_row *row) {
    target *t;
    store_result r = targets_get_numbered(s, d, row->target, &t);
    sqlite3_stmt *stmt = database_prepare(d, "DELETE FROM deliveries WHERE id = ?");
    database_u64(stmt, 1, (uint64_t)row->id);
    if (r == STORE_OK)
        r = database_done(stmt);
    stmt = database_prepare(d, "DELETE FROM attempts WHERE delivery = ?");
    database_u64(stmt, 1, (uint64_t)row->id);
    if (r == STORE_OK)
        r = database_done(stmt);
    const count_change c = {.t = t, .dead = row->state == DELIVERY_DEAD ? -1 : 0, .rows = -1};
    return r == STORE_OK && !counts_change(events_of(s), c) ? STORE_FAILED : r;
}
