#include "webhook/target.h"

#define KEY_MAX 256u /* bytes; a longer key counts by its beginning */

unsigned target_loop(bb_str name, unsigned loops) {
    return loops > 0 ? (unsigned)(str_hash(name) % loops) : 0;
}

bool target_wants(const target *t, bb_str source, bb_str type) {
    return patterns_fit(&t->sources, source) && patterns_fit(&t->types, type);
}

bb_str target_key(const target *t, const json_value *payload) {
    if (t->fifo)
        return STR("*");
    const json_value *v = t->key.ptr != NULL ? json_pointer(payload, t->key) : NULL;
    bb_str key = json_is(v, JSON_STRING) ? json_string(v) : v != NULL ? json_raw(v) : (bb_str){NULL, 0};
    if (key.len > KEY_MAX)
        key.len = KEY_MAX;
    return key;
}
