/* server_stream.c - bodies in pieces: a request's goes into a flow as the flow takes it, an answer's comes
 * out of one as the client does. */
#include "http/server_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#define PIECE (64u << 10) /* of an answer at once: so much is copied where the socket is full */

static uint64_t now_of(const connection *c) {
    return loop_now_ms(c->server->loop);
}

static void set_deadline(connection *c) {
    const server_stream *s = c->stream;
    const http_server_limits *l = &c->server->limits;
    c->deadline = s->receiving && c->reading ? now_of(c) + l->body_timeout_ms
                  : s->writing               ? now_of(c) + l->write_timeout_ms
                                             : SERVER_NEVER;
}

/* --- the request's body ------------------------------------------------------------------------------- */

static void pause_reading(connection *c) {
    if (c->reading)
        uv_read_stop((uv_stream_t *)&c->tcp);
    c->reading = false;
    set_deadline(c);
}

bool stream_begin(connection *c) {
    const request_parser *p = &c->exchange->parser;
    if (!connection_make_room(c, SERVER_SLACK)) {
        connection_refuse(c, REFUSE_MEMORY, NULL);
        return true;
    }
    if (!connection_request(c, STR("")))
        return true;
    if (!c->server->streams(&c->exchange->request, c->server->ctx))
        return false;
    c->stream = calloc(1, sizeof *c->stream);
    if (c->stream == NULL) {
        connection_refuse(c, REFUSE_MEMORY, NULL);
        return true;
    }
    *c->stream = (server_stream){
        .connection = c, .receiving = true, .in_left = p->chunked ? FLOW_UNKNOWN : p->content_length};
    c->end = c->body;
    c->state = CONNECTION_PENDING;
    pause_reading(c); /* until somebody wants it */
    c->server->handler(c->exchange, c->server->ctx);
    return true;
}

static void received_all(connection *c) {
    server_stream *s = c->stream;
    s->receiving = false;
    flow_on_room(s->in, NULL, NULL);
    flow_end(s->in);
    flow_unref(s->in);
    s->in = NULL;
    set_deadline(c);
    connection_resume_reading(c); /* to see whether the client goes */
}

/* Decodes in place. */
static void take_chunked(connection *c, char *bytes, size_t n, size_t *used) {
    size_t raw = 0, out = 0;
    parse_result result = request_chunked_feed(&c->chunks, bytes, &raw, n, &out);
    flow_put(c->stream->in, str_of(bytes, out));
    *used = raw;
    if (result == PARSE_REFUSED)
        flow_fail(c->stream->in,
                  c->chunks.detail != NULL ? c->chunks.detail : "the chunks of the body are not valid");
    else if (result == PARSE_DONE)
        received_all(c);
}

static void take_known(connection *c, size_t n) {
    c->stream->in_left -= n;
    if (c->stream->in_left == 0)
        received_all(c);
}

/* What came together with the head. */
static void take_first(connection *c) {
    server_stream *s = c->stream;
    size_t n = c->len - c->body, used = 0;
    if (n > 0 && c->exchange->parser.chunked) {
        take_chunked(c, c->in + c->body, n, &used);
        c->end = c->body + used;
    } else if (n > 0) {
        n = n < s->in_left ? n : s->in_left;
        flow_put(s->in, str_of(c->in + c->body, n));
        c->end = c->body + n;
        take_known(c, n);
    }
}

static void on_room(void *ctx) {
    connection *c = ctx;
    server_stream *s = c->stream;
    if (flow_failure(s->in) != NULL) {
        flow_on_room(s->in, NULL, NULL);
        pause_reading(c); /* whoever wanted the body answers now */
    } else if (!c->reading && flow_room(s->in) > 0) {
        if (!connection_resume_reading(c))
            connection_close(c);
        else
            set_deadline(c);
    }
}

bool http_exchange_streams(const http_exchange *x, uint64_t *length) {
    const connection *c = x->connection;
    if (c == NULL || c->stream == NULL || !c->stream->receiving)
        return false;
    *length = c->stream->in_left;
    return true;
}

void http_exchange_receive(http_exchange *x, flow *into) {
    connection *c = x->connection;
    if (c == NULL) {
        flow_fail(into, FLOW_GONE);
        return;
    }
    server_stream *s = c->stream;
    assert(s != NULL && s->receiving && s->in == NULL && flow_room(into) >= c->len - c->body);
    s->in = flow_ref(into);
    if (x->parser.chunked)
        request_chunked_init(&c->chunks, UINT64_MAX, c->server->limits.max_header_bytes);
    if (x->parser.expect_continue && c->len == c->body)
        connection_continue(c);
    if (c->stream == NULL) /* closed just now */
        return;
    take_first(c);
    if (s->receiving)
        flow_on_room(s->in, on_room, c);
}

void stream_alloc(connection *c, uv_buf_t *out) {
    server_stream *s = c->stream;
    size_t n = 0;
    char *to = NULL;
    if (s->in != NULL && c->exchange->parser.chunked) {
        n = flow_room(s->in) < sizeof c->server->dropped ? flow_room(s->in) : sizeof c->server->dropped;
        to = c->server->dropped;
    } else if (s->in != NULL) {
        to = flow_space(s->in, &n);
        n = n < s->in_left ? n : (size_t)s->in_left;
    }
    *out = uv_buf_init(to, (unsigned)n);
}

