/* Equality, and names that stand twice: by value, and in time bounded by the text's size. A case that took
 * 2^depth or the square of a body's members would not end before the test's limit. */
#include "unit.h"

#include "json/json.h"

static arena *memory;
static buf text;

static void begin(void) {
    memory = arena_new(0);
    ck_assert_ptr_nonnull(memory);
    buf_init(&text);
}

static void end(void) {
    arena_free(memory);
    buf_free(&text);
}

static const json_value *read(bb_str json) {
    const json_value *v = json_read(memory, json, NULL, NULL);
    ck_assert_ptr_nonnull(v);
    return v;
}

static bool equal(const char *a, const char *b) {
    const json_value *x = read(str_from(a)), *y = read(str_from(b));
    ck_assert_int_eq(json_equal(x, y), json_equal(y, x));
    ck_assert_int_eq(json_equal(x, y), json_compare(x, y) == 0);
    ck_assert_int_eq(json_compare(x, y) < 0, json_compare(y, x) > 0);
    return json_equal(x, y);
}

START_TEST(the_last_of_a_name_is_what_counts) {
    begin();
    ck_assert(equal("{\"a\":1,\"a\":2}", "{\"a\":2}"));
    ck_assert(equal("{\"a\":1,\"b\":0,\"a\":2}", "{\"b\":0,\"a\":3,\"a\":2.0}"));
    ck_assert(!equal("{\"a\":1,\"a\":2}", "{\"a\":1}"));
    ck_assert(!equal("{\"a\":1,\"a\":1}", "{\"a\":1,\"b\":1}"));
    ck_assert(!equal("{\"a\":1}", "{\"a\":1,\"b\":null}"));
    end();
}
END_TEST

/* Members "k0" to "kN-1", the `first` one first, in rounds. */
static const json_value *wide(unsigned members, unsigned first, unsigned rounds, const char *last) {
    buf_clear(&text);
    buf_char(&text, '{');
    for (unsigned i = 0; i < members * rounds; i++)
        buf_printf(&text, "\"k%u\":%u,", (i + first) % members, i % members);
    buf_printf(&text, "\"last\":%s}", last);
    return read(arena_copy(memory, buf_str(&text)));
}

START_TEST(wide_objects_compare_without_regard_to_order) {
    begin();
    const json_value *ordered = wide(100000, 0, 1, "1"), *turned = NULL;
    ck_assert(json_equal(ordered, wide(100000, 0, 1, "1e0")));
    ck_assert(json_equal(ordered, wide(100000, 0, 3, "1")));
    ck_assert(!json_equal(ordered, wide(100000, 0, 1, "2")));
    ck_assert(!json_equal(ordered, wide(100000, 1, 1, "1"))); /* other values under the names */
    buf_clear(&text);
    buf_lit(&text, "{\"last\":1");
    for (unsigned i = 100000; i-- > 0;)
        buf_printf(&text, ",\"k%u\":%u", i, i);
    buf_char(&text, '}');
    turned = read(buf_str(&text));
    ck_assert(json_equal(ordered, turned) && json_equal(turned, ordered));
    ck_assert(!json_equal(ordered, read(STR("{\"last\":1}"))));
    end();
}
END_TEST

START_TEST(deep_objects_with_names_twice_compare) {
    begin();
    for (int i = 0; i < 250; i++)
        buf_lit(&text, "{\"a\":0,\"a\":");
    buf_char(&text, '1');
    for (int i = 0; i < 250; i++)
        buf_char(&text, '}');
    const json_value *v = read(buf_str(&text));
    ck_assert(json_equal(v, v));
    bb_str other = arena_copy(memory, buf_str(&text));
    ((char *)other.ptr)[other.len - 251] = '2';
    ck_assert(!json_equal(v, read(other)));
    end();
}
END_TEST

START_TEST(a_name_twice_among_many_is_found) {
    begin();
    json_limits unique = {.reject_duplicate_keys = true};
    json_error e;
    bb_str once = json_raw(wide(100000, 0, 1, "{\"k1\":1}"));
    ck_assert_ptr_nonnull(json_read(memory, once, &unique, NULL));
    bb_str twice = json_raw(wide(100000, 0, 1, "{\"x\":1,\"\\u0078\":1}"));
    ck_assert_ptr_null(json_read(memory, twice, &unique, &e));
    ck_assert(!e.limit);
    ck_assert_uint_eq(e.offset, twice.len - 1); /* behind the inner object */
    end();
}
END_TEST

UNIT_MAIN(unit_test(the_last_of_a_name_is_what_counts),
          unit_test(wide_objects_compare_without_regard_to_order),
          unit_test(deep_objects_with_names_twice_compare), unit_test(a_name_twice_among_many_is_found))
