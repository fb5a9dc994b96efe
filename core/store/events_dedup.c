/* events_dedup.c - which events of a source have been seen.
 *
 * A table by hash would be changed in another page by each event, and each page be written. So what is new is
 * kept with its event, where it is written anyway, and in memory; and so many at once are merged into the
 * table in the order of their hashes, some with each group, so that a page takes several of them. At the
 * start, what was not merged is read from the events. The table itself is asked where the filter does not say
 * no; it comes to know the table some rows at a time, as those go of which the time is over. */
#include "store/events_dedup.h"

#include "base/siphash.h"

#include <stdlib.h>

#define YOUNG_MAX 65536u  /* then they are merged: 2 MiB of memory */
#define EVENTS_MAX 262144 /* or so many events later, of which few have one: a start reads them all */
#define YOUNG_FIRST 1024u /* slots */
#define MERGE_LEAST 64u   /* merged by a group, and two for each event that it adds */
#define LOOK_TIMES 2u     /* rows looked at for one merged, whether their time is over, */
#define AT_ONCE 1024u     /* so many at a time; and with each group, while the filter does not know all */

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

static void sweep_anew(dedup_memory *m) {
    m->sweep_at = INT64_MIN;
    m->swept = false;
    dedup_filter_forget(&m->filter);
}

/* What others have added to the file since, or all that is not in the table yet. The newest event is never
 * removed, so that numbers have no gap: what is missing others have added and removed, and have written into
 * the table what was seen of it. */
static store_result read_events(database *d, dedup_memory *m) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT number, dedup, dedup_until_ms FROM events WHERE number > ? ORDER BY number");
    database_u64(stmt, 1, (uint64_t)m->seen);
    while (r == STORE_OK && database_row(stmt, &r)) {
        uint64_t hash = (uint64_t)sqlite3_column_int64(stmt, 1);
        if (sqlite3_column_int64(stmt, 0) != m->seen + 1)
            sweep_anew(m);
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

store_result dedup_catch_up(events *v, database *d) {
    dedup_memory *m = &v->dedup;
    store_result r = m->looked ? STORE_OK : read_events(d, m);
    m->looked = r == STORE_OK;
    return r;
}

/* After the clock has jumped back, what was seen in a time that is yet to come is no repeat: a second time is
 * better than never. Less than a window is no jump. */
store_result dedup_look(events *v, database *d, uint64_t hash, uint64_t now_ms, uint64_t window_ms,
                        bool *repeated, int64_t *number) {
    dedup_memory *m = &v->dedup;
    store_result r = STORE_OK;
    dedup_entry e = known(m, hash);
    if (e.until_ms == 0 && dedup_filter_may_have(&m->filter, (int64_t)hash))
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
    m->swept = false;
}

store_result dedup_write(events *v, database *d, uint64_t hash, uint64_t until_ms, int64_t number) {
    sqlite3_stmt *stmt = database_prepare(
        d, "INSERT OR REPLACE INTO dedup(hash, until_ms, number) VALUES(?, ?, ?)");
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, (int64_t)hash);
    database_u64(stmt, 2, until_ms);
    sqlite3_bind_int64(stmt, 3, number);
    dedup_filter_add(&v->dedup.filter, (int64_t)hash);
    return database_done(stmt);
}

typedef struct swept_rows {
    int64_t kept[AT_ONCE]; /* hashes */
    size_t count, over;    /* kept; those whose time is over */
    int64_t last;
} swept_rows;

static store_result look_through(database *d, int64_t from, uint64_t now_ms, swept_rows *out) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT hash, until_ms FROM dedup WHERE hash >= ?1 ORDER BY hash LIMIT ?2");
    if (stmt == NULL)
        return STORE_FAILED;
    out->count = out->over = 0;
    sqlite3_bind_int64(stmt, 1, from);
    sqlite3_bind_int64(stmt, 2, AT_ONCE);
    while (database_row(stmt, &r)) {
        out->last = sqlite3_column_int64(stmt, 0);
        if (database_column_u64(stmt, 1) <= now_ms)
            out->over++;
        else
            out->kept[out->count++] = out->last;
    }
    sqlite3_reset(stmt);
    return r;
}

