/* deliveries_finish.c - what became of deliveries: each attempt is recorded, and the state that follows. */
#include "store/events_internal.h"

#include <stdlib.h>

typedef struct finish_job {
    loop_job loop;
    size_t count;
    delivery_outcome *list;
    event_list events;
    size_t event_bytes;
    events_done done;
    void *ctx;
} finish_job;

static store_result add_attempt(database *d, const delivery_outcome *o) {
    sqlite3_stmt *stmt = database_prepare(
        d, "INSERT INTO attempts(delivery, number, at_ms, duration_ms, status, text) VALUES(?1, (SELECT "
           "ifnull(max(number), 0) + 1 FROM attempts WHERE delivery = ?1), ?2, ?3, ?4, ?5)");
    database_u64(stmt, 1, (uint64_t)o->id);
    database_u64(stmt, 2, o->at_ms);
    database_u64(stmt, 3, o->duration_ms);
    database_u64(stmt, 4, o->status);
    database_text(stmt, 5, o->text);
    return database_done(stmt);
}

/* What has ended, by somebody's hand or by itself, stays so, unless it came through after all. */
static int state_after(const delivery_outcome *o, int was) {
    if (o->state == DELIVERY_DONE || was > 0)
        return o->state == DELIVERY_DONE ? DELIVERY_DONE : was;
    if (o->state == DELIVERY_PENDING && was == STATE_WAITING) /* taken back and begun anew meanwhile */
        return STATE_WAITING;
    return o->state == DELIVERY_PENDING ? STATE_LATER : (int)o->state;
}

/* DEAD and CANCELLED keep in due_ms since when they are. */
static store_result finish_one(store *s, database *d, const delivery_outcome *o) {
    delivery_row was;
    store_result r = delivery_read(d, o->id, &was);
    if (r != STORE_OK)
        return r == STORE_NOT_FOUND ? STORE_OK : r;
    delivery_row is = was;
    is.state = state_after(o, was.state);
    if (o->attempted)
        is.attempts++;
    if (o->attempted && is.state == STATE_LATER)
        is.batch = o->batch;
    if (is.state == STATE_LATER)
        is.due_ms = time_due(s, o->due_ms);
    else if ((is.state == DELIVERY_DEAD || is.state == DELIVERY_CANCELLED) && was.state != is.state)
        is.due_ms = o->at_ms;
    if (o->attempted)
        r = add_attempt(d, o);
    return r == STORE_OK ? delivery_write(s, d, &was, &is) : r;
}

static store_result finish_all(store *s, database *d, const finish_job *j) {
    store_result r = event_list_put(s, d, &j->events);
    for (size_t i = 0; r == STORE_OK && i < j->count; i++)
        r = finish_one(s, d, &j->list[i]);
    return r;
}

static store_result run(store *s, database *d, store_job *job) {
    room_spend(s, ((finish_job *)job)->event_bytes);
    events_job(s, finish_all(s, d, (finish_job *)job));
}

static void deliver(loop *l, void *arg) {
    finish_job *j = arg;
    (void)l;
    if (j->done != NULL)
        j->done(j->loop.job.result, j->ctx);
    free(j);
}

static size_t kept(bb_str text) {
    return text.len < ANSWER_MAX ? text.len : ANSWER_MAX;
}

bool deliveries_finish(store *s, const delivery_outcome *list, size_t count, events_with with, loop *l,
                       events_done done, void *ctx) {
    if (events_fit(with.list, with.count) != EVENTS_FIT)
        return false;
    size_t event_bytes = event_list_size(with.list, with.count), bytes = event_bytes;
    for (size_t i = 0; i < count; i++)
        bytes += kept(list[i].text);
    finish_job *j = malloc(sizeof *j + count * sizeof *list + bytes);
    if (j == NULL)
        return false;
    *j = (finish_job){.loop = {.job = {.write = run, .finish = loop_job_finish},
                               .l = done != NULL ? l : NULL,
                               .deliver = deliver},
                      .count = count,
                      .list = (delivery_outcome *)(j + 1),
                      .event_bytes = event_bytes,
                      .done = done,
                      .ctx = ctx};
    char *at = event_list_copy(&j->events, with.list, with.count, j->list + count);
    for (size_t i = 0; i < count; i++) {
        j->list[i] = list[i];
        j->list[i].text = job_text(&at, str_of(list[i].text.ptr, kept(list[i].text)));
    }
    bool ok = events_submit(s, &j->loop);
    if (!ok)
        free(j);
    return ok;
}
