/* freshness.h - what a service's answer says of how long it may be kept (RFC 9111 section 5.2.2), and a
 * caller's request of what it will take (section 5.2.1). */
#ifndef PIPELINE_FRESHNESS_H
#define PIPELINE_FRESHNESS_H

#include "pipeline/call.h"

typedef struct freshness {
    bool no_store, no_cache; /* no_cache: to be revalidated each time */
    bool must_revalidate;    /* not to be used stale */
    bool has_max_age;
    uint64_t max_age_ms; /* less the answer's Age */
} freshness;

/* Either may be absent. */
void freshness_read(bb_str cache_control, bb_str age, freshness *out);
/* Of all the fields of an answer: Cache-Control may be there more than once. */
void freshness_of(const str_pair *fields, size_t count, freshness *out);
void freshness_wish(bb_str cache_control, cache_wish *out);

#endif
