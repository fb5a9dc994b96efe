/* The cache: what is kept, for how long, and what makes room for what. */
#include "cache/fixture.h"

#include "limit/crew.h"

START_TEST(kept_and_found) {
    cache *c = cache_new(1 << 20);
    holds(c, "a", NULL);
    keep(c, "a", "1");
    keep(c, "b", "2");
    holds(c, "a", "1");
    holds(c, "b", "2");
    holds(c, "c", NULL);
    holds(c, "", NULL);
    ck_assert_uint_eq(counts_of(c).entries, 2);
    check_cache(c);
    cache_free(c);
    cache_free(NULL);
}
END_TEST

START_TEST(all_of_an_answer_is_copied) {
    cache *c = cache_new(1 << 20);
    char text[] = "key shop op data next etag modified";
    cache_fill fill = {.key = str_of(text, 3),
                       .connection = str_of(text + 4, 4),
                       .operation = str_of(text + 9, 2),
                       .like = {.data = str_of(text + 12, 4),
                                .next_cursor = str_of(text + 17, 4),
                                .etag = str_of(text + 22, 4),
                                .modified = str_of(text + 27, 8),
                                .paginated = true,
                                .truncated = true,
                                .upstream_status = 203,
                                .stored_ms = NOW,
                                .fresh_until_ms = NOW + 5}};
    fill.hash = cache_hash(c, fill.key);
    cache_entry *given = cache_put(c, &fill);
    memset(text, '?', sizeof text);
    cache_entry *e = look(c, "key");
    ck_assert_ptr_eq(e, given);
    ck_assert(str_eq(e->data, STR("data")) && str_eq(e->next_cursor, STR("next")));
    ck_assert(str_eq(e->etag, STR("etag")) && str_eq(e->modified, STR("modified")));
    ck_assert(e->paginated && e->truncated && e->upstream_status == 203);
    ck_assert(e->stored_ms == NOW && e->fresh_until_ms == NOW + 5);
    ck_assert_uint_eq(e->bytes, sizeof *e + 29);
    cache_entry_drop(given);
    cache_entry_drop(e);
    cache_entry_drop(NULL);
    cache_free(c);
}
END_TEST

/* Absent is told from empty: a page without a cursor from one with an empty one. */
START_TEST(absent_stays_absent) {
    cache *c = cache_new(1 << 20);
    cache_fill fill = {
        .key = STR("k"), .hash = cache_hash(c, STR("k")), .like = {.data = STR(""), .etag = STR("")}};
    cache_entry *e = cache_put(c, &fill);
    ck_assert(e->data.ptr != NULL && e->data.len == 0);
    ck_assert(e->etag.ptr != NULL && e->etag.len == 0);
    ck_assert(e->next_cursor.ptr == NULL && e->modified.ptr == NULL);
    cache_entry_drop(e);
    cache_free(c);
}
END_TEST

START_TEST(a_newer_answer_takes_the_place) {
    cache *c = cache_new(1 << 20);
    keep(c, "a", "old");
    cache_entry *held = look(c, "a");
    keep(c, "a", "newer");
    holds(c, "a", "newer");
    ck_assert(str_eq(held->data, STR("old"))); /* whoever has it goes on with it */
    ck_assert_uint_eq(counts_of(c).entries, 1);
    ck_assert_uint_eq(counts_of(c).evictions, 0);
    check_cache(c);
    cache_entry_drop(held);
    cache_free(c);
}
END_TEST

START_TEST(hashes_depend_on_the_secret) {
    cache *one = cache_new(1), *other = cache_new(1);
    ck_assert_uint_eq(cache_hash(one, STR("key")), cache_hash(one, STR("key")));
    ck_assert_uint_ne(cache_hash(one, STR("key")), cache_hash(one, STR("kez")));
    ck_assert_uint_ne(cache_hash(one, STR("key")), cache_hash(other, STR("key")));
    cache_free(one);
    cache_free(other);
}
END_TEST

