/* otlp.h - export of spans by OTLP/HTTP, JSON encoding (opentelemetry-proto, "OTLP/HTTP Request" and "JSON
 * Protobuf Encoding").
 *
 * A request that fails by its connection or with 429, 502, 503 or 504 is repeated three times, later each
 * time (Retry-After is obeyed, up to half a minute); then its spans are dropped and counted. Meanwhile the
 * loops' queues fill up, and what they cannot hold is dropped and counted as well. */
#ifndef OBSERVE_OTLP_H
#define OBSERVE_OTLP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/loop.h"
#include "observe/trace.h"

typedef struct otlp otlp; /* of one hub */

typedef struct otlp_options {
    const char *endpoint;       /* whole URL ("http://127.0.0.1:4318/v1/traces"); NULL: no export */
    const char *const *headers; /* "Name: value" each, ends with NULL; secrets of the admin's; may be NULL */
    const char *service;        /* service.name; default "busbar" */
    const char *version, *instance;
    unsigned loops;
    unsigned queue;       /* spans a loop may have waiting; default 4096 */
    unsigned batch;       /* spans a request; default 512 */
    unsigned interval_ms; /* at the latest; default 1000 */
    unsigned timeout_ms;  /* of a request; default 10000 */
    unsigned retry_ms;    /* before the first repeat of a failed request; doubles; default 500 */
} otlp_options;

/* Starts a thread of its own with a client of its own. NULL without an endpoint, or on failure with *e set.
 */
otlp *otlp_start(const otlp_options *options, err *e);
/* Sends what is left, for at most `grace_ms`, and stops. NULL is fine. */
void otlp_stop(otlp *o, uint64_t grace_ms);
/* Copies the span into the loop's ring; a full ring drops it. Never blocks, takes no lock. NULL is fine.
 * [loop] */
void otlp_add(otlp *o, unsigned loop, const trace_span *span);

typedef struct otlp_counts {
    uint64_t exported;        /* spans that the collector has taken */
    uint64_t dropped;         /* spans that found the queue full, or that it did not take */
    uint64_t failed_requests; /* each attempt counts */
} otlp_counts;
void otlp_count(const otlp *o, otlp_counts *out); /* [any-thread] */
/* The counts as metrics, in Prometheus' text format. Nothing for NULL. [any-thread] */
void otlp_render(const otlp *o, buf *out);

#endif
