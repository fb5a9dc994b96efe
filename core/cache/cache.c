#include "cache/internal.h"

#include "base/siphash.h"

#include <stdlib.h>
#include <sys/random.h>

#define FIRST_BUCKETS 64u

cache *cache_new(uint64_t max_bytes) {
    cache *c = aligned_alloc(64, sizeof *c);
    if (c == NULL)
        return NULL;
    memset(c, 0, sizeof *c);
    c->shard_bytes = max_bytes / SHARDS;
    if (getrandom(c->secret, sizeof c->secret, 0) != sizeof c->secret)
        c->secret[0] = (uint64_t)(uintptr_t)c;
    for (size_t i = 0; i < SHARDS; i++)
        pthread_mutex_init(&c->shards[i].lock, NULL);
    return c;
}

void cache_free(cache *c) {
    for (size_t i = 0; c != NULL && i < SHARDS; i++) {
        shard *s = &c->shards[i];
        for (cache_entry *e = s->newest, *next; e != NULL; e = next) {
            next = e->older;
            cache_entry_drop(e);
        }
        free(s->buckets);
        pthread_mutex_destroy(&s->lock);
    }
    free(c);
}

uint64_t cache_hash(const cache *c, bb_str key) {
    return siphash(c->secret, key);
}

/* --- entries --------------------------------------------------------------------------------------- */

cache_entry *cache_entry_hold(cache_entry *e) {
    atomic_fetch_add_explicit(&e->refs, 1, memory_order_relaxed);
    return e;
}

void cache_entry_drop(cache_entry *e) {
    if (e != NULL && atomic_fetch_sub_explicit(&e->refs, 1, memory_order_acq_rel) == 1)
        free(e);
}

static bb_str copy(char **at, bb_str s) {
    if (s.ptr == NULL)
        return s;
    char *to = *at;
    if (s.len > 0)
        memcpy(to, s.ptr, s.len);
    *at += s.len;
    return str_of(to, s.len);
}

/* One block: the entry and all its texts. */
static cache_entry *entry_new(const cache_fill *f) {
    const cache_entry *l = &f->like;
    size_t texts = l->data.len + l->next_cursor.len + l->etag.len + l->modified.len + f->key.len +
                   f->connection.len + f->operation.len;
    cache_entry *e = malloc(sizeof *e + texts);
    if (e == NULL)
        return NULL;
    char *at = (char *)(e + 1);
    *e = (cache_entry){.paginated = l->paginated,
                       .truncated = l->truncated,
                       .strict = l->strict,
                       .upstream_status = l->upstream_status,
                       .stored_ms = l->stored_ms,
                       .fresh_until_ms = l->fresh_until_ms,
                       .bytes = sizeof *e + texts,
                       .hash = f->hash};
    e->data = copy(&at, l->data);
    e->next_cursor = copy(&at, l->next_cursor);
    e->etag = copy(&at, l->etag);
    e->modified = copy(&at, l->modified);
    e->key = copy(&at, f->key);
    e->connection = copy(&at, f->connection);
    e->operation = copy(&at, f->operation);
    atomic_init(&e->refs, 1);
    return e;
}

/* --- a shard, under its lock -------------------------------------------------------------------------- */

static cache_entry **slot_of(shard *s, bb_str key, uint64_t hash) {
    cache_entry **at = &s->buckets[hash & (s->bucket_count - 1)];
    while (*at != NULL && ((*at)->hash != hash || !str_eq((*at)->key, key)))
        at = &(*at)->next;
    return at;
}

static void unlink_use(shard *s, cache_entry *e) {
    *(e->newer != NULL ? &e->newer->older : &s->newest) = e->older;
    *(e->older != NULL ? &e->older->newer : &s->oldest) = e->newer;
}

