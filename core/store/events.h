/* events.h - the durable queue: events, and what each of them must still reach.
 *
 * An event is written once, together with one delivery for every target that is to get it, in one
 * transaction. A target is who gets events: a subscription, or a route of an endpoint, known here by a text.
 * A delivery is due from `due_ms` on and stays pending until its outcome is committed: a process that ends at
 * any moment, however, leaves it to be read again. So everything arrives at least once; nothing is kept in
 * memory alone.
 *
 * One hub at a time owns a target (a lease, which it renews). So that order, rate and concurrency of a target
 * need no agreement between hubs, and no row is written to begin a delivery.
 *
 * The queue is a file of its own, with a writer of its own: a store* here is what events_open gave. Times
 * are wall clock, milliseconds since 1970; where the clock jumps, either way, what is due comes when it was
 * to come by then (events_clock.h). Everything given is copied. Callbacks run on the loop named. [any-thread]
 */
#ifndef STORE_EVENTS_H
#define STORE_EVENTS_H

#include "store/store.h"

/* Opens (or makes) the queue's file, as store_open. */
store *events_open(const char *path, err *e);

/* --- what comes in ----------------------------------------------------------------------------------- */

typedef struct event_target {
    bb_str target; /* "subscription/ID", "endpoint/ID/ROUTE" */
    bb_str
        key; /* deliveries of one target and key are done one at a time, in their order; absent: no order */
    uint64_t due_ms; /* not before then; 0: now */
} event_target;

#define EVENT_FIRST 64u

typedef struct event_new {
    bb_str id;         /* of the hub, unique; sorts by time */
    bb_str source;     /* "endpoint/ID", "api" */
    bb_str type;       /* "invoice.paid"; empty: none */
    bb_str attributes; /* JSON object text: what else is known (CloudEvents attributes, header fields kept,
                          peer) */
    bb_str content_type;
    bb_str payload;    /* raw */
    bb_str dedup;      /* by which its source knows it; absent: none */
    uint64_t dedup_ms; /* how long a further event of that source and dedup is a repeat; 0: none is */
    uint64_t at_ms;
    const event_target *targets;
    size_t target_count;
    /* Of a repeat, gets the id of the event that it repeats, NUL-terminated, "" where that is not kept any
     * more; EVENT_FIRST bytes, of the caller's, which stay until done is called. NULL: it is not asked. */
    char *first;
    bool own; /* the hub's, of what it has taken: there is room for it a little longer. All of a put, or none
               */
} event_new;

#define EVENT_TARGETS_MAX 65536u       /* of one event */
#define EVENT_PAYLOAD_MAX (256u << 20) /* bytes: below what a row may hold */

typedef enum { EVENTS_FIT, EVENTS_TOO_LARGE, EVENTS_TOO_MANY_TARGETS } events_fitting;
/* Whether they can be put at all, now or later. */
events_fitting events_fit(const event_new *events, size_t count);
const char *events_fitting_text(events_fitting f);

/* Of a repeat, nothing was written. STORE_OK: all that are no repeats are on disk. */
typedef void (*events_put_done)(store_result r, const bool *repeated, size_t count, void *ctx);
/* All of them or none. False: STORE_BUSY or no memory, or they do not fit; and done never runs. */
bool events_put(store *s, const event_new *events, size_t count, loop *l, events_put_done done, void *ctx);

/* --- who owns a target ---------------------------------------------------------------------------------- */

/* Takes or renews the leases of these targets for this process until `until_ms`; own[i] tells which are ours.
 * A lease of a process that has ended on this machine with this file is over at once. */
typedef void (*events_own_done)(store_result r, const bool *own, size_t count, void *ctx);
bool events_own(store *s, const bb_str *targets, size_t count, uint64_t now_ms, uint64_t until_ms, loop *l,
                events_own_done done, void *ctx);

/* --- what is due ------------------------------------------------------------------------------------------
 */

typedef struct delivery {
    int64_t id;
    uint32_t attempts; /* so far */
    int64_t batch;     /* those that failed in one request have the same; 0: it was alone, or not tried yet */
    uint64_t due_ms;
    bb_str key;
    bb_str event, source, type, attributes, content_type, payload; /* the event's */
    uint64_t event_ms;
} delivery;

/* Oldest due first; of one key only the first. `next_ms`: when the next one not given is due; 0: none is
 * left. `list` lives until done returns. */
typedef void (*deliveries_due_done)(store_result r, const delivery *list, size_t count, uint64_t next_ms,
                                    void *ctx);
/* Those due by `now_ms`, but for `except` (under way with the caller), at most `max` and some `max_bytes` of
 * payload, at least one. */
bool deliveries_due(store *s, bb_str target, uint64_t now_ms, const int64_t *except, size_t except_count,
                    size_t max, size_t max_bytes, loop *l, deliveries_due_done done, void *ctx);

/* --- what became of it
 * -------------------------------------------------------------------------------------- */

typedef enum {
    DELIVERY_PENDING, /* again at due_ms */
    DELIVERY_DONE,
    DELIVERY_FILTERED, /* the target's filter said no */
    DELIVERY_DEAD,     /* given up: in the dead-letter queue */
    DELIVERY_CANCELLED /* its target is gone, or somebody said so */
} delivery_state;

typedef struct delivery_outcome {
    int64_t id;
    delivery_state state;
    uint64_t due_ms; /* of DELIVERY_PENDING */
    bool attempted;  /* it is an attempt, to be recorded; else only the state changes */
    uint64_t at_ms, duration_ms;
    unsigned status; /* of the answer; 0: there was none */
    bb_str text;     /* error, or an excerpt of the answer: cut to 1 KiB; no secrets */
    int64_t batch;   /* of DELIVERY_PENDING: as a delivery's */
} delivery_outcome;

