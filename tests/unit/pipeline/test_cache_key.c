/* Keys of cached answers: the same for what means the same, and for nothing else. */
#include <busbar/busbar.h>

#include "pipeline/cache_key.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static arena *memory;
static buf key;

static void begin(void) {
    memory = arena_new(0);
    buf_init(&key);
}

static void end(void) {
    buf_free(&key);
    arena_free(memory);
}

static cache_key_parts parts_of(const char *input) {
    const json_value *v = json_read(memory, str_from(input), NULL, NULL);
    ck_assert_msg(v != NULL, "%s", input);
    return (cache_key_parts){.connection = STR("shop"),
                             .fingerprint = STR("0123"),
                             .operation = STR("customers.list"),
                             .input = v};
}

/* Lives in the arena. */
static bb_str key_by(const cache_key_parts *p) {
    ck_assert(cache_key_make(&key, memory, p));
    return arena_copy(memory, buf_str(&key));
}

static bb_str key_of(const char *input) {
    cache_key_parts p = parts_of(input);
    return key_by(&p);
}

static void same(const char *a, const char *b) {
    ck_assert_msg(str_eq(key_of(a), key_of(b)), "%s, %s", a, b);
}

static void differ(const char *a, const char *b) {
    ck_assert_msg(!str_eq(key_of(a), key_of(b)), "%s, %s", a, b);
}

START_TEST(what_means_the_same) {
    begin();
    same("{\"a\":1,\"b\":2}", "{\"b\":2,\"a\":1}");
    same("{\"a\":1,\"b\":2}", " {\n\t\"a\" : 1 ,\r\n \"b\" : 2 } ");
    same("{\"a\":{\"y\":[1,{\"q\":1,\"p\":2}],\"x\":null}}",
         "{\"a\":{\"x\":null,\"y\":[1,{\"p\":2,\"q\":1}]}}");
    same("{\"\\u0061\":\"\\u0062\"}", "{\"a\":\"b\"}");
    same("{\"a\":\"\\/\"}", "{\"a\":\"/\"}");
    same("\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\"");
    same("{}", " { } ");
    same("[ ]", "[]");
    same("{\"\":1,\"aa\":2,\"a\":3}", "{\"a\":3,\"aa\":2,\"\":1}");
    end();
}
END_TEST

START_TEST(of_members_of_one_name_the_last_counts) {
    begin();
    same("{\"a\":1,\"a\":2}", "{\"a\":2}");
    same("{\"a\":1,\"b\":5,\"a\":2,\"c\":6}", "{\"c\":6,\"a\":2,\"b\":5}");
    same("{\"a\":1,\"\\u0061\":2}", "{\"a\":2}");
    same("{\"a\":{\"x\":1},\"a\":{}}", "{\"a\":{}}");
    differ("{\"a\":1,\"a\":2}", "{\"a\":2,\"a\":1}");
    differ("{\"a\":1,\"a\":2}", "{\"a\":1}");
    end();
}
END_TEST

START_TEST(numbers_are_as_written) {
    begin();
    differ("1", "1.0");
    differ("1", "1e0");
    differ("0", "-0");
    differ("9007199254740993", "9007199254740992"); /* past 2^53: the same double */
    differ("0.1", "0.10000000000000000001");
    same("[1.50]", "[ 1.50 ]");
    end();
}
END_TEST

START_TEST(what_means_something_else) {
    static const char *const all[] = {
        "null",
        "true",
        "false",
        "0",
        "1",
        "\"\"",
        "\"0\"",
        "\"1\"",
        "\"null\"",
        "{}",
        "[]",
        "[[]]",
        "[{}]",
        "{\"\":{}}",
        "{\"\":[]}",
        "{\"\":\"\"}",
        "[null]",
        "[1]",
        "[1,1]",
        "[11]",
        "[\"1\"]",
        "[\"1\",\"1\"]",
        "[\"11\"]",
        "[[1],1]",
        "[[1,1]]",
        "[1,[1]]",
        "{\"a\":1}",
        "{\"a\":\"1\"}",
        "{\"a\":[1]}",
        "[\"a\",1]",
        "{\"a\":{\"b\":1}}",
        "{\"a\":{},\"b\":1}",
        "{\"b\":1,\"a\":[]}",
        "{\"ab\":1}",
        "{\"a\":1,\"b\":1}",
        "\"1:1\"",
        "\"3:a,b\"",
        "[\"a\",\"b\"]",
        "[\"a,b\"]",
        "[\"a\\\",\\\"b\"]",
        "\"}\"",
        "\"]\"",
        "[\"]\"]",
        "{\"}\":1}",
        "\"\\u0000\"",
        "\"\\u0000\\u0000\"",
        "\"A\"",
        "\"a\"",
        "[null,null]",
        "[\"1:\",1]",
        "[{\"a\":1},{\"b\":1}]",
        "[{\"a\":1,\"b\":1}]",
    };
    begin();
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        for (size_t k = 0; k < i; k++)
            differ(all[i], all[k]);
    end();
}
END_TEST

