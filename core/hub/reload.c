/* reload.c - from one configuration to the next while calls run: hand the snapshot to every loop, wait until
 * each has let go of what was replaced, then free it. */
#include "hub/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "observe/metrics.h"

#include <malloc.h>
#include <stdlib.h>

#define DRAIN_CHECK_MS 500

/* A snapshot on its way to a loop. */
typedef struct handover {
    hub_loop *to;
    const snapshot *next;
    snapshot *old;
    size_t count;
    connection *retired[]; /* a copy of its own: the list is the main thread's */
} handover;

/* What a loop has let go of, on its way to the main thread. */
typedef struct release release;
struct release {
    release *next;
    hub *hub;
    connection *conn; /* or */
    snapshot *snapshot;
};

static void post_to_main(hub *h, release *r) {
    pthread_mutex_lock(&h->lock);
    r->next = h->releases;
    h->releases = r;
    pthread_mutex_unlock(&h->lock);
    uv_async_send(&h->wake);
}

static void post_release(hub *h, connection *c, snapshot *s) {
    release *r = malloc(sizeof *r);
    if (r == NULL)
        return; /* what it names is never freed: better than freeing it too early */
    *r = (release){.hub = h, .conn = c, .snapshot = s};
    post_to_main(h, r);
}

void hub_released(connection *c, void *ctx) {
    post_release(ctx, c, NULL);
}

/* On the loop. */
static void take_snapshot(loop *l, void *arg) {
    (void)l;
    handover *o = arg;
    worker_swap(&o->to->worker, o->next, o->retired, o->count);
    if (o->old != NULL)
        post_release(o->to->hub, NULL, o->old);
    free(o);
}

static handover *handover_new(hub_loop *to, const snapshot *next, snapshot *old, connection *retired) {
    size_t n = 0;
    for (const connection *c = retired; c != NULL; c = c->next_retired)
        n++;
    handover *o = malloc(sizeof *o + n * sizeof *o->retired);
    if (o == NULL)
        return NULL;
    *o = (handover){.to = to, .next = next, .old = old};
    for (connection *c = retired; c != NULL; c = c->next_retired)
        o->retired[o->count++] = c;
    return o;
}

static void hand_over(hub *h, const snapshot *next, snapshot *old, connection *retired) {
    for (unsigned i = 0; i < h->loop_count; i++) {
        handover *o = handover_new(&h->loops[i], next, old, retired);
        if (o != NULL && loop_post(h->loops[i].loop, take_snapshot, o))
            continue;
        free(o);
        log_error("no memory to hand the new configuration to loop %u: it keeps the old one", i);
    }
}

/* --- draining ---------------------------------------------------------------------------------------------
 */

void hub_answer_waiters(hub *h) {
    for (api_job *job = h->waiting, *next; job != NULL; job = next) {
        next = job->next;
        hub_write_report(h, job);
        hub_job_finish(h, job);
    }
    h->waiting = NULL;
}

static void forget(hub *h, connection *c) {
    connection **at = &h->retired;
    while (*at != c)
        at = &(*at)->next_retired;
    *at = c->next_retired;
    if (c->zombie)
        log_info("connection %.*s of configuration %llu has ended at last", STR_FMT(c->id),
                 (unsigned long long)c->generation);
    connection_free(c);
}

/* On a thread of its sessions: the last of them has ended. */
static void sessions_gone(void *ctx) {
    release *r = ctx;
    post_to_main(r->hub, r);
}

/* No loop has calls on it any more. Its sessions may take a while to close: the release comes back then. */
static bool ends_sessions(release *r) {
    connection *c = r->conn;
    if (c->sessions == NULL || c->sessions_ending)
        return false;
    c->sessions_ending = true;
    c->loops_left = 1;
    session_pool_retire(c->sessions, sessions_gone, r);
    return true;
}

void hub_take_releases(hub *h) {
    pthread_mutex_lock(&h->lock);
    release *list = h->releases;
    h->releases = NULL;
    pthread_mutex_unlock(&h->lock);
    for (release *r = list, *next; r != NULL; r = next) {
        next = r->next;
        if (r->conn != NULL && --r->conn->loops_left == 0) {
            if (ends_sessions(r))
                continue;
            forget(h, r->conn);
        }
        if (r->snapshot != NULL && --r->snapshot->loops_left == 0)
            snapshot_free(r->snapshot);
        free(r);
    }
    if (h->retired == NULL && h->last != NULL) {
        h->last->drained = true;
        if (hub_webhooks_settled(h))
            hub_answer_waiters(h);
    }
}

