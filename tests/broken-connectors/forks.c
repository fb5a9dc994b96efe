/* A process for each instance, which nobody waits for. */
#include <unistd.h>
#define IN_CREATE    \
    if (fork() == 0) \
        for (;;)     \
            pause();
#include "sound.h"
