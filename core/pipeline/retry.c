#include "pipeline/retry.h"

#include <curl/curl.h>

/* Statuses that say "not now". */
static bool is_passing(unsigned status) {
    return status == 429 || status == 502 || status == 503 || status == 504;
}

/* A failure after which the same request may succeed. */
static bool may_pass(const retry_question *q) {
    switch (q->failure) {
    case HTTP_FAIL_NONE: return is_passing(q->status);
    case HTTP_FAIL_CONNECT:
    case HTTP_FAIL_EMPTY:
    case HTTP_FAIL_TRUNCATED:
    case HTTP_FAIL_TIMEOUT: return true;
    default: return false;
    }
}

/* Whether the service cannot have acted on it: it was never sent, or refused for its rate (RFC 6585 section
 * 4). */
static bool not_acted_on(const retry_question *q) {
    return q->failure == HTTP_FAIL_NONE ? q->status == 429 : !q->sent;
}

#define SECONDS_MOST 1000000000u /* some thirty years: as long as anything longer */

/* RFC 9111 section 1.2.2: what is too large to be held counts as the largest. */
static bool read_seconds(bb_str value, uint64_t *out) {
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] < '0' || value.ptr[i] > '9')
            return false;
    if (!str_to_u64(value, out) || *out > SECONDS_MOST)
        *out = SECONDS_MOST;
    return value.len > 0;
}

bool retry_after_ms(bb_str value, uint64_t now_ms, uint64_t *out) {
    uint64_t seconds;
    char date[64];
    if (read_seconds(value, &seconds)) {
        *out = seconds * 1000;
        return true;
    }
    if (value.len == 0 || value.len >= sizeof date)
        return false;
    memcpy(date, value.ptr, value.len);
    date[value.len] = '\0';
    time_t at = curl_getdate(date, NULL);
    if (at < 0)
        return false;
    uint64_t at_ms = (uint64_t)at * 1000;
    *out = at_ms > now_ms ? at_ms - now_ms : 0;
    return true;
}

/* Full jitter: anything between now and the exponential bound. */
static uint64_t backoff(const retry_policy *p, unsigned attempt, uint64_t random) {
    uint64_t bound = p->base_ms;
    for (unsigned i = 1; i < attempt && bound < p->max_ms; i++)
        bound *= 2;
    if (bound > p->max_ms)
        bound = p->max_ms;
    return random % (bound + 1);
}

retry_answer retry_decide(const retry_policy *policy, const retry_question *q) {
    retry_answer a = {0};
    bool asked = q->failure == HTTP_FAIL_NONE && retry_after_ms(q->retry_after, q->now_ms, &a.retry_after_ms);
    if (!may_pass(q) || q->attempt >= policy->attempts || !(q->repeatable || not_acted_on(q)))
        return a;
    a.delay_ms = backoff(policy, q->attempt, q->random);
    if (asked && a.retry_after_ms > policy->retry_after_ms)
        return a; /* the caller is told, and waits better than we do */
    if (asked && a.delay_ms < a.retry_after_ms)
        a.delay_ms = a.retry_after_ms;
    a.repeat = a.delay_ms < q->left_ms;
    return a;
}

#define RESERVE 1000 /* ten repeats */
#define PRICE 100

void retry_budget_earn(connection_stats *s, const retry_policy *policy) {
    int64_t now = atomic_load_explicit(&s->retry_tokens, memory_order_relaxed);
    if (now < RESERVE)
        atomic_fetch_add_explicit(&s->retry_tokens, policy->budget_percent, memory_order_relaxed);
}

bool retry_budget_spend(connection_stats *s) {
    int64_t now = atomic_load_explicit(&s->retry_tokens, memory_order_relaxed);
    while (now >= PRICE)
        if (atomic_compare_exchange_weak_explicit(&s->retry_tokens, &now, now - PRICE, memory_order_relaxed,
                                                  memory_order_relaxed))
            return true;
    return false;
}