void stream_received(connection *c, size_t n, const uv_buf_t *in) {
    server_stream *s = c->stream;
    size_t used = n;
    if (n == 0)
        return;
    set_deadline(c);
    if (c->exchange->parser.chunked) {
        take_chunked(c, in->base, n, &used);
        s->spilled = used < n; /* the next request's bytes are not kept */
    } else {
        flow_filled(s->in, n);
        take_known(c, n);
    }
    if (s->receiving && (flow_room(s->in) == 0 || flow_failure(s->in) != NULL))
        pause_reading(c);
}

void http_server_streams(http_server *s, http_streams streams) {
    s->streams = streams;
}

/* --- the answer's body -------------------------------------------------------------------------------- */

/* A piece, and what chunks have around it. */
static bool send_piece(connection *c, bb_str data, bool *whole) {
    static char line_end[] = "\r\n";
    char size[24];
    uv_buf_t parts[3];
    unsigned n = 0;
    if (c->stream->chunked)
        parts[n++] = uv_buf_init(size, (unsigned)snprintf(size, sizeof size, "%zx\r\n", data.len));
    parts[n++] = uv_buf_init((char *)(uintptr_t)data.ptr, (unsigned)data.len);
    if (c->stream->chunked)
        parts[n++] = uv_buf_init(line_end, 2);
    return connection_send(c, parts, n, true, whole);
}

/* All is out, but for the mark of the end that chunks have. */
static void end_answer(connection *c) {
    static char mark[] = "0\r\n\r\n";
    uv_buf_t part = uv_buf_init(mark, sizeof mark - 1);
    bool whole = true, sent = true, chunked = c->stream->chunked;
    http_exchange *x = c->exchange;
    flow_on_data(c->stream->out, NULL, NULL); /* it may end a little later than its length is reached */
    flow_unref(c->stream->out);
    c->stream->out = NULL;
    stream_end(c);
    c->exchange = NULL;
    exchange_release(x);
    if (chunked)
        sent = connection_send(c, &part, 1, false, &whole);
    answer_finish(c, sent, whole);
}

static void pump(connection *c) {
    server_stream *s = c->stream;
    while (!s->writing && flow_failure(s->out) == NULL) {
        bb_str data = flow_data(s->out);
        if (s->out_left == 0 || flow_is_over(s->out))
            break;
        if (data.len == 0)
            return;
        size_t n = data.len < PIECE ? data.len : PIECE;
        n = n < s->out_left ? n : (size_t)s->out_left;
        bool whole = true;
        if (!send_piece(c, str_of(data.ptr, n), &whole)) {
            connection_close(c);
            return;
        }
        flow_take(s->out, n);
        s->out_left -= s->out_left != FLOW_UNKNOWN ? n : 0;
        s->writing = !whole;
        set_deadline(c);
    }
    if (s->writing)
        return;
    bool early = s->out_left != 0 && s->out_left != FLOW_UNKNOWN;
    if (flow_failure(s->out) != NULL || (early && flow_is_over(s->out)))
        connection_close(c); /* cut: a client takes nothing else for an unfinished answer */
    else
        end_answer(c);
}

static void on_data(void *ctx) {
    connection *c = ctx;
    if (!c->stream->writing)
        pump(c);
}

void stream_written(connection *c) {
    if (c->stream->out == NULL)
        return; /* a 100 Continue */
    c->stream->writing = false;
    set_deadline(c);
    pump(c);
}

static bool stream_of_answer(connection *c) {
    if (c->stream == NULL)
        c->stream = calloc(1, sizeof *c->stream);
    if (c->stream != NULL)
        c->stream->connection = c;
    return c->stream != NULL;
}

void http_respond_stream(http_exchange *x, const http_response *response, flow *from, uint64_t length) {
    connection *c = x->connection;
    if (c == NULL) { /* its client has gone: `gone` has been called */
        http_server *s = x->server;
        exchange_release(x);
        server_end_if_empty(s);
        return;
    }
    assert(c->state == CONNECTION_PENDING && c->exchange == x);
    if (!stream_of_answer(c)) {
        connection_close(c);
        http_respond(x, response);
        return;
    }
    server_stream *s = c->stream;
    bool old = x->parser.minor == 0, unknown = length == FLOW_UNKNOWN,
         reusable = !s->receiving && !s->spilled;
    answer_manner manner = {.keep_alive = x->parser.keep_alive && !c->server->closing && reusable &&
                                          !(old && unknown),
                            .old = old,
                            .chunked = unknown && !old,
                            .endless = unknown && old};
    bool whole = true;
    s->out = flow_ref(from);
    s->out_left = length;
    s->chunked = manner.chunked;
    if (!answer_send_head(c, response, length, manner, &whole)) {
        connection_close(c);
        return;
    }
    s->writing = !whole;
    set_deadline(c);
    flow_on_data(s->out, on_data, c);
}

bool stream_end(connection *c) {
    server_stream *s = c->stream;
    if (s == NULL)
        return false;
    bool answering = s->out != NULL;
    if (s->in != NULL) {
        flow_on_room(s->in, NULL, NULL);
        flow_fail(s->in, "the caller has gone before the end of its content");
        flow_unref(s->in);
    }
    if (s->out != NULL) {
        flow_on_data(s->out, NULL, NULL);
        if (!flow_is_over(s->out))
            flow_fail(s->out, FLOW_GONE);
        flow_unref(s->out);
    }
    free(s);
    c->stream = NULL;
    return answering;
}
