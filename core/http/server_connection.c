/* A connection's life: accepted, used for one request after the other, closed so that the client sees its
 * last answer. */
#include "http/server_internal.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <sys/socket.h>

#define READY_AT_ONCE 64 /* then the loop looks at its sockets again */

/* --- begin ------------------------------------------------------------------------------------------ */

static void note_peer(connection *c) {
    struct sockaddr_storage address;
    int size = sizeof address;
    if (uv_tcp_getpeername(&c->tcp, (struct sockaddr *)&address, &size) != 0)
        return;
    if (uv_ip_name((struct sockaddr *)&address, c->peer, sizeof c->peer) == 0)
        c->peer_len = (uint8_t)strlen(c->peer);
}

static connection *connection_new(http_server *s) {
    connection *c = calloc(1, sizeof *c);
    if (c == NULL || uv_tcp_init(loop_uv(s->loop), &c->tcp) != 0) {
        free(c);
        return NULL;
    }
    c->tcp.data = c;
    c->server = s;
    c->keep_alive = true;
    c->next = s->first;
    if (s->first != NULL)
        s->first->previous = c;
    s->first = c;
    atomic_fetch_add_explicit(&s->connections, 1, memory_order_relaxed);
    server_tick_start(s);
    return c;
}

bool connection_resume_reading(connection *c) {
    if (c->reading || c->ended)
        return c->reading;
    c->reading = c->tls != NULL
                     ? tls_resume(c)
                     : uv_read_start((uv_stream_t *)&c->tcp, connection_alloc, connection_read) == 0;
    return c->reading;
}

/* By TLS there is nothing to be said to those over the limit: a handshake is what costs most. */
static void refuse_over_limit(connection *c) {
    if (c->tls == NULL) {
        connection_refuse(c, REFUSE_CONNECTIONS, NULL);
        return;
    }
    refusal_count(REFUSE_CONNECTIONS);
    connection_close(c);
}

void connection_accept(server_listener *l) {
    http_server *s = l->server;
    connection *c = connection_new(s);
    if (c == NULL) { /* libuv accepts no further one until this one is taken: the tick tries again */
        l->starved = true;
        server_tick_start(s);
        return;
    }
    uint64_t held = http_server_connections(s);
    if (uv_accept((uv_stream_t *)&l->tcp, (uv_stream_t *)&c->tcp) != 0 ||
        held > (uint64_t)s->limits.max_connections + SERVER_OVERFLOW || (l->tls && !tls_begin(c)) ||
        !connection_resume_reading(c)) {
        connection_close(c);
        return;
    }
    uv_tcp_nodelay(&c->tcp, 1);
    note_peer(c);
    c->deadline = loop_now_ms(s->loop) + (l->tls ? s->limits.header_timeout_ms : s->limits.idle_timeout_ms);
    if (held > s->limits.max_connections)
        refuse_over_limit(c);
}

/* --- end -------------------------------------------------------------------------------------------- */

static void forget_ready(connection *c) {
    if (!c->ready)
        return;
    connection **at = &c->server->ready;
    while (*at != c)
        at = &(*at)->next_ready;
    *at = c->next_ready;
    c->ready = false;
}

static void on_closed(uv_handle_t *handle) {
    connection *c = handle->data;
    http_server *s = c->server;
    if (c->previous != NULL)
        c->previous->next = c->next;
    else
        s->first = c->next;
    if (c->next != NULL)
        c->next->previous = c->previous;
    connection_drop_buffer(c);
    if (c->tls != NULL)
        tls_free(c);
    free(c);
    atomic_fetch_sub_explicit(&s->connections, 1, memory_order_relaxed);
    server_end_if_empty(s);
}

/* The handler still has the request: its bytes stay until it answers. */
static void orphan(connection *c, http_exchange *x) {
    x->connection = NULL;
    x->orphan = c->in;
    x->orphan_size = c->size;
    c->in = NULL;
    if (x->gone != NULL)
        x->gone(x, x->gone_ctx);
}

void connection_close(connection *c) {
    if (c->state == CONNECTION_CLOSED)
        return;
    if (c->tls != NULL && connection_is_idle(c))
        tls_say_end(c);
    http_exchange *x = c->exchange; /* none, where its answer could not be written */
    bool pending = c->state == CONNECTION_PENDING && x != NULL;
    c->state = CONNECTION_CLOSED;
    c->deadline = SERVER_NEVER;
    c->exchange = NULL;
    if (c->tls != NULL)
        tls_drop(c);
    forget_ready(c);
    uv_close((uv_handle_t *)&c->tcp, on_closed);
    bool answered = stream_end(c);
    if (pending)
        orphan(c, x);
    if (pending && answered)
        exchange_release(x);
    else if (pending)
        return;
    else if (x != NULL)
        exchange_release(x);
}

void connection_overrule(connection *c, http_refusal refusal) {
    http_exchange *x = c->exchange;
    bool begun = c->state == CONNECTION_WRITING || (c->stream != NULL && c->stream->out != NULL);
    if (begun) {
        refusal_count(refusal);
        connection_close(c);
        return;
    }
    if (c->state == CONNECTION_PENDING && x != NULL) {
        c->exchange = NULL;
        stream_end(c);
        orphan(c, x);
    }
    connection_refuse(c, refusal, NULL);
}

/* Closing with bytes unread makes the kernel send RST, which may take the answer away from under the client
 * (RFC 9112 section 9.6): so only this side is shut, and the other read until it ends, for a while. */
void connection_linger(connection *c) {
    uv_os_fd_t fd;
    if (c->tls != NULL)
        tls_say_end(c);
    if (c->ended || uv_fileno((uv_handle_t *)&c->tcp, &fd) != 0 || shutdown(fd, SHUT_WR) != 0) {
        connection_close(c);
        return;
    }
    connection_drop_buffer(c);
    c->state = CONNECTION_LINGER;
    c->deadline = loop_now_ms(c->server->loop) + SERVER_LINGER_MS;
    if (!connection_resume_reading(c))
        connection_close(c);
}

/* --- from one request to the next ------------------------------------------------------------------- */

bool connection_is_idle(const connection *c) {
    return c->state == CONNECTION_HEAD && c->len == c->start;
}

/* The next request is here already. It is begun from the loop, not from within http_respond: a handler that
 * is called while it answers another request is a trap. */
void connection_make_ready(connection *c) {
    http_server *s = c->server;
    if (c->processing || c->ready)
        return;
    if (s->ready == NULL)
        uv_idle_start(&s->idle, server_run_ready);
    c->ready = true;
    c->next_ready = s->ready;
    s->ready = c;
}

void server_run_ready(uv_idle_t *idle) {
    http_server *s = idle->data;
    for (unsigned n = 0; s->ready != NULL && n < READY_AT_ONCE; n++) {
        connection *c = s->ready;
        forget_ready(c);
        connection_process(c);
        if (c->tls != NULL)
            tls_pump(c);
    }
    if (s->ready == NULL)
        uv_idle_stop(idle);
}

void connection_answered(connection *c) {
    http_server *s = c->server;
    if (!c->keep_alive || c->ended || s->closing) {
        connection_linger(c);
        return;
    }
    c->state = CONNECTION_HEAD;
    c->start = c->end;
    c->body = c->end = c->raw = 0;
    if (c->start == c->len) {
        connection_drop_buffer(c);
        c->deadline = loop_now_ms(s->loop) + s->limits.idle_timeout_ms;
    } else {
        connection_make_ready(c);
    }
    if (!connection_resume_reading(c))
        connection_close(c);
}
