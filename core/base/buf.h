/* buf.h - a growing run of bytes. A failed growth is kept (`failed`), so that a writer checks once, at the
 * end.
 *
 * Owner: whoever calls buf_init frees it with buf_free. Thread: one at a time. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/str.h"

#include <stdarg.h>

typedef struct buf {
    char *ptr;
    size_t len, cap;
    size_t limit; /* most bytes it may hold; 0: none */
    bool failed;  /* no memory, or the limit was reached: content is cut, nothing more is added */
} buf;

static inline void buf_init(buf *b) {
    *b = (buf){0};
}
void buf_free(buf *b);
void buf_wipe(buf *b); /* frees what held a secret, overwritten */
static inline void buf_clear(buf *b) {
    b->len = 0;
    b->failed = false;
}
static inline bb_str buf_str(const buf *b) {
    return (bb_str){b->ptr, b->len};
}

/* Room for `n` more bytes at ptr + len; false: none. The caller then adds to len. */
bool buf_reserve(buf *b, size_t n);

static inline void buf_add(buf *b, const void *bytes, size_t n) {
    if ((b->cap - b->len >= n && !b->failed) || buf_reserve(b, n)) {
        if (n > 0)
            memcpy(b->ptr + b->len, bytes, n);
        b->len += n;
    }
}
static inline void buf_str_add(buf *b, bb_str s) {
    buf_add(b, s.ptr, s.len);
}
static inline void buf_char(buf *b, char c) {
    buf_add(b, &c, 1);
}
#define buf_lit(b, literal) buf_add((b), "" literal, sizeof(literal) - 1)

__attribute__((format(printf, 2, 3))) void buf_printf(buf *b, const char *format, ...);
void buf_vprintf(buf *b, const char *format, va_list args);
void buf_u64(buf *b, uint64_t n);
/* The length, ":", and the text: parts so written one behind the other are told apart whatever they hold. */
void buf_part(buf *b, bb_str part);
/* The content as a C string: adds a NUL that is not counted. "" where there is no memory. */
const char *buf_cstr(buf *b);

#endif
