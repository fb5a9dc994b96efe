/* Runs on loading, and changes nothing but its own data. */
static int ready;
__attribute__((constructor)) static void make_ready(void) {
    ready = 1;
}
#include "sound.h"
