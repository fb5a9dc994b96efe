/* Looks for an answer where there is none. */
#define IN_ABANDON                 \
    if (bb_response(call) == NULL) \
        return BB_DONE;
#include "abandons.h"
