/* reply.h - answers of the API: JSON, and problems (RFC 9457). */
#ifndef API_REPLY_H
#define API_REPLY_H

#include "base/problem.h"
#include "http/server.h"
#include "json/json.h"

/* A writer into a new `body`, which reply_json sends. */
json_writer reply_begin(buf *body);
/* Sends what the writer has put into `body` and frees it. */
void reply_json(http_exchange *x, unsigned status, buf *body);
/* {"NAME": [...]}: its items are written between the two. */
json_writer reply_list_begin(buf *body, const char *name);
void reply_list_end(http_exchange *x, json_writer *w, buf *body);

/* A whole problem without more to say. */
void reply_problem(http_exchange *x, problem p, bb_str detail);
__attribute__((format(printf, 3, 4))) void reply_problemf(http_exchange *x, problem p, const char *format,
                                                          ...);
/* type, title, status, detail, retryable: the members that every problem has; the object is left open. */
void reply_problem_head(json_writer *w, problem p, bb_str detail, bool retryable);
/* Sends the whole object, and frees `body`. */
void reply_problem_body(http_exchange *x, problem p, buf *body, const http_header *headers, size_t n);
void reply_method_not_allowed(http_exchange *x, const char *allowed);

#endif
