/* alerts_show.c - alerts for people, the API and Prometheus. */
#include "base/clock.h"
#include "base/metric.h"
#include "observe/alerts_internal.h"

#include <stdio.h>
#include <stdlib.h>

static const char *state_name(alert_state state) {
    static const char *const names[] = {"inactive", "pending", "firing", "resolved"};
    return names[state];
}

/* The value in the unit that the rule is written in. */
static void describe_value(const watch *w, char *out, size_t size) {
    const alert_rule *r = &w->of->rule;
    if (r->kind == ALERT_LATENCY)
        snprintf(out, size, " %.4gms", w->value);
    else if (r->kind == ALERT_CALLS)
        snprintf(out, size, " %.4g/s", w->value);
    else
        snprintf(out, size, " %.4g%%", w->value * 100);
}

/* The value, then the rule from its operator on. */
void alert_describe(const watch *w, char *out, size_t size) {
    char value[40] = " without a value";
    const char *rule = strpbrk(w->of->text, "<>");
    if (!alert_rule_compares(&w->of->rule)) {
        snprintf(out, size, "%s", w->of->text);
        return;
    }
    if (w->has_value)
        describe_value(w, value, sizeof value);
    snprintf(out, size, "%s%s, rule: %s", w->of->rule.kind_name, value, rule != NULL ? rule : "");
}

static void write_watch(json_writer *w, const char *connection, const watch *x) {
    char since[CLOCK_RFC3339_SIZE], text[256];
    clock_rfc3339(x->since_wall_ms, since);
    alert_describe(x, text, sizeof text);
    json_object(w);
    json_member_string(w, STR("connection"), str_from(connection));
    json_member_string(w, STR("state"), str_from(state_name(x->state)));
    json_member_string(w, STR("since"), str_from(since));
    if (x->has_value) {
        json_keyl(w, "value");
        json_put_double(w, x->value);
    }
    json_member_string(w, STR("text"), str_from(text));
    json_object_end(w);
}

/* What is done with each watch of a rule. */
typedef void (*visitor)(const char *connection, const watch *w, void *ctx);

static void visit(const alerts *a, const named_rule *r, visitor fn, void *ctx) {
    for (size_t i = 0; i < WATCHED_CHAINS; i++)
        for (const watched *c = a->chains[i]; c != NULL; c = c->next)
            for (const watch *w = c->watches; w != NULL; w = w->next)
                if (w->of == r)
                    fn(c->id, w, ctx);
}

/* Somebody who asks, and may not see all. */
typedef struct viewer {
    alerts_filter shows;
    void *ctx;
    json_writer *w;
    uint64_t firing;
} viewer;

static bool may_see(const viewer *v, const char *connection) {
    return v->shows == NULL || v->shows(str_from(connection), v->ctx);
}

static void count_firing(const char *connection, const watch *w, void *ctx) {
    viewer *v = ctx;
    v->firing += w->state == ALERT_FIRING && may_see(v, connection);
}

static void write_active(const char *connection, const watch *w, void *ctx) {
    viewer *v = ctx;
    if (w->state != ALERT_INACTIVE && may_see(v, connection))
        write_watch(v->w, connection, w);
}

static void write_rule(viewer *v, const alerts *a, const named_rule *r) {
    json_writer *w = v->w;
    v->firing = 0;
    visit(a, r, count_firing, v);
    json_object(w);
    json_member_string(w, STR("name"), str_from(r->name));
    json_member_string(w, STR("rule"), str_from(r->text));
    json_member_u64(w, STR("firing"), v->firing);
    if (v->shows == NULL)
        json_member_u64(w, STR("fired"), r->fired);
    json_keyl(w, "connections");
    json_array(w);
    visit(a, r, write_active, v);
    json_array_end(w);
    json_object_end(w);
}

void alerts_write(alerts *a, alerts_filter shows, void *ctx, json_writer *w) {
    viewer v = {.shows = shows, .ctx = ctx, .w = w};
    json_object(w);
    json_keyl(w, "alerts");
    json_array(w);
    if (a != NULL) {
        pthread_mutex_lock(&a->lock);
        for (size_t i = 0; i < a->rule_count; i++)
            write_rule(&v, a, a->rules[i]);
        pthread_mutex_unlock(&a->lock);
    }
    json_array_end(w);
    json_object_end(w);
}

static void render_firing(const char *connection, const watch *w, void *ctx) {
    if (w->state == ALERT_FIRING || w->state == ALERT_RESOLVED)
        buf_printf(ctx, "busbar_alert_firing{alert=\"%s\",connection=\"%s\"} %d\n", w->of->name, connection,
                   w->state == ALERT_FIRING);
}

void alerts_render(alerts *a, buf *out) {
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->lock);
    metric_head(out, "busbar_alert_firing", "gauge", "1 while an alert fires; 0 for a while after.");
    for (size_t i = 0; i < a->rule_count; i++)
        visit(a, a->rules[i], render_firing, out);
    metric_head(out, "busbar_alerts_total", "counter", "How often an alert has begun to fire.");
    for (size_t i = 0; i < a->rule_count; i++)
        buf_printf(out, "busbar_alerts_total{alert=\"%s\"} %llu\n", a->rules[i]->name,
                   (unsigned long long)a->rules[i]->fired);
    pthread_mutex_unlock(&a->lock);
}
