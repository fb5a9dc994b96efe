/* loop.c - what one loop has of the webhooks. */
#include "webhook/webhook.h"

bool webhook_loop_init(webhook_loop *l, webhooks *hub, worker *w) {
    *l = (webhook_loop){.hub = hub, .worker = w, .set = webhook_set_ref(hub->set)};
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
}
