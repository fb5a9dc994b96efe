/* retries.h - when a delivery that failed is tried again: a list of delays, then it is given up. Pure. */
#ifndef WEBHOOK_RETRIES_H
#define WEBHOOK_RETRIES_H

#include "base/arena.h"
#include "base/str.h"

#define RETRIES_MAX 32
#define RETRY_AFTER_MAX_MS (24u * 3600u * 1000u) /* a longer Retry-After counts as this */

typedef struct retry_delays {
    const uint64_t *ms;
    size_t count;
} retry_delays;

/* "5s, 5m, 30m": at most RETRIES_MAX, each at most 28 days. "none": the first attempt is the last. In `a`;
 * false: not of this form, or no memory. */
bool retries_read(arena *a, bb_str text, retry_delays *out);
/* 5 s, 5 m, 30 m, 2 h, 5 h, 10 h, 14 h, 20 h, 24 h, 28 h: the Standard Webhooks specification's, and one
 * more. */
retry_delays retries_default(void);

/* After `attempts` (the one that has just failed among them): in how long the next one is, up to a fifth
 * later than the list says (by `random`), and never before `retry_after_ms`. False: it was the last. */
bool retries_next(const retry_delays *d, uint32_t attempts, uint64_t retry_after_ms, uint64_t random,
                  uint64_t *delay_ms);

#endif
