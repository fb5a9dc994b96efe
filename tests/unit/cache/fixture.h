/* fixture.h - answers to put in, and what is to be found of them. */
#ifndef CACHE_FIXTURE_H
#define CACHE_FIXTURE_H

#include <busbar/busbar.h>

#include "cache/internal.h"

#include "unit.h"

#include <stdio.h>

#define NOW 1769860800000ull

static inline cache_entry *put_text(cache *c, bb_str key, const char *operation, bb_str data) {
    cache_fill fill = {.key = key,
                       .connection = STR("shop"),
                       .operation = str_from(operation),
                       .hash = cache_hash(c, key),
                       .like = {.data = data, .stored_ms = NOW, .fresh_until_ms = NOW + 1000}};
    return cache_put(c, &fill);
}

/* Puts it in, and drops what is given. */
static inline void keep(cache *c, const char *key, const char *data) {
    cache_entry *e = put_text(c, str_from(key), "customers.list", str_from(data));
    ck_assert_ptr_nonnull(e);
    cache_entry_drop(e);
}

static inline cache_entry *look(cache *c, const char *key) {
    return cache_find(c, str_from(key), cache_hash(c, str_from(key)));
}

/* NULL: it is not to be there. */
static inline void holds(cache *c, const char *key, const char *data) {
    cache_entry *e = look(c, key);
    if (data == NULL)
        ck_assert_msg(e == NULL, "%s is there", key);
    else
        ck_assert_msg(e != NULL && str_eq(e->data, str_from(data)), "%s", key);
    cache_entry_drop(e);
}

static inline cache_counts counts_of(cache *c) {
    cache_counts n;
    cache_count(c, &n);
    return n;
}

/* Keys of the same shard, the first one that `from` leads to; *from is moved on behind it. */
static inline bb_str key_of_shard(cache *c, unsigned number, unsigned *from, char text[32]) {
    for (;;) {
        bb_str key = str_of(text, (size_t)snprintf(text, 32, "key-%u", (*from)++));
        if (cache_hash(c, key) >> 60 == number)
            return key;
    }
}

/* That a shard's lists, table and sums agree. */
static inline void check_shard(cache *c, unsigned number) {
    shard *s = &c->shards[number];
    uint64_t n = 0, bytes = 0, in_table = 0;
    const cache_entry *last = NULL;
    for (const cache_entry *e = s->newest; e != NULL; last = e, e = e->older, n++) {
        ck_assert_ptr_eq(e->newer, last);
        ck_assert_uint_eq(e->hash >> 60, number);
        bytes += e->bytes;
    }
    ck_assert_ptr_eq(s->oldest, last);
    for (size_t i = 0; i < s->bucket_count; i++)
        for (const cache_entry *e = s->buckets[i]; e != NULL; e = e->next, in_table++)
            ck_assert_uint_eq(e->hash & (s->bucket_count - 1), i);
    ck_assert_uint_eq(n, s->entries);
    ck_assert_uint_eq(in_table, n);
    ck_assert_uint_eq(bytes, s->bytes);
    ck_assert(s->entries == 0 || s->bytes <= c->shard_bytes);
}

static inline void check_cache(cache *c) {
    for (unsigned i = 0; i < SHARDS; i++)
        check_shard(c, i);
}

#endif
