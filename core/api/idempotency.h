/* idempotency.h - calls with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): one execution,
 * and the same answer for every repeat. */
#ifndef API_IDEMPOTENCY_H
#define API_IDEMPOTENCY_H

#include "api/routes.h"
#include "pipeline/call.h"
#include "store/idempotency.h"

/* Answers the exchange, now or later. The call goes on where its client goes away: its answer is kept for the
 * repeat. */
void idempotent_call(api *a, http_exchange *x, const route_params *p, const call_request *request,
                     bb_str key);

/* What events with a key go by too (events.c). */

/* The header field's value, "..." of the draft's structured string or the bare text that most clients send,
 * made the key itself. False: it is none, and the exchange has been answered. */
bool idempotency_key(http_exchange *x, bb_str *key);
/* SHA-256 of what has been put into `text`, which is freed. False: no memory. */
bool idempotency_hash(buf *text, uint8_t out[32]);
/* The answer of the key's first request, once more. */
void idempotency_replay(http_exchange *x, const idempotency_answer *answer);

#endif