/* Two keys of one hash are still two. */
START_TEST(the_key_itself_is_compared) {
    cache *c = cache_new(1 << 20);
    cache_fill fill = {.key = STR("one"), .hash = 42, .like = {.data = STR("1")}};
    cache_entry_drop(cache_put(c, &fill));
    ck_assert_ptr_null(cache_find(c, STR("two"), 42));
    fill = (cache_fill){.key = STR("two"), .hash = 42, .like = {.data = STR("2")}};
    cache_entry_drop(cache_put(c, &fill));
    cache_entry *one = cache_find(c, STR("one"), 42), *two = cache_find(c, STR("two"), 42);
    ck_assert(str_eq(one->data, STR("1")) && str_eq(two->data, STR("2")));
    cache_entry_drop(one);
    cache_entry_drop(two);
    check_cache(c);
    cache_free(c);
}
END_TEST

/* --- the cap
 * -------------------------------------------------------------------------------------------------- */

#define DATA 1000u

static char bulk[1 << 16];

static uint64_t size_of_one(cache *c, unsigned *from) {
    char text[32];
    bb_str key = key_of_shard(c, 3, from, text);
    cache_entry *e = put_text(c, key, "op", str_of(bulk, DATA));
    uint64_t bytes = e->bytes;
    cache_entry_drop(e);
    cache_purge(c, (bb_str){NULL, 0}, &(patterns){0});
    return bytes;
}

/* Ten fit; the eleventh sends away the one that was used least lately, which is not the one put in first. */
START_TEST(the_least_lately_used_goes_first) {
    unsigned from = 100;
    cache *c = cache_new(SHARDS * (10 * (sizeof(cache_entry) + DATA + 20)));
    ck_assert_uint_le(10 * size_of_one(c, &from), c->shard_bytes);
    char keys[11][32];
    for (unsigned i = 0; i < 10; i++)
        cache_entry_drop(put_text(c, key_of_shard(c, 3, &from, keys[i]), "op", str_of(bulk, DATA)));
    ck_assert_uint_eq(counts_of(c).entries, 10);
    cache_entry_drop(look(c, keys[0])); /* used again */
    cache_entry_drop(look(c, keys[2]));
    for (unsigned next = 0; next < 8; next++) {
        static const unsigned order[] = {1, 3, 4, 5, 6, 7, 8, 9};
        cache_entry_drop(put_text(c, key_of_shard(c, 3, &from, keys[10]), "op", str_of(bulk, DATA)));
        for (unsigned i = 0; i < 8; i++) {
            cache_entry *e = NULL;
            for (e = c->shards[3].newest; e != NULL && !str_eq(e->key, str_from(keys[order[i]]));
                 e = e->older) {
            }
            ck_assert_msg((e != NULL) == (i > next), "after %u more, %u", next + 1, order[i]);
        }
    }
    ck_assert_uint_eq(counts_of(c).evictions, 8);
    ck_assert_uint_eq(counts_of(c).entries, 10);
    check_cache(c);
    cache_free(c);
}
END_TEST

/* Many sizes, in all shards: never over the cap, and what is in was among the last that were used. */
START_TEST(never_over_the_cap) {
    cache *c = cache_new(1 << 20);
    uint64_t random = 1;
    char key[32];
    for (int i = 0; i < 20000; i++) {
        snprintf(key, sizeof key, "key-%u", (unsigned)(chance(&random) % 4000));
        if (chance(&random) % 3 == 0)
            cache_entry_drop(look(c, key));
        else
            cache_entry_drop(put_text(c, str_from(key), "op", str_of(bulk, chance(&random) % 5000)));
        ck_assert_uint_le(counts_of(c).bytes, 1 << 20);
    }
    ck_assert_uint_eq(counts_of(c).max_bytes, 1 << 20);
    ck_assert_uint_gt(counts_of(c).bytes, 900000); /* and it is made use of */
    ck_assert_uint_gt(counts_of(c).evictions, 1000);
    check_cache(c);
    cache_free(c);
}
END_TEST

