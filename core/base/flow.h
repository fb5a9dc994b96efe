/* flow.h - bytes on their way from one producer to one consumer of the same loop, in bounded memory.
 *
 * A ring between the two: the producer stops when it is full and is told when there is room, the consumer
 * stops when it is empty and is told when there is data. Neither is ever called from within the other: what
 * there is to tell is told from the loop. Counted: each side holds one reference.
 *
 * Thread: the loop's. Only the bytes of flow_space may be filled from another thread, until flow_filled. */
#ifndef BASE_FLOW_H
#define BASE_FLOW_H

#include "base/loop.h"
#include "base/str.h"

#define FLOW_USUAL (256u << 10)         /* bytes: what passes while the other side is being woken */
#define FLOW_GONE "the caller has gone" /* a failure: nobody waits for it any more */
#define FLOW_UNKNOWN UINT64_MAX         /* a length that nobody knows */

typedef struct flow flow;
typedef void (*flow_fn)(void *ctx);

flow *flow_new(loop *l, size_t cap); /* NULL: no memory */
flow *flow_ref(flow *f);
void flow_unref(flow *f); /* NULL is fine */

/* --- the producer ------------------------------------------------------------------------------------ */

size_t flow_room(const flow *f);
/* Free bytes that lie in a row, *n of them: to be filled in place. */
char *flow_space(flow *f, size_t *n);
void flow_filled(flow *f, size_t n);
/* Copies; at most flow_room bytes. */
void flow_put(flow *f, bb_str bytes);
void flow_end(flow *f); /* no more will come */
/* Called from the loop after the consumer has taken something, or has failed; NULL: not any more. */
void flow_on_room(flow *f, flow_fn fn, void *ctx);

/* --- the consumer ------------------------------------------------------------------------------------ */

/* Bytes that lie in a row; empty: none are here now. */
bb_str flow_data(const flow *f);
void flow_take(flow *f, size_t n);
bool flow_is_over(const flow *f); /* ended, and all of it taken */
/* Called from the loop after something has come, or it has ended or failed; NULL: not any more. */
void flow_on_data(flow *f, flow_fn fn, void *ctx);

/* --- either ------------------------------------------------------------------------------------------ */

/* This side cannot go on. The first text stays; both are told. */
void flow_fail(flow *f, const char *text);
/* NULL: it has not failed. */
const char *flow_failure(const flow *f);

#endif
