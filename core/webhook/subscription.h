/* subscription.h - NAME.subscription.conf: who asked for events, which, and how they are delivered. */
#ifndef WEBHOOK_SUBSCRIPTION_H
#define WEBHOOK_SUBSCRIPTION_H

#include "webhook/plan.h"

typedef struct subscription {
    webhook_item item; /* first: its one target is plan.target, "subscription/ID" */
    delivery_plan plan;
    bb_str title; /* `name`; absent: none */
    bb_str owner; /* of the API key that made it; absent: a file of the admin's */
} subscription;

static inline const subscription *subscription_of(const webhook_item *i) {
    return (const subscription *)(const void *)i;
}

#endif
