/* upstream.c - what calls share: caches, breakers, limits; shown, purged and reset. */
#include "api/routes.h"
#include "base/clock.h"
#include "store/audit.h"

static void note(api *a, http_exchange *x, const principal *who, bb_str action, bb_str target,
                 bb_str detail) {
    audit_entry e = {.at_ms = clock_wall_ms(),
                     .actor = who->id,
                     .actor_name = who->name,
                     .from = http_exchange_request(x)->peer,
                     .action = action,
                     .target = target,
                     .outcome = STR("done"),
                     .detail = detail,
                     .count = 1};
    if (a->shared->store != NULL)
        store_audit_add(a->shared->store, &e);
}

static void reply_number(http_exchange *x, bb_str name, uint64_t n) {
    buf body;
    json_writer w = reply_begin(&body);
    json_object(&w);
    json_member_u64(&w, name, n);
    json_object_end(&w);
    reply_json(x, 200, &body);
}

/* DELETE .../cache?operation=PATTERN, ... */
static void purge(api *a, http_exchange *x, const principal *who, bb_str id) {
    bb_str text = {NULL, 0};
    patterns operations = {0};
    if (http_exchange_query(x, STR("operation"), &text) &&
        !patterns_read(http_exchange_arena(x), text, &operations)) {
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for this"));
        return;
    }
    uint64_t n = a->shared->cache != NULL ? cache_purge(a->shared->cache, id, &operations) : 0;
    note(a, x, who, STR("cache.purge"), id.ptr != NULL ? id : STR("*"), text);
    reply_number(x, STR("purged"), n);
}

void route_cache_purge(api *a, http_exchange *x, const route_params *p) {
    const snapshot_entry *entry = find_entry(a, x, p->who, p->part[0]);
    if (entry != NULL)
        purge(a, x, p->who, entry->id);
}

void route_cache_purge_all(api *a, http_exchange *x, const route_params *p) {
    purge(a, x, p->who, (bb_str){NULL, 0});
}

void route_breaker_reset(api *a, http_exchange *x, const route_params *p) {
    const snapshot_entry *entry = find_connection(a, x, p->who, p->part[0]);
    if (entry == NULL)
        return;
    breaker_reset(&entry->conn->upstream->breaker);
    note(a, x, p->who, STR("breaker.reset"), entry->id, STR(""));
    buf body;
    json_writer w = reply_begin(&body);
    json_object(&w);
    json_member_string(&w, STR("connection"), entry->id);
    json_member_string(&w, STR("breaker"), STR("closed"));
    json_object_end(&w);
    reply_json(x, 200, &body);
}

/* --- GET /api/v1/limits ----------------------------------------------------------------------------------
 */

void write_breaker(json_writer *w, const connection *c) {
    uint64_t retry_ms;
    breaker_state state = breaker_now(&c->upstream->breaker, clock_ns() / 1000000u, &retry_ms);
    json_keyl(w, "breaker");
    json_object(w);
    json_member_string(w, STR("state"), str_from(breaker_state_name(state)));
    json_member_u64(w, STR("openings"), atomic_load(&c->upstream->breaker.openings));
    if (retry_ms > 0)
        json_member_u64(w, STR("retry_after_ms"), retry_ms);
    json_object_end(w);
}

static void write_rate(json_writer *w, const connection *c) {
    const limit_policy *p = &c->policies.limits;
    uint64_t now = clock_ns();
    if (p->rate.interval_ns != 0) {
        json_keyl(w, "rate");
        json_object(w);
        json_member_u64(w, STR("limit"), p->rate.rate);
        json_member_u64(w, STR("period_s"), p->rate.period_ns / 1000000000u);
        json_member_u64(w, STR("burst"), p->rate.burst);
        json_member_u64(w, STR("left"), gcra_left(&c->upstream->rate, &p->rate, now, NULL));
        json_object_end(w);
    }
    if (p->concurrency != 0) {
        json_keyl(w, "concurrency");
        json_object(w);
        json_member_u64(w, STR("limit"), p->concurrency);
        json_member_u64(w, STR("used"), atomic_load(&c->upstream->slots.used));
        json_member_u64(w, STR("waiting"), atomic_load(&c->upstream->slots.waiting));
        json_object_end(w);
    }
}

#define BUCKETS_SHOWN 100u

static void write_bucket(json_writer *w, const bucket_view *b) {
    json_object(w);
    json_member_string(w, STR("route"), str_from(b->name));
    if (b->reset_ms > 0) {
        json_member_u64(w, STR("left"), b->left);
        if (b->limit > 0)
            json_member_u64(w, STR("limit"), b->limit);
        json_member_u64(w, STR("reset_ms"), b->reset_ms);
    }
    if (b->pause_ms > 0)
        json_member_u64(w, STR("pause_ms"), b->pause_ms);
    json_object_end(w);
}

static void write_buckets(json_writer *w, const bucket_view *views, size_t n) {
    json_keyl(w, "routes");
    json_array(w);
    for (size_t i = 0; i < n; i++)
        write_bucket(w, &views[i]);
    json_array_end(w);
}

static void write_told(json_writer *w, const connection *c) {
    uint64_t now = clock_ns();
    uint64_t until = atomic_load(&c->upstream->told_until_ns),
             blocked = atomic_load(&c->upstream->blocked_until_ns);
    int64_t left = atomic_load(&c->upstream->told_left);
    bucket_book *book = atomic_load(&c->upstream->buckets);
    bucket_view views[BUCKETS_SHOWN];
    size_t routes = book != NULL ? buckets_list(book, now, views, BUCKETS_SHOWN) : 0;
    if (until <= now && blocked <= now && routes == 0)
        return;
    json_keyl(w, "service_says");
    json_object(w);
    if (until > now) {
        json_member_u64(w, STR("left"), left > 0 ? (uint64_t)left : 0);
        json_member_u64(w, STR("reset_ms"), (until - now) / 1000000u);
    }
    if (blocked > now)
        json_member_u64(w, STR("pause_ms"), (blocked - now) / 1000000u);
    if (routes > 0)
        write_buckets(w, views, routes);
    json_object_end(w);
}

static void write_quota(json_writer *w, const connection *c) {
    uint64_t now = clock_wall_ms();
    if (c->quotas == NULL)
        return;
    json_keyl(w, "quota");
    json_object(w);
    for (int i = 0; i < QUOTA_PERIODS; i++) {
        uint64_t limit = c->policies.limits.quota[i];
        bool current = atomic_load(&c->quotas->of[i].start_ms) >= quota_period_start((quota_period)i, now);
        if (limit == 0)
            continue;
        json_key(w, str_from(quota_period_name((quota_period)i)));
        json_object(w);
        json_member_u64(w, STR("limit"), limit);
        json_member_u64(w, STR("used"), current ? atomic_load(&c->quotas->of[i].used) : 0);
        json_object_end(w);
    }
    json_object_end(w);
}

void write_limits(json_writer *w, const connection *c) {
    write_breaker(w, c);
    write_rate(w, c);
    write_told(w, c);
    write_quota(w, c);
}

void route_limits(api *a, http_exchange *x, const route_params *p) {
    const snapshot *s = a->worker->snapshot;
    buf body;
    json_writer w = reply_list_begin(&body, "connections");
    for (size_t i = 0; i < s->count; i++) {
        if (s->entries[i].conn == NULL || !access_sees(p->who, s->entries[i].id))
            continue;
        json_object(&w);
        json_member_string(&w, STR("id"), s->entries[i].id);
        write_limits(&w, s->entries[i].conn);
        json_object_end(&w);
    }
    reply_list_end(x, &w, &body);
}
