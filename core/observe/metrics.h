/* Room observe: what is counted and remembered of calls. It includes base and json; all above include it. */

/* metrics.h - counters and histograms of calls, in Prometheus' text format (version 0.0.4).
 *
 * Each loop counts in memory of its own with relaxed atomics; a scrape adds them up. A series lives as long
 * as the process, so that a reload never resets it. */
#ifndef OBSERVE_METRICS_H
#define OBSERVE_METRICS_H

#include "base/buf.h"
#include "base/problem.h"

typedef struct metrics_op metrics_op; /* one operation of one connector */

/* `loops`: how many count. Before all else, once. */
void metrics_init(unsigned loops);
/* The series of an operation, made when first asked for. NULL: no memory. [main] */
metrics_op *metrics_op_get(bb_str plugin, bb_str operation);

void metrics_call_begin(metrics_op *op, unsigned loop);                                      /* [loop] */
void metrics_call_end(metrics_op *op, unsigned loop, problem outcome, uint64_t duration_ns); /* [loop] */
void metrics_retry(metrics_op *op, unsigned loop); /* an attempt beyond the first [loop] */

void metrics_limit_wait(metrics_op *op, unsigned loop);     /* a request waited for a limit [loop] */
void metrics_output_invalid(metrics_op *op, unsigned loop); /* an output did not fit its schema [loop] */
void metrics_fallback(metrics_op *op, unsigned loop);       /* something else answered [loop] */
typedef enum {
    METRICS_BYPASS,
    METRICS_MISS,
    METRICS_HIT,
    METRICS_STALE,
    METRICS_REVALIDATED,
    METRICS_SHARED,
    METRICS_CACHE_USES
} metrics_cache_use;
void metrics_cache(metrics_op *op, unsigned loop, metrics_cache_use use); /* [loop] */

/* Gauges and counters that are not of calls. [any-thread] */
void metrics_reload(bool committed, uint64_t generation, uint64_t wall_ms);
void metrics_connections(uint64_t ready, uint64_t refused);
void metrics_zombies(uint64_t connections); /* retired, past the hard deadline, with calls still on them */
void metrics_kept(uint64_t loaded_modules); /* connector builds mapped since the start */

/* Calls under way on a loop. [any-thread] */
uint64_t metrics_calls_on(unsigned loop);

/* `http_connections`: held by the servers now. [any-thread] */
void metrics_render(buf *out, const char *version, uint64_t http_connections);

#endif
