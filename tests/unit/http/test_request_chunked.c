/* The chunked coding: every text is decoded whole, and cut in two at every place, and byte by byte. */
#include "http/request_chunked.h"
#include "unit.h"

#include <stdio.h>

#define MAX_BODY 64
#define MAX_TRAILER 64

typedef struct decoded {
    parse_result result;
    http_refusal refusal;
    char body[256];
    size_t len, consumed;
} decoded;

/* Feeds as the connection does: decoded bytes at the front, raw ones right behind. */
static decoded decode(bb_str text, size_t cut, bool bytewise) {
    request_chunked d;
    decoded out = {.result = PARSE_MORE};
    char *data = malloc(text.len + 1);
    size_t len = 0, given = 0;
    request_chunked_init(&d, MAX_BODY, MAX_TRAILER);
    while (given < text.len && out.result == PARSE_MORE) {
        size_t n = bytewise ? 1 : given < cut ? cut - given : text.len - given;
        memcpy(data + len, text.ptr + given, n);
        size_t raw = len, to = len;
        out.result = request_chunked_feed(&d, data, &raw, len + n, &to);
        out.consumed = given + (raw - len);
        given += n;
        len = to;
    }
    ck_assert_uint_le(len, sizeof out.body);
    memcpy(out.body, data, len);
    out.len = len;
    out.refusal = d.refusal;
    free(data);
    return out;
}

static decoded decode_every_way(bb_str text) {
    decoded whole = decode(text, text.len, false);
    for (size_t cut = 0; cut <= text.len; cut++) {
        decoded part = cut == 0 ? decode(text, 0, true) : decode(text, cut, false);
        ck_assert_int_eq(part.result, whole.result);
        ck_assert_int_eq(part.refusal, whole.refusal);
        ck_assert_uint_eq(part.consumed, whole.consumed);
        ck_assert(str_eq(str_of(part.body, part.len), str_of(whole.body, whole.len)));
    }
    return whole;
}

static void gives(bb_str text, bb_str body, size_t left_over) {
    decoded d = decode_every_way(text);
    ck_assert_msg(d.result == PARSE_DONE, "not decoded: %.*s", STR_FMT(text));
    ck_assert(str_eq(str_of(d.body, d.len), body));
    ck_assert_uint_eq(text.len - d.consumed, left_over);
}

static void refuses(bb_str text, unsigned status) {
    decoded d = decode_every_way(text);
    ck_assert_msg(d.result == PARSE_REFUSED, "taken: %.*s", STR_FMT(text));
    ck_assert_uint_eq(refusal_status(d.refusal), status);
}

START_TEST(chunks_are_joined) {
    gives(STR("0\r\n\r\n"), STR(""), 0);
    gives(STR("5\r\nhello\r\n0\r\n\r\n"), STR("hello"), 0);
    gives(STR("5\r\nhello\r\n7\r\n, world\r\n00\r\n\r\n"), STR("hello, world"), 0);
    gives(STR("A\r\n0123456789\r\n00000a\r\nabcdefghij\r\n0\r\n\r\n"), STR("0123456789abcdefghij"), 0);
    gives(STR("2\r\n\r\n\r\n0\r\n\r\n"), STR("\r\n"), 0);
    gives(STR("1\r\nx\r\n0\r\n\r\nGET / HT"), STR("x"), 8);
}
END_TEST

START_TEST(extensions_and_trailers_are_dropped) {
    gives(STR("5;a=b\r\nhello\r\n0;c\r\n\r\n"), STR("hello"), 0);
    gives(STR("1\r\nx\r\n0\r\nX-Sum: 1\r\nY:\r\n\r\n"), STR("x"), 0);
    refuses(STR("5;a\x01\r\nhello\r\n0\r\n\r\n"), 400);
    refuses(STR("5;a\nhello\r\n0\r\n\r\n"), 400);
    refuses(STR("0\r\nX Y: 1\r\n\r\n"), 400);
    refuses(STR("0\r\n folded\r\n\r\n"), 400);
    refuses(STR("0\r\n: 1\r\n\r\n"), 400);
    refuses(STR("0\r\nX\r\n\r\n"), 400);
    refuses(STR("0\r\nX: \x02\r\n\r\n"), 400);
    refuses(STR("0\r\nX: 1\n\r\n"), 400);
    refuses(STR("0\r\nX: 1234567890123456789012345678901234567890123456789012345678901234567890\r\n\r\n"),
            431);
}
END_TEST

START_TEST(sizes_are_strict) {
    static const char *const bad[] = {"\r\n",   " 5\r\n", "5 \r\n", "0x5\r\n", "-1\r\n",
                                      "+1\r\n", "g\r\n",  ";a\r\n", "5\n",     "5\rx"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuses(str_from(bad[i]), 400);
    refuses(STR("00000000000000001\r\n"), 400); /* 17 digits */
    refuses(STR("FFFFFFFFFFFFFFFFF\r\n"), 400);
    refuses(STR("1\r\nxy\r\n"), 400);
    refuses(STR("1\r\nx\n"), 400);
    refuses(STR("1\r\nx\rz"), 400);
    refuses(STR("0\r\n\rx"), 400);
}
END_TEST

START_TEST(the_body_is_bounded_before_it_comes) {
    refuses(STR("41\r\n"), 413);
    refuses(STR("FFFFFFFFFFFFFFFF\r\n"), 413);
    refuses(STR("1\r\nx\r\nFFFFFFFFFFFFFFFF\r\n"), 413);
    refuses(STR("3f\r\n012345678901234567890123456789012345678901234567890123456789012\r\n2\r\n"), 413);
    decoded d = decode(STR("40\r\n"), 4, false);
    ck_assert_int_eq(d.result, PARSE_MORE);
}
END_TEST

START_TEST(extensions_are_bounded) {
    char text[6000] = "1;";
    memset(text + 2, 'a', sizeof text - 2);
    decoded d = decode(str_of(text, sizeof text), sizeof text, false);
    ck_assert_int_eq(d.result, PARSE_REFUSED);
    ck_assert_int_eq(d.refusal, REFUSE_BAD_REQUEST);
    ck_assert_uint_lt(d.consumed, 4200);
}
END_TEST

UNIT_MAIN(unit_test(chunks_are_joined), unit_test(extensions_and_trailers_are_dropped),
          unit_test(sizes_are_strict), unit_test(the_body_is_bounded_before_it_comes),
          unit_test(extensions_are_bounded))