/* Each part counts, and none can pass for a piece of its neighbour. */
START_TEST(the_other_parts) {
    begin();
    cache_key_parts p[] = {parts_of("{}"), parts_of("{}"), parts_of("{}"), parts_of("{}"), parts_of("{}"),
                           parts_of("{}"), parts_of("{}"), parts_of("{}"), parts_of("{}"), parts_of("{}")};
    size_t n = sizeof p / sizeof p[0];
    p[1].connection = STR("shop0");
    p[1].fingerprint = STR("123");
    p[2].connection = STR("sho");
    p[2].fingerprint = STR("p0123");
    p[3].operation = STR("customers.lis");
    p[3].cursor = STR("t");
    p[4].cursor = STR("t");
    p[5].all = true;
    p[6].max_items = 1;
    p[7].all = true;
    p[7].max_items = 1;
    p[8].max_items = 11;
    p[9].fingerprint = STR("3210");
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            ck_assert_msg(str_eq(key_by(&p[i]), key_by(&p[k])) == (i == k), "%zu, %zu", i, k);
    end();
}
END_TEST

START_TEST(a_call_without_input_has_a_key) {
    begin();
    cache_key_parts p = parts_of("null");
    p.input = NULL;
    bb_str none = key_by(&p);
    ck_assert(!str_eq(none, key_of("null")) && !str_eq(none, key_of("\"\"")) && !str_eq(none, key_of("{}")));
    end();
}
END_TEST

START_TEST(no_memory_is_told) {
    begin();
    cache_key_parts p = parts_of("{\"a\":1,\"b\":[1,2,3]}");
    key.limit = 20;
    ck_assert(!cache_key_make(&key, memory, &p));
    key.limit = 0;
    ck_assert(cache_key_make(&key, memory, &p));
    buf text; /* an object whose members do not fit into the arena to be sorted */
    buf_init(&text);
    for (int i = 0; i < 500; i++)
        buf_printf(&text, "%s\"k%d\":1", i == 0 ? "{" : ",", i);
    buf_lit(&text, "}");
    p = parts_of(arena_strdup(memory, buf_str(&text)));
    buf_free(&text);
    arena *tiny = arena_new(4096);
    ck_assert(!cache_key_make(&key, tiny, &p));
    arena_free(tiny);
    end();
}
END_TEST

START_TEST(deep_and_wide) {
    begin();
    buf text;
    buf_init(&text);
    for (int i = 0; i < 250; i++)
        buf_lit(&text, "[");
    for (int i = 0; i < 250; i++)
        buf_lit(&text, "]");
    key_of(buf_cstr(&text));
    buf_clear(&text);
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "%s\"k%d\":%d", i == 0 ? "{" : ",", (i * 7919) % 5000, (i * 7919) % 5000);
    buf_lit(&text, "}");
    bb_str shuffled = key_of(buf_cstr(&text));
    buf_clear(&text);
    for (int i = 0; i < 5000; i++)
        buf_printf(&text, "%s\"k%d\":%d", i == 0 ? "{" : ",", i, i);
    buf_lit(&text, "}");
    ck_assert(str_eq(shuffled, key_of(buf_cstr(&text))));
    buf_free(&text);
    end();
}
END_TEST

/* --- at random
 * ----------------------------------------------------------------------------------------------- */

static uint64_t seed = 1;

static unsigned chance(unsigned below) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((seed >> 33) % below);
}

/* Texts of few letters, among them all that the key's own form is made of: they collide if anything does. */
static void put_text(buf *out) {
    static const char *const letters[] = {"", "1", ":", "{", "}", "[", "]", "\\\"", "1:", "0:", "a"};
    buf_char(out, '"');
    for (unsigned n = chance(3); n > 0; n--)
        buf_str_add(out, str_from(letters[chance(11)]));
    buf_char(out, '"');
}

