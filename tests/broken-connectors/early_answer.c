/* Looks for an answer before there is one. */
#define IN_START                   \
    if (bb_response(call) != NULL) \
        return bb_done_body(call);
#include "sound.h"
