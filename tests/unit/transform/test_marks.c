/* Numbers that a double cannot hold: they pass through jq as they were. */
#include "transform/marks.h"

#include "fixture.h"

static void survives(const char *number, bool expected) {
    ck_assert_msg(marks_survives(str_from(number)) == expected, "%s", number);
}

START_TEST(which_numbers_survive_a_double) {
    static const char *const good[] = {"0",
                                       "-0",
                                       "1",
                                       "1.0",
                                       "0.1",
                                       "1e3",
                                       "1E+3",
                                       "123456789012345",
                                       "9007199254740992",
                                       "0.30",
                                       "1e22",
                                       "1e-7",
                                       "1.7976931348623157e308",
                                       "12345678901234567000",
                                       "100000000000000000000",
                                       "0.000000000000000"};
    static const char *const bad[] = {
        "9007199254740993",
        "12345678901234567890",
        "1e400",
        "-1e400",
        "1e-400",
        "0.1234567890123456789",
        "3.14159265358979323846",
        "18446744073709551615",
        "123456789012345678901234567890123456789012345678901234567890123456789012345678",
        "0.10000000000000000001",
        "5e-324"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        survives(good[i], true);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        survives(bad[i], false);
}
END_TEST

static void restores(const char *s, const char *expected) {
    buf out;
    buf_init(&out);
    marks_restore(&out, str_from(s));
    ck_assert_str_eq(buf_cstr(&out), expected);
    buf_free(&out);
}

START_TEST(marks_in_strings) {
    static const char *const texts[] = {"",        "plain",          MARK,     ("a" MARK "b"),   (MARK MARK),
                                        MARK "12", "\"" MARK "12\"", MARK "-", ("\xc3\xa9" MARK)};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        buf doubled;
        buf_init(&doubled);
        marks_string(&doubled, str_from(texts[i]));
        ck_assert(marks_is_number(buf_str(&doubled)).len == 0);
        restores(buf_cstr(&doubled), texts[i]);
        buf_free(&doubled);
    }
    restores("id: " MARK "123", "id: 123");
    restores(MARK "1," MARK "2", "1,2");
    restores("{\"id\":\"" MARK "-1.5e+10\"}", "{\"id\":-1.5e+10}");
    restores("\"" MARK "12\" \"" MARK "34", "12 \"34");
    ck_assert(marks_is_number(STR(MARK "-1.5e+10")).len == 8);
    ck_assert(marks_is_number(STR(MARK "1x")).len == 0);
    ck_assert(marks_is_number(STR(MARK "01")).len == 0);
    ck_assert(marks_is_number(STR(MARK)).len == 0);
}
END_TEST

START_TEST(numbers_pass_through) {
    begin();
    gives(".", "12345678901234567890", "12345678901234567890");
    gives(".", "[0.1234567890123456789, 1e400, -1e-400]", "[0.1234567890123456789,1e400,-1e-400]");
    gives(".a", "{\"a\":{\"id\":9007199254740993}}", "{\"id\":9007199254740993}");
    gives("map(.id)", "[{\"id\":1},{\"id\":9007199254740993}]", "[1,9007199254740993]");
    gives("{(.k): .v}", "{\"k\":\"x\",\"v\":18446744073709551615}", "{\"x\":18446744073709551615}");
    gives(".", "[1.0, 1e3, 100000000000000000000, 1e21, 1.5, 0.1, -0.0]",
          "[1,1000,100000000000000000000,1e+21,1.5,0.1,-0]");
    gives(". * 2", "4503599627370498", "9007199254740996");
    gives("[., 1e17, 1e300 * 1e300, nan]", "1",
          "[1,100000000000000000,1.797693134862315"
          "7e+308,null]");
    end();
}
END_TEST

START_TEST(strings_made_of_them) {
    begin();
    gives("\"\\(.)\"", "12345678901234567890", "\"12345678901234567890\"");
    gives("\"/v1/\\(.id)/x\"", "{\"id\":12345678901234567890}", "\"/v1/12345678901234567890/x\"");
    gives("tostring", "12345678901234567890", "\"12345678901234567890\"");
    gives("[.[] | tostring] | join(\",\")", "[1,12345678901234567890]", "\"1,12345678901234567890\"");
    gives("join(\",\")", "[12345678901234567890]", "\"12345678901234567890\"");
    gives("@uri \"?id=\\(.)\"", "12345678901234567890", "\"?id=12345678901234567890\"");
    gives("tojson", "{\"id\":12345678901234567890,\"s\":\"x\"}",
          "\"{\\\"id\\\":12345678901234567890,\\\"s\\\":\\\"x\\\"}\"");
    gives("@json", "12345678901234567890", "\"12345678901234567890\"");
    gives("tojson | fromjson", "{\"id\":12345678901234567890}", "{\"id\":12345678901234567890}");
    gives("@csv", "[12345678901234567890,\"a\"]", "\"12345678901234567890,\\\"a\\\"\"");
    gives("tonumber > 1e19", "12345678901234567890", "true");
    fails(". + 1", "12345678901234567890", "cannot be added");
    fails("error(\"no \\(.)\")", "12345678901234567890", "no 12345678901234567890");
    end();
}
END_TEST

START_TEST(marks_of_others) {
    begin();
    gives(".", "\"" MARK "12\"", "\"" MARK "12\"");
    gives(".", "{\"" MARK "12\":\"" MARK MARK "\"}", "{\"" MARK "12\":\"" MARK MARK "\"}");
    gives("tostring", "\"" MARK "12\"", "\"" MARK "12\"");
    gives("\"" MARK "12\"", "null", "\"" MARK "12\"");
    gives(". == \"" MARK "\"", "\"" MARK "\"", "true");
    end();
}
END_TEST

UNIT_MAIN(unit_test(which_numbers_survive_a_double), unit_test(marks_in_strings),
          unit_test(numbers_pass_through), unit_test(strings_made_of_them), unit_test(marks_of_others))
