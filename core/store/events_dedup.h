/* events_dedup.h - the memory of what has been seen. [writer] */
#ifndef STORE_EVENTS_DEDUP_H
#define STORE_EVENTS_DEDUP_H

#include "store/events_internal.h"

uint64_t dedup_hash(const events *v, bb_str source, bb_str dedup);
/* What others have written since the last group; before anything is added. */
store_result dedup_catch_up(events *v, database *d);
/* Whether it was seen, and is to be a repeat still: of the event of that number; 0: it is gone. */
store_result dedup_look(events *v, database *d, uint64_t hash, uint64_t now_ms, uint64_t window_ms,
                        bool *repeated, int64_t *number);
/* Of an event that was written just now; `hash` 0: it has none. False: no memory. */
bool dedup_add(events *v, int64_t number, uint64_t hash, uint64_t until_ms);
/* Into the table; `number` 0: of an event that is removed. */
store_result dedup_write(events *v, database *d, uint64_t hash, uint64_t until_ms, int64_t number);

/* With each group: within its transaction, and after it. */
store_result dedup_merge_some(events *v, database *d, uint64_t now_ms);
void dedup_group_over(dedup_memory *m, bool committed);
/* What was added is taken back. */
void dedup_forget(dedup_memory *m, uint64_t hash);

bool dedup_load(store *s, err *e);
void dedup_free(dedup_memory *m);

#endif
