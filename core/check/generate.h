/* generate.h - values that a JSON Schema accepts, made from a seed. */
#ifndef CHECK_GENERATE_H
#define CHECK_GENERATE_H

#include "check/internal.h"

/* How a value is made. */
typedef enum {
    GENERATE_PLAIN,  /* what the schema shows (default, const, example), else something ordinary */
    GENERATE_HOSTILE /* long, empty, odd: what a schema lets through */
} generate_mode;

typedef struct generator {
    const plugin_module *module; /* for "$ref" to its schemas */
    arena *memory;
    uint64_t random;
    generate_mode mode;
    bool all; /* optional members too */
    unsigned depth;
} generator;

uint64_t generate_random(generator *g);
static inline uint64_t generate_below(generator *g, uint64_t n) {
    return n > 0 ? generate_random(g) % n : 0;
}

/* Writes one value that the schema may accept: the caller has it validated. */
void generate_value(generator *g, const json_value *schema_, const json_value *root, json_writer *w);
/* A text of that pattern (ECMA 262, as far as it goes), or an absent slice. */
bb_str generate_pattern(generator *g, bb_str pattern);

/* A text of a value that `compiled`, whose text is `text`, accepts, in g->memory; absent: none was found. */
bb_str generate_valid(generator *g, bb_str text, const schema *compiled, unsigned tries);

#endif
