/* target.h - who gets events: a subscription, or a route of an endpoint; what is decided when an event is
 * taken. Immutable, in the memory of the item that it belongs to. [any-thread] */
#ifndef WEBHOOK_TARGET_H
#define WEBHOOK_TARGET_H

#include "base/pattern.h"
#include "json/json.h"

typedef struct target {
    bb_str name;      /* "subscription/ID", "endpoint/ID/ROUTE": the queue knows it by this */
    unsigned loop;    /* the number of the loop that delivers to it */
    patterns sources; /* "api", "endpoint/ID" */
    patterns types;
    bb_str key;        /* JSON Pointer: events of one value are delivered in their order; absent: no order */
    bool fifo;         /* all of them are delivered in their order */
    uint64_t delay_ms; /* each is due so much later */
    const void *of;    /* whose reader made it knows */
    const struct webhook_item *item; /* of whose it is: set.h */
} target;

/* The loop for a target of that name. */
unsigned target_loop(bb_str name, unsigned loops);
bool target_wants(const target *t, bb_str source, bb_str type);
/* The value of the payload that it is ordered by, as JSON text (of a string without its quotes); absent:
 * there is none. `payload` may be NULL: it is no JSON. */
bb_str target_key(const target *t, const json_value *payload);

#endif
