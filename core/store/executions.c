#include "store/executions.h"

#include "store/store_internal.h"

#include <stdlib.h>

#define KEEP_EVERY 16u /* segments between two looks at what is to be dropped */
#define DROP_MAX 64    /* segments dropped at one look */

/* --- adding ------------------------------------------------------------------------------------------ */

typedef struct segment_job {
    store_job job;
    execution_segment segment;
    char texts[];
} segment_job;

static bool oldest(database *d, uint64_t *number, uint64_t *last_ms, uint64_t *count) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT number, last_ms, count FROM executions INDEXED BY "
                                             "executions_by_id ORDER BY last_id, number LIMIT 1");
    if (!database_row(stmt, &r))
        return false;
    *number = database_column_u64(stmt, 0);
    *last_ms = database_column_u64(stmt, 1);
    *count = database_column_u64(stmt, 2);
    sqlite3_reset(stmt);
    return true;
}

/* Time is that of the newest segment: an idle hub keeps what it has. */
static store_result drop_old(store *s, database *d, uint64_t now_ms) {
    uint64_t keep_count = atomic_load_explicit(&s->keep_count, memory_order_relaxed),
             keep_ms = atomic_load_explicit(&s->keep_ms, memory_order_relaxed), number, last_ms, count;
    uint64_t total = keep_count > 0
                         ? (uint64_t)database_number(d, "SELECT ifnull(sum(count), 0) FROM executions", 0)
                         : 0;
    store_result r = STORE_OK;
    for (unsigned i = 0; r == STORE_OK && i < DROP_MAX && oldest(d, &number, &last_ms, &count); i++) {
        bool too_many = keep_count > 0 && total >= keep_count + count,
             too_old = keep_ms > 0 && now_ms > keep_ms && last_ms < now_ms - keep_ms;
        if (!too_many && !too_old)
            break;
        sqlite3_stmt *stmt = database_prepare(d, "DELETE FROM executions WHERE number = ?");
        database_u64(stmt, 1, number);
        r = database_done(stmt);
        total -= count < total ? count : total;
    }
    return r;
}

static store_result insert(store *s, database *d, store_job *job) {
    const execution_segment *g = &((segment_job *)job)->segment;
    sqlite3_stmt *stmt = database_prepare(d, "INSERT INTO executions(first_id, last_id, first_ms, last_ms, "
                                             "count, failed, lines) VALUES(?, ?, ?, ?, ?, ?, ?)");
    database_text(stmt, 1, g->first_id);
    database_text(stmt, 2, g->last_id);
    database_u64(stmt, 3, g->first_ms);
    database_u64(stmt, 4, g->last_ms);
    database_u64(stmt, 5, g->count);
    database_u64(stmt, 6, g->failed);
    database_blob(stmt, 7, g->lines.ptr, g->lines.len);
    store_result r = database_done(stmt);
    return r == STORE_OK && s->executions_added++ % KEEP_EVERY == 0 ? drop_old(s, d, g->last_ms) : r;
}

bool store_executions_add(store *s, const execution_segment *g) {
    segment_job *j = malloc(sizeof *j + g->first_id.len + g->last_id.len + g->lines.len);
    if (j == NULL)
        return store_submit_or_drop(s, NULL);
    char *at = j->texts;
    j->job = (store_job){.write = insert, .finish = store_job_free};
    j->segment = *g;
    j->segment.first_id = job_text(&at, g->first_id);
    j->segment.last_id = job_text(&at, g->last_id);
    j->segment.lines = job_text(&at, g->lines);
    return store_submit_or_drop(s, &j->job);
}

void store_executions_keep(store *s, uint64_t keep_count, uint64_t keep_ms) {
    if (s == NULL)
        return;
    atomic_store_explicit(&s->keep_count, keep_count, memory_order_relaxed);
    atomic_store_explicit(&s->keep_ms, keep_ms, memory_order_relaxed);
}

/* --- walking ----------------------------------------------------------------------------------------- */

typedef struct walk_job {
    loop_job loop;
    execution_walk walk;
} walk_job;

/* The segment before (last_id, number); one statement each, so that a long walk does not keep the log from
 * being taken into the database. */
#define SEGMENT "SELECT last_id, number, lines FROM executions INDEXED BY executions_by_id WHERE "
#define BEFORE "(last_id, number) < (?1, ?2) AND last_ms >= ?4 AND first_ms <= ?5 "
#define NEWEST_FIRST "ORDER BY last_id DESC, number DESC LIMIT 1"

static sqlite3_stmt *prepare(database *d, const execution_walk *w) {
    if (w->exact_id.ptr != NULL)
        return database_prepare(d, SEGMENT "last_id >= ?3 AND first_id <= ?3 AND " BEFORE NEWEST_FIRST);
    if (w->before_id.ptr != NULL)
        return database_prepare(d, SEGMENT "first_id < ?3 AND " BEFORE NEWEST_FIRST);
    return database_prepare(d, SEGMENT BEFORE NEWEST_FIRST);
}

/* Where the walk is: the segment seen last. */
typedef struct place {
    buf last_id;
    uint64_t number;
} place;

static bool next_segment(database *d, const execution_walk *w, place *at, store_result *r) {
    sqlite3_stmt *stmt = prepare(d, w);
    bool first = at->last_id.ptr == NULL;
    if (stmt != NULL && first) /* a blob sorts behind every text */
        database_blob(stmt, 1, "", 0);
    else
        database_text(stmt, 1, buf_str(&at->last_id));
    if (stmt != NULL) {
        database_u64(stmt, 2, at->number);
        database_text(stmt, 3, w->exact_id.ptr != NULL ? w->exact_id : w->before_id);
        database_u64(stmt, 4, w->since_ms);
        database_u64(stmt, 5, w->until_ms > 0 ? w->until_ms : INT64_MAX);
    }
    if (!database_row(stmt, r))
        return false;
    buf_clear(&at->last_id);
    buf_str_add(&at->last_id, database_column(stmt, 0));
    buf_reserve(&at->last_id, 1); /* an empty id, too, is a place */
    at->number = database_column_u64(stmt, 1);
    bool on = !at->last_id.failed && w->see(database_column(stmt, 2), w->ctx);
    *r = at->last_id.failed ? STORE_FAILED : STORE_OK;
    sqlite3_reset(stmt);
    return on;
}

static store_result walk(store *s, database *d, store_job *job) {
    const execution_walk *w = &((walk_job *)job)->walk;
    place at = {.number = 0};
    store_result r = STORE_OK;
    (void)s;
    buf_init(&at.last_id);
    while (next_segment(d, w, &at, &r))
        ;
    buf_free(&at.last_id);
    return r;
}

static void deliver(loop *l, void *arg) {
    walk_job *j = arg;
    (void)l;
    j->walk.done(j->loop.job.result, j->walk.ctx);
    free(j);
}

bool store_executions_walk(store *s, const execution_walk *w, loop *l) {
    walk_job *j = malloc(sizeof *j);
    if (j == NULL)
        return false;
    *j = (walk_job){.loop = {.job = {.read = walk, .finish = loop_job_finish}, .l = l, .deliver = deliver},
                    .walk = *w};
    bool ok = s != NULL ? store_submit(s, &j->loop.job) == STORE_OK : loop_post(l, deliver, j);
    if (!ok)
        free(j);
    return ok;
}
