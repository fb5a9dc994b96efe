/* frame.h - what goes over the socket between a loop and a child. Private to this room.
 *
 * Both ends are the same program, so the headers are plain structs. The child says FRAME_READY once; after
 * that every order gets exactly one answer. */
#ifndef TRANSFORM_FRAME_H
#define TRANSFORM_FRAME_H

#include <stdint.h>

typedef struct order_head {
    uint32_t program, input, variables; /* bytes; they follow in this order */
    uint32_t check;                     /* 1: compile only */
    uint32_t idle_ms;                   /* so long without a further order, and the child ends */
    uint64_t max_result;
} order_head;

enum { FRAME_READY = 0x7265, FRAME_OK, FRAME_FAILED, FRAME_TOO_LARGE };

typedef struct answer_head {
    uint32_t kind;
    uint32_t last; /* 1: the child ends after this one, and another takes its place */
    uint64_t length;
} answer_head;

/* Exit codes of the child; 0: the hub has closed its end. */
enum { CHILD_NO_MEMORY = 90, CHILD_NO_START = 91 };

/* The most bytes of address space a child may have. The largest input (64 MiB of text) takes about ten times
 * less than that as jq holds it where it is one long string, and as much as that where it is all small
 * numbers: such an input fails, as it should. */
#define CHILD_MEMORY ((uint64_t)512 << 20)
#define DETAIL_MAX 1000u /* bytes of what an error says */

#endif
