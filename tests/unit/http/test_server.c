/* Requests and answers on a live server: what a handler gets, what a client gets, one after the other on one
 * connection. */
#include "server_fixture.h"

#include <time.h>

#define REQUEST(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"

static void check(const reply *r, unsigned status, const char *body) {
    ck_assert_uint_eq(r->status, status);
    ck_assert_msg(str_eq(r->body, str_from(body)), "%.*s", STR_FMT(r->body));
}

static void ask(int fd, bb_str request, const char *body) {
    reply r = client_ask(fd, request);
    check(&r, 200, body);
    reply_free(&r);
}

START_TEST(an_answer_has_what_it_needs) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect(&f);
    reply r = client_ask(fd, STR(REQUEST("/echo")));
    check(&r, 200, "GET /echo\n");
    ck_assert(str_starts(r.head, STR("HTTP/1.1 200 OK\r\n")));
    ck_assert(str_eq(reply_field(&r, "Content-Type"), STR("text/plain")));
    ck_assert(reply_field(&r, "Connection").ptr == NULL);
    struct tm t;
    bb_str date = reply_field(&r, "Date");
    ck_assert_uint_eq(date.len, 29);
    ck_assert_ptr_nonnull(strptime(date.ptr, "%a, %d %b %Y %T GMT", &t));
    reply_free(&r);
    ask(fd, STR(REQUEST("/again")), "GET /again\n"); /* on the same connection */
    close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(bodies_arrive_whole) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect(&f);
    ask(fd, STR("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"), "POST /a\nhello");
    ask(fd, STR("POST /b HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"), "POST /b\n");
    ask(fd,
        STR("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
            "chunked\r\n\r\n3\r\nhel\r\n2;x\r\nlo\r\n0\r\nT: 1\r\n\r\n"),
        "POST /c\nhello");
    ask(fd, STR("GET /d HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"), "GET /d\nabc");
    close(fd);
    fixture_stop(&f);
}
END_TEST

/* Sends the text cut in two; the pause lets the server see the halves apart, most of the time. */
static void send_halves(int fd, bb_str text, size_t cut) {
    client_send(fd, str_of(text.ptr, cut));
    usleep(200);
    client_send(fd, str_of(text.ptr + cut, text.len - cut));
}

START_TEST(cuts_make_no_difference) {
    static const char *const texts[] = {
        "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
        "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
        "chunked\r\n\r\n3;e=1\r\nhel\r\n02\r\nlo\r\n0\r\nT: 1\r\n\r\n",
    };
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect(&f);
    for (size_t t = 0; t < 2; t++) {
        bb_str text = str_from(texts[t]);
        for (size_t cut = 1; cut < text.len; cut++) {
            send_halves(fd, text, cut);
            reply r = client_read(fd);
            check(&r, 200, "POST /x\nhello");
            reply_free(&r);
        }
    }
    close(fd);
    fixture_stop(&f);
}
END_TEST

static bb_str pattern(size_t n) {
    char *bytes = malloc(n);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = fixture_pattern(i);
    return str_of(bytes, n);
}

static void check_echoed(int fd, bb_str body) {
    reply r = client_read(fd);
    ck_assert_uint_eq(r.status, 200);
    ck_assert(str_starts(r.body, STR("POST /big\n")));
    ck_assert(str_eq(str_of(r.body.ptr + 10, r.body.len - 10), body));
    reply_free(&r);
}

static void post_sized(int fd, bb_str body) {
    char head[128];
    int n = snprintf(head, sizeof head, "POST /big HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                     body.len);
    client_send(fd, str_of(head, (size_t)n));
    client_send(fd, body);
}

static void post_chunked(int fd, bb_str body) {
    client_sendl(fd, "POST /big HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    size_t size = 1;
    for (size_t at = 0; at < body.len; at += size, size = size * 3 % 70001 + 1) {
        char line[32];
        if (size > body.len - at)
            size = body.len - at;
        client_send(fd, str_of(line, (size_t)snprintf(line, sizeof line, "%zx\r\n", size)));
        client_send(fd, str_of(body.ptr + at, size));
        client_sendl(fd, "\r\n");
    }
    client_sendl(fd, "0\r\n\r\n");
}

START_TEST(bodies_of_many_sizes) {
    static const size_t sizes[] = {4000, 4030, 4031, 4032, 4033, 4096, 4097, 8192, 65536, 70000, 3000000};
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect(&f);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        bb_str body = pattern(sizes[i]);
        post_sized(fd, body);
        check_echoed(fd, body);
        post_chunked(fd, body);
        check_echoed(fd, body);
        free((char *)(uintptr_t)body.ptr);
    }
    close(fd);
    fixture_stop(&f);
}
END_TEST

#define PIPELINE                                                                           \
    "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"                                                   \
    "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"                          \
    "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nd\r\n0\r\n\r\n" \
    "GET /4 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static void check_pipeline(int fd) {
    static const char *const bodies[] = {"GET /1\n", "POST /2\nabc", "POST /3\nd", "GET /4\n"};
    for (size_t i = 0; i < 4; i++) {
        reply r = client_read(fd);
        check(&r, 200, bodies[i]);
        reply_free(&r);
    }
    ck_assert(client_sees_end(fd));
    close(fd);
}

