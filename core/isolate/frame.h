/* frame.h - what goes over the sockets between the hub and the process of a connection. Private to this room.
 *
 * Both ends are the same program, so numbers are as the machine has them. All that the hub reads is hostile
 * input: a connector may have taken its process over. Nothing here trusts a length. */
#ifndef ISOLATE_FRAME_H
#define ISOLATE_FRAME_H

#include "base/buf.h"

typedef enum {
    /* hub to process, on a loop's socket */
    FRAME_START = 1, /* op, deadline, input, cursor */
    FRAME_RESUME,    /* status, count, (name, value)..., body */
    FRAME_VERIFY,    /* a webhook: see message_webhook.c */
    FRAME_ABANDON,   /* why, deadline: the call is given up; one more answer, and it is over */
    FRAME_LEAVE,     /* the call is over: nothing of it is needed any more */
    /* process to hub: exactly one answer to START and RESUME, LOG and PROGRESS at any time */
    /* Each of these three may end with what is left of the service's limit, and for how long: */
    FRAME_REQUEST,  /* method, url, count, line..., body kind, body, repeatable, after, ... */
    FRAME_OUTPUT,   /* kind, text, next cursor */
    FRAME_FAIL,     /* code, retry, upstream status, message, pointer, upstream code */
    FRAME_RAN,      /* of a session operation, in place of the three: see message_ran */
    FRAME_VERIFIED, /* of a webhook, in place of an output: events, answer, when it was signed */
    FRAME_LOG,      /* level, text */
    FRAME_PROGRESS, /* done, total, unit, stage */
    /* on the control socket */
    FRAME_SETUP, /* hub: see child.c */
    FRAME_READY,
    FRAME_REFUSED, /* text */
    FRAME_STOP     /* hub: destroy the instance and end */
} frame_kind;

typedef struct frame_head {
    uint32_t length; /* of what follows this head */
    uint32_t kind;
    uint32_t slot, turn; /* which call: its place in the hub's table, and the how manyth there */
} frame_head;

/* The most that one frame may hold: an output or a request's body of a call (64 MiB in all), with room for
 * what is around it. */
#define FRAME_MAX_FROM_CHILD ((uint32_t)80 << 20)
/* An answer of a service: max_response may be up to 1 GiB. */
#define FRAME_MAX_FROM_HUB ((uint32_t)1100 << 20)

/* --- writing: a failure is kept in buf.failed ------------------------------------------------------- */

size_t frame_begin(buf *out, frame_kind kind, uint32_t slot, uint32_t turn); /* where it begins */
void frame_u32(buf *out, uint32_t n);
void frame_u64(buf *out, uint64_t n);
void frame_str(buf *out, bb_str s); /* absent stays absent */
void frame_end(buf *out, size_t began);

/* --- reading ---------------------------------------------------------------------------------------- */

typedef struct frame {
    frame_head head;
    const char *at, *end; /* what is not read yet */
    bool bad;             /* something was not there: all that is read then is 0 or absent */
} frame;

typedef enum { FRAME_MORE, FRAME_WHOLE, FRAME_BAD } frame_found;
/* The frame at the beginning of `in`; *size gets its whole length. FRAME_BAD: longer than `most`. */
frame_found frame_read(bb_str in, uint32_t most, frame *out, size_t *size);

uint32_t frame_get_u32(frame *f);
uint64_t frame_get_u64(frame *f);
bb_str frame_get_str(frame *f); /* a slice of what was read; a NUL is not behind it */
/* All was there, and nothing more. */
bool frame_done(const frame *f);

#endif
