/* How things end: clients that go, answers that a client is slow to take, a server that closes. */
#include "server_fixture.h"

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"

static int hold(fixture *f) {
    unsigned before = atomic_load(&f->held_count);
    int fd = client_connect(f);
    client_sendl(fd, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    fixture_wait(atomic_load(&f->held_count) == before + 1);
    return fd;
}

START_TEST(a_client_that_closes_is_gone) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = hold(&f);
    ck_assert_uint_eq(atomic_load(&f.gone), 0);
    close(fd);
    fixture_wait(atomic_load(&f.gone) == 1);
    fixture_wait(http_server_connections(f.server) == 0);
    ck_assert_uint_eq(http_server_exchanges(f.server), 1); /* still the handler's */
    fixture_release(&f);                                   /* reads the request, answers into nothing */
    fixture_wait(http_server_exchanges(f.server) == 0);
    ck_assert_uint_eq(atomic_load(&f.gone), 1);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_client_that_resets_is_gone) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = hold(&f);
    struct linger hard = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
    fixture_wait(atomic_load(&f.gone) == 1);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_client_that_shuts_its_side_is_gone) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = hold(&f);
    shutdown(fd, SHUT_WR);
    fixture_wait(atomic_load(&f.gone) == 1);
    close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_large_body_does_not_hide_that_a_client_goes) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    static const size_t sizes[] = {4096 - 56, 4096 - 55, 4096 - 54, 65536, 1000000};
    for (unsigned i = 0; i < 5; i++) {
        char head[100];
        char *body = calloc(1, sizes[i]);
        int fd = client_connect(&f);
        int n = snprintf(head, sizeof head, "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                         sizes[i]);
        client_send(fd, str_of(head, (size_t)n));
        client_send(fd, str_of(body, sizes[i]));
        fixture_wait(atomic_load(&f.held_count) == i + 1);
        close(fd);
        fixture_wait(atomic_load(&f.gone) == i + 1);
        free(body);
    }
    fixture_stop(&f);
}
END_TEST

/* Exchanges are used again: what one asked for is not done to the next. */
START_TEST(no_callback_for_another_exchange) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = hold(&f);
    fixture_release(&f);
    reply r = client_read(fd);
    ck_assert(str_eq(r.body, STR("POST /hold\nhello")));
    reply_free(&r);
    client_sendl(fd, GET("/keep"));
    fixture_wait(atomic_load(&f.held_count) == 1);
    close(fd);
    fixture_wait(http_server_connections(f.server) == 0);
    ck_assert_uint_eq(atomic_load(&f.gone), 0);
    fixture_stop(&f);
}
END_TEST

/* The registration comes after the client went. */
static void register_late(loop *l, void *arg) {
    fixture *f = arg;
    (void)l;
    http_exchange_on_gone(f->held[0], fixture_on_gone, f);
}

static void drop_callback(loop *l, void *arg) {
    fixture *f = arg;
    (void)l;
    http_exchange_on_gone(f->held[0], NULL, NULL);
}

START_TEST(late_registration_is_told_at_once) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = hold(&f);
    loop_post(f.loop, drop_callback, &f);
    close(fd);
    fixture_wait(http_server_connections(f.server) == 0);
    ck_assert_uint_eq(atomic_load(&f.gone), 0);
    loop_post(f.loop, register_late, &f);
    fixture_wait(atomic_load(&f.gone) == 1);
    fixture_stop(&f);
}
END_TEST

/* The handler is at work on the loop's thread while the client resets: the server learns of it by the
 * answer's write. */
static void answer_after_reset(http_exchange *x, void *ctx) {
    fixture *f = ctx;
    atomic_fetch_add(&f->requests, 1);
    fixture_wait(atomic_load(&f->held_count) == 1);
    fixture_echo(x);
}

