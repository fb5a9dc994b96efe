/* loop.h - an event loop on libuv, with a thread of its own and a way to be woken from others.
 *
 * A loop owns all that it touches: connections, transfers, calls. Others reach it only by loop_post and
 * loop_give. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define LOOP_MAX 64 /* loops of one hub: indices are below this */

typedef struct loop loop;
typedef void (*loop_fn)(loop *l, void *arg);

/* Room for a post, of who posts it: loop_give needs no memory. */
typedef struct loop_task {
    struct loop_task *next;
    loop_fn fn;
    void *arg;
} loop_task;

/* Makes a loop; `index` tells it from its brothers. NULL: no memory or no descriptors. */
loop *loop_new(unsigned index);
/* Starts the loop's thread, named "loop-INDEX". */
bool loop_start(loop *l);
/* Runs `fn` on the loop's thread, in the order of posting. [any-thread]. False: no memory, fn will not run.
 */
bool loop_post(loop *l, loop_fn fn, void *arg);
/* As that, without fail. `t` is the loop's until `fn` is called, which may free it; where the loop has ended,
 * it is not called. [any-thread] */
void loop_give(loop *l, loop_task *t, loop_fn fn, void *arg);
/* Ends the thread once no handle of the loop is active any more, and waits for it. Whoever opened handles
 * closes them first (by a post). Not from the loop's own thread. */
void loop_join(loop *l);
void loop_free(loop *l); /* after loop_join, or before loop_start */

uv_loop_t *loop_uv(loop *l);
unsigned loop_index(const loop *l);
bool loop_is_current(const loop *l); /* asserts of "this belongs to the loop's thread" */
uint64_t loop_now_ms(loop *l);       /* the loop's cached monotonic time */

#endif
