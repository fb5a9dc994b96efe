/* server_internal.h - what the server's files share: the server, its connections, their exchanges.
 *
 * Everything belongs to the loop's thread but the two counters. A connection that is idle holds no buffer and
 * no exchange: it takes them from the server's pools with the first byte of a request and gives them back
 * with the answer. */
#ifndef HTTP_SERVER_INTERNAL_H
#define HTTP_SERVER_INTERNAL_H

#include "base/arena.h"
#include "http/request_chunked.h"
#include "http/request_parser.h"
#include "http/server.h"
#include "http/tls_link.h"

#include <netinet/in.h>
#include <stdatomic.h>

#define SERVER_BUFFER 4096    /* a connection's first buffer: holds an ordinary request */
#define SERVER_POOL 256       /* buffers, and exchanges, kept for the next request */
#define SERVER_SLACK 64       /* room behind a whole request, so that reading on shows a client that goes */
#define SERVER_TICK_MS 250    /* how late a timeout may be */
#define SERVER_LINGER_MS 3000 /* after the last answer: how long the client may take to read it and close */
#define SERVER_LINGER_BYTES (64u << 20) /* and what is read and dropped meanwhile */
#define SERVER_OVERFLOW 128 /* connections over the limit that are told so; further ones are just closed */
#define SERVER_NEVER UINT64_MAX

typedef struct connection connection;

struct http_exchange {
    http_server *server;
    connection *connection; /* NULL: gone */
    http_exchange *next;    /* in the pool */
    request_parser parser;
    http_request request;
    arena *memory; /* made with the first request that gets to the handler, kept */
    void (*gone)(http_exchange *x, void *ctx);
    void *gone_ctx;
    char *orphan; /* the connection's buffer, when it went first: the request's slices point into it */
    size_t orphan_size;
    uint64_t held; /* counted in the server's `buffered` */
    char peer[INET6_ADDRSTRLEN];
    uint8_t peer_len;
    http_certificate *certificate; /* NULL: none */
    http_header fields[];          /* limits.max_headers */
};

/* Of an exchange whose bodies pass in pieces: server_stream.c. */
typedef struct server_stream {
    connection *connection;
    flow *in;         /* NULL: not asked for yet, or all is there */
    bool receiving;   /* bytes of the body are still to come */
    bool spilled;     /* and were followed by others: the connection cannot be used again */
    uint64_t in_left; /* of a body of known length */
    flow *out;        /* NULL: not answered yet */
    uint64_t out_left;
    bool chunked, writing, last; /* of the answer; last: its end is on its way */
} server_stream;

/* Of a connection that speaks TLS: server_tls.c. */
typedef struct connection_tls {
    tls_link *link;
    bool begun;   /* the client has sent something */
    bool reading; /* pump is on the stack */
    size_t kept;  /* of what came: counted in the server's `buffered` */
    size_t own;   /* bytes sent since the handshake that are no answer's: tickets, keys, alerts */
} connection_tls;

typedef enum {
    CONNECTION_HEAD, /* between requests, or within a request's head */
    CONNECTION_BODY,
    CONNECTION_PENDING, /* the handler has the request */
    CONNECTION_WRITING, /* the rest of an answer is on its way */
    CONNECTION_LINGER,  /* all is said: what still comes is dropped */
    CONNECTION_CLOSED   /* uv_close has been called */
} connection_state;

struct connection {
    uv_tcp_t tcp;
    http_server *server;
    connection *previous, *next;
    connection *next_ready;
    http_exchange *exchange; /* from a request's first byte to its answer */

    /* The buffer: [start, body) is the head, [body, end) the body, then what came behind it. */
    char *in;
    size_t size, len;
    size_t start, body, end;
    size_t raw; /* of a chunked body: the first byte that is still coded */
    request_chunked chunks;
    server_stream *stream; /* NULL: bodies are in memory as a whole */
    connection_tls *tls;   /* NULL: plain */

    connection_state state;
    bool reading;
    bool processing;                  /* connection_process is on the stack */
    bool ready;                       /* in the server's list */
    bool ended;                       /* the client has sent its EOF */
    bool keep_alive;                  /* of the answer under way */
    uint64_t deadline, body_deadline; /* loop time in ms, or SERVER_NEVER */
    size_t unwritten;                 /* seen by the last tick */
    size_t dropped;                   /* while lingering */
    char peer[INET6_ADDRSTRLEN];
    uint8_t peer_len;
};

typedef struct free_buffer {
    struct free_buffer *next;
} free_buffer;

typedef struct server_listener {
    uv_tcp_t tcp;
    http_server *server;
    bool open;    /* there is one */
    bool tls;     /* what it accepts speaks TLS */
    bool starved; /* there was no memory to take a connection */
} server_listener;

/* What all connections of a server share that speak TLS. */
typedef struct server_tls {
    tls_context *context; /* of those that begin now */
    buf out;              /* on its way to a socket; empty between calls */
    uint64_t told_at;     /* loop time: of failures only some are told */
    unsigned untold;
    char gathered[16384]; /* an answer's parts, for one record */
    char in[65536];       /* what a socket has given; empty between calls */
} server_tls;

