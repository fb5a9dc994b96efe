/* deliveries_change.c - what somebody changes by hand: tried again, given to a target anew, thrown away.
 *
 * A change goes through the rows in pieces, a job each, so that events that come in meanwhile wait for none
 * of it; what comes in after it began is not looked at. */
#include "base/clock.h"
#include "store/events_query.h"

#include <stdlib.h>

#define ROWS_A_PIECE 512u        /* changed by one job: some milliseconds */
#define SEEN_A_PIECE 16384u      /* looked at by one job */
#define BYTES_A_PIECE (4u << 20) /* of payloads that one job reads for their keys */

typedef struct change_job change_job;
/* One row that fits. *again: it was changed. */
typedef store_result (*change_fn)(store *s, database *d, change_job *j, delivery_row *row);

struct change_job {
    loop_job loop;
    store *s;
    event_query query;
    change_fn change;
    events_rule rule; /* of a replay */
    uint64_t now_ms;
    int64_t from, at, until; /* rows of deliveries, or of events: [from, until), now at `at` */
    int64_t number;          /* of the target; 0: any */
    uint64_t idle_ms;        /* only where nobody has owned the target for so long; 0: whoever does */
    unsigned phase;          /* of PENDING and DELIVERY_LOST: which of their states is walked */
    bool begun, over;
    uint64_t changed, changed_before; /* with this piece; without */
    events_changed done;
    void *ctx;
    char texts[];
};

/* --- pieces ------------------------------------------------------------------------------------------ */

static void deliver(loop *l, void *arg) {
    change_job *j = arg;
    (void)l;
    if (j->done != NULL)
        j->done(j->loop.job.result, j->changed, j->ctx);
    free(j);
}

/* After the commit of a piece: the next one, behind what has been queued meanwhile. */
static void piece_done(store_job *job) {
    change_job *j = (change_job *)job;
    if (job->result == STORE_OK && !j->over && atomic_load(&events_of(j->s)->stopping)) {
        job->result = STORE_BUSY;
    } else if (job->result == STORE_OK && !j->over) {
        j->changed_before = j->changed;
        store_result r = store_submit(j->s, job); /* from then on the writer has it, and may end it */
        if (r == STORE_OK)
            return;
        job->result = r;
    } else if (job->result != STORE_OK) {
        j->changed = j->changed_before;
    }
    loop_job_finish(job);
}

static bool submit(change_job *j) {
    bool ok = (j->s == NULL || !atomic_load(&events_of(j->s)->stopping)) && events_submit(j->s, &j->loop);
    if (!ok)
        free(j);
    return ok;
}

static change_job *new_job(store *s, const event_query *q, uint64_t now_ms, loop *l, events_changed done,
                           void *ctx) {
    change_job *j = malloc(sizeof *j + query_size(q));
    if (j == NULL)
        return NULL;
    *j = (change_job){
        .loop = {.job = {.finish = piece_done}, .l = done != NULL ? l : NULL, .deliver = deliver},
        .s = s,
        .now_ms = now_ms,
        .until = INT64_MAX,
        .done = done,
        .ctx = ctx};
    query_copy(&j->query, q, j->texts);
    return j;
}

void events_stop_changes(store *s) {
    if (s != NULL)
        atomic_store(&events_of(s)->stopping, true);
}

/* --- where it begins and ends ------------------------------------------------------------------------ */

static int64_t last_event(database *d) {
    return database_number(d, "SELECT ifnull(max(number), 0) FROM events", 0);
}

/* In events; the caller makes rows of deliveries of it. STORE_NOT_FOUND: there is no such event. */
static store_result bounds(database *d, change_job *j) {
    int64_t number;
    j->begun = true;
    j->from = 0;
    j->until = last_event(d) + 1;
    if (j->query.event.len == 0)
        return STORE_OK;
    store_result r = query_event_number(d, j->query.event, &number);
    if (r == STORE_OK) {
        j->from = number;
        j->until = number + 1;
    }
    return r;
}

