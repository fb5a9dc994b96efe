/* The parser of a request's head: what it takes, what it refuses, and that the way bytes are cut makes no
 * difference. */
#include "http/request_parser.h"
#include "unit.h"

#include <stdio.h>

#define MAX_FIELDS 8
#define MAX_BYTES 512

typedef struct parsed {
    request_parser p;
    http_header fields[MAX_FIELDS];
    parse_result result;
} parsed;

/* The bytes stand in memory of just their size, so that a sanitizer sees a read beyond them. */
static void parse(parsed *out, bb_str text) {
    request_parser_init(&out->p, out->fields, MAX_FIELDS, MAX_BYTES);
    out->result = request_parser_feed(&out->p, text.ptr, text.len);
}

/* One more byte each time, and the memory moves with each. */
static void parse_bytewise(parsed *out, bb_str text) {
    request_parser_init(&out->p, out->fields, MAX_FIELDS, MAX_BYTES);
    char *last = NULL;
    out->result = PARSE_MORE;
    for (size_t n = 1; n <= text.len && out->result == PARSE_MORE; n++) {
        char *moved = malloc(n);
        memcpy(moved, text.ptr, n);
        if (last != NULL)
            request_parser_rebase(&out->p, last, moved);
        free(last);
        last = moved;
        out->result = request_parser_feed(&out->p, moved, n);
    }
    if (last != NULL)
        request_parser_rebase(&out->p, last, text.ptr);
    free(last);
}

static void check_same(const parsed *a, const parsed *b) {
    ck_assert_int_eq(a->result, b->result);
    ck_assert_int_eq(a->p.refusal, b->p.refusal);
    ck_assert_uint_eq(a->p.field_count, b->p.field_count);
    if (a->result != PARSE_DONE)
        return;
    ck_assert_uint_eq(a->p.line, b->p.line);
    ck_assert(str_eq(a->p.method, b->p.method) && str_eq(a->p.target, b->p.target));
    ck_assert(str_eq(a->p.path, b->p.path) && str_eq(a->p.query, b->p.query));
    ck_assert(a->p.keep_alive == b->p.keep_alive && a->p.chunked == b->p.chunked);
    for (uint32_t i = 0; i < a->p.field_count; i++) {
        ck_assert(str_eq(a->fields[i].name, b->fields[i].name));
        ck_assert(str_eq(a->fields[i].value, b->fields[i].value));
    }
}

static void parse_both(parsed *out, bb_str text) {
    parsed bytewise;
    char *exact = malloc(text.len + 1);
    memcpy(exact, text.ptr, text.len);
    parse(out, str_of(exact, text.len));
    request_parser_rebase(&out->p, exact, text.ptr);
    free(exact);
    parse_bytewise(&bytewise, text);
    check_same(out, &bytewise);
}

static void accepts(parsed *out, bb_str text) {
    parse_both(out, text);
    ck_assert_msg(out->result == PARSE_DONE, "result %d (%s) for %.*s", (int)out->result,
                  out->p.detail != NULL ? out->p.detail : "", STR_FMT(text));
    ck_assert_uint_eq(out->p.line, text.len);
}

static void refuses(bb_str text, unsigned status) {
    parsed out;
    parse_both(&out, text);
    ck_assert_msg(out.result == PARSE_REFUSED, "result %d for %.*s", (int)out.result, STR_FMT(text));
    ck_assert_msg(refusal_status(out.p.refusal) == status, "%u instead of %u for %.*s",
                  refusal_status(out.p.refusal), status, STR_FMT(text));
}

/* A request line with a Host, and a field with a GET. */
static void line_refused(const char *line, unsigned status) {
    char text[600];
    int n = snprintf(text, sizeof text, "%s\r\nHost: a\r\n\r\n", line);
    refuses(str_of(text, (size_t)n), status);
}

static void field_refused(const char *fields, unsigned status) {
    char text[600];
    int n = snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", fields);
    refuses(str_of(text, (size_t)n), status);
}

