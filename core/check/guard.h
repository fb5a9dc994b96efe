/* guard.h - memory that ends where its page does, so that a byte beyond is a crash in the check, not a
 * surprise in a hub. */
#ifndef CHECK_GUARD_H
#define CHECK_GUARD_H

#include "base/str.h"

typedef struct guarded {
    struct guarded *next;
    unsigned char *map; /* what is mapped, with the page that nobody may touch */
    size_t map_size;
    unsigned char *bytes; /* aligned to 16 */
    size_t size;
} guarded;

/* `fill` goes into every byte. NULL: no memory. Linked into *list. */
void *guard_alloc(guarded **list, size_t size, unsigned char fill);
/* A copy that cannot be written to, and without a NUL behind. {NULL, 0}: no memory. */
bb_str guard_text(guarded **list, bb_str text);
/* Whether the bytes between a piece's end and its page's are still as they were. */
bool guard_intact(const guarded *list);
/* Unmaps the piece that holds the text: whoever still reads it crashes. */
void guard_release(guarded **list, bb_str text);
void guard_free(guarded **list);

#endif
