/* Waits on when its time is over, and takes no notice of interrupts. */
#define IN_RUN                                \
    while (call->host->call->cancelled(call)) \
        nanosleep(&(struct timespec){0, 1000000}, NULL);
#include "session.h"
