/* A page behind what was allocated. */
#define IN_START                                              \
    volatile char *text = call->host->call->alloc(call, 100); \
    if (text == NULL)                                         \
        return bb_fail(call, BB_E_NO_MEMORY, "no memory");    \
    text[4096] = 1;
#include "sound.h"
