/* alerts.c - what the rules of [alerts] look at: every connection, once a second. */
#include "auth/session.h"
#include "base/clock.h"
#include "base/metric.h"
#include "hub/internal.h"

#include <stdlib.h>

#define TICK_MS 1000u

bool hub_settings_read_alerts(arena *a, const conf_file *f, hub_settings *out, err *e) {
    const conf_section *s = conf_find_section(f, STR("alerts"));
    if (s == NULL)
        return true;
    out->alerts = alerts_new();
    if (out->alerts == NULL)
        return err_set(e, "no memory");
    for (size_t i = 0; i < s->count; i++) {
        const conf_entry *entry = &s->entries[i];
        bb_str rule;
        err why = {""};
        if (!conf_expand(a, f, entry, &rule, NULL, e))
            return false;
        if (!alerts_rule(out->alerts, entry->key, rule, &why))
            return conf_fail(e, f, entry->line, "alert %.*s: %s", STR_FMT(entry->key), why.text);
    }
    return true;
}

/* --- samples -------------------------------------------------------------------------------------- */

/* Of the day's and the month's, whichever is further on; negative: there is none. */
static double quota_used(const connection *c, uint64_t wall_ms) {
    double most = -1;
    for (int p = 0; c->quotas != NULL && p < QUOTA_PERIODS; p++) {
        uint64_t limit = c->policies.limits.quota[p];
        if (limit == 0)
            continue;
        const quota *q = &c->quotas->of[p];
        bool current = metric_get(&q->start_ms) >= quota_period_start((quota_period)p, wall_ms);
        double used = current ? (double)metric_get(&q->used) / (double)limit : 0;
        most = used > most ? used : most;
    }
    return most;
}

static bool token_failing(const connection *c) {
    const char *state = auth_session_state(&c->auth);
    return strcmp(state, "failed") == 0 || strcmp(state, "needs_consent") == 0;
}

static void take_sample(const connection *c, alert_sample *out) {
    const connection_stats *s = c->stats;
    breaker_state state = breaker_now(&c->upstream->breaker, clock_ns() / 1000000u, NULL);
    *out = (alert_sample){.connection = c->id,
                          .calls = metric_get(&s->calls),
                          .failures = metric_get(&s->faults),
                          .breaker_open = state != BREAKER_CLOSED,
                          .token_failing = token_failing(c),
                          .quota_used = quota_used(c, clock_wall_ms())};
    for (size_t i = 0; i <= ALERT_BOUNDS; i++)
        out->durations[i] = metric_get(&s->durations[i]);
}

static void on_tick(uv_timer_t *timer) {
    hub *h = timer->data;
    const snapshot *now = registry_current(h->registry);
    alert_sample *samples = malloc((now->count + 1) * sizeof *samples);
    size_t n = 0;
    if (samples == NULL)
        return; /* the next second tries again */
    for (size_t i = 0; i < now->count; i++)
        if (now->entries[i].conn != NULL)
            take_sample(now->entries[i].conn, &samples[n++]);
    alerts_tick(h->settings.alerts, clock_ns() / 1000000u, samples, n);
    free(samples);
}

void hub_alerts_start(hub *h) {
    if (h->settings.alerts == NULL || h->settings.offline)
        return;
    uv_timer_init(&h->uv, &h->alert_timer);
    h->alert_timer.data = h;
    on_tick(&h->alert_timer); /* what happens from now on counts */
    uv_timer_start(&h->alert_timer, on_tick, TICK_MS, TICK_MS);
}
