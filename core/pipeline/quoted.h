/* quoted.h - lists in header fields, whose items may hold quoted strings (RFC 9110 section 5.6.4): what looks
 * like a separator within quotes is none. */
#ifndef PIPELINE_QUOTED_H
#define PIPELINE_QUOTED_H

#include "base/str.h"

/* Bytes of the quoted string at the front of `s`, with its quotes; 1 where it has no end: then the quote is a
 * character like others, so that it cannot hide what follows. */
static inline size_t quoted_length(bb_str s) {
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == '"')
            return i + 1;
        i += s.ptr[i] == '\\';
    }
    return 1;
}

/* As str_split, but not within quotes. */
static inline bool quoted_split(bb_str *rest, char sep, bb_str *part) {
    if (rest->ptr == NULL)
        return false;
    size_t n = 0;
    while (n < rest->len && rest->ptr[n] != sep)
        n += rest->ptr[n] == '"' ? quoted_length(str_of(rest->ptr + n, rest->len - n)) : 1;
    *part = str_of(rest->ptr, n);
    *rest = n < rest->len ? str_of(rest->ptr + n + 1, rest->len - n - 1) : (bb_str){NULL, 0};
    return true;
}

#endif
