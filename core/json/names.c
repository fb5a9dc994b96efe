#include "json/names.h"

#include <stdlib.h>

int names_compare(const json_value *a, const json_value *b) {
    if (a->count != b->count)
        return a->count < b->count ? -1 : 1;
    return a->count > 0 ? memcmp(a->text, b->text, a->count) : 0;
}

/* Equal names in the order of the text: nodes stand in it. */
static int compare(const void *x, const void *y) {
    const json_value *a = *(const json_value *const *)x, *b = *(const json_value *const *)y;
    int order = names_compare(a, b);
    return order != 0 ? order : (a > b) - (a < b);
}

bool names_sort(const json_value *object, names *out) {
    uint32_t members = json_count(object), kept = 0;
    const json_value **keys = malloc(((size_t)members + 1) * sizeof *keys);
    if (keys == NULL)
        return false;
    for (json_iter it = json_iterate(object); json_next(&it);)
        keys[it.index] = it.value - 1;
    qsort(keys, members, sizeof *keys, compare);
    for (uint32_t i = 0; i < members; i++)
        if (i + 1 == members || names_compare(keys[i], keys[i + 1]) != 0)
            keys[kept++] = keys[i];
    *out = (names){.keys = keys, .count = kept};
    return true;
}

void names_free(names *n) {
    free(n->keys);
    *n = (names){0};
}