START_TEST(one_that_is_too_great_is_given_but_not_kept) {
    cache *c = cache_new(SHARDS * 2000);
    keep(c, "a", "small");
    keep(c, "b", "other");
    cache_entry *e = put_text(c, STR("a"), "op", str_of(bulk, 2000));
    ck_assert_ptr_nonnull(e);
    ck_assert_uint_eq(e->data.len, 2000);
    holds(c, "a", NULL); /* the older one is known to be out of date */
    holds(c, "b", "other");
    ck_assert_uint_eq(counts_of(c).evictions, 0);
    cache_entry_drop(e);
    check_cache(c);
    cache_free(c);
}
END_TEST

START_TEST(no_bytes_no_entries) {
    cache *c = cache_new(0);
    cache_entry *e = put_text(c, STR("a"), "op", STR("1"));
    ck_assert(e != NULL && str_eq(e->data, STR("1"))); /* for those who wait for it */
    cache_entry_drop(e);
    holds(c, "a", NULL);
    ck_assert_uint_eq(counts_of(c).entries, 0);
    ck_assert_uint_eq(counts_of(c).max_bytes, 0);
    cache_free(c);
}
END_TEST

START_TEST(a_hundred_thousand) {
    cache *c = cache_new(1 << 30);
    char key[32], data[32];
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "key-%u", i);
        snprintf(data, sizeof data, "%u", i);
        keep(c, key, data);
    }
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "key-%u", i);
        snprintf(data, sizeof data, "%u", i);
        holds(c, key, data);
    }
    ck_assert_uint_eq(counts_of(c).entries, 100000);
    for (unsigned i = 0; i < SHARDS; i++) /* spread over the shards, a table as great as its content */
        ck_assert(c->shards[i].entries > 5000 && c->shards[i].bucket_count >= c->shards[i].entries);
    check_cache(c);
    cache_free(c);
}
END_TEST

/* --- purged
 * --------------------------------------------------------------------------------------------------- */

static void keep_of(cache *c, const char *connection, const char *operation, const char *key) {
    cache_fill fill = {.key = str_from(key),
                       .connection = str_from(connection),
                       .operation = str_from(operation),
                       .hash = cache_hash(c, str_from(key)),
                       .like = {.data = STR("x")}};
    cache_entry_drop(cache_put(c, &fill));
}

static uint64_t purge(cache *c, const char *connection, const char *operations) {
    arena *a = arena_new(0);
    patterns p = {0};
    ck_assert(operations == NULL || patterns_read(a, str_from(operations), &p));
    uint64_t n = cache_purge(c, str_from(connection), &p);
    arena_free(a);
    check_cache(c);
    return n;
}

START_TEST(purged_by_connection_and_operation) {
    cache *c = cache_new(1 << 20);
    keep_of(c, "shop", "customers.list", "1");
    keep_of(c, "shop", "customers.get", "2");
    keep_of(c, "shop", "charges.list", "3");
    keep_of(c, "other", "customers.list", "4");
    ck_assert_uint_eq(purge(c, "nobody", NULL), 0);
    ck_assert_uint_eq(purge(c, "shop", "refunds.*"), 0);
    ck_assert_uint_eq(purge(c, "sho", NULL), 0); /* a whole name, no beginning of one */
    ck_assert_uint_eq(purge(c, "shop", "customers.*"), 2);
    holds(c, "1", NULL);
    holds(c, "2", NULL);
    holds(c, "3", "x");
    holds(c, "4", "x");
    ck_assert_uint_eq(purge(c, NULL, "*.list"), 2);
    ck_assert_uint_eq(purge(c, NULL, NULL), 0);
    keep_of(c, "shop", "customers.list", "1");
    keep_of(c, "other", "charges.get", "2");
    ck_assert_uint_eq(purge(c, NULL, NULL), 2);
    ck_assert_uint_eq(counts_of(c).entries, 0);
    ck_assert_uint_eq(counts_of(c).bytes, 0);
    ck_assert_uint_eq(counts_of(c).evictions, 0);
    cache_free(c);
}
END_TEST

