/* Reads the first answer's body when the second has come. */
#define IN_RESUME                                       \
    bb_str *first = call->state;                        \
    if (call->step == 1) {                              \
        *first = call->host->http->response_body(call); \
        bb_request(call, "GET", "/things");             \
        return BB_SEND;                                 \
    }                                                   \
    if (first->len > 0 && first->ptr[0] == '!')         \
        return bb_fail(call, BB_E_UPSTREAM_INVALID, "the first answer is no answer");
#include "sound.h"
