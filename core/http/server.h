/* server.h - the HTTP/1.1 server (RFC 9112) of one event loop.
 *
 * It hands over whole requests, bounded in every way, and is told the answer later, from the same loop.
 * Nothing above this header knows how the bytes travel. */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/err.h"
#include "base/flow.h"
#include "base/str.h"

typedef struct http_server http_server;
typedef struct http_exchange http_exchange; /* one request and its answer */

typedef struct http_server_limits { /* zero: the default */
    uint32_t max_header_bytes; /* request line and header fields; default 16 KiB; over it 431 (414 for the
                                  line alone) */
    uint32_t max_headers;      /* fields; default 100; over it 431 */
    uint64_t
        max_body_bytes; /* default 10 MiB; over it 413, before the body is read where Content-Length tells */
    uint32_t header_timeout_ms;  /* first byte to the end of the header; default 10 s; over it 408 */
    uint32_t body_timeout_ms;    /* no progress of a body; default 20 s; over it 408 */
    uint32_t body_total_ms;      /* a whole body; default 120 s; over it 408: no slow drip */
    uint32_t idle_timeout_ms;    /* between requests; default 75 s; then closed without a word */
    uint32_t write_timeout_ms;   /* no progress of an answer; default 30 s; then closed */
    uint32_t max_connections;    /* of this loop; default 4096; over it 503 and closed */
    uint64_t max_buffered_bytes; /* request bodies of this loop that are in memory; default 256 MiB; over it
                                    503 and closed */
} http_server_limits;

typedef str_pair http_header; /* value trimmed; names as sent */

/* What a client has proved of itself by a certificate that was verified. Names are of the kinds "dns" and
 * "email", the parts of which that have no case in small letters, and "uri". Counted; of the loop. */
typedef struct http_certificate {
    bb_str subject;        /* "CN=hooks.example.com,O=Example" (RFC 4514) */
    bb_str fingerprint;    /* SHA-256 of it: 64 hexadecimal digits, small */
    const str_pair *names; /* alternative names: the kind, the name */
    size_t name_count;
    int64_t not_after; /* its end, in seconds since 1970 */
    char *memory;
    unsigned refs;
} http_certificate;

/* A whole request. All slices live until the exchange is answered or abandoned. */
typedef struct http_request {
    bb_str method; /* "GET" */
    bb_str target; /* as sent */
    bb_str path; /* of the target, before "?", not decoded; always begins with "/" (an absolute-form target is
                    cut down to it) */
    bb_str query; /* after "?", not decoded; may be empty */
    const http_header *headers;
    size_t header_count;
    bb_str body;                         /* transfer coding removed */
    bb_str peer;                         /* "127.0.0.1" or "::1" */
    bool tls;                            /* it came by TLS */
    const http_certificate *certificate; /* NULL: the client has shown none that is good now */
} http_request;

typedef struct http_response {
    unsigned status;
    bb_str content_type;        /* absent: no such field */
    const http_header *headers; /* further ones; Content-Length, Connection and Date are the server's */
    size_t header_count;
    const bb_str *body; /* parts, sent one after the other; they need live only until http_respond returns */
    size_t body_parts;
} http_response;

/* Called on the loop's thread when a request is whole. It answers now or later by http_respond, exactly once.
 */
typedef void (*http_handler)(http_exchange *x, void *ctx);

/* Listens on a socket that is bound already (see http_bind). The server owns the descriptor from here on.
 * NULL and *e: refused. On the loop's thread, or before the loop's thread runs. */
http_server *http_server_new(loop *l, int fd, const http_server_limits *limits, http_handler handler,
                             void *ctx, err *e);
/* Listens on a second socket, by TLS. The server owns the descriptor from here on. Once, under the same
 * conditions. False: *e. */
