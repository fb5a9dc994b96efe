/* cache_key.h - the key of a call's answer in the cache. */
#ifndef PIPELINE_CACHE_KEY_H
#define PIPELINE_CACHE_KEY_H

#include "base/buf.h"
#include "json/json.h"

typedef struct cache_key_parts {
    bb_str connection, fingerprint, code, operation, cursor; /* code: the hash of the connector's build */
    bool all;
    uint64_t account; /* tells consents apart */
    uint64_t max_items;
    const json_value *input;
} cache_key_parts;

/* Unambiguous: every text is preceded by its length. False: no memory. */
bool cache_key_make(buf *out, arena *scratch, const cache_key_parts *p);

#endif