START_TEST(pipelined_in_one_packet) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect(&f);
    client_sendl(fd, PIPELINE);
    check_pipeline(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(pipelined_byte_by_byte) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect(&f);
    for (size_t i = 0; i < sizeof PIPELINE - 1; i++) {
        client_send(fd, str_of(&PIPELINE[i], 1));
        if (i % 8 == 0)
            usleep(100);
    }
    check_pipeline(fd);
    fixture_stop(&f);
}
END_TEST

/* More requests than the server reads at once, the first ones held back: none overtakes, none is lost. */
START_TEST(pipelined_behind_held_ones) {
    enum { HELD = 3, MORE = 1000 };
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect(&f), other = client_connect(&f);
    char text[128];
    for (int i = 0; i < HELD; i++)
        client_sendl(fd, REQUEST("/hold"));
    for (int i = 0; i < MORE; i++)
        client_send(
            fd, str_of(text, (size_t)snprintf(text, sizeof text, "GET /%d HTTP/1.1\r\nHost: a\r\n\r\n", i)));
    for (unsigned i = 1; i <= HELD; i++) {
        fixture_wait(atomic_load(&f.held_count) == 1);
        ask(other, STR(REQUEST("/other")), "GET /other\n"); /* the loop has looked at its sockets */
        ck_assert_uint_eq(atomic_load(&f.requests), 2 * i);
        fixture_release(&f);
        reply r = client_read(fd);
        check(&r, 200, "GET /hold\n");
        reply_free(&r);
    }
    for (int i = 0; i < MORE; i++) {
        snprintf(text, sizeof text, "GET /%d\n", i);
        reply r = client_read(fd);
        check(&r, 200, text);
        reply_free(&r);
    }
    close(fd);
    close(other);
    fixture_stop(&f);
}
END_TEST

START_TEST(head_gets_the_head_alone) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect(&f);
    client_sendl(fd, "HEAD /echo HTTP/1.1\r\nHost: a\r\n\r\n");
    reply r = client_read_answer(fd, true);
    ck_assert_uint_eq(r.status, 200);
    ck_assert(str_eq(reply_field(&r, "Content-Length"), STR("11"))); /* "HEAD /echo\n" */
    reply_free(&r);
    ask(fd, STR(REQUEST("/next")), "GET /next\n"); /* nothing of a body lay between */
    close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(no_content_has_no_length) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect(&f);
    reply r = client_ask(fd, STR(REQUEST("/empty")));
    check(&r, 204, "");
    ck_assert(reply_field(&r, "Content-Length").ptr == NULL);
    ck_assert(reply_field(&r, "Content-Type").ptr == NULL);
    reply_free(&r);
    ask(fd, STR(REQUEST("/next")), "GET /next\n");
    close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(fields_cannot_forge_others) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect(&f);
    reply r = client_ask(fd, STR(REQUEST("/fields")));
    check(&r, 200, "ok");
    ck_assert(str_eq(reply_field(&r, "X-Plain"), STR("yes")));
    ck_assert(str_eq(reply_field(&r, "X-Broken"), STR("a  X-Forged: 1 b")));
    ck_assert(reply_field(&r, "X-Forged").ptr == NULL);
    ck_assert(reply_field(&r, "X Bad Name").ptr == NULL);
    ck_assert(str_eq(reply_field(&r, "Content-Length"), STR("2")));
    ck_assert(reply_field(&r, "Connection").ptr == NULL);
    reply_free(&r);
    close(fd);
    fixture_stop(&f);
}
END_TEST

static void asked_once(const fixture *f, bb_str request, const char *connection, bool stays) {
    int fd = client_connect(f);
    reply r = client_ask(fd, request);
    ck_assert_uint_eq(r.status, 200);
    ck_assert(str_eq(reply_field(&r, "Connection"), str_from(connection)));
    reply_free(&r);
    if (stays)
        ask(fd, STR(REQUEST("/more")), "GET /more\n");
    else
        ck_assert(client_sees_end(fd));
    close(fd);
}

