/* Takes the body for a C string. */
#define IN_RESUME                                                 \
    const char *body = call->host->http->response_body(call).ptr; \
    if (body != NULL && strlen(body) == 7)                        \
        return bb_fail(call, BB_E_UPSTREAM_INVALID, "seven");
#include "sound.h"
