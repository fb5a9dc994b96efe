/* Counts in a static variable, and tells the service. */
static int count;
#define IN_START                                \
    char text[16];                              \
    snprintf(text, sizeof text, "%d", ++count); \
    bb_query(call, "count", bb_s(text));
#include "sound.h"
