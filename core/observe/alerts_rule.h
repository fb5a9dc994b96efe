/* alerts_rule.h - one line of [alerts], read. Private to alerts*.c and their tests.
 *
 *     KIND [ "(" [ "connection" "=" PATTERN ] ")" ] [ OP VALUE ] [ "over" DURATION ] [ "min" N ] [ "for"
 * DURATION ]
 */
#ifndef OBSERVE_ALERTS_RULE_H
#define OBSERVE_ALERTS_RULE_H

#include "base/err.h"

typedef enum {
    ALERT_ERROR_RATE, /* share of calls that failed */
    ALERT_LATENCY,    /* a quantile of the duration, in ms */
    ALERT_CALLS,      /* a second */
    ALERT_BREAKER_OPEN,
    ALERT_TOKEN_FAILING,
    ALERT_QUOTA_USED /* share */
} alert_kind;

typedef enum { OP_ABOVE, OP_AT_LEAST, OP_BELOW, OP_AT_MOST } alert_op;

typedef struct alert_rule {
    alert_kind kind;
    const char *kind_name;
    double quantile;   /* of ALERT_LATENCY: 0.5, 0.95, 0.99 */
    char pattern[128]; /* of connections' ids; "*" stands for any bytes */
    alert_op op;
    double threshold; /* in the unit of the kind; nothing for breaker_open and token_failing */
    uint64_t over_ms; /* 0: the kind looks at one moment */
    uint64_t for_ms;
    uint64_t min_calls; /* in the window, for the value to count at all */
} alert_rule;

/* False: *e says "column N: ...". */
bool alert_rule_read(bb_str text, alert_rule *out, err *e);
bool alert_rule_matches(const alert_rule *r, bb_str connection);
/* Whether the value is beyond the threshold; with `lenient`, whether it is not clearly back (by a tenth). */
bool alert_rule_beyond(const alert_rule *r, double value, bool lenient);
/* Whether the kind has a value to compare. */
bool alert_rule_compares(const alert_rule *r);

#endif
