/* file.h - content from and to files, read and written on libuv's threads, so that a slow disk holds up no
 * loop. */
#ifndef CONTENT_FILE_H
#define CONTENT_FILE_H

#include "content/content.h"
#include "content/folders.h"

/* Takes the descriptor. */
content_source *content_file_source(loop *l, int fd, uint64_t size); /* NULL: no memory; fd is closed */

/* Opens what a path of the caller's names. One of the three is there, or NULL and the result says why not. */
typedef void (*content_opened)(void *ctx, content_source *source, content_sink *sink, folders_result result,
                               const char *failure);
/* Both call `opened` later, from the loop. False: no memory, and it is not called. `folders` outlives it. */
bool content_file_open(loop *l, const content_folders *folders, const char *path, content_opened opened,
                       void *ctx);
bool content_file_create(loop *l, const content_folders *folders, const char *path, content_opened opened,
                         void *ctx);

#endif