static void put_value(buf *out, unsigned depth) {
    static const char *const scalars[] = {"null", "true", "false", "0", "1", "11", "1.0", "-1", "1e1"};
    unsigned kind = chance(depth > 0 ? 4 : 2), n = chance(3);
    if (kind == 0) {
        buf_str_add(out, str_from(scalars[chance(9)]));
    } else if (kind == 1) {
        put_text(out);
    } else {
        buf_char(out, kind == 2 ? '[' : '{');
        for (unsigned i = 0; i < n; i++) {
            if (i > 0)
                buf_char(out, ',');
            if (kind == 3) {
                put_text(out);
                buf_char(out, ':');
            }
            put_value(out, depth - 1);
        }
        buf_char(out, kind == 2 ? ']' : '}');
    }
}

/* The same by the data model: numbers as written, the last member of a name, no order of members. Told apart
 * from cache_key.c in every way: it looks each name up. */
static bool alike(const json_value *a, const json_value *b) {
    if (json_type_of(a) != json_type_of(b))
        return false;
    if (json_is(a, JSON_ARRAY)) {
        bool ok = json_count(a) == json_count(b);
        for (uint32_t i = 0; ok && i < json_count(a); i++)
            ok = alike(json_at(a, i), json_at(b, i));
        return ok;
    }
    if (!json_is(a, JSON_OBJECT))
        return json_is(a, JSON_STRING) ? str_eq(json_string(a), json_string(b))
                                       : str_eq(json_raw(a), json_raw(b));
    for (json_iter it = json_iterate(a); json_next(&it);)
        if (!alike(json_get(a, it.key), json_get(b, it.key)))
            return false;
    for (json_iter it = json_iterate(b); json_next(&it);)
        if (json_get(a, it.key) == NULL)
            return false;
    return true;
}

typedef struct sample {
    bb_str key;
    const json_value *value;
} sample;

static int by_key(const void *a, const void *b) {
    const sample *x = a, *y = b;
    size_t n = x->key.len < y->key.len ? x->key.len : y->key.len;
    int order = memcmp(x->key.ptr, y->key.ptr, n);
    return order != 0 ? order : (x->key.len > y->key.len) - (x->key.len < y->key.len);
}

#define SAMPLES 30000u
#define PAIRED 400u

/* 30,000 inputs: neighbours in the order of their keys must be alike if and only if the keys are
 * the same; and every input is alike itself with its members turned round. */
START_TEST(the_same_key_means_the_same_input) {
    begin();
    sample *all = calloc(SAMPLES, sizeof *all);
    buf text;
    buf_init(&text);
    for (size_t i = 0; i < SAMPLES; i++) {
        buf_clear(&text);
        put_value(&text, 3);
        cache_key_parts p = parts_of(arena_strdup(memory, buf_str(&text)));
        all[i] = (sample){key_by(&p), p.input};
    }
    qsort(all, SAMPLES, sizeof *all, by_key);
    size_t distinct = 1;
    for (size_t i = 1; i < SAMPLES; i++) {
        bool equal = str_eq(all[i].key, all[i - 1].key);
        distinct += !equal;
        ck_assert_msg(alike(all[i].value, all[i - 1].value) == equal, "%.*s and %.*s",
                      STR_FMT(json_raw(all[i].value)), STR_FMT(json_raw(all[i - 1].value)));
    }
    ck_assert_uint_gt(distinct, 3000);
    ck_assert_uint_lt(distinct, SAMPLES - 3000); /* there were many of the same, too */
    for (size_t i = 0; i < PAIRED; i++) /* and those that are alike have the same key: all pairs of some */
        for (size_t k = 0; k < PAIRED; k++) {
            const sample *x = &all[i * (SAMPLES / PAIRED)], *y = &all[k * (SAMPLES / PAIRED)];
            ck_assert(alike(x->value, y->value) == str_eq(x->key, y->key));
        }
    buf_free(&text);
    free(all);
    end();
}
END_TEST

UNIT_MAIN(unit_test(what_means_the_same), unit_test(of_members_of_one_name_the_last_counts),
          unit_test(numbers_are_as_written), unit_test(what_means_something_else), unit_test(the_other_parts),
          unit_test(a_call_without_input_has_a_key), unit_test(no_memory_is_told), unit_test(deep_and_wide),
          unit_test(the_same_key_means_the_same_input))
