#include "webhook/retries.h"

#define LONGEST_MS (28ull * 86400000u)

bool retries_read(arena *a, bb_str text, retry_delays *out) {
    uint64_t *ms = arena_alloc(a, RETRIES_MAX * sizeof *ms);
    size_t n = 0;
    bb_str part;
    *out = (retry_delays){ms, 0};
    if (ms == NULL || str_eq_nocase(str_trim(text), STR("none")))
        return ms != NULL;
    while (str_split(&text, ',', &part)) {
        if (n == RETRIES_MAX || !str_to_duration_ms(str_trim(part), &ms[n]) || ms[n] > LONGEST_MS)
            return false;
        n++;
    }
    out->count = n;
    return n > 0;
}

retry_delays retries_default(void) {
    static const uint64_t ms[] = {5000,     300000,   1800000,  7200000,  18000000,
                                  36000000, 50400000, 72000000, 86400000, 100800000};
    return (retry_delays){ms, sizeof ms / sizeof ms[0]};
}

bool retries_next(const retry_delays *d, uint32_t attempts, uint64_t retry_after_ms, uint64_t random,
                  uint64_t *delay_ms) {
    if (attempts == 0 || attempts > d->count)
        return false;
    uint64_t delay = d->ms[attempts - 1];
    uint64_t asked = retry_after_ms < RETRY_AFTER_MAX_MS ? retry_after_ms : RETRY_AFTER_MAX_MS;
    if (delay < asked)
        delay = asked;
    *delay_ms = delay + random % (delay / 5 + 1);
    return true;
}
