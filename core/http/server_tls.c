/* server_tls.c - TLS between a connection's socket and its parser.
 *
 * What a socket gives is decrypted straight into the buffer or flow where a plain connection's bytes would
 * have gone, and is taken note of by the same functions; a connection that is held up keeps what is left of
 * one read of its socket, and the socket is read no more until that is used up. */
#include "http/server_internal.h"

#include "base/log.h"

#include <stdlib.h>

#define PIECE (64u << 10)    /* of an answer that is encrypted at once: what one piece needs of memory */
#define OWN_MAX (64u << 10)  /* a client makes us send that much (new keys) and more is no client */
#define TELL_EVERY_MS 10000u /* failures in the log: anybody can make them */

static void settle(connection *c);
static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out);
static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *in);

/* --- begin and end ----------------------------------------------------------------------------------- */

bool tls_begin(connection *c) {
    c->tls = calloc(1, sizeof *c->tls);
    if (c->tls == NULL)
        return false;
    c->tls->link = tls_link_new(c->server->tls->context, &c->server->tls->out);
    if (c->tls->link == NULL)
        tls_free(c);
    return c->tls != NULL;
}

static void count_kept(connection *c, size_t now) {
    c->server->buffered += now;
    c->server->buffered -= c->tls->kept;
    c->tls->kept = now;
}

void tls_drop(connection *c) {
    tls_link_give(c->tls->link, STR(""));
    count_kept(c, 0);
}

void tls_free(connection *c) {
    count_kept(c, 0);
    tls_link_free(c->tls->link);
    free(c->tls);
    c->tls = NULL;
}

void http_server_set_tls(http_server *s, tls_context *context) {
    if (s->tls == NULL)
        return;
    tls_context_unref(s->tls->context);
    s->tls->context = tls_context_ref(context);
}

void server_tls_free(http_server *s) {
    if (s->tls == NULL)
        return;
    tls_context_unref(s->tls->context);
    buf_free(&s->tls->out);
    free(s->tls);
}

void tls_describe(http_exchange *x) {
    const connection *c = x->connection;
    http_certificate *shown = tls_link_certificate(c->tls->link, c->server->tls->context);
    x->request.tls = true;
    if (shown == NULL && tls_link_shows(c->tls->link))
        x->parser.keep_alive =
            false; /* it does not hold any more: on a new connection another may be shown */
    if (shown != NULL && x->certificate == NULL)
        x->certificate = http_certificate_ref(shown);
    x->request.certificate = x->certificate;
}

/* --- out --------------------------------------------------------------------------------------------- */

/* What has been encrypted. */
static bool put_out(connection *c, output_after after, bool *whole) {
    buf *out = &c->server->tls->out;
    uv_buf_t part = {.base = out->ptr, .len = out->len};
    bool ok = !out->failed && connection_put(c, &part, 1, after, whole);
    buf_clear(out);
    return ok;
}

/* What TLS itself has to say. False: the connection is broken, or its client makes us talk without end. */
static bool put_own(connection *c) {
    const buf *out = &c->server->tls->out;
    bool whole;
    if (out->len == 0 && !out->failed)
        return true;
    if (tls_link_ready(c->tls->link))
        c->tls->own += out->len;
    return put_out(c, AFTER_NOTHING, &whole) && c->tls->own <= OWN_MAX;
}

/* Parts that are small go into one record. */
static bool encrypt_gathered(connection *c, const uv_buf_t *parts, unsigned count) {
    char *to = c->server->tls->gathered;
    size_t n = 0;
    for (unsigned i = 0; i < count; i++) {
        if (parts[i].len > 0)
            memcpy(to + n, parts[i].base, parts[i].len);
        n += parts[i].len;
    }
    return tls_link_write(c->tls->link, str_of(to, n));
}

/* Encrypts and sends in pieces, so that a large answer is not in memory twice where the socket takes it. */
static bool send_pieces(connection *c, const uv_buf_t *parts, unsigned count, size_t total,
                        output_after after, bool *whole) {
    for (unsigned i = 0; i < count; i++) {
        for (size_t at = 0; at < parts[i].len;) {
            size_t n = parts[i].len - at < PIECE ? parts[i].len - at : PIECE;
            if (!tls_link_write(c->tls->link, str_of(parts[i].base + at, n)))
                return false;
            at += n;
            total -= n;
            if ((total == 0 || c->server->tls->out.len >= PIECE) &&
                !put_out(c, total == 0 ? after : AFTER_NOTHING, whole))
                return false;
        }
    }
    return true;
}

bool tls_send(connection *c, const uv_buf_t *parts, unsigned count, bool interim, bool *whole) {
    output_after after = interim ? AFTER_INTERIM : AFTER_ANSWER;
    size_t total = 0;
    for (unsigned i = 0; i < count; i++)
        total += parts[i].len;
    *whole = true;
    bool ok = total <= sizeof c->server->tls->gathered
                  ? encrypt_gathered(c, parts, count) && put_out(c, after, whole)
                  : send_pieces(c, parts, count, total, after, whole);
    buf_clear(&c->server->tls->out);
    return ok;
}

/* As far as the socket takes it now: what waits is an answer cut short, which must not look whole. */
void tls_say_end(connection *c) {
    buf *out = &c->server->tls->out;
    tls_link_end(c->tls->link);
    uv_buf_t part = {.base = out->ptr, .len = out->len};
    if (out->len > 0 && !out->failed)
        uv_try_write((uv_stream_t *)&c->tcp, &part, 1);
    buf_clear(out);
}

