/* events_keep.c - what is too old, or too much, goes: a few events with each group, so that no write waits
 * long for it.
 *
 * A sweep walks the events from the oldest on, as far as they are too old or too many. Those of which
 * something is pending are passed over and looked at again by the next sweep. */
#include "store/events_dedup.h"

#include "base/clock.h"

#include <stdlib.h>

#define LOOK_LEAST 32u             /* events looked at by a group, and two for each that it adds */
#define TURN_LOOKS 65536u          /* by a group that was asked for it, as far as it gets in: */
#define TURN_NS 2000000u           /* while others write too; and then they have: */
#define TURN_REST 4u               /* times as long for themselves */
#define TURN_IDLE_NS 20000000u     /* while nobody does */
#define FUTURE_LOOK 4096           /* events looked through for one whose time is believed */
#define LOOK_BYTES (4u << 20)      /* of payload removed by a group: their pages are all written */
#define PAUSE_NS 1000000000u       /* after a sweep that removed something */
#define LONG_PAUSE_NS 10000000000u /* after one that did not */
#define SPARE_LEAST (16u << 20)    /* bytes of free pages that the file may keep, or a quarter of it */
#define EVENT_BYTES_LEAST 256u     /* of an event beside its payload */
#define VACUUM "PRAGMA incremental_vacuum(256)" /* pages at once: a MiB */
#define TARGETS_A_SWEEP 64

/* What a group may do, and how it went. */
typedef struct sweep {
    events_clock clock;
    uint64_t keep_ms, dead_ms;
    uint64_t excess; /* bytes that the file is larger than it may be */
    uint64_t bytes;  /* of payload removed */
    size_t left;
    uint64_t until_ns; /* not longer than that; 0: `left` says enough */
    int64_t newest;    /* never removed: numbers are not to be given twice */
    bool over;
} sweep;

/* --- one event --------------------------------------------------------------------------------------- */

/* Whether a delivery keeps its event: since it ended, as `due_ms` says, not enough time has passed. */
static bool keeps(const sweep *w, int state, uint64_t due_ms) {
    if (state == DELIVERY_DEAD)
        return w->dead_ms == 0 || events_clock_age(&w->clock, due_ms) < w->dead_ms;
    if (state == DELIVERY_CANCELLED)
        return w->bytes >= w->excess && events_clock_age(&w->clock, due_ms) < w->keep_ms;
    return state <= 0;
}

static store_result is_kept(database *d, const sweep *w, int64_t number, bool *kept) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d,
                                          "SELECT state, due_ms FROM deliveries WHERE id >= ?1 AND id < ?2");
    *kept = false;
    database_u64(stmt, 1, (uint64_t)number << EVENT_SHIFT);
    database_u64(stmt, 2, (uint64_t)(number + 1) << EVENT_SHIFT);
    while (!*kept && database_row(stmt, &r))
        *kept = keeps(w, sqlite3_column_int(stmt, 0), database_column_u64(stmt, 1));
    sqlite3_reset(stmt);
    return r;
}

static store_result count_out(store *s, database *d, int64_t number) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d,
                                          "SELECT target, state FROM deliveries WHERE id >= ?1 AND id < ?2");
    database_u64(stmt, 1, (uint64_t)number << EVENT_SHIFT);
    database_u64(stmt, 2, (uint64_t)(number + 1) << EVENT_SHIFT);
    while (r == STORE_OK && database_row(stmt, &r)) {
        count_change c = {.dead = sqlite3_column_int(stmt, 1) == DELIVERY_DEAD ? -1 : 0, .rows = -1};
        r = targets_get_numbered(s, d, sqlite3_column_int64(stmt, 0), &c.t);
        if (r == STORE_OK && !counts_change(events_of(s), c))
            r = STORE_FAILED;
    }
    sqlite3_reset(stmt);
    return r;
}

static store_result remove_range(sqlite3_stmt *stmt, int64_t number) {
    database_u64(stmt, 1, (uint64_t)number << EVENT_SHIFT);
    database_u64(stmt, 2, (uint64_t)(number + 1) << EVENT_SHIFT);
    return database_done(stmt);
}

/* Removed, it is a repeat still where its window is longer. */
static store_result keep_dedup(events *v, database *d, int64_t number, uint64_t now_ms) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT dedup, dedup_until_ms FROM events WHERE number = ?1 AND dedup <> 0");
    database_u64(stmt, 1, (uint64_t)number);
    if (!database_row(stmt, &r))
        return r;
    uint64_t hash = (uint64_t)sqlite3_column_int64(stmt, 0), until = database_column_u64(stmt, 1);
    sqlite3_reset(stmt);
    return until > now_ms ? dedup_write(v, d, hash, until, 0) : STORE_OK;
}

