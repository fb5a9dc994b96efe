/* events_list.c - events as JSON, newest first, on the reader's thread. */
#include "base/clock.h"
#include "store/events_query.h"
#include "json/json.h"

#include <stdlib.h>

#define ROWS_USUAL 100u
#define ROWS_MAX 1000u
#define SEEN_MAX 20000u       /* rows looked at for one page: some ten milliseconds */
#define BYTES_MAX (16u << 20) /* of a page: it ends early beyond */

typedef struct list_job {
    loop_job loop;
    event_query query;
    events_list_done done;
    void *ctx;
    buf out;
    int64_t next;
    char texts[];
} list_job;

/* --- an event ---------------------------------------------------------------------------------------- */

static void put_base64(buf *out, bb_str bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        unsigned n = (unsigned)(uint8_t)bytes.ptr[i] << 16;
        n |= left > 1 ? (unsigned)(uint8_t)bytes.ptr[i + 1] << 8 : 0;
        n |= left > 2 ? (unsigned)(uint8_t)bytes.ptr[i + 2] : 0;
        buf_char(out, digits[n >> 18]);
        buf_char(out, digits[n >> 12 & 63]);
        buf_char(out, left > 1 ? digits[n >> 6 & 63] : '=');
        buf_char(out, left > 2 ? digits[n & 63] : '=');
    }
}

/* A text that is JSON goes in as it is. */
static bool put_json(json_writer *w, const char *name, bb_str text) {
    arena *a = arena_new(0);
    bool is = a != NULL && text.len > 0 && json_read(a, text, NULL, NULL) != NULL;
    arena_free(a);
    if (!is)
        return false;
    json_key(w, str_from(name));
    json_put_raw(w, text);
    return true;
}

static void put_payload(json_writer *w, bb_str payload) {
    if (put_json(w, "payload", payload))
        return;
    buf encoded;
    buf_init(&encoded);
    put_base64(&encoded, payload);
    w->failed = w->failed || encoded.failed;
    json_member_string(w, STR("payload_base64"), buf_str(&encoded));
    buf_free(&encoded);
}

/* How many of its deliveries are in each state. */
static store_result put_deliveries(database *d, json_writer *w, int64_t number) {
    uint64_t counts[DELIVERY_CANCELLED + 1] = {0};
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT state, count(*) FROM deliveries WHERE id >= ?1 AND id < ?2 GROUP BY state");
    database_u64(stmt, 1, (uint64_t)number << EVENT_SHIFT);
    database_u64(stmt, 2, (uint64_t)(number + 1) << EVENT_SHIFT);
    while (database_row(stmt, &r)) {
        int state = sqlite3_column_int(stmt, 0);
        if (state <= DELIVERY_CANCELLED)
            counts[state > 0 ? state : DELIVERY_PENDING] += database_column_u64(stmt, 1);
    }
    json_keyl(w, "deliveries");
    json_object(w);
    for (int state = 0; state <= DELIVERY_CANCELLED; state++)
        if (counts[state] > 0)
            json_member_u64(w, str_from(delivery_state_name(state)), counts[state]);
    json_object_end(w);
    return r;
}

/* The columns of both statements begin alike; the payload, or its length, is the last. */
static store_result put_event(database *d, list_job *j, sqlite3_stmt *row, bool whole) {
    json_writer w;
    if (j->out.len > 0)
        buf_char(&j->out, ',');
    json_writer_init(&w, &j->out);
    json_object(&w);
    json_member_string(&w, STR("id"), database_column(row, 2));
    json_member_string(&w, STR("source"), database_column(row, 3));
    json_member_string(&w, STR("type"), database_column(row, 4));
    json_member_time(&w, STR("at"), database_column_u64(row, 1));
    json_member_string(&w, STR("content_type"), database_column(row, 5));
    put_json(&w, "attributes", database_column(row, 6));
    if (whole)
        put_payload(&w, database_column(row, 7));
    else
        json_member_u64(&w, STR("bytes"), database_column_u64(row, 7));
    store_result r = put_deliveries(d, &w, sqlite3_column_int64(row, 0));
    json_object_end(&w);
    return r == STORE_OK && !json_writer_finish(&w) ? STORE_FAILED : r;
}

/* --- walking ----------------------------------------------------------------------------------------- */

static store_result list_one(database *d, list_job *j) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(d, "SELECT number, at_ms, id, source, type, content_type, "
                                             "attributes, payload FROM events WHERE id = ?");
    database_text(stmt, 1, j->query.event);
    if (!database_row(stmt, &r))
        return r == STORE_OK ? STORE_NOT_FOUND : r;
    r = put_event(d, j, stmt, true);
    sqlite3_reset(stmt);
    return r;
}

static store_result list_many(database *d, list_job *j) {
    const event_query *q = &j->query;
    size_t limit = q->limit == 0 ? ROWS_USUAL : q->limit < ROWS_MAX ? q->limit : ROWS_MAX, rows = 0, seen = 0;
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = database_prepare(
        d, "SELECT number, at_ms, id, source, type, content_type, attributes, "
           "length(payload) FROM events WHERE number < ? ORDER BY number DESC");
    database_u64(stmt, 1, q->before > 0 ? (uint64_t)q->before : INT64_MAX);
    while (r == STORE_OK && database_row(stmt, &r)) {
        if (rows == limit || seen == SEEN_MAX || j->out.len > BYTES_MAX) {
            j->next = sqlite3_column_int64(stmt, 0) + 1;
            break;
        }
        seen++;
        if (query_fits(q, database_column_u64(stmt, 1), database_column(stmt, 3), database_column(stmt, 4))) {
            r = put_event(d, j, stmt, false);
            rows++;
        }
    }
    sqlite3_reset(stmt);
    return r;
}

static store_result run(store *s, database *d, store_job *job) {
    list_job *j = (list_job *)job;
    (void)s;
    store_result r = j->query.event.len > 0 ? list_one(d, j) : list_many(d, j);
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

bool events_list(store *s, const event_query *q, loop *l, events_list_done done, void *ctx) {
    list_job *j = malloc(sizeof *j + query_size(q));
    if (j == NULL)
        return false;
    *j = (list_job){.loop = {.job = {.read = run, .finish = loop_job_finish}, .l = l, .deliver = deliver},
                    .done = done,
                    .ctx = ctx};
    query_copy(&j->query, q, j->texts);
    buf_init(&j->out);
    bool ok = events_submit(s, &j->loop);
    if (!ok)
        free(j);
    return ok;
}