/* --- what fails --------------------------------------------------------------------------------------- */

static void tell(connection *c, const char *reason) {
    server_tls *t = c->server->tls;
    uint64_t now = loop_now_ms(c->server->loop);
    refusal_count(REFUSE_TLS);
    if (t->told_at != 0 && now - t->told_at < TELL_EVERY_MS) {
        t->untold++;
        return;
    }
    log_info("TLS with %.*s failed: %s (%u more since the last such line)", c->peer_len, c->peer, reason,
             t->untold);
    t->told_at = now > 0 ? now : 1;
    t->untold = 0;
}

/* The client is to read the alert, where no exchange is under way. */
static void fail_connection(connection *c) {
    tell(c, tls_link_reason(c->tls->link));
    if (put_own(c) && c->state == CONNECTION_HEAD && c->exchange == NULL)
        connection_linger(c);
    else
        connection_close(c);
}

void tls_expired(connection *c) {
    if (c->tls->begun && !tls_link_ready(c->tls->link))
        tell(c, "the handshake was not done in time");
    connection_close(c);
}

/* Records begin with 22; so does no method of HTTP. */
static bool is_plain_http(const uv_buf_t *in) {
    return in->base[0] >= 'A' && in->base[0] <= 'Z';
}

static void answer_plainly(connection *c) {
    tls_free(c);
    connection_refuse(c, REFUSE_TLS, NULL);
}

/* --- in ------------------------------------------------------------------------------------------------ */

/* True: it is done. */
static bool shake_hands(connection *c) {
    tls_result r = tls_link_handshake(c->tls->link);
    if (r == TLS_FAILED || r == TLS_END) {
        fail_connection(c);
        return false;
    }
    if (!put_own(c)) {
        connection_close(c);
        return false;
    }
    if (r == TLS_DATA)
        c->deadline = loop_now_ms(c->server->loop) + c->server->limits.idle_timeout_ms;
    return r == TLS_DATA;
}

/* One read's worth of what a socket gives without TLS. False: there is no more now. */
static bool read_some(connection *c) {
    uv_stream_t *stream = (uv_stream_t *)&c->tcp;
    uv_buf_t to;
    size_t n;
    connection_alloc((uv_handle_t *)&c->tcp, 0, &to);
    if (to.base == NULL || to.len == 0) {
        connection_read(stream, UV_ENOBUFS, &to);
        return false;
    }
    tls_result r = tls_link_read(c->tls->link, to.base, to.len, &n);
    if (r == TLS_FAILED) {
        fail_connection(c);
    } else if (!put_own(c)) {
        connection_close(c);
    } else if (r == TLS_DATA) {
        connection_read(stream, (ssize_t)n, &to);
        return true;
    } else if (r == TLS_END) {
        connection_read(stream, UV_EOF, &to);
    } else if (c->len == 0) {
        connection_drop_buffer(c);
    }
    return false;
}

static bool is_over(const connection *c) {
    return c->state == CONNECTION_CLOSED || c->state == CONNECTION_LINGER;
}

void tls_pump(connection *c) {
    connection_tls *t = c->tls;
    if (t->reading)
        return;
    t->reading = true;
    bool more = !is_over(c) && (tls_link_ready(t->link) || shake_hands(c));
    while (more && c->reading && !is_over(c) && tls_link_pending(t->link))
        more = read_some(c);
    t->reading = false;
    settle(c);
}

static bool start_reading(connection *c) {
    int failed = uv_read_start((uv_stream_t *)&c->tcp, on_alloc, on_read);
    return failed == 0 || failed == UV_EALREADY;
}

/* Over the limit is whoever adds to it. */
static bool keep_rest(connection *c) {
    const http_server *s = c->server;
    size_t before = c->tls->kept;
    bool ok = tls_link_keep(c->tls->link);
    count_kept(c, tls_link_kept(c->tls->link));
    return ok && (c->tls->kept <= before || s->buffered <= s->limits.max_buffered_bytes);
}

/* The socket is read while nothing that it gave before is left; of a connection that lingers all is dropped.
 */
static void settle(connection *c) {
    if (is_over(c))
        tls_drop(c);
    if (c->state == CONNECTION_CLOSED)
        return;
    if (!keep_rest(c)) {
        tls_drop(c);
        connection_overrule(c, REFUSE_MEMORY);
    } else if (c->reading && !c->ended && !start_reading(c)) {
        connection_close(c);
    }
}

bool tls_resume(connection *c) {
    if (c->tls->reading)
        return true; /* settle sees to it */
    if (is_over(c))
        tls_drop(c); /* what it has given is never read, nor what comes: on_read */
    if (is_over(c) || !tls_link_pending(c->tls->link))
        return start_reading(c);
    connection_make_ready(c);
    return true;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out) {
    (void)suggested;
    const connection *c = handle->data;
    *out = uv_buf_init(c->server->tls->in, sizeof c->server->tls->in);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *in) {
    connection *c = stream->data;
    if (n < 0 || c->tls == NULL || c->state == CONNECTION_LINGER) {
        connection_read(stream, n, in);
        return;
    }
    if (n == 0)
        return;
    bool first = !c->tls->begun;
    c->tls->begun = true;
    if (first && is_plain_http(in)) {
        answer_plainly(c);
        return;
    }
    tls_link_give(c->tls->link, str_of(in->base, (size_t)n));
    tls_pump(c);
}
