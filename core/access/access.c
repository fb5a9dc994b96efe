#include "access/access.h"

#include "access/internal.h"
#include "base/clock.h"
#include "plugin/host_crypto.h"

#include <stdlib.h>

static const char *const role_names[] = {"none", "viewer", "caller", "operator", "admin"};

const char *access_role_name(access_role r) {
    return role_names[r];
}

access_role access_role_from(bb_str name) {
    for (int r = ROLE_VIEWER; r <= ROLE_ADMIN; r++)
        if (str_eq(name, str_from(role_names[r])))
            return (access_role)r;
    return ROLE_NONE;
}

access_keys *access_new(quota_book *book) {
    access_keys *a = calloc(1, sizeof *a);
    if (a == NULL || (a->memory = arena_new(0)) == NULL) {
        free(a);
        return NULL;
    }
    a->quotas = book;
    return a;
}

void access_free(access_keys *a) {
    if (a == NULL)
        return;
    arena_free(a->memory);
    free(a);
}

/* --- the table ------------------------------------------------------------------------------------- */

static size_t bucket_of(bb_str id) {
    return str_hash(id) % ACCESS_BUCKETS;
}

void access_insert(access_keys *a, principal *p) {
    _Atomic(principal *) *bucket = &a->buckets[bucket_of(p->id)];
    p->next = atomic_load(bucket);
    atomic_store_explicit(bucket, p, memory_order_release);
    principal *last = atomic_load(&a->first);
    atomic_store_explicit(last == NULL ? &a->first : &a->last->next_made, p, memory_order_release);
    a->last = p;
}

static principal *by_id(const access_keys *a, bb_str id) {
    _Atomic(principal *) *bucket = (_Atomic(principal *) *)(uintptr_t)&a->buckets[bucket_of(id)];
    for (principal *p = atomic_load_explicit(bucket, memory_order_acquire); p != NULL; p = p->next)
        if (str_eq(p->id, id))
            return p;
    return NULL;
}

const principal *access_by_id(const access_keys *a, bb_str id) {
    return by_id(a, id);
}

#define KEY_MAX 256u /* bytes of a key */

/* "bb_ID_SECRET": what stands between the first and the last underscore. */
static bb_str id_in(bb_str key) {
    if (!str_starts(key, STR("bb_")))
        return (bb_str){NULL, 0};
    const char *last = memrchr(key.ptr + 3, '_', key.len - 3);
    return last != NULL ? str_of(key.ptr + 3, (size_t)(last - key.ptr - 3)) : (bb_str){NULL, 0};
}

bool access_hash(bb_str key, uint8_t out[32]) {
    uint8_t digest[BB_HASH_MAX];
    bool ok = host_crypto.digest(BB_SHA256, key, digest) == 32;
    memcpy(out, digest, 32);
    return ok;
}

principal *access_find(access_keys *a, bb_str key, uint64_t now_ms) {
    uint8_t hash[32];
    bb_str id = id_in(key);
    principal *p = id.len > 0 ? by_id(a, id) : NULL;
    if (p == NULL) /* the admin's file may hold a text of the admin's own */
        p = atomic_load_explicit(&a->first, memory_order_acquire);
    if (p == NULL || key.len > KEY_MAX || !access_hash(key, hash) ||
        host_crypto.equal(str_of(hash, 32), str_of(p->hash, 32)) != 1 ||
        atomic_load_explicit(&p->revoked_ms, memory_order_relaxed) != 0 ||
        (p->expires_ms != 0 && now_ms >= p->expires_ms))
        return NULL;
    if (now_ms - atomic_load_explicit(&p->last_used_ms, memory_order_relaxed) > 1000)
        atomic_store_explicit(&p->last_used_ms, now_ms, memory_order_relaxed);
    return p;
}

bool access_add_admin(access_keys *a, bb_str key) {
    principal *p = arena_zalloc(a->memory, sizeof *p);
    bb_str id = id_in(key);
    if (p == NULL || !access_hash(key, p->hash))
        return false;
    p->id = arena_copy(a->memory, id.len > 0 ? id : STR("admin"));
    p->name = STR("the admin's key file");
    p->role = ROLE_ADMIN;
    p->limits = STR("{}");
    p->created_ms = clock_wall_ms();
    access_insert(a, p);
    return true;
}

/* --- what a key may ---------------------------------------------------------------------------------- */

bool access_sees(const principal *p, bb_str connection) {
    return patterns_fit(&p->connections, connection);
}

bool access_calls(const principal *p, bb_str connection, bb_str operation) {
    return p->role >= ROLE_CALLER && access_sees(p, connection) && patterns_fit(&p->operations, operation);
}

#define SECOND_NS 1000000000ull

static bool count_rate(principal *p, uint64_t now_ns, access_limits *out) {
    uint64_t wait_ns = 0, full_ns = 0;
    if (p->rate.interval_ns == 0)
        return true;
    bool ok = gcra_take(&p->tat, &p->rate, now_ns, 0, &wait_ns) == 0;
    out->limited = true;
    out->rate = p->rate.rate;
    out->period_s = p->rate.period_ns / SECOND_NS;
    out->left = gcra_left(&p->tat, &p->rate, now_ns, &full_ns);
    out->reset_s = (full_ns + SECOND_NS - 1) / SECOND_NS;
    if (!ok) {
        out->problem = PROBLEM_RATE_LIMITED;
        out->retry_after_ms = wait_ns / 1000000u + 1;
    }
    return ok;
}

static bool count_quota(principal *p, quota_period period, uint64_t wall_ms, access_limits *out) {
    if (p->quota[period] == 0 || p->used == NULL)
        return true;
    quota_answer q = quota_take(&p->used->of[period], period, p->quota[period], wall_ms);
    if (!out->has_quota || !q.taken || q.left < out->quota_left) {
        out->has_quota = true;
        out->period = period;
        out->quota = p->quota[period];
        out->quota_left = q.left;
        out->quota_reset_s = (quota_period_end(period, wall_ms) - wall_ms + 999) / 1000;
    }
    if (!q.taken) {
        out->problem = PROBLEM_QUOTA_EXCEEDED;
        out->retry_after_ms = q.reset_ms;
    }
    return q.taken;
}

bool access_count(principal *p, uint64_t now_ns, uint64_t wall_ms, access_limits *out) {
    *out = (access_limits){.problem = PROBLEM_NONE};
    if (!count_rate(p, now_ns, out) || !count_quota(p, QUOTA_DAY, wall_ms, out))
        return false;
    if (count_quota(p, QUOTA_MONTH, wall_ms, out))
        return true;
    if (p->quota[QUOTA_DAY] != 0 && p->used != NULL)
        quota_give_back(&p->used->of[QUOTA_DAY]);
    return false;
}

void access_uncount(principal *p) {
    for (int i = 0; p->used != NULL && i < QUOTA_PERIODS; i++)
        if (p->quota[i] != 0)
            quota_give_back(&p->used->of[i]);
}
