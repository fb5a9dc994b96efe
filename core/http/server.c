/* The server of one loop: the listening socket, and its end. */
#include "http/server_internal.h"

#include <assert.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096 /* cut by the kernel to net.core.somaxconn */

static uint32_t or_default(uint32_t value, uint32_t otherwise) {
    return value != 0 ? value : otherwise;
}

static http_server_limits with_defaults(const http_server_limits *given) {
    static const http_server_limits none;
    const http_server_limits *l = given != NULL ? given : &none;
    uint64_t most = SIZE_MAX / 4; /* sums of sizes do not overflow */
    uint64_t body = l->max_body_bytes != 0 ? l->max_body_bytes : 10u << 20;
    return (http_server_limits){
        .max_header_bytes = or_default(l->max_header_bytes, 16384),
        .max_headers = or_default(l->max_headers, 100),
        .max_body_bytes = body < most ? body : most,
        .header_timeout_ms = or_default(l->header_timeout_ms, 10000),
        .body_timeout_ms = or_default(l->body_timeout_ms, 20000),
        .body_total_ms = or_default(l->body_total_ms, 120000),
        .idle_timeout_ms = or_default(l->idle_timeout_ms, 75000),
        .write_timeout_ms = or_default(l->write_timeout_ms, 30000),
        .max_connections = or_default(l->max_connections, 4096),
        .max_buffered_bytes = l->max_buffered_bytes != 0 ? l->max_buffered_bytes : 256u << 20,
    };
}

static void on_connection(uv_stream_t *listener, int status) {
    if (status == 0)
        connection_accept(listener->data);
}

/* A write to a client that has gone shall be an error here, not a signal that ends the program; whoever has
 * set a handler of his own keeps it. */
static void ignore_sigpipe(void) {
    struct sigaction now;
    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL)
        signal(SIGPIPE, SIG_IGN);
}

static bool open_listener(http_server *s, server_listener *l, int fd, err *e) {
    uv_tcp_init(loop_uv(s->loop), &l->tcp);
    l->server = s;
    l->tcp.data = l;
    l->open = true;
    s->handles++;
    int failed = uv_tcp_open(&l->tcp, fd);
    if (failed != 0) {
        close(fd);
        return err_set(e, "the listening socket cannot be used: %s", uv_strerror(failed));
    }
    failed = uv_listen((uv_stream_t *)&l->tcp, BACKLOG, on_connection);
    if (failed != 0)
        return err_set(e, "the socket cannot listen: %s", uv_strerror(failed));
    return true;
}

static bool open_handles(http_server *s, int fd, err *e) {
    uv_timer_init(loop_uv(s->loop), &s->tick);
    uv_idle_init(loop_uv(s->loop), &s->idle);
    s->tick.data = s->idle.data = s;
    s->handles = 2;
    return open_listener(s, &s->plain, fd, e);
}

http_server *http_server_new(loop *l, int fd, const http_server_limits *limits, http_handler handler,
                             void *ctx, err *e) {
    http_server *s = calloc(1, sizeof *s);
    if (s == NULL) {
        close(fd);
        err_set(e, "no memory for an HTTP server");
        return NULL;
    }
    s->loop = l;
    s->limits = with_defaults(limits);
    s->handler = handler;
    s->ctx = ctx;
    s->date_second = -1;
    ignore_sigpipe();
    if (!open_handles(s, fd, e)) {
        http_server_close(s, 0, NULL, NULL);
        return NULL;
    }
    return s;
}

bool http_server_listen_tls(http_server *s, int fd, tls_context *context, err *e) {
    s->tls = calloc(1, sizeof *s->tls);
    if (s->tls == NULL) {
        close(fd);
        return err_set(e, "no memory for TLS");
    }
    s->tls->context = tls_context_ref(context);
    s->secure.tls = true;
    return open_listener(s, &s->secure, fd, e);
}

/* --- the end ---------------------------------------------------------------------------------------- */

static void on_closed(http_server *s) {
    if (--s->handles > 0) {
        server_end_if_empty(s);
        return;
    }
    void (*done)(void *ctx) = s->done;
    void *ctx = s->done_ctx;
    server_free_pools(s);
    server_tls_free(s);
    free(s);
    if (done != NULL)
        done(ctx);
}

static void on_handle_closed(uv_handle_t *handle) {
    on_closed(handle->data);
}

static void on_listener_closed(uv_handle_t *handle) {
    on_closed(((server_listener *)handle->data)->server);
}

void server_end_if_empty(http_server *s) {
    if (!s->closing || s->ending || s->first != NULL || http_server_exchanges(s) > 0)
        return;
    s->ending = true;
    uv_close((uv_handle_t *)&s->tick, on_handle_closed);
    uv_close((uv_handle_t *)&s->idle, on_handle_closed);
}

/* Idle, and nothing has come that has not been read yet. */
static bool is_silent(const connection *c) {
    char byte;
    uv_os_fd_t fd;
    return connection_is_idle(c) && (c->tls == NULL || !tls_link_pending(c->tls->link)) &&
           (uv_fileno((const uv_handle_t *)&c->tcp, &fd) != 0 ||
            recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) <= 0);
}

void http_server_close(http_server *s, uint64_t grace_ms, void (*done)(void *ctx), void *ctx) {
    assert(!s->closing);
    s->closing = true;
    s->done = done;
    s->done_ctx = ctx;
    uint64_t now = loop_now_ms(s->loop);
    s->cut_at = grace_ms < SERVER_NEVER - now ? now + grace_ms : SERVER_NEVER;
    uv_close((uv_handle_t *)&s->plain.tcp, on_listener_closed);
    if (s->secure.open)
        uv_close((uv_handle_t *)&s->secure.tcp, on_listener_closed);
    for (connection *c = s->first; c != NULL; c = c->next)
        if (grace_ms == 0 || is_silent(c))
            connection_close(c);
    server_end_if_empty(s);
}

uint64_t http_server_connections(const http_server *s) {
    return atomic_load_explicit(&s->connections, memory_order_relaxed);
}

uint64_t http_server_exchanges(const http_server *s) {
    return atomic_load_explicit(&s->exchanges, memory_order_relaxed);
}
