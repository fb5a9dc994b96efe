/* idempotency.h - calls with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): one execution,
 * and the same answer for every repeat. */
#ifndef API_IDEMPOTENCY_H
#define API_IDEMPOTENCY_H

#include "api/routes.h"
#include "pipeline/call.h"

/* Answers the exchange, now or later. The call goes on where its client goes away: its answer is kept for the
 * repeat. */
void idempotent_call(api *a, http_exchange *x, const route_params *p, const call_request *request,
                     bb_str key);

#endif
