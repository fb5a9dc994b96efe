/* Requests that are refused, on a live server: each limit and each way to smuggle gets its answer, whole, and
 * an orderly end of the connection, whatever the client is still sending. */
#include "server_fixture.h"

static bb_str filled(const char *head, size_t total) {
    char *text = malloc(total);
    ck_assert_ptr_nonnull(text);
    size_t n = strlen(head);
    memset(text, 'x', total);
    memcpy(text, head, n);
    return str_of(text, total);
}

static void refused_filled(const fixture *f, const char *head, size_t total, unsigned status,
                           const char *problem) {
    bb_str text = filled(head, total);
    expect_refusal(f, text, status, problem);
    free((char *)(uintptr_t)text.ptr);
}

START_TEST(heads_are_bounded) {
    fixture f;
    fixture_start(&f, (http_server_limits){.max_header_bytes = 8192, .max_headers = 10});
    refused_filled(&f, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 8192, 431, "header-too-large");
    refused_filled(&f, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 100000, 431, "header-too-large");
    refused_filled(&f, "GET /", 100000, 414, "uri-too-long");
    expect_refusal(
        &f,
        STR("GET / HTTP/1.1\r\nHost: a\r\n1:\r\n2:\r\n3:\r\n4:\r\n5:\r\n6:\r\n7:\r\n8:\r\n9:\r\n10:\r\n\r\n"),
        431, "header-too-large");
    ck_assert_uint_eq(atomic_load(&f.requests), 0);
    fixture_stop(&f);
}
END_TEST

START_TEST(large_heads_within_the_bound_are_taken) {
    fixture f;
    fixture_start(&f, (http_server_limits){.max_header_bytes = 65536});
    bb_str text = filled("GET /a HTTP/1.1\r\nHost: a\r\nX: ", 60000);
    memcpy((char *)(uintptr_t)text.ptr + text.len - 4, "\r\n\r\n", 4);
    int fd = client_connect(&f);
    for (int i = 0; i < 3; i++) {
        reply r = client_ask(fd, text);
        ck_assert(str_eq(r.body, STR("GET /a\n")));
        reply_free(&r);
    }
    close(fd);
    free((char *)(uintptr_t)text.ptr);
    fixture_stop(&f);
}
END_TEST

/* 8 MB are sent, whether they are wanted or not: the answer comes all the same, and no RST. */
START_TEST(bodies_are_bounded) {
    fixture f;
    fixture_start(&f, (http_server_limits){.max_body_bytes = 1000});
    refused_filled(&f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 8000000\r\n\r\n", 8000000, 413,
                   "body-too-large");
    refused_filled(&f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 100, 413,
                   "body-too-large");
    refused_filled(&f, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7A1200\r\n", 8000000,
                   413, "body-too-large");
    expect_refusal(&f, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n"), 413,
                   "body-too-large");
    ck_assert_uint_eq(atomic_load(&f.requests), 0);
    int fd = client_connect(&f);
    bb_str text = filled("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n", 1051);
    reply r = client_ask(fd, text);
    ck_assert_uint_eq(r.status, 200);
    reply_free(&r);
    close(fd);
    free((char *)(uintptr_t)text.ptr);
    fixture_stop(&f);
}
END_TEST

START_TEST(buffered_bodies_are_bounded_together) {
    fixture f;
    fixture_start(&f, (http_server_limits){.max_buffered_bytes = 100000});
    refused_filled(&f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n", 200000, 503,
                   "overloaded");
    bb_str text = filled("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 40000\r\n\r\n", 40051);
    for (int i = 0; i < 10; i++) { /* what was held is given back */
        int fd = client_connect(&f);
        reply r = client_ask(fd, text);
        ck_assert_uint_eq(r.status, 200);
        reply_free(&r);
        close(fd);
    }
    free((char *)(uintptr_t)text.ptr);
    fixture_stop(&f);
}
END_TEST

static unsigned taken(fixture *f, const char *bytes) {
    char text[128];
    snprintf(text, sizeof text, "GET /take?n=%s HTTP/1.1\r\nHost: a\r\n\r\n", bytes);
    int fd = client_connect(f);
    reply r = client_ask(fd, str_from(text));
    unsigned status = r.status;
    reply_free(&r);
    close(fd);
    return status;
}

