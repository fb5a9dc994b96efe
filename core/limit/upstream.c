#include "limit/upstream.h"

#include <stdlib.h>

#define MS 1000000u

uint64_t upstream_told_wait(upstream *u, uint64_t now_ns) {
    uint64_t blocked = atomic_load_explicit(&u->blocked_until_ns, memory_order_relaxed);
    if (blocked > now_ns)
        return blocked - now_ns;
    uint64_t until = atomic_load_explicit(&u->told_until_ns, memory_order_relaxed);
    if (until <= now_ns)
        return 0;
    int64_t left = atomic_load_explicit(&u->told_left, memory_order_relaxed);
    while (left > 0)
        if (atomic_compare_exchange_weak_explicit(&u->told_left, &left, left - 1, memory_order_relaxed,
                                                  memory_order_relaxed))
            return 0;
    return until - now_ns;
}

void upstream_tell(upstream *u, uint64_t left, uint64_t reset_ms, uint64_t now_ns) {
    int64_t n = left < INT64_MAX ? (int64_t)left : INT64_MAX;
    atomic_store_explicit(&u->told_left, n, memory_order_relaxed);
    atomic_store_explicit(&u->told_until_ns, now_ns + reset_ms * MS, memory_order_relaxed);
}

void upstream_block(upstream *u, uint64_t wait_ms, uint64_t now_ns) {
    uint64_t until = now_ns + wait_ms * MS;
    uint64_t there = atomic_load_explicit(&u->blocked_until_ns, memory_order_relaxed);
    while (there < until &&
           !atomic_compare_exchange_weak_explicit(&u->blocked_until_ns, &there, until, memory_order_relaxed,
                                                  memory_order_relaxed)) {
    }
}

upstream *upstream_get(upstream_book *b, const char *key) {
    for (upstream *u = b->first; u != NULL; u = u->next) {
        if (strcmp(u->key, key) == 0) {
            u->refs++;
            return u;
        }
    }
    upstream *u = calloc(1, sizeof *u);
    if (u == NULL)
        return NULL;
    slots_init(&u->slots);
    breaker_init(&u->breaker);
    memcpy(u->key, key, strnlen(key, 64));
    u->refs = 1;
    u->next = b->first;
    b->first = u;
    return u;
}

void upstream_unref(upstream_book *b, upstream *u) {
    if (u == NULL || --u->refs > 0)
        return;
    upstream **at = &b->first;
    while (*at != u)
        at = &(*at)->next;
    *at = u->next;
    slots_destroy(&u->slots);
    breaker_destroy(&u->breaker);
    free(u);
}
