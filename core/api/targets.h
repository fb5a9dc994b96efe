/* targets.h - what targets.c, subscriptions.c and deliveries.c share. */
#ifndef API_TARGETS_H
#define API_TARGETS_H

#include "api/routes.h"
#include "webhook/webhook.h"

/* Members: "target", "status", where to, how many. */
void write_target(json_writer *w, const api *a, arena *memory, const target *t);
/* Does it, and answers with the target as it is then. */
void target_do(api *a, http_exchange *x, const principal *who, bb_str name, dispatch_command what);

#endif