START_TEST(an_answer_to_a_client_that_has_reset) {
    fixture f;
    fixture_start_with(&f, (http_server_limits){0}, answer_after_reset);
    int fd = client_connect(&f);
    client_sendl(fd, GET("/"));
    fixture_wait(atomic_load(&f.requests) == 1);
    struct linger hard = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close(fd);
    atomic_store(&f.held_count, 1);
    fixture_wait(http_server_connections(f.server) == 0);
    ck_assert_uint_eq(http_server_exchanges(f.server), 0);
    atomic_store(&f.held_count, 0);
    fixture_stop(&f);
}
END_TEST

/* --- large answers ---------------------------------------------------------------------------------- */

#define LARGE 24000000
#define LARGE_TARGET "/large?n=24000000"

static void read_pattern(int fd, size_t n, unsigned pause_every) {
    static char bytes[65536];
    size_t got = 0;
    unsigned reads = 0;
    while (got < n) {
        ssize_t now = recv(fd, bytes, n - got < sizeof bytes ? n - got : sizeof bytes, 0);
        ck_assert_int_gt(now, 0);
        for (ssize_t i = 0; i < now; i++)
            if (bytes[i] != fixture_pattern(got + (size_t)i))
                ck_abort_msg("byte %zu is wrong", got + (size_t)i);
        got += (size_t)now;
        if (pause_every != 0 && ++reads % pause_every == 0)
            usleep(1000);
    }
}

static void read_head(int fd, uint64_t length) {
    reply r = client_read_answer(fd, true);
    uint64_t said = 0;
    ck_assert_uint_eq(r.status, 200);
    ck_assert(str_to_u64(reply_field(&r, "Content-Length"), &said));
    ck_assert_uint_eq(said, length);
    reply_free(&r);
}

START_TEST(a_slow_reader_gets_it_all) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect_with(&f, 32768);
    client_sendl(fd, GET(LARGE_TARGET) GET("/behind"));
    read_head(fd, LARGE);
    ck_assert_uint_eq(atomic_load(&f.requests), 1); /* the next waits for the last byte of this one */
    read_pattern(fd, LARGE, 4);
    reply r = client_read(fd);
    ck_assert(str_eq(r.body, STR("GET /behind\n")));
    reply_free(&r);
    close(fd);
    fixture_stop(&f);
}
END_TEST

/* The client has shut its side, but it reads: the answer that is on its way is delivered. */
START_TEST(half_closed_readers_get_it_all) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect_with(&f, 32768);
    client_sendl(fd, GET(LARGE_TARGET));
    read_head(fd, LARGE);
    shutdown(fd, SHUT_WR);
    read_pattern(fd, LARGE, 16);
    ck_assert(client_sees_end(fd));
    close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_reader_that_stops_is_cut_off) {
    fixture f;
    fixture_start(&f, (http_server_limits){.write_timeout_ms = 200});
    int fd = client_connect_with(&f, 32768);
    client_sendl(fd, GET(LARGE_TARGET));
    read_head(fd, LARGE);
    fixture_wait(http_server_connections(f.server) == 0);
    close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_reader_that_goes_is_let_go) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = client_connect_with(&f, 32768);
    client_sendl(fd, GET(LARGE_TARGET));
    read_head(fd, LARGE);
    close(fd);
    fixture_wait(http_server_connections(f.server) == 0);
    fixture_stop(&f);
}
END_TEST

/* --- the server closes ------------------------------------------------------------------------------ */

