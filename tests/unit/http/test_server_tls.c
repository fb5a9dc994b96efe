/* The server by TLS, with a client on a socket of its own: what holds for plain connections holds for these.
 */
#include "server_fixture.h"
#include "tls_fixture.h"

typedef struct secured {
    fixture f;
    folder d;
    tls_context *context;
    uint16_t port;
    int fd;
    atomic_bool listening;
} secured;

static void listen_now(loop *l, void *arg) {
    (void)l;
    secured *s = arg;
    err e = {""};
    ck_assert_msg(http_server_listen_tls(s->f.server, s->fd, s->context, &e), "%s", e.text);
    atomic_store(&s->listening, true);
}

static void secured_start_with(secured *s, http_server_limits limits, int clients, http_handler handler) {
    err e = {""};
    memset(s, 0, sizeof *s);
    folder_make(&s->d);
    s->context = folder_context(&s->d, clients);
    fixture_start_with(&s->f, limits, handler);
    s->port = http_bind(STR("127.0.0.1:0"), &s->fd, 1, &e);
    ck_assert_uint_ne(s->port, 0);
    ck_assert(loop_post(s->f.loop, listen_now, s));
    fixture_wait(atomic_load(&s->listening));
}

static void secured_start(secured *s, http_server_limits limits) {
    secured_start_with(s, limits, -1, fixture_handler);
}

static void secured_end(secured *s) {
    tls_context_unref(s->context);
    folder_remove(&s->d);
}

static void secured_stop(secured *s) {
    fixture_stop(&s->f);
    secured_end(s);
}

static uint64_t refused(const char *name) {
    const char *reason;
    unsigned status;
    uint64_t n;
    for (unsigned i = 0; http_server_refused(i, &reason, &status, &n); i++)
        if (strcmp(reason, name) == 0)
            return n;
    ck_abort_msg("no such refusal: %s", name);
    return 0;
}

/* --- a client on a socket --------------------------------------------------------------------------------
 */

typedef struct caller {
    client c;
    int fd;
} caller;

static int connect_tls(const secured *s, int receive_buffer) {
    fixture where = {.port = s->port};
    return client_connect_with(&where, receive_buffer);
}

static caller call_with(const secured *s, int version, const certified *shows, int receive_buffer) {
    caller c = {.c = client_make(&s->d, version, shows), .fd = connect_tls(s, receive_buffer)};
    ck_assert_int_eq(SSL_set_fd(c.c.ssl, c.fd), 1);
    ck_assert_int_eq(SSL_connect(c.c.ssl), 1);
    return c;
}

static caller call(const secured *s) {
    return call_with(s, 0, NULL, 0);
}

static void hang_up(caller *c) {
    SSL_shutdown(c->c.ssl);
    close(c->fd);
    client_free(&c->c);
}

static void say(caller *c, bb_str bytes) {
    size_t n;
    ck_assert_int_eq(SSL_write_ex(c->c.ssl, bytes.ptr, bytes.len, &n), 1);
    ck_assert_uint_eq(n, bytes.len);
}
#define sayl(c, literal) say((c), STR(literal))

/* One answer to its end; the body is behind the head. */
static reply hear(caller *c) {
    reply r = {0};
    char byte;
    while (r.bytes.len < 4 || memcmp(r.bytes.ptr + r.bytes.len - 4, "\r\n\r\n", 4) != 0) {
        ck_assert_int_eq(SSL_read(c->c.ssl, &byte, 1), 1);
        buf_char(&r.bytes, byte);
    }
    size_t head = r.bytes.len;
    reply_parse_head(&r, head);
    uint64_t length = 0;
    str_to_u64(reply_field(&r, "Content-Length"), &length);
    ck_assert(buf_reserve(&r.bytes, length + 1));
    for (size_t got = 0, n; got < length; got += n) {
        ck_assert_int_eq(SSL_read_ex(c->c.ssl, r.bytes.ptr + head + got, length - got, &n), 1);
        r.bytes.len += n;
    }
    reply_parse_head(&r, head);
    r.body = str_of(r.bytes.ptr + head, length);
    return r;
}

