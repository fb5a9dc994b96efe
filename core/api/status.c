/* status.c - the hub about itself: alive, ready, metrics, calls of late, kinds of problems. */
#include "api/routes.h"
#include "auth/session.h"
#include "base/clock.h"
#include "base/metric.h"
#include "observe/history.h"
#include "observe/metrics.h"
#include "plugin/watchdog.h"
#include "transform/transform.h"
#include "webhook/webhook.h"

static void reply_text(http_exchange *x, unsigned status, bb_str type, bb_str text) {
    http_response response = {.status = status, .content_type = type, .body = &text, .body_parts = 1};
    http_respond(x, &response);
}

void route_live(api *a, http_exchange *x, const route_params *p) {
    (void)a, (void)p;
    reply_text(x, 200, STR("text/plain; charset=utf-8"), STR("live\n"));
}

void route_ready(api *a, http_exchange *x, const route_params *p) {
    (void)p;
    bool ready = atomic_load_explicit(&a->shared->ready, memory_order_relaxed);
    reply_text(x, ready ? 200 : 503, STR("text/plain; charset=utf-8"),
               ready ? STR("ready\n") : STR("not ready\n"));
}

static void render_breakers(buf *out, const snapshot *s) {
    static const char *const state = "busbar_breaker_state", *const openings =
                                                                 "busbar_breaker_openings_total";
    metric_head(out, state, "gauge",
                "Circuit breaker of the connection's credential: 0 closed, 1 open, 2 half-open.");
    for (size_t i = 0; i < s->count; i++)
        if (s->entries[i].conn != NULL)
            buf_printf(out, "%s{connection=\"%.*s\"} %d\n", state, STR_FMT(s->entries[i].id),
                       (int)breaker_now(&s->entries[i].conn->upstream->breaker, clock_ns() / 1000000u, NULL));
    metric_head(out, openings, "counter", "Times that it opened.");
    for (size_t i = 0; i < s->count; i++)
        if (s->entries[i].conn != NULL)
            buf_printf(out, "%s{connection=\"%.*s\"} %llu\n", openings, STR_FMT(s->entries[i].id),
                       (unsigned long long)atomic_load(&s->entries[i].conn->upstream->breaker.openings));
}

/* One gauge, by connection. */
static void render_held(buf *out, const snapshot *s, const char *name, const char *help, size_t member) {
    metric_head(out, name, "gauge", help);
    for (size_t i = 0; i < s->count; i++) {
        connection_ledger l;
        if (s->entries[i].conn == NULL)
            continue;
        connection_held(s->entries[i].conn, &l);
        buf_printf(out, "%s{connection=\"%.*s\"} %llu\n", name, STR_FMT(s->entries[i].id),
                   (unsigned long long)*(const uint64_t *)((const char *)&l + member));
    }
}

static void render_ledger(buf *out, const snapshot *s) {
    render_held(out, s, "busbar_connection_memory_bytes",
                "Memory that the connection's instance has of the hub.",
                offsetof(connection_ledger, memory_bytes));
    render_held(out, s, "busbar_connection_call_memory_bytes",
                "Memory of its calls that wait for the service.", offsetof(connection_ledger, call_bytes));
    render_held(out, s, "busbar_connection_calls", "Its calls under way.",
                offsetof(connection_ledger, calls));
    render_held(out, s, "busbar_connection_transfers", "Its requests to the service under way.",
                offsetof(connection_ledger, transfers));
    render_held(out, s, "busbar_connection_timers", "Its calls that wait for their turn.",
                offsetof(connection_ledger, waits));
    ledger_render_leaks(out);
}

static void render_refusals(buf *out) {
    static const char *const name = "busbar_http_refused_total";
    const char *reason;
    unsigned status;
    uint64_t n;
    metric_head(out, name, "counter", "Requests refused before anything looked at them.");
    for (unsigned i = 0; http_server_refused(i, &reason, &status, &n); i++)
        buf_printf(out, "%s{reason=\"%s\",code=\"%u\"} %llu\n", name, reason, status, (unsigned long long)n);
}

/* By the states of auth/session.h: "none", "valid", "expiring", "needs_consent", "failed". */
static void render_tokens(buf *out, const snapshot *s) {
    static const char *const name = "busbar_token_usable";
    metric_head(out, name, "gauge", "1: the connection's token is good, or has not been asked for yet.");
    for (size_t i = 0; i < s->count; i++) {
        const connection *c = s->entries[i].conn;
        if (c == NULL || c->auth.session == NULL)
            continue;
        const char *state = auth_session_state(&c->auth);
        bool usable = strcmp(state, "failed") != 0 && strcmp(state, "needs_consent") != 0;
        buf_printf(out, "%s{connection=\"%.*s\"} %d\n", name, STR_FMT(s->entries[i].id), usable);
    }
}

