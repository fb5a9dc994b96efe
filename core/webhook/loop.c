/* loop.c - what one loop has of the webhooks. */
#include "webhook/webhook.h"

void webhooks_stored(const webhooks *hub, const event_target *targets, size_t count) {
    (void)hub;
    (void)targets;
    (void)count;
}

bool webhook_loop_init(webhook_loop *l, webhooks *hub, worker *w) {
    *l = (webhook_loop){.hub = hub, .worker = w, .set = webhook_set_ref(hub->set)};
    plugin_call_init(&l->verifying);
    hub->loops[hub->loop_count++] = l;
    return true;
}

void webhook_loop_swap(webhook_loop *l, webhook_set *next) {
    webhook_set_unref(l->set);
    l->set = next;
}

void webhook_loop_close(webhook_loop *l) {
    webhook_set_unref(l->set);
    l->set = NULL;
    plugin_call_free(&l->verifying);
}
