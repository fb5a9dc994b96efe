/* Its output is no JSON. */
#define IN_RESUME    \
    if (bb_ok(call)) \
        return bb_done_text(call, bb_s("{name: first}"));
#include "sound.h"
