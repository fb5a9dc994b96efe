/* supervisor.h - all processes of a hub. Private to this room. */
#ifndef ISOLATE_SUPERVISOR_H
#define ISOLATE_SUPERVISOR_H

#include "isolate/internal.h"

#define LOOPING_MAX 16u

struct isolates {
    const char *program;
    unsigned loops;
    void (*wake)(void *ctx);
    void *ctx;
    loop *on;
    pthread_mutex_t lock; /* guards from here; taken before an isolated's own */
    isolated *first;
    isolate_loop_of_ends looping[LOOPING_MAX];
    unsigned looping_count;
};

#endif
