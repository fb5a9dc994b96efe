/* window.h - the hours of the week in which a target takes deliveries. Pure.
 *
 * "Mon-Fri 09:00-17:00, Sat 10:00-12:00 +02:00": days and times of day, the offset from UTC at the end (UTC
 * where there is none). An end before its beginning is on the next day; 24:00 is the day's end. With a zone
 * the times are as its clocks show them, summer and winter: an hour that they show twice is open twice, and
 * what would open in one that they leave out opens after it. */
#ifndef WEBHOOK_WINDOW_H
#define WEBHOOK_WINDOW_H

#include "webhook/zone.h"

#include <stdint.h>

#define WINDOW_SPANS 16

typedef struct delivery_window {
    struct {
        uint32_t from, to; /* minutes of the week from Monday 00:00; to > from, at most a week more */
    } spans[WINDOW_SPANS];
    unsigned count;   /* 0: always open */
    int32_t offset;   /* minutes east of UTC */
    bool fixed;       /* that is written there */
    const zone *zone; /* in place of the offset; NULL: none */
} delivery_window;

/* False: not of this form. */
bool window_read(bb_str text, delivery_window *out);
/* How long from that moment until it is open; 0: it is. */
uint64_t window_wait_ms(const delivery_window *w, uint64_t wall_ms);

#endif
