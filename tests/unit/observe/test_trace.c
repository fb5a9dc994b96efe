/* W3C Trace Context: which headers are taken, and what is made of them. */
#include <busbar/busbar.h>

#include "observe/trace.h"

#include "unit.h"

#include <stdio.h>

#define ID "0af7651916cd43dd8448eb211c80319c"
#define PARENT "b7ad6b7169203331"
#define ZERO "00000000000000000000000000000000"

static trace_context taken(const char *header) {
    trace_context c;
    trace_read(str_from(header), (bb_str){NULL, 0}, &c);
    return c;
}

START_TEST(good_headers) {
    static const struct {
        const char *header;
        unsigned flags;
    } good[] = {
        {"00-" ID "-" PARENT "-00", 0},
        {"00-" ID "-" PARENT "-01", 1},
        {"00-" ID "-" PARENT "-02", 2},
        {"00-" ID "-" PARENT "-03", 3},
        {"00-" ID "-" PARENT "-09", 1}, /* unknown bits are cleared */
        {"00-" ID "-" PARENT "-fe", 2},
        {" \t00-" ID "-" PARENT "-01\t ", 1},
        {"01-" ID "-" PARENT "-01", 1}, /* a later version */
        {"cc-" ID "-" PARENT "-01-what-the-future-will-be-like", 1},
        {"cc-" ID "-" PARENT "-01-", 1},
        {"fe-" ID "-" PARENT "-01", 1},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        trace_context c = taken(good[i].header);
        ck_assert_msg(c.present, "%s", good[i].header);
        ck_assert_uint_eq(c.flags, good[i].flags);
        ck_assert_uint_eq(c.trace_id[0], 0x0a);
        ck_assert_uint_eq(c.trace_id[15], 0x9c);
        ck_assert_uint_eq(c.parent_id[0], 0xb7);
        ck_assert_uint_eq(c.parent_id[7], 0x31);
        ck_assert_ptr_null(c.state.ptr);
    }
}
END_TEST

START_TEST(bad_headers) {
    static const char *const bad[] = {
        "",
        "0",
        "00",
        "00-",
        "00-" ID "-" PARENT,
        "00-" ID "-" PARENT "-",
        "00-" ID "-" PARENT "-1",
        "00-" ID "-" PARENT "-01-",
        "00-" ID "-" PARENT "-01-more",
        "00-" ID "-" PARENT "-01.",
        "00-" ID "-" PARENT "-0A",
        "00-" ID "-" PARENT "-zz",
        "00-" ID "-" PARENT "-01,00-" ID "-" PARENT "-01",
        "ff-" ID "-" PARENT "-01",
        "FF-" ID "-" PARENT "-01",
        "0-" ID "-" PARENT "-01",
        "000-" ID "-" PARENT "-01",
        ".0-" ID "-" PARENT "-01",
        "0.-" ID "-" PARENT "-01",
        "cc-" ID "-" PARENT "-01.what",
        "cc-" ID "-" PARENT "-01what",
        "cc-" ID "-" PARENT "-0",
        "00-" ZERO "-" PARENT "-01",
        "00-" ID "-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-" PARENT "-01",
        "00-0af7651916cd43dd8448eb211c80319-" PARENT "-01x",
        "00-0af7651916cd43dd8448eb211c80319cc-" PARENT "-01",
        "00-" ID "-b7ad6b716920333-001",
        "00-" ID "-B7AD6B7169203331-01",
        "00-.af7651916cd43dd8448eb211c80319c-" PARENT "-01",
        "00-" ID "-.7ad6b7169203331-01",
        "00_" ID "-" PARENT "-01",
        "00-" ID "_" PARENT "-01",
        "00-" ID "-" PARENT "_01",
        "00 " ID " " PARENT " 01",
        "-" ID "-" PARENT "-01",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        trace_context c = taken(bad[i]);
        ck_assert_msg(!c.present, "%s", bad[i]);
        for (size_t k = 0; k < 16; k++)
            ck_assert_uint_eq(c.trace_id[k], 0);
    }
    trace_context c;
    trace_read((bb_str){NULL, 0}, STR("a=1"), &c);
    ck_assert(!c.present);
    ck_assert_ptr_null(c.state.ptr);
}
END_TEST

static bb_str state_of(bb_str state) {
    trace_context c;
    trace_read(STR("00-" ID "-" PARENT "-01"), state, &c);
    ck_assert(c.present);
    return c.state;
}

START_TEST(states) {
    static const char *const good[] = {"a=1",
                                       "foo=1,bar=2",
                                       "foo=1 , bar=2",
                                       "foo=1,,bar=2",
                                       "foo=1,",
                                       "0a=1",
                                       "a_-*/@b=x y",
                                       "fw529a3039@dt=FfH/xg",
                                       "a=!\"#$%&'()*+-./:;<>?@[]~"};
    static const char *const bad[] = {"",      ",",          "a",      "a=",    "=1",   "A=1",      "a b=1",
                                      "a=1=2", "a=\xc3\xa9", "a=\x7f", "a=1,b", "_a=1", "a=1\nb=2", "a =1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(str_eq(state_of(str_from(good[i])), str_from(good[i])), "%s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(state_of(str_from(bad[i])).ptr == NULL, "%s", bad[i]);
    ck_assert(str_eq(state_of(STR(" a=1\t")), STR("a=1")));
}
END_TEST

START_TEST(long_states) {
    char text[600];
    size_t n = 0;
    for (int i = 0; i < 33; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%sk%d=%d", i > 0 ? "," : "", i, i);
    ck_assert_ptr_null(state_of(str_of(text, n)).ptr); /* 33 members */
    const char *last = strrchr(text, ',');
    ck_assert_ptr_nonnull(state_of(str_of(text, (size_t)(last - text))).ptr);
    memset(text, 'x', sizeof text);
    memcpy(text, "k=", 2);
    memcpy(text + 200, ",l=", 3);
    memcpy(text + 400, ",m=", 3);
    ck_assert_uint_eq(state_of(str_of(text, 512)).len, 512);
    ck_assert_ptr_null(state_of(str_of(text, 513)).ptr);
    memset(text, 'x', sizeof text);
    memcpy(text, "k=", 2);
    ck_assert_uint_eq(state_of(str_of(text, 258)).len, 258);
    ck_assert_ptr_null(state_of(str_of(text, 259)).ptr); /* a value of 257 */
}
END_TEST

START_TEST(what_is_written_is_read) {
    uint8_t trace[16], span[8];
    char text[TRACEPARENT_SIZE];
    for (size_t i = 0; i < 16; i++)
        trace[i] = (uint8_t)(i * 17 + 1);
    memcpy(span, trace + 3, 8);
    trace_write(trace, span, 1, text);
    ck_assert_str_eq(text, "00-011223344556677889"
                           "9aabbccddeef00-3445566778899aab-01");
    trace_context c = taken(text);
    ck_assert(c.present);
    ck_assert_mem_eq(c.trace_id, trace, 16);
    ck_assert_mem_eq(c.parent_id, span, 8);
    ck_assert_uint_eq(c.flags, 1);
}
END_TEST

UNIT_MAIN(unit_test(good_headers), unit_test(bad_headers), unit_test(states), unit_test(long_states),
          unit_test(what_is_written_is_read))
