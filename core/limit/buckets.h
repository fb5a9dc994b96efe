/* buckets.h - limits that a service keeps for parts of itself: one for each route, or for each thing that a
 * route is about.
 *
 * Who asks names the route and the thing (scope); the service says in its answers how many requests are left
 * until when, and by an id of its own which routes share a bucket: those are one from then on, for each
 * scope. In bounded memory: BUCKETS_MAX buckets and as many routes; where there are more, one that binds
 * least goes, and its requests are let through as if nothing had been told. [any-thread] */
#ifndef LIMIT_BUCKETS_H
#define LIMIT_BUCKETS_H

#include "base/str.h"

#define BUCKETS_MAX 512u
#define BUCKET_NAME_MAX 96u

typedef struct bucket_book bucket_book;

bucket_book *buckets_new(void); /* NULL: no memory */
void buckets_free(bucket_book *b);

/* How long a request of that route and scope must wait: 0, and it is counted; else nothing is. */
uint64_t buckets_wait(bucket_book *b, bb_str route, bb_str scope, uint64_t now_ns);

/* What an answer said. */
typedef struct bucket_said {
    bb_str id;      /* of the bucket; absent: the route has one of its own */
    bool has_left;  /* `left` and `reset_ms` are known */
    uint64_t left;  /* requests until the reset */
    uint64_t limit; /* of the whole window; 0: unknown */
    uint64_t reset_ms;
    uint64_t wait_ms; /* no request before; 0: none said */
} bucket_said;

void buckets_tell(bucket_book *b, bb_str route, bb_str scope, const bucket_said *said, uint64_t now_ns);

/* Those that something is known of at this time. */
typedef struct bucket_view {
    char name[BUCKET_NAME_MAX]; /* route and scope that were last told of, cut */
    uint64_t left, limit, reset_ms, pause_ms;
} bucket_view;

size_t buckets_list(bucket_book *b, uint64_t now_ns, bucket_view *out, size_t cap);

#endif
