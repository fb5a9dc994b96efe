/* events_fixture.h - a queue in a folder of its own, and calls that wait for their answer. */
#ifndef STORE_EVENTS_FIXTURE_H
#define STORE_EVENTS_FIXTURE_H

#include "fixture.h"

#include "store/events_internal.h"

#define NOW 1700000000000u /* ms: the time of these tests */

static inline void queue_open(fixture *f) {
    *f = (fixture){.folder = "/tmp/busbar-events-XXXXXX"};
    err e = {""};
    ck_assert_ptr_nonnull(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/events.db", f->folder);
    f->s = events_open(f->path, &e);
    ck_assert_msg(f->s != NULL, "%s", e.text);
    f->l = loop_new(0);
    f->a = arena_new(0);
    ck_assert(f->l != NULL && f->a != NULL && loop_start(f->l));
    sem_init(&f->sem, 0, 0);
}

static inline void queue_reopen(fixture *f) {
    err e = {""};
    store_close(f->s);
    f->s = events_open(f->path, &e);
    ck_assert_msg(f->s != NULL, "%s", e.text);
}

/* --- putting ------------------------------------------------------------------------------------------- */

typedef struct put_told {
    fixture *f;
    store_result r;
    bool repeated[16];
    size_t count;
} put_told;

static inline void note_put(store_result r, const bool *repeated, size_t count, void *ctx) {
    put_told *o = ctx;
    o->r = r;
    o->count = count;
    for (size_t i = 0; i < count && i < 16; i++)
        o->repeated[i] = repeated[i];
    sem_post(&o->f->sem);
}

static inline put_told put_events(fixture *f, const event_new *list, size_t count) {
    put_told o = {.f = f};
    ck_assert(events_put(f->s, list, count, f->l, note_put, &o));
    sem_wait(&f->sem);
    return o;
}

/* One event for one target. */
static inline store_result put_one(fixture *f, const char *id, const char *name, const char *key,
                                   uint64_t at_ms) {
    const event_target to = {.target = str_from(name), .key = str_from(key)};
    const event_new n = {.id = str_from(id),
                         .source = STR("api"),
                         .type = STR("order.paid"),
                         .attributes = STR("{}"),
                         .content_type = STR("application/json"),
                         .payload = STR("{\"n\":1}"),
                         .at_ms = at_ms,
                         .targets = &to,
                         .target_count = name != NULL};
    return put_events(f, &n, 1).r;
}

/* A store that cannot write is tried once a second. */
static inline void put_until_it_is_taken(fixture *f, const char *id) {
    store_result r = STORE_FAILED;
    for (int i = 0; i < 1000 && r != STORE_OK; i++)
        if ((r = put_one(f, id, "subscription/a", NULL, NOW)) != STORE_OK)
            usleep(10000);
    ck_assert_int_eq(r, STORE_OK);
}

/* --- what is due --------------------------------------------------------------------------------------- */

typedef struct due_told {
    fixture *f;
    store_result r;
    size_t count;
    uint64_t next_ms;
    struct {
        int64_t id;
        uint32_t attempts;
        int64_t batch;
        uint64_t due_ms, event_ms;
        char key[32], event[40], source[40], type[40], payload[64], attributes[64], content_type[40];
    } list[64];
} due_told;

static inline void note_due(store_result r, const delivery *list, size_t count, uint64_t next_ms, void *ctx) {
    due_told *o = ctx;
    o->r = r;
    o->count = count;
    o->next_ms = next_ms;
    for (size_t i = 0; i < count && i < 64; i++) {
        o->list[i].id = list[i].id;
        o->list[i].attempts = list[i].attempts;
        o->list[i].batch = list[i].batch;
        o->list[i].due_ms = list[i].due_ms;
        o->list[i].event_ms = list[i].event_ms;
        str_put(o->list[i].key, sizeof o->list[i].key, list[i].key);
        str_put(o->list[i].event, sizeof o->list[i].event, list[i].event);
        str_put(o->list[i].source, sizeof o->list[i].source, list[i].source);
        str_put(o->list[i].type, sizeof o->list[i].type, list[i].type);
        str_put(o->list[i].payload, sizeof o->list[i].payload, list[i].payload);
        str_put(o->list[i].attributes, sizeof o->list[i].attributes, list[i].attributes);
        str_put(o->list[i].content_type, sizeof o->list[i].content_type, list[i].content_type);
    }
    sem_post(&o->f->sem);
}

static inline due_told due_but(fixture *f, const char *name, uint64_t now_ms, size_t max,
                               const int64_t *except, size_t except_count) {
    due_told o = {.f = f};
    ck_assert(
        deliveries_due(f->s, str_from(name), now_ms, except, except_count, max, 1 << 20, f->l, note_due, &o));
    sem_wait(&f->sem);
    return o;
}

static inline due_told due(fixture *f, const char *name, uint64_t now_ms, size_t max) {
    return due_but(f, name, now_ms, max, NULL, 0);
}

/* --- what became of it --------------------------------------------------------------------------------- */

static inline store_result finish_in(fixture *f, int64_t id, int64_t batch, delivery_state state,
                                     uint64_t due_ms, uint64_t at_ms) {
    told o = {.f = f};
    const delivery_outcome outcome = {.id = id,
                                      .state = state,
                                      .due_ms = due_ms,
                                      .attempted = state != DELIVERY_CANCELLED && state != DELIVERY_FILTERED,
                                      .at_ms = at_ms,
                                      .duration_ms = 7,
                                      .status = state == DELIVERY_DONE ? 200 : 503,
                                      .text = STR("what it said"),
                                      .batch = batch};
    ck_assert(deliveries_finish(f->s, &outcome, 1, (events_with){0}, f->l, note_result, &o));
    sem_wait(&f->sem);
    return o.r;
}

static inline store_result finish(fixture *f, int64_t id, delivery_state state, uint64_t due_ms,
                                  uint64_t at_ms) {
    return finish_in(f, id, 0, state, due_ms, at_ms);
}

static inline target_counts counts_of(fixture *f, const char *name) {
    target_counts c;
    store_flush(f->s); /* what is told of may be in a transaction yet that others do not see */
    ck_assert(events_target_counts(f->s, str_from(name), &c));
    return c;
}

/* --- lists and changes --------------------------------------------------------------------------------- */

typedef struct list_told {
    fixture *f;
    store_result r;
    char json[8192];
    int64_t next;
} list_told;

static inline void note_list(store_result r, bb_str json, int64_t next, void *ctx) {
    list_told *o = ctx;
    o->r = r;
    o->next = next;
    str_put(o->json, sizeof o->json, json);
    sem_post(&o->f->sem);
}

static inline list_told list_of(fixture *f, bool deliveries, event_query q) {
    list_told o = {.f = f};
    ck_assert((deliveries ? deliveries_list : events_list)(f->s, &q, f->l, note_list, &o));
    sem_wait(&f->sem);
    return o;
}

typedef struct change_told {
    fixture *f;
    store_result r;
    uint64_t count;
} change_told;

static inline void note_change(store_result r, uint64_t count, void *ctx) {
    change_told *o = ctx;
    o->r = r;
    o->count = count;
    sem_post(&o->f->sem);
}

static inline uint64_t redrive_all(fixture *f, event_query q, uint64_t now_ms) {
    change_told o = {.f = f};
    ck_assert(deliveries_redrive(f->s, &q, now_ms, f->l, note_change, &o));
    sem_wait(&f->sem);
    ck_assert_int_eq(o.r, STORE_OK);
    return o.count;
}

static inline uint64_t replay_all(fixture *f, event_query q, uint64_t now_ms) {
    change_told o = {.f = f};
    ck_assert(events_replay(f->s, &q, now_ms, &(events_rule){.key = NULL}, f->l, note_change, &o));
    sem_wait(&f->sem);
    ck_assert_int_eq(o.r, STORE_OK);
    return o.count;
}

static inline uint64_t purge_all(fixture *f, event_query q) {
    change_told o = {.f = f};
    ck_assert(deliveries_purge(f->s, &q, f->l, note_change, &o));
    sem_wait(&f->sem);
    ck_assert_int_eq(o.r, STORE_OK);
    return o.count;
}

static inline int64_t number_of(fixture *f, const char *sql) {
    store_flush(f->s);
    store_flush(f->s);
    return database_number(&f->s->main, sql, -1);
}

#endif
