#include "base/buf.h"

#include "base/gate.h"

#include <stdio.h>
#include <stdlib.h>

void buf_free(buf *b) {
    free(b->ptr);
    *b = (buf){.limit = b->limit};
}

bool buf_reserve(buf *b, size_t n) {
    if (b->failed)
        return false;
    if (b->cap - b->len >= n)
        return true;
    size_t most = b->limit != 0 ? b->limit : SIZE_MAX / 2;
    if (n > most - b->len) {
        b->failed = true;
        return false;
    }
    size_t cap = b->cap < 256 ? 256 : b->cap * 2;
    if (cap < b->len + n)
        cap = b->len + n;
    if (cap > most)
        cap = most;
    char *ptr = memory_gate() ? realloc(b->ptr, cap) : NULL;
    if (ptr == NULL) {
        b->failed = true;
        return false;
    }
    b->ptr = ptr;
    b->cap = cap;
    return true;
}

void buf_vprintf(buf *b, const char *format, va_list args) {
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    if (n >= 0 && buf_reserve(b, (size_t)n + 1)) {
        vsnprintf(b->ptr + b->len, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void buf_printf(buf *b, const char *format, ...) {
    va_list args;
    va_start(args, format);
    buf_vprintf(b, format, args);
    va_end(args);
}

void buf_u64(buf *b, uint64_t n) {
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + n % 10);
        n /= 10;
    } while (n > 0);
    buf_add(b, digits + at, sizeof digits - at);
}

const char *buf_cstr(buf *b) {
    if (!buf_reserve(b, 1))
        return "";
    b->ptr[b->len] = '\0';
    return b->ptr;
}

void buf_part(buf *b, bb_str part) {
    buf_u64(b, part.len);
    buf_char(b, ':');
    buf_str_add(b, part);
}

void buf_wipe(buf *b) {
    str_wipe((bb_str){b->ptr, b->cap});
    buf_free(b);
}
