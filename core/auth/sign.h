/* sign.h - a request as signing schemes see it, and what they add to it. Pure: no clock, no randomness of
 * their own. */
#ifndef AUTH_SIGN_H
#define AUTH_SIGN_H

#include "base/arena.h"
#include "base/err.h"

typedef struct sign_request {
    bb_str method;
    bb_str url;            /* whole, with query, as it will be sent */
    const bb_str *headers; /* "Name: value" each */
    size_t header_count;
    bb_str body;     /* empty where there is none */
    bool streamed;   /* `body` is not all of it: the rest is not known before it passes */
    uint64_t now_ms; /* wall clock */
    uint8_t random[16];
} sign_request;

#define SIGN_HEADERS_MAX 6

typedef struct sign_addition {
    bb_str headers[SIGN_HEADERS_MAX]; /* "Name: value", a NUL behind, in the arena given */
    size_t header_count;
    bb_str query;  /* "name=value&...", encoded, to be put behind the URL's own; absent: none */
    bb_str target; /* path and query, encoded, in place of the URL's: a secret; absent: the URL's */
    bb_str origin; /* "https://host[:port]" in place of the URL's; absent: the URL's */
} sign_addition;

#endif
