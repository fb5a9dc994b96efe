/* Room limit: how much may happen: rates, slots, quotas, circuit breakers. State that all loops share, in
 * atomics, and no I/O. It includes base only; access, registry, pipeline, api and hub include it. */

/* gcra.h - the generic cell rate algorithm: a rate with a burst, in one 64-bit word, without a lock.
 *
 * The word is the theoretical arrival time (TAT) of the next one: it moves on by one interval for each that
 * is admitted, and one is admitted while the TAT is at most (burst - 1) intervals ahead. In any time T at
 * most T / interval + burst are admitted, from however many threads. Times are CLOCK_MONOTONIC in
 * nanoseconds. */
#ifndef LIMIT_GCRA_H
#define LIMIT_GCRA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct gcra {
    _Atomic(uint64_t) tat; /* 0: nothing yet */
} gcra;

typedef struct gcra_policy {
    uint64_t interval_ns; /* between two, in the long run; 0: no limit */
    uint32_t burst;       /* at once, after a rest; at least 1 */
    uint64_t rate;        /* as configured: so many in `period_ns`; for messages and header fields */
    uint64_t period_ns;
} gcra_policy;

/* `rate` in `period_ns`; burst 0: as many as the rate gives in a second, at least 1. False: zero, or finer
 * than a nanosecond, or a burst that is more than 146 years of the rate. */
bool gcra_policy_of(uint64_t rate, uint64_t period_ns, uint32_t burst, gcra_policy *out);

#define GCRA_NEVER UINT64_MAX

/* Takes one: 0, admitted now. Else a place up to `max_wait_ns` ahead is taken, and the wait until then given;
 * or, where that would be too long, nothing is taken, GCRA_NEVER given, and *wait_ns says how long it would
 * be. [any-thread] */
uint64_t gcra_take(gcra *g, const gcra_policy *p, uint64_t now_ns, uint64_t max_wait_ns, uint64_t *wait_ns);

/* How many could be taken at once now (no limit: UINT32_MAX), and in how long it is the whole burst again.
 * [any-thread] */
uint32_t gcra_left(const gcra *g, const gcra_policy *p, uint64_t now_ns, uint64_t *full_ns);

#endif
