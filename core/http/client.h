/* Room http: HTTP in (server.h) and out (client.h), on an event loop. It includes base; the pipeline sends by
 * it, api and hub answer by it. It knows bytes and nothing of what they mean. */

/* client.h - HTTP requests to the outside, on libcurl's multi interface driven by the loop.
 *
 * One client a loop: its connections are pooled and its handles reused. It sends one request and gives one
 * answer; repeats, credentials and meaning are the pipeline's. */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/flow.h"
#include "http/guard.h"
#include "http/server.h" /* http_header */

typedef struct http_client http_client;
typedef struct http_transfer http_transfer;

typedef enum {
    HTTP_FAIL_NONE,      /* there is an answer, of whatever status */
    HTTP_FAIL_REFUSED,   /* by the guard: not sent */
    HTTP_FAIL_CONNECT,   /* refused, unreachable, name not found: the request has not been sent */
    HTTP_FAIL_TLS,       /* no trust, or no handshake: not sent */
    HTTP_FAIL_TIMEOUT,   /* nothing, or not all, within the time */
    HTTP_FAIL_EMPTY,     /* connection closed without an answer */
    HTTP_FAIL_TRUNCATED, /* answer cut off */
    HTTP_FAIL_GARBAGE,   /* not HTTP */
    HTTP_FAIL_TOO_LARGE, /* answer over the limit */
    HTTP_FAIL_FLOW,      /* what a body is read from, or goes to, has failed */
    HTTP_FAIL_CANCELLED, /* by http_transfer_cancel */
    HTTP_FAIL_OTHER
} http_failure;

/* Settings of a connection, alike for all its requests. Lives as long as any of its requests. */
typedef struct http_target {
    const char *ca_file;              /* NULL: the system's */
    const char *cert_file, *key_file; /* of the client, PEM; NULL: none */
    bool insecure;                    /* no certificate check: only where the admin says so */
    const char
        *proxy; /* NULL: none. The environment's proxies are not used: what goes where is the admin's word */
    const http_guard *guard; /* NULL: it may be sent to any address */
    uint32_t connect_timeout_ms;
    uint64_t max_response_bytes;
} http_target;

/* What a person wants to know of a connection that is being tested. Texts are cut to fit. */
typedef struct http_probe {
    uint64_t lookup_us, connect_us, tls_us,
        first_byte_us;             /* each from the start; 0: it did not come to that */
    char address[64];              /* "203.0.113.7:443"; "" : not connected */
    char issuer[160], expires[64]; /* of the server's certificate; "" : no TLS, or none seen */
    uint64_t date_ms;              /* the answer's Date, wall clock; 0: none */
    uint64_t received_ms;          /* our clock when it came */
} http_probe;

/* A request's body that is read from a flow as the service takes it. */
typedef struct http_upload {
    bb_str before, after; /* sent around it: of a multipart; mostly empty */
    flow *flow;           /* whose next byte is the first; `again` may change it */
    uint64_t length;      /* bytes of the flow; FLOW_UNKNOWN: until it ends, as chunks */
    /* From the first byte once more: libcurl found its kept-alive connection dead. False: that cannot be. */
    bool (*again)(void *ctx);
    void (*passed)(void *ctx, bb_str bytes); /* about to be sent */
    void *ctx;
} http_upload;

/* An answer's body that goes into a flow, as the flow takes it. The flow is not ended by the transfer. */
typedef struct http_download {
    flow *flow; /* set by `begin` */
    /* The header of an answer is there, before any of its body: true: the body goes to the flow, else it is
     * kept in memory as ever. */
    bool (*begin)(void *ctx, unsigned status, const http_header *headers, size_t count);
    void (*passed)(void *ctx, bb_str bytes); /* about to be put into the flow */
    uint64_t skip;   /* bytes to be dropped first: set by `begin`, where the service sends all once more */
    bool *skip_line; /* behind those, what is left of a line is dropped, and this is false then; NULL: none */
    uint64_t *dropped; /* grows by what is dropped of the line */
    void *ctx;
} http_download;

typedef struct http_send {
    const http_target *target;
    bb_str method;
    const char *url;       /* whole */
    const bb_str *headers; /* "Name: value" each, NUL-terminated at ptr[len] */
    size_t header_count;
    bb_str body; /* with has_body: also an empty one is sent */
    bool has_body;
    http_upload *upload;     /* the body, instead; NULL: none */
    http_download *download; /* NULL: the answer's body is kept in memory */
    bool
        once; /* never put on the wire a second time, not even where a kept-alive connection turns out dead */
    uint64_t timeout_ms; /* of this attempt; 0: it is over when its owner says so */
    http_probe *probe;   /* NULL but for tests: on a connection of its own, described there */
    arena *memory;       /* the answer's header fields go here, and scratch: it outlives the transfer */
    buf *answer_body;    /* cleared, then filled: it outlives the transfer */
} http_send;

typedef struct http_answer {
    http_failure failure;
    bool sent;       /* the request, or a part of it, may have reached the other side */
    unsigned status; /* 0 with a failure before the header */
    const http_header *headers;
    size_t header_count;
    unsigned starts;  /* times the request was put on the wire: libcurl does so again on a dead kept-alive
                         connection */
    const buf *body;  /* http_send.answer_body, decoded from any Content-Encoding */
    char detail[200]; /* of a failure: for a person */
} http_answer;

typedef void (*http_done)(const http_answer *answer, void *ctx);

http_client *http_client_new(loop *l, err *e);
/* Cancels what is under way (each done callback runs) and frees. On the loop's thread. */
void http_client_free(http_client *c);

/* Everything in `send` lives until `done`, which is called on the loop's thread, never from within this
 * function. */
http_transfer *http_client_send(http_client *c, const http_send *send, http_done done, void *ctx);
/* Takes a transfer back before it is done: `done` is not called any more. */
void http_transfer_cancel(http_transfer *t);

#endif
