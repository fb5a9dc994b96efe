/* upstream.h - one credential at one host: what all connections and callers that use it share.
 *
 * A service counts its limits by credential, and fails as a whole: so rate, slots and breaker belong here and
 * not to a connection. Kept over reloads as long as a connection uses it. */
#ifndef LIMIT_UPSTREAM_H
#define LIMIT_UPSTREAM_H

#include "base/str.h"
#include "limit/breaker.h"
#include "limit/buckets.h"
#include "limit/gcra.h"
#include "limit/slots.h"

/* Places in the rate that were taken for a time to come, and given up before it came. */
typedef struct upstream_places {
    _Atomic(uint32_t) count;
    pthread_mutex_t lock; /* guards the rest */
    uint64_t *at_ns;
    uint32_t cap;
} upstream_places;

typedef struct upstream {
    gcra rate;
    upstream_places given_up;
    slots slots;
    breaker breaker;
    /* What the service said of its own limit: so many requests until then. */
    _Atomic(int64_t) told_left;         /* meaningful while told_until_ns has not come */
    _Atomic(uint64_t) told_until_ns;    /* CLOCK_MONOTONIC; 0: nothing told */
    _Atomic(uint64_t) blocked_until_ns; /* Retry-After: no request before */
    _Atomic(bucket_book *) buckets;     /* what it said of parts of itself; NULL: nothing yet */
    _Atomic(int64_t) clock_skew_ms;     /* the service's Date against ours, of the last answer that had one */
    _Atomic(uint64_t) skew_seen_ms;     /* wall clock; 0: never */
    unsigned refs;                      /* [main] */
    char key[65];
    struct upstream *next; /* of its book */
} upstream;

/* As gcra_take of the upstream's rate, but a place that was given up is taken before a later one: callers
 * that go away while they wait would else hold up all others. [any-thread] */
uint64_t upstream_rate_take(upstream *u, const gcra_policy *p, uint64_t now_ns, uint64_t max_wait_ns,
                            uint64_t *wait_ns);
/* The place at that time, which is to come, is not needed any more. [any-thread] */
void upstream_rate_leave(upstream *u, uint64_t at_ns, uint64_t now_ns);

/* How long a request must wait by what the service said: 0, and it is counted; else nothing is. [any-thread]
 */
uint64_t upstream_told_wait(upstream *u, uint64_t now_ns);
/* The service said so. [any-thread] */
void upstream_tell(upstream *u, uint64_t left, uint64_t reset_ms, uint64_t now_ns);
void upstream_block(upstream *u, uint64_t wait_ms, uint64_t now_ns);
/* The same for requests whose route is known: each bucket by itself, behind what was said to all. */
uint64_t upstream_route_wait(upstream *u, bb_str route, bb_str scope, uint64_t now_ns);
void upstream_route_tell(upstream *u, bb_str route, bb_str scope, const bucket_said *said, uint64_t now_ns);

/* All there are. [main] */
typedef struct upstream_book {
    upstream *first;
} upstream_book;
/* `key` is 64 hex digits that tell credential and host. NULL: no memory. Drop it by upstream_unref. */
upstream *upstream_get(upstream_book *b, const char *key);
void upstream_unref(upstream_book *b, upstream *u); /* NULL is fine */

#endif
