/* confine.h - what a child gives up before it takes its first order. Private to this room. */
#ifndef TRANSFORM_CONFINE_H
#define TRANSFORM_CONFINE_H

#include <stdbool.h>

/* Descriptors beyond 2, core dumps, files, memory beyond CHILD_MEMORY, and every system call that is not
 * needed to calculate and to answer. False: a limit cannot be set. */
bool confine(void);

#endif
