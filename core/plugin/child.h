/* child.h - this same program, started again to try something that may crash or hang. [main] */
#ifndef PLUGIN_CHILD_H
#define PLUGIN_CHILD_H

#include "base/str.h"

#include <sys/types.h>

typedef struct child {
    pid_t pid;
    int to, from; /* pipes to its standard input and from its standard output */
} child;

/* Starts `PROGRAM WORD` (posix_spawn: safe beside running threads). Standard error is shared. False: errno.
 */
bool child_start(child *c, const char *program, const char *word);
/* Writes all of the text, then closes the pipe. The child reads all before it answers, so this does not
 * stall. */
void child_tell(child *c, bb_str text);
/* Kills it first where asked; waits for it and gives its wait status. */
int child_end(child *c, bool kill_it);

#endif
