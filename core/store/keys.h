/* keys.h - API keys. Only their SHA-256 is kept. Blocking, for the main thread. */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include "store/store.h"

typedef struct store_key {
    bb_str id;           /* public: part of the key's text */
    bb_str name, role;   /* "viewer", "caller", "operator", "admin" */
    bb_str limits;       /* JSON object text: bindings and limits, as pipeline/access reads them */
    uint8_t hash[32];    /* SHA-256 of the whole key text */
    uint64_t created_ms; /* wall clock, as all times here */
    uint64_t expires_ms; /* 0: never */
    uint64_t revoked_ms; /* 0: not */
} store_key;

/* All keys, revoked ones too, in the order of their making. In `a`. */
store_result store_keys_load(store *s, arena *a, store_key **out, size_t *count);
store_result store_key_add(store *s, const store_key *key); /* STORE_EXISTS: the id is taken */
store_result store_key_revoke(store *s, bb_str id, uint64_t now_ms);

#endif
