/* stage.h - a connector's file, checked and copied before it is loaded: the admin's own file is never mapped.
 * (Writing into a mapped file is SIGBUS for whoever runs it; and the dynamic linker gives the old library for
 * a path that is still open.) [main] */
#ifndef PLUGIN_STAGE_H
#define PLUGIN_STAGE_H

#include "plugin/trust.h"

#include <limits.h>

typedef struct staged {
    char path[PATH_MAX]; /* the copy: STATE/gen/ID.SHA256.so */
    char sha256[65];
    uint64_t size;
} staged;

/* Refuses, with the remedy, what is not a regular file, can be written by group or others, belongs to neither
 * root nor this user, can be exchanged by others (place.h), lies outside of the allowed folders, is empty,
 * over 256 MiB, or no shared object of this machine; and a state folder that others can exchange. A symbolic
 * link is followed: its target is what is checked. The file is read once: what is hashed, judged by that hash
 * (trust.h) and loaded are the same bytes. */
bool stage_file(const char *path, bb_str id, const char *state_dir, const plugin_policy *policy, staged *out,
                err *e);

/* Removes the copies that are not among `keep` (sha256 texts). What is mapped stays mapped. */
void stage_clean(const char *state_dir, const char *const *keep, size_t n);

#endif
