/* Typed values, and a section typed by a schema. */
#include "fixture.h"

static arena *memory;
static conf_file file = {.path = "a.conf"};

static conf_entry entry(const char *value) {
    return (conf_entry){STR("key"), str_from(value), 3};
}

static void expect_error(const err *e, const char *part) {
    if (strncmp(e->text, "a.conf:3: ", 10) != 0)
        ck_abort_msg("\"%s\" has no place", e->text);
    expect_in(e->text, part);
}

START_TEST(whole_numbers) {
    memory = arena_new(0);
    err e = {""};
    uint64_t n = 0;
    conf_entry x = entry("42"), low = entry("1"), word = entry("many"), minus = entry("-3"),
               empty = entry("");
    ck_assert(conf_u64(memory, &file, NULL, 2, 100, 7, &n, &e) && n == 7);
    ck_assert(conf_u64(memory, &file, &x, 2, 100, 7, &n, &e) && n == 42);
    ck_assert(!conf_u64(memory, &file, &low, 2, 100, 7, &n, &e));
    expect_error(&e, "key = 1 is not a whole number from 2 to 100");
    ck_assert(!conf_u64(memory, &file, &word, 2, 100, 7, &n, &e));
    expect_error(&e, "key = many is not");
    ck_assert(!conf_u64(memory, &file, &minus, 0, 100, 7, &n, &e));
    ck_assert(!conf_u64(memory, &file, &empty, 0, 100, 7, &n, &e));
    ck_assert_uint_eq(n, 42);
    setenv("CONF_T_N", "99", 1);
    conf_entry reference = entry("${env:CONF_T_N}");
    ck_assert(conf_u64(memory, &file, &reference, 2, 100, 7, &n, &e) && n == 99);
    setenv("CONF_T_N", "hunter2", 1);
    ck_assert(!conf_u64(memory, &file, &reference, 2, 100, 7, &n, &e));
    expect_error(&e, "key is not a whole number");
    ck_assert_ptr_null(strstr(e.text, "hunter2"));
    arena_free(memory);
}
END_TEST

START_TEST(durations_sizes_and_booleans) {
    static const struct {
        const char *text;
        uint64_t bytes;
    } sizes[] = {{"0", 0}, {"4096", 4096}, {"64k", 65536}, {"10M", 10485760}, {"1g", 1073741824}};
    static const char *const bad_sizes[] = {"", "k", "1kb", "1 k", "-1", "17179869184g", "1.5m", "0x10"};
    static const char *const yes[] = {"yes", "TRUE", "on", "1"}, *const no[] = {"no", "False", "off", "0"};
    err e = {""};
    uint64_t n;
    bool b;
    memory = arena_new(0);
    for (size_t i = 0; i < 5; i++) {
        conf_entry x = entry(sizes[i].text);
        ck_assert(conf_size(memory, &file, &x, 0, UINT64_MAX, 1, &n, &e) && n == sizes[i].bytes);
    }
    for (size_t i = 0; i < 8; i++) {
        conf_entry x = entry(bad_sizes[i]);
        ck_assert(!conf_size(memory, &file, &x, 0, UINT64_MAX, 1, &n, &e));
        expect_error(&e, "is not a size (4096, 64k, 10m, 1g)");
    }
    for (size_t i = 0; i < 4; i++) {
        conf_entry on = entry(yes[i]), off = entry(no[i]);
        ck_assert(conf_bool(memory, &file, &on, false, &b, &e) && b);
        ck_assert(conf_bool(memory, &file, &off, true, &b, &e) && !b);
    }
    conf_entry maybe = entry("maybe"), second = entry("30s"), bare = entry("30"), day = entry("1d");
    ck_assert(!conf_bool(memory, &file, &maybe, true, &b, &e));
    expect_error(&e, "key = maybe is not yes or no");
    ck_assert(conf_bool(memory, &file, NULL, true, &b, &e) && b);
    ck_assert(conf_duration_ms(memory, &file, &second, 0, 60000, 1, &n, &e) && n == 30000);
    ck_assert(!conf_duration_ms(memory, &file, &bare, 0, 60000, 1, &n, &e));
    expect_error(&e, "is not a duration (250ms, 30s, 5m, 2h, 1d) from 0ms to 60000ms");
    ck_assert(!conf_duration_ms(memory, &file, &day, 0, 60000, 1, &n, &e));
    arena_free(memory);
}
END_TEST

/* --- sections --------------------------------------------------------------------------------------- */

static bool convert(const char *text, const char *schema, bb_str *out, err *e) {
    conf_file f;
    if (!conf_read_text(memory, "a.conf", str_from(text), &f))
        ck_abort_msg("%s", f.error.text);
    const json_value *s = json_read(memory, str_from(schema), NULL, NULL);
    ck_assert_ptr_nonnull(s);
    return conf_section_to_json(memory, &f, conf_find_section(&f, STR("s")), s, out, e);
}