START_TEST(what_exchanges_hold_counts_as_bodies_do) {
    fixture f;
    fixture_start(&f, (http_server_limits){.max_buffered_bytes = 100000});
    for (int i = 0; i < 10; i++)
        ck_assert_uint_eq(taken(&f, "60000"), 200); /* given back each time */
    ck_assert_uint_eq(taken(&f, "100001"), 503);
    ck_assert_uint_eq(taken(&f, "18446744073709551615"), 503);
    fixture_stop(&f);
}
END_TEST

START_TEST(smuggling_is_refused) {
    static const struct {
        const char *fields;
        unsigned status;
        const char *problem;
    } cases[] = {
        {"Content-Length: 5\r\nTransfer-Encoding: chunked", 400, "bad-request"},
        {"Transfer-Encoding: chunked\r\nContent-Length: 5", 400, "bad-request"},
        {"Content-Length: 5\r\nContent-Length: 6", 400, "bad-request"},
        {"Content-Length: 5, 6", 400, "bad-request"},
        {"Content-Length: +5", 400, "bad-request"},
        {"Content-Length : 5", 400, "bad-request"},
        {"Transfer-Encoding : chunked", 400, "bad-request"},
        {"Transfer-Encoding: chunked, identity", 400, "bad-request"},
        {"Transfer-Encoding:\r\n chunked", 400, "bad-request"},
        {"X: a\r\n Transfer-Encoding: chunked", 400, "bad-request"},
        {"X: a\rTransfer-Encoding: chunked", 400, "bad-request"},
        {"X: a\nTransfer-Encoding: chunked", 400, "bad-request"},
        {"Transfer-Encoding: \x0b"
         "chunked",
         400, "bad-request"},
        {"Transfer-Encoding: xchunked", 501, "not-implemented"},
        {"Transfer-Encoding: gzip, chunked", 501, "not-implemented"},
        {"Host: b", 400, "bad-request"},
        {"Transfer-Encoding: chunked\r\n\r\n5 \r\nhello", 400, "bad-request"},
        {"Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello", 400, "bad-request"},
        {"Transfer-Encoding: chunked\r\n\r\n10000000000000005\r\nhello", 400, "bad-request"},
        {"Transfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0", 400, "bad-request"},
    };
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[512];
        /* A second request behind it, which must never be seen. */
        int n = snprintf(
            text, sizeof text,
            "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\nhelloGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n",
            cases[i].fields);
        expect_refusal(&f, str_of(text, (size_t)n), cases[i].status, cases[i].problem);
    }
    ck_assert_uint_eq(atomic_load(&f.requests), 0);
    fixture_stop(&f);
}
END_TEST

