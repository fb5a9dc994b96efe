/* quota.h - how much of a quota is used, kept over a restart. */
#ifndef STORE_QUOTA_H
#define STORE_QUOTA_H

#include "store/store.h"

typedef struct quota_row {
    bb_str subject;    /* "key:ID" or "connection:ID" */
    bb_str period;     /* "day" or "month" */
    uint64_t start_ms; /* of the period, wall clock, UTC */
    uint64_t used;
} quota_row;

/* Of the periods that are not over at `now_ms`; older rows are removed. In `a`. [main] */
store_result store_quota_load(store *s, arena *a, uint64_t now_ms, quota_row **out, size_t *count);
/* Puts the rows in place of what is there for (subject, period, start). Copied and queued; false: dropped.
 * [any-thread] */
bool store_quota_save(store *s, const quota_row *rows, size_t count);

#endif
