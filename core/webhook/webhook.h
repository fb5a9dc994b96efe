/* Room webhook: events in and out. Endpoints take what services post, subscriptions and routes say who gets
 * it, the dispatcher delivers. It includes pipeline, registry, auth, limit, transform, http, conf, plugin,
 * secret, store, access, observe, json and base; api and hub include it. */

/* webhook.h - what of the webhooks runs: one for the hub, and one for each loop.
 *
 * NAME.hook.conf in conf.d is an endpoint, NAME.subscription.conf a subscription, NAME.event.conf an event
 * type. They are read at the start and at each reload, into a webhook_set (set.h), which is handed to every
 * loop as the registry's snapshot is. */
#ifndef WEBHOOK_WEBHOOK_H
#define WEBHOOK_WEBHOOK_H

#include "pipeline/worker.h"
#include "plugin/call.h"
#include "store/events.h"
#include "webhook/dispatch.h"
#include "webhook/set.h"

typedef struct webhook_loop webhook_loop;

/* What all loops share. Immutable once serving, but for what is marked. */
typedef struct webhooks {
    store *events;                 /* the queue; NULL: offline, nothing is taken or delivered */
    const struct post_rules *post; /* post.h: what may be posted to; NULL: nothing [main] */
    _Atomic(bool) known_types;     /* callers may send events of declared types alone */
    const char *public_url;        /* that services reach the hub by; NULL: as their requests say */
    webhook_loop *loops[LOOP_MAX];
    unsigned loop_count;
    webhook_set *set;               /* in force; counted [main] */
    unsigned subscriptions_per_key; /* that an API key may make [main] */
    dispatch dispatch;              /* who delivers: to be woken once events are stored [any-thread] */
} webhooks;

/* What one loop has of them. [loop] */
struct webhook_loop {
    webhooks *hub;
    worker *worker;
    webhook_set *set;             /* in force on this loop; counted; never NULL */
    dispatcher *dispatcher;       /* NULL: there is no queue */
    _Atomic(uint64_t) generation; /* of `set`: for others to look at */
    plugin_call verifying;        /* of one request at a time */
};

/* Events are on disk for these: the loops that deliver to them look. [any-thread] */
void webhooks_stored(webhooks *hub, const event_target *targets, size_t count);

/* Before the loop runs. False: *e. */
bool webhook_loop_init(webhook_loop *l, webhooks *hub, worker *w, err *e);
/* Puts the next configuration in force: the reference given is the loop's from here on. */
void webhook_loop_swap(webhook_loop *l, webhook_set *next);
/* Nothing more is delivered from now on: `done` runs on the loop once what is under way has ended and is on
 * disk, or at the last call; where there is no queue, from within. Before webhook_loop_close. */
void webhook_loop_drain(webhook_loop *l, void (*done)(void *ctx), void *ctx);
/* What nobody is to wait for any longer is cancelled: the time to finish is over. */
void webhook_loop_last_call(webhook_loop *l);
/* Lets go of everything; before the worker is closed. */
void webhook_loop_close(webhook_loop *l);

#endif