START_TEST(closing_ends_idle_connections) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int idle = client_connect(&f);
    reply r = client_ask(idle, STR(GET("/")));
    reply_free(&r);
    fixture_close(&f, 20000);
    ck_assert(client_sees_end(idle));
    fixture_join(&f);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(f.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ne(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    close(fd);
    close(idle);
}
END_TEST

START_TEST(closing_lets_calls_finish) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = hold(&f), half = client_connect(&f), writing = client_connect_with(&f, 32768);
    client_sendl(half, "POST /half HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
    client_sendl(writing, GET(LARGE_TARGET));
    read_head(writing, LARGE);
    fixture_wait(http_server_exchanges(f.server) == 2);
    int idle = client_connect(&f);
    reply r = client_ask(idle, STR(GET("/")));
    reply_free(&r);
    fixture_close(&f, 60000);
    ck_assert(client_sees_end(idle));
    ck_assert(!atomic_load(&f.closed));
    ck_assert_uint_eq(atomic_load(&f.gone), 0);
    fixture_release(&f);
    r = client_read(fd);
    ck_assert_uint_eq(r.status, 200);
    ck_assert(str_eq(reply_field(&r, "Connection"), STR("close")));
    reply_free(&r);
    ck_assert(client_sees_end(fd));
    client_sendl(half, "llo");
    r = client_read(half);
    ck_assert(str_eq(r.body, STR("POST /half\nhello")));
    ck_assert(str_eq(reply_field(&r, "Connection"), STR("close")));
    reply_free(&r);
    read_pattern(writing, LARGE, 0);
    ck_assert(client_sees_end(writing));
    close(fd);
    close(half);
    close(idle);
    close(writing);
    fixture_join(&f);
}
END_TEST

START_TEST(closing_cuts_off_past_the_grace) {
    fixture f;
    fixture_start(&f, (http_server_limits){0});
    int fd = hold(&f);
    fixture_close(&f, 100);
    fixture_wait(atomic_load(&f.gone) == 1);
    ck_assert(client_sees_end(fd));
    ck_assert(!atomic_load(&f.closed)); /* the handler's exchange still stands on the server */
    fixture_release(&f);
    fixture_join(&f);
    close(fd);
}
END_TEST

static void close_from_within(http_exchange *x, void *ctx) {
    fixture *f = ctx;
    http_server_close(f->server, 10000, fixture_closed, f);
    fixture_echo(x);
}

START_TEST(a_handler_may_close_the_server) {
    fixture f;
    fixture_start_with(&f, (http_server_limits){0}, close_from_within);
    int fd = client_connect(&f);
    reply r = client_ask(fd, STR(GET("/last")));
    ck_assert(str_eq(r.body, STR("GET /last\n")));
    ck_assert(str_eq(reply_field(&r, "Connection"), STR("close")));
    reply_free(&r);
    ck_assert(client_sees_end(fd));
    close(fd);
    fixture_join(&f);
}
END_TEST

/* A server that nobody runs yet: made, and closed before its loop's thread. */
START_TEST(a_server_that_never_ran) {
    err e = {0};
    int fd;
    ck_assert_uint_ne(http_bind(STR("127.0.0.1:0"), &fd, 1, &e), 0);
    fixture f = {.loop = loop_new(0)};
    http_server *s = http_server_new(f.loop, fd, NULL, fixture_handler, &f, &e);
    ck_assert_ptr_nonnull(s);
    http_server_close(s, 0, fixture_closed, &f);
    loop_free(f.loop);
    ck_assert(atomic_load(&f.closed));
}
END_TEST

START_TEST(a_bad_descriptor_is_refused) {
    err e = {0};
    int pipes[2];
    ck_assert_int_eq(pipe(pipes), 0);
    fixture f = {.loop = loop_new(0)};
    ck_assert_ptr_null(http_server_new(f.loop, pipes[0], NULL, fixture_handler, &f, &e));
    ck_assert_str_ne(e.text, "");
    close(pipes[1]);
    loop_free(f.loop);
}
END_TEST

UNIT_MAIN(unit_test(a_client_that_closes_is_gone), unit_test(a_client_that_resets_is_gone),
          unit_test(a_client_that_shuts_its_side_is_gone),
          unit_test(a_large_body_does_not_hide_that_a_client_goes),
          unit_test(no_callback_for_another_exchange), unit_test(late_registration_is_told_at_once),
          unit_test(an_answer_to_a_client_that_has_reset), unit_test(a_slow_reader_gets_it_all),
          unit_test(half_closed_readers_get_it_all), unit_test(a_reader_that_stops_is_cut_off),
          unit_test(a_reader_that_goes_is_let_go), unit_test(closing_ends_idle_connections),
          unit_test(closing_lets_calls_finish), unit_test(closing_cuts_off_past_the_grace),
          unit_test(a_handler_may_close_the_server), unit_test(a_server_that_never_ran),
          unit_test(a_bad_descriptor_is_refused))