static store_result remove_event(store *s, database *d, int64_t number, uint64_t now_ms) {
    store_result r = count_out(s, d, number);
    if (r == STORE_OK)
        r = keep_dedup(events_of(s), d, number, now_ms);
    if (r == STORE_OK)
        r = remove_range(database_prepare(d, "DELETE FROM attempts WHERE delivery >= ?1 AND delivery < ?2"),
                         number);
    if (r == STORE_OK)
        r = remove_range(database_prepare(d, "DELETE FROM deliveries WHERE id >= ?1 AND id < ?2"), number);
    sqlite3_stmt *stmt = database_prepare(d, "DELETE FROM events WHERE number = ?");
    database_u64(stmt, 1, (uint64_t)number);
    return r == STORE_OK ? database_done(stmt) : r;
}

/* --- a sweep ----------------------------------------------------------------------------------------- */

typedef struct event_row {
    int64_t number; /* 0: there is none */
    uint64_t at_ms, bytes;
} event_row;

static store_result next_event(database *d, int64_t after, event_row *out) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT number, at_ms, length(payload) FROM events WHERE number > ? ORDER BY number LIMIT 1");
    *out = (event_row){0};
    database_u64(stmt, 1, (uint64_t)after);
    if (!database_row(stmt, &r))
        return r;
    *out = (event_row){sqlite3_column_int64(stmt, 0), database_column_u64(stmt, 1),
                       database_column_u64(stmt, 2) + EVENT_BYTES_LEAST};
    sqlite3_reset(stmt);
    return STORE_OK;
}

/* An event of a time that is to come, by a clock that was wrong then, is older than the next one of a time
 * that has been: that one's time is its own, too. Where there is none in reach, its own. */
static store_result believe_time(events *v, database *d, const sweep *w, event_row *event) {
    store_result r = STORE_OK;
    if (event->at_ms <= w->clock.wall_ms)
        return STORE_OK;
    if (event->number >= v->future_until) {
        v->future_until = event->number + FUTURE_LOOK;
        v->future_ms = event->at_ms;
        sqlite3_stmt *stmt = database_prepare(
            d, "SELECT number, at_ms FROM events WHERE number > ?1 AND number <= "
               "?2 AND at_ms <= ?3 ORDER BY number LIMIT 1");
        database_u64(stmt, 1, (uint64_t)event->number);
        database_u64(stmt, 2, (uint64_t)v->future_until);
        database_u64(stmt, 3, w->clock.wall_ms);
        if (database_row(stmt, &r)) {
            v->future_until = sqlite3_column_int64(stmt, 0);
            v->future_ms = database_column_u64(stmt, 1);
            sqlite3_reset(stmt);
        }
    }
    event->at_ms = v->future_ms;
    return r;
}

/* One that is too old, or too much: removed, unless a delivery keeps it. */
static store_result sweep_one(store *s, database *d, sweep *w, const event_row *event) {
    bool kept = false;
    store_result r = is_kept(d, w, event->number, &kept);
    if (r != STORE_OK || kept)
        return r;
    events_of(s)->removed++;
    w->bytes += event->bytes;
    return remove_event(s, d, event->number, w->clock.wall_ms);
}

static bool is_time_over(const sweep *w) {
    return w->until_ns > 0 && w->left % LOOK_LEAST == 0 && clock_ns() >= w->until_ns;
}

static store_result sweep_some(store *s, database *d, sweep *w) {
    events *v = events_of(s);
    store_result r = STORE_OK;
    while (r == STORE_OK && w->left > 0 && w->bytes < LOOK_BYTES && !w->over) {
        event_row event;
        r = next_event(d, v->keep_at, &event);
        if (r == STORE_OK && event.number > 0)
            r = believe_time(v, d, w, &event);
        bool old = w->keep_ms > 0 && events_clock_age(&w->clock, event.at_ms) >= w->keep_ms;
        bool goes = old || w->bytes<w->excess, unknown = event.at_ms> w->clock.wall_ms;
        w->over = event.number == 0 || event.number >= w->newest || !(goes || unknown);
        if (r != STORE_OK || w->over)
            break;
        if (goes)
            r = sweep_one(s, d, w, &event);
        v->keep_at = event.number;
        w->left--;
        if (is_time_over(w))
            break;
    }
    return r;
}

/* Rows of targets that have nothing left, and that nobody owns. */
static store_result remove_targets(store *s, database *d, const events_clock *now) {
    events *v = events_of(s);
    int64_t numbers[TARGETS_A_SWEEP];
    size_t count = 0;
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT number FROM targets WHERE rows = 0 AND state = '' AND "
                                             "until_ms <= ?1 LIMIT ?2");
    database_u64(stmt, 1, events_clock_due(now, now->wall_ms));
    database_u64(stmt, 2, TARGETS_A_SWEEP);
    while (database_row(stmt, &r))
        numbers[count++] = sqlite3_column_int64(stmt, 0);
    for (size_t i = 0; r == STORE_OK && i < count; i++) {
        target *t;
        r = targets_get_numbered(s, d, numbers[i], &t);
        if (r != STORE_OK || t->in_group)
            continue;
        stmt = database_prepare(d, "DELETE FROM targets WHERE number = ?");
        database_u64(stmt, 1, (uint64_t)numbers[i]);
        r = database_done(stmt);
        t->saved = false; /* where the group is undone, its row is found again */
        v->numbers[numbers[i]] = NULL;
    }
    return r;
}

