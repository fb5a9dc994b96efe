/* zone.h - a time zone of the IANA database: how far local time is from UTC at a moment, and until when. Read
 * from the system's files (TZif, RFC 8536) by ourselves: the C library knows one zone at a time for the whole
 * process. Immutable, in the arena given. [any-thread] */
#ifndef WEBHOOK_ZONE_H
#define WEBHOOK_ZONE_H

#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

typedef struct zone zone;

#define ZONE_ALWAYS INT64_MAX

/* "Europe/Berlin", of $TZDIR or /usr/share/zoneinfo. NULL: *e. */
const zone *zone_read(arena *a, bb_str name, err *e);
/* From the bytes of a file. NULL: it is none. */
const zone *zone_from(arena *a, bb_str bytes);
/* Seconds east of UTC at that moment, in seconds since 1970; *until_s: the next moment at which it may
 * differ. */
int32_t zone_offset(const zone *z, int64_t utc_s, int64_t *until_s);

#endif
