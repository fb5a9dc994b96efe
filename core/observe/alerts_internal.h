/* alerts_internal.h - what alerts.c keeps and alerts_show.c shows. Private to alerts*.c. */
#ifndef OBSERVE_ALERTS_INTERNAL_H
#define OBSERVE_ALERTS_INTERNAL_H

#include "observe/alerts.h"
#include "observe/alerts_rule.h"
#include "observe/alerts_window.h"

#include <pthread.h>

#define WATCHED_CHAINS 1024u
#define WATCHES_MAX 16384u /* of all rules and connections: up to 40 MB in the worst case */

typedef struct named_rule {
    char name[49];
    char *text;
    alert_rule rule;
    uint64_t fired; /* how often, ever */
} named_rule;

/* One rule over one connection. */
typedef struct watch {
    struct watch *next; /* of the connection */
    named_rule *of;
    window seen;
    uint64_t first_ms; /* when it began to watch */
    alert_state state;
    uint64_t since_ms, since_wall_ms; /* of the state */
    bool back;                        /* it fires, but the value is clearly back, */
    uint64_t back_ms;                 /* since then */
    double value;                     /* the last; of no meaning without has_value */
    bool has_value;
} watch;

typedef struct watched {
    struct watched *next; /* of the chain */
    char *id;
    window_counts last; /* its counters when it was last seen */
    uint64_t tick;      /* when it was last seen */
    watch *watches;
} watched;

struct alerts {
    pthread_mutex_t lock; /* guards all: ticks and those who look */
    named_rule *rules[ALERT_RULES_MAX];
    size_t rule_count;
    watched *chains[WATCHED_CHAINS];
    size_t watch_count;
    bool told_full; /* that there are too many watches */
    uint64_t tick;
    void (*on_event)(const alert_event *event, void *ctx);
    void *ctx;
};

/* "error_rate 12.5% > 5% over 5m min 20", in `out`. */
void alert_describe(const watch *w, char *out, size_t size);

#endif