static void field_accepted(parsed *out, const char *fields) {
    static char text[600];
    int n = snprintf(text, sizeof text, "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n", fields);
    accepts(out, str_of(text, (size_t)n));
}

START_TEST(a_request_is_taken_apart) {
    parsed r;
    accepts(&r,
            STR("GET /a/b?x=1&y HTTP/1.1\r\nHost: example.com:80\r\nX-Empty:\r\nX-Tab:\t a\tb \t\r\n\r\n"));
    ck_assert(str_eq(r.p.method, STR("GET")));
    ck_assert(str_eq(r.p.target, STR("/a/b?x=1&y")));
    ck_assert(str_eq(r.p.path, STR("/a/b")));
    ck_assert(str_eq(r.p.query, STR("x=1&y")));
    ck_assert_uint_eq(r.p.field_count, 3);
    ck_assert(str_eq(r.fields[1].name, STR("X-Empty")) && r.fields[1].value.len == 0);
    ck_assert(str_eq(r.fields[2].value, STR("a\tb")));
    ck_assert(r.p.keep_alive && !r.p.chunked && !r.p.has_length && !r.p.expect_continue);
}
END_TEST

START_TEST(targets_have_four_forms) {
    parsed r;
    accepts(&r, STR("GET http://h:1/p?q HTTP/1.1\r\nHost: h\r\n\r\n"));
    ck_assert(str_eq(r.p.path, STR("/p")) && str_eq(r.p.query, STR("q")));
    ck_assert(str_eq(r.p.target, STR("http://h:1/p?q")));
    accepts(&r, STR("GET HTTPS://h HTTP/1.1\r\nHost: h\r\n\r\n"));
    ck_assert(str_eq(r.p.path, STR("/")) && r.p.query.len == 0);
    accepts(&r, STR("GET http://h?q HTTP/1.1\r\nHost: h\r\n\r\n"));
    ck_assert(str_eq(r.p.path, STR("/")) && str_eq(r.p.query, STR("q")));
    accepts(&r, STR("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"));
    ck_assert(str_eq(r.p.path, STR("/")) && str_eq(r.p.target, STR("*")));
    line_refused("GET * HTTP/1.1", 400);
    line_refused("GET a/b HTTP/1.1", 400);
    line_refused("GET ftp://h/ HTTP/1.1", 400);
    line_refused("GET http:///p HTTP/1.1", 400);
    line_refused("GET http://u:p@h/ HTTP/1.1", 400);
    line_refused("CONNECT h:443 HTTP/1.1", 501);
}
END_TEST

