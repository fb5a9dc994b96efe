/* otlp_ring.h - spans from one loop to the exporter's thread: one producer, one consumer, no lock. Private to
 * otlp*.c. */
#ifndef OBSERVE_OTLP_RING_H
#define OBSERVE_OTLP_RING_H

#include "observe/trace.h"

#include <stdatomic.h>

typedef struct otlp_ring {
    trace_span *slots;
    uint64_t size; /* a power of two */
    /* The two ends are on lines of their own, so that the loop's writes do not slow the thread's reads. */
    _Alignas(64) _Atomic(uint64_t) head; /* spans put, ever: by the loop */
    _Atomic(uint64_t) dropped;
    _Alignas(64) _Atomic(uint64_t) tail; /* spans taken, ever: by the thread */
} otlp_ring;

/* Spans that wait. Of use to either end: it can only be out of date in its favour. */
static inline uint64_t ring_waiting(const otlp_ring *r) {
    otlp_ring *ring = (otlp_ring *)(uintptr_t)r;
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    return atomic_load_explicit(&ring->head, memory_order_acquire) - tail;
}

/* [loop] Gives how many wait with this one; 0: it was full, and the span is dropped. */
static inline uint64_t ring_put(otlp_ring *r, const trace_span *span) {
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint64_t waiting = head - atomic_load_explicit(&r->tail, memory_order_acquire);
    if (waiting == r->size) {
        uint64_t dropped = atomic_load_explicit(&r->dropped, memory_order_relaxed);
        atomic_store_explicit(&r->dropped, dropped + 1, memory_order_relaxed);
        return 0;
    }
    r->slots[head & (r->size - 1)] = *span;
    atomic_store_explicit(&r->head, head + 1, memory_order_release);
    return waiting + 1;
}

/* [the thread] At most `most` spans, oldest first. */
static inline size_t ring_take(otlp_ring *r, trace_span *to, size_t most) {
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed), waiting = ring_waiting(r);
    size_t n = waiting < most ? (size_t)waiting : most;
    for (size_t i = 0; i < n; i++)
        to[i] = r->slots[(tail + i) & (r->size - 1)];
    atomic_store_explicit(&r->tail, tail + n, memory_order_release);
    return n;
}

#endif
