/* plan.h - how one target gets its events: where they go, in what shape, how many at once, when again. Of a
 * subscription and of a route of an endpoint alike. Immutable, in the memory of the item that it belongs to.
 * [any-thread] */
#ifndef WEBHOOK_PLAN_H
#define WEBHOOK_PLAN_H

#include "limit/gcra.h"
#include "webhook/post.h"
#include "webhook/retries.h"
#include "webhook/set.h"
#include "webhook/window.h"

typedef enum {
    PLAN_URL,       /* posted to a URL: subscriptions only */
    PLAN_OPERATION, /* the input of an operation of a connection */
    PLAN_EMIT       /* a new event of another type */
} plan_kind;

/* Events told of the outcome of a delivery: bits. */
#define PLAN_CONFIRM_DONE 1u /* busbar.delivery.succeeded */
#define PLAN_CONFIRM_DEAD 2u /* busbar.delivery.failed */

typedef struct delivery_plan {
    target target;
    plan_kind kind;
    bool enabled;                 /* false: what comes waits until it is */
    post_destination to;          /* PLAN_URL */
    bb_str url;                   /* of it, as the file has it: with references where secrets are put in */
    bb_str connection, operation; /* PLAN_OPERATION */
    bb_str emit;                  /* PLAN_EMIT: the new type */
    const char *program;          /* jq: an empty array, or one of the result; NULL: the payload as it is */
    bool keeps;                   /* of the program: there is a filter alone, and its result says only yes */
    uint64_t timeout_ms;
    uint32_t concurrency; /* requests under way at once */
    gcra_policy rate;     /* of requests; interval 0: none */
    uint32_t batch;       /* events in one request; 1: no batches */
    uint64_t batch_bytes, batch_wait_ms;
    retry_delays retries;
    delivery_window window;
    uint64_t disable_after_ms; /* of nothing but failures; 0: never */
    unsigned confirm;
} delivery_plan;

static inline const delivery_plan *plan_of(const target *t) {
    return t->of;
}

/* The keys of a section that say all this, [subscription] or [route NAME], into `plan`, all but target.name
 * and target.loop; sources where they are not set yet. `url` and what goes with it are known to subscriptions
 * only. False: *e, with file and line. [main] */
bool plan_read(arena *a, const webhook_reading *r, const conf_file *f, const conf_section *s, bool route,
               delivery_plan *plan, err *e);
/* Wipes secrets. */
void plan_end(delivery_plan *plan);

#endif
