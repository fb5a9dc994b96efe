#include "limit/buckets.h"

#include "base/siphash.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define MS 1000000u
#define WAYS 4u /* places where a key may stand */
#define SETS (BUCKETS_MAX / WAYS)
/* Answers of one window tell its end with that much of a difference: they travel unlike long. */
#define SAME_RESET_NS ((uint64_t)250 * MS)

typedef struct bucket {
    uint64_t key; /* 0: free */
    uint64_t left, limit;
    uint64_t until_ns;   /* 0: nothing is known */
    uint64_t window_ns;  /* the longest that was told: how far off the next reset is */
    uint64_t blocked_ns; /* no request before */
    char name[BUCKET_NAME_MAX];
} bucket;

typedef struct shared_route {
    uint64_t key; /* of the route; 0: free */
    uint64_t id;  /* of its bucket */
} shared_route;

struct bucket_book {
    pthread_mutex_t lock;
    uint64_t secret[2];
    bucket all[SETS][WAYS];
    shared_route routes[SETS][WAYS];
    unsigned turn; /* which route goes next where a set is full */
};

bucket_book *buckets_new(void) {
    bucket_book *b = calloc(1, sizeof *b);
    if (b == NULL)
        return NULL;
    b->secret[0] = (uint64_t)(uintptr_t)b; /* not known outside */
    b->secret[1] = (uint64_t)(uintptr_t)&b->turn * 0x9e3779b97f4a7c15u;
    pthread_mutex_init(&b->lock, NULL);
    return b;
}

void buckets_free(bucket_book *b) {
    if (b == NULL)
        return;
    pthread_mutex_destroy(&b->lock);
    free(b);
}

/* --- names as keys ---------------------------------------------------------------------------------------
 */

static uint64_t key_of(const bucket_book *b, bb_str text) {
    uint64_t key = siphash(b->secret, text);
    return key != 0 ? key : 1;
}

static uint64_t mix(const bucket_book *b, uint64_t id, uint64_t scope) {
    uint64_t both[2] = {id, scope};
    return key_of(b, str_of((const char *)both, sizeof both));
}

static shared_route *find_route(bucket_book *b, uint64_t key) {
    shared_route *set = b->routes[key % SETS];
    for (unsigned i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

static void learn_route(bucket_book *b, uint64_t key, uint64_t id) {
    shared_route *r = find_route(b, key), *set = b->routes[key % SETS];
    for (unsigned i = 0; r == NULL && i < WAYS; i++)
        if (set[i].key == 0)
            r = &set[i];
    if (r == NULL)
        r = &set[b->turn++ % WAYS];
    *r = (shared_route){.key = key, .id = id};
}

static uint64_t bucket_key(bucket_book *b, bb_str route, bb_str scope) {
    uint64_t key = key_of(b, route);
    const shared_route *r = find_route(b, key);
    return mix(b, r != NULL ? r->id : key, key_of(b, scope));
}

static bucket *find(bucket_book *b, uint64_t key) {
    bucket *set = b->all[key % SETS];
    for (unsigned i = 0; i < WAYS; i++)
        if (set[i].key == key)
            return &set[i];
    return NULL;
}

static uint64_t binds_until(const bucket *k) {
    return k->until_ns > k->blocked_ns ? k->until_ns : k->blocked_ns;
}

/* In place of the one that binds for the least time, where the set is full. */
static bucket *take(bucket_book *b, uint64_t key) {
    bucket *found = find(b, key), *set = b->all[key % SETS];
    if (found != NULL)
        return found;
    found = &set[0];
    for (unsigned i = 0; i < WAYS && found->key != 0; i++)
        if (set[i].key == 0 || binds_until(&set[i]) < binds_until(found))
            found = &set[i];
    *found = (bucket){.key = key};
    return found;
}

/* --- waiting and telling ----------------------------------------------------------------------------------
 */

/* The reset has come: what the whole window gives is there again, and no more than that goes out before an
 * answer tells better; where the limit is not known, all go. */
static void renew(bucket *k, uint64_t now_ns) {
    bool known = k->limit > 0 && k->window_ns > 0;
    k->left = k->limit;
    k->until_ns = known ? now_ns + k->window_ns : 0;
}

static uint64_t wait_of(bucket *k, uint64_t now_ns) {
    if (k->blocked_ns > now_ns)
        return k->blocked_ns - now_ns;
    if (k->until_ns != 0 && k->until_ns <= now_ns)
        renew(k, now_ns);
    if (k->until_ns == 0)
        return 0;
    if (k->left == 0)
        return k->until_ns - now_ns;
    k->left--;
    return 0;
}

uint64_t buckets_wait(bucket_book *b, bb_str route, bb_str scope, uint64_t now_ns) {
    pthread_mutex_lock(&b->lock);
    bucket *k = find(b, bucket_key(b, route, scope));
    uint64_t wait_ns = k != NULL ? wait_of(k, now_ns) : 0;
    pthread_mutex_unlock(&b->lock);
    return wait_ns;
}

/* Within one window, requests that are under way are counted here, and not yet in what the answer tells. */
static void take_left(bucket *k, const bucket_said *said, uint64_t now_ns) {
    uint64_t until = now_ns + said->reset_ms * MS;
    uint64_t apart = until > k->until_ns ? until - k->until_ns : k->until_ns - until;
    bool same = k->until_ns > now_ns && apart <= SAME_RESET_NS;
    k->left = same && k->left < said->left ? k->left : said->left;
    k->until_ns = until;
    k->limit = said->limit;
    if (until - now_ns > k->window_ns ||
        said->left + 1 == said->limit) /* the first of a window tells it whole */
        k->window_ns = until - now_ns;
}

void buckets_tell(bucket_book *b, bb_str route, bb_str scope, const bucket_said *said, uint64_t now_ns) {
    if (!said->has_left && said->wait_ms == 0 && said->id.len == 0)
        return;
    pthread_mutex_lock(&b->lock);
    if (said->id.len > 0)
        learn_route(b, key_of(b, route), key_of(b, said->id));
    if (said->has_left || said->wait_ms > 0) {
        bucket *k = take(b, bucket_key(b, route, scope));
        uint64_t blocked = now_ns + said->wait_ms * MS;
        snprintf(k->name, sizeof k->name, "%.*s%s%.*s", STR_FMT(route), scope.len > 0 ? " of " : "",
                 STR_FMT(scope));
        if (said->has_left)
            take_left(k, said, now_ns);
        if (said->wait_ms > 0 && blocked > k->blocked_ns)
            k->blocked_ns = blocked;
    }
    pthread_mutex_unlock(&b->lock);
}

size_t buckets_list(bucket_book *b, uint64_t now_ns, bucket_view *out, size_t cap) {
    size_t n = 0;
    pthread_mutex_lock(&b->lock);
    for (unsigned i = 0; i < BUCKETS_MAX && n < cap; i++) {
        const bucket *k = &b->all[i / WAYS][i % WAYS];
        if (k->key == 0 || binds_until(k) <= now_ns)
            continue;
        out[n] = (bucket_view){.left = k->left,
                               .limit = k->limit,
                               .reset_ms = k->until_ns > now_ns ? (k->until_ns - now_ns + MS - 1) / MS : 0,
                               .pause_ms = k->blocked_ns > now_ns ? (k->blocked_ns - now_ns + MS - 1) / MS
                                                                  : 0};
        memcpy(out[n++].name, k->name, sizeof k->name);
    }
    pthread_mutex_unlock(&b->lock);
    return n;
}
