/* Numbers: exact whatever their length, and quick whatever their exponent. */
#include "unit.h"

#include "json/json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static arena *memory;

static void begin(void) {
    memory = arena_new(0);
    ck_assert_ptr_nonnull(memory);
}

static void end(void) {
    arena_free(memory);
}

static bool multiple(const char *a, const char *divisor) {
    return json_number_multiple_of(str_from(a), str_from(divisor));
}

START_TEST(multiples_of_large_divisors_are_exact) {
    ck_assert(multiple("36893488147419103233", "36893488147419103233"));
    ck_assert(!multiple("36893488147419103232", "36893488147419103233"));
    ck_assert(multiple("340282366920938463463374607431768211456", "36893488147419103232"));
    ck_assert(!multiple("340282366920938463463374607431768211457", "36893488147419103232"));
    ck_assert(multiple("-3.6893488147419103233e30", "36893488147419103233"));
    ck_assert(multiple("0", "36893488147419103233"));
    ck_assert(!multiple("1", "36893488147419103233"));
    ck_assert(!multiple("1e1000000000", "36893488147419103233"));
    /* 2^70: some power of ten is a multiple of it */
    ck_assert(multiple("1e1000000000", "1180591620717411303424"));
    ck_assert(multiple("1e70", "1180591620717411303424"));
    ck_assert(!multiple("1e69", "1180591620717411303424"));
}
END_TEST

/* Limbs of nothing but nines or noughts, where a quotient's limb is guessed too high. */
START_TEST(guessed_quotients_are_put_right) {
    ck_assert(
        multiple("999999999999999999999999998000000000000000000000000001", "999999999999999999999999999"));
    ck_assert(
        !multiple("999999999999999999999999998000000000000000000000000000", "999999999999999999999999999"));
    ck_assert(multiple("500000000000000000999999999000000000499999999500000000499999999",
                       "500000000000000000999999999000000000499999999500000000499999999"));
    ck_assert(multiple("250000000000000000499999999500000000", "500000000000000000999999999"));
    ck_assert(!multiple("500000000000000000999999998", "500000000000000000999999999"));
}
END_TEST

static bb_str nines(size_t count) {
    char *text = arena_alloc(memory, count);
    ck_assert_ptr_nonnull(text);
    memset(text, '9', count);
    return str_of(text, count);
}

START_TEST(long_numbers_are_taken_as_they_are) {
    begin();
    bb_str longest = nines(1000000), divisor = nines(1000);
    ck_assert(json_number_multiple_of(longest, divisor)); /* 10^1000 - 1 divides 10^1000000 - 1 */
    ck_assert(json_number_multiple_of(longest, STR("999999999999")) == (1000000 % 12 == 0));
    ck_assert(json_number_multiple_of(longest, STR("99999")));
    ck_assert(!json_number_multiple_of(str_of(longest.ptr, 999999), divisor));
    ck_assert(!json_number_multiple_of(longest, nines(2000))); /* longer than a divisor may be */
    ck_assert_int_lt(json_number_compare(str_of(longest.ptr, 999999), longest), 0);
    ck_assert_int_eq(json_number_compare(longest, longest), 0);
    end();
}
END_TEST

START_TEST(exponents_are_clamped) {
    ck_assert_int_gt(json_number_compare(STR("1e99999999999999999999"), STR("1e999999999")), 0);
    ck_assert_int_eq(json_number_compare(STR("1e99999999999999999999"), STR("1e1000000000")), 0);
    ck_assert_int_gt(json_number_compare(STR("1e-99999999999999999999"), STR("0")), 0);
    ck_assert_int_eq(json_number_compare(STR("1e0000000000000000000001"), STR("10")), 0);
    ck_assert(json_number_is_integer(STR("1e1000000000")) && !json_number_is_integer(STR("1e-1000000000")));
    ck_assert(multiple("1e1000000000", "1e-1000000000"));
    ck_assert(!multiple("1e-1000000000", "1e1000000000"));
}
END_TEST

static double number(const char *text) {
    double d = NAN;
    ck_assert(json_to_double(json_read(memory, str_from(text), NULL, NULL), &d));
    return d;
}

START_TEST(doubles_are_rounded_to_the_nearest) {
    begin();
    ck_assert(number("9007199254740993") == 9007199254740992.0); /* half way: to even */
    ck_assert(number("9007199254740993.00000000000000000000000000000000000000000000000000001") ==
              9007199254740994.0); /* longer than what is copied on the stack */
    ck_assert(number("2.2250738585072011e-308") == 0x0.fffffffffffffp-1022);
    ck_assert(number("4.9e-324") == 0x1p-1074 && number("2e-324") == 0);
    ck_assert(number("1.7976931348623159e308") == HUGE_VAL && number("-1e400") == -HUGE_VAL);
    ck_assert(signbit(number("-0")));
    end();
}
END_TEST

START_TEST(doubles_are_written_as_short_as_they_read_back) {
    begin();
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.1, "0.1"},
                 {1, "1"},
                 {-0.0, "-0"},
                 {1e22, "1e+22"},
                 {1.0 / 3, "0.3333333333333333"},
                 {0x1.fffffffffffffp1023, "1.7976931348623157e+308"},
                 {9007199254740992, "9007199254740992"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        buf out;
        buf_init(&out);
        json_writer w;
        json_writer_init(&w, &out);
        json_put_double(&w, cases[i].value);
        ck_assert(json_writer_finish(&w));
        ck_assert_str_eq(buf_cstr(&out), cases[i].text);
        ck_assert(number(buf_cstr(&out)) == cases[i].value);
        buf_free(&out);
    }
    end();
}
END_TEST

UNIT_MAIN(unit_test(multiples_of_large_divisors_are_exact), unit_test(guessed_quotients_are_put_right),
          unit_test(long_numbers_are_taken_as_they_are), unit_test(exponents_are_clamped),
          unit_test(doubles_are_rounded_to_the_nearest),
          unit_test(doubles_are_written_as_short_as_they_read_back))
