/* tokens.h - tokens of OAuth and their like, sealed by room secret before they come here. */
#ifndef STORE_TOKENS_H
#define STORE_TOKENS_H

#include "store/store.h"

/* The sealed blob of that name ("oauth2/CONNECTION/..."), in `a`. Blocking. [main] */
store_result store_token_get(store *s, arena *a, bb_str name, bb_str *sealed, uint64_t *updated_ms);
/* Copied. `done` runs on loop `l` when it is on disk, or cannot be. False: it never runs. [any-thread] */
bool store_token_put(store *s, bb_str name, bb_str sealed, uint64_t now_ms, loop *l,
                     void (*done)(store_result r, void *ctx), void *ctx);
/* Blocking. [main] */
store_result store_token_put_now(store *s, bb_str name, bb_str sealed, uint64_t now_ms);
store_result store_token_delete(store *s, bb_str name);

/* The names that begin so, in order. Blocking. [main] */
store_result store_token_names(store *s, arena *a, bb_str prefix, bb_str **names, size_t *count);

#endif
