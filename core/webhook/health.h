/* health.h - whether a target is well: since when it only fails, how long it rests, that it was disabled,
 * why. Pure; it is kept with the target in the queue, as JSON. */
#ifndef WEBHOOK_HEALTH_H
#define WEBHOOK_HEALTH_H

#include "base/arena.h"
#include "base/str.h"

typedef struct health {
    uint64_t failing_ms;  /* since when every attempt has failed; 0: the last one did not */
    uint64_t disabled_ms; /* since when it is disabled; 0: it is not */
    uint64_t rest_ms;     /* how long nothing is sent, as its receiver asked, since: */
    uint64_t rested_ms;   /* then; 0: it does not rest */
    bool kept;            /* failing_ms is in the queue */
    bool untold;          /* that it was disabled: the event of it is not stored yet */
    bool paused;          /* by somebody: nothing is delivered, and nothing given up */
    char reason[256];     /* of being disabled: a sentence */
} health;

/* What JSON says; of an absent or damaged one: well. */
void health_read(bb_str json, health *out);
/* In `a`; absent: it is well, or no memory (*ok). */
bb_str health_write(arena *a, const health *h, bool *ok);

/* An attempt has ended. True: the health has changed so that it is to be kept. `failing_for_ms`: how much
 * time has passed since failing_ms, where that is not 0. `disable_after_ms` 0: failures alone disable
 * nothing; of an attempt with `gone` (410) it is disabled at once. */
bool health_well(health *h);
bool health_failed(health *h, uint64_t now_ms, uint64_t failing_for_ms, uint64_t disable_after_ms, bool gone,
                   bb_str why);

/* From now on nothing is sent for so long. True: that is to be kept, too; of a rest that is over soon, or
 * ends as the one that is kept already, it is not. */
bool health_rests(health *h, uint64_t now_ms, uint64_t rest_ms);
/* How much of its rest is left once so much time has passed since rested_ms; 0: none. */
uint64_t health_rest_left_ms(const health *h, uint64_t passed_ms);

#endif
