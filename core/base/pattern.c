#include "base/pattern.h"

/* Greedy with one way back: linear in practice, quadratic at worst, since only the last "*" is ever tried
 * again. */
bool pattern_fits(bb_str pattern, bb_str name) {
    size_t p = 0, n = 0, star = SIZE_MAX, back = 0;
    while (n < name.len) {
        if (p < pattern.len && pattern.ptr[p] == '*') {
            star = p++;
            back = n;
        } else if (p < pattern.len && pattern.ptr[p] == name.ptr[n]) {
            p++;
            n++;
        } else if (star != SIZE_MAX) {
            p = star + 1;
            n = ++back;
        } else {
            return false;
        }
    }
    while (p < pattern.len && pattern.ptr[p] == '*')
        p++;
    return p == pattern.len;
}

bool patterns_fit(const patterns *p, bb_str name) {
    for (size_t i = 0; i < p->count; i++)
        if (pattern_fits(p->items[i], name))
            return true;
    return p->count == 0;
}

bool patterns_read(arena *a, bb_str text, patterns *out) {
    size_t most = 1;
    for (size_t i = 0; i < text.len; i++)
        most += text.ptr[i] == ',';
    bb_str *items = arena_alloc(a, most * sizeof *items), rest = arena_copy(a, text);
    if (items == NULL || rest.ptr == NULL)
        return false;
    *out = (patterns){.items = items};
    for (bb_str part; str_split(&rest, ',', &part);) {
        part = str_trim(part);
        if (part.len > 0)
            items[out->count++] = part;
    }
    return true;
}
