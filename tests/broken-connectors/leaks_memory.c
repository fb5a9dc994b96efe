/* A little of each instance stays. */
static void *volatile last;
#define IN_CREATE last = malloc(48);
#include "sound.h"
