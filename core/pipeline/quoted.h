/* quoted.h - lists in header fields, whose items may hold quoted strings (RFC 9110 section 5.6.4): what looks
 * like a separator within quotes is none. */
#ifndef PIPELINE_QUOTED_H
#define PIPELINE_QUOTED_H

#include "base/str.h"

typedef struct quoted_list {
    bb_str rest;
    bool plain; /* a quote had no end: then it and those behind it are characters like others, and hide
                   nothing */
} quoted_list;

static inline quoted_list quoted_list_of(bb_str text) {
    return (quoted_list){.rest = text};
}

/* Bytes of the quoted string at the front of `s`, with its quotes; 0: it has no end. */
static inline size_t quoted_length(bb_str s) {
    for (size_t i = 1; i < s.len; i++) {
        if (s.ptr[i] == '"')
            return i + 1;
        i += s.ptr[i] == '\\';
    }
    return 0;
}

/* As str_split, but not within quotes. Linear in all: what follows a quote without an end is not searched
 * again, since every quote in it is escaped. */
static inline bool quoted_next(quoted_list *l, char sep, bb_str *part) {
    bb_str s = l->rest;
    if (s.ptr == NULL)
        return false;
    size_t n = 0;
    while (n < s.len && s.ptr[n] != sep) {
        size_t quoted = s.ptr[n] == '"' && !l->plain ? quoted_length(str_of(s.ptr + n, s.len - n)) : 1;
        l->plain = l->plain || quoted == 0;
        n += quoted > 0 ? quoted : 1;
    }
    *part = str_of(s.ptr, n);
    l->rest = n < s.len ? str_of(s.ptr + n + 1, s.len - n - 1) : (bb_str){NULL, 0};
    return true;
}

#endif