START_TEST(what_is_not_http_is_refused) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    expect_refusal(&f, STR("GET / HTTP/1.1\r\n\r\n"), 400, "bad-request");
    expect_refusal(&f, STR("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505, "version-not-supported");
    expect_refusal(&f, STR("GET /\r\n\r\n"), 400, "bad-request");
    expect_refusal(&f, STR("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), 400, "bad-request");
    expect_refusal(&f, STR("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n"), 501, "not-implemented");
    expect_refusal(&f, STR("GET /\x07 HTTP/1.1\r\nHost: a\r\n\r\n"), 400, "bad-request");
    ck_assert_uint_eq(atomic_load(&f.requests), 0);
    fixture_stop(&f);
}
END_TEST

/* The answers before a bad request are not lost. */
START_TEST(a_bad_one_behind_good_ones) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect(&f);
    client_sendl(fd, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nBAD\r\n\r\nGET /3 "
                     "HTTP/1.1\r\nHost: a\r\n\r\n");
    static const unsigned statuses[] = {200, 200, 400};
    for (size_t i = 0; i < 3; i++) {
        reply r = client_read(fd);
        ck_assert_uint_eq(r.status, statuses[i]);
        reply_free(&r);
    }
    ck_assert(client_sees_end(fd));
    ck_assert_uint_eq(atomic_load(&f.requests), 2);
    close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(slow_requests_time_out) {
    fixture f;
    fixture_start(
        &f, (http_server_limits){.header_timeout_ms = 100, .body_timeout_ms = 100, .idle_timeout_ms = 100});
    expect_refusal(&f, STR("GET / HT"), 408, "request-timeout");
    expect_refusal(&f, STR("GET / HTTP/1.1\r\nHost: a\r\n"), 408, "request-timeout");
    expect_refusal(&f, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"), 408,
                   "request-timeout");
    expect_refusal(&f, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhell"), 408,
                   "request-timeout");
    expect_refusal(&f, STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel"), 408,
                   "request-timeout");
    int fd = client_connect(&f);
    ck_assert(client_sees_end(fd)); /* nothing said, nothing answered */
    close(fd);
    fd = client_connect(&f);
    reply r = client_ask(fd, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    ck_assert_uint_eq(r.status, 200);
    reply_free(&r);
    ck_assert(client_sees_end(fd));
    close(fd);
    fixture_stop(&f);
}
END_TEST

/* Drips until the server has had enough; false: it never had. */
static bool drip(int fd, bb_str head, bb_str drop) {
    client_send(fd, head);
    for (int i = 0; i < FIXTURE_WAIT_S * 50; i++) {
        struct pollfd readable = {.fd = fd, .events = POLLIN};
        if (poll(&readable, 1, 20) == 1)
            return true;
        client_try_send(fd, drop.ptr, drop.len);
    }
    return false;
}

static void dripping_is_refused(const fixture *f, bb_str head, bb_str drop) {
    int fd = client_connect(f);
    ck_assert(drip(fd, head, drop));
    reply r = client_read(fd);
    ck_assert_uint_eq(r.status, 408);
    reply_free(&r);
    close(fd);
}

START_TEST(a_slow_drip_does_not_help) {
    fixture f;
    fixture_start(
        &f, (http_server_limits){.header_timeout_ms = 300, .body_timeout_ms = 20000, .body_total_ms = 300});
    dripping_is_refused(&f, STR("GET / HTTP/1.1\r\nHost: a\r\n"), STR("X: y\r\n"));
    dripping_is_refused(&f, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n"), STR("x"));
    dripping_is_refused(&f, STR("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
                        STR("1\r\nx\r\n"));
    fixture_stop(&f);
}
END_TEST

START_TEST(connections_are_bounded) {
    fixture f;
    int fds[4];
    fixture_start(&f, (http_server_limits){.max_connections = 4});
    for (int i = 0; i < 4; i++) {
        fds[i] = client_connect(&f);
        reply r = client_ask(fds[i], STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
        ck_assert_uint_eq(r.status, 200);
        reply_free(&r);
    }
    for (int i = 0; i < 3; i++)
        expect_refusal(&f, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 503, "too-many-connections");
    reply r = client_ask(fds[0], STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n")); /* the others are as they were */
    ck_assert_uint_eq(r.status, 200);
    reply_free(&r);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    fixture_wait(http_server_connections(f.server) == 0);
    int fd = client_connect(&f);
    r = client_ask(fd, STR("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
    ck_assert_uint_eq(r.status, 200);
    reply_free(&r);
    close(fd);
    fixture_stop(&f);
}
END_TEST

/* A client that never reads its answer nor sends EOF after a refusal is let go. */
START_TEST(lingering_ends) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect(&f);
    client_sendl(fd, "BAD\r\n\r\n");
    fixture_wait(http_server_connections(f.server) == 1);
    fixture_wait(http_server_connections(f.server) == 0);
    close(fd);
    fixture_stop(&f);
}
END_TEST

UNIT_MAIN(unit_test(heads_are_bounded), unit_test(large_heads_within_the_bound_are_taken),
          unit_test(bodies_are_bounded), unit_test(buffered_bodies_are_bounded_together),
          unit_test(what_exchanges_hold_counts_as_bodies_do), unit_test(smuggling_is_refused),
          unit_test(what_is_not_http_is_refused), unit_test(a_bad_one_behind_good_ones),
          unit_test(slow_requests_time_out), unit_test(a_slow_drip_does_not_help),
          unit_test(connections_are_bounded), unit_test(lingering_ends))
