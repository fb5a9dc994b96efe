/* reply.h - answers of the API: JSON, and problems (RFC 9457). */
#ifndef API_REPLY_H
#define API_REPLY_H

#include "base/problem.h"
#include "http/server.h"
#include "json/json.h"

/* Sends what the writer has put into `body` and frees it. */
void reply_json(http_exchange *x, unsigned status, buf *body);
/* A whole problem without more to say. */
void reply_problem(http_exchange *x, problem p, bb_str detail);
__attribute__((format(printf, 3, 4))) void reply_problemf(http_exchange *x, problem p, const char *format,
                                                          ...);
/* type, title, status, detail, retryable: the members that every problem has; the object is left open. */
void reply_problem_head(json_writer *w, problem p, bb_str detail, bool retryable);
void reply_method_not_allowed(http_exchange *x, const char *allowed);

#endif
