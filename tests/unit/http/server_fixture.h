/* server_fixture.h - a real server on loopback with its loop in a thread, and a plain blocking client.
 *
 * The handler answers by path: /echo with method, target and body; /hold not before fixture_release, and asks
 * to be told if the client goes; /keep as /hold, but does not ask; /large?n=BYTES with a pattern; /fields
 * with fields of every kind; /take?n=BYTES with 200 or 503, as it may hold so many; /empty with 204. All
 * waiting is bounded.
 */
#ifndef SERVER_FIXTURE_H
#define SERVER_FIXTURE_H

#include "base/arena.h"
#include "base/buf.h"
#include "http/server.h"
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIXTURE_WAIT_S 30 /* no test waits longer for anything */
#define FIXTURE_HELD 128

typedef struct fixture {
    loop *loop;
    http_server *server;
    uint16_t port;
    atomic_uint requests, gone;
    atomic_bool closed;
    uint64_t grace_ms;
    http_exchange *held[FIXTURE_HELD]; /* the loop's */
    atomic_uint held_count;
} fixture;

/* --- the handler ------------------------------------------------------------------------------------ */

static inline char fixture_pattern(size_t i) {
    return (char)('a' + (i * 7 + i / 1000) % 26);
}

static inline void fixture_text(http_exchange *x, unsigned status, bb_str text) {
    http_respond(x, &(http_response){
                        .status = status, .content_type = STR("text/plain"), .body = &text, .body_parts = 1});
}

static inline void fixture_echo(http_exchange *x) {
    const http_request *r = http_exchange_request(x);
    bb_str parts[] = {r->method, STR(" "), r->target, STR("\n"), r->body};
    http_respond(x, &(http_response){
                        .status = 200, .content_type = STR("text/plain"), .body = parts, .body_parts = 5});
}

static inline void fixture_large(http_exchange *x) {
    bb_str text;
    uint64_t n = 0;
    ck_assert(http_exchange_query(x, STR("n"), &text) && str_to_u64(text, &n));
    char *bytes = arena_alloc(http_exchange_arena(x), n);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < n; i++)
        bytes[i] = fixture_pattern(i);
    bb_str parts[40]; /* more than go on a stack */
    for (size_t i = 0; i < 40; i++)
        parts[i] = str_of(bytes + n / 40 * i, i < 39 ? n / 40 : n - n / 40 * 39);
    http_respond(x, &(http_response){.status = 200, .body = parts, .body_parts = 40});
}

static inline void fixture_take(http_exchange *x) {
    bb_str text;
    uint64_t n = 0;
    ck_assert(http_exchange_query(x, STR("n"), &text) && str_to_u64(text, &n));
    fixture_text(x, http_exchange_hold(x, n) ? 200 : 503, STR("taken"));
}

static inline void fixture_fields(http_exchange *x) {
    static const http_header fields[] = {
        {{"X-Plain", 7}, {"yes", 3}},
        {{"X-Broken", 8}, {"a\r\nX-Forged: 1\0b", 16}},
        {{"X Bad Name", 10}, {"no", 2}},
        {{"Content-Length", 14}, {"999", 3}},
        {{"Connection", 10}, {"keep-alive", 10}},
    };
    bb_str body = STR("ok");
    http_respond(x, &(http_response){
                        .status = 200, .headers = fields, .header_count = 5, .body = &body, .body_parts = 1});
}

static inline void fixture_on_gone(http_exchange *x, void *ctx) {
    fixture *f = ctx;
    ck_assert_uint_gt(http_exchange_request(x)->path.len, 0);
    atomic_fetch_add(&f->gone, 1);
}

static inline void fixture_keep(fixture *f, http_exchange *x) {
    unsigned n = atomic_load(&f->held_count);
    ck_assert_uint_lt(n, FIXTURE_HELD);
    f->held[n] = x;
    atomic_store(&f->held_count, n + 1);
}

static inline void fixture_hold(fixture *f, http_exchange *x) {
    http_exchange_on_gone(x, fixture_on_gone, f);
    fixture_keep(f, x);
}

static inline void fixture_handler(http_exchange *x, void *ctx) {
    fixture *f = ctx;
    bb_str path = http_exchange_request(x)->path;
    atomic_fetch_add(&f->requests, 1);
    if (str_eq(path, STR("/hold")))
        fixture_hold(f, x);
    else if (str_eq(path, STR("/keep")))
        fixture_keep(f, x);
    else if (str_eq(path, STR("/take")))
        fixture_take(x);
    else if (str_eq(path, STR("/large")))
        fixture_large(x);
    else if (str_eq(path, STR("/fields")))
        fixture_fields(x);
    else if (str_eq(path, STR("/empty")))
        http_respond(x, &(http_response){.status = 204});
    else
        fixture_echo(x);
}

static inline void fixture_release_now(loop *l, void *arg) {
    fixture *f = arg;
    (void)l;
    unsigned n = atomic_load(&f->held_count);
    atomic_store(&f->held_count, 0);
    for (unsigned i = 0; i < n; i++)
        fixture_echo(f->held[i]);
}

static inline void fixture_release(fixture *f) {
    ck_assert(loop_post(f->loop, fixture_release_now, f));
}

/* --- the server ------------------------------------------------------------------------------------- */

static inline void fixture_start_with(fixture *f, http_server_limits limits, http_handler handler) {
    err e = {0};
    int fd;
    *f = (fixture){0};
    f->port = http_bind(STR("127.0.0.1:0"), &fd, 1, &e);
    ck_assert_msg(f->port != 0, "%s", e.text);
    f->loop = loop_new(0);
    ck_assert_ptr_nonnull(f->loop);
    f->server = http_server_new(f->loop, fd, &limits, handler, f, &e);
    ck_assert_msg(f->server != NULL, "%s", e.text);
    ck_assert(loop_start(f->loop));
}

