/* world.h - what belongs to the whole process, and a connector must leave as it found it. */
#ifndef CHECK_WORLD_H
#define CHECK_WORLD_H

#include "base/str.h"

#include <signal.h>
#include <sys/types.h>

typedef struct world {
    struct sigaction signals[65];
    sigset_t mask;
    uint64_t environment; /* hash */
    char folder[512], locale[256];
    mode_t umask_;
    size_t descriptors, threads;
    bool children; /* it has processes that it started */
} world;

void world_look(world *w);
/* Says what has changed since: wrong(), with `who` ("loading it", "create"). */
void world_compare(const world *before, const char *who);

size_t world_descriptors(void);
size_t world_threads(void);
size_t world_memory(void); /* bytes taken from malloc and not given back */

#endif