static store_result begin_deliveries(database *d, change_job *j) {
    store_result r = bounds(d, j);
    j->at = j->from <<= EVENT_SHIFT;
    j->until <<= EVENT_SHIFT;
    if (r != STORE_OK || j->query.target.len == 0)
        return r;
    r = query_target_number(d, j->query.target, &j->number);
    j->over = r == STORE_NOT_FOUND; /* it never had any */
    if (j->over)
        return STORE_OK;
    bool idle = true;
    if (r == STORE_OK && j->idle_ms > 0)
        r = owners_idle(j->s, d, j->number, j->idle_ms, &idle);
    return r == STORE_OK && !idle ? STORE_EXISTS : r;
}

/* --- deliveries -------------------------------------------------------------------------------------- */

static store_result event_fits(database *d, const event_query *q, int64_t number, bool *fits) {
    store_result r = STORE_OK;
    *fits = true;
    if (q->source.len == 0 && q->type.len == 0 && q->since_ms == 0 && q->until_ms == 0)
        return STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT at_ms, source, type FROM events WHERE number = ?");
    database_u64(stmt, 1, (uint64_t)number);
    *fits = database_row(stmt, &r) &&
            query_fits(q, database_column_u64(stmt, 0), database_column(stmt, 1), database_column(stmt, 2));
    sqlite3_reset(stmt);
    return r;
}

#define OF_ALL "SELECT id, target, state FROM deliveries WHERE id >= ?1 AND id < ?2 ORDER BY id"
#define OF_PLACE                                                                                    \
    "SELECT id, target, state FROM deliveries INDEXED BY place WHERE target = ?3 AND id >= ?1 AND " \
    "id < ?2 AND state <> 1 AND state <> 2 "

/* Those behind others of their key go first: nobody's turn comes by that. */
static sqlite3_stmt *rows_of(database *d, const change_job *j) {
    if (j->number == 0)
        return database_prepare(d, OF_ALL);
    switch (j->query.state) {
    case DELIVERY_DEAD: return database_prepare(d, OF_PLACE "AND state = 3 ORDER BY id");
    case DELIVERY_CANCELLED: return database_prepare(d, OF_PLACE "AND state = 4 ORDER BY id");
    case DELIVERY_LOST:
        return j->phase == 0 ? database_prepare(d, OF_PLACE "AND state = 3 ORDER BY id")
                             : database_prepare(d, OF_PLACE "AND state = 4 ORDER BY id");
    case DELIVERY_PENDING:
        return j->phase == 0   ? database_prepare(d, OF_PLACE "AND state = -1 ORDER BY id")
               : j->phase == 1 ? database_prepare(d, OF_PLACE "AND state = 0 ORDER BY id")
                               : database_prepare(d, OF_PLACE "AND state = -2 ORDER BY id");
    default: return database_prepare(d, OF_ALL);
    }
}

/* The walk has come to its end: the next state's, or all is over. */
static void next_phase(change_job *j) {
    unsigned phases = j->query.state == DELIVERY_PENDING ? 3 : j->query.state == DELIVERY_LOST ? 2 : 1;
    j->over = j->number == 0 || ++j->phase == phases;
    j->at = j->from;
}

/* Ids that fit, up to a piece, without changing anything: a walk must not change what it walks. */
static store_result find_rows(database *d, change_job *j, int64_t *ids, size_t *count) {
    store_result r = STORE_OK;
    size_t seen = 0;
    bool more = false;
    sqlite3_stmt *stmt = rows_of(d, j);
    database_u64(stmt, 1, (uint64_t)j->at);
    database_u64(stmt, 2, (uint64_t)j->until);
    if (stmt != NULL && sqlite3_bind_parameter_count(stmt) > 2)
        database_u64(stmt, 3, (uint64_t)j->number);
    while (r == STORE_OK && !more && database_row(stmt, &r)) {
        int64_t id = sqlite3_column_int64(stmt, 0);
        more = *count == ROWS_A_PIECE || seen++ == SEEN_A_PIECE;
        j->at = id;
        bool fits = !more && (j->number == 0 || sqlite3_column_int64(stmt, 1) == j->number) &&
                    query_fits_state(&j->query, sqlite3_column_int(stmt, 2));
        if (fits)
            r = event_fits(d, &j->query, id >> EVENT_SHIFT, &fits);
        if (fits)
            ids[(*count)++] = id;
    }
    sqlite3_reset(stmt);
    if (r == STORE_OK && !more)
        next_phase(j);
    return r;
}

