/* sign_text.h - what the signing schemes share: a URL taken apart, its parameters in canonical form, bytes as
 * text. Every result lives in the arena given; an absent one says that there is no memory. Thread: any. */
#ifndef AUTH_SIGN_TEXT_H
#define AUTH_SIGN_TEXT_H

#include "auth/sign.h"
#include "base/buf.h"

typedef struct sign_url {
    bool https;
    bb_str host;   /* with a port that is not the scheme's own, as the Host field is sent */
    bb_str path;   /* as sent; "/" where the URL has none */
    bb_str query;  /* behind the "?"; absent: none */
    bb_str target; /* path and query as sent; absent where the URL has no path: see sign_target */
} sign_url;

/* Slices of `url`. False: not http(s), no host, or with user information or a fragment. */
bool sign_url_read(bb_str url, sign_url *out);
/* The request target (RFC 9112 section 3.2.1): path and query. */
bb_str sign_target(arena *a, const sign_url *u);

/* Parameters, percent-encoded as RFC 3986 has it: all but unreserved characters, upper-case digits. */
typedef struct sign_params {
    str_pair *items;
    size_t count, cap;
} sign_params;

/* Adds a pair given in plain bytes. */
bool sign_params_add(arena *a, sign_params *p, bb_str name, bb_str value);
/* Adds the pairs of a query or form: "+" is a blank, a "%" that begins no escape stands for itself, a name
 * without "=" has an empty value, empty pieces are passed over. */
bool sign_params_read(arena *a, sign_params *p, bb_str form);
void sign_params_sort(sign_params *p);                  /* by name, then value, byte by byte */
void sign_params_write(const sign_params *p, buf *out); /* name=value&... */

bb_str sign_encode(arena *a, bb_str bytes); /* percent-encoded */
bb_str sign_hex(arena *a, bb_str bytes);    /* lower case */
bb_str sign_base64(arena *a, bb_str bytes);
bb_str sign_base64url(arena *a, bb_str bytes);
bb_str sign_copy(arena *a, buf *b); /* what was written, and frees it; absent too where the buf failed */

/* Cuts "Name: value". False: no colon, or no name. */
bool sign_header_split(bb_str line, bb_str *name, bb_str *value);
/* The value of the first header field of that name; absent: none. */
bb_str sign_header_find(const sign_request *r, bb_str name);
/* False: the line is absent, or there are too many. */
bool sign_header_add(sign_addition *out, bb_str line);

#endif