static store_result remove_over(database *d, int64_t from, int64_t last, uint64_t now_ms) {
    sqlite3_stmt *stmt = database_prepare(
        d, "DELETE FROM dedup WHERE hash >= ?1 AND hash <= ?2 AND until_ms <= ?3");
    if (stmt == NULL)
        return STORE_FAILED;
    sqlite3_bind_int64(stmt, 1, from);
    sqlite3_bind_int64(stmt, 2, last);
    database_u64(stmt, 3, now_ms);
    return database_done(stmt);
}

/* Some rows further: those whose time is over go, and the filter knows the others. At the end it begins anew.
 */
static store_result sweep_some(database *d, dedup_memory *m, uint64_t now_ms) {
    swept_rows rows;
    int64_t from = m->sweep_at;
    store_result r = look_through(d, from, now_ms, &rows);
    if (r == STORE_OK && rows.over > 0)
        r = remove_over(d, from, rows.last, now_ms);
    if (r != STORE_OK)
        return r;
    m->swept = rows.count + rows.over < AT_ONCE || rows.last == INT64_MAX;
    m->sweep_at = m->swept ? INT64_MIN : rows.last + 1;
    dedup_filter_learn(&m->filter, dedup_place(from), m->swept ? UINT64_MAX : dedup_place(m->sweep_at),
                       rows.kept, rows.count);
    return STORE_OK;
}

/* Once with each merge, at most; and until the filter knows all. */
static store_result sweep(database *d, dedup_memory *m, size_t merged, uint64_t now_ms) {
    store_result r = STORE_OK;
    size_t rows = m->merging != NULL ? merged * LOOK_TIMES : AT_ONCE;
    bool is_due = m->merging != NULL ? !m->swept : !dedup_filter_is_whole(&m->filter);
    for (size_t n = 0; r == STORE_OK && is_due && n < rows; n += AT_ONCE) {
        r = sweep_some(d, m, now_ms);
        is_due = !m->swept;
    }
    return r;
}

static store_result note_merged(database *d, const dedup_memory *m) {
    sqlite3_stmt *stmt = database_prepare(d, "INSERT INTO meta(name, value) VALUES('merged', ?1) ON "
                                             "CONFLICT(name) DO UPDATE SET value = max(value, ?1)");
    database_u64(stmt, 1, (uint64_t)m->merge_until);
    return database_done(stmt);
}

static store_result merge(events *v, database *d, size_t some, uint64_t now_ms) {
    dedup_memory *m = &v->dedup;
    store_result r = STORE_OK;
    size_t end = m->merge_at + some;
    for (; r == STORE_OK && m->merge_to < end && m->merge_to < m->merge_count; m->merge_to++)
        if (m->merging[m->merge_to].until_ms > now_ms)
            r = dedup_write(v, d, m->merging[m->merge_to].hash, m->merging[m->merge_to].until_ms,
                            m->merging[m->merge_to].number);
    return r == STORE_OK && m->merge_to == m->merge_count ? note_merged(d, m) : r;
}

store_result dedup_merge_some(events *v, database *d, uint64_t now_ms) {
    dedup_memory *m = &v->dedup;
    size_t some = MERGE_LEAST + 2 * v->added;
    store_result r = m->merging != NULL ? merge(v, d, some, now_ms) : STORE_OK;
    return r == STORE_OK ? sweep(d, m, some, now_ms) : r;
}

/* --- with the group ---------------------------------------------------------------------------------- */

void dedup_group_over(dedup_memory *m, bool committed) {
    m->looked = false;
    if (!committed) {
        m->merge_to = m->merge_at;
        m->seen = m->seen_before;
        sweep_anew(m); /* what was removed is there */
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
    m->sweep_at = INT64_MIN;
    m->seen = database_number(&s->write, "SELECT value FROM meta WHERE name = 'merged'", 0);
    m->merge_until = m->seen;
    store_result r = read_events(&s->write, m);
    m->seen_before = m->seen;
    return r == STORE_OK || err_set(e, "%s: %s", s->path, store_result_text(r));
}

void dedup_free(dedup_memory *m) {
    free(m->young);
    free(m->merging);
    dedup_filter_free(&m->filter);
}