static store_result change_piece(store *s, database *d, change_job *j) {
    int64_t ids[ROWS_A_PIECE];
    size_t count = 0;
    store_result r = j->begun ? STORE_OK : begin_deliveries(d, j);
    if (r == STORE_OK && !j->over)
        r = find_rows(d, j, ids, &count);
    for (size_t i = 0; r == STORE_OK && i < count; i++) {
        delivery_row row;
        r = delivery_read(d, ids[i], &row);
        if (r == STORE_OK)
            r = j->change(s, d, j, &row);
        if (r == STORE_OK)
            j->changed++;
        else if (r == STORE_NOT_FOUND)
            r = STORE_OK;
    }
    return r;
}

static store_result run_change(store *s, database *d, store_job *job) {
    events_job(s, change_piece(s, d, (change_job *)job));
}

static bool change(store *s, const event_query *q, change_fn fn, uint64_t now_ms, uint64_t idle_ms, loop *l,
                   events_changed done, void *ctx) {
    change_job *j = new_job(s, q, now_ms, l, done, ctx);
    if (j == NULL)
        return false;
    j->loop.job.write = run_change;
    j->change = fn;
    j->idle_ms = idle_ms;
    if (j->query.state == -1)
        j->query.state = DELIVERY_DEAD;
    return submit(j);
}

/* --- redrive and purge ------------------------------------------------------------------------------- */

static store_result redrive(store *s, database *d, change_job *j, delivery_row *row) {
    delivery_row is = *row;
    bool waits = row->state == STATE_LATER && row->due_ms > j->now_ms;
    if (row->state <= 0 && !(waits && j->query.state == DELIVERY_PENDING))
        return STORE_NOT_FOUND;
    is.state = STATE_LATER;
    is.due_ms = j->now_ms;
    if (!waits) {
        is.attempts = 0;
        is.batch = 0;
    }
    return delivery_write(s, d, row, &is);
}

bool deliveries_redrive(store *s, const event_query *q, uint64_t now_ms, loop *l, events_changed done,
                        void *ctx) {
    return change(s, q, redrive, s != NULL ? time_due(s, now_ms) : now_ms, 0, l, done, ctx);
}

static store_result purge(store *s, database *d, change_job *j, delivery_row *row) {
    delivery_row is = *row;
    if (row->state > 0)
        return delivery_remove(s, d, row);
    is.state = DELIVERY_CANCELLED;
    is.due_ms = j->now_ms; /* since then it is, as its retention counts */
    return delivery_write(s, d, row, &is);
}

bool deliveries_purge(store *s, const event_query *q, loop *l, events_changed done, void *ctx) {
    return change(s, q, purge, clock_wall_ms(), 0, l, done, ctx);
}

bool deliveries_abandon(store *s, bb_str name, uint64_t idle_ms, loop *l, events_changed done, void *ctx) {
    const event_query q = {.target = name, .state = DELIVERY_PENDING};
    return change(s, &q, purge, clock_wall_ms(), idle_ms, l, done, ctx);
}

/* --- replay ------------------------------------------------------------------------------------------ */

typedef struct found {
    int64_t number;
    uint64_t at_ms;
} found;

static bool is_replayed(const change_job *j, uint64_t at_ms, bb_str source, bb_str type) {
    return query_fits(&j->query, at_ms, source, type) &&
           (j->rule.wants == NULL || j->rule.wants(j->rule.of, source, type));
}

static store_result find_events(database *d, change_job *j, found *list, size_t *count) {
    store_result r = STORE_OK;
    size_t seen = 0;
    uint64_t bytes = 0;
    bool more = false;
    sqlite3_stmt *stmt = database_prepare(d,
                                          "SELECT number, at_ms, source, type, length(payload) FROM events "
                                          "WHERE number >= ?1 AND number < ?2 ORDER BY number");
    database_u64(stmt, 1, (uint64_t)j->at);
    database_u64(stmt, 2, (uint64_t)j->until);
    while (!more && database_row(stmt, &r)) {
        found f = {sqlite3_column_int64(stmt, 0), database_column_u64(stmt, 1)};
        more = *count == ROWS_A_PIECE || seen++ == SEEN_A_PIECE || bytes >= BYTES_A_PIECE;
        j->at = f.number;
        if (more || !is_replayed(j, f.at_ms, database_column(stmt, 2), database_column(stmt, 3)))
            continue;
        list[(*count)++] = f;
        bytes += j->rule.key != NULL ? database_column_u64(stmt, 4) : 0;
    }
    sqlite3_reset(stmt);
    j->over = !more;
    return r;
}

