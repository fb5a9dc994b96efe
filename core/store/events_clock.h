/* events_clock.h - how old something is, and when something is due, by a wall clock that may jump. Pure.
 *
 * What is written down has wall clock times, for people. Beside it runs a clock that never jumps, of this
 * boot of the machine alone. Where the wall clock moves by more than that one, it has been set: forward, the
 * time that it left out has not passed (a gap); back, what is to come later must not come later by as much.
 * So times of dues are kept on a scale of their own, which is the wall clock's but for `shift_ms`.
 *
 * Over a restart of the machine nobody knows: the machine may have been off, or its clock is wrong. A long
 * time is doubted then: a gap for DOUBT_GRACE_MS, in which somebody may set the clock right. One that begins
 * behind is believed after as long; until then, what was left out before still is. */
#ifndef STORE_EVENTS_CLOCK_H
#define STORE_EVENTS_CLOCK_H

#include "base/buf.h"

#include <stdint.h>

#define CLOCK_GAPS 16u
#define CLOCK_BOOT_MAX 64u
#define DOUBT_MS 3600000u        /* between two boots: more of it is doubted */
#define DOUBT_GRACE_MS 86400000u /* and taken for passed after so long */

typedef enum {
    DOUBT_NONE,
    DOUBT_NEW, /* by this boot */
    DOUBT_OLD  /* by one before it */
} clock_doubt;

typedef struct clock_gap {
    uint64_t from_ms, to_ms; /* wall clock time that has not passed */
    clock_doubt doubt;
} clock_gap;

typedef struct events_clock {
    char boot[CLOCK_BOOT_MAX]; /* which boot of the machine; "": none was seen yet */
    uint64_t wall_ms, boot_ms; /* of the last look */
    uint64_t most_ms;          /* the latest wall clock that was believed */
    int64_t shift_ms;          /* of the scale of dues */
    uint64_t behind_ms; /* since when, by the boot's clock, `wall_ms` is far behind that; 0: it is not */
    clock_gap gaps[CLOCK_GAPS];
    size_t gap_count;
} events_clock;

typedef enum {
    CLOCK_STEADY,
    CLOCK_FORWARD, /* it has jumped */
    CLOCK_BACK,
    CLOCK_DOUBTED /* it is much later than when another boot wrote last */
} clock_news;

/* Looks: to be called often, so that jumps are told from a clock that is a little fast. *by_ms: how far. */
clock_news events_clock_look(events_clock *c, const char *boot, uint64_t wall_ms, uint64_t boot_ms,
                             uint64_t *by_ms);
/* How much time has passed between that moment and the last look; 0 of one that is to come. */
uint64_t events_clock_age(const events_clock *c, uint64_t stamp_ms);
/* From the wall clock to the scale of dues, and back. */
uint64_t events_clock_due(const events_clock *c, uint64_t wall_ms);
uint64_t events_clock_wall(const events_clock *c, uint64_t due_ms);

/* As a text, and from one: false: it is none. */
void events_clock_write(const events_clock *c, buf *out);
bool events_clock_read(bb_str text, events_clock *out);

#endif
