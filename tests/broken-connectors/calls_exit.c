/* Ends the process where the service fails. */
#define IN_RESUME               \
    if (bb_status(call) == 503) \
        exit(4);
#include "sound.h"
