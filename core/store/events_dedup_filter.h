/* events_dedup_filter.h - which hashes the table of what has been seen may have: most that are asked for it
 * has not, and to find that out there takes longer than all else that is done about one. [writer]
 *
 * A bit for each of so many equal parts of the hashes, which are as good as random: where it is not set, the
 * table has none of that part. With a row for each sixteen bits, one in sixteen that are not there may be. */
#ifndef STORE_EVENTS_DEDUP_FILTER_H
#define STORE_EVENTS_DEDUP_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dedup_filter {
    uint64_t *bits; /* 2 MiB; NULL: none yet */
    uint64_t known; /* of the places (dedup_place) before this one it can say no */
} dedup_filter;

/* Where a hash comes in the table's order, in which SQLite has numbers with a sign. */
static inline uint64_t dedup_place(int64_t hash) {
    return (uint64_t)hash ^ (1ull << 63);
}

bool dedup_filter_may_have(const dedup_filter *f, int64_t hash);
bool dedup_filter_is_whole(const dedup_filter *f);
/* A row is written. */
void dedup_filter_add(dedup_filter *f, int64_t hash);
/* These rows, and no others, are in the table from `from` to before `end`, places; UINT64_MAX: to its end.
 * Told of from place 0 on, in their order, again and again. */
void dedup_filter_learn(dedup_filter *f, uint64_t from, uint64_t end, const int64_t *rows, size_t count);
/* It knows nothing any more. */
void dedup_filter_forget(dedup_filter *f);
void dedup_filter_free(dedup_filter *f);

#endif
