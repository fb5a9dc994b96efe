/* deliveries_list.c - deliveries as JSON, newest first, on the reader's thread. */
#include "base/clock.h"
#include "store/events_query.h"
#include "json/json.h"

#include <stdlib.h>

#define ROWS_USUAL 100u
#define ROWS_MAX 1000u
#define SEEN_MAX 100000u /* rows looked at for one page: some ten milliseconds */

typedef struct list_job {
    loop_job loop;
    const store *s;
    event_query query;
    int64_t from, before; /* rows: [from, before) */
    int64_t number;       /* of the target; 0: any */
    size_t rows, limit, seen;
    events_list_done done;
    void *ctx;
    buf out;
    int64_t next;
    char texts[];
} list_job;

/* --- a delivery -------------------------------------------------------------------------------------- */

static store_result put_attempts(database *d, json_writer *w, int64_t id) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT at_ms, duration_ms, status, text FROM attempts WHERE delivery = ? ORDER BY number");
    database_u64(stmt, 1, (uint64_t)id);
    json_keyl(w, "made");
    json_array(w);
    while (database_row(stmt, &r)) {
        json_object(w);
        json_member_time(w, STR("at"), database_column_u64(stmt, 0));
        json_member_u64(w, STR("duration_ms"), database_column_u64(stmt, 1));
        if (database_column_u64(stmt, 2) > 0)
            json_member_u64(w, STR("status"), database_column_u64(stmt, 2));
        json_member_string(w, STR("text"), database_column(stmt, 3));
        json_object_end(w);
    }
    json_array_end(w);
    return r;
}

static bool put_target(database *d, json_writer *w, int64_t number) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT name FROM targets WHERE number = ?");
    database_u64(stmt, 1, (uint64_t)number);
    if (!database_row(stmt, &r))
        return false;
    json_member_string(w, STR("target"), database_column(stmt, 0));
    sqlite3_reset(stmt);
    return true;
}

static store_result put_delivery(database *d, list_job *j, const delivery_row *row, sqlite3_stmt *event,
                                 bb_str key) {
    json_writer w;
    store_result r = STORE_OK;
    if (j->out.len > 0)
        buf_char(&j->out, ',');
    json_writer_init(&w, &j->out);
    json_object(&w);
    json_member_u64(&w, STR("id"), (uint64_t)row->id);
    json_member_string(&w, STR("event"), database_column(event, 1));
    json_member_string(&w, STR("source"), database_column(event, 2));
    json_member_string(&w, STR("type"), database_column(event, 3));
    json_member_time(&w, STR("at"), database_column_u64(event, 0));
    bool named = put_target(d, &w, row->target);
    if (row->hash != 0)
        json_member_string(&w, STR("key"), key);
    json_member_string(&w, STR("state"), str_from(delivery_state_name(row->state)));
    json_member_u64(&w, STR("attempts"), row->attempts);
    if (row->state <= 0)
        json_member_time(&w, STR("due"), time_wall(j->s, row->due_ms));
    if (row->state == STATE_WAITING)
        json_member_bool(&w, STR("behind_key"), true);
    if (row->state == DELIVERY_DEAD)
        json_member_time(&w, STR("died"), row->due_ms);
    if (row->state == DELIVERY_CANCELLED)
        json_member_time(&w, STR("cancelled"), row->due_ms);
    if (j->query.event.len > 0)
        r = put_attempts(d, &w, row->id);
    json_object_end(&w);
    return r == STORE_OK && (!named || !json_writer_finish(&w)) ? STORE_FAILED : r;
}

/* --- walking ----------------------------------------------------------------------------------------- */

/* True: it is in the list. */
static store_result see(database *d, list_job *j, sqlite3_stmt *stmt) {
    const delivery_row row = {.id = sqlite3_column_int64(stmt, 0),
                              .target = sqlite3_column_int64(stmt, 1),
                              .state = sqlite3_column_int(stmt, 2),
                              .attempts = database_column_u64(stmt, 3),
                              .due_ms = database_column_u64(stmt, 4),
                              .hash = (uint64_t)sqlite3_column_int64(stmt, 5)};
    store_result r = STORE_OK;
    j->seen++;
    if ((j->number > 0 && row.target != j->number) || !query_fits_state(&j->query, row.state))
        return STORE_OK;
    sqlite3_stmt *event = database_prepare(d, "SELECT at_ms, id, source, type FROM events WHERE number = ?");
    database_u64(event, 1, (uint64_t)(row.id >> EVENT_SHIFT));
    if (!database_row(event, &r))
        return r == STORE_OK ? STORE_FAILED : r;
    if (query_fits(&j->query, database_column_u64(event, 0), database_column(event, 2),
                   database_column(event, 3))) {
        r = put_delivery(d, j, &row, event, database_column(stmt, 6));
        j->rows++;
    }
    sqlite3_reset(event);
    return r;
}

#define COLUMNS "SELECT id, target, state, attempts, due_ms, hash, key FROM deliveries "
#define OF_PLACE "INDEXED BY place WHERE target = ?3 AND state <> 1 AND state <> 2 AND id >= ?1 AND id < ?2 "