static void gives(const char *text, const char *schema, const char *json) {
    bb_str out;
    err e = {""};
    memory = arena_new(0);
    if (!convert(text, schema, &out, &e))
        ck_abort_msg("%s: %s", text, e.text);
    expect(out, json);
    arena_free(memory);
}

/* `text`'s third line is at fault. */
static void refuses(const char *text, const char *schema, const char *part) {
    bb_str out;
    err e = {""};
    memory = arena_new(0);
    if (convert(text, schema, &out, &e))
        ck_abort_msg("%s gives %.*s", text, STR_FMT(out));
    expect_error(&e, part);
    ck_assert_ptr_null(strstr(e.text, "hunter2"));
    arena_free(memory);
}

#define OF_TYPE(type) "{\"properties\": {\"x\": {\"type\": " type "}}}"

START_TEST(scalars) {
    gives("[s]\nx = 5\n", OF_TYPE("\"integer\""), "{\"x\":5}");
    gives("[s]\nx = 18446744073709551617\n", OF_TYPE("\"integer\""), "{\"x\":18446744073709551617}");
    gives("[s]\nx = 1.10\n", OF_TYPE("\"number\""), "{\"x\":1.10}");
    gives("[s]\nx = On\n", OF_TYPE("\"boolean\""), "{\"x\":true}");
    gives("[s]\nx = 0\n", OF_TYPE("\"boolean\""), "{\"x\":false}");
    gives("[s]\nx = 5\n", OF_TYPE("\"string\""), "{\"x\":\"5\"}");
    gives("[s]\nx = \"a\\b\"\n", OF_TYPE("\"string\""), "{\"x\":\"\\\"a\\\\b\\\"\"}");
    gives("[s]\nx = a\n  b\n", OF_TYPE("\"string\""), "{\"x\":\"a\\nb\"}");
    gives("[s]\nx =\n", OF_TYPE("\"string\""), "{\"x\":\"\"}");
    refuses("[s]\n\nx = 1.5\n", OF_TYPE("\"integer\""), "x is not a whole number");
    refuses("[s]\n\nx = 007\n", OF_TYPE("\"integer\""), "x is not a whole number");
    refuses("[s]\n\nx = hunter2\n", OF_TYPE("\"number\""), "x is not a number");
    refuses("[s]\n\nx = hunter2\n", OF_TYPE("\"boolean\""), "x is not yes or no");
    refuses("[s]\n\nx =\n", OF_TYPE("\"number\""), "x is not a number");
}
END_TEST

START_TEST(lists_of_types) {
    gives("[s]\nx = 5\n", OF_TYPE("[\"string\", \"integer\"]"), "{\"x\":5}");
    gives("[s]\nx = five\n", OF_TYPE("[\"string\", \"integer\"]"), "{\"x\":\"five\"}");
    gives("[s]\nx = yes\n", OF_TYPE("[\"boolean\", \"string\"]"), "{\"x\":true}");
    gives("[s]\nx = 1\n", OF_TYPE("[\"boolean\", \"string\"]"), "{\"x\":\"1\"}");
    gives("[s]\nx = null\n", OF_TYPE("[\"integer\", \"null\"]"), "{\"x\":null}");
    gives("[s]\nx =\n", OF_TYPE("[\"integer\", \"null\"]"), "{\"x\":null}");
    gives("[s]\nx =\n", OF_TYPE("[\"string\", \"null\"]"), "{\"x\":\"\"}");
    gives("[s]\nx = a, b\n", OF_TYPE("[\"string\", \"array\"]"), "{\"x\":\"a, b\"}");
    gives("[s]\nx = [\"a\"]\n", OF_TYPE("[\"string\", \"array\"]"), "{\"x\":[\"a\"]}");
    refuses("[s]\n\nx = a\n", OF_TYPE("[\"integer\", \"null\"]"), "x is not a whole number or null");
}
END_TEST

START_TEST(types_found_without_type) {
    gives("[s]\nx = 5\n", "{\"properties\": {\"x\": {\"enum\": [\"auto\", 5]}}}", "{\"x\":5}");
    gives("[s]\nx = auto\n", "{\"properties\": {\"x\": {\"enum\": [\"auto\", 5]}}}", "{\"x\":\"auto\"}");
    gives("[s]\nx = yes\n", "{\"properties\": {\"x\": {\"const\": true}}}", "{\"x\":true}");
    gives("[s]\nx = 2\n",
          "{\"properties\": {\"x\": {\"$ref\": \"#/$defs/n\"}}, \"$defs\": {\"n\": {\"type\": \"integer\"}}}",
          "{\"x\":2}");
    gives("[s]\nx = 2\n",
          "{\"properties\": {\"x\": {\"oneOf\": [{\"type\": \"integer\"}, {\"type\": \"string\"}]}}}",
          "{\"x\":2}");
    gives("[s]\nx = 2\n", "{\"properties\": {\"x\": true}}", "{\"x\":\"2\"}");
    gives("[s]\nx = 2\n", "{\"properties\": {\"x\": {\"$ref\": \"#/properties/x\"}}}", "{\"x\":\"2\"}");
}
END_TEST

