#include "limit/upstream.h"

#include <stdlib.h>

#define MS 1000000u

/* --- the rate ---------------------------------------------------------------------------------------- */

#define PLACES_MAX 4096u /* more than wait at one upstream; further ones are lost, not given twice */

/* The first place to come; those that have passed go. 0: none that early. With the lock held. */
static uint64_t take_place(upstream_places *g, uint64_t now_ns, uint64_t until_ns) {
    uint32_t n = 0, count = atomic_load_explicit(&g->count, memory_order_relaxed), first = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (g->at_ns[i] <= now_ns)
            continue;
        g->at_ns[n] = g->at_ns[i];
        if (first == UINT32_MAX || g->at_ns[n] < g->at_ns[first])
            first = n;
        n++;
    }
    uint64_t at = first != UINT32_MAX && g->at_ns[first] <= until_ns ? g->at_ns[first] : 0;
    if (at != 0)
        g->at_ns[first] = g->at_ns[--n];
    atomic_store_explicit(&g->count, n, memory_order_relaxed);
    return at;
}

uint64_t upstream_rate_take(upstream *u, const gcra_policy *p, uint64_t now_ns, uint64_t max_wait_ns,
                            uint64_t *wait_ns) {
    upstream_places *g = &u->given_up;
    if (atomic_load_explicit(&g->count, memory_order_relaxed) == 0)
        return gcra_take(&u->rate, p, now_ns, max_wait_ns, wait_ns);
    if (gcra_take(&u->rate, p, now_ns, 0, wait_ns) == 0)
        return 0;
    pthread_mutex_lock(&g->lock);
    uint64_t at = take_place(g, now_ns,
                             max_wait_ns < UINT64_MAX - now_ns ? now_ns + max_wait_ns : UINT64_MAX);
    pthread_mutex_unlock(&g->lock);
    return at != 0 ? at - now_ns : gcra_take(&u->rate, p, now_ns, max_wait_ns, wait_ns);
}

static bool make_room(upstream_places *g, uint32_t count) {
    if (count < g->cap)
        return true;
    uint32_t cap = g->cap == 0 ? 16 : g->cap * 2;
    uint64_t *at_ns = cap <= PLACES_MAX ? realloc(g->at_ns, cap * sizeof *at_ns) : NULL;
    if (at_ns == NULL)
        return false;
    g->at_ns = at_ns;
    g->cap = cap;
    return true;
}

void upstream_rate_leave(upstream *u, uint64_t at_ns, uint64_t now_ns) {
    upstream_places *g = &u->given_up;
    if (at_ns <= now_ns)
        return;
    pthread_mutex_lock(&g->lock);
    uint32_t count = atomic_load_explicit(&g->count, memory_order_relaxed);
    if (make_room(g, count)) {
        g->at_ns[count] = at_ns;
        atomic_store_explicit(&g->count, count + 1, memory_order_relaxed);
    }
    pthread_mutex_unlock(&g->lock);
}

/* --- what the service says --------------------------------------------------------------------------- */

static uint64_t blocked_for(const upstream *u, uint64_t now_ns) {
    uint64_t blocked = atomic_load_explicit(&u->blocked_until_ns, memory_order_relaxed);
    return blocked > now_ns ? blocked - now_ns : 0;
}

uint64_t upstream_told_wait(upstream *u, uint64_t now_ns) {
    uint64_t blocked = blocked_for(u, now_ns);
    if (blocked > 0)
        return blocked;
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

uint64_t upstream_route_wait(upstream *u, bb_str route, bb_str scope, uint64_t now_ns) {
    uint64_t wait_ns = blocked_for(u, now_ns);
    bucket_book *b = atomic_load_explicit(&u->buckets, memory_order_acquire);
    return wait_ns > 0 || b == NULL ? wait_ns : buckets_wait(b, route, scope, now_ns);
}

void upstream_route_tell(upstream *u, bb_str route, bb_str scope, const bucket_said *said, uint64_t now_ns) {
    bucket_book *b = atomic_load_explicit(&u->buckets, memory_order_acquire);
    if (b == NULL) { /* most services have none */
        bucket_book *made = buckets_new();
        if (made == NULL)
            return; /* as if nothing had been said */
        if (atomic_compare_exchange_strong_explicit(&u->buckets, &b, made, memory_order_acq_rel,
                                                    memory_order_acquire))
            b = made;
        else
            buckets_free(made);
    }
    buckets_tell(b, route, scope, said, now_ns);
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
    pthread_mutex_init(&u->given_up.lock, NULL);
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
    pthread_mutex_destroy(&u->given_up.lock);
    free(u->given_up.at_ns);
    buckets_free(atomic_load(&u->buckets));
    free(u);
}
