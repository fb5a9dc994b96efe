/* Values made up from a schema fit it, are odd where they shall be, and come again with the same seed. */
#include <busbar/busbar.h>

#include "unit.h"

#include "check/generate.h"

#include <string.h>

static const bb_schema address = {
    BB_SIZE(bb_schema), .name = "address",
    .text = "{\"type\":\"object\",\"required\":[\"zip\"],\"properties\":{\"zip\":"
            "{\"type\":\"string\",\"pattern\":\"^[0-9]{5}$\"}}}"};
static const bb_schema *const named[] = {&address, NULL};
static const bb_plugin plugin = {BB_SIZE(bb_plugin), .id = "x", .schemas = named};

static bb_str find(void *ctx, bb_str uri) {
    (void)ctx;
    return str_ends(uri, STR("/address")) ? str_from(address.text) : (bb_str){NULL, 0};
}

static const char *const schemas[] = {
    ("{\"type\":\"object\",\"required\":[\"a\",\"b\"],\"additionalProperties\":false,\"properties\":{\"a\":{"
     "\"type\":"
     "\"string\",\"minLength\":3,\"maxLength\":5},\"b\":{\"type\":\"integer\",\"minimum\":7,\"maximum\":9}}"
     "}"),
    ("{\"type\":\"object\",\"required\":[\"to\"],\"properties\":{\"to\":{\"$ref\":\"address\"}}}"),
    ("{\"type\":\"object\",\"properties\":{\"t\":{\"type\":\"string\"},\"u\":{\"type\":\"string\"}},"
     "\"anyOf\":"
     "[{"
     "\"required\":[\"t\"]},{\"required\":[\"u\"]}]}"),
    ("{\"type\":\"array\",\"minItems\":2,\"maxItems\":4,\"items\":{\"enum\":[\"x\",1,null]}}"),
    ("{\"$ref\":\"#/$defs/"
     "tree\",\"$defs\":{\"tree\":{\"type\":\"object\",\"properties\":{\"child\":{\"$ref\":"
     "\"#/$defs/tree\"}}}}}"),
    ("{\"allOf\":[{\"type\":\"object\",\"required\":[\"k\"],\"properties\":{\"k\":{\"const\":\"v\"}}}]}"),
    ("{\"type\":\"number\",\"exclusiveMinimum\":0,\"multipleOf\":5}"),
    ("{\"type\":[\"boolean\",\"null\"]}"),
    ("{\"type\":\"string\",\"format\":\"date-time\",\"minLength\":20}"),
};
#define SCHEMAS (sizeof schemas / sizeof schemas[0])

static schema *compiled(const char *text) {
    err e = {""};
    schema_resolver resolver = {.find = find};
    schema *s = schema_compile(str_from(text), STR("busbar:///x/"), &resolver, &e);
    ck_assert_msg(s != NULL, "%s", e.text);
    return s;
}

static bb_str made(arena *a, const char *text, generate_mode mode, uint64_t seed) {
    plugin_module module = {.desc = &plugin};
    generator g = {.module = &module, .memory = a, .random = seed, .mode = mode};
    schema *s = compiled(text);
    bb_str value = generate_valid(&g, str_from(text), s, 60);
    ck_assert_msg(value.ptr != NULL, "nothing fits %s", text);
    ck_assert(schema_validate(s, json_read(a, value, NULL, NULL), a, NULL));
    schema_free(s);
    return value;
}

START_TEST(values_fit_their_schema) {
    arena *a = arena_new(0);
    for (size_t i = 0; i < SCHEMAS; i++)
        for (uint64_t seed = 1; seed < 20; seed++) {
            made(a, schemas[i], GENERATE_PLAIN, seed);
            made(a, schemas[i], GENERATE_HOSTILE, seed);
        }
    arena_free(a);
}
END_TEST

START_TEST(a_seed_repeats) {
    arena *a = arena_new(0);
    size_t different = 0;
    for (uint64_t seed = 1; seed < 20; seed++) {
        bb_str one = made(a, schemas[0], GENERATE_HOSTILE, seed),
               again = made(a, schemas[0], GENERATE_HOSTILE, seed);
        ck_assert(str_eq(one, again));
        different += !str_eq(one, made(a, schemas[0], GENERATE_HOSTILE, seed + 100));
    }
    ck_assert_uint_gt(different, 5);
    arena_free(a);
}
END_TEST

/* The pattern, as the host's own engine reads it, takes what was made. */
START_TEST(texts_fit_their_pattern) {
    static const char *const patterns[] = {"^[A-Z]{1,20}$",
                                           "^acct_",
                                           "^https?://",
                                           "^[0-9]{4}-[0-9]{2}-[0-9]{2}(\\\\.[a-z]+)?$",
                                           "^(public|private|im)(,(public|private|im))*$",
                                           "^[^/ ]+$",
                                           "^(?:a|bc|[d-f]{2,3})+\\\\d\\\\w$",
                                           "^x{3}y*z+$",
                                           "^\\\\$\\\\.\\\\[$",
                                           "^$"};
    arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++)
        for (uint64_t seed = 1; seed < 20; seed++) {
            bb_str text = arena_printf(a, "{\"type\":\"string\",\"pattern\":\"%s\"}", patterns[i]);
            made(a, text.ptr, GENERATE_PLAIN, seed);
        }
    arena_free(a);
}
END_TEST

/* What it cannot read gives some text, and never runs away. */
START_TEST(odd_patterns_come_to_an_end) {
    static const char *const patterns[] = {
        "",      "(",     "[", "\\", "a{", "a{99999999999}", "((((a{9}){9}){9}){9}){9}", "[^]", "a|",
        "(?=x)", "[z-a]", "*", "}{", "(|)"};
    arena *a = arena_new(0);
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        generator g = {.memory = a, .random = 1};
        ck_assert_uint_lt(generate_pattern(&g, str_from(patterns[i])).len, 8192);
    }
    arena_free(a);
}
END_TEST

START_TEST(what_nothing_fits_is_given_up) {
    arena *a = arena_new(0);
    plugin_module module = {.desc = &plugin};
    generator g = {.module = &module, .memory = a, .random = 1};
    static const char text[] = "{\"type\":\"string\",\"minLength\":3,\"maxLength\":2}";
    schema *s = compiled(text);
    ck_assert(generate_valid(&g, str_from(text), s, 20).ptr == NULL);
    schema_free(s);
    arena_free(a);
}
END_TEST

UNIT_MAIN(unit_test(values_fit_their_schema), unit_test(a_seed_repeats), unit_test(texts_fit_their_pattern),
          unit_test(odd_patterns_come_to_an_end), unit_test(what_nothing_fits_is_given_up))
