/* events_dedup.c - which events of a source have been seen.
 *
 * A table by hash would be changed in another page by each event, and each page be written. So what is new is
 * kept with its event, where it is written anyway, and in memory; and so many at once are merged into the
 * table in the order of their hashes, some with each group, so that a page takes several of them. At the
 * start, what was not merged is read from the events. */
#include "store/events_dedup.h"

#include "base/siphash.h"

#include <stdlib.h>

#define YOUNG_MAX 65536u  /* then they are merged: 2 MiB of memory */
#define EVENTS_MAX 262144 /* or so many events later, of which few have one: a start reads them all */
#define YOUNG_FIRST 1024u /* slots */
#define MERGE_LEAST 64u   /* merged by a group, and two for each event that it adds */
#define LOOK_TIMES 4u     /* rows looked at for one merged, whether their time is over */

/* The two texts cannot run into each other: each has a hash of its own. 0 is nothing seen. */
uint64_t dedup_hash(const events *v, bb_str source, bb_str dedup) {
    const uint64_t both[2] = {siphash(v->secret, source), siphash(v->secret, dedup)};
    uint64_t hash = siphash(v->secret, str_of(both, sizeof both));
    return hash != 0 ? hash : 1;
}

/* --- in memory --------------------------------------------------------------------------------------- */

static dedup_entry *slot_of(const dedup_memory *m, uint64_t hash) {
    size_t i = (size_t)hash & (m->slots - 1);
    while (m->young[i].hash != 0 && m->young[i].hash != hash)
        i = (i + 1) & (m->slots - 1);
    return &m->young[i];
}

static bool grow(dedup_memory *m) {
    dedup_memory next = {.slots = m->slots > 0 ? m->slots * 2 : YOUNG_FIRST};
    next.young = calloc(next.slots, sizeof *next.young);
    if (next.young == NULL)
        return false;
    for (size_t i = 0; i < m->slots; i++)
        if (m->young[i].hash != 0)
            *slot_of(&next, m->young[i].hash) = m->young[i];
    free(m->young);
    m->young = next.young;
    m->slots = next.slots;
    return true;
}

static bool remember(dedup_memory *m, uint64_t hash, uint64_t until_ms, int64_t number) {
    if (m->count * 2 >= m->slots && !grow(m))
        return false;
    dedup_entry *s = slot_of(m, hash);
    m->count += s->hash == 0;
    *s = (dedup_entry){hash, until_ms, number};
    return true;
}

void dedup_forget(dedup_memory *m, uint64_t hash) {
    if (m->slots > 0)
        slot_of(m, hash)->until_ms = 0;
}

static int by_hash(const void *a, const void *b) {
    int64_t x = (int64_t)((const dedup_entry *)a)->hash,
            y = (int64_t)((const dedup_entry *)b)->hash; /* as SQLite sorts */
    return x < y ? -1 : x > y;
}

static dedup_entry known(const dedup_memory *m, uint64_t hash) {
    const dedup_entry key = {.hash = hash}, *old = NULL;
    if (m->slots > 0 && slot_of(m, hash)->hash != 0 && slot_of(m, hash)->until_ms > 0)
        return *slot_of(m, hash);
    if (m->merge_count > 0)
        old = bsearch(&key, m->merging, m->merge_count, sizeof key, by_hash);
    return old != NULL ? *old : key;
}

/* --- asking ------------------------------------------------------------------------------------------ */

/* What others have added to the file since, or all that is not in the table yet. */
static store_result read_events(database *d, dedup_memory *m) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT number, dedup, dedup_until_ms FROM events WHERE number > ? ORDER BY number");
    database_u64(stmt, 1, (uint64_t)m->seen);
    while (r == STORE_OK && database_row(stmt, &r)) {
        uint64_t hash = (uint64_t)sqlite3_column_int64(stmt, 1);
        m->seen = sqlite3_column_int64(stmt, 0);
        if (hash != 0 && !remember(m, hash, database_column_u64(stmt, 2), m->seen))
            r = STORE_FAILED;
    }
    sqlite3_reset(stmt);
    return r;
}

static store_result read_table(database *d, uint64_t hash, dedup_entry *out) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT until_ms, number FROM dedup WHERE hash = ?");
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, (int64_t)hash);
    if (!database_row(stmt, &r))
        return r;
    out->until_ms = database_column_u64(stmt, 0);
    out->number = sqlite3_column_int64(stmt, 1);
    sqlite3_reset(stmt);
    return STORE_OK;
}

/* After the clock has jumped back, what was seen in a time that is yet to come is no repeat: a second time is
 * better than never. Less than a window is no jump. */
store_result dedup_look(events *v, database *d, uint64_t hash, uint64_t now_ms, uint64_t window_ms,
                        bool *repeated, int64_t *number) {
    dedup_memory *m = &v->dedup;
    store_result r = m->looked ? STORE_OK : read_events(d, m);
    m->looked = r == STORE_OK;
    dedup_entry e = known(m, hash);
    if (r == STORE_OK && e.until_ms == 0)
        r = read_table(d, hash, &e);
    *repeated = r == STORE_OK && e.until_ms > now_ms && e.until_ms - now_ms <= 2 * window_ms;
    *number = e.number;
    return r;
}

