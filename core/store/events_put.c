/* events_put.c - events that come in, with a delivery for each of their targets. */
#include "store/ahead.h"
#include "store/events_dedup.h"

#include <stdlib.h>

typedef struct put_job {
    loop_job loop;
    event_list list;
    store *s;
    uint64_t bytes, taken; /* taken: of the room for events */
    events_put_done done;
    void *ctx;
} put_job;

/* --- writing ----------------------------------------------------------------------------------------- */

static store_result insert_event(store *s, database *d, const event_new *n, uint64_t hash, int64_t *number) {
    sqlite3_stmt *stmt = database_prepare(
        d, "INSERT INTO events(at_ms, id, source, type, content_type, attributes, payload, "
           "dedup, dedup_until_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?)");
    if (stmt == NULL)
        return STORE_FAILED;
    database_u64(stmt, 1, n->at_ms);
    database_text(stmt, 2, n->id);
    database_text(stmt, 3, n->source);
    database_text(stmt, 4, n->type);
    database_text(stmt, 5, n->content_type);
    database_text(stmt, 6, n->attributes);
    database_blob(stmt, 7, n->payload.ptr, n->payload.len);
    sqlite3_bind_int64(stmt, 8, (int64_t)hash);
    database_u64(stmt, 9, hash != 0 ? n->at_ms + n->dedup_ms : 0);
    store_result r = database_done(stmt);
    *number = sqlite3_last_insert_rowid(d->sq);
    events_of(s)->added++;
    return r;
}

static store_result add_deliveries(store *s, database *d, const event_new *n, int64_t number) {
    store_result r = STORE_OK;
    for (size_t i = 0; r == STORE_OK && i < n->target_count; i++) {
        const event_target *to = &n->targets[i];
        delivery_new add = {.id = (number << EVENT_SHIFT) + (int64_t)i,
                            .key = to->key,
                            .due_ms = to->due_ms > 0 ? to->due_ms : n->at_ms,
                            .event_ms = n->at_ms,
                            .later = to->due_ms > n->at_ms};
        r = targets_get(s, d, to->target, &add.t);
        if (r == STORE_OK)
            r = deliveries_add(s, d, &add);
    }
    return r;
}

/* The id of the event of that number, for a repeat of it. */
static store_result tell_first(database *d, int64_t number, char *out) {
    store_result r = STORE_OK;
    sqlite3_stmt *stmt = number > 0 ? database_prepare(d, "SELECT id FROM events WHERE number = ?") : NULL;
    out[0] = '\0';
    if (stmt == NULL)
        return number > 0 ? STORE_FAILED : STORE_OK;
    sqlite3_bind_int64(stmt, 1, number);
    if (!database_row(stmt, &r))
        return r;
    str_put(out, EVENT_FIRST, database_column(stmt, 0));
    sqlite3_reset(stmt);
    return STORE_OK;
}

store_result event_put(store *s, database *d, const event_new *n, bool *repeated) {
    bool known = n->dedup.ptr != NULL && n->dedup_ms > 0;
    uint64_t hash = known ? dedup_hash(events_of(s), n->source, n->dedup) : 0;
    int64_t number = 0;
    store_result r = dedup_catch_up(events_of(s), d);
    if (r == STORE_OK && known)
        r = dedup_look(events_of(s), d, hash, n->at_ms, n->dedup_ms, repeated, &number);
    if (r != STORE_OK || *repeated)
        return r == STORE_OK && n->first != NULL ? tell_first(d, number, n->first) : r;
    r = insert_event(s, d, n, hash, &number); /* first: where its id is taken, nothing has been changed */
    if (r == STORE_OK && !dedup_add(events_of(s), number, hash, n->at_ms + n->dedup_ms))
        r = STORE_FAILED;
    return r == STORE_OK ? add_deliveries(s, d, n, number) : r;
}

store_result event_list_put(store *s, database *d, const event_list *l) {
    store_result r = STORE_OK;
    for (size_t i = 0; r == STORE_OK && i < l->count; i++)
        r = event_put(s, d, &l->events[i], &l->repeated[i]);
    return r;
}

static store_result run(store *s, database *d, store_job *job) {
    put_job *j = (put_job *)job;
    room_spend(s, j->taken);
    room_give_back(s, j->taken);
    j->taken = 0;
    events_job(s, event_list_put(s, d, &j->list));
}

/* Of a group that failed, it may not have been run. */
static void finish(store_job *job) {
    put_job *j = (put_job *)job;
    if (j->taken > 0)
        room_give_back(j->s, j->taken);
    loop_job_finish(job);
}

/* Large ones are better written once than twice. */
static bool note(const store_job *job, buf *out) {
    const put_job *j = (const put_job *)job;
    if (j->bytes <= AHEAD_RECORD_MAX)
        event_notes_add(&j->list, out);
    return j->bytes <= AHEAD_RECORD_MAX;
}