static inline void fixture_start(fixture *f, http_server_limits limits) {
    fixture_start_with(f, limits, fixture_handler);
}

/* Waits, in bounded steps, until the expression holds. */
#define fixture_wait(expression)                                                                    \
    do {                                                                                            \
        unsigned steps = 0;                                                                         \
        while (!(expression)) {                                                                     \
            ck_assert_msg(steps++ < FIXTURE_WAIT_S * 1000, "waited too long for: %s", #expression); \
            usleep(1000);                                                                           \
        }                                                                                           \
    } while (0)

static inline void fixture_closed(void *ctx) {
    atomic_store(&((fixture *)ctx)->closed, true);
}

static inline void fixture_close_now(loop *l, void *arg) {
    fixture *f = arg;
    (void)l;
    http_server_close(f->server, f->grace_ms, fixture_closed, f);
}

static inline void fixture_close(fixture *f, uint64_t grace_ms) {
    f->grace_ms = grace_ms;
    ck_assert(loop_post(f->loop, fixture_close_now, f));
}

static inline void fixture_join(fixture *f) {
    fixture_wait(atomic_load(&f->closed));
    loop_join(f->loop);
    loop_free(f->loop);
}

static inline void fixture_stop(fixture *f) {
    fixture_close(f, 0);
    fixture_release(f);
    fixture_join(f);
}

/* --- the client ------------------------------------------------------------------------------------- */

static inline int client_connect_with(const fixture *f, int receive_buffer) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    struct timeval wait = {.tv_sec = FIXTURE_WAIT_S};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (receive_buffer > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons(f->port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
    return fd;
}

static inline int client_connect(const fixture *f) {
    return client_connect_with(f, 0);
}

/* False: the server has closed its side. */
static inline bool client_try_send(int fd, const void *bytes, size_t n) {
    const char *at = bytes;
    while (n > 0) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

static inline void client_send(int fd, bb_str bytes) {
    ck_assert(client_try_send(fd, bytes.ptr, bytes.len));
}
#define client_sendl(fd, literal) client_send((fd), STR(literal))

/* What a connection gave; `closed` by an orderly end, not by RST or a timeout. */
typedef struct reply {
    unsigned status;
    buf bytes;
    bb_str head, body;
    bool closed;
} reply;

static inline void reply_free(reply *r) {
    buf_free(&r->bytes);
}

static inline bb_str reply_field(const reply *r, const char *name) {
    bb_str rest = r->head, line;
    while (str_split(&rest, '\n', &line)) {
        bb_str key;
        bb_str value = line;
        if (str_split(&value, ':', &key) && str_eq_nocase(key, str_from(name)) && value.ptr != NULL) {
            if (value.len > 0 && value.ptr[value.len - 1] == '\r')
                value.len--;
            return str_trim(value);
        }
    }
    return (bb_str){NULL, 0};
}

static inline void reply_parse_head(reply *r, size_t head) {
    r->head = str_of(r->bytes.ptr, head);
    ck_assert(str_starts(r->head, STR("HTTP/1.1 ")));
    r->status = (unsigned)atoi(r->bytes.ptr + 9);
}

/* Reads one answer byte by byte up to its end, so that nothing of the next one is taken. */
static inline reply client_read_answer(int fd, bool head_only) {
    reply r = {0};
    char c;
    while (r.bytes.len < 4 || memcmp(r.bytes.ptr + r.bytes.len - 4, "\r\n\r\n", 4) != 0) {
        ssize_t n = recv(fd, &c, 1, 0);
        r.closed = n == 0;
        if (n <= 0)
            return r;
        buf_char(&r.bytes, c);
    }
    size_t head = r.bytes.len;
    reply_parse_head(&r, head);
    uint64_t length = 0;
    str_to_u64(reply_field(&r, "Content-Length"), &length);
    if (r.status == 100 || head_only)
        length = 0;
    ck_assert(buf_reserve(&r.bytes, length + 1));
    for (size_t got = 0; got < length;) {
        ssize_t n = recv(fd, r.bytes.ptr + head + got, length - got, 0);
        ck_assert_int_gt(n, 0);
        got += (size_t)n;
        r.bytes.len += (size_t)n;
    }
    reply_parse_head(&r, head);
    r.body = str_of(r.bytes.ptr + head, length);
    return r;
}

static inline reply client_read(int fd) {
    return client_read_answer(fd, false);
}

/* True: the server ends the connection, in an orderly way and without another byte. */
static inline bool client_sees_end(int fd) {
    char c;
    return recv(fd, &c, 1, 0) == 0;
}

static inline reply client_ask(int fd, bb_str request) {
    client_send(fd, request);
    return client_read(fd);
}

/* A request of its own connection, whose answer has `status` and the problem's name, and is followed by an
 * orderly end. */
static inline void expect_refusal(const fixture *f, bb_str request, unsigned status, const char *problem) {
    int fd = client_connect(f);
    client_try_send(fd, request.ptr, request.len);
    reply r = client_read(fd);
    ck_assert_msg(r.status == status, "%u instead of %u for: %.*s", r.status, status, (int)request.len,
                  request.ptr);
    ck_assert(str_eq(reply_field(&r, "Content-Type"), STR("application/problem+json")));
    ck_assert(str_eq(reply_field(&r, "Connection"), STR("close")));
    char type[100];
    snprintf(type, sizeof type, "{\"type\":\"urn:busbar:problem:%s\",", problem);
    ck_assert_msg(str_starts(r.body, str_from(type)), "%.*s", STR_FMT(r.body));
    ck_assert(client_sees_end(fd));
    reply_free(&r);
    close(fd);
}

#endif