static void link_newest(shard *s, cache_entry *e) {
    e->newer = NULL;
    e->older = s->newest;
    *(s->newest != NULL ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
}

static void take_out(shard *s, cache_entry *e) {
    cache_entry **at = slot_of(s, e->key, e->hash);
    *at = e->next;
    unlink_use(s, e);
    s->entries--;
    s->bytes -= e->bytes;
    cache_entry_drop(e);
}

static bool grow(shard *s) {
    size_t count = s->bucket_count == 0 ? FIRST_BUCKETS : s->bucket_count * 2;
    cache_entry **buckets = calloc(count, sizeof *buckets);
    if (buckets == NULL)
        return s->bucket_count > 0; /* fuller chains do no harm */
    free(s->buckets);
    s->buckets = buckets;
    s->bucket_count = count;
    for (cache_entry *e = s->newest; e != NULL; e = e->older) {
        cache_entry **bucket = &buckets[e->hash & (count - 1)];
        e->next = *bucket;
        *bucket = e;
    }
    return true;
}

/* The older one goes in any case: what is known to be out of date is not given again. */
static bool put_in(shard *s, cache_entry *e, uint64_t cap) {
    if (s->entries >= s->bucket_count && !grow(s))
        return false;
    cache_entry *old = *slot_of(s, e->key, e->hash);
    if (old != NULL)
        take_out(s, old);
    if (e->bytes > cap)
        return false;
    while (s->oldest != NULL && s->bytes + e->bytes > cap) {
        take_out(s, s->oldest);
        s->evictions++;
    }
    cache_entry **bucket = &s->buckets[e->hash & (s->bucket_count - 1)];
    e->next = *bucket;
    *bucket = e;
    link_newest(s, e);
    s->entries++;
    s->bytes += e->bytes;
    return true;
}

/* --- from outside -------------------------------------------------------------------------------------- */

cache_entry *cache_find(cache *c, bb_str key, uint64_t hash) {
    shard *s = shard_of(c, hash);
    pthread_mutex_lock(&s->lock);
    cache_entry *e = s->bucket_count > 0 ? *slot_of(s, key, hash) : NULL;
    if (e != NULL) {
        cache_entry_hold(e);
        if (s->newest != e) {
            unlink_use(s, e);
            link_newest(s, e);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return e;
}

cache_entry *cache_put(cache *c, const cache_fill *fill) {
    cache_entry *e = entry_new(fill);
    if (e == NULL)
        return NULL;
    shard *s = shard_of(c, fill->hash);
    cache_entry_hold(e);
    pthread_mutex_lock(&s->lock);
    bool in = put_in(s, e, c->shard_bytes);
    pthread_mutex_unlock(&s->lock);
    if (!in)
        cache_entry_drop(e); /* the caller still has it for those who wait */
    return e;
}

uint64_t cache_purge(cache *c, bb_str connection, const patterns *operations) {
    uint64_t n = 0;
    atomic_fetch_add(&c->purges, 1); /* before: what is put in from here on was asked for before */
    for (size_t i = 0; i < SHARDS; i++) {
        shard *s = &c->shards[i];
        pthread_mutex_lock(&s->lock);
        for (cache_entry *e = s->newest, *next; e != NULL; e = next) {
            next = e->older;
            if ((connection.ptr != NULL && !str_eq(connection, e->connection)) ||
                !patterns_fit(operations, e->operation))
                continue;
            take_out(s, e);
            n++;
        }
        pthread_mutex_unlock(&s->lock);
    }
    return n;
}

uint64_t cache_purges(const cache *c) {
    return atomic_load(&((cache *)(uintptr_t)c)->purges);
}

void cache_count(cache *c, cache_counts *out) {
    *out = (cache_counts){.max_bytes = c->shard_bytes * SHARDS};
    for (size_t i = 0; i < SHARDS; i++) {
        shard *s = &c->shards[i];
        pthread_mutex_lock(&s->lock);
        out->entries += s->entries;
        out->bytes += s->bytes;
        out->evictions += s->evictions;
        pthread_mutex_unlock(&s->lock);
    }
}
