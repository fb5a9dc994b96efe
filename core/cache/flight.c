/* flight.c - single flight. A wait belongs to its loop: it is freed there, by its cancel or by the post that
 * ends it. */
#include "cache/internal.h"

#include <stdlib.h>

struct cache_wait {
    cache_wait *next;
    cache_flight *flight; /* NULL: the end is on its way; guarded by the shard's lock */
    shard *shard;
    loop *loop;
    flight_ended ended;
    void *ctx;
    bool cancelled; /* written by its loop, with the shard's lock */
    bool lost;      /* no memory to tell it: its cancel frees it; guarded by the shard's lock */
    /* the end */
    flight_end how;
    cache *cache;
    cache_entry *entry;
    cache_failure *failure;
    cache_flight *lead;
};

struct cache_flight {
    cache_flight *next;
    shard *shard;
    uint64_t hash;
    cache_wait *first, **end;
    bb_str key;
    char text[];
};

static cache_flight *find(shard *s, bb_str key, uint64_t hash) {
    cache_flight *f = s->flights;
    while (f != NULL && (f->hash != hash || !str_eq(f->key, key)))
        f = f->next;
    return f;
}

static cache_flight *flight_new(shard *s, bb_str key, uint64_t hash) {
    cache_flight *f = malloc(sizeof *f + key.len);
    if (f == NULL)
        return NULL;
    *f = (cache_flight){.next = s->flights, .shard = s, .hash = hash};
    memcpy(f->text, key.ptr, key.len);
    f->key = str_of(f->text, key.len);
    f->end = &f->first;
    s->flights = f;
    return f;
}

bool cache_join(cache *c, bb_str key, uint64_t hash, loop *l, flight_ended ended, void *ctx,
                cache_flight **flight, cache_wait **wait) {
    shard *s = shard_of(c, hash);
    *flight = NULL;
    *wait = NULL;
    pthread_mutex_lock(&s->lock);
    cache_flight *f = find(s, key, hash);
    if (f == NULL) {
        *flight = flight_new(s, key, hash);
    } else if ((*wait = calloc(1, sizeof **wait)) != NULL) {
        **wait = (cache_wait){.flight = f, .shard = s, .loop = l, .ended = ended, .ctx = ctx, .cache = c};
        *f->end = *wait;
        f->end = &(*wait)->next;
    }
    pthread_mutex_unlock(&s->lock);
    return *flight != NULL;
}

/* --- the end ------------------------------------------------------------------------------------------- */

void cache_failure_drop(cache_failure *f) {
    if (f != NULL && atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) == 1)
        free(f);
}

static cache_failure *failure_copy(const cache_failure *like) {
    cache_failure *f = malloc(sizeof *f + like->detail.len + like->upstream_code.len);
    if (f == NULL)
        return NULL;
    char *at = (char *)(f + 1);
    *f = (cache_failure){.problem = like->problem,
                         .retryable = like->retryable,
                         .upstream_status = like->upstream_status,
                         .retry_after_ms = like->retry_after_ms};
    f->detail = str_of(at, like->detail.len);
    if (like->detail.len > 0)
        memcpy(at, like->detail.ptr, like->detail.len);
    if (like->upstream_code.len > 0) {
        memcpy(at + like->detail.len, like->upstream_code.ptr, like->upstream_code.len);
        f->upstream_code = str_of(at + like->detail.len, like->upstream_code.len);
    }
    atomic_init(&f->refs, 1);
    return f;
}

static void drop(cache_wait *w) {
    cache_entry_drop(w->entry);
    cache_failure_drop(w->failure);
    free(w);
}

/* On the waiter's loop. */
static void arrive(loop *l, void *arg) {
    (void)l;
    cache_wait *w = arg;
    if (w->cancelled) {
        if (w->how == FLIGHT_LEAD)
            cache_flight_end(w->cache, w->lead, FLIGHT_LEAD, NULL, NULL); /* to the next */
        drop(w);
        return;
    }
    cache_entry *entry = w->entry;
    cache_failure *failure = w->failure;
    w->entry = NULL;
    w->failure = NULL;
    w->ended(w->how, entry, failure, w->lead, w->ctx);
    drop(w);
}

/* False: no memory to tell it. Its call ends at its deadline, and the cancel frees it. */
static bool tell(cache_wait *w) {
    if (loop_post(w->loop, arrive, w))
        return true;
    pthread_mutex_lock(&w->shard->lock);
    bool cancelled = w->cancelled;
    w->lost = true;
    pthread_mutex_unlock(&w->shard->lock);
    if (cancelled)
        drop(w);
    return false;
}

static void leave_shard(cache_flight *f) {
    cache_flight **at = &f->shard->flights;
    while (*at != f)
        at = &(*at)->next;
    *at = f->next;
}

/* The first who waits, made the leader; NULL: nobody does, the flight is over. */
static cache_wait *next_leader(cache_flight *f) {
    pthread_mutex_lock(&f->shard->lock);
    cache_wait *w = f->first;
    if (w != NULL) {
        f->first = w->next;
        if (f->first == NULL)
            f->end = &f->first;
        w->flight = NULL;
        w->how = FLIGHT_LEAD;
        w->lead = f;
    } else {
        leave_shard(f);
    }
    pthread_mutex_unlock(&f->shard->lock);
    return w;
}

static void hand_over(cache_flight *f) {
    for (cache_wait *w; (w = next_leader(f)) != NULL;)
        if (tell(w))
            return;
    free(f);
}

void cache_flight_end(cache *c, cache_flight *f, flight_end how, cache_entry *entry,
                      const cache_failure *failure) {
    (void)c;
    if (how == FLIGHT_LEAD) {
        hand_over(f);
        return;
    }
    pthread_mutex_lock(&f->shard->lock);
    leave_shard(f);
    cache_wait *first = f->first;
    for (cache_wait *w = first; w != NULL; w = w->next)
        w->flight = NULL;
    pthread_mutex_unlock(&f->shard->lock);
    cache_failure *shared = failure != NULL && first != NULL ? failure_copy(failure) : NULL;
    for (cache_wait *w = first, *next; w != NULL; w = next) {
        next = w->next;
        w->how = how == FLIGHT_FAILED && shared == NULL ? FLIGHT_ALONE : how;
        if (entry != NULL)
            w->entry = cache_entry_hold(entry);
        if (shared != NULL) {
            atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
            w->failure = shared;
        }
        tell(w);
    }
    cache_failure_drop(shared);
    free(f);
}

void cache_wait_cancel(cache *c, cache_wait *w) {
    (void)c;
    pthread_mutex_lock(&w->shard->lock);
    cache_flight *f = w->flight;
    if (f != NULL) {
        cache_wait **at = &f->first;
        while (*at != w)
            at = &(*at)->next;
        *at = w->next;
        if (f->end == &w->next)
            f->end = at;
    }
    bool ours = f != NULL || w->lost;
    w->cancelled = true; /* if not ours, `arrive` frees it */
    pthread_mutex_unlock(&w->shard->lock);
    if (ours)
        drop(w);
}
