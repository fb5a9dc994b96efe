/* policies.h - what a connection's conf file says of the pipeline's stages: [limits], [breaker], [cache],
 * [fallback], [access], [transform], [errors], [validation]. Immutable. */
#ifndef REGISTRY_POLICIES_H
#define REGISTRY_POLICIES_H

#include "base/pattern.h"
#include "base/problem.h"
#include "conf/conf.h"
#include "limit/breaker.h"
#include "limit/rate.h"

typedef struct limit_policy {
    gcra_policy rate;              /* interval 0: none */
    uint32_t concurrency;          /* requests at once; 0: no bound */
    uint64_t max_wait_ms;          /* for a place; UINT64_MAX: as long as the call's deadline allows */
    bool adapt;                    /* heed what the service says of its own limits */
    uint64_t quota[QUOTA_PERIODS]; /* calls; 0: none */
} limit_policy;

typedef struct cache_policy {
    bool on;
    bool respect; /* the service's Cache-Control */
    uint64_t ttl_ms;
    uint64_t stale_revalidate_ms, stale_error_ms; /* beyond the ttl */
    uint64_t max_entry;                           /* bytes of an output */
    patterns operations;                          /* those that may be cached, of the safe ones */
} cache_policy;

typedef struct fallback_policy {
    bb_str connection; /* absent: none */
    bb_str document;   /* JSON text; absent: none */
    uint64_t stale_ms; /* a cached answer as old as this beyond its ttl; 0: none */
    bool on[PROBLEM_COUNT];
} fallback_policy;

typedef struct transform_policy {
    const char *request, *response; /* jq programs; NULL: none */
    uint64_t timeout_ms;
    patterns operations;
} transform_policy;

/* One rule of [errors]: an answer of this status and code is that problem. */
typedef struct error_rule {
    unsigned status; /* 0: any */
    bb_str code;     /* absent: any */
    problem problem;
} error_rule;

typedef struct error_policy {
    bb_str message, code; /* JSON Pointers into the service's answer; absent: the connector's word */
    const error_rule *rules;
    size_t count;
} error_policy;

typedef enum { OUTPUT_COUNTED, OUTPUT_STRICT, OUTPUT_UNCHECKED } output_check;

typedef struct policies {
    limit_policy limits;
    breaker_policy breaker;
    cache_policy cache;
    fallback_policy fallback;
    patterns access;
    transform_policy transform;
    error_policy errors;
    output_check output;
} policies;

/* Sections that policies_read knows; ends with NULL. */
extern const char *const policy_sections[];
bool policies_read(arena *a, const conf_file *f, policies *out, err *e);

#endif