/* One walk for each state that the file knows: pending ones have three. */
static sqlite3_stmt *walk_of(database *d, int state) {
    switch (state) {
    case DELIVERY_PENDING: return database_prepare(d, COLUMNS OF_PLACE "AND state = 0 ORDER BY id DESC");
    case STATE_WAITING: return database_prepare(d, COLUMNS OF_PLACE "AND state = -1 ORDER BY id DESC");
    case STATE_LATER: return database_prepare(d, COLUMNS OF_PLACE "AND state = -2 ORDER BY id DESC");
    case DELIVERY_DEAD: return database_prepare(d, COLUMNS OF_PLACE "AND state = 3 ORDER BY id DESC");
    case DELIVERY_CANCELLED: return database_prepare(d, COLUMNS OF_PLACE "AND state = 4 ORDER BY id DESC");
    default: return database_prepare(d, COLUMNS "WHERE id >= ?1 AND id < ?2 ORDER BY id DESC");
    }
}

static unsigned walks_of(const list_job *j, database *d, sqlite3_stmt *walks[3]) {
    int state = j->number > 0 ? j->query.state : -1;
    if (state == DELIVERY_PENDING) {
        walks[0] = walk_of(d, DELIVERY_PENDING);
        walks[1] = walk_of(d, STATE_WAITING);
        walks[2] = walk_of(d, STATE_LATER);
        return 3;
    }
    walks[0] = walk_of(d, state > 0 ? state : DELIVERY_DONE);
    return 1;
}

/* Newest first of all walks. */
static store_result merge(database *d, list_job *j, sqlite3_stmt *walks[3], unsigned count) {
    store_result r = STORE_OK;
    bool there[3] = {false};
    for (unsigned i = 0; r == STORE_OK && i < count; i++) {
        database_u64(walks[i], 1, (uint64_t)j->from);
        database_u64(walks[i], 2, (uint64_t)j->before);
        if (sqlite3_bind_parameter_count(walks[i]) > 2)
            database_u64(walks[i], 3, (uint64_t)j->number);
        there[i] = database_row(walks[i], &r);
    }
    while (r == STORE_OK) {
        unsigned at = count;
        for (unsigned i = 0; i < count; i++)
            if (there[i] &&
                (at == count || sqlite3_column_int64(walks[i], 0) > sqlite3_column_int64(walks[at], 0)))
                at = i;
        if (at == count)
            break;
        if (j->rows == j->limit || j->seen == SEEN_MAX) {
            j->next = sqlite3_column_int64(walks[at], 0) + 1;
            break;
        }
        r = see(d, j, walks[at]);
        if (r == STORE_OK)
            there[at] = database_row(walks[at], &r);
    }
    return r;
}

static store_result walk(database *d, list_job *j) {
    sqlite3_stmt *walks[3] = {NULL};
    unsigned count = walks_of(j, d, walks);
    for (unsigned i = 0; i < count; i++)
        if (walks[i] == NULL)
            return STORE_FAILED;
    store_result r = merge(d, j, walks, count);
    for (unsigned i = 0; i < count; i++)
        sqlite3_reset(walks[i]);
    return r;
}

/* --- the job ----------------------------------------------------------------------------------------- */

static store_result list(database *d, list_job *j) {
    const event_query *q = &j->query;
    store_result r = STORE_OK;
    if (q->target.len > 0 && (r = query_target_number(d, q->target, &j->number)) != STORE_OK)
        return r == STORE_NOT_FOUND ? STORE_OK : r; /* it never had any */
    if (q->event.len > 0) {
        int64_t number;
        if ((r = query_event_number(d, q->event, &number)) != STORE_OK)
            return r;
        j->from = number << EVENT_SHIFT;
        if (j->before > (number + 1) << EVENT_SHIFT)
            j->before = (number + 1) << EVENT_SHIFT;
    }
    return walk(d, j);
}

/* One transaction: a delivery's event cannot go between the two. */
static store_result run(store *s, database *d, store_job *job) {
    list_job *j = (list_job *)job;
    (void)s;
    store_result r = database_exec(d, "BEGIN");
    if (r == STORE_OK)
        r = list(d, j);
    if (sqlite3_get_autocommit(d->sq) == 0)
        database_exec(d, "COMMIT");
    return r == STORE_OK && j->out.failed ? STORE_FAILED : r;
}

static void deliver(loop *l, void *arg) {
    list_job *j = arg;
    bool ok = j->loop.job.result == STORE_OK;
    (void)l;
    j->done(j->loop.job.result, ok && j->out.len > 0 ? buf_str(&j->out) : STR(""), ok ? j->next : 0, j->ctx);
    buf_free(&j->out);
    free(j);
}

bool deliveries_list(store *s, const event_query *q, loop *l, events_list_done done, void *ctx) {
    list_job *j = malloc(sizeof *j + query_size(q));
    if (j == NULL)
        return false;
    *j = (list_job){.loop = {.job = {.read = run, .finish = loop_job_finish}, .l = l, .deliver = deliver},
                    .s = s,
                    .before = q->before > 0 ? q->before : INT64_MAX,
                    .limit = q->limit == 0         ? ROWS_USUAL
                             : q->limit < ROWS_MAX ? q->limit
                                                   : ROWS_MAX,
                    .done = done,
                    .ctx = ctx};
    query_copy(&j->query, q, j->texts);
    buf_init(&j->out);
    bool ok = events_submit(s, &j->loop);
    if (!ok)
        free(j);
    return ok;
}
