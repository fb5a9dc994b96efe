#include "limit/gcra.h"

#include <stddef.h>

#define SECOND 1000000000u
/* Bursts and waits stay below 2^62 ns, 146 years: added to a clock that is below 2^63, they cannot wrap. */
#define LONGEST ((uint64_t)1 << 62)

bool gcra_policy_of(uint64_t rate, uint64_t period_ns, uint32_t burst, gcra_policy *out) {
    if (rate == 0 || period_ns == 0 || rate > period_ns)
        return false;
    *out = (gcra_policy){
        .interval_ns = period_ns / rate, .rate = rate, .period_ns = period_ns, .burst = burst};
    if (period_ns % rate != 0)
        out->interval_ns++; /* rounded up: never more than the rate */
    if (burst == 0) {
        uint64_t a_second = SECOND / out->interval_ns;
        out->burst = a_second < 1 ? 1 : a_second > UINT32_MAX ? UINT32_MAX : (uint32_t)a_second;
    }
    return out->burst <= LONGEST / out->interval_ns;
}

static uint64_t tolerance(const gcra_policy *p) {
    return (uint64_t)(p->burst - 1) * p->interval_ns;
}

uint64_t gcra_take(gcra *g, const gcra_policy *p, uint64_t now_ns, uint64_t max_wait_ns, uint64_t *wait_ns) {
    if (p->interval_ns == 0)
        return 0;
    uint64_t ahead = tolerance(p);
    uint64_t tat = atomic_load_explicit(&g->tat, memory_order_relaxed);
    for (;;) {
        uint64_t base = tat > now_ns ? tat : now_ns;
        uint64_t wait = base > now_ns + ahead ? base - now_ns - ahead : 0;
        if (wait > max_wait_ns || wait > LONGEST) {
            if (wait_ns != NULL)
                *wait_ns = wait;
            return GCRA_NEVER;
        }
        if (atomic_compare_exchange_weak_explicit(&g->tat, &tat, base + p->interval_ns, memory_order_relaxed,
                                                  memory_order_relaxed))
            return wait;
    }
}

uint32_t gcra_left(const gcra *g, const gcra_policy *p, uint64_t now_ns, uint64_t *full_ns) {
    uint64_t tat = atomic_load_explicit((_Atomic(uint64_t) *)(uintptr_t)&g->tat, memory_order_relaxed);
    uint64_t used_ns = tat > now_ns ? tat - now_ns : 0;
    if (full_ns != NULL)
        *full_ns = used_ns;
    if (p->interval_ns == 0)
        return UINT32_MAX;
    uint64_t whole = (uint64_t)p->burst * p->interval_ns;
    return used_ns >= whole ? 0 : (uint32_t)((whole - used_ns) / p->interval_ns);
}
