/* A thread for each instance, which nobody joins. */
#include <pthread.h>
#include <unistd.h>
static void *work(void *arg) {
    pause();
    return arg;
}
#define IN_CREATE     \
    pthread_t thread; \
    pthread_create(&thread, NULL, work, NULL);
#include "sound.h"
