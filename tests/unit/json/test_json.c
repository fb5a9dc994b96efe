/* Reading, writing, pointers, numbers, and the conformance texts. */
#include "unit.h"

#include "json/json.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static arena *memory(void) {
    static arena *a;
    if (a == NULL)
        a = arena_new(0);
    return a;
}

static const json_value *read_text(const char *text) {
    return json_read(memory(), str_from(text), NULL, NULL);
}

static void assert_str(bb_str s, const char *expected) {
    ck_assert_msg(str_eq(s, str_from(expected)), "\"%.*s\" is not \"%s\"", STR_FMT(s), expected);
}

START_TEST(values_are_read) {
    const json_value *v = read_text(
        " {\"a\": [1, -2.5e3, true, null], \"b\": {\"c\": \"x\"}, \"b\": \"last\"} ");
    ck_assert_uint_eq(json_count(v), 3);
    ck_assert_uint_eq(json_count(json_getl(v, "a")), 4);
    assert_str(json_raw(json_at(json_getl(v, "a"), 1)), "-2.5e3");
    ck_assert(json_bool(json_at(json_getl(v, "a"), 2), false));
    assert_str(json_string(json_getl(v, "b")), "last");
    assert_str(json_raw(json_getl(v, "a")), "[1, -2.5e3, true, null]");
    ck_assert_ptr_null(json_getl(v, "none"));
    ck_assert_ptr_null(json_at(json_getl(v, "a"), 4));
    ck_assert_ptr_null(json_getl(json_getl(json_getl(NULL, "a"), "b"), "c"));
}
END_TEST

START_TEST(escapes_are_decoded_and_raw_text_is_kept) {
    const char *text = "[\"a\\u00e9\\ud83d\\ude00\\n\\\"\\u0000z\", \"plain\"]";
    const json_value *v = read_text(text);
    bb_str decoded = json_string(json_at(v, 0));
    ck_assert(str_eq(decoded, str_of("a\xc3\xa9\xf0\x9f\x98\x80\n\"\0z", 11)));
    assert_str(json_raw(json_at(v, 0)), "\"a\\u00e9\\ud83d\\ude00\\n\\\"\\u0000z\"");
    assert_str(json_raw(json_at(v, 1)), "\"plain\"");
}
END_TEST

START_TEST(a_walk_sees_every_member_once) {
    char keys[8] = "";
    for (json_iter it = json_iterate(read_text("{\"a\":{\"x\":[1,2]},\"b\":[],\"c\":3}")); json_next(&it);)
        strncat(keys, it.key.ptr, it.key.len);
    ck_assert_str_eq(keys, "abc");
    json_iter none = json_iterate(NULL);
    ck_assert(!json_next(&none));
}
END_TEST

START_TEST(errors_have_a_place) {
    static const struct {
        const char *text;
        unsigned line, column;
    } cases[] = {{"{\"a\": }", 1, 7}, {"[1,\n 2,\n x]", 3, 2}, {"", 1, 1},
                 {"[1] 2", 1, 5},     {"\"\x01\"", 1, 2},      {"\"\\ud800\"", 1, 8}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_error e;
        ck_assert_ptr_null(json_read(memory(), str_from(cases[i].text), NULL, &e));
        ck_assert_msg(e.line == cases[i].line && e.column == cases[i].column, "%s: %u:%u %s", cases[i].text,
                      e.line, e.column, e.reason);
        ck_assert(!e.limit);
    }
}
END_TEST

START_TEST(limits_hold) {
    char deep[600];
    json_error e;
    memset(deep, '[', 300);
    memset(deep + 300, ']', 300);
    ck_assert_ptr_null(json_read(memory(), str_of(deep, 600), NULL, &e));
    ck_assert(e.limit);
    json_limits roomy = {.max_depth = 300}, tight = {.max_bytes = 5},
                unique = {.reject_duplicate_keys = true};
    ck_assert_ptr_nonnull(json_read(memory(), str_of(deep, 600), &roomy, NULL));
    ck_assert_ptr_null(json_read(memory(), STR("[1,2,3]"), &tight, &e));
    ck_assert(e.limit);
    ck_assert_ptr_null(json_read(memory(), STR("{\"a\":1,\"a\":2}"), &unique, NULL));
    ck_assert_ptr_nonnull(json_read(memory(), STR("{\"a\":1,\"b\":2}"), &unique, NULL));
}
END_TEST