typedef void (*events_done)(store_result r, void *ctx);
/* Events that come of it, or tell of it, in the same transaction: there is no one without the other. */
typedef struct events_with {
    const event_new *list;
    size_t count; /* 0: none */
} events_with;
/* All or none. Unknown ids (purged meanwhile) are passed over. `done` may be NULL. */
bool deliveries_finish(store *s, const delivery_outcome *list, size_t count, events_with with, loop *l,
                       events_done done, void *ctx);
/* Whether the disk has room for so many bytes of such events, which they have to themselves until they are
 * given back: once they are written, or will not be. */
bool events_reserve(store *s, uint64_t bytes);
void events_unreserve(store *s, uint64_t bytes);

/* --- looking, and changing by hand
 * ---------------------------------------------------------------------------- */

/* Of a change: what its target did not get, and will not: dead and cancelled. */
#define DELIVERY_LOST (-2)

/* Which events or deliveries: absent, empty, 0 and -1 mean all. */
typedef struct event_query {
    bb_str event, source, type; /* the last two: patterns as in base/pattern.h */
    bb_str target;
    int state;                   /* a delivery_state, DELIVERY_LOST; -1: any */
    uint64_t since_ms, until_ms; /* of the event */
    int64_t before;              /* row: newest first, below this one; 0: from the newest */
    size_t limit;                /* of rows; 0: 100 */
} event_query;

/* Rows as JSON, newest first: `json` is an array's elements, joined by commas; `next` is `before` of the next
 * page, 0: there is none. Events have no payload in a list; one event (q->event given) has, as JSON where it
 * is, else base64. Deliveries carry their attempts where q->event is given. */
typedef void (*events_list_done)(store_result r, bb_str json, int64_t next, void *ctx);
bool events_list(store *s, const event_query *q, loop *l, events_list_done done, void *ctx);
bool deliveries_list(store *s, const event_query *q, loop *l, events_list_done done, void *ctx);

/* A change goes on piece by piece. What went wrong in between ends it: `count` is what was changed until
 * then. */
typedef void (*events_changed)(store_result r, uint64_t count, void *ctx);
/* DEAD (or whatever state q says) becomes pending again, due now, its attempts counted anew. PENDING: what
 * waits for its next attempt is due now. */
bool deliveries_redrive(store *s, const event_query *q, uint64_t now_ms, loop *l, events_changed done,
                        void *ctx);
/* The key of an event by which its target orders it, as slices of the payload or of what is in `a`; absent:
 * none. On the queue's own thread. */
typedef bb_str (*events_key)(const void *rule, bb_str payload, arena *a);
/* Whether a target gets events of that source and type. On the queue's own thread. */
typedef bool (*events_wants)(const void *rule, bb_str source, bb_str type);
typedef struct events_rule {
    events_key key;     /* NULL: those that the target had have the key that they had then */
    events_wants wants; /* NULL: all that the query finds */
    const void *of;     /* lives until done */
} events_rule;
/* New deliveries to q->target of the events that q finds, whether it had them before or not. */
bool events_replay(store *s, const event_query *q, uint64_t now_ms, const events_rule *rule, loop *l,
                   events_changed done, void *ctx);
/* Deliveries of that state (DEAD where q says none) are removed; pending ones become CANCELLED. */
bool deliveries_purge(store *s, const event_query *q, loop *l, events_changed done, void *ctx);
/* What waits for this target becomes CANCELLED, unless a process has owned the target within `idle_ms`:
 * then STORE_EXISTS, and nothing is changed. */
bool deliveries_abandon(store *s, bb_str target, uint64_t idle_ms, loop *l, events_changed done, void *ctx);

/* The hub stops: changes that are under way end after their piece with STORE_BUSY, and none begins any more.
 * [any-thread] */
void events_stop_changes(store *s);

/* --- a target's own state
 * ---------------------------------------------------------------------------------------- */

typedef struct target_counts {
    uint64_t pending, dead, done;
    uint64_t oldest_ms; /* of the oldest pending event; 0: none */
} target_counts;
/* Kept by the writer as it writes; cheap to ask, at any time. False: the target is unknown (all zero). */
bool events_target_counts(const store *s, bb_str target, target_counts *out);

/* Names of the targets for which something waits, or that have a state; in `a`. NULL: no memory. */
const bb_str *events_targets_left(const store *s, arena *a, size_t *count);

/* Of all targets together. */
void events_total_counts(const store *s, target_counts *out);

/* A JSON text that belongs to a target (since when it fails, that it is disabled and why): read at once from
 * memory, in `a`; absent: none. */
bb_str events_target_state(store *s, bb_str target, arena *a);
bool events_target_set_state(store *s, bb_str target, bb_str json, loop *l, events_done done, void *ctx);

/* How much time has passed since that moment of the wall clock: what it has jumped by is none. 0 of 0, and of
 * what is to come. [any-thread] */
uint64_t events_age_ms(const store *s, uint64_t stamp_ms);

/* --- keeping
 * ------------------------------------------------------------------------------------------------------- */

/* Events older than keep_ms (0: any age) or beyond keep_bytes (0: any size), of which no delivery is pending,
 * are removed little by little, with their deliveries; those with dead ones not before dead_ms after they
 * died (0: never), those that are too old with cancelled ones not before keep_ms after they were. Their room
 * in the file is used again, and given back. To be called now and then, once a second, for what grows old
 * while nothing comes in. */
void events_keep(store *s, uint64_t keep_ms, uint64_t dead_ms, uint64_t keep_bytes);

#endif
