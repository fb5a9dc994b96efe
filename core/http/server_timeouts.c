/* Timeouts: one coarse timer looks through all connections four times a second, so that a request costs
 * no timer operation, only the store of a deadline. */
#include "http/server_internal.h"

static void expire(connection *c) {
    if (c->state == CONNECTION_BODY || (c->state == CONNECTION_HEAD && !connection_is_idle(c)))
        connection_refuse(c, REFUSE_TIMEOUT, NULL);
    else if (c->tls != NULL)
        tls_expired(c);
    else
        connection_close(c);
}

static bool is_starved(const http_server *s) {
    return s->plain.starved || s->secure.starved;
}

static void accept_again(server_listener *l) {
    if (!l->starved)
        return;
    l->starved = false;
    connection_accept(l);
}

/* An answer that makes progress has its time anew. */
static void look_at_writing(connection *c, uint64_t now) {
    size_t unwritten = uv_stream_get_write_queue_size((uv_stream_t *)&c->tcp);
    if (unwritten != c->unwritten) {
        c->unwritten = unwritten;
        c->deadline = now + c->server->limits.write_timeout_ms;
    }
}

void server_tick(uv_timer_t *tick) {
    http_server *s = tick->data;
    uint64_t now = loop_now_ms(s->loop);
    bool cut = s->closing && now >= s->cut_at;
    /* Closing a connection takes it off this list in a later callback, never here. */
    for (connection *c = s->first; c != NULL; c = c->next) {
        if (c->state == CONNECTION_WRITING || (c->stream != NULL && c->stream->writing))
            look_at_writing(c, now);
        if (cut)
            connection_close(c);
        else if (now >= c->deadline)
            expire(c);
    }
    if (!s->closing) {
        accept_again(&s->plain);
        accept_again(&s->secure);
    }
    if (s->first == NULL && !is_starved(s))
        uv_timer_stop(tick); /* nobody here: the hub sleeps */
}

void server_tick_start(http_server *s) {
    if (!uv_is_active((uv_handle_t *)&s->tick))
        uv_timer_start(&s->tick, server_tick, SERVER_TICK_MS, SERVER_TICK_MS);
}
