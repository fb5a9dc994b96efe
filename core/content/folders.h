/* folders.h - the folders of this machine that calls may read from and write to, and paths below them.
 *
 * A path is resolved name by name, each opened below the last and no symbolic link followed: nothing leads
 * out of a folder. The functions that open may block: they belong on a worker thread. */
#ifndef CONTENT_FOLDERS_H
#define CONTENT_FOLDERS_H

#include "base/err.h"

typedef struct content_folders {
    const char *const *paths; /* absolute, without a slash at the end; ends with NULL */
    const char *spool;        /* where content waits that must be known as a whole; NULL: nowhere */
    uint64_t spool_max;       /* bytes of one content there */
    uint64_t spool_free;      /* bytes that stay free on its disk */
} content_folders;

typedef enum { FOLDERS_OK, FOLDERS_OUTSIDE, FOLDERS_MISSING, FOLDERS_WRONG } folders_result;

/* Opens a regular file to read: *fd. */
folders_result folders_open(const content_folders *f, const char *path, int *fd, uint64_t *size, err *e);
/* Opens the folder that `path` lies in: *dir; *name: its last part, within `path`. */
folders_result folders_parent(const content_folders *f, const char *path, int *dir, const char **name,
                              err *e);

/* A file of its own in a folder, to be written; it has no name yet, or the one in `temporary`. -1: *e. */
int folders_create(int dir, char temporary[64], err *e);
/* All of it to the disk, under its name, in place of what was there. */
bool folders_publish(int dir, int fd, char temporary[64], const char *name, err *e);
void folders_discard(int dir, char temporary[64]);

#endif
