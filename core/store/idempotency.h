/* idempotency.h - calls that came with an Idempotency-Key: one execution, and its answer for every repeat.
 *
 * A row is `running` on disk before the call acts, and has the answer on disk before the caller sees it. */
#ifndef STORE_IDEMPOTENCY_H
#define STORE_IDEMPOTENCY_H

#include "store/store.h"

typedef enum {
    IDEMPOTENCY_NEW,     /* on disk as running: go ahead, then finish or forget */
    IDEMPOTENCY_RUNNING, /* by this process */
    IDEMPOTENCY_LOST,    /* was running in a process that is gone; it is now ours, on disk as running again */
    IDEMPOTENCY_DONE,    /* the answer is given */
    IDEMPOTENCY_MISMATCH, /* the key was used for another request */
} idempotency_state;

typedef struct idempotency_answer {
    unsigned status;
    bb_str content_type, body;
} idempotency_answer;

/* `answer` (IDEMPOTENCY_DONE) lives until done returns. `done` runs on loop `l`. */
typedef void (*idempotency_begun)(store_result r, idempotency_state state, const idempotency_answer *answer,
                                  void *ctx);
/* `key` and `request` are SHA-256 hashes. Rows live for `keep_ms` from their making; expired ones count as
 * not there and are removed now and then. False: STORE_BUSY or no memory, done never runs. [any-thread] */
bool store_idempotency_begin(store *s, const uint8_t key[32], const uint8_t request[32], uint64_t now_ms,
                             uint64_t keep_ms, loop *l, idempotency_begun done, void *ctx);
/* Copied. `done` (may be NULL) on loop `l` when the answer is on disk, or cannot be. [any-thread] */
bool store_idempotency_finish(store *s, const uint8_t key[32], const idempotency_answer *answer, loop *l,
                              void (*done)(store_result r, void *ctx), void *ctx);
/* The call did not act: the key may be used anew. Queued. [any-thread] */
void store_idempotency_forget(store *s, const uint8_t key[32]);

#endif
