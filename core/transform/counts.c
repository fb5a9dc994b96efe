#include "transform/counts.h"

#include "base/metric.h"

#include <stdatomic.h>

static _Atomic(uint64_t) runs[TRANSFORM_BUSY + 1], children;

void counts_run(transform_outcome outcome) {
    atomic_fetch_add_explicit(&runs[outcome], 1, memory_order_relaxed);
}

void counts_child(void) {
    atomic_fetch_add_explicit(&children, 1, memory_order_relaxed);
}

void transform_render(buf *out) {
    static const char *const names[] = {"ok", "failed", "timeout", "too-large", "broken", "busy"};
    metric_head(out, "busbar_transforms_total", "counter", "Runs of jq programs, by outcome.");
    for (size_t i = 0; i <= TRANSFORM_BUSY; i++)
        buf_printf(out, "busbar_transforms_total{outcome=\"%s\"} %llu\n", names[i],
                   (unsigned long long)metric_get(&runs[i]));
    metric_put(out, "busbar_transform_children_started_total", "counter",
               "Child processes started for jq programs.", metric_get(&children));
}
