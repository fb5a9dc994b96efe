/* secrets.h - secrets and data keys, sealed by room secret before they come here. Blocking, for the main
 * thread.
 *
 * The store sees of a sealed blob only which data key it is under: bytes 1 to 8. */
#ifndef STORE_SECRETS_H
#define STORE_SECRETS_H

#include "store/store.h"

#define STORE_KEY_ID_BYTES 8

typedef struct store_secret {
    bb_str name, sealed;
    uint64_t created_ms, updated_ms; /* wall clock */
} store_secret;

store_result store_secret_get(store *s, arena *a, bb_str name, store_secret *out);
/* *created (may be NULL): there was none of that name. */
store_result store_secret_put(store *s, bb_str name, bb_str sealed, uint64_t now_ms, bool *created);
store_result store_secret_delete(store *s, bb_str name);
/* By name; of `sealed` the first 9 bytes. */
store_result store_secrets_list(store *s, arena *a, store_secret **out, size_t *count);

/* --- data keys ---------------------------------------------------------------------------------------- */

typedef struct store_secret_key {
    uint8_t id[STORE_KEY_ID_BYTES];
    bb_str wrapped;
    uint64_t created_ms;
} store_secret_key;

/* Oldest first: the last is the one in use. */
store_result store_secret_keys_load(store *s, arena *a, store_secret_key **out, size_t *count);
/* Adds those that are new, replaces `wrapped` of those that are there: all or none. */
store_result store_secret_keys_put(store *s, const store_secret_key *keys, size_t count);
/* Removes the keys that nothing is sealed under, except the last. */
store_result store_secret_keys_prune(store *s);

/* --- sealing anew ------------------------------------------------------------------------------------- */

typedef struct store_sealed {
    bool token; /* else a secret */
    bb_str name, sealed;
} store_sealed;

/* What is not under `key`, in order, behind `after` (NULL: from the start), with the number of all those in
 * *left. */
store_result store_sealed_stale(store *s, arena *a, const uint8_t key[STORE_KEY_ID_BYTES],
                                const store_sealed *after, size_t limit, store_sealed **out, size_t *count,
                                size_t *left);
/* Puts fresh[i] in place of old[i].sealed where that has not changed meanwhile. All or none. */
store_result store_sealed_replace(store *s, const store_sealed *old, const bb_str *fresh, size_t count);

#endif
