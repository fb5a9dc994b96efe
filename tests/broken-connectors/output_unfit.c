/* Its output is another than it says. */
#define IN_RESUME    \
    if (bb_ok(call)) \
        return bb_done_text(call, bb_s("{\"title\":1}"));
#include "sound.h"
