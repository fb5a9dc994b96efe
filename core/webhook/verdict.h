/* verdict.h - what an attempt came to, and what becomes of its delivery: done, tried again, given up. Pure.
 */
#ifndef WEBHOOK_VERDICT_H
#define WEBHOOK_VERDICT_H

#include "pipeline/call.h"
#include "webhook/lane.h"

typedef struct verdict {
    bool ok;
    bool gone;  /* 410: nobody is there any more */
    bool final; /* the same again cannot succeed */
    bool ill;   /* it speaks of the receiver, not of the event: counts for its health */
    bool again; /* no attempt: for want of memory or room here; soon again */
    lane_mood mood;
    unsigned status; /* 0: there was no answer */
    uint64_t retry_after_ms, duration_ms;
    bb_str text;
} verdict;

verdict verdict_of_post(const post_result *r);
verdict verdict_of_call(const call_result *r, uint64_t duration_ms);

/* Of one delivery that was in it. `d` is as it was read: its attempts without this one. */
delivery_outcome verdict_outcome(const verdict *v, const delivery_plan *plan, const delivery *d,
                                 uint64_t began_ms, uint64_t now_ms, uint64_t random);

#endif
