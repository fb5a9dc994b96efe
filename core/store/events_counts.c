/* events_counts.c - how many deliveries of a target are pending, dead and done: kept as the writer writes, in
 * the same transaction as the deliveries themselves. */
#include "store/events_dedup.h"

#include <stdlib.h>

/* --- what a job changes ------------------------------------------------------------------------------ */

static void apply(events *v, const count_change *c, int sign) {
    target *t = c->t;
    t->pending += sign * c->pending;
    t->dead += sign * c->dead;
    t->done += sign * c->done;
    t->rows += sign * c->rows;
    if (!t->in_group) {
        t->in_group = true;
        t->touched = v->touched;
        v->touched = t;
    }
}

bool counts_change(events *v, count_change c) {
    if (v->change_count == v->change_cap) {
        size_t cap = v->change_cap > 0 ? v->change_cap * 2 : 1024;
        count_change *changes = realloc(v->changes, cap * sizeof *changes);
        if (changes == NULL)
            return false;
        v->changes = changes;
        v->change_cap = cap;
    }
    v->changes[v->change_count++] = c;
    if (c.t != NULL)
        apply(v, &c, 1);
    return true;
}

void counts_undo(events *v, size_t down_to) {
    while (v->change_count > down_to) {
        const count_change *c = &v->changes[--v->change_count];
        if (c->t == NULL) {
            dedup_forget(&v->dedup, c->seen);
            continue;
        }
        apply(v, c, -1);
        c->t->oldest_gone = true;
        if (c->made) {
            c->t->saved = false;
            v->numbers[c->t->number] = NULL;
        }
    }
}

/* --- the oldest -------------------------------------------------------------------------------------- */

static store_result first_of(database *d, int64_t number, int state, int64_t *id) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT id FROM deliveries INDEXED BY place WHERE target = ?1 AND state = ?2 "
           "AND state <> 1 AND state <> 2 ORDER BY id LIMIT 1");
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, number);
    sqlite3_bind_int(stmt, 2, state);
    if (!database_row(stmt, &r))
        return r;
    int64_t found = sqlite3_column_int64(stmt, 0);
    if (*id == 0 || found < *id)
        *id = found;
    sqlite3_reset(stmt);
    return STORE_OK;
}

store_result counts_oldest(database *d, target *t) {
    int64_t id = 0;
    store_result r = first_of(d, t->number, DELIVERY_PENDING, &id);
    if (r == STORE_OK)
        r = first_of(d, t->number, STATE_LATER, &id);
    if (r == STORE_OK)
        r = first_of(d, t->number, STATE_WAITING, &id);
    if (r != STORE_OK)
        return r;
    t->oldest = id;
    t->oldest_ms = 0;
    t->oldest_gone = false;
    if (id == 0)
        return STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT at_ms FROM events WHERE number = ?");
    database_u64(stmt, 1, (uint64_t)(id >> EVENT_SHIFT));
    if (!database_row(stmt, &r))
        return r;
    t->oldest_ms = database_column_u64(stmt, 0);
    sqlite3_reset(stmt);
    return STORE_OK;
}

/* --- with the group ---------------------------------------------------------------------------------- */

static store_result save(database *d, target *t) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "UPDATE targets SET pending = pending + ?2, dead = dead + ?3, done = done + ?4, rows = rows + ?5 "
           "WHERE number = ?1 RETURNING pending, dead, done");
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, t->number);
    sqlite3_bind_int64(stmt, 2, t->pending);
    sqlite3_bind_int64(stmt, 3, t->dead);
    sqlite3_bind_int64(stmt, 4, t->done);
    sqlite3_bind_int64(stmt, 5, t->rows);
    if (!database_row(stmt, &r)) {
        if (r != STORE_OK)
            return r;
        t->saved = false; /* another process removed its row: what comes would be nobody's */
        return STORE_FAILED;
    }
    t->fresh.pending = database_column_u64(stmt, 0);
    t->fresh.dead = database_column_u64(stmt, 1);
    t->fresh.done = database_column_u64(stmt, 2);
    r = database_done(stmt); /* to its end: only then is it done */
    return r == STORE_OK && t->oldest_gone ? counts_oldest(d, t) : r;
}

store_result counts_save(store *s, database *d) {
    store_result r = STORE_OK;
    for (target *t = events_of(s)->touched; r == STORE_OK && t != NULL; t = t->touched)
        if (t->saved)
            r = save(d, t);
    return r;
}

void counts_publish(store *s, store_result r) {
    events *v = events_of(s);
    if (r != STORE_OK)
        counts_undo(v, 0);
    pthread_mutex_lock(&v->lock);
    for (target *t = v->touched, *next; t != NULL; t = next) {
        next = t->touched;
        if (r == STORE_OK && t->saved) {
            t->counts = t->fresh;
            t->counts.oldest_ms = t->oldest_ms;
        }
        t->pending = t->dead = t->done = t->rows = 0;
        t->in_group = false;
    }
    pthread_mutex_unlock(&v->lock);
    v->touched = NULL;
    v->change_count = 0;
    v->added = 0;
    dedup_group_over(&v->dedup, r == STORE_OK);
}
