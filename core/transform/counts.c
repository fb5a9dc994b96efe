#include "transform/counts.h"

#include <stdatomic.h>

static _Atomic(uint64_t) runs[TRANSFORM_BROKEN + 1], children;

void counts_run(transform_outcome outcome) {
    atomic_fetch_add_explicit(&runs[outcome], 1, memory_order_relaxed);
}

void counts_child(void) {
    atomic_fetch_add_explicit(&children, 1, memory_order_relaxed);
}

void transform_render(buf *out) {
    static const char *const names[] = {"ok", "failed", "timeout", "too-large", "broken"};
    buf_lit(out, "# HELP busbar_transforms_total Runs of jq programs, by outcome.\n"
                 "# TYPE busbar_transforms_total counter\n");
    for (size_t i = 0; i <= TRANSFORM_BROKEN; i++)
        buf_printf(out, "busbar_transforms_total{outcome=\"%s\"} %llu\n", names[i],
                   (unsigned long long)atomic_load_explicit(&runs[i], memory_order_relaxed));
    buf_printf(out,
               "# HELP busbar_transform_children_started_total Child processes started for jq programs.\n"
               "# TYPE busbar_transform_children_started_total counter\n"
               "busbar_transform_children_started_total %llu\n",
               (unsigned long long)atomic_load_explicit(&children, memory_order_relaxed));
}
