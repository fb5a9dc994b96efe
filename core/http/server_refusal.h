/* server_refusal.h - what the server itself answers: requests that no handler ever sees. */
#ifndef HTTP_SERVER_REFUSAL_H
#define HTTP_SERVER_REFUSAL_H

#include <stddef.h>

typedef enum {
    REFUSE_NONE,
    REFUSE_BAD_REQUEST,     /* 400 */
    REFUSE_TIMEOUT,         /* 408 */
    REFUSE_BODY_SIZE,       /* 413 */
    REFUSE_URI_SIZE,        /* 414 */
    REFUSE_EXPECTATION,     /* 417 */
    REFUSE_HEADER_SIZE,     /* 431 */
    REFUSE_NOT_IMPLEMENTED, /* 501 */
    REFUSE_CONNECTIONS,     /* 503 */
    REFUSE_MEMORY,          /* 503 */
    REFUSE_VERSION,         /* 505 */
    REFUSE_TLS              /* 400: no handshake, or one that fails; or plain HTTP where TLS is spoken */
} http_refusal;

unsigned refusal_status(http_refusal r);
void refusal_count(http_refusal r); /* [any-thread] */

/* Writes the problem document (RFC 9457) into `out`, cut at `size`; gives its length. `detail` is plain ASCII
 * that needs no escaping; NULL: none. */
size_t refusal_body(http_refusal r, const char *detail, char *out, size_t size);

#endif
