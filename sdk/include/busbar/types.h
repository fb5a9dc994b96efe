/*
 * busbar/types.h - the few types every other SDK header speaks in.
 *
 * Frozen since SDK 1.0: nothing here changes its size or meaning within major version 1.
 * All text is UTF-8. All times are stated with their unit in the name. Integers are fixed width.
 */
#ifndef BUSBAR_TYPES_H
#define BUSBAR_TYPES_H

#include <stddef.h>
#include <stdint.h>

/* The ABI this header describes. A host loads a connector of the same major and of a minor that is
 * not above its own. */
#define BUSBAR_ABI_MAJOR 1u
#define BUSBAR_ABI_MINOR 0u

/* Of these headers. What they gain within an ABI is extensions, which a host may know or not. */
#define BUSBAR_SDK_VERSION "1.2.0"

#if defined(__cplusplus)
#define BB_EXTERN_C extern "C"
#define BB_BEGIN_DECLS extern "C" {
#define BB_END_DECLS }
#else
#define BB_EXTERN_C
#define BB_BEGIN_DECLS
#define BB_END_DECLS
#endif

/* The one attribute that makes a symbol visible in a connector built with -fvisibility=hidden. */
#define BB_EXPORT __attribute__((visibility("default")))

BB_BEGIN_DECLS

/* A slice of bytes: not owned, not NUL-terminated. {NULL, 0} is the absent (and the empty) slice.
 * Who owns the bytes and how long they live is said where a function takes or gives one. */
typedef struct bb_str {
    const char *ptr;
    size_t len; /* bytes */
} bb_str;

/* What went wrong, or BB_OK. The numbers are part of the ABI; new ones are only ever added, and a
 * host treats one that it does not know as BB_E_PLUGIN.
 *
 * The first group is for what a connector itself finds, the second for what the service answered.
 * `bb_code_from_http` maps a status of the service to the second group. */
typedef int32_t bb_code;
enum {
    BB_OK = 0,
    BB_E_PLUGIN = 1,        /* a defect of the connector itself */
    BB_E_INVALID_INPUT = 2, /* the caller's input is at fault; set bb_error.pointer */
    BB_E_CONFIG = 3,        /* the connection's settings are at fault */
    BB_E_UNSUPPORTED = 4,   /* this host, or this connector, has no such thing */
    BB_E_NO_MEMORY = 5,
    BB_E_LIMIT = 6,     /* a size, depth or count limit of the host was reached */
    BB_E_CANCELLED = 7, /* the caller has gone, or the connection is being retired */
    BB_E_DEADLINE = 8,  /* the call's time is over */

    BB_E_UPSTREAM = 32,              /* the service failed: 5xx, or a failure it reports in its own way */
    BB_E_UPSTREAM_INVALID = 33,      /* the service's answer cannot be understood */
    BB_E_UPSTREAM_REJECTED = 34,     /* the service refused the request: 400, 402, 405, 422, ... */
    BB_E_UPSTREAM_AUTH = 35,         /* the service does not accept the credentials: 401 */
    BB_E_UPSTREAM_FORBIDDEN = 36,    /* the credentials are good but not allowed to do this: 403 */
    BB_E_UPSTREAM_NOT_FOUND = 37,    /* 404, 410 */
    BB_E_UPSTREAM_CONFLICT = 38,     /* 409, 412 */
    BB_E_UPSTREAM_RATE_LIMITED = 39, /* 429 */
    BB_E_UPSTREAM_UNAVAILABLE = 40,  /* 503: the service says that it is down for now */
    BB_E_UPSTREAM_TIMEOUT = 41       /* 408, 504 */
};

/* What a status of the service means. */
static inline bb_code bb_code_from_http(int32_t status) {
    switch (status) {
    case 401: return BB_E_UPSTREAM_AUTH;
    case 403: return BB_E_UPSTREAM_FORBIDDEN;
    case 404:
    case 410: return BB_E_UPSTREAM_NOT_FOUND;
    case 409:
    case 412: return BB_E_UPSTREAM_CONFLICT;
    case 408:
    case 504: return BB_E_UPSTREAM_TIMEOUT;
    case 429: return BB_E_UPSTREAM_RATE_LIMITED;
    case 503: return BB_E_UPSTREAM_UNAVAILABLE;
    default: break;
    }
    if (status >= 200 && status <= 299)
        return BB_OK;
    if (status >= 400 && status <= 499)
        return BB_E_UPSTREAM_REJECTED;
    return status >= 500 && status <= 599 ? BB_E_UPSTREAM : BB_E_UPSTREAM_INVALID;
}

/* Whether repeating the same call later can help. BB_RETRY_UNKNOWN lets the host decide by the code.
 * BB_RETRY_YES with a code of the second group is for services that say "not now" in a way of their own, by a
 * 403 or in the body of a 200: where nothing has been done yet that may not be done twice, the hub waits as
 * its policy says and begins the call anew, from `start`. For 429 and 502 to 504 it has done so by itself. */
typedef int32_t bb_retry;
enum { BB_RETRY_UNKNOWN = 0, BB_RETRY_YES = 1, BB_RETRY_NO = 2 };

/* An error as a connector reports it. The host copies every slice before the function returns.
 * Never put a credential into a text: the host removes the ones it knows, it cannot know all. */
typedef struct bb_error {
    uint32_t size;           /* sizeof(bb_error) */
    bb_code code;            /* not BB_OK */
    bb_str message;          /* one sentence for a person: what happened, and what to do */
    bb_str pointer;          /* JSON Pointer (RFC 6901) into the input or settings, or absent */
    bb_str upstream_code;    /* the service's own error code ("card_declined"), or absent */
    int32_t upstream_status; /* HTTP status of the service's answer; 0: the host fills in the last one */
    bb_retry retry;
} bb_error;

/* Opaque: the host's. */
typedef struct bb_json bb_json;               /* a read-only JSON value: json.h */
typedef struct bb_json_writer bb_json_writer; /* JSON text under construction: json.h */

typedef struct bb_call bb_call;             /* one call of one operation: call.h */
typedef struct bb_connection bb_connection; /* one configured connection: plugin.h */
typedef struct bb_host bb_host;             /* the host: host.h */

BB_END_DECLS

#endif
