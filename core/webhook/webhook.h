/* Room webhook: events in and out. Endpoints take what services post, subscriptions and routes say who gets
 * it, the dispatcher delivers. It includes pipeline, registry, auth, limit, transform, http, conf, plugin,
 * secret, store, access, observe, json and base; api and hub include it. */

/* webhook.h - the webhook configuration in force, and what of it runs.
 *
 * NAME.hook.conf in conf.d is an endpoint, NAME.subscription.conf a subscription, NAME.event.conf an event
 * type. They are read at the start and at each reload, into a webhook_set: immutable, counted, handed to
 * every loop as the registry's snapshot is. A bad file is reported and leaves the one before in force. */
#ifndef WEBHOOK_WEBHOOK_H
#define WEBHOOK_WEBHOOK_H

#include "base/arena.h"
#include "store/events.h"

typedef struct webhook_set webhook_set;
typedef struct endpoint endpoint;         /* endpoint.h */
typedef struct subscription subscription; /* subscription.h */

/* Who gets an event of this source ("endpoint/ID", "api") and type: targets with their keys, in `a`.
 * `payload` may be looked into for keys. False: no memory. */
bool webhook_targets(const webhook_set *set, bb_str source, bb_str type, bb_str payload, uint64_t now_ms,
                     arena *a, event_target **out, size_t *count);

#endif
