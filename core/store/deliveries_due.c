/* deliveries_due.c - what a target is to get next.
 *
 * Two runs of rows are merged by their time: those that may be had at any time, in their order, and those
 * that come later, by when. Each is a walk of an index from its first row on; what is under way with the
 * caller lies at the front and is passed over. */
#include "store/events_internal.h"

#include <stdlib.h>

/* ms: longer than any delay and any time before a further attempt. What is later was put off by a clock that
 * was wrong then. */
#define LATER_MOST_MS (40ull * 86400000u)
#define WALK_SPARE 64u /* pieces of memory at once */

typedef struct due_job {
    loop_job loop;
    store *s;
    uint64_t now_ms, next_ms;
    size_t max, max_bytes, except_count;
    int64_t *except; /* sorted */
    bb_str target;
    delivery *list;
    size_t count, cap, bytes;
    arena *a; /* of what is given */
    deliveries_due_done done;
    void *ctx;
} due_job;

/* --- walking ----------------------------------------------------------------------------------------- */

/* One of the two runs, and the row it is at. */
typedef struct run {
    sqlite3_stmt *stmt;
    bool there; /* at a row */
    int64_t id;
    uint64_t due_ms;
} run;

static int by_id(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static bool is_excepted(const due_job *j, int64_t id) {
    return j->except_count > 0 && bsearch(&id, j->except, j->except_count, sizeof id, by_id) != NULL;
}

static store_result step(const due_job *j, run *at) {
    store_result r = STORE_OK;
    do {
        at->there = database_row(at->stmt, &r);
        if (at->there) {
            at->id = sqlite3_column_int64(at->stmt, 0);
            at->due_ms = database_column_u64(at->stmt, 1);
        }
    } while (at->there && is_excepted(j, at->id));
    return r;
}

static store_result open_runs(database *d, const due_job *j, int64_t number, run runs[2]) {
    runs[0] = (run){
        .stmt = database_prepare(d, "SELECT id, due_ms FROM deliveries INDEXED BY place WHERE target = ? AND "
                                    "state = 0 AND state <> 1 AND state <> 2 ORDER BY id")};
    runs[1] = (run){.stmt = database_prepare(d, "SELECT id, due_ms FROM deliveries INDEXED BY due WHERE "
                                                "target = ? AND state = -2 ORDER BY due_ms, id")};
    store_result r = STORE_OK;
    for (int i = 0; r == STORE_OK && i < 2; i++) {
        database_u64(runs[i].stmt, 1, (uint64_t)number);
        r = step(j, &runs[i]);
    }
    return r;
}

/* --- a delivery -------------------------------------------------------------------------------------- */

static bool copy_to(due_job *j, bb_str *to, sqlite3_stmt *row, int column) {
    *to = arena_copy(j->a, database_column(row, column));
    return to->ptr != NULL;
}

static bool keep_event(due_job *j, delivery *n, sqlite3_stmt *row) {
    n->event_ms = database_column_u64(row, 0);
    return copy_to(j, &n->event, row, 1) && copy_to(j, &n->source, row, 2) && copy_to(j, &n->type, row, 3) &&
           copy_to(j, &n->content_type, row, 4) && copy_to(j, &n->attributes, row, 5) &&
           copy_to(j, &n->payload, row, 6);
}

static store_result read_event(database *d, due_job *j, delivery *n) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT at_ms, id, source, type, content_type, attributes, payload FROM events WHERE number = ?");
    database_u64(stmt, 1, (uint64_t)(n->id >> EVENT_SHIFT));
    if (!database_row(stmt, &r))
        return r == STORE_OK ? STORE_FAILED : r;
    bool ok = keep_event(j, n, stmt);
    sqlite3_reset(stmt);
    return ok ? STORE_OK : STORE_FAILED;
}

static store_result read_delivery(database *d, due_job *j, const run *from, delivery *n) {
    store_result r = STORE_OK;
    *n = (delivery){.id = from->id, .due_ms = time_wall(j->s, from->due_ms)};
    sqlite3_stmt *stmt = database_prepare(d,
                                          "SELECT attempts, batch, hash, key FROM deliveries WHERE id = ?");
    database_u64(stmt, 1, (uint64_t)n->id);
    if (!database_row(stmt, &r))
        return r == STORE_OK ? STORE_FAILED : r;
    n->attempts = (uint32_t)database_column_u64(stmt, 0);
    n->batch = sqlite3_column_int64(stmt, 1);
    bool keyed = sqlite3_column_int64(stmt, 2) != 0, ok = !keyed || copy_to(j, &n->key, stmt, 3);
    sqlite3_reset(stmt);
    return ok ? read_event(d, j, n) : STORE_FAILED;
}

