/* audited.h - what somebody does by a loop's own hand, without the main thread, goes into the audit log all
 * the same: nothing is begun while the log cannot be written, and nobody is told before it is. */
#ifndef API_AUDITED_H
#define API_AUDITED_H

#include "api/routes.h"
#include "store/events.h"

typedef struct audited {
    api *api;
    bb_str actor, actor_name, from; /* in the exchange's memory */
    const char *action;             /* "delivery.purge" */
    bb_str target;
    void (*then)(void *ctx);
    void *ctx;
} audited;

/* Who it is. `target` stays as given. False: it is not to be done, and the exchange has been answered. */
bool audited_begin(api *a, http_exchange *x, const principal *who, const char *action, bb_str target,
                   audited *out);
/* It is done, or has failed: `then` runs once that is written, within the call where it cannot be. */
void audited_end(audited *d, bool ok, bb_str detail, void (*then)(void *ctx), void *ctx);

/* For its detail: ", type order.*, since 2026-01-31T12:00:00.000Z", all but target and state. */
void audited_which(buf *out, const event_query *q);

/* Why a change that goes on piece by piece has ended before its end. */
static inline const char *changes_ended(store_result r) {
    return r == STORE_BUSY ? "the hub is stopping, or its disk is too slow; ask again for the rest"
                           : store_result_text(r);
}

#endif
