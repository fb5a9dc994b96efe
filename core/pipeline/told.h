/* told.h - what a service says of its own limits in the header fields of an answer.
 *
 * Understood: RateLimit of draft-ietf-httpapi-ratelimit-headers (since -08 a structured list of items with
 * parameters r and t; before, limit=, remaining=, reset=), RateLimit-Remaining and RateLimit-Reset,
 * X-RateLimit-Remaining and X-RateLimit-Reset and X-Rate-Limit-..., with a reset in seconds from now, in
 * seconds since 1970, or in milliseconds since 1970; better than that, X-RateLimit-Reset-After in seconds
 * from now with a fraction; Retry-After with 429 and 503. Where several limits are
 * told, the one that binds first counts. X-RateLimit-Bucket names the limit that is meant, where a service
 * has one for each of its routes, X-RateLimit-Scope and X-RateLimit-Global whom a 429 is about. */
#ifndef PIPELINE_TOLD_H
#define PIPELINE_TOLD_H

#include "base/str.h"

typedef struct told {
    bool has_left;     /* `left` and `reset_ms` are known */
    uint64_t left;     /* requests until the reset */
    uint64_t reset_ms; /* from now */
    uint64_t limit;    /* of the whole window; 0: not told */
    uint64_t wait_ms;  /* no request before; 0: none told */
    bb_str bucket;     /* which of the service's limits it is about; absent: not told. Owner: the answer */
    bool whole; /* a 429 is about all requests, whatever their route: X-RateLimit-Global, or it names none */
} told;

/* `now_ms`: wall clock. Resets beyond a day are cut to a day: a service that says more is not believed. */
void told_read(const str_pair *fields, size_t count, unsigned status, uint64_t now_ms, told *out);

#endif
