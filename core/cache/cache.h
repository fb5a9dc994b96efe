/* Room cache: outputs of operations, kept for a while. It includes base; pipeline, api and hub include it. */

/* cache.h - answers by key, for all loops: shards under a lock each, least recently used first out, a cap on
 * bytes.
 *
 * An entry is immutable and counted: whoever found it drops it. Times are wall clock in milliseconds. */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "base/arena.h"
#include "base/loop.h"
#include "base/pattern.h"
#include "base/problem.h"

#include <stdatomic.h>

typedef struct cache cache;

typedef struct cache_entry {
    bb_str data; /* JSON text */
    bb_str next_cursor;
    bb_str etag, modified; /* of the service's answer; absent: none */
    bool paginated, truncated;
    bool strict; /* not to be used past `fresh_until_ms` without asking the service */
    unsigned upstream_status;
    uint64_t stored_ms; /* or last found to be still valid */
    uint64_t fresh_until_ms;
    uint64_t bytes; /* all of it, counted against the cap */
    /* private: */
    _Atomic(uint32_t) refs;
    uint64_t hash;
    bb_str key, connection, operation;
    struct cache_entry *next;          /* of its bucket */
    struct cache_entry *newer, *older; /* of its shard, by use */
} cache_entry;

cache *cache_new(uint64_t max_bytes); /* 0: nothing is kept */
void cache_free(cache *c);

/* A key is any text; `hash` is cache_hash of it. */
uint64_t cache_hash(const cache *c, bb_str key);

/* The entry, fresh or not, counted; NULL: none. [any-thread] */
cache_entry *cache_find(cache *c, bb_str key, uint64_t hash);
void cache_entry_drop(cache_entry *e); /* NULL is fine [any-thread] */
cache_entry *cache_entry_hold(cache_entry *e);

/* What is put in; all is copied. */
typedef struct cache_fill {
    bb_str key, connection, operation;
    uint64_t hash;
    cache_entry like; /* data, next_cursor, etag, modified, flags and times */
} cache_fill;
/* In place of an older one of that key. Gives it, counted for the caller; NULL: no memory. Whether it stays
 * is up to the cap: one that is greater than a sixteenth of it (a shard's share) is given, but not kept.
 * [any-thread] */
cache_entry *cache_put(cache *c, const cache_fill *fill);
/* Removes those of a connection (absent: all) whose operation fits; gives how many. [any-thread] */
uint64_t cache_purge(cache *c, bb_str connection, const patterns *operations);

/* How often something was purged: an answer that was asked for before the last purge is not to be put in
 * after it. [any-thread]
 */
uint64_t cache_purges(const cache *c);

typedef struct cache_counts {
    uint64_t entries, bytes, max_bytes, evictions;
} cache_counts;
void cache_count(cache *c, cache_counts *out); /* [any-thread] */

/* --- single flight: of those who miss the same key at once, one asks the service and the others wait
 * --------- */

/* Why those who waited missed their answer, told to each in the same words. Counted. */
typedef struct cache_failure {
    _Atomic(uint32_t) refs;
    problem problem;
    bool retryable;
    unsigned upstream_status;
    uint64_t retry_after_ms;
    bb_str detail, upstream_code;
} cache_failure;

typedef enum {
    FLIGHT_FILLED, /* `entry` is the answer, counted for the waiter */
    FLIGHT_FAILED, /* `failure` says why, counted for the waiter */
    FLIGHT_ALONE,  /* the answer cannot be shared: ask for yourself */
    FLIGHT_LEAD    /* the leader was cancelled: you are it */
} flight_end;

typedef struct cache_flight cache_flight;
typedef struct cache_wait cache_wait;
typedef void (*flight_ended)(flight_end how, cache_entry *entry, cache_failure *failure, cache_flight *flight,
                             void *ctx);

/* True: you lead, *flight is yours to end. False: you wait, `ended` will be called on loop `l`, unless *wait
 * is cancelled; or there is no memory: both are NULL, ask for yourself. [loop] */
bool cache_join(cache *c, bb_str key, uint64_t hash, loop *l, flight_ended ended, void *ctx,
                cache_flight **flight, cache_wait **wait);
/* The leader's word to all who wait: `entry` or `failure` as `how` says. FLIGHT_LEAD: the first who waits
 * leads on. The flight is over. [loop] */
void cache_flight_end(cache *c, cache_flight *flight, flight_end how, cache_entry *entry,
                      const cache_failure *failure);
/* Waits no more. [loop] */
void cache_wait_cancel(cache *c, cache_wait *w);
void cache_failure_drop(cache_failure *f);

#endif
