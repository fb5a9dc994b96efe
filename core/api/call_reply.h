/* call_reply.h - the answer to a call, as HTTP. */
#ifndef API_CALL_REPLY_H
#define API_CALL_REPLY_H

#include "api/reply.h"
#include "pipeline/call.h"

#define CALL_REPLY_HEADERS_MAX 10

/* Status, content type, header fields (texts in `a`), and the body in three parts, of which the first and
 * last are in *head and *tail: the output itself is not copied. */
typedef struct call_reply {
    unsigned status;
    bb_str content_type;
    http_header headers[CALL_REPLY_HEADERS_MAX];
    size_t header_count;
    bb_str parts[3];
    buf tail;
    bool failed; /* no memory */
} call_reply;

void call_reply_make(arena *a, const call *c, const call_result *r, call_reply *out);
void call_reply_send(http_exchange *x, const call_reply *reply);
void call_reply_free(call_reply *reply);

#endif
