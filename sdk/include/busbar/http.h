/*
 * busbar/http.h - extension "busbar.http/1": naming the request that a step wants sent.
 *
 * A step does no I/O. It describes one request here and returns BB_SEND; the host adds the
 * credentials, sends it (pooled, retried, timed, cancelled) and calls `resume` with the answer.
 *
 * Errors are kept by the call: a name or value that cannot be sent (a line break in a header, no
 * request begun) makes the step fail with BB_E_PLUGIN or BB_E_INVALID_INPUT and a text that says what, so the
 * functions here need no check.
 *
 * Thread: all belong to the step's thread, [no-block]. Every slice given is copied.
 */
#ifndef BUSBAR_HTTP_H
#define BUSBAR_HTTP_H

#include <busbar/types.h>

BB_BEGIN_DECLS

typedef struct bb_http_api {
    uint32_t size; /* sizeof(bb_http_api) of the host */
    uint32_t reserved;

    /* --- the request ----------------------------------------------------------------------- */

    /* Begins a request and forgets one begun earlier in the same step. `url` is a path, put after
     * the connection's `base_url` setting ("/v1/customers"), or a whole http(s) URL. Credentials
     * are only ever sent to the origin (scheme, host, port) of `base_url`, and of settings that the settings
     * schema marks with "x-busbar-credentials": true. `method` is a token of RFC 9110 section 9, in upper
     * case. The path goes as given: use `segment` for what a caller supplies. */
    void (*begin)(bb_call *call, bb_str method, bb_str url);
    /* Adds "/" and the text, percent-encoded as one path segment (RFC 3986 section 3.3). An empty
     * one, "." and ".." fail the call with BB_E_INVALID_INPUT. */
    void (*segment)(bb_call *call, bb_str text);
    /* Adds name=value to the query, both percent-encoded. */
    void (*query)(bb_call *call, bb_str name, bb_str value);
    /* Adds every member of the object `value` to the query: scalars as name=value (null as empty),
     * nested ones in brackets: {"a":{"b":1},"c":["x"]} gives a[b]=1&c[0]=x. `prefix` absent: the
     * members' names stand alone; else prefix[name]. Absent `value`: nothing. */
    void (*query_json)(bb_call *call, bb_str prefix, const bb_json *value);
    /* Adds a header field. The host sets Host, Content-Length, Authorization and the like itself. */
    void (*header)(bb_call *call, bb_str name, bb_str value);

    /* The body: one of these families a request. */
    void (*body)(bb_call *call, bb_str content_type, bb_str bytes);
    void (*body_json)(bb_call *call, const bb_json *value); /* application/json */
    /* application/x-www-form-urlencoded; repeated calls add. form_json nests as query_json does. */
    void (*form)(bb_call *call, bb_str name, bb_str value);
    void (*form_json)(bb_call *call, bb_str prefix, const bb_json *value);

    /* Says whether the host may send this very request again after a failure that may have reached
     * the service. Unsaid: GET, HEAD, OPTIONS, TRACE, PUT and DELETE (RFC 9110 section 9.2.2), and
     * any operation marked BB_OP_SAFE or BB_OP_IDEMPOTENT, or that declares an
     * `idempotency_header`. */
    void (*repeatable)(bb_call *call, int32_t yes);

    /* --- the answer: in `resume` only ------------------------------------------------------ */

    /* The status of the answer, 100 to 599; 0 in `start`. */
    int32_t (*status)(bb_call *call);
    /* The first header field of that name, in any case; absent: none. Owner: the call, until the step ends.
     */
    bb_str (*response_header)(bb_call *call, bb_str name);
    /* The body, decoded from any Content-Encoding. Owner: the call, until the step ends. */
    bb_str (*response_body)(bb_call *call);
    /* The body as JSON, read once. NULL where it is not JSON: the step may then look at the bytes, or
     * return `bb_fail_http`, which says so. Owner: the call. */
    const bb_json *(*response_json)(bb_call *call);

    /* --- not in the first hubs: ask BB_HAS(call->host->http, after), ..., or use bb_after,
     * bb_counts_against, bb_limit_left and bb_without_credentials (busbar.h)
     * --------------------------------------------- */

    /* In `resume`: the request goes out no sooner than `ms` milliseconds from now, at most an hour: for
     * asking a service again how far a job is. The wait is part of the call's time: one that would go beyond
     * the deadline fails the call at once, so look at time_left_ms first. It holds up nobody else. */
    void (*after)(bb_call *call, int64_t ms);

    /* Says which of the service's limits the request counts against, where it has one for each route, or for
     * each thing that a route is about: `route` is the route's name ("POST /channels/{id}/messages"), `scope`
     * the thing's ("41771983423143937"), or absent; up to 200 bytes each, no secrets. What the service then
     * tells in RateLimit-Remaining and its like holds for these alone; routes that it gives one
     * X-RateLimit-Bucket share what is told, for each scope; a pause (429 with Retry-After) goes for all
     * requests where the answer says so (X-RateLimit-Global, X-RateLimit-Scope: global) or names no bucket.
     * Unsaid: one limit for all. */
    void (*counts_against)(bb_call *call, bb_str route, bb_str scope);

    /* In `resume`: what the answer tells of the service's limit in a way of its own, where it has none of the
     * fields that the host reads itself (RateLimit, X-RateLimit-Remaining, Retry-After, ...): so many
     * requests are left, and for how long that is believed, from now: 1 ms to a day. With none left the
     * connection's requests wait until then, as its [limits] allow. */
    void (*limit_left)(bb_call *call, int64_t left, int64_t for_ms);

    /* The request goes out without the connection's credentials, wherever it goes: for URLs that the service
     * has signed itself, and that are their own secret. A client certificate (mtls) is shown all the same. */
    void (*without_credentials)(bb_call *call);
} bb_http_api;

BB_END_DECLS

#endif
