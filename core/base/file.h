/* file.h - small files, read whole and replaced whole. They may block on the disk: not for loops. */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include "base/buf.h"
#include "base/err.h"

#include <sys/types.h>

/* Adds the whole file to `out`. False: *e names the path and why; `missing` (may be NULL) tells whether there
 * is no such file. A file over `max` bytes, or one that is not regular, is refused. */
bool file_read(const char *path, size_t max, buf *out, bool *missing, err *e);

/* Writes the bytes beside (PATH.new, of this mode), syncs, renames it into place and syncs the folder: a kill
 * or a power cut at any moment leaves the old file or the new one, whole. False: *e, and errno; the old one
 * stays. */
bool file_replace(const char *path, bb_str bytes, mode_t mode, err *e);

/* Writes all of the bytes. False: errno. */
bool file_write_all(int fd, bb_str bytes);
/* Reads just so many. False: there are fewer, or they cannot be read. */
bool file_read_exactly(int fd, char *bytes, size_t len);

/* A new file of these bytes, synced, in the place of what was there; its folder is not. False: errno. */
bool file_put(const char *path, bb_str bytes, mode_t mode);
/* The folder that it is in: that a file has this name outlives a power cut. False: errno. */
bool file_sync_folder(const char *path);

#endif
