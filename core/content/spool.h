/* spool.h - content that must be known as a whole before it goes on: kept in a file without a name, which is
 * gone with its last reader, however the hub ends. */
#ifndef CONTENT_SPOOL_H
#define CONTENT_SPOOL_H

#include "content/content.h"
#include "content/folders.h"

typedef struct content_spool content_spool;

/* `whole`: the same content from the spool; NULL: `failure` says why. */
typedef void (*content_spooled)(void *ctx, content_source *whole, const char *failure);

/* Takes all that `from` gives. `spooled` is called later, from the loop. NULL: *e. */
content_spool *content_spool_begin(loop *l, const content_folders *folders, content_source *from,
                                   content_spooled spooled, void *ctx, err *e);
uint64_t content_spool_bytes(const content_spool *s); /* so far */
void content_spool_cancel(content_spool *s);          /* NULL is fine */

#endif
