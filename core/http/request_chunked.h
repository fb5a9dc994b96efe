/* request_chunked.h - the chunked transfer coding (RFC 9112 section 7.1), taken off in place.
 *
 * Extensions and trailer fields are checked, bounded and dropped. */
#ifndef HTTP_REQUEST_CHUNKED_H
#define HTTP_REQUEST_CHUNKED_H

#include "http/request_parser.h"

typedef struct request_chunked {
    uint8_t state;
    uint8_t digits;     /* of the size being read */
    uint64_t left;      /* of the chunk */
    uint64_t total;     /* bytes of the body so far, those announced by the chunk's size included */
    uint64_t max_total; /* over it: 413 */
    uint32_t extension_bytes, trailer_bytes, max_trailer_bytes;
    http_refusal refusal;
    const char *detail;
} request_chunked;

void request_chunked_init(request_chunked *d, uint64_t max_body, uint32_t max_trailer_bytes);

/* Takes raw bytes from data[*raw] up to data[raw_end] and puts the body's bytes at data[*out] (*out <= *raw);
 * both are moved on. PARSE_MORE: all raw bytes are used up. PARSE_DONE: data[*raw] is the first byte after
 * the body. */
parse_result request_chunked_feed(request_chunked *d, char *data, size_t *raw, size_t raw_end, size_t *out);

#endif
