/* lane.h - the deliveries of one target: how many are read, what may begin now, what became of it.
 *
 * Pure: it decides, and somebody else reads the queue, runs jq, sends and commits. Times are given: `wall_ms`
 * since 1970 for what is written down, `now_ns` of a clock that never jumps for waiting. All random numbers
 * are given too. Thread: the loop's. */
#ifndef WEBHOOK_LANE_H
#define WEBHOOK_LANE_H

#include "webhook/held.h"
#include "webhook/plan.h"

#define LANE_GROUP_MAX 1000u       /* deliveries of one batch */
#define LANE_BYTES (4u << 20)      /* held of one target, once there is one; more for a batch of more */
#define LANE_READ_BYTES (1u << 20) /* of payload in one reading */
#define LANE_NEVER UINT64_MAX

typedef struct lane_time {
    uint64_t wall_ms, now_ns;
} lane_time;

typedef struct lane {
    const delivery_plan *plan;
    held_list lists[HELD_STATES];
    uint32_t requests; /* under way */
    uint32_t limit;    /* of requests now: plan->concurrency, less after failures that ask for it */
    uint32_t strikes;  /* rests, one after the other */
    uint64_t rest_ns;  /* when the last one began: what was under way then tells nothing new */
    uint64_t shut_ns;  /* no request before then: the receiver asked for peace */
    gcra rate;
    uint64_t rate_ns; /* the rate lets none pass before then */
    bool reading;     /* the queue has been asked */
    bool stale;       /* and what it gives may be no longer due */
    bool woken;       /* something was stored meanwhile */
    bool more;        /* there may be some that are due */
    bool starved;     /* no more may be read for now: others have all the memory */
    int64_t cut;      /* of this batch the last reading may have left some; 0: of none */
    uint64_t look_ns; /* when to ask the queue in any case */
} lane;

void lane_init(lane *l, const delivery_plan *plan, lane_time t);
/* From now on by another plan, of the same target. */
void lane_change(lane *l, const delivery_plan *plan);
/* Drops what is held, but for what is shaping, sending or over. */
void lane_drop(lane *l);
/* What is held, or is being read, may be no longer due: somebody has cancelled it. All but what is sending is
 * dropped, and read again where it is due still. */
void lane_forget(lane *l);
void lane_end(lane *l); /* drops all */
size_t lane_count(const lane *l);
size_t lane_bytes(const lane *l);

/* --- reading ----------------------------------------------------------------------------------------------
 */

/* Something was stored, or changed by hand. */
void lane_wake(lane *l);
/* Whether lane_room would ask for some. */
bool lane_wants(const lane *l, lane_time t);
/* How many to ask the queue for; 0: none now. A lane that asks is `reading` until lane_read. */
size_t lane_room(lane *l, lane_time t);
/* The ids that the queue is not to give again: at most lane_count. */
size_t lane_ids(const lane *l, int64_t *ids);
/* What it gave; NULL and 0: it could not be asked, and is again in a second. Takes copies; what there is no
 * memory for is read again later. */
void lane_read(lane *l, const delivery *list, size_t count, uint64_t next_ms, lane_time t);

/* --- what may begin
 * ----------------------------------------------------------------------------------------- */

/* The next one to be shaped; NULL: none now. It is HELD_SHAPING until lane_shaped or lane_over. */
held *lane_shape(lane *l);
/* HELD_READY, with `json` for its payload; {NULL, 0}: with its own. False: no memory, or it was forgotten; it
 * is read again later, and freed. */
bool lane_shaped(lane *l, held *h, bb_str json);
/* Others have taken the memory in which more could be read, or no longer: nothing waits for it. True: it was
 * not so before. */
bool lane_starve(lane *l, bool starved);
/* Any that is neither at work nor over; NULL: none. */
held *lane_any(const lane *l);
/* The deliveries of the next request, at most LANE_GROUP_MAX, which become HELD_SENDING; 0: none now. Those
 * that failed in one batch come again as that batch, and in the same order. */
size_t lane_begin(lane *l, lane_time t, held **out);
/* A request that was begun is over, whatever came of it. */
void lane_ended(lane *l);
/* It was not tried after all, for want of memory: dropped, and read again in a second. */
void lane_again(lane *l, held *h, lane_time t);
/* When to ask again, in nanoseconds from now; LANE_NEVER: once something happens. */
uint64_t lane_wait_ns(const lane *l, lane_time t);
/* As that, where nothing may be read for now. */
uint64_t lane_wait_to_send_ns(const lane *l, lane_time t);

/* --- what came of it
 * ---------------------------------------------------------------------------------------- */

/* Of a request: how the receiver wants to be treated from now on. */
typedef enum {
    LANE_WELL,    /* as fast as ever */
    LANE_FAILED,  /* no answer or a bad one: fewer at a time */
    LANE_THROTTLE /* 429, 502, 503, 504: nothing for a while, then one */
} lane_mood;
/* `began_ns`: when it was begun, by the clock of lane_time's now_ns. */
void lane_feel(lane *l, lane_mood mood, uint64_t retry_after_ms, uint64_t began_ns, lane_time t,
               uint64_t random);

/* Its outcome is known: HELD_OVER until lane_committed, which frees it. */
void lane_over(lane *l, held *h, const delivery_outcome *outcome);
void lane_committed(lane *l, held *h, lane_time t);

#endif
