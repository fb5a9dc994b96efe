#include "store/events_dedup_filter.h"

#include <stdlib.h>

#define PART_BITS 24u
#define PARTS (1ull << PART_BITS)

static uint64_t part_of(uint64_t place) {
    return place >> (64 - PART_BITS);
}

static void set(dedup_filter *f, uint64_t part) {
    f->bits[part / 64] |= 1ull << part % 64;
}

bool dedup_filter_may_have(const dedup_filter *f, int64_t hash) {
    uint64_t place = dedup_place(hash), part = part_of(place);
    return f->bits == NULL || place >= f->known || (f->bits[part / 64] >> part % 64 & 1) != 0;
}

bool dedup_filter_is_whole(const dedup_filter *f) {
    return f->known == UINT64_MAX;
}

void dedup_filter_add(dedup_filter *f, int64_t hash) {
    if (f->bits != NULL)
        set(f, part_of(dedup_place(hash)));
}

/* Parts at either end are not cleared: what others of their rows there are was told of before, or will be. */
static void clear(dedup_filter *f, uint64_t from, uint64_t end) {
    uint64_t part = from == 0 ? 0 : part_of(from) + 1, last = end == UINT64_MAX ? PARTS : part_of(end);
    for (; part < last && part % 64 != 0; part++)
        f->bits[part / 64] &= ~(1ull << part % 64);
    for (; part + 64 <= last; part += 64)
        f->bits[part / 64] = 0;
    for (; part < last; part++)
        f->bits[part / 64] &= ~(1ull << part % 64);
}

void dedup_filter_learn(dedup_filter *f, uint64_t from, uint64_t end, const int64_t *rows, size_t count) {
    if (f->bits == NULL && (f->bits = calloc(PARTS / 64, sizeof *f->bits)) == NULL)
        return;
    clear(f, from, end);
    for (size_t i = 0; i < count; i++)
        set(f, part_of(dedup_place(rows[i])));
    if (from <= f->known && end > f->known)
        f->known = end;
}

void dedup_filter_forget(dedup_filter *f) {
    f->known = 0;
}

void dedup_filter_free(dedup_filter *f) {
    free(f->bits);
}
