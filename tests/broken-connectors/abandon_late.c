/* Reads the last answer, which has gone, where the call is given up. */
#define IN_RESUME                                        \
    if (call->step == 2) {                               \
        j->seen = call->host->http->response_body(call); \
        bb_request(call, "GET", "/jobs");                \
        return BB_SEND;                                  \
    }
#define IN_ABANDON                                \
    if (j->seen.len > 0 && j->seen.ptr[0] == '!') \
        return BB_DONE;
#include "abandons.h"
