/* request_parser.h - the head of an HTTP/1.1 request: request line and header fields (RFC 9112 sections 2, 3
 * and 5), and what they say of the body's framing (section 6).
 *
 * It is strict where leniency lets two servers see two different requests (request smuggling): CRLF only, one
 * blank between the parts of the request line, no folded fields, no blank before the colon, one
 * Content-Length or Transfer-Encoding and never both. Knows nothing of sockets. */
#ifndef HTTP_REQUEST_PARSER_H
#define HTTP_REQUEST_PARSER_H

#include "http/server.h"
#include "http/server_refusal.h"

typedef enum { PARSE_MORE, PARSE_DONE, PARSE_REFUSED } parse_result;

typedef struct request_parser {
    /* set by request_parser_init */
    http_header *fields; /* room for max_fields */
    uint32_t max_fields, max_bytes;

    /* where it is, as offsets into the bytes given */
    uint32_t line; /* begin of the line that is not whole yet; after PARSE_DONE the length of the head */
    uint32_t scan; /* no control character between line and here */
    bool has_line; /* the request line has been read */

    /* what it found; slices of the bytes given */
    bb_str method, target, path, query;
    uint32_t field_count;
    uint8_t minor;            /* of HTTP/1.x: 0 or 1 */
    bool keep_alive;          /* the connection may be used again */
    bool expect_continue;     /* the client waits for 100 before it sends the body */
    bool has_length, chunked; /* never both */
    uint64_t content_length;  /* saturated: a length beyond 2^64 is UINT64_MAX */

    /* of PARSE_REFUSED */
    http_refusal refusal;
    const char *detail; /* static, ASCII */

    /* fields seen so far */
    uint8_t hosts;
    bool has_coding, coding_unknown, chunked_not_last;
    bool says_close, says_keep_alive;
    bool expects, expects_unknown;
} request_parser;

void request_parser_init(request_parser *p, http_header *fields, uint32_t max_fields, uint32_t max_bytes);

/* `data` holds all of the request that has come, from its first byte on; called again with more after
 * PARSE_MORE. Work done on a line is not done again. */
parse_result request_parser_feed(request_parser *p, const char *data, size_t len);

/* The bytes have moved from `from` to `to`: so do the slices. Both memories still exist. */
void request_parser_rebase(request_parser *p, const char *from, const char *to);

/* A character of a token (RFC 9110 section 5.6.2): of field names, methods, codings. */
bool request_is_token_char(unsigned char c);

/* --- parts of the parser, in files of their own ---------------------------------------------------- */

parse_result request_refuse(request_parser *p, http_refusal refusal, const char *detail);
/* request_line.c: PARSE_DONE: understood. */
parse_result request_line_parse(request_parser *p, bb_str line);
/* request_fields.c: takes note of a field that concerns the connection or the framing; PARSE_DONE: fine. */
parse_result request_field_note(request_parser *p, const http_header *field);
/* request_fields.c: the head is whole: do its fields agree with each other? */
parse_result request_fields_check(request_parser *p);

#endif