static void expect(caller *c, bb_str body) {
    reply r = hear(c);
    ck_assert_uint_eq(r.status, 200);
    ck_assert_msg(str_eq(r.body, body), "%.*s", STR_FMT(r.body));
    reply_free(&r);
}

/* close_notify, then the end. */
static bool ends_in_order(caller *c) {
    char byte;
    int n = SSL_read(c->c.ssl, &byte, 1);
    return n <= 0 && SSL_get_error(c->c.ssl, n) == SSL_ERROR_ZERO_RETURN;
}

#define GET(target) "GET " target " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(target, length, body) \
    "POST " target " HTTP/1.1\r\nHost: a\r\nContent-Length: " length "\r\n\r\n" body

/* --- requests and answers ---------------------------------------------------------------------------------
 */

START_TEST(requests_follow_each_other) {
    secured s;
    secured_start(&s, (http_server_limits){0});
    static const int each[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    for (size_t v = 0; v < 2; v++) {
        caller c = call_with(&s, each[v], NULL, 0);
        for (unsigned i = 0; i < 3; i++) {
            sayl(&c, GET("/echo?a"));
            expect(&c, STR("GET /echo?a\n"));
        }
        sayl(&c, POST("/echo", "5", "hello") GET("/1") POST("/2", "2", "xy") GET("/3")); /* in one record */
        expect(&c, STR("POST /echo\nhello"));
        expect(&c, STR("GET /1\n"));
        expect(&c, STR("POST /2\nxy"));
        expect(&c, STR("GET /3\n"));
        static const char slow[] = POST("/slow", "11", "byte by byte");
        for (size_t i = 0; i + 2 < sizeof slow; i++) /* a record each */
            say(&c, str_of(slow + i, 1));
        expect(&c, STR("POST /slow\nbyte by byt"));
        hang_up(&c);
    }
    fixture_wait(http_server_connections(s.f.server) == 0);
    secured_stop(&s);
}
END_TEST

START_TEST(large_bodies_go_both_ways) {
    secured s;
    secured_start(&s, (http_server_limits){.max_body_bytes = 32u << 20});
    static const size_t sizes[] = {16383, 16384, 16385, 65535, 65536, 65537, 5000000};
    caller c = call_with(&s, 0, NULL, 4096); /* a small window: the server has to wait for it */
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char head[128], *body = malloc(sizes[i]);
        ck_assert_ptr_nonnull(body);
        for (size_t k = 0; k < sizes[i]; k++)
            body[k] = fixture_pattern(k);
        int n = snprintf(head, sizeof head, "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                         sizes[i]);
        say(&c, str_of(head, (size_t)n));
        say(&c, str_of(body, sizes[i]));
        reply r = hear(&c);
        ck_assert_uint_eq(r.body.len, sizes[i] + 8);
        ck_assert_int_eq(memcmp(r.body.ptr + 8, body, sizes[i]), 0);
        reply_free(&r);
        n = snprintf(head, sizeof head, "GET /large?n=%zu HTTP/1.1\r\nHost: a\r\n\r\n", sizes[i]);
        say(&c, str_of(head, (size_t)n));
        r = hear(&c);
        ck_assert_uint_eq(r.body.len, sizes[i]);
        ck_assert_int_eq(memcmp(r.body.ptr, body, sizes[i]), 0);
        reply_free(&r);
        free(body);
    }
    hang_up(&c);
    secured_stop(&s);
}
END_TEST

/* While a handler has a request, the next ones wait in order, more of them than the buffer holds. */
START_TEST(what_comes_meanwhile_waits) {
    secured s;
    secured_start(&s, (http_server_limits){0});
    caller c = call(&s);
    buf all;
    buf_init(&all);
    buf_lit(&all, POST("/keep", "5", "hello"));
    for (unsigned i = 0; i < 2000; i++)
        buf_printf(&all, "GET /%u HTTP/1.1\r\nHost: a\r\n\r\n", i);
    say(&c, buf_str(&all));
    fixture_wait(atomic_load(&s.f.held_count) == 1);
    fixture_release(&s.f);
    expect(&c, STR("POST /keep\nhello"));
    for (unsigned i = 0; i < 2000; i++) {
        char body[32];
        int n = snprintf(body, sizeof body, "GET /%u\n", i);
        expect(&c, str_of(body, (size_t)n));
    }
    buf_free(&all);
    hang_up(&c);
    secured_stop(&s);
}
END_TEST

/* In many small records, sent at once: most of them wait. */
static void send_records(caller *c, size_t count) {
    char filling[1000];
    memset(filling, 'x', sizeof filling);
    BIO *gathered = BIO_new(BIO_s_mem()), *socket = SSL_get_wbio(c->c.ssl);
    BIO_up_ref(socket);
    SSL_set0_wbio(c->c.ssl, gathered);
    for (size_t i = 0; i < count; i++)
        say(c, str_of(filling, sizeof filling));
    bb_str bytes = client_says(&c->c);
    client_try_send(c->fd, bytes.ptr, bytes.len); /* it may be cut off meanwhile */
    SSL_set0_wbio(c->c.ssl, socket);
}

/* The loop has looked at its sockets since: at the latest with the first of two requests of another
 * connection it sees what was there before that. */
static void has_read(caller *other) {
    for (unsigned i = 0; i < 2; i++) {
        sayl(other, GET("/meanwhile"));
        expect(other, STR("GET /meanwhile\n"));
    }
}

/* What waits in TLS counts as what waits in buffers does: who goes over the limit is told so, though the
 * handler has its request, and what it held is free for others, who do not see any of it. */
START_TEST(what_waits_is_counted) {
    secured s;
    secured_start(&s, (http_server_limits){.max_buffered_bytes = 100000});
    caller all[FIXTURE_HELD], other = call(&s);
    unsigned n = 0;
    uint64_t before = refused("overloaded");
    while (n < FIXTURE_HELD && refused("overloaded") == before) {
        all[n] = call(&s);
        sayl(&all[n], POST("/keep", "5", "hello"));
        n++;
        fixture_wait(atomic_load(&s.f.held_count) == n);
        send_records(&all[n - 1], 30);
        has_read(&other);
    }
    ck_assert_uint_eq(refused("overloaded"), before + 1);
    reply r = hear(&all[n - 1]);
    ck_assert_uint_eq(r.status, 503);
    ck_assert(str_starts(r.body, STR("{\"type\":\"urn:busbar:problem:overloaded\"")));
    reply_free(&r);
    ck_assert(ends_in_order(&all[n - 1]));
    ck_assert_uint_gt(n, 2);
    hang_up(&other);
    fixture_release(&s.f);
    for (unsigned i = 0; i < n; i++) {
        if (i + 1 < n)
            expect(&all[i], STR("POST /keep\nhello"));
        close(all[i].fd);
        client_free(&all[i].c);
    }
    fixture_wait(http_server_connections(s.f.server) == 0);
    caller next = call(&s);
    sayl(&next, POST("/keep", "5", "hello"));
    fixture_wait(atomic_load(&s.f.held_count) == 1);
    send_records(&next, 30);
    fixture_release(&s.f);
    expect(&next, STR("POST /keep\nhello"));
    hang_up(&next);
    secured_stop(&s);
}
END_TEST

static bool streams_all(const http_request *head, void *ctx) {
    (void)head, (void)ctx;
    return true;
}

static void stream_now(loop *l, void *arg) {
    (void)l;
    secured *s = arg;
    http_server_streams(s->f.server, streams_all);
    atomic_store(&s->listening, true);
}

/* A body that nobody wants is read to its end, and dropped: else the answer would be lost to a client that
 * sends all before it reads. The answer goes out at once, or while the connection is held up. */
START_TEST(an_early_answer_is_read_after_a_long_body) {
    secured s;
    secured_start(&s, (http_server_limits){0});
    atomic_store(&s.listening, false);
    ck_assert(loop_post(s.f.loop, stream_now, &s));
    fixture_wait(atomic_load(&s.listening));
    static char piece[1 << 20];
    for (unsigned i = 0; i < 4; i++) {
        bool later = i % 2 == 1;
        caller c = call_with(&s, i < 2 ? TLS1_2_VERSION : TLS1_3_VERSION, NULL, 0);
        if (later)
            sayl(&c, POST("/keep", "33554432", ""));
        else
            sayl(&c, POST("/echo", "33554432", ""));
        say(&c, str_of(piece, 200000));
        if (later) {
            fixture_wait(atomic_load(&s.f.held_count) == 1);
            fixture_release(&s.f);
        }
        for (size_t left = (32u << 20) - 200000, n; left > 0; left -= n) {
            n = left < sizeof piece ? left : sizeof piece;
            say(&c, str_of(piece, n));
        }
        reply r = hear(&c);
        ck_assert_uint_eq(r.status, 200);
        ck_assert(str_eq(reply_field(&r, "Connection"), STR("close")));
        reply_free(&r);
        ck_assert(ends_in_order(&c));
        hang_up(&c);
    }
    secured_stop(&s);
}
END_TEST

static void tell_request(http_exchange *x, void *ctx) {
    (void)ctx;
    const http_request *r = http_exchange_request(x);
    bb_str parts[] = {r->tls ? STR("tls ") : STR("plain "),
                      r->certificate != NULL ? r->certificate->subject : STR("nobody")};
    http_respond(x, &(http_response){.status = 200, .body = parts, .body_parts = 2});
}

START_TEST(a_request_tells_how_it_came) {
    secured s;
    secured_start_with(&s, (http_server_limits){0}, 0, tell_request);
    certified who = certify(&s.d.authority, (wanted){.name = "somebody"});
    caller c = call(&s), known = call_with(&s, 0, &who, 0);
    for (unsigned i = 0; i < 2; i++) {
        sayl(&c, GET("/"));
        expect(&c, STR("tls nobody"));
        sayl(&known, GET("/"));
        expect(&known, STR("tls CN=somebody"));
    }
    int fd = client_connect(&s.f);
    reply r = client_ask(fd, STR(GET("/")));
    ck_assert(str_eq(r.body, STR("plain nobody")));
    reply_free(&r);
    close(fd);
    hang_up(&c);
    hang_up(&known);
    certified_free(&who);
    secured_stop(&s);
}
END_TEST

/* --- clients that go, or are no clients -------------------------------------------------------------------
 */

START_TEST(a_client_that_goes_is_gone) {
    secured s;
    secured_start(&s, (http_server_limits){0});
    for (unsigned i = 0; i < 2; i++) {
        caller c = call(&s);
        sayl(&c, POST("/hold", "5", "hello"));
        fixture_wait(atomic_load(&s.f.held_count) == i + 1);
        if (i == 0) { /* without close_notify */
            close(c.fd);
            client_free(&c.c);
        } else {
            SSL_shutdown(c.c.ssl);
        }
        fixture_wait(atomic_load(&s.f.gone) == i + 1);
        if (i == 1) {
            close(c.fd);
            client_free(&c.c);
        }
    }
    secured_stop(&s);
}
END_TEST

START_TEST(plain_http_is_told_so) {
    secured s;
    secured_start(&s, (http_server_limits){0});
    fixture where = {.port = s.port};
    uint64_t before = refused("tls");
    static const char *const all[] = {GET("/"), POST("/x", "3", "abc"), "OPTIONS * HTTP/1.1\r\n", "P"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        expect_refusal(&where, str_from(all[i]), 400, "tls");
    ck_assert_uint_eq(refused("tls"), before + sizeof all / sizeof all[0]);
    ck_assert_uint_eq(atomic_load(&s.f.requests), 0);
    secured_stop(&s);
}
END_TEST

START_TEST(garbage_ends_the_connection) {
    secured s;
    secured_start(&s, (http_server_limits){0});
    static const char *const all[] = {"\x16\x03\x01\xff\xff\x01garbage", "\x01\x02\x03\x04\x05\x06\x07\x08",
                                      "\x17\x07\x03\x01\x05more garbage"};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        uint64_t before = refused("tls");
        char bytes[256];
        ssize_t n;
        int fd = connect_tls(&s, 0);
        client_send(fd, str_from(all[i]));
        while ((n = recv(fd, bytes, sizeof bytes, 0)) > 0) /* an alert, at most */
            ck_assert_int_eq(bytes[0], 21);
        close(fd);
        fixture_wait(refused("tls") == before + 1);
    }
    fixture_wait(http_server_connections(s.f.server) == 0);
    secured_stop(&s);
}
END_TEST

START_TEST(a_handshake_has_its_time) {
    secured s;
    secured_start(&s, (http_server_limits){.header_timeout_ms = 100});
    uint64_t before = refused("tls");
    int silent = connect_tls(&s, 0), slow = connect_tls(&s, 0);
    client_sendl(slow, "\x16\x03\x01\x01\x00\x01");
    ck_assert(client_sees_end(silent));
    ck_assert(client_sees_end(slow));
    ck_assert_uint_eq(refused("tls"), before + 1); /* whoever says nothing has done nothing wrong */
    close(silent);
    close(slow);
    secured_stop(&s);
}
END_TEST

START_TEST(an_idle_connection_ends_in_order) {
    secured s;
    secured_start(&s, (http_server_limits){.idle_timeout_ms = 100});
    caller c = call(&s);
    sayl(&c, GET("/"));
    expect(&c, STR("GET /\n"));
    ck_assert(ends_in_order(&c));
    hang_up(&c);
    caller last = call(&s);
    sayl(&last, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(&last, STR("GET /\n"));
    ck_assert(ends_in_order(&last));
    hang_up(&last);
    caller wrong = call(&s);
    sayl(&wrong, "GET  / HTTP/1.1\r\n\r\n");
    reply r = hear(&wrong);
    ck_assert_uint_eq(r.status, 400);
    reply_free(&r);
    ck_assert(ends_in_order(&wrong));
    hang_up(&wrong);
    secured_stop(&s);
}
END_TEST

START_TEST(a_closing_server_lets_answers_end) {
    secured s;
    secured_start(&s, (http_server_limits){0});
    caller idle = call(&s), busy = call(&s);
    sayl(&idle, GET("/"));
    expect(&idle, STR("GET /\n"));
    sayl(&busy, POST("/keep", "5", "hello"));
    fixture_wait(atomic_load(&s.f.held_count) == 1);
    fixture_close(&s.f, 30000);
    ck_assert(ends_in_order(&idle));
    fixture_release(&s.f);
    expect(&busy, STR("POST /keep\nhello"));
    ck_assert(ends_in_order(&busy));
    hang_up(&idle);
    hang_up(&busy);
    fixture_join(&s.f);
    secured_end(&s);
}
END_TEST

START_TEST(connections_over_the_limit_are_closed) {
    secured s;
    secured_start(&s, (http_server_limits){.max_connections = 2});
    caller first = call(&s), second = call(&s);
    uint64_t before = refused("too-many-connections");
    int fd = connect_tls(&s, 0);
    char c;
    ck_assert_int_le(recv(fd, &c, 1, 0), 0);
    ck_assert_uint_eq(refused("too-many-connections"), before + 1);
    close(fd);
    hang_up(&first);
    fixture_wait(http_server_connections(s.f.server) == 1);
    caller third = call(&s);
    sayl(&third, GET("/"));
    expect(&third, STR("GET /\n"));
    hang_up(&second);
    hang_up(&third);
    secured_stop(&s);
}
END_TEST

/* Each wish for new keys is answered by new keys: a client that sends nothing else, and reads nothing, would
 * fill the memory. */
START_TEST(a_client_that_wants_new_keys_for_ever_is_cut_off) {
    secured s;
    secured_start(&s, (http_server_limits){0});
    caller c = call_with(&s, TLS1_3_VERSION, NULL, 0);
    sayl(&c, GET("/"));
    expect(&c, STR("GET /\n"));
    for (unsigned i = 0; i < 10; i++) { /* a few are anybody's right */
        ck_assert_int_eq(SSL_key_update(c.c.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        sayl(&c, GET("/again"));
        expect(&c, STR("GET /again\n"));
    }
    bool cut = false;
    for (unsigned i = 0; i < 1000000 && !cut; i++) {
        ck_assert_int_eq(SSL_key_update(c.c.ssl, SSL_KEY_UPDATE_REQUESTED), 1);
        cut = SSL_do_handshake(c.c.ssl) != 1;
    }
    ck_assert(cut);
    fixture_wait(http_server_connections(s.f.server) == 0);
    close(c.fd);
    client_free(&c.c);
    secured_stop(&s);
}
END_TEST

/* --- a renewed certificate ---------------------------------------------------------------------------------
 */

static void set_context(loop *l, void *arg) {
    (void)l;
    secured *s = arg;
    http_server_set_tls(s->f.server, s->context);
    atomic_store(&s->listening, true);
}

static long serial_of(const caller *c) {
    X509 *x = SSL_get1_peer_certificate(c->c.ssl);
    long serial = ASN1_INTEGER_get(X509_get0_serialNumber(x));
    X509_free(x);
    return serial;
}

START_TEST(a_renewed_certificate_is_for_new_connections) {
    secured s;
    secured_start(&s, (http_server_limits){0});
    caller old = call(&s);
    certified next = certify(&s.d.authority, (wanted){.name = "localhost", .names = "DNS:localhost"});
    long serials[] = {ASN1_INTEGER_get(X509_get0_serialNumber(s.d.server.certificate)),
                      ASN1_INTEGER_get(X509_get0_serialNumber(next.certificate))};
    write_certificates(s.d.certificate, &next, NULL);
    write_key(s.d.key, &next, NULL);
    tls_context_unref(s.context); /* the server has its own */
    s.context = folder_context(&s.d, -1);
    atomic_store(&s.listening, false);
    ck_assert(loop_post(s.f.loop, set_context, &s));
    fixture_wait(atomic_load(&s.listening));
    caller new = call(&s);
    ck_assert_int_eq(serial_of(&old), serials[0]);
    ck_assert_int_eq(serial_of(&new), serials[1]);
    sayl(&old, GET("/old"));
    expect(&old, STR("GET /old\n"));
    sayl(&new, GET("/new"));
    expect(&new, STR("GET /new\n"));
    hang_up(&old);
    hang_up(&new);
    certified_free(&next);
    secured_stop(&s);
}
END_TEST

/* Its signer is known no more: the requests that follow are nobody's, and the connection ends. */
START_TEST(a_withdrawn_signer_is_withdrawn_from_open_connections) {
    secured s;
    secured_start_with(&s, (http_server_limits){0}, 0, tell_request);
    certified who = certify(&s.d.authority, (wanted){.name = "somebody"}),
              strangers = certify(NULL, (wanted){.name = "Other authority", .authority = true});
    caller known = call_with(&s, 0, &who, 0), unknown = call(&s);
    for (unsigned i = 0; i < 3; i++) {
        sayl(&known, GET("/"));
        reply r = hear(&known);
        ck_assert(str_eq(r.body, i < 2 ? STR("tls CN=somebody") : STR("tls nobody")));
        ck_assert(str_eq(reply_field(&r, "Connection"), i < 2 ? STR("") : STR("close")));
        reply_free(&r);
        sayl(&unknown, GET("/"));
        expect(&unknown, STR("tls nobody"));
        if (i == 1)
            write_certificates(s.d.ca, &strangers, NULL);
        tls_context_unref(s.context);
        s.context = folder_context(&s.d, 0);
        atomic_store(&s.listening, false);
        ck_assert(loop_post(s.f.loop, set_context, &s));
        fixture_wait(atomic_load(&s.listening));
    }
    ck_assert(ends_in_order(&known));
    hang_up(&known);
    hang_up(&unknown);
    certified_free(&who);
    certified_free(&strangers);
    secured_stop(&s);
}
END_TEST

UNIT_MAIN(unit_test(requests_follow_each_other), unit_test(large_bodies_go_both_ways),
          unit_test(what_comes_meanwhile_waits), unit_test(what_waits_is_counted),
          unit_test(an_early_answer_is_read_after_a_long_body), unit_test(a_request_tells_how_it_came),
          unit_test(a_client_that_goes_is_gone), unit_test(plain_http_is_told_so),
          unit_test(garbage_ends_the_connection), unit_test(a_handshake_has_its_time),
          unit_test(an_idle_connection_ends_in_order), unit_test(a_closing_server_lets_answers_end),
          unit_test(connections_over_the_limit_are_closed),
          unit_test(a_client_that_wants_new_keys_for_ever_is_cut_off),
          unit_test(a_renewed_certificate_is_for_new_connections),
          unit_test(a_withdrawn_signer_is_withdrawn_from_open_connections))