struct http_server {
    loop *loop;
    server_listener plain, secure;
    server_tls *tls; /* NULL: it does not listen by TLS */
    uv_timer_t tick;
    uv_idle_t idle; /* runs while there are ready connections */
    http_server_limits limits;
    http_handler handler;
    http_streams streams; /* NULL: never */
    void *ctx;
    connection *first; /* all, also those that are being closed */
    connection *ready; /* an answer is out and the next request is here already */
    atomic_uint_fast64_t connections, exchanges;
    http_exchange *free_exchanges;
    free_buffer *free_buffers;
    unsigned free_exchange_count, free_buffer_count;
    uint64_t buffered; /* bytes in buffers above SERVER_BUFFER, what exchanges hold above it, and of TLS what
                          waits to be read */
    int64_t date_second;
    char date[40]; /* "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n" */
    bool closing, ending;
    uint64_t cut_at;  /* closing: loop time at which what is left is cut off */
    unsigned handles; /* of the server itself that are open */
    void (*done)(void *ctx);
    void *done_ctx;
    char dropped[16384]; /* what lingering connections read */
};

/* server.c */
void server_end_if_empty(http_server *s);

/* server_timeouts.c */
void server_tick(uv_timer_t *tick);
void server_tick_start(http_server *s);

/* server_connection.c */
bool connection_resume_reading(connection *c);
void connection_accept(server_listener *l);
/* Has connection_process called, from the loop. */
void connection_make_ready(connection *c);
/* All is said: waits for the client to close, for a while. */
void connection_linger(connection *c);
/* Ends it at once: an exchange that the handler has becomes an orphan, and its `gone` is called. */
void connection_close(connection *c);
void connection_refuse(connection *c, http_refusal refusal, const char *detail);
/* The same where the handler may have the request: its exchange becomes an orphan. Where an answer has begun
 * the connection just ends. */
void connection_overrule(connection *c, http_refusal refusal);
/* The answer is on its way as a whole: on to the next request, or out. */
void connection_answered(connection *c);
bool connection_is_idle(const connection *c);
void server_run_ready(uv_idle_t *idle);

/* server_input.c */
void connection_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *out);
void connection_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *in);
/* Reads requests out of the buffer until one is incomplete, or with the handler. */
void connection_process(connection *c);

/* From a head to its request, in state PENDING; false: refused. */
bool connection_request(connection *c, bb_str body);
void connection_continue(connection *c); /* 100 Continue */

/* server_stream.c: whether the body, whose head is there, goes in pieces: then the handler has been called.
 */
bool stream_begin(connection *c);
void stream_alloc(connection *c, uv_buf_t *out);
void stream_received(connection *c, size_t n, const uv_buf_t *in);
void stream_written(connection *c);
/* The exchange is over, or its connection is. True: an answer was under way, and the exchange is nobody's. */
bool stream_end(connection *c);

/* server_answer.c */
typedef struct answer_manner { /* how an answer is sent, as the request decides */
    bool head_only;            /* HEAD */
    bool keep_alive, old;      /* old: HTTP/1.0, which is told that the connection stays */
    bool chunked, endless;     /* of a stream without a length; endless: its end is the connection's */
} answer_manner;
/* Sends the head alone, of a body of that length to come. */
bool answer_send_head(connection *c, const http_response *r, uint64_t length, answer_manner m, bool *whole);
/* The exchange is over; the answer is sent or on its way. */
void answer_finish(connection *c, bool sent, bool whole);

/* server_tls.c. What goes between socket and parser: each stands in for what a plain connection does. */
bool tls_begin(connection *c); /* false: no memory */
void tls_free(connection *c);
bool tls_resume(connection *c);
void tls_drop(connection *c); /* what has been kept: no more will be read */
void tls_pump(connection *c); /* reads on what has been kept */
bool tls_send(connection *c, const uv_buf_t *parts, unsigned count, bool interim, bool *whole);
void tls_say_end(connection *c);     /* close_notify */
void tls_expired(connection *c);     /* its time is over: counted, where it was for the handshake */
void tls_describe(http_exchange *x); /* into its request */
void server_tls_free(http_server *s);

/* server_output.c */
typedef enum {
    AFTER_NOTHING, /* nobody waits for it */
    AFTER_INTERIM, /* stream_written, of a stream */
    AFTER_ANSWER   /* connection_answered */
} output_after;
/* As connection_send, as the bytes are. */
bool connection_put(connection *c, const uv_buf_t *parts, unsigned count, output_after after, bool *whole);
/* Sends all parts: what the socket does not take now is copied. False: the connection is broken; it has not
 * been closed. *whole: all is out; else `connection_answered` is called when it is, unless `interim`. */
bool connection_send(connection *c, const uv_buf_t *parts, unsigned count, bool interim, bool *whole);

/* server_buffer.c */
bool connection_make_room(connection *c, size_t room); /* at least so much behind len; false: over a limit */
void connection_drop_buffer(connection *c);
void server_free_buffer(http_server *s, char *buffer, size_t size);
void server_free_pools(http_server *s);

/* server_exchange.c */
http_exchange *exchange_take(connection *c); /* NULL: no memory */
void exchange_release(http_exchange *x);

#endif
