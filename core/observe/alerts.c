#include "observe/alerts_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>

alerts *alerts_new(void) {
    alerts *a = calloc(1, sizeof *a);
    if (a != NULL)
        pthread_mutex_init(&a->lock, NULL);
    return a;
}

static void watched_free(alerts *a, watched *c) {
    for (watch *w = c->watches; w != NULL;) {
        watch *next = w->next;
        window_free(&w->seen);
        free(w);
        a->watch_count--;
        w = next;
    }
    free(c->id);
    free(c);
}

void alerts_free(alerts *a) {
    if (a == NULL)
        return;
    for (size_t i = 0; i < WATCHED_CHAINS; i++)
        for (watched *c = a->chains[i]; c != NULL;) {
            watched *next = c->next;
            watched_free(a, c);
            c = next;
        }
    for (size_t i = 0; i < a->rule_count; i++) {
        free(a->rules[i]->text);
        free(a->rules[i]);
    }
    pthread_mutex_destroy(&a->lock);
    free(a);
}

void alerts_on_event(alerts *a, void (*fn)(const alert_event *event, void *ctx), void *ctx) {
    a->on_event = fn;
    a->ctx = ctx;
}

size_t alerts_rules(const alerts *a) {
    return a->rule_count;
}

/* --- rules ------------------------------------------------------------------------------------------- */

static bool name_ok(bb_str name) {
    if (name.len == 0 || name.len >= sizeof((named_rule *)0)->name || name.ptr[0] < 'a' || name.ptr[0] > 'z')
        return false;
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return true;
}

static bool rule_known(const alerts *a, bb_str name) {
    for (size_t i = 0; i < a->rule_count; i++)
        if (str_eq(str_from(a->rules[i]->name), name))
            return true;
    return false;
}

bool alerts_rule(alerts *a, bb_str name, bb_str text, err *e) {
    alert_rule rule;
    if (!name_ok(name))
        return err_set(
            e,
            "\"%.*s\" cannot be an alert's name: allowed are a-z, 0-9, - and _, first a letter, 48 at most",
            STR_FMT(name));
    if (rule_known(a, name))
        return err_set(e, "the alert \"%.*s\" is there already", STR_FMT(name));
    if (a->rule_count == ALERT_RULES_MAX)
        return err_set(e, "there are more than %u alerts", ALERT_RULES_MAX);
    if (!alert_rule_read(text, &rule, e))
        return false;
    named_rule *r = calloc(1, sizeof *r);
    char *copy = text.len > 0 ? strndup(text.ptr, text.len) : NULL;
    if (r == NULL || copy == NULL) {
        free(r);
        free(copy);
        return err_set(e, "no memory for an alert");
    }
    memcpy(r->name, name.ptr, name.len);
    r->text = copy;
    r->rule = rule;
    a->rules[a->rule_count++] = r;
    return true;
}

/* --- connections ------------------------------------------------------------------------------------- */

static window_counts counters_of(const alert_sample *s) {
    window_counts c = {.calls = s->calls, .failures = s->failures};
    memcpy(c.durations, s->durations, sizeof c.durations);
    return c;
}

static void add_watch(alerts *a, watched *c, named_rule *r, uint64_t now_ms) {
    watch *w = a->watch_count < WATCHES_MAX ? calloc(1, sizeof *w) : NULL;
    if (w == NULL) {
        if (!a->told_full)
            log_error("alerts: more than %u connections under rules; %s under %s and others are not watched",
                      WATCHES_MAX, c->id, r->name);
        a->told_full = true;
        return;
    }
    *w = (watch){.next = c->watches, .of = r, .first_ms = now_ms};
    if (r->rule.over_ms > 0)
        window_init(&w->seen, r->rule.over_ms, r->rule.kind == ALERT_LATENCY);
    c->watches = w;
    a->watch_count++;
}

/* What it did before it was first seen does not count. */
static watched *watched_new(alerts *a, const alert_sample *s, uint64_t now_ms) {
    watched *c = calloc(1, sizeof *c);
    char *id = s->connection.len > 0 ? strndup(s->connection.ptr, s->connection.len) : NULL;
    if (c == NULL || id == NULL) {
        free(c);
        free(id);
        return NULL;
    }
    c->id = id;
    c->last = counters_of(s);
    for (size_t i = a->rule_count; i-- > 0;)
        if (alert_rule_matches(&a->rules[i]->rule, s->connection))
            add_watch(a, c, a->rules[i], now_ms);
    return c;
}

static watched *watched_of(alerts *a, const alert_sample *s, uint64_t now_ms) {
    watched **chain = &a->chains[str_hash(s->connection) % WATCHED_CHAINS];
    for (watched *c = *chain; c != NULL; c = c->next)
        if (str_eq(str_from(c->id), s->connection))
            return c;
    watched *c = watched_new(a, s, now_ms);
    if (c != NULL) {
        c->next = *chain;
        *chain = c;
    }
    return c;
}

/* A counter that has become less began anew: all of it is new. */
static uint64_t since(uint64_t now, uint64_t before) {
    return now >= before ? now - before : now;
}

static window_counts happened(watched *c, const alert_sample *s) {
    window_counts now = counters_of(s), more = {0};
    bool anew = now.calls < c->last.calls;
    if (anew)
        c->last = (window_counts){0};
    more.calls = now.calls - c->last.calls;
    more.failures = since(now.failures, c->last.failures);
    for (size_t i = 0; i <= ALERT_BOUNDS; i++)
        more.durations[i] = since(now.durations[i], c->last.durations[i]);
    c->last = now;
    return more;
}

/* --- events -------------------------------------------------------------------------------------------- */

