/* Asks until the name is "ready". */
#define IN_RESUME                                                                      \
    if (!bb_str_eq(bb_text(call, bb_get(call, bb_response(call), "name")), "ready")) { \
        bb_request(call, "GET", "/things");                                            \
        return BB_SEND;                                                                \
    }
#include "sound.h"