/* The event itself is written with it. */
bool dedup_add(events *v, int64_t number, uint64_t hash, uint64_t until_ms) {
    v->dedup.seen = number;
    return hash == 0 ||
           (remember(&v->dedup, hash, until_ms, number) && counts_change(v, (count_change){.seen = hash}));
}

/* --- merging ----------------------------------------------------------------------------------------- */

/* Between two groups: what the one under way has added may have to be forgotten yet. */
static void begin_merge(dedup_memory *m) {
    dedup_entry *list = malloc((m->count + 1) * sizeof *list);
    size_t n = 0;
    if (list == NULL)
        return; /* later: it is in memory still */
    for (size_t i = 0; i < m->slots; i++)
        if (m->young[i].hash != 0 && m->young[i].until_ms > 0)
            list[n++] = m->young[i];
    qsort(list, n, sizeof *list, by_hash);
    if (m->slots > 0)
        memset(m->young, 0, m->slots * sizeof *m->young);
    m->count = 0;
    m->merging = list;
    m->merge_count = n;
    m->merge_at = m->merge_to = 0;
    m->merge_until = m->seen;
}

store_result dedup_write(database *d, uint64_t hash, uint64_t until_ms, int64_t number) {
    sqlite3_stmt *stmt = database_prepare(
        d, "INSERT OR REPLACE INTO dedup(hash, until_ms, number) VALUES(?, ?, ?)");
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, (int64_t)hash);
    database_u64(stmt, 2, until_ms);
    sqlite3_bind_int64(stmt, 3, number);
    return database_done(stmt);
}

/* Some rows further: those whose time is over go. At the end it begins anew. */
static store_result expire(database *d, dedup_memory *m, size_t rows, uint64_t now_ms) {
    store_result r = STORE_OK;
    int64_t end = INT64_MAX;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT hash FROM dedup WHERE hash >= ?1 ORDER BY hash LIMIT 1 OFFSET ?2");
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, m->expire_at);
    database_u64(stmt, 2, rows);
    if (database_row(stmt, &r))
        end = sqlite3_column_int64(stmt, 0);
    sqlite3_reset(stmt);
    stmt = database_prepare(d, "DELETE FROM dedup WHERE hash >= ?1 AND hash < ?2 AND until_ms <= ?3");
    if (stmt == NULL || r != STORE_OK)
        return r != STORE_OK ? r : STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, m->expire_at);
    sqlite3_bind_int64(stmt, 2, end);
    database_u64(stmt, 3, now_ms);
    m->expire_at = end < INT64_MAX ? end : INT64_MIN;
    return database_done(stmt);
}

static store_result note_merged(database *d, const dedup_memory *m) {
    sqlite3_stmt *stmt = database_prepare(d, "INSERT INTO meta(name, value) VALUES('merged', ?1) ON "
                                             "CONFLICT(name) DO UPDATE SET value = max(value, ?1)");
    database_u64(stmt, 1, (uint64_t)m->merge_until);
    return database_done(stmt);
}

store_result dedup_merge_some(events *v, database *d, uint64_t now_ms) {
    dedup_memory *m = &v->dedup;
    store_result r = STORE_OK;
    if (m->merging == NULL)
        return STORE_OK;
    size_t some = MERGE_LEAST + 2 * v->added, end = m->merge_at + some;
    for (; r == STORE_OK && m->merge_to < end && m->merge_to < m->merge_count; m->merge_to++)
        if (m->merging[m->merge_to].until_ms > now_ms)
            r = dedup_write(d, m->merging[m->merge_to].hash, m->merging[m->merge_to].until_ms,
                            m->merging[m->merge_to].number);
    if (r == STORE_OK)
        r = expire(d, m, some * LOOK_TIMES, now_ms);
    return r == STORE_OK && m->merge_to == m->merge_count ? note_merged(d, m) : r;
}

/* --- with the group ---------------------------------------------------------------------------------- */

void dedup_group_over(dedup_memory *m, bool committed) {
    m->looked = false;
    if (!committed) {
        m->merge_to = m->merge_at;
        m->seen = m->seen_before;
        return;
    }
    m->merge_at = m->merge_to;
    m->seen_before = m->seen;
    if (m->merging != NULL && m->merge_at == m->merge_count) {
        free(m->merging);
        m->merging = NULL;
        m->merge_count = m->merge_at = m->merge_to = 0;
    } else if (m->merging == NULL && (m->count >= YOUNG_MAX || m->seen - m->merge_until >= EVENTS_MAX)) {
        begin_merge(m);
    }
}

bool dedup_load(store *s, err *e) {
    dedup_memory *m = &events_of(s)->dedup;
    m->expire_at = INT64_MIN;
    m->seen = database_number(&s->write, "SELECT value FROM meta WHERE name = 'merged'", 0);
    m->merge_until = m->seen;
    store_result r = read_events(&s->write, m);
    m->seen_before = m->seen;
    return r == STORE_OK || err_set(e, "%s: %s", s->path, store_result_text(r));
}

void dedup_free(dedup_memory *m) {
    free(m->young);
    free(m->merging);
}