#define LIST_OF(type) "{\"properties\": {\"x\": {\"type\": \"array\", \"items\": {\"type\": \"" type "\"}}}}"

START_TEST(arrays_and_objects) {
    gives("[s]\nx = a, b ,c\n", LIST_OF("string"), "{\"x\":[\"a\",\"b\",\"c\"]}");
    gives("[s]\nx = 1, 2\n", LIST_OF("integer"), "{\"x\":[1,2]}");
    gives("[s]\nx =\n  a,\n  b,\n", LIST_OF("string"), "{\"x\":[\"a\",\"b\"]}");
    gives("[s]\nx =\n", LIST_OF("string"), "{\"x\":[]}");
    gives("[s]\nx = one\n", OF_TYPE("\"array\""), "{\"x\":[\"one\"]}");
    gives("[s]\nx = [1, [\"a,b\"]]\n", LIST_OF("string"), "{\"x\":[1, [\"a,b\"]]}");
    gives("[s]\nx = [[1],[2]]\n", LIST_OF("array"), "{\"x\":[[1],[2]]}");
    gives("[s]\nx = {\"a\": {\"b\": 1.0}}\n", OF_TYPE("\"object\""), "{\"x\":{\"a\": {\"b\": 1.0}}}");
    refuses("[s]\n\nx = 1, b\n", LIST_OF("integer"),
            "x is not a list with commas between, or an array in JSON");
    refuses("[s]\n\nx = a,,b\n", LIST_OF("string"), "x is not a list");
    refuses("[s]\n\nx = [\"a\", \"b\"\n", LIST_OF("string"), "x is not a list");
    refuses("[s]\n\nx = [1],[2]\n", LIST_OF("array"), "x is not a list");
    refuses("[s]\n\nx = {\"a\": 1\n", OF_TYPE("\"object\""), "x is not an object in JSON");
    refuses("[s]\n\nx = a\n", OF_TYPE("\"object\""), "x is not an object in JSON");
}
END_TEST

START_TEST(unknown_keys_and_defaults) {
    gives("[s]\ny = 1\n", "{\"additionalProperties\": true}", "{\"y\":\"1\"}");
    gives("[s]\ny = 1\n", "{\"additionalProperties\": {\"type\": \"integer\"}}", "{\"y\":1}");
    refuses("[s]\nfirst = 1\nfirs = 1\n", "{\"properties\": {\"first\": {}, \"other\": {}}}",
            "unknown key \"firs\" in [s], did you mean \"first\"? (known: first, other)");
    refuses("[s]\n\ny = 1\n", "{\"additionalProperties\": false}", "unknown key \"y\"");
    gives("[s]\nb = 1\n",
          "{\"properties\": {\"a\": {\"default\": [1.0, \"x\"]}, \"b\": {\"default\": 9}, \"c\": "
          "{\"default\": null}}}",
          "{\"b\":\"1\",\"a\":[1.0, \"x\"],\"c\":null}");
    gives("[other]\n", "{\"properties\": {\"a\": {\"type\": \"integer\", \"default\": 5}, \"b\": {}}}",
          "{\"a\":5}");
    gives("[other]\n", "{}", "{}");
}
END_TEST

/* The section's values were expanded before: what a secret brought is no reference, and shows nowhere. */
START_TEST(values_are_taken_as_they_stand) {
    gives("[s]\nx = ${env:NOT_SET}\n", OF_TYPE("\"string\""), "{\"x\":\"${env:NOT_SET}\"}");
    memory = arena_new(0);
    conf_entry latin = {STR("x"), STR("\xe9"), 3};
    conf_section s = {STR("s"), 2, &latin, 1};
    err e = {""};
    bb_str out;
    const json_value *schema = json_read(memory, STR("{\"properties\": {\"x\": {}}}"), NULL, NULL);
    ck_assert(!conf_section_to_json(memory, &file, &s, schema, &out, &e));
    expect_error(&e, "x is not UTF-8 text");
    arena_free(memory);
}
END_TEST

UNIT_MAIN(unit_test(whole_numbers), unit_test(durations_sizes_and_booleans), unit_test(scalars),
          unit_test(lists_of_types), unit_test(types_found_without_type), unit_test(arrays_and_objects),
          unit_test(unknown_keys_and_defaults), unit_test(values_are_taken_as_they_stand))