void hub_drop_releases(hub *h) {
    for (release *r = h->releases, *next; r != NULL; r = next) {
        next = r->next;
        free(r);
    }
    h->releases = NULL;
}

typedef struct cancellation {
    worker *worker;
    const connection *conn; /* compared, never followed: it may be gone, and its address used again */
    uint64_t generation;
} cancellation;

static void cancel_on_loop(loop *l, void *arg) {
    (void)l;
    cancellation *c = arg;
    worker_cancel(c->worker, c->conn, c->generation);
    free(c);
}

static void cancel_calls(hub *h, connection *conn) {
    conn->cancelled = true;
    if (conn->sessions_ending) /* no loop has calls on it any more */
        return;
    log_warn("connection %.*s of configuration %llu: calls still run after %llu ms, they are cancelled",
             STR_FMT(conn->id), (unsigned long long)conn->generation,
             (unsigned long long)h->settings.drain_soft_ms);
    for (unsigned i = 0; i < h->loop_count; i++) {
        cancellation *c = malloc(sizeof *c);
        if (c == NULL)
            continue;
        *c = (cancellation){.worker = &h->loops[i].worker, .conn = conn, .generation = conn->generation};
        if (!loop_post(h->loops[i].loop, cancel_on_loop, c))
            free(c);
    }
}

void hub_drain_check(uv_timer_t *timer) {
    hub *h = timer->data;
    uint64_t now = clock_ns() / 1000000u, zombies = 0;
    for (connection *c = h->retired; c != NULL; c = c->next_retired) {
        uint64_t age = now - c->retired_ms;
        if (age >= h->settings.drain_soft_ms && !c->cancelled)
            cancel_calls(h, c);
        if (age >= h->settings.drain_hard_ms && !c->zombie) {
            c->zombie = true;
            log_error("connection %.*s of configuration %llu (connector %.*s, build %.12s): a %s does not "
                      "come back; it is left behind",
                      STR_FMT(c->id), (unsigned long long)c->generation, STR_FMT(c->module->id),
                      c->module->sha256, c->sessions_ending ? "session" : "step");
        }
        zombies += c->zombie;
    }
    metrics_zombies(zombies);
    if (h->retired == NULL)
        uv_timer_stop(timer);
}

/* --- a reload ----------------------------------------------------------------------------------------------
 */

static void retire(hub *h, connection *list) {
    uint64_t now = clock_ns() / 1000000u;
    for (connection *c = list, *next; c != NULL; c = next) {
        next = c->next_retired;
        c->retired_ms = now;
        if (next == NULL) {
            c->next_retired = h->retired;
            break;
        }
    }
}

void hub_reload(hub *h) {
    if (h->last != NULL) /* the start has just read it */
        hub_policy_reload(h);
    registry_change done = registry_reload(h->registry);
    if (done.report == NULL) {
        log_error("no memory for a reload: the configuration stays as it is");
        return;
    }
    malloc_trim(0); /* what the making of it took, ten times what stays, goes back to the system */
    report_free(h->last);
    h->last = done.report;
    hub_tls_reload(h, h->last);
    hub_settings_reload(h, h->last);
    report_log(h->last);
    auth_runtime_reloaded(h->auth);
    if (!h->last->committed || h->loop_count == 0 || done.old == NULL) {
        h->last->drained = h->retired == NULL;
        if (h->last->committed)
            hub_webhooks_reload(h, h->last);
        return;
    }
    hand_over(h, registry_current(h->registry), done.old, done.retired);
    retire(h, done.retired);
    if (done.retired != NULL) {
        h->retired = done.retired;
        uv_timer_start(&h->drain_timer, hub_drain_check, DRAIN_CHECK_MS, DRAIN_CHECK_MS);
    }
    h->last->drained = h->retired == NULL;
    hub_webhooks_reload(h, h->last); /* which loops take after the connections */
}

void hub_take_looping(hub *h) {
    isolate_loop_of_ends found;
    while (h->isolates != NULL && isolates_looping(h->isolates, &found)) {
        quarantine_entry entry = {.action = QUARANTINE_OFF,
                                  .plugin = found.plugin,
                                  .version = found.version,
                                  .reason = found.reason,
                                  .at_ms = clock_wall_ms()};
        memcpy(entry.sha256, found.sha256, sizeof entry.sha256);
        hub_blame(h, &entry, "supervisor");
    }
}
