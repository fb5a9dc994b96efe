/* What a connection reads: bytes to requests. */
#include "http/server_internal.h"

#define CHUNKED_ROOM 1024 /* least room to read a chunked body into */
#define PIPELINED_ROOM                                                                  \
    512 /* and a request that begins within the buffer: else it would be read in crumbs \
         */

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

/* A body of known length gets its room in steps, as it comes: announcing one costs a client nothing, and
 * shall not cost the hub much. */
static size_t room_wanted(const connection *c) {
    if (c->state != CONNECTION_BODY)
        return c->start > 0 ? PIPELINED_ROOM : 1;
    if (c->exchange->parser.chunked)
        return CHUNKED_ROOM;
    size_t rest = c->end - c->len + SERVER_SLACK;
    return c->size - c->len > SERVER_SLACK ? 1 : least(rest, c->size < 65536 ? 65536 : c->size);
}

/* Nothing that comes from now on will be read as a request. */
static bool is_dropping(const connection *c) {
    return c->state == CONNECTION_LINGER || (c->state == CONNECTION_WRITING && !c->keep_alive);
}

void connection_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    (void)suggested;
    connection *c = handle->data;
    if (is_dropping(c)) {
        *out = uv_buf_init(c->server->dropped, sizeof c->server->dropped);
        return;
    }
    if (c->stream != NULL && c->stream->receiving) {
        stream_alloc(c, out);
        return;
    }
    bool movable = c->state == CONNECTION_HEAD || c->state == CONNECTION_BODY;
    if (movable && !connection_make_room(c, room_wanted(c)))
        *out = uv_buf_init(NULL, 0);
    else
        *out = uv_buf_init(c->in + c->len, (unsigned)least(c->size - c->len, 1u << 30));
}

/* --- from bytes to a request ----------------------------------------------------------------------- */

bool connection_request(connection *c, bb_str body) {
    http_exchange *x = c->exchange;
    const request_parser *p = &x->parser;
    if (x->memory == NULL && (x->memory = arena_new(0)) == NULL) {
        connection_refuse(c, REFUSE_MEMORY, NULL);
        return false;
    }
    memcpy(x->peer, c->peer, sizeof x->peer);
    x->request = (http_request){
        .method = p->method,
        .target = p->target,
        .path = p->path,
        .query = p->query,
        .headers = x->fields,
        .header_count = p->field_count,
        .body = body,
        .peer = str_of(x->peer, c->peer_len),
    };
    if (c->tls != NULL)
        tls_describe(x);
    return true;
}

static void dispatch(connection *c) {
    if (c->end == c->len && !connection_make_room(c, SERVER_SLACK)) {
        connection_refuse(c, REFUSE_MEMORY, NULL);
        return;
    }
    size_t body_end = c->exchange->parser.chunked ? c->raw : c->end;
    if (!connection_request(c, str_of(c->in + c->body, body_end - c->body)))
        return;
    c->state = CONNECTION_PENDING;
    c->deadline = SERVER_NEVER;
    c->server->handler(c->exchange, c->server->ctx);
}

