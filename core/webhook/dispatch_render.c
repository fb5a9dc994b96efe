/* dispatch_render.c - the dispatchers' numbers, in the text format of metrics. */
#include "webhook/dispatch.h"

#include "base/metric.h"

static uint64_t sum(const dispatch *all, size_t offset) {
    uint64_t n = 0;
    for (unsigned i = 0; i < all->count; i++)
        n += atomic_load_explicit(
            (const _Atomic(uint64_t) *)(const void *)((const char *)&all->loops[i] + offset),
            memory_order_relaxed);
    return n;
}

void dispatch_render(const dispatch *all, buf *out) {
    static const char *const outcomes[DISPATCH_OUTCOMES] = {"done", "retried", "dead", "filtered"};
    metric_head(out, "busbar_deliveries_total", "counter", "Deliveries of events, by what became of them.");
    for (size_t i = 0; i < DISPATCH_OUTCOMES; i++)
        buf_printf(out, "busbar_deliveries_total{outcome=\"%s\"} %llu\n", outcomes[i],
                   (unsigned long long)sum(all, offsetof(dispatch_front, outcomes) + i * sizeof(uint64_t)));
    metric_head(out, "busbar_delivery_seconds", "summary", "Time that requests of deliveries took.");
    buf_printf(out, "busbar_delivery_seconds_sum %.3f\nbusbar_delivery_seconds_count %llu\n",
               (double)sum(all, offsetof(dispatch_front, request_ms)) / 1000,
               (unsigned long long)sum(all, offsetof(dispatch_front, requests)));
    metric_put(out, "busbar_deliveries_under_way", "gauge", "Requests of deliveries that are under way.",
               sum(all, offsetof(dispatch_front, under_way)));
    metric_put(out, "busbar_deliveries_held_bytes", "gauge", "Memory that deliveries hold while under way.",
               sum(all, offsetof(dispatch_front, held_bytes)));
}
