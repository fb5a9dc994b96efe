/* content_call.h - calls of operations that take or give files. */
#ifndef API_CONTENT_CALL_H
#define API_CONTENT_CALL_H

#include "api/routes.h"
#include "pipeline/call.h"

/* `request` has all but input and content. Answers the exchange, now or later. */
void content_call_begin(api *a, http_exchange *x, const call_request *request, bool has_key);

#endif
