/* exchange.h - content that the hub's caller sends as a request's body, or gets as an answer's. */
#ifndef CONTENT_EXCHANGE_H
#define CONTENT_EXCHANGE_H

#include "content/content.h"
#include "http/server.h"

/* Of a request whose body is still to be received (http_exchange_streams). NULL: no memory. */
content_source *content_request_source(loop *l, http_exchange *x);

/* Answers the exchange with what it takes: `answered` is called just before, and then the exchange is the
 * server's. `id` goes into the header field Busbar-Execution. NULL: no memory. */
content_sink *content_response_sink(loop *l, http_exchange *x, const char *(*answered)(void *ctx), void *ctx);

#endif
