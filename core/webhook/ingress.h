/* ingress.h - what services post to /hooks/ENDPOINT: checked, verified, stored, answered.
 *
 * A 2xx means that the events are on disk, or were before. Thread: the loop's. */
#ifndef WEBHOOK_INGRESS_H
#define WEBHOOK_INGRESS_H

#include "http/server.h"
#include "webhook/webhook.h"

/* Answers the exchange, now or once the store has committed. */
void ingress_handle(webhook_loop *l, http_exchange *x, bb_str id);

#endif