/* The number after the last of the event. STORE_EXISTS: it has as many as there can be. */
static store_result next_id(database *d, int64_t number, int64_t *id) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT max(id) FROM deliveries WHERE id >= ?1 AND id < ?2");
    database_u64(stmt, 1, (uint64_t)number << EVENT_SHIFT);
    database_u64(stmt, 2, (uint64_t)(number + 1) << EVENT_SHIFT);
    if (!database_row(stmt, &r))
        return r == STORE_OK ? STORE_FAILED : r;
    int64_t last = sqlite3_column_int64(stmt, 0);
    *id = last > 0 ? last + 1 : number << EVENT_SHIFT;
    sqlite3_reset(stmt);
    return *id < (number + 1) << EVENT_SHIFT ? STORE_OK : STORE_EXISTS;
}

static store_result key_before(database *d, const found *f, delivery_new *n, arena *a) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT key FROM deliveries WHERE id >= ?1 AND id < ?2 AND target = ?3 AND hash <> 0 LIMIT 1");
    database_u64(stmt, 1, (uint64_t)f->number << EVENT_SHIFT);
    database_u64(stmt, 2, (uint64_t)(f->number + 1) << EVENT_SHIFT);
    database_u64(stmt, 3, (uint64_t)n->t->number);
    if (!database_row(stmt, &r))
        return r;
    n->key = arena_copy(a, database_column(stmt, 0));
    sqlite3_reset(stmt);
    return n->key.ptr != NULL ? STORE_OK : STORE_FAILED;
}

static store_result key_by_rule(database *d, const change_job *j, const found *f, delivery_new *n, arena *a) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT payload FROM events WHERE number = ?");
    database_u64(stmt, 1, (uint64_t)f->number);
    if (!database_row(stmt, &r))
        return r == STORE_OK ? STORE_NOT_FOUND : r;
    bb_str key = j->rule.key(j->rule.of, database_column(stmt, 0), a);
    n->key = key.ptr != NULL ? arena_copy(a, key) : key;
    sqlite3_reset(stmt);
    return key.ptr != NULL && n->key.ptr == NULL ? STORE_FAILED : STORE_OK;
}

static store_result replay_one(store *s, database *d, change_job *j, const found *f) {
    delivery_new n = {.due_ms = j->now_ms, .event_ms = f->at_ms};
    store_result r = targets_get(s, d, j->query.target, &n.t);
    if (r == STORE_OK)
        r = next_id(d, f->number, &n.id);
    if (r != STORE_OK)
        return r;
    arena *a = arena_new(0);
    r = a == NULL             ? STORE_FAILED
        : j->rule.key != NULL ? key_by_rule(d, j, f, &n, a)
                              : key_before(d, f, &n, a);
    if (r == STORE_OK)
        r = deliveries_add(s, d, &n);
    arena_free(a);
    return r;
}

static store_result replay_piece(store *s, database *d, change_job *j) {
    found list[ROWS_A_PIECE];
    size_t count = 0;
    store_result r = STORE_OK;
    if (!j->begun) {
        r = bounds(d, j);
        j->at = j->from;
    }
    if (r == STORE_OK)
        r = find_events(d, j, list, &count);
    for (size_t i = 0; r == STORE_OK && i < count; i++) {
        r = replay_one(s, d, j, &list[i]);
        if (r == STORE_OK)
            j->changed++;
        else if (r == STORE_EXISTS || r == STORE_NOT_FOUND)
            r = STORE_OK;
    }
    return r;
}

static store_result run_replay(store *s, database *d, store_job *job) {
    events_job(s, replay_piece(s, d, (change_job *)job));
}

bool events_replay(store *s, const event_query *q, uint64_t now_ms, const events_rule *rule, loop *l,
                   events_changed done, void *ctx) {
    change_job *j = new_job(s, q, now_ms, l, done, ctx);
    if (j == NULL)
        return false;
    j->loop.job.write = run_replay;
    j->rule = *rule;
    return submit(j);
}
