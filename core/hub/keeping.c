/* keeping.c - what the main thread hands to the store now and then: executions, quotas, refusals. */
#include "hub/internal.h"

#include "base/clock.h"
#include "observe/history.h"
#include "store/quota.h"

#include <malloc.h>
#include <stdlib.h>

#define TICK_MS 100u
#define TICKS_A_SECOND 10u
#define QUOTAS_AT_ONCE 1000u

/* True: there may be more. */
static bool save_quotas(hub *h) {
    quota_change *changes = malloc(QUOTAS_AT_ONCE * sizeof *changes);
    quota_row *rows = malloc(QUOTAS_AT_ONCE * sizeof *rows);
    size_t n = 0;
    if (changes != NULL && rows != NULL)
        n = quota_book_changes(h->quotas, changes, QUOTAS_AT_ONCE);
    for (size_t i = 0; i < n; i++)
        rows[i] = (quota_row){.subject = changes[i].subject,
                              .period = str_from(quota_period_name(changes[i].period)),
                              .start_ms = changes[i].start_ms,
                              .used = changes[i].used};
    if (n > 0 && !store_quota_save(h->store, rows, n))
        quota_book_unsaved(h->quotas);
    free(rows);
    free(changes);
    return n == QUOTAS_AT_ONCE;
}

static void flush_audit(loop *l, void *arg) {
    (void)l;
    audit_flush(arg);
}

/* A store that failed may have lost what was queued: the counters are saved again once it is well. */
static void watch_store(hub *h) {
    store_result now = store_health(h->store);
    if (now == h->store_was)
        return;
    if (now == STORE_OK)
        quota_book_unsaved(h->quotas);
    h->store_was = now;
}

#define MANY_CLIENTS 128u

/* When a crowd has gone, its memory is free but scattered, and the next crowd would take more beside it: give
 * it back. Takes a few milliseconds, once a crowd. */
static void give_back_memory(hub *h) {
    uint64_t now = h->shared.http_connections(h);
    if (now > h->most_clients)
        h->most_clients = now;
    if (h->most_clients < MANY_CLIENTS || now > h->most_clients / 2)
        return;
    malloc_trim(0);
    h->most_clients = now;
}

static void on_tick(uv_timer_t *timer) {
    hub *h = timer->data;
    history_keep(h->executions, h->store, (size_t)(h->settings.executions_per_second / TICKS_A_SECOND));
    if (++h->ticks % TICKS_A_SECOND != 0)
        return;
    save_quotas(h);
    watch_store(h);
    give_back_memory(h);
    auth_runtime_store_again(h->auth);
    events_keep(h->webhooks.events, h->settings.events_ms, h->settings.events_dead_ms,
                h->settings.events_bytes);
    hub_gone_look(h);
    for (unsigned i = 0; i < h->loop_count; i++)
        loop_post(h->loops[i].loop, flush_audit, &h->loops[i].api);
}

void hub_keep_start(hub *h) {
    if (h->store == NULL)
        return;
    store_executions_keep(h->store, h->settings.executions_count, h->settings.executions_ms);
    uv_timer_init(&h->uv, &h->keep_timer);
    h->keep_timer.data = h;
    uv_timer_start(&h->keep_timer, on_tick, TICK_MS, TICK_MS);
}

void hub_keep_last(hub *h) {
    if (h->store == NULL || h->quotas == NULL || h->executions == NULL)
        return;
    for (unsigned i = 0; i < h->loop_count; i++)
        audit_flush(&h->loops[i].api);
    history_keep(h->executions, h->store, SIZE_MAX);
    while (save_quotas(h)) {
    }
}

bool hub_keep_load(hub *h, err *e) {
    quota_row *rows;
    size_t n;
    h->quotas = quota_book_new();
    h->access = h->quotas != NULL ? access_new(h->quotas) : NULL;
    if (h->access == NULL || !access_add_admin(h->access, str_from(h->key)))
        return err_set(e, "no memory");
    if (h->store == NULL)
        return true;
    arena *scratch = arena_new(0);
    store_result r = scratch != NULL ? store_quota_load(h->store, scratch, clock_wall_ms(), &rows, &n)
                                     : STORE_FAILED;
    for (size_t i = 0; r == STORE_OK && i < n; i++) {
        quota_period p = str_eq(rows[i].period, STR("day")) ? QUOTA_DAY : QUOTA_MONTH;
        quota_book_restore(h->quotas, rows[i].subject, p, rows[i].start_ms, rows[i].used);
    }
    arena_free(scratch);
    if (r == STORE_OK)
        r = access_load(h->access, h->store);
    return r == STORE_OK || err_set(e, "%s: %s", h->settings.store_file, store_result_text(r));
}
