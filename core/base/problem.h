/* problem.h - the kinds of failure that the hub tells a caller of: one table for API, metrics, log and
 * documentation.
 *
 * Each is the `type` of an application/problem+json (RFC 9457), "urn:busbar:problem:NAME". Names are stable:
 * callers switch on them. */
#ifndef BASE_PROBLEM_H
#define BASE_PROBLEM_H

#include "base/str.h"

typedef enum {
    PROBLEM_NONE, /* no failure: "ok" in the metrics */
    /* the request to the hub */
    PROBLEM_BAD_REQUEST,
    PROBLEM_INVALID_JSON,
    PROBLEM_INVALID_INPUT,
    PROBLEM_UNAUTHORIZED,
    PROBLEM_NOT_FOUND,
    PROBLEM_CONNECTION_NOT_FOUND,
    PROBLEM_OPERATION_NOT_FOUND,
    PROBLEM_PLUGIN_NOT_FOUND,
    PROBLEM_METHOD_NOT_ALLOWED,
    PROBLEM_UNSUPPORTED_MEDIA_TYPE,
    PROBLEM_CONFLICT,
    PROBLEM_CONNECTION_REFUSED, /* its conf file or connector is at fault */
    PROBLEM_INVALID_CONFIG,
    PROBLEM_OVERLOADED,
    PROBLEM_FORBIDDEN,         /* the key may not do this */
    PROBLEM_RATE_LIMITED,      /* by the hub: the key's own limit, or the connection's */
    PROBLEM_QUOTA_EXCEEDED,    /* of calls a day or month */
    PROBLEM_STORE_UNAVAILABLE, /* full disk, read-only or damaged store */
    PROBLEM_IDEMPOTENCY_MISMATCH,
    PROBLEM_IDEMPOTENCY_RUNNING,
    PROBLEM_IDEMPOTENCY_UNKNOWN,
    PROBLEM_NOT_CACHED, /* only-if-cached */
    /* the call */
    PROBLEM_UPSTREAM_ERROR,
    PROBLEM_UPSTREAM_INVALID,
    PROBLEM_UPSTREAM_REJECTED,
    PROBLEM_UPSTREAM_AUTH,
    PROBLEM_UPSTREAM_FORBIDDEN,
    PROBLEM_UPSTREAM_NOT_FOUND,
    PROBLEM_UPSTREAM_CONFLICT,
    PROBLEM_UPSTREAM_RATE_LIMITED,
    PROBLEM_UPSTREAM_UNAVAILABLE,
    PROBLEM_UPSTREAM_TIMEOUT,
    PROBLEM_UPSTREAM_UNREACHABLE,
    PROBLEM_CIRCUIT_OPEN,
    PROBLEM_CREDENTIALS_UNAVAILABLE, /* no token: the admin must authorize, or the token endpoint fails */
    PROBLEM_TRANSFORM_FAILED,
    PROBLEM_OUTPUT_INVALID, /* strict: the output does not fit the operation's schema */
    PROBLEM_DEADLINE_EXCEEDED,
    PROBLEM_CANCELLED,
    PROBLEM_TOO_LARGE,
    PROBLEM_CONTENT_FAILED, /* what content is read from, or goes to, on the hub's side */
    PROBLEM_UNSUPPORTED,
    PROBLEM_CONNECTOR_DEFECT,
    PROBLEM_CONNECTOR_CRASHED, /* its process ended while it had the call, or is off for having ended too
                                  often */
    PROBLEM_COUNT
} problem;

typedef struct problem_kind {
    const char *name;   /* "upstream-timeout" */
    unsigned status;    /* of the hub's answer */
    bool retryable;     /* where nothing better is known */
    const char *title;  /* the same for every occurrence */
    const char *advice; /* what the caller or the admin does next */
} problem_kind;

const problem_kind *problem_of(problem p);
/* By its name; PROBLEM_COUNT: there is none. */
problem problem_from_name(bb_str name);
/* The problem that a bb_code is told as. */
problem problem_from_code(bb_code code);

#define PROBLEM_TYPE_PREFIX "urn:busbar:problem:"

#endif