/* --- the job ----------------------------------------------------------------------------------------- */

static void deliver(loop *l, void *arg) {
    put_job *j = arg;
    (void)l;
    j->done(j->loop.job.result, j->list.repeated, j->list.count, j->ctx);
    free(j);
}

/* Structures and texts. */
size_t event_list_size(const event_new *list, size_t count) {
    size_t bytes = count * (sizeof *list + sizeof(bool));
    for (size_t i = 0; i < count; i++) {
        const event_new *n = &list[i];
        bytes += n->id.len + n->source.len + n->type.len + n->attributes.len + n->content_type.len +
                 n->payload.len + n->dedup.len + n->target_count * sizeof *n->targets;
        for (size_t k = 0; k < n->target_count; k++)
            bytes += n->targets[k].target.len + n->targets[k].key.len;
    }
    return bytes;
}

/* Absent stays absent. */
static bb_str text_or_none(char **at, bb_str s) {
    return s.ptr != NULL ? job_text(at, s) : s;
}

static void copy_targets(const event_new *from, event_target *to, char **at) {
    for (size_t k = 0; k < from->target_count; k++) {
        to[k] = from->targets[k];
        to[k].target = job_text(at, from->targets[k].target);
        to[k].key = text_or_none(at, from->targets[k].key);
    }
}

static void copy_event(const event_new *from, event_new *to, event_target *targets, char **at) {
    *to = *from;
    to->id = job_text(at, from->id);
    to->source = job_text(at, from->source);
    to->type = job_text(at, from->type);
    to->attributes = job_text(at, from->attributes);
    to->content_type = job_text(at, from->content_type);
    to->payload = job_text(at, from->payload);
    to->dedup = text_or_none(at, from->dedup);
    to->targets = targets;
    copy_targets(from, targets, at);
}

events_fitting events_fit(const event_new *list, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (list[i].target_count > EVENT_TARGETS_MAX)
            return EVENTS_TOO_MANY_TARGETS;
        if (list[i].payload.len > EVENT_PAYLOAD_MAX)
            return EVENTS_TOO_LARGE;
    }
    return EVENTS_FIT;
}

const char *events_fitting_text(events_fitting f) {
    return f == EVENTS_TOO_LARGE ? "the event is over 256 MiB, which is more than the queue takes"
           : f == EVENTS_TOO_MANY_TARGETS
               ? "over 65536 subscriptions and routes want this event, which is more "
                 "than the queue takes: narrow their types"
               : "it fits";
}

/* Structures first, in the order of their alignment; then the flags, then the texts. */
char *event_list_copy(event_list *l, const event_new *list, size_t count, void *at) {
    size_t targets = 0;
    for (size_t i = 0; i < count; i++)
        targets += list[i].target_count;
    *l = (event_list){.count = count, .events = at};
    event_target *to = (event_target *)(l->events + count);
    l->repeated = (bool *)(to + targets);
    memset(l->repeated, 0, count * sizeof(bool));
    char *text = (char *)(l->repeated + count);
    for (size_t i = 0; i < count; i++) {
        copy_event(&list[i], &l->events[i], to, &text);
        to += list[i].target_count;
    }
    return text;
}

/* The store's result where it is not even queued. */
static store_result submit(store *s, put_job *j, bool own) {
    bool writes = s != NULL && !s->read_only;
    if (writes && !room_take(s, j->bytes, own))
        return STORE_FULL;
    j->taken = writes ? j->bytes : 0;
    if (events_submit(s, &j->loop))
        return STORE_OK;
    if (writes)
        room_give_back(s, j->bytes);
    return STORE_BUSY;
}

bool events_put(store *s, const event_new *list, size_t count, loop *l, events_put_done done, void *ctx) {
    bool fits = events_fit(list, count) == EVENTS_FIT;
    size_t bytes = fits ? sizeof(put_job) + event_list_size(list, count) : 0;
    put_job *j = fits ? malloc(bytes) : NULL;
    if (j == NULL)
        return false;
    /* One event changes nothing before its own row, the only one that may be refused. */
    *j = (put_job){.loop = {.job = {.write = run, .finish = finish, .note = note, .single = count == 1},
                            .l = l,
                            .deliver = deliver},
                   .s = s,
                   .bytes = bytes,
                   .done = done,
                   .ctx = ctx};
    event_list_copy(&j->list, list, count, j + 1);
    store_result r = submit(s, j, count > 0 && list->own);
    if (r == STORE_FULL) {
        j->loop.job.result = r;
        r = loop_post(l, deliver, j) ? STORE_OK : STORE_BUSY;
    }
    if (r != STORE_OK)
        free(j);
    return r == STORE_OK;
}