START_TEST(integers_convert_exactly_or_not_at_all) {
    int64_t i;
    uint64_t u;
    double d;
    ck_assert(json_to_i64(read_text("-9223372036854775808"), &i) && i == INT64_MIN);
    ck_assert(json_to_i64(read_text("9223372036854775807"), &i) && i == INT64_MAX);
    ck_assert(!json_to_i64(read_text("9223372036854775808"), &i));
    ck_assert(json_to_u64(read_text("18446744073709551615"), &u) && u == UINT64_MAX);
    ck_assert(!json_to_u64(read_text("18446744073709551616"), &u));
    ck_assert(!json_to_u64(read_text("-1"), &u));
    ck_assert(json_to_i64(read_text("1.50e2"), &i) && i == 150);
    ck_assert(json_to_i64(read_text("-0.0"), &i) && i == 0);
    ck_assert(!json_to_i64(read_text("1.5"), &i));
    ck_assert(!json_to_i64(read_text("1e400"), &i));
    ck_assert(!json_to_i64(read_text("\"1\""), &i));
    ck_assert(json_to_double(read_text("0.1"), &d) && d == 0.1);
    ck_assert(json_to_double(read_text("1e999"), &d) && isinf(d));
}
END_TEST

static int sign(int n) {
    return (n > 0) - (n < 0);
}

START_TEST(numbers_compare_by_value) {
    static const struct {
        const char *a, *b;
        int order;
    } cases[] = {{"1", "1.0", 0},
                 {"100", "1e2", 0},
                 {"0.010", "1e-2", 0},
                 {"-0", "0", 0},
                 {"1", "2", -1},
                 {"-1", "-2", 1},
                 {"10", "9", 1},
                 {"0.1", "0.09", 1},
                 {"1e1000000000", "1", 1},
                 {"1e-1000000000", "0", 1},
                 {"9007199254740993", "9007199254740992", 1},
                 {"123.4500", "123.45", 0},
                 {"-0.5", "0.5", -1},
                 {"1e3", "999.9", 1}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int order = sign(json_number_compare(str_from(cases[i].a), str_from(cases[i].b)));
        ck_assert_msg(order == cases[i].order, "%s and %s: %d", cases[i].a, cases[i].b, order);
        ck_assert_int_eq(sign(json_number_compare(str_from(cases[i].b), str_from(cases[i].a))),
                         -cases[i].order);
    }
}
END_TEST

START_TEST(multiples_are_exact) {
    ck_assert(json_number_multiple_of(STR("0.3"), STR("0.1")));
    ck_assert(json_number_multiple_of(STR("19.99"), STR("0.01")));
    ck_assert(!json_number_multiple_of(STR("19.995"), STR("0.01")));
    ck_assert(json_number_multiple_of(STR("1e1000000000"), STR("7e-3")) == false);
    ck_assert(json_number_multiple_of(STR("12345678901234567890"), STR("10")));
    ck_assert(json_number_multiple_of(STR("0"), STR("3")));
    ck_assert(!json_number_multiple_of(STR("7"), STR("2")));
    ck_assert(json_number_is_integer(STR("1.0e1")) && !json_number_is_integer(STR("1.05e1")) &&
              json_number_is_integer(STR("0e-5")));
}
END_TEST

START_TEST(pointers_lead_to_values) {
    const json_value *v = read_text("{\"a\":[{\"b/c\":1,\"~\":2}],\"\":3}");
    assert_str(json_raw(json_pointer(v, STR("/a/0/b~1c"))), "1");
    assert_str(json_raw(json_pointer(v, STR("/a/0/~0"))), "2");
    assert_str(json_raw(json_pointer(v, STR("/"))), "3");
    ck_assert_ptr_eq(json_pointer(v, STR("")), v);
    ck_assert_ptr_null(json_pointer(v, STR("/a/00")));
    ck_assert_ptr_null(json_pointer(v, STR("/a/1")));
    ck_assert_ptr_null(json_pointer(v, STR("a")));
}
END_TEST

START_TEST(equality_is_by_value) {
    ck_assert(
        json_equal(read_text("{\"a\":1,\"b\":[1.0,\"\\u0061\"]}"), read_text("{\"b\":[1,\"a\"],\"a\":1e0}")));
    ck_assert(!json_equal(read_text("[1,2]"), read_text("[2,1]")));
    ck_assert(!json_equal(read_text("{\"a\":null}"), read_text("{}")));
    ck_assert(!json_equal(read_text("1"), read_text("true")));
}
END_TEST

