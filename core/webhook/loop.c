/* loop.c - what one loop has of the webhooks. */
#include "webhook/webhook.h"

void webhooks_stored(webhooks *hub, const event_target *targets, size_t count) {
    dispatch_wake(&hub->dispatch, targets, count);
}

bool webhook_loop_init(webhook_loop *l, webhooks *hub, worker *w, err *e) {
    *l = (webhook_loop){.hub = hub, .worker = w, .set = webhook_set_ref(hub->set)};
    atomic_store_explicit(&l->generation, l->set->generation, memory_order_release);
    plugin_call_init(&l->verifying);
    hub->loops[hub->loop_count++] = l;
    if (hub->events == NULL)
        return true;
    l->dispatcher = dispatcher_new(&hub->dispatch, w, hub->events, e);
    if (l->dispatcher == NULL)
        return false;
    dispatcher_swap(l->dispatcher, l->set);
    return true;
}

void webhook_loop_swap(webhook_loop *l, webhook_set *next) {
    if (l->set == NULL) { /* closed meanwhile */
        atomic_store_explicit(&l->generation, next->generation, memory_order_release);
        webhook_set_unref(next);
        return;
    }
    webhook_set_unref(l->set);
    l->set = next;
    atomic_store_explicit(&l->generation, next->generation, memory_order_release);
    if (l->dispatcher != NULL)
        dispatcher_swap(l->dispatcher, next);
}

void webhook_loop_drain(webhook_loop *l, void (*done)(void *ctx), void *ctx) {
    if (l->dispatcher != NULL)
        dispatcher_drain(l->dispatcher, done, ctx);
    else
        done(ctx);
}

void webhook_loop_last_call(webhook_loop *l) {
    dispatch_try_cancel(l->dispatcher);
    dispatcher_last_call(l->dispatcher);
}

void webhook_loop_close(webhook_loop *l) {
    dispatcher_close(l->dispatcher);
    l->dispatcher = NULL;
    webhook_set_unref(l->set);
    l->set = NULL;
    plugin_call_free(&l->verifying);
}
