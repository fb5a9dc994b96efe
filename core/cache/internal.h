/* internal.h - what the files of this room share. */
#ifndef CACHE_INTERNAL_H
#define CACHE_INTERNAL_H

#include "cache/cache.h"

#include <pthread.h>

#define SHARDS 16u

typedef struct shard {
    _Alignas(64) pthread_mutex_t lock;
    cache_entry **buckets;
    size_t bucket_count; /* a power of two */
    cache_entry *newest, *oldest;
    uint64_t entries, bytes, evictions;
    cache_flight *flights;
} shard;

struct cache {
    shard shards[SHARDS];
    uint64_t shard_bytes; /* cap of one */
    uint64_t secret[2];
    _Atomic(uint64_t) purges;
};

static inline shard *shard_of(cache *c, uint64_t hash) {
    return &c->shards[hash >> 60];
}

#endif