START_TEST(who_holds_one_keeps_it_after_a_purge) {
    cache *c = cache_new(1 << 20);
    keep(c, "a", "precious");
    cache_entry *e = look(c, "a"), *again = cache_entry_hold(e);
    ck_assert_uint_eq(purge(c, NULL, NULL), 1);
    holds(c, "a", NULL);
    cache_entry_drop(e);
    ck_assert(str_eq(again->data, STR("precious")));
    keep(c, "a", "another");
    cache_free(c);
    ck_assert(str_eq(again->data, STR("precious"))); /* even when the cache is gone */
    cache_entry_drop(again);
}
END_TEST

/* --- threads
 * -------------------------------------------------------------------------------------------------- */

typedef struct crowd {
    cache *c;
    _Atomic(unsigned) wrong, found;
} crowd;

/* Each entry's data says its own key, over and over. */
static void write_data(char *out, size_t len, unsigned key) {
    for (size_t i = 0; i < len; i++)
        out[i] = (char)('a' + (key + i) % 26);
}

static bool right(const cache_entry *e, unsigned key) {
    for (size_t i = 0; i < e->data.len; i++)
        if (e->data.ptr[i] != (char)('a' + (key + i) % 26))
            return false;
    return true;
}

static void *everything(void *arg) {
    hand *h = arg;
    crowd *w = h->shared;
    cache_entry *held[8] = {NULL};
    char key[32], data[600];
    for (int i = 0; i < 6000; i++) {
        unsigned n = (unsigned)(chance(&h->random) % 300);
        size_t len = 1 + chance(&h->random) % sizeof data;
        snprintf(key, sizeof key, "key-%u", n);
        cache_entry *e = NULL;
        if (chance(&h->random) % 100 == 0) {
            cache_purge(w->c, STR("shop"), &(patterns){0});
        } else if (i % 3 == 0) {
            write_data(data, len, n);
            e = put_text(w->c, str_from(key), "op", str_of(data, len));
        } else {
            e = look(w->c, key);
        }
        if (e == NULL)
            continue;
        atomic_fetch_add(&w->found, 1);
        if (!right(e, n))
            atomic_fetch_add(&w->wrong, 1);
        cache_entry_drop(held[i % 8]); /* held for some rounds, over purges and evictions */
        held[i % 8] = e;
    }
    for (int i = 0; i < 8; i++)
        cache_entry_drop(held[i]);
    return NULL;
}

START_TEST(eight_threads_do_everything_at_once) {
    crowd w = {.c = cache_new(SHARDS * 4000)}; /* room for a part of it */
    crew_run(everything, &w, 1);
    ck_assert_uint_eq(atomic_load(&w.wrong), 0);
    ck_assert_uint_gt(atomic_load(&w.found), 10000);
    ck_assert_uint_gt(counts_of(w.c).evictions, 100);
    check_cache(w.c);
    cache_free(w.c);
}
END_TEST

UNIT_MAIN(unit_test(kept_and_found), unit_test(all_of_an_answer_is_copied), unit_test(absent_stays_absent),
          unit_test(a_newer_answer_takes_the_place), unit_test(hashes_depend_on_the_secret),
          unit_test(the_key_itself_is_compared), unit_test(the_least_lately_used_goes_first),
          unit_test(never_over_the_cap), unit_test(one_that_is_too_great_is_given_but_not_kept),
          unit_test(no_bytes_no_entries), unit_test(a_hundred_thousand),
          unit_test(purged_by_connection_and_operation), unit_test(who_holds_one_keeps_it_after_a_purge),
          unit_test(eight_threads_do_everything_at_once))
