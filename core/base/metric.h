/* metric.h - numbers that one thread counts up and others show, and their lines in the text format of metrics
 * (version 0.0.4; observe/metrics.h). Thread: any. */
#ifndef BASE_METRIC_H
#define BASE_METRIC_H

#include "base/buf.h"

#include <stdatomic.h>
#include <stdint.h>

/* As it is about now: nothing else that is read beside it is of the same moment. */
static inline uint64_t metric_get(const _Atomic(uint64_t) *n) {
    return atomic_load_explicit((_Atomic(uint64_t) *)(uintptr_t)n, memory_order_relaxed);
}

/* What stands before the lines of a metric. `type`: "counter", "gauge", "summary", "histogram". */
static inline void metric_head(buf *out, const char *name, const char *type, const char *help) {
    buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* One that has no labels. */
static inline void metric_put(buf *out, const char *name, const char *type, const char *help, uint64_t n) {
    metric_head(out, name, type, help);
    buf_printf(out, "%s %llu\n", name, (unsigned long long)n);
}

#endif