/* --- the file's size --------------------------------------------------------------------------------- */

static uint64_t number_of(database *d, const char *pragma) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, pragma);
    uint64_t n = database_row(stmt, &r) ? database_column_u64(stmt, 0) : 0;
    sqlite3_reset(stmt);
    return n;
}

static store_result vacuum_some(database *d, uint64_t pages, uint64_t spare, uint64_t page_bytes) {
    return spare * page_bytes > SPARE_LEAST && spare > pages / 4 ? database_exec(d, VACUUM) : STORE_OK;
}

/* --- with each group --------------------------------------------------------------------------------- */

static void end_sweep(events *v, uint64_t now_ns) {
    v->keep_again_ns = now_ns + (v->removed > 0 ? PAUSE_NS : LONG_PAUSE_NS);
    v->keep_at = 0;
    v->future_until = 0;
    v->removed = 0;
}

/* How much this group may do. */
static sweep begin_sweep(store *s, uint64_t now_ns) {
    events *v = events_of(s);
    sweep w = {.keep_ms = atomic_load_explicit(&v->keep_ms, memory_order_relaxed),
               .dead_ms = atomic_load_explicit(&v->dead_ms, memory_order_relaxed),
               .left = LOOK_LEAST + 2 * v->added};
    bool busy = atomic_load(&v->keep_busy);
    if (v->keep_turn && (!busy || now_ns >= v->keep_rest_ns)) {
        w.left = TURN_LOOKS;
        w.until_ns = now_ns + (busy ? TURN_NS : TURN_IDLE_NS);
    }
    time_now(s, &w.clock);
    return w;
}

store_result keep_some(store *s, database *d) {
    events *v = events_of(s);
    uint64_t now_ns = clock_ns(), bytes_max = atomic_load_explicit(&v->keep_bytes, memory_order_relaxed);
    sweep w = begin_sweep(s, now_ns);
    v->keep_turn = false;
    if ((w.keep_ms == 0 && bytes_max == 0) || now_ns < v->keep_again_ns) {
        atomic_store(&v->keep_more, false);
        return STORE_OK;
    }
    uint64_t pages = number_of(d, "PRAGMA page_count"), spare = number_of(d, "PRAGMA freelist_count"),
             page_bytes = number_of(d, "PRAGMA page_size");
    if (bytes_max > 0 && (pages - spare) * page_bytes > bytes_max)
        w.excess = (pages - spare) * page_bytes - bytes_max;
    w.newest = database_number(d, "SELECT ifnull(max(number), 0) FROM events", 0);
    store_result r = sweep_some(s, d, &w);
    if (r == STORE_OK && w.over)
        r = remove_targets(s, d, &w.clock);
    atomic_store(&v->keep_more, !w.over);
    if (w.until_ns > 0)
        v->keep_rest_ns = clock_ns() + TURN_REST * (clock_ns() - now_ns);
    if (w.over)
        end_sweep(v, now_ns);
    return r == STORE_OK ? vacuum_some(d, pages, spare, page_bytes) : r;
}

/* --- from outside ------------------------------------------------------------------------------------ */

typedef struct keep_job {
    store_job job;
    store *s;
} keep_job;

/* The group's end does it. */
static store_result look(store *s, database *d, store_job *job) {
    (void)d;
    (void)job;
    events_of(s)->keep_turn = true;
    return STORE_OK;
}

/* While a sweep has not come to its end: again, behind what others have written meanwhile. */
static void looked(store_job *job) {
    keep_job *j = (keep_job *)job;
    events *v = events_of(j->s);
    pthread_mutex_lock(&j->s->lock);
    atomic_store(&v->keep_busy, j->s->writes.length > 0);
    pthread_mutex_unlock(&j->s->lock);
    if (job->result == STORE_OK && atomic_load(&v->keep_more) && store_submit(j->s, job) == STORE_OK)
        return;
    atomic_store(&v->keep_asked, false);
    free(job);
}

/* Where nothing comes in, somebody must turn the wheel. */
static void ask(store *s, events *v) {
    if (atomic_exchange(&v->keep_asked, true))
        return;
    keep_job *j = malloc(sizeof *j);
    if (j != NULL)
        *j = (keep_job){.job = {.write = look, .finish = looked, .single = true}, .s = s};
    if (j == NULL || store_submit(s, &j->job) != STORE_OK) {
        atomic_store(&v->keep_asked, false);
        free(j);
    }
}

void events_keep(store *s, uint64_t keep_ms, uint64_t dead_ms, uint64_t keep_bytes) {
    events *v = s != NULL ? events_of(s) : NULL;
    if (v == NULL)
        return;
    atomic_store_explicit(&v->keep_ms, keep_ms, memory_order_relaxed);
    atomic_store_explicit(&v->dead_ms, dead_ms, memory_order_relaxed);
    atomic_store_explicit(&v->keep_bytes, keep_bytes, memory_order_relaxed);
    log_limit(s, keep_bytes);
    atomic_store_explicit(&v->keep_told, true, memory_order_relaxed);
    ask(s, v);
}