START_TEST(connections_stay_as_agreed) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    asked_once(&f, STR(REQUEST("/")), NULL, true);
    asked_once(&f, STR("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), "close", false);
    asked_once(&f, STR("GET / HTTP/1.0\r\n\r\n"), "close", false);
    asked_once(&f, STR("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), "keep-alive", true);
    fixture_stop(&f);
}
END_TEST

START_TEST(continue_is_said_when_the_body_is_wanted) {
    fixture f;
    fixture_start(&f, (http_server_limits){.max_body_bytes = 10});
    int fd = client_connect(&f);
    client_sendl(fd, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    reply r = client_read(fd);
    ck_assert_uint_eq(r.status, 100);
    reply_free(&r);
    ask(fd, STR("hello"), "POST /\nhello");
    /* The body is there already, or there is none: 100 is not needed. */
    ask(fd, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello"),
        "POST /\nhello");
    ask(fd, STR("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"), "POST /\n");
    client_sendl(fd,
                 "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n");
    r = client_read(fd);
    ck_assert_uint_eq(r.status, 100);
    reply_free(&r);
    ask(fd, STR("1\r\nx\r\n0\r\n\r\n"), "POST /\nx");
    close(fd);
    expect_refusal(&f,
                   STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\nExpect: 100-continue\r\n\r\n"),
                   413, "body-too-large");
    expect_refusal(&f, STR("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: nothing\r\n\r\n"), 417,
                   "expectation-failed");
    fixture_stop(&f);
}
END_TEST

static void tell_query(http_exchange *x, void *ctx) {
    static const char *const names[] = {"a", "b c", "empty", "bare", "pct", "none"};
    char text[256] = "";
    (void)ctx;
    for (size_t i = 0; i < 6; i++) {
        bb_str value;
        bool has = http_exchange_query(x, str_from(names[i]), &value);
        size_t n = strlen(text);
        snprintf(text + n, sizeof text - n, "%s=%.*s;", names[i], has ? (int)value.len : 1,
                 has ? value.ptr : "-");
    }
    bb_str peer = http_exchange_request(x)->peer,
           host = http_request_header(http_exchange_request(x), STR("hOsT"));
    size_t n = strlen(text);
    snprintf(text + n, sizeof text - n, "%.*s;%.*s", STR_FMT(peer), STR_FMT(host));
    ck_assert(http_request_header(http_exchange_request(x), STR("X-None")).ptr == NULL);
    fixture_text(x, 200, str_from(text));
}

START_TEST(queries_are_decoded) {
    fixture f;
    fixture_start_with(&f, (http_server_limits){0}, tell_query);
    int fd = client_connect(&f);
    ask(fd, STR(REQUEST("/?a=1%2B1+x&b%20c=%41&&empty=&bare&pct=%4&a=2")),
        "a=1+1 x;b c=A;empty=;bare=;pct=%4;none=-;127.0.0.1;a");
    ask(fd, STR(REQUEST("/")), "a=-;b c=-;empty=-;bare=-;pct=-;none=-;127.0.0.1;a");
    close(fd);
    fixture_stop(&f);
}
END_TEST

/* Many connections at once: each gets its own answers. */
START_TEST(connections_do_not_mix) {
    enum { CLIENTS = 300, ROUNDS = 3 };
    fixture f;
    int fds[CLIENTS];
    fixture_start(&f, (http_server_limits){0});
    for (int i = 0; i < CLIENTS; i++)
        fds[i] = client_connect(&f);
    for (int round = 0; round < ROUNDS; round++) {
        char text[128];
        for (int i = 0; i < CLIENTS; i++)
            client_send(fds[i],
                        str_of(text, (size_t)snprintf(text, sizeof text,
                                                      "GET /%d-%d HTTP/1.1\r\nHost: a\r\n\r\n", i, round)));
        for (int i = 0; i < CLIENTS; i++) {
            snprintf(text, sizeof text, "GET /%d-%d\n", i, round);
            reply r = client_read(fds[i]);
            check(&r, 200, text);
            reply_free(&r);
        }
    }
    ck_assert_uint_eq(http_server_connections(f.server), CLIENTS);
    for (int i = 0; i < CLIENTS; i++)
        close(fds[i]);
    fixture_wait(http_server_connections(f.server) == 0);
    fixture_stop(&f);
}
END_TEST

UNIT_MAIN(unit_test(an_answer_has_what_it_needs), unit_test(bodies_arrive_whole),
          unit_test(cuts_make_no_difference), unit_test(bodies_of_many_sizes),
          unit_test(pipelined_in_one_packet), unit_test(pipelined_byte_by_byte),
          unit_test(pipelined_behind_held_ones), unit_test(head_gets_the_head_alone),
          unit_test(no_content_has_no_length), unit_test(fields_cannot_forge_others),
          unit_test(connections_stay_as_agreed), unit_test(continue_is_said_when_the_body_is_wanted),
          unit_test(queries_are_decoded), unit_test(connections_do_not_mix))
