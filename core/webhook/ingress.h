/* ingress.h - what services post to /hooks/ENDPOINT: checked, verified, stored, answered.
 *
 * A 2xx means that the events are on disk, or were before. Thread: the loop's. */
#ifndef WEBHOOK_INGRESS_H
#define WEBHOOK_INGRESS_H

#include "http/server.h"
#include "webhook/endpoint.h"
#include "webhook/webhook.h"

/* Answers the exchange, now or once the store has committed. */
void ingress_handle(webhook_loop *l, http_exchange *x, bb_str id);

/* Tries an endpoint for somebody with a key. The body, a JSON object, is a request to be looked at as if it
 * had come: {"headers": {…}, "body": "TEXT", "method", "query"}; or, without `body`, says what a sample
 * holds:
 * {"id", "type", "payload"}, all optional. A sample is signed where the scheme is the hub's own. What is
 * verified is stored as an event, which says that it is a test. */
void ingress_test(webhook_loop *l, http_exchange *x, const endpoint *to);

#endif
