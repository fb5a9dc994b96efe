/* progress.h - the calls whose content is passing just now, and how far each is.
 *
 * One list of a hub, behind a lock: there are few of them, and each lasts. Thread: any. */
#ifndef CONTENT_PROGRESS_H
#define CONTENT_PROGRESS_H

#include "base/buf.h"
#include "base/pattern.h"

#include <stdatomic.h>

typedef struct content_progress content_progress;

typedef struct progress_entry {
    struct progress_entry *next, *previous;
    const char *id; /* of the execution */
    bb_str connection, operation;
    uint64_t started_ms;                   /* wall clock */
    const _Atomic(uint64_t) *done, *total; /* total: FLOW_UNKNOWN */
} progress_entry;

content_progress *content_progress_new(void);
void content_progress_free(content_progress *p); /* NULL is fine */
/* All that the entry points to lives until it is removed. */
void content_progress_add(content_progress *p, progress_entry *e);
void content_progress_remove(content_progress *p, progress_entry *e);
/* Writes the execution as JSON; false: none of that id is running, or `connections` does not cover it. */
bool content_progress_find(content_progress *p, bb_str id, const patterns *connections, buf *out);

#endif
