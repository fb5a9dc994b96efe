/* client_internal.h - what the client's files share: the client, its sockets on the loop, a transfer. */
#ifndef HTTP_CLIENT_INTERNAL_H
#define HTTP_CLIENT_INTERNAL_H

#include "http/client.h"

#include <curl/curl.h>

/* A descriptor of libcurl's as the loop watches it. */
typedef struct client_socket {
    uv_poll_t poll; /* first: the handle is freed as a whole */
    http_client *client;
    int fd;
    int events;  /* UV_READABLE | UV_WRITABLE: as registered; 0: not registered */
    bool wanted; /* libcurl waits for it; not so between two requests */
} client_socket;

struct http_client {
    CURLM *multi;
    loop *loop;
    uv_timer_t timer;
    uv_prepare_t kick; /* runs what was added since, once an iteration of the loop */
    bool kicked, kicking;
    bool closing;
    client_socket **sockets; /* by descriptor */
    size_t socket_cap;
    bool *told;            /* by descriptor: libcurl will tell of its end by close_socket (client_told) */
    http_transfer *active; /* doubly linked */
    http_transfer *idle;   /* handles to be used again, at most IDLE_MAX */
    unsigned idle_count;
    unsigned handles; /* libuv handles still open, with the client to be freed after the last */
};

struct http_transfer {
    CURL *easy;
    http_client *client;
    http_transfer *next, *previous;
    const http_send *send;
    http_done done;
    void *ctx;
    struct curl_slist *fields;
    http_header *headers; /* of the answer, in send->memory */
    size_t header_count, header_cap;
    unsigned starts; /* times the request was put on the wire */
    int fd;          /* the descriptor that libcurl last watched for it; -1: none */
    bool no_memory, too_large;
    bool guarded; /* the guard has refused an address; `opened`: and let another pass */
    bool opened;
    bool probing;          /* the handle is set so */
    bool streaming;        /* the handle is set so: client_stream.c */
    uint8_t paused;        /* CURLPAUSE_SEND, CURLPAUSE_RECV */
    uint8_t goes;          /* where the answer's body goes: STREAM_... */
    uint64_t uploaded;     /* of `before`, the flow, and `after` */
    char failure[200];     /* of a flow, or the guard: why the transfer was ended */
    const char *system_ca; /* what libcurl was built to trust; libcurl's own text */
    char detail[CURL_ERROR_SIZE];
};

#define IDLE_MAX 256u

bool client_sockets_init(http_client *c);
void client_sockets_close(http_client *c);
/* CURLOPT_OPENSOCKETFUNCTION, whose `ctx` is the transfer. */
curl_socket_t client_open_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *address);
/* CURLOPT_CLOSESOCKETFUNCTION: `ctx` is the client, since a connection outlives its first transfer. */
int client_close_socket(void *ctx, curl_socket_t fd);
/* The transfer's connection stands: its descriptor, if `local_port` is its own, is libcurl's for good. */
void client_told(http_transfer *t, int local_port);
/* Hands finished transfers to their callbacks. */
void client_collect(http_client *c);

/* client_probe.c: before and after a request that is a test, or that follows one on its handle. */
void client_probe_set(http_transfer *t, const http_send *s);
void client_probe_read(http_transfer *t);

/* client_stream.c: before a request whose bodies pass through flows, or that follows one on its handle. */
bool client_stream_set(http_transfer *t, const http_send *s);
/* The transfer is over. */
void client_stream_over(http_transfer *t);
/* A piece of the answer's body: what CURLOPT_WRITEFUNCTION gives. True: it was for a flow. */
bool client_stream_body(http_transfer *t, bb_str bytes, size_t *result);
/* The header is whole and no body came with it. */
void client_stream_end(http_transfer *t);

/* client_failure.c: the guard says what the address is. */
void client_refused(http_transfer *t, const char *address, const char *what);
void client_failure(const http_transfer *t, CURLcode code, http_answer *out);

#endif