static void set_state(watch *w, alert_state state, uint64_t now_ms) {
    w->state = state;
    w->since_ms = now_ms;
    w->since_wall_ms = clock_wall_ms();
    w->back = false;
}

static void emit(alerts *a, const char *connection, watch *w, const char *instead) {
    char text[256];
    bool firing = w->state == ALERT_FIRING;
    alert_describe(w, text, sizeof text);
    const char *said = instead != NULL ? instead : text;
    if (firing) {
        w->of->fired++;
        log_warn("alert firing alert=%s connection=%s %s", w->of->name, connection, said);
    } else {
        log_info("alert resolved alert=%s connection=%s %s", w->of->name, connection, said);
    }
    alert_event event = {.alert = w->of->name,
                         .connection = connection,
                         .firing = firing,
                         .text = said,
                         .wall_ms = w->since_wall_ms};
    if (a->on_event != NULL)
        a->on_event(&event, a->ctx);
}

/* --- evaluation ------------------------------------------------------------------------------------------
 */

/* A rate that is too low says nothing before the window has been watched as a whole. */
static bool is_full(const watch *w, uint64_t now_ms) {
    return now_ms - w->first_ms >= w->of->rule.over_ms;
}

static bool window_value(watch *w, uint64_t now_ms, double *value) {
    const alert_rule *r = &w->of->rule;
    window_counts counts;
    window_sum(&w->seen, now_ms, &counts);
    if (r->kind == ALERT_CALLS) {
        *value = (double)counts.calls * 1000 / (double)r->over_ms;
        return is_full(w, now_ms) || r->op == OP_ABOVE || r->op == OP_AT_LEAST;
    }
    if (counts.calls < r->min_calls)
        return false;
    *value = r->kind == ALERT_LATENCY ? window_quantile(&counts, r->quantile)
                                      : (double)counts.failures / (double)counts.calls;
    return true;
}

/* Takes the value, and tells whether it is beyond the threshold. */
static void measure(watch *w, const alert_sample *s, uint64_t now_ms, bool *beyond, bool *nearly) {
    const alert_rule *r = &w->of->rule;
    w->value = 0;
    if (!alert_rule_compares(r)) {
        w->has_value = false;
        *beyond = *nearly = r->kind == ALERT_BREAKER_OPEN ? s->breaker_open : s->token_failing;
        return;
    }
    if (r->kind == ALERT_QUOTA_USED) {
        w->has_value = s->quota_used >= 0;
        w->value = w->has_value ? s->quota_used : 0;
    } else {
        w->has_value = window_value(w, now_ms, &w->value);
    }
    *beyond = w->has_value && alert_rule_beyond(r, w->value, false);
    *nearly = w->has_value && alert_rule_beyond(r, w->value, true);
}

static void calm(alerts *a, const char *id, watch *w, uint64_t now_ms, bool nearly) {
    if (nearly) {
        w->back = false;
        return;
    }
    if (!w->back) {
        w->back = true;
        w->back_ms = now_ms;
    }
    if (now_ms - w->back_ms >= ALERT_CLEAR_MS) {
        set_state(w, ALERT_RESOLVED, now_ms);
        emit(a, id, w, NULL);
    }
}

static void step(alerts *a, const char *id, watch *w, const alert_sample *s, uint64_t now_ms) {
    bool beyond, nearly;
    measure(w, s, now_ms, &beyond, &nearly);
    if (w->state == ALERT_FIRING) {
        calm(a, id, w, now_ms, nearly);
        return;
    }
    if (w->state == ALERT_PENDING && !beyond)
        set_state(w, ALERT_INACTIVE, now_ms);
    if (w->state == ALERT_RESOLVED && !beyond && now_ms - w->since_ms >= ALERT_RESOLVED_MS)
        set_state(w, ALERT_INACTIVE, now_ms);
    if (beyond && w->state != ALERT_PENDING)
        set_state(w, ALERT_PENDING, now_ms);
    if (beyond && now_ms - w->since_ms >= w->of->rule.for_ms) {
        set_state(w, ALERT_FIRING, now_ms);
        emit(a, id, w, NULL);
    }
}

static void take_sample(alerts *a, uint64_t now_ms, const alert_sample *s) {
    watched *c = watched_of(a, s, now_ms);
    if (c == NULL)
        return; /* no memory: the next tick tries again */
    c->tick = a->tick;
    window_counts more = happened(c, s);
    for (watch *w = c->watches; w != NULL; w = w->next) {
        if (w->seen.slot_ms > 0)
            window_add(&w->seen, now_ms, &more);
        step(a, c->id, w, s, now_ms);
    }
}

static void forget_gone(alerts *a, uint64_t now_ms) {
    for (size_t i = 0; i < WATCHED_CHAINS; i++)
        for (watched **at = &a->chains[i]; *at != NULL;) {
            watched *c = *at;
            if (c->tick == a->tick) {
                at = &c->next;
                continue;
            }
            for (watch *w = c->watches; w != NULL; w = w->next)
                if (w->state == ALERT_FIRING) {
                    set_state(w, ALERT_RESOLVED, now_ms);
                    emit(a, c->id, w, "the connection is gone");
                }
            *at = c->next;
            watched_free(a, c);
        }
}

void alerts_tick(alerts *a, uint64_t now_ms, const alert_sample *samples, size_t count) {
    pthread_mutex_lock(&a->lock);
    a->tick++;
    for (size_t i = 0; i < count; i++)
        take_sample(a, now_ms, &samples[i]);
    forget_gone(a, now_ms);
    pthread_mutex_unlock(&a->lock);
}
