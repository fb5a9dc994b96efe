/* trace.h - W3C Trace Context (Level 1), and spans on their way to an OTLP collector.
 *
 * Spans are handed over without waiting: one that finds the queue full is dropped and counted. */
#ifndef OBSERVE_TRACE_H
#define OBSERVE_TRACE_H

#include "base/problem.h"
#include "base/str.h"

typedef struct trace_context {
    uint8_t trace_id[16], parent_id[8]; /* parent: the caller's span; all zero: none */
    uint8_t flags;                      /* bit 0: sampled */
    bool present;
    bb_str state; /* tracestate, passed on as it came; absent: none; a slice of the input */
} trace_context;

/* Reads `traceparent` (section 3.2: unknown versions by the rules of 3.2.4; all-zero ids and anything
 * malformed give present == false; of the flags the known two bits) and tracestate (at most 512 bytes, else
 * left out, as is one that is malformed). Both may be absent. */
void trace_read(bb_str traceparent, bb_str tracestate, trace_context *out);
#define TRACEPARENT_SIZE 56
/* "00-TRACE-SPAN-FLAGS" and a NUL. */
void trace_write(const uint8_t trace_id[16], const uint8_t span_id[8], uint8_t flags,
                 char out[TRACEPARENT_SIZE]);

typedef enum { SPAN_SERVER, SPAN_CLIENT } span_kind;

/* One span, of fixed size: it is copied into a ring of its loop. */
typedef struct trace_span {
    uint8_t trace_id[16], span_id[8], parent_id[8]; /* parent zero: a root */
    span_kind kind;
    uint64_t start_ns, end_ns; /* since 1970 */
    char name[128];            /* "shop customers.list"; of a client span "GET api.example.com" */
    char connection[65], plugin[65], operation[101], execution[30];
    problem outcome;
    uint16_t http_status; /* 0: none */
    uint16_t attempt;     /* of a client span, from 1 */
    bool cached;
} trace_span;

#endif
