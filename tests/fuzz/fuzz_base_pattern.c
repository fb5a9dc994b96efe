/* A list of patterns on the first line, a name on the second; each pattern against a matcher that fills a
 * table of all its beginnings and all the name's. */
#include "base/pattern.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MOST 256

static bool plainly(bb_str p, bb_str n) {
    static bool fits[MOST + 1][MOST + 1]; /* [i][k]: the first i of the pattern fit the first k of the name */
    for (size_t i = 0; i <= p.len; i++)
        for (size_t k = 0; k <= n.len; k++) {
            if (i == 0)
                fits[i][k] = k == 0;
            else if (p.ptr[i - 1] == '*')
                fits[i][k] = fits[i - 1][k] || (k > 0 && fits[i][k - 1]);
            else
                fits[i][k] = k > 0 && fits[i - 1][k - 1] && p.ptr[i - 1] == n.ptr[k - 1];
        }
    return fits[p.len][n.len];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    bb_str name = str_of(data, size), list = {NULL, 0};
    str_split(&name, '\n', &list);
    arena *a = arena_new(0);
    patterns p;
    if (list.len <= MOST && name.len <= MOST) {
        if (!patterns_read(a, list, &p))
            abort();
        bool any = p.count == 0;
        for (size_t i = 0; i < p.count; i++) {
            if (p.items[i].len == 0 || !str_eq(p.items[i], str_trim(p.items[i])))
                abort();
            if (pattern_fits(p.items[i], name) != plainly(p.items[i], name))
                abort();
            any = any || plainly(p.items[i], name);
        }
        if (patterns_fit(&p, name) != any)
            abort();
    }
    arena_free(a);
    return 0;
}
