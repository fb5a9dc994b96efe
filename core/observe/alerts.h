/* alerts.h - rules over what connections do, checked once a second.
 *
 *     [alerts]                                                    ; in busbar.conf
 *     errors  = error_rate(connection=pay*) > 5% over 5m for 1m
 *     slow    = latency_p95(connection=shop) > 800ms over 10m min 50
 *     quiet   = calls(connection=feed) < 1/m over 15m
 *     breaker = breaker_open for 30s
 *     tokens  = token_failing for 5m
 *     quota   = quota_used > 80%
 *
 * Kinds: error_rate (a share of the calls that asked the service; what is the caller's own fault is no
 * error), latency_p50, latency_p95, latency_p99, calls (a second), breaker_open, token_failing, quota_used.
 * `over` is the window (default 5m), `min` the calls in it that a rate or latency needs to mean anything
 * (default 1).
 *
 * A rule is watched for each connection that its pattern matches. Beyond its threshold it is pending, and
 * fires once that has lasted for `for`. It is over when the value has been back by a tenth of the threshold
 * (so that it does not flap) for ALERT_CLEAR_MS at a stretch.
 *
 * The main thread ticks; what is written and rendered may be asked for by any thread. Time is given by the
 * caller. */
#ifndef OBSERVE_ALERTS_H
#define OBSERVE_ALERTS_H

#include "base/err.h"
#include "json/json.h"

#define ALERT_RULES_MAX 64u
#define ALERT_CLEAR_MS 30000u
#define ALERT_RESOLVED_MS 900000u /* so long an alert that is over is still shown as resolved */
#define ALERT_BOUNDS 16u          /* of the histogram; one bucket more is beyond them all */

/* Upper bounds of the buckets of durations, in nanoseconds: those of the metrics. */
extern const uint64_t alert_bounds_ns[ALERT_BOUNDS];
static inline size_t alert_bucket(uint64_t duration_ns) {
    size_t i = 0;
    while (i < ALERT_BOUNDS && duration_ns > alert_bounds_ns[i])
        i++;
    return i;
}

typedef enum { ALERT_INACTIVE, ALERT_PENDING, ALERT_FIRING, ALERT_RESOLVED } alert_state;

/* What a connection has done up to now. Counters only ever grow; one that is less than before began anew. */
typedef struct alert_sample {
    bb_str connection; /* id */
    uint64_t calls, failures;
    uint64_t durations[ALERT_BOUNDS + 1]; /* calls by duration, each in one bucket */
    bool breaker_open, token_failing;
    double quota_used; /* share of its quota, 1 is all; negative: it has none */
} alert_sample;

/* An alert began to fire, or is over. Texts live until the callback returns. */
typedef struct alert_event {
    const char *alert, *connection;
    bool firing;
    const char *text; /* "error_rate 12.5 % > 5 % over 5m": value and rule, for people */
    uint64_t wall_ms;
} alert_event;

typedef struct alerts alerts;

alerts *alerts_new(void); /* NULL: no memory */
void alerts_free(alerts *a);
/* Adds a rule. False: *e says "column N: ...", what is wrong and what is allowed. `name`: [a-z][a-z0-9_-]*,
 * at most 48 bytes. Before the first tick. [main] */
bool alerts_rule(alerts *a, bb_str name, bb_str text, err *e);
size_t alerts_rules(const alerts *a);
/* Called for each event, after it has been logged; by alerts_tick, and must not call back into alerts. */
void alerts_on_event(alerts *a, void (*fn)(const alert_event *event, void *ctx), void *ctx);

/* Takes the samples of all connections: one that is missing is gone, and its alerts are over. `now_ms` is
 * monotonic, and ticks may come late. [main] */
void alerts_tick(alerts *a, uint64_t now_ms, const alert_sample *samples, size_t count);

/* Whether a connection may be shown to whoever asks. */
typedef bool (*alerts_filter)(bb_str connection, void *ctx);
/* {"alerts":[{"name","rule","firing","fired","connections":[{"connection","state","since","value","text"}]}]}:
 * connections that are not inactive. `shows` NULL: all of them, and with how often each rule `fired`. NULL
 * alerts are none. [any-thread] */
void alerts_write(alerts *a, alerts_filter shows, void *ctx, json_writer *w);
/* busbar_alert_firing{alert,connection} and busbar_alerts_total{alert}, as Prometheus reads them.
 * [any-thread]
 */
void alerts_render(alerts *a, buf *out);

#endif
