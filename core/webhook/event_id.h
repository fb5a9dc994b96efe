/* event_id.h - ids of events: "evt_" and 26 characters of Crockford's base32, of which the first ten are the
 * milliseconds since 1970 and the rest chance: they sort by time. */
#ifndef WEBHOOK_EVENT_ID_H
#define WEBHOOK_EVENT_ID_H

#include "pipeline/worker.h"

#define EVENT_ID_SIZE 30u

/* Writes EVENT_ID_SIZE characters, and no NUL. [loop] */
void event_id_make(worker *w, uint64_t now_ms, char out[EVENT_ID_SIZE]);

#endif
