/* pattern.h - names with "*" for any run of characters: "customers.*", "*". */
#ifndef BASE_PATTERN_H
#define BASE_PATTERN_H

#include "base/arena.h"
#include "base/str.h"

bool pattern_fits(bb_str pattern, bb_str name);

typedef struct patterns {
    const bb_str *items;
    size_t count; /* 0: everything fits */
} patterns;

bool patterns_fit(const patterns *p, bb_str name);
/* "a.*, b": split at commas, blanks cut, empty items left out. In `a`; false: no memory. */
bool patterns_read(arena *a, bb_str text, patterns *out);

#endif
