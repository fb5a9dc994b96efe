/* events_notes.c - events as records, from which they can be written again (ahead.c): numbers as this machine
 * has them, texts behind their lengths. */
#include "store/events_internal.h"

#define ABSENT UINT32_MAX /* the length of a text that is not there */

/* --- writing ----------------------------------------------------------------------------------------- */

static void add_text(buf *out, bb_str s) {
    uint32_t len = s.ptr != NULL ? (uint32_t)s.len : ABSENT;
    buf_add(out, &len, sizeof len);
    buf_str_add(out, s);
}

static void add_number(buf *out, uint64_t n) {
    buf_add(out, &n, sizeof n);
}

static void add_event(buf *out, const event_new *n) {
    add_number(out, n->at_ms);
    add_number(out, n->dedup_ms);
    const bb_str texts[] = {n->id, n->source, n->type, n->attributes, n->content_type, n->payload, n->dedup};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        add_text(out, texts[i]);
    add_number(out, n->target_count);
    for (size_t i = 0; i < n->target_count; i++) {
        add_text(out, n->targets[i].target);
        add_text(out, n->targets[i].key);
        add_number(out, n->targets[i].due_ms);
    }
}

void event_notes_add(const event_list *l, buf *out) {
    for (size_t i = 0; i < l->count; i++)
        if (!l->repeated[i])
            add_event(out, &l->events[i]);
}

/* --- reading ----------------------------------------------------------------------------------------- */

/* What is left of a record; of one that is cut short, `bad`. */
typedef struct record_reader {
    bb_str rest;
    bool bad;
} record_reader;

static void take(record_reader *r, void *out, size_t n) {
    memset(out, 0, n);
    r->bad = r->bad || r->rest.len < n;
    if (r->bad)
        return;
    memcpy(out, r->rest.ptr, n);
    r->rest = str_of(r->rest.ptr + n, r->rest.len - n);
}

static uint64_t take_number(record_reader *r) {
    uint64_t n;
    take(r, &n, sizeof n);
    return n;
}

static bb_str take_text(record_reader *r) {
    uint32_t len;
    take(r, &len, sizeof len);
    if (r->bad || len == ABSENT)
        return (bb_str){NULL, 0};
    r->bad = len > r->rest.len;
    if (r->bad)
        return (bb_str){NULL, 0};
    bb_str s = str_of(r->rest.ptr, len);
    r->rest = str_of(s.ptr + len, r->rest.len - len);
    return s;
}

static const event_target *take_targets(record_reader *r, size_t count, arena *a) {
    event_target *to = count <= EVENT_TARGETS_MAX ? arena_alloc(a, (count + 1) * sizeof *to) : NULL;
    r->bad = r->bad || to == NULL;
    for (size_t i = 0; !r->bad && i < count; i++) {
        to[i].target = take_text(r);
        to[i].key = take_text(r);
        to[i].due_ms = take_number(r);
    }
    return to;
}

bool event_notes_read(bb_str *record, arena *a, event_new *n) {
    record_reader r = {.rest = *record};
    *n = (event_new){.at_ms = take_number(&r)};
    n->dedup_ms = take_number(&r);
    bb_str *const texts[] = {&n->id,           &n->source,  &n->type, &n->attributes,
                             &n->content_type, &n->payload, &n->dedup};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i] = take_text(&r);
    n->target_count = (size_t)take_number(&r);
    n->targets = take_targets(&r, n->target_count, a);
    *record = r.rest;
    return !r.bad;
}

/* One that is there has its deliveries, too. */
static store_result redo_one(store *s, database *d, const event_new *n) {
    bool repeated = false;
    store_result r = event_put(s, d, n, &repeated);
    return r == STORE_EXISTS ? STORE_OK : r;
}

store_result event_notes_redo(store *s, database *d, bb_str record) {
    arena *a = arena_new(0);
    store_result r = a != NULL ? STORE_OK : STORE_FAILED;
    while (r == STORE_OK && record.len > 0) {
        event_new n;
        arena_reset(a);
        r = event_notes_read(&record, a, &n) ? redo_one(s, d, &n) : STORE_FAILED;
    }
    arena_free(a);
    return r;
}
