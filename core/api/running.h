/* running.h - the calls that run, on all loops. */
#ifndef API_RUNNING_H
#define API_RUNNING_H

#include "api/api.h"
#include "pipeline/call.h"

/* `calls`: JSON objects with commas between, none where it is empty; lives until this returns. */
typedef void (*running_done)(api *a, http_exchange *x, bb_str calls, void *ctx);

/* Looks on one loop after the other, so that no call is touched but on its own; `done` runs on this one,
 * later. Texts of the filter live as long as the exchange, which is open until then. At most `limit`. False:
 * no memory, it never runs. */
bool running_ask(api *a, http_exchange *x, const running_filter *f, size_t limit, running_done done,
                 void *ctx);

#endif
