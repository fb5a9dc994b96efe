/* audited.h - what somebody does by a loop's own hand, without the main thread, goes into the audit log all
 * the same: nothing is begun while the log cannot be written, and nobody is told before it is. */
#ifndef API_AUDITED_H
#define API_AUDITED_H

#include "api/routes.h"

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

#endif
