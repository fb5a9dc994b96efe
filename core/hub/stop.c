/* stop.c - the end of a hub: calls and deliveries get time to finish, then everything is taken down in the
 * opposite order of its making. */
#include "hub/internal.h"

#include "base/clock.h"

#include <stdlib.h>

/* The last of a loop's clients has gone, or the last delivery that was under way. On the loop. */
static void on_end(void *ctx) {
    hub_loop *l = ctx;
    if (--l->ends > 0)
        return;
    uv_close((uv_handle_t *)&l->last_call, NULL);
    hub_pulse_stop(l);
    auth_runtime_close_loop(l->hub->auth, l->loop);
    webhook_loop_close(&l->webhooks);
    worker_close(&l->worker);
    pthread_mutex_lock(&l->hub->lock);
    l->hub->loops_closed++;
    pthread_mutex_unlock(&l->hub->lock);
    uv_async_send(&l->hub->wake);
}

#define LAST_CALL_AGAIN_MS 100 /* for those that waited for the store before they began */

/* The time to finish is over. A call with an Idempotency-Key outlives its client, and receivers may hang:
 * they would hold up the end until their own deadlines. */
static void on_last_call(uv_timer_t *timer) {
    hub_loop *own = timer->data;
    worker_cancel(&own->worker, NULL, 0);
    webhook_loop_last_call(&own->webhooks);
}

static void close_server(loop *l, void *arg) {
    hub_loop *own = arg;
    uv_timer_init(loop_uv(l), &own->last_call);
    own->last_call.data = own;
    uv_timer_start(&own->last_call, on_last_call, own->hub->settings.shutdown_ms, LAST_CALL_AGAIN_MS);
    pthread_mutex_lock(&own->hub->lock);
    own->closing = true;
    pthread_mutex_unlock(&own->hub->lock);
    own->ends = 2;
    http_server_close(own->server, own->hub->settings.shutdown_ms, on_end, own);
    webhook_loop_drain(&own->webhooks, on_end, own);
}

void hub_stop_check(hub *h) {
    pthread_mutex_lock(&h->lock);
    bool all = h->loops_closed == h->loop_count;
    pthread_mutex_unlock(&h->lock);
    if (h->stopping && all)
        uv_stop(&h->uv);
}

static void stop_loops(hub *h) {
    bool running = h->loop_count > 0 && h->loop_count == h->settings.loops &&
                   h->loops[h->loop_count - 1].server != NULL;
    h->stopping = true;
    h->stop = false;
    atomic_store(&h->shared.ready, false);
    transfers_stop(h->transfers);
    hub_answer_waiters(h);
    hub_webhooks_finish(h);
    events_stop_changes(h->webhooks.events);
    if (running) {
        for (unsigned i = 0; i < h->loop_count; i++)
            loop_post(h->loops[i].loop, close_server, &h->loops[i]);
        uv_run(&h->uv, UV_RUN_DEFAULT); /* jobs of the last calls are still carried out */
    }
    store_flush(h->webhooks.events);
    store_flush(h->store); /* while the loops can still be told */
    for (unsigned i = 0; i < h->loop_count; i++) {
        loop_join(h->loops[i].loop);
        if (running)
            loop_free(
                h->loops[i].loop); /* a start that failed half-way ends the process: no need to unpick it */
    }
}

/* Jobs that came when nobody was left to do them. */
static void drop_jobs(hub *h) {
    for (api_job *job = h->jobs, *next; job != NULL; job = next) {
        next = job->next;
        api_job_free(job);
    }
    h->jobs = NULL;
    h->jobs_end = &h->jobs;
}

#define SESSIONS_END_MS 3000u /* all together */

static void end_sessions_of(connection *c) {
    if (c != NULL && c->sessions != NULL)
        session_pool_retire(c->sessions, NULL, NULL);
}

static void wait_for_sessions_of(const connection *c, uint64_t until_ns) {
    uint64_t now = clock_ns();
    if (c != NULL && c->sessions != NULL)
        session_pool_wait(c->sessions, until_ns > now ? (until_ns - now) / 1000000u : 0);
}

/* All at once, then for so long as they may take together: a function of a connector that does not come back
 * does not hold up the end. */
static void end_sessions(hub *h) {
    const snapshot *s = registry_current(h->registry);
    size_t n = s != NULL ? s->count : 0;
    for (connection *c = h->retired; c != NULL; c = c->next_retired)
        end_sessions_of(c);
    for (size_t i = 0; i < n; i++)
        end_sessions_of(s->entries[i].conn);
    uint64_t until = clock_ns() + SESSIONS_END_MS * 1000000u;
    for (connection *c = h->retired; c != NULL; c = c->next_retired)
        wait_for_sessions_of(c, until);
    for (size_t i = 0; i < n; i++)
        wait_for_sessions_of(s->entries[i].conn, until);
}

/* What loops have let go of since the main thread last looked. */
static void free_retired(hub *h) {
    hub_take_releases(h);
    end_sessions(h);
    hub_take_releases(h);
    for (connection *c = h->retired, *next; c != NULL; c = next) {
        next = c->next_retired;
        connection_free(c);
    }
    h->retired = NULL;
    hub_drop_releases(h);
}

static void close_handle(uv_handle_t *handle, void *unused) {
    (void)unused;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void free_main_loop(hub *h) {
    if (h->wake.data == NULL)
        return;
    uv_walk(&h->uv, close_handle, NULL);
    uv_run(&h->uv, UV_RUN_DEFAULT);
    uv_loop_close(&h->uv);
}

bool hub_left_behind(void) {
    return connections_left_behind() > 0;
}

void hub_free(hub *h) {
    if (h->wake.data != NULL)
        stop_loops(h);
    hub_watch_stop(h);
    drop_jobs(h);
    if (h->registry != NULL) {
        free_retired(h);
        registry_free(h->registry);
    }
    hub_webhooks_close(h);
    isolates_free(h->isolates);
    h->isolates = NULL; /* the main loop turns once more */
    quarantine_close(h->quarantine);
    hub_policy_close(h);
    hub_tls_close(h);
    hub_settings_close(h);
    auth_runtime_free(h->auth);
    hub_keep_last(h);
    otlp_stop(h->otlp, 2000);
    cache_free(h->cache);
    transfers_free(h->transfers);
    executions_free(h->executions);
    alerts_free(h->settings.alerts);
    report_free(h->last);
    hub_storage_close(h);
    access_free(h->access);
    quota_book_free(h->quotas);
    free_main_loop(h);
    hub_crashes_close(h);
    hub_state_close(h);
    pthread_mutex_destroy(&h->lock);
    free(h->loops);
    arena_free(h->memory);
    free(h);
}