/* The queue of events: its file, and what is in it. */
static void render_queue(buf *out, const store *events) {
    store_counts c = {0};
    target_counts held = {0};
    uint64_t now = clock_wall_ms();
    if (events != NULL)
        store_count(events, &c);
    events_total_counts(events, &held);
    metric_put(out, "busbar_queue_up", "gauge", "1: the last write to the queue of events came through.",
               events != NULL && store_health(events) == STORE_OK);
    metric_put(out, "busbar_queue_pending", "gauge", "Deliveries that are still to be made.", held.pending);
    metric_put(out, "busbar_queue_dead", "gauge", "Deliveries in the dead-letter queue.", held.dead);
    metric_put(out, "busbar_queue_oldest_seconds", "gauge",
               "Age of the oldest event that waits for a delivery.",
               held.oldest_ms > 0 && held.oldest_ms < now ? (now - held.oldest_ms) / 1000 : 0);
    metric_put(out, "busbar_queue_commits_total", "counter", "Groups committed.", c.commits);
    metric_put(out, "busbar_queue_writes_total", "counter", "Writes committed.", c.writes);
    metric_put(out, "busbar_queue_failures_total", "counter", "Writes that failed.", c.failures);
    metric_put(out, "busbar_queue_writes_waiting", "gauge", "Writes that wait for the disk.", c.queued);
    metric_put(out, "busbar_queue_bytes", "gauge", "Size of the queue's files.", c.file_bytes);
}

static void render_tls(buf *out, const api_shared *shared) {
    int64_t end = atomic_load(&shared->tls_not_after);
    if (end > 0)
        metric_put(out, "busbar_tls_certificate_end_timestamp_seconds", "gauge",
                   "When the certificate of tls_listen ends, in seconds since 1970.", (uint64_t)end);
}

static void render_shared(buf *out, const api_shared *shared) {
    cache_counts cached = {0};
    store_counts stored = {0};
    if (shared->cache != NULL)
        cache_count(shared->cache, &cached);
    if (shared->store != NULL)
        store_count(shared->store, &stored);
    metric_put(out, "busbar_cache_entries", "gauge", "Answers in the cache.", cached.entries);
    metric_put(out, "busbar_cache_bytes", "gauge", "Memory of the cache.", cached.bytes);
    metric_put(out, "busbar_cache_evictions_total", "counter", "Answers dropped for room.", cached.evictions);
    metric_put(out, "busbar_store_up", "gauge", "1: the last write to the store came through.",
               shared->store != NULL && store_health(shared->store) == STORE_OK);
    metric_put(out, "busbar_store_commits_total", "counter", "Groups committed.", stored.commits);
    metric_put(out, "busbar_store_writes_total", "counter", "Writes committed.", stored.writes);
    metric_put(out, "busbar_store_failures_total", "counter", "Writes that failed.", stored.failures);
    metric_put(out, "busbar_store_dropped_total", "counter", "Writes dropped for a full queue.",
               stored.dropped);
    metric_put(out, "busbar_store_queued", "gauge", "Writes that wait.", stored.queued);
    metric_put(out, "busbar_store_bytes", "gauge", "Size of the store's files.", stored.file_bytes);
    metric_put(out, "busbar_executions_kept_total", "counter", "Calls written to the history.",
               executions_kept(shared->executions));
    metric_put(out, "busbar_executions_not_kept_total", "counter",
               "Calls left out of the history: more a second than it takes, or the store failed.",
               executions_lost(shared->executions));
}

void route_metrics(api *a, http_exchange *x, const route_params *p) {
    (void)p;
    buf text;
    buf_init(&text);
    metrics_render(&text, a->shared->version, a->shared->http_connections(a->shared->ctx));
    render_breakers(&text, a->worker->snapshot);
    render_ledger(&text, a->worker->snapshot);
    render_refusals(&text);
    render_tokens(&text, a->worker->snapshot);
    render_sessions(&text, a->worker->snapshot);
    render_shared(&text, a->shared);
    render_tls(&text, a->shared);
    render_queue(&text, a->webhooks->hub->events);
    render_endpoints(a, &text);
    dispatch_render(&a->webhooks->hub->dispatch, &text);
    posts_render(&text);
    alerts_render(a->shared->alerts, &text);
    transform_render(&text);
    watchdog_render(a->shared->watchdog, &text);
    isolates_render(a->shared->isolates, &text);
    otlp_render(a->worker->otlp, &text);
    reply_text(x, 200, STR("text/plain; version=0.0.4; charset=utf-8"), buf_str(&text));
    buf_free(&text);
}

void route_problems(api *a, http_exchange *x, const route_params *p) {
    (void)a, (void)p;
    buf body;
    json_writer w = reply_list_begin(&body, "problems");
    for (int i = PROBLEM_NONE + 1; i < PROBLEM_COUNT; i++) {
        reply_problem_head(&w, (problem)i, STR(""), problem_of((problem)i)->retryable);
        json_object_end(&w);
    }
    reply_list_end(x, &w, &body);
}
