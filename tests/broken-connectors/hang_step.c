/* resume waits for something that never comes. */
static volatile int never;
#define IN_RESUME  \
    while (!never) \
        ;
#include "sound.h"