static bb_str written(void (*write)(json_writer *w), bool *ok) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    write(&w);
    *ok = json_writer_finish(&w);
    bb_str copy = arena_copy(memory(), buf_str(&out));
    buf_free(&out);
    return copy;
}

static void write_all(json_writer *w) {
    json_object(w);
    json_member_string(w, STR("s\"\n"), STR("\x01\xc3\xa9"));
    json_keyl(w, "a");
    json_array(w);
    json_put_i64(w, INT64_MIN);
    json_put_u64(w, UINT64_MAX);
    json_put_double(w, 0.1);
    json_put_null(w);
    json_put_bool(w, true);
    json_object(w);
    json_object_end(w);
    json_array_end(w);
    json_object_end(w);
}

static void write_value_without_key(json_writer *w) {
    json_object(w);
    json_put_null(w);
    json_object_end(w);
}

static void write_two_values(json_writer *w) {
    json_put_null(w);
    json_put_null(w);
}

static void write_unbalanced(json_writer *w) {
    json_array(w);
}

static void write_crossed(json_writer *w) {
    json_array(w);
    json_object_end(w);
}

static void write_not_utf8(json_writer *w) {
    json_put_string(w, STR("\xff"));
}

static void write_not_finite(json_writer *w) {
    json_put_double(w, NAN);
}

START_TEST(writing_puts_commas_and_escapes) {
    bool ok;
    bb_str text = written(write_all, &ok);
    ck_assert(ok);
    assert_str(text, "{\"s\\\"\\n\":\"\\u0001\xc3\xa9\",\"a\":[-9223372036854775808,18446744073709551615,0.1,"
                     "null,true,{}]}");
    ck_assert_ptr_nonnull(json_read(memory(), text, NULL, NULL));
}
END_TEST

START_TEST(misuse_of_the_writer_is_told) {
    void (*const wrong[])(json_writer *) = {write_value_without_key, write_two_values, write_unbalanced,
                                            write_crossed,           write_not_utf8,   write_not_finite};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bool ok;
        written(wrong[i], &ok);
        ck_assert_msg(!ok, "case %zu", i);
    }
}
END_TEST

START_TEST(pretty_text_is_the_same_value) {
    const json_value *v = read_text("{\"a\":[1,{\"b\":\"\\n\"}],\"c\":{},\"d\":[]}");
    buf out;
    buf_init(&out);
    json_pretty(v, 2, &out);
    ck_assert(json_equal(v, json_read(memory(), buf_str(&out), NULL, NULL)));
    ck_assert_ptr_nonnull(memchr(out.ptr, '\n', out.len));
    buf_free(&out);
}
END_TEST

/* Every y_ is accepted, every n_ refused; i_ may be either. */
START_TEST(conformance) {
    const char *specs = getenv("BUSBAR_SPECS");
    if (specs == NULL) {
        printf("SKIP json conformance texts: BUSBAR_SPECS is not set\n");
        return;
    }
    char folder[1024], path[2048];
    snprintf(folder, sizeof folder, "%s/conformance/json-parsing/test_parsing", specs);
    DIR *d = opendir(folder);
    ck_assert_msg(d != NULL, "%s is missing", folder);
    unsigned seen = 0;
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        FILE *f = fopen(path, "re");
        char *text = malloc(1 << 20);
        size_t n = fread(text, 1, 1 << 20, f);
        fclose(f);
        text = realloc(text, n > 0 ? n : 1); /* so that a byte read past the end is seen */
        bool accepted = json_read(memory(), str_of(text, n), NULL, NULL) != NULL;
        free(text);
        ck_assert_msg(entry->d_name[0] == 'i' || accepted == (entry->d_name[0] == 'y'), "%s", entry->d_name);
        seen++;
    }
    closedir(d);
    ck_assert_uint_ge(seen, 300);
}
END_TEST

START_TEST(memory_is_given_back) { /* last: sanitizers look for leaks when a process without forks ends */
    arena_free(memory());
}
END_TEST

UNIT_MAIN(values_are_read, escapes_are_decoded_and_raw_text_is_kept, a_walk_sees_every_member_once,
          errors_have_a_place, limits_hold, integers_convert_exactly_or_not_at_all, numbers_compare_by_value,
          multiples_are_exact, pointers_lead_to_values, equality_is_by_value, writing_puts_commas_and_escapes,
          misuse_of_the_writer_is_told, pretty_text_is_the_same_value, conformance, memory_is_given_back)