void connection_continue(connection *c) {
    static char text[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uv_buf_t part = uv_buf_init(text, sizeof text - 1);
    bool whole;
    if (!connection_send(c, &part, 1, true, &whole))
        connection_close(c);
}

/* The head is whole. */
static void begin_body(connection *c) {
    const request_parser *p = &c->exchange->parser;
    http_server *s = c->server;
    c->body = c->raw = c->start + p->line;
    if (s->streams != NULL && (p->chunked || p->content_length > 0) && stream_begin(c))
        return;
    if (p->content_length > s->limits.max_body_bytes) {
        connection_refuse(c, REFUSE_BODY_SIZE, NULL);
        return;
    }
    c->end = c->body + (size_t)p->content_length;
    c->state = CONNECTION_BODY;
    if (p->chunked)
        request_chunked_init(&c->chunks, s->limits.max_body_bytes, s->limits.max_header_bytes);
    bool none = !p->chunked && p->content_length == 0;
    if (none)
        return;
    c->body_deadline = loop_now_ms(s->loop) + s->limits.body_total_ms;
    if (p->expect_continue && c->len == c->body)
        connection_continue(c);
}

static void read_head(connection *c) {
    http_server *s = c->server;
    if (c->exchange == NULL) {
        c->exchange = exchange_take(c);
        if (c->exchange == NULL) {
            connection_refuse(c, REFUSE_MEMORY, NULL);
            return;
        }
        c->deadline = loop_now_ms(s->loop) + s->limits.header_timeout_ms;
    }
    request_parser *p = &c->exchange->parser;
    switch (request_parser_feed(p, c->in + c->start, c->len - c->start)) {
    case PARSE_MORE: break;
    case PARSE_REFUSED: connection_refuse(c, p->refusal, p->detail); break;
    case PARSE_DONE: begin_body(c); break;
    }
}

/* Decodes in place: the body grows at [body, raw), raw bytes come behind it. */
static void read_chunked(connection *c) {
    size_t at = c->raw, out = c->raw;
    switch (request_chunked_feed(&c->chunks, c->in, &at, c->len, &out)) {
    case PARSE_REFUSED: connection_refuse(c, c->chunks.refusal, c->chunks.detail); return;
    case PARSE_MORE: c->raw = c->len = out; return;
    case PARSE_DONE:
        c->raw = out;
        c->end = at;
        dispatch(c);
    }
}

static void read_body(connection *c) {
    if (c->exchange->parser.chunked)
        read_chunked(c);
    else if (c->len >= c->end)
        dispatch(c);
}

static void extend_body_deadline(connection *c) {
    uint64_t next = loop_now_ms(c->server->loop) + c->server->limits.body_timeout_ms;
    c->deadline = next < c->body_deadline ? next : c->body_deadline;
}

/* Another request's worth is waiting: no more is read until this one is answered. */
static void pause_when_full(connection *c) {
    bool waits = c->state == CONNECTION_PENDING || c->state == CONNECTION_WRITING;
    if (waits && (c->stream == NULL || !c->stream->receiving) && c->len == c->size && c->reading) {
        c->reading = false;
        uv_read_stop((uv_stream_t *)&c->tcp);
    }
}

void connection_process(connection *c) {
    c->processing = true;
    for (;;) {
        if (c->state == CONNECTION_HEAD && c->len > c->start) {
            read_head(c);
            if (c->state == CONNECTION_HEAD)
                break; /* incomplete */
        } else if (c->state == CONNECTION_BODY) {
            read_body(c);
            if (c->state == CONNECTION_BODY) {
                extend_body_deadline(c);
                break;
            }
        } else {
            break;
        }
    }
    c->processing = false;
    pause_when_full(c);
}

/* --- from the socket ------------------------------------------------------------------------------- */

/* The client will send no more. While the handler works that means it has gone; an answer that is being
 * written is written. */
static void on_end(connection *c, bool broken) {
    c->ended = true;
    c->reading = false;
    uv_read_stop((uv_stream_t *)&c->tcp);
    if (c->state != CONNECTION_WRITING || broken)
        connection_close(c);
}

static void linger_on(connection *c, size_t n) {
    c->dropped += n;
    if (c->dropped > SERVER_LINGER_BYTES)
        connection_close(c);
}

void connection_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *in) {
    connection *c = stream->data;
    if (n >= 0 && c->stream != NULL && c->stream->receiving) {
        stream_received(c, (size_t)n, in);
    } else if (n == UV_ENOBUFS) {
        connection_refuse(c, REFUSE_MEMORY, NULL);
    } else if (n < 0) {
        on_end(c, n != UV_EOF);
    } else if (is_dropping(c)) {
        linger_on(c, (size_t)n);
    } else {
        c->len += (size_t)n;
        if (c->len == 0)
            connection_drop_buffer(c); /* a wake-up for nothing */
        else if (c->state == CONNECTION_HEAD || c->state == CONNECTION_BODY)
            connection_process(c);
        else
            pause_when_full(c);
    }
}
