/* held.h - one delivery that is in memory, from being read to its outcome being on disk. Dropping it at any
 * moment is no loss: the queue still has it. Thread: the loop's. */
#ifndef WEBHOOK_HELD_H
#define WEBHOOK_HELD_H

#include "store/events.h"

typedef enum {
    HELD_READ,    /* waits to be shaped: filter and transform */
    HELD_SHAPING, /* jq is at it */
    HELD_READY,   /* waits to be sent */
    HELD_AGAIN,   /* as that, with those with which it was sent before, side by side */
    HELD_SENDING, /* a request is under way */
    HELD_OVER,    /* its outcome is known, and not on disk yet */
    HELD_STATES
} held_state;

typedef struct held {
    struct held *next, *previous; /* of its state's list */
    held_state state;
    delivery d; /* its texts are in this block, but for a shaped payload */
    char *shaped;
    bool gone;         /* it may be no longer due: dropped as soon as jq is done */
    uint64_t key_hash; /* of d.key; 0: it has none */
    size_t bytes;      /* accounted for, `extra` among them */
    size_t extra; /* of what is at work with it: the input of jq, the body of a request, an outcome's text */
    uint64_t since_ms; /* loop time at which it was read */
    delivery_outcome outcome;
    char *text; /* of the outcome */
    char *emit; /* it is done by a new event of this type, which comes with its outcome; NULL: it is not */
    uint64_t reserved; /* of the disk's room, for that: bytes */
} held;

held *held_new(const delivery *d, uint64_t since_ms); /* NULL: no memory */
void held_free(held *h);
/* Replaces the payload by a copy of `json`. False: no memory. */
bool held_shape(held *h, bb_str json);
/* The outcome, its text copied (cut where there is no memory). */
void held_conclude(held *h, const delivery_outcome *outcome);

typedef struct held_list {
    held *first, *last;
    size_t count, bytes;
} held_list;

void held_push(held_list *l, held *h);                  /* behind the last */
void held_push_behind(held_list *l, held *at, held *h); /* NULL: before the first */
void held_take(held_list *l, held *h);

#endif