struct tls_context;
bool http_server_listen_tls(http_server *s, int fd, struct tls_context *context, err *e);
/* What connections begin with from now on: it takes a reference of its own. On the loop's thread. */
void http_server_set_tls(http_server *s, struct tls_context *context);
/* Stops accepting, closes idle connections, lets the others finish their answer ("Connection: close"). `done`
 * is called on the loop, never from within another function of this header, once the last connection has gone
 * and the last exchange has been answered; then the server is freed. Past `grace_ms` what is left is cut off
 * (`gone` of what is pending is called). */
void http_server_close(http_server *s, uint64_t grace_ms, void (*done)(void *ctx), void *ctx);

/* --- bodies in pieces ------------------------------------------------------------------------------ */

/* Asked when the head of a request that has a body is there. True: the handler is called at once, without the
 * body, however large that is, and has it go into a flow. */
typedef bool (*http_streams)(const http_request *head, void *ctx);
void http_server_streams(http_server *s, http_streams streams);
/* Whether the body is still to be received; *length: its bytes, or FLOW_UNKNOWN. */
bool http_exchange_streams(const http_exchange *x, uint64_t *length);
/* Has the body go into the flow, which is ended behind its last byte. It is read as the flow takes it; a
 * client that pauses for longer than body_timeout has gone. Once, before the exchange is answered. */
void http_exchange_receive(http_exchange *x, flow *into);
/* As http_respond, with a body from a flow: `response` has none. Of `length` bytes, or of FLOW_UNKNOWN, as
 * chunks. The exchange is the server's from here on, and ends with the flow; where the flow fails, or ends
 * too early, the connection is cut. `gone` is still called if the client goes first; then the flow is
 * dropped. */
void http_respond_stream(http_exchange *x, const http_response *response, flow *from, uint64_t length);

const http_request *http_exchange_request(const http_exchange *x);
/* The first field of that name (any case); absent: none. */
bb_str http_request_header(const http_request *r, bb_str name);
/* The decoded value of a query parameter, in memory of the exchange; false: not there. "+" is a blank. */
bool http_exchange_query(http_exchange *x, bb_str name, bb_str *value);
/* The parameters one after the other, by their decoded names; *rest begins as the request's query. False:
 * there is none more. */
bool http_exchange_query_next(http_exchange *x, bb_str *rest, bb_str *name);
/* Memory that lives as long as the exchange. */
struct arena *http_exchange_arena(http_exchange *x);

/* Counts memory that is taken for the exchange beside its request, until it ends, as request bodies are:
 * copies of a body. False: it would be over max_buffered_bytes. Small ones count nothing, as small bodies do.
 */
bool http_exchange_hold(http_exchange *x, uint64_t bytes);

/* Sends the answer and ends the exchange: x is not to be touched afterwards. Where the client has gone it
 * only ends it. HEAD requests get the header alone. Fields that are the server's own are passed over; a line
 * break in a value becomes a blank. The handler is never called from within this function. */
void http_respond(http_exchange *x, const http_response *response);
/* Has `gone` called once if the client goes away before the answer (also on EOF: a client that shuts its side
 * down no longer waits): at once, where it has gone already. x lives on until http_respond. NULL takes it
 * back. */
void http_exchange_on_gone(http_exchange *x, void (*gone)(http_exchange *x, void *ctx), void *ctx);

/* How many exchanges are open (a request seen, not answered) and connections held: for the metrics.
 * [any-thread] */
uint64_t http_server_connections(const http_server *s);
uint64_t http_server_exchanges(const http_server *s);

/* Requests that no handler ever saw, of all servers of the process, by reason: index 0, 1, ... until false.
 * [any-thread] */
bool http_server_refused(unsigned index, const char **reason, unsigned *status, uint64_t *count);

/* Binds `count` sockets to one address and port, one for each loop (SO_REUSEPORT), after making sure that
 * nobody else listens there. `address` is "127.0.0.1:8420", "[::1]:0"; port 0: the kernel picks one. Gives
 * the port, or 0 and *e. */
uint16_t http_bind(bb_str address, int *fds, unsigned count, err *e);

#endif
