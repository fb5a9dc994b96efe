/* Every failure has a message. */
#define IN_RESUME                                                                              \
    if (!bb_ok(call) && bb_text(call, bb_get(call, bb_response(call), "message")).ptr[0] == 0) \
        return bb_fail(call, BB_E_UPSTREAM, "no message");
#include "sound.h"
