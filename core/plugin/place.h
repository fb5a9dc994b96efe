/* place.h - whether a path can be trusted: who could put another file where it leads to. [main] */
#ifndef PLUGIN_PLACE_H
#define PLUGIN_PLACE_H

#include "base/err.h"

#include <limits.h>
#include <sys/stat.h>

/* Resolves symbolic links into `real` and looks at every folder on the way from the root: each belongs to
 * root or to this user, and nobody else can put files into it or rename those that are there (a sticky
 * folder, as /tmp is, lets nobody do that to the files of others; a group that is the owner's alone is
 * nobody else). From the root downwards, so that what was looked at cannot be exchanged behind it. False: *e
 * says which folder, and the remedy. */
bool place_resolve(const char *path, char real[PATH_MAX], err *e);

/* The same of a folder and all above it. */
bool place_folder(const char *path, char real[PATH_MAX], err *e);

/* What a connector's file must be, whoever owns it: regular, not empty, at most 256 MiB. */
bool place_regular(const struct stat *st, err *e);
bool place_size(const struct stat *st, err *e);

/* A regular file that only root or this user can write. */
bool place_file(const struct stat *st, err *e);

/* Whether `real` lies below `folder`; both resolved. */
bool place_within(const char *real, const char *folder);

#endif
