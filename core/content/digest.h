/* digest.h - digests over content as it passes. */
#ifndef CONTENT_DIGEST_H
#define CONTENT_DIGEST_H

#include "base/str.h"

typedef struct content_digest content_digest;

/* `kind` is a bb_digest. With `block`, of the digests of its blocks of so many bytes, laid end to end. NULL:
 * no memory, or no such digest. */
content_digest *content_digest_new(int32_t kind, uint64_t block);
void content_digest_free(content_digest *d); /* NULL is fine */
/* Bytes that begin at `offset` of the content: those that have passed before are passed over; where some are
 * missing in between it can never be told. */
void content_digest_add(content_digest *d, uint64_t offset, bb_str bytes);
/* Over the first `length` bytes, in hexadecimal; "": it cannot be told. */
void content_digest_hex(const content_digest *d, uint64_t length, char out[65]);

#endif