static store_result take(database *d, due_job *j, const run *from) {
    if (j->count == j->cap) {
        size_t cap = j->cap + WALK_SPARE;
        delivery *list = realloc(j->list, cap * sizeof *list);
        if (list == NULL)
            return STORE_FAILED;
        j->list = list;
        j->cap = cap;
    }
    delivery *n = &j->list[j->count];
    store_result r = read_delivery(d, j, from, n);
    if (r != STORE_OK)
        return r;
    j->count++;
    j->bytes += n->payload.len;
    return STORE_OK;
}

static bool is_due(const due_job *j, const run *at) {
    return at->due_ms <= j->now_ms || at->due_ms - j->now_ms > LATER_MOST_MS;
}

/* --- the job ----------------------------------------------------------------------------------------- */

static run *earlier(run runs[2]) {
    if (!runs[0].there || !runs[1].there)
        return runs[0].there ? &runs[0] : runs[1].there ? &runs[1] : NULL;
    return runs[1].due_ms < runs[0].due_ms ? &runs[1] : &runs[0];
}

static store_result merge(database *d, due_job *j, run runs[2]) {
    store_result r = STORE_OK;
    run *at = NULL;
    while (r == STORE_OK && (at = earlier(runs)) != NULL) {
        bool due = at == &runs[0] || is_due(j, at);
        if (!due && runs[0].there) { /* what comes later by a clock that has jumped holds back nothing */
            at = &runs[0];
            due = true;
        }
        if (!due || j->count == j->max || (j->count > 0 && j->bytes >= j->max_bytes))
            break;
        r = take(d, j, at);
        if (r == STORE_OK)
            r = step(j, at);
    }
    j->next_ms = at == NULL ? 0 : time_wall(j->s, at == &runs[0] ? j->now_ms : at->due_ms);
    return r;
}

static store_result look(database *d, due_job *j, int64_t number) {
    run runs[2] = {{.there = false}, {.there = false}};
    store_result r = open_runs(d, j, number, runs);
    if (r == STORE_OK)
        r = merge(d, j, runs);
    for (int i = 0; i < 2; i++)
        sqlite3_reset(runs[i].stmt);
    return r;
}

/* One transaction: a delivery's event cannot go between the two. */
static store_result read_due(store *s, database *d, store_job *job) {
    due_job *j = (due_job *)job;
    events *v = events_of(s);
    pthread_mutex_lock(&v->lock);
    const target *t = targets_find(v, j->target);
    int64_t number = t != NULL ? t->number : 0;
    pthread_mutex_unlock(&v->lock);
    j->a = arena_new(0);
    if (j->a == NULL)
        return STORE_FAILED;
    store_result r = database_exec(d, "BEGIN");
    if (r == STORE_OK)
        r = look(d, j, number);
    if (sqlite3_get_autocommit(d->sq) == 0)
        database_exec(d, "COMMIT");
    return r;
}

static void deliver(loop *l, void *arg) {
    due_job *j = arg;
    bool ok = j->loop.job.result == STORE_OK;
    (void)l;
    j->done(j->loop.job.result, j->list, ok ? j->count : 0, ok ? j->next_ms : 0, j->ctx);
    arena_free(j->a);
    free(j->list);
    free(j);
}

bool deliveries_due(store *s, bb_str name, uint64_t now_ms, const int64_t *except, size_t except_count,
                    size_t max, size_t max_bytes, loop *l, deliveries_due_done done, void *ctx) {
    due_job *j = malloc(sizeof *j + except_count * sizeof *except + name.len);
    if (j == NULL)
        return false;
    *j = (due_job){.loop = {.job = {.read = read_due, .finish = loop_job_finish}, .l = l, .deliver = deliver},
                   .s = s,
                   .now_ms = s != NULL ? time_due(s, now_ms) : now_ms,
                   .max = max,
                   .max_bytes = max_bytes,
                   .except_count = except_count,
                   .except = (int64_t *)(j + 1),
                   .done = done,
                   .ctx = ctx};
    if (except_count > 0) {
        memcpy(j->except, except, except_count * sizeof *except);
        qsort(j->except, except_count, sizeof *except, by_id);
    }
    char *at = (char *)(j->except + except_count);
    j->target = job_text(&at, name);
    bool ok = events_submit(s, &j->loop);
    if (!ok)
        free(j);
    return ok;
}