START_TEST(request_lines_are_strict) {
    static const char *const bad[] = {
        "GET",
        "GET ",
        "GET /",
        "GET / ",
        " GET / HTTP/1.1",
        "GET  / HTTP/1.1",
        "GET /  HTTP/1.1",
        "GET\t/ HTTP/1.1",
        "GET / HTTP/1.1 ",
        "GET /a b HTTP/1.1",
        "G(T / HTTP/1.1",
        "GET /\x80 HTTP/1.1",
        "GET /a#b HTTP/1.1",
        "GET /\tb HTTP/1.1",
        "GET / http/1.1",
        "GET / HTTP/1",
        "GET / HTTP/1.10",
        "GET / HTTP/x.1",
        "GET / HTTPS/1.1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        line_refused(bad[i], 400);
    refuses(STR("GET /\x01 HTTP/1.1\r\n"), 400);
    refuses(STR("GET /\0 HTTP/1.1\r\n"), 400);
    refuses(STR("GET /\x7f HTTP/1.1\r\n"), 400);
    refuses(STR("\x16\x03\x01\x02"), 400); /* the begin of TLS: no need to wait for a line's end */
    line_refused("GET / HTTP/2.0", 505);
    line_refused("GET / HTTP/0.9", 505);
    line_refused("PRI * HTTP/2.0", 505);
}
END_TEST

START_TEST(line_ends_are_crlf) {
    parsed r;
    refuses(STR("GET / HTTP/1.1\nHost: a\n\n"), 400);
    refuses(STR("GET / HTTP/1.1\r\nHost: a\n\r\n"), 400);
    refuses(STR("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"), 400);
    refuses(STR("GET / HTTP/1.1\r\nHost: a\r\r\n\r\n"), 400);
    refuses(STR("GET / HTTP/1.1\r\nHost: a\r\n\rX"), 400);
    accepts(&r, STR("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    ck_assert(str_eq(r.p.method, STR("GET")));
}
END_TEST

START_TEST(fields_are_strict) {
    field_refused("X-A : 1", 400);
    field_refused("X-A\t: 1", 400);
    field_refused(" X-A: 1", 400);
    field_refused("X-A: 1\r\n folded", 400);
    field_refused("X-A: 1\r\n\tfolded", 400);
    field_refused(": 1", 400);
    field_refused("X-A", 400);
    field_refused("X(A): 1", 400);
    field_refused("X-\xc3\xa4: 1", 400);
    field_refused("X-A: \x02", 400);
    field_refused("X-A: \x7f", 400);
    refuses(STR("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n"), 400);
    parsed r;
    field_accepted(&r, "X-A: \xc3\xa4"); /* obs-text: RFC 9110 section 5.5 */
    ck_assert(str_eq(r.fields[1].value, STR("\xc3\xa4")));
}
END_TEST

START_TEST(exactly_one_host) {
    parsed r;
    refuses(STR("GET / HTTP/1.1\r\n\r\n"), 400);
    refuses(STR("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
    refuses(STR("GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
    refuses(STR("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), 400);
    refuses(STR("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
    refuses(STR("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"), 400);
    refuses(STR("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400);
    accepts(&r, STR("GET / HTTP/1.1\r\nHost:\r\n\r\n"));
    accepts(&r, STR("GET / HTTP/1.1\r\nhOST: [::1]:80\r\n\r\n"));
    accepts(&r, STR("GET / HTTP/1.0\r\n\r\n"));
}
END_TEST

START_TEST(the_body_has_one_length) {
    parsed r;
    field_accepted(&r, "Content-Length: 0042");
    ck_assert(r.p.has_length && r.p.content_length == 42);
    field_accepted(&r, "content-length: 18446744073709551616");
    ck_assert(r.p.content_length == UINT64_MAX);
    field_refused("Content-Length: 1\r\nContent-Length: 2", 400);
    field_refused("Content-Length: 1\r\ncontent-length: 1", 400);
    field_refused("Content-Length: 1, 1", 400);
    field_refused("Content-Length: +1", 400);
    field_refused("Content-Length: -1", 400);
    field_refused("Content-Length: 0x10", 400);
    field_refused("Content-Length: 1 1", 400);
    field_refused("Content-Length: 1.0", 400);
    field_refused("Content-Length:", 400);
}
END_TEST

START_TEST(transfer_coding_is_chunked_or_refused) {
    parsed r;
    field_accepted(&r, "Transfer-Encoding: chunked");
    ck_assert(r.p.chunked && !r.p.has_length);
    field_accepted(&r, "transfer-encoding: ,CHUNKED ,");
    ck_assert(r.p.chunked);
    field_refused("Transfer-Encoding: chunked\r\nContent-Length: 5", 400);
    field_refused("Content-Length: 5\r\nTransfer-Encoding: chunked", 400);
    field_refused("Content-Length: 5\r\nTransfer-Encoding: identity", 400);
    field_refused("Transfer-Encoding: chunked, gzip", 400);
    field_refused("Transfer-Encoding: chunked, chunked", 400);
    field_refused("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", 400);
    field_refused("Transfer-Encoding:", 400);
    field_refused("Transfer-Encoding: ,", 400);
    field_refused("Transfer-Encoding: gzip, chunked", 501);
    field_refused("Transfer-Encoding: identity", 501);
    field_refused("Transfer-Encoding: xchunked", 501);
    field_refused("Transfer-Encoding: chunked;a=b", 501);
    field_refused("Transfer-Encoding: \"chunked\"", 501);
    field_refused("Transfer-Encoding : chunked", 400);
    refuses(STR("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}
END_TEST

START_TEST(the_connection_stays_or_closes) {
    parsed r;
    field_accepted(&r, "Connection: close");
    ck_assert(!r.p.keep_alive);
    field_accepted(&r, "Connection: keep-alive, CLOSE");
    ck_assert(!r.p.keep_alive);
    field_accepted(&r, "Connection: x\r\nConnection: close");
    ck_assert(!r.p.keep_alive);
    field_accepted(&r, "Connection: closed");
    ck_assert(r.p.keep_alive);
    accepts(&r, STR("GET / HTTP/1.0\r\n\r\n"));
    ck_assert(!r.p.keep_alive && r.p.minor == 0);
    accepts(&r, STR("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"));
    ck_assert(r.p.keep_alive);
    accepts(&r, STR("GET / HTTP/1.7\r\nHost: a\r\n\r\n"));
    ck_assert(r.p.keep_alive && r.p.minor == 1);
}
END_TEST

START_TEST(one_expectation_is_known) {
    parsed r;
    field_accepted(&r, "Expect: 100-Continue");
    ck_assert(r.p.expect_continue);
    field_refused("Expect: 200-ok", 417);
    field_refused("Expect: 100-continue, more", 417);
    accepts(&r, STR("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"));
    ck_assert(!r.p.expect_continue);
}
END_TEST

static void field_of(char *text, size_t size, size_t total) {
    /* a head of just `total` bytes */
    size_t n = (size_t)snprintf(text, size, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(text + n, 'v', total - n - 4);
    memcpy(text + total - 4, "\r\n\r\n", 4);
}

START_TEST(the_head_is_bounded) {
    parsed r;
    char text[2 * MAX_BYTES];
    field_of(text, sizeof text, MAX_BYTES);
    accepts(&r, str_of(text, MAX_BYTES));
    field_of(text, sizeof text, MAX_BYTES + 1);
    refuses(str_of(text, MAX_BYTES + 1), 431);
    field_of(text, sizeof text, 2 * MAX_BYTES);
    refuses(str_of(text, 2 * MAX_BYTES), 431);
    refuses(str_of(text, MAX_BYTES), 431);
    memset(text, 'G', sizeof text);
    refuses(str_of(text, sizeof text), 414);
    for (size_t i = 0; i + 1 < sizeof text; i += 2)
        memcpy(text + i, "\r\n", 2);
    refuses(str_of(text, sizeof text), 414); /* empty lines for ever */
}
END_TEST

START_TEST(the_fields_are_counted) {
    parsed r;
    accepts(&r, STR("GET / HTTP/1.1\r\nHost: a\r\n1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n\r\n"));
    refuses(STR("GET / HTTP/1.1\r\nHost: a\r\n1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n\r\n"), 431);
}
END_TEST

START_TEST(what_follows_the_head_is_not_touched) {
    parsed r;
    parse(&r, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n\x01\n\r more"));
    ck_assert_int_eq(r.result, PARSE_DONE);
    ck_assert_uint_eq(r.p.line, 27);
    parse(&r, STR("GET / HTTP/1.1\r\nHost: a\r\n\r"));
    ck_assert_int_eq(r.result, PARSE_MORE);
    parse(&r, STR(""));
    ck_assert_int_eq(r.result, PARSE_MORE);
}
END_TEST

UNIT_MAIN(unit_test(a_request_is_taken_apart), unit_test(targets_have_four_forms),
          unit_test(request_lines_are_strict), unit_test(line_ends_are_crlf), unit_test(fields_are_strict),
          unit_test(exactly_one_host), unit_test(the_body_has_one_length),
          unit_test(transfer_coding_is_chunked_or_refused), unit_test(the_connection_stays_or_closes),
          unit_test(one_expectation_is_known), unit_test(the_head_is_bounded),
          unit_test(the_fields_are_counted), unit_test(what_follows_the_head_is_not_touched))
