/* Needs the length, and does not say so. */
#define PUT_FLAGS BB_CONTENT_TAKES
#define IN_START                     \
    if (bb_content_length(call) < 0) \
        return bb_fail(call, BB_E_INVALID_INPUT, "how long is the file?");
#include "files.h"
