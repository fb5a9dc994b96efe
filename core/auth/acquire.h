/* acquire.h - one attempt to obtain a token, or something on the way to one: requests of its own on one loop,
 * an outcome, and who is told of it.
 *
 * A scheme's `acquire` begins; each request goes on in `then`; the end is acquire_succeed, acquire_fail or
 * acquire_end, after which the object is not to be touched. Everything belongs to the loop's thread. */
#ifndef AUTH_ACQUIRE_H
#define AUTH_ACQUIRE_H

#include "auth/session_internal.h"

typedef struct acquire acquire;

/* What a token endpoint gave. Texts live until the end. */
typedef struct acquire_tokens {
    bb_str access, refresh, scope; /* refresh, scope: absent where it gave none */
    bb_str origin;                 /* of requests with the token: auth_token_new */
    uint64_t lifetime_ms;          /* 0: it did not say */
} acquire_tokens;

struct acquire {
    auth_session *session; /* counted */
    auth_config *config;   /* counted: the settings that it goes by */
    auth_loop loop;
    uint64_t epoch; /* of the session, when it began */
    bool renewal;   /* the one that tickets wait for */
    arena *memory;
    bb_str refresh;    /* the refresh token that is there, unless the answer has another; absent: none */
    bb_str refresh_of; /* hash of the configured one that it came from; absent: of none */
    bb_str scope;      /* as granted before; absent: not said */
    /* the request under way */
    http_target target;
    http_send send;
    http_transfer *transfer;
    buf form, answer;
    bb_str url; /* of it, for messages */
    void (*then)(acquire *q, const http_answer *answer);
    struct acquire_timer *timer;
    /* the outcome */
    acquire_tokens tokens;
    auth_failure failure;     /* not set: it went well */
    void (*done)(acquire *q); /* NULL: nobody asks; last of all, before it is freed */
    void *ctx;
    void *work;                /* of the scheme */
    void (*go_on)(acquire *q); /* after discovery */
    acquire *next, *previous;  /* of the runtime's */
};

/* NULL: no memory. */
acquire *acquire_new(auth_session *s, auth_config *config, const auth_loop *l);
/* Begins the renewal that was marked in the session; its end is told to the waiting. */
void acquire_renewal(auth_session *s, const auth_loop *l);

/* False: the loop's client has gone, as the hub stops, and q has failed. */
bool acquire_may_send(acquire *q);
/* Sends q->form as a POST, or a GET where it is empty. `header`: one more, "Name: value", or absent. */
void acquire_send(acquire *q, bb_str url, bb_str header, void (*then)(acquire *q, const http_answer *answer));
void acquire_after(acquire *q, uint64_t ms, void (*then)(acquire *q));

/* The tokens go to the store, then into use. */
void acquire_succeed(acquire *q);
#define ACQUIRE_RETRY 1u   /* it may work when tried again */
#define ACQUIRE_ADMIN 2u   /* somebody has to do something first */
#define ACQUIRE_CONSENT 4u /* `busbar auth` */
__attribute__((format(printf, 3, 4))) void acquire_fail(acquire *q, unsigned flags, const char *format, ...);
/* The service could not be asked: by what the client met. */
void acquire_fail_by_transport(acquire *q, const http_answer *answer);
/* Ends it as it is: for what brings no token. */
void acquire_end(acquire *q);

/* "api.example.org:8443" of a URL, for messages. */
bb_str acquire_host(bb_str url);
/* A text of others for a message: cut, no control characters; and with secrets taken out. */
bb_str auth_clean(arena *a, bb_str text, size_t max);
bb_str acquire_clean(acquire *q, bb_str text, size_t max);

void acquire_free(acquire *q);          /* acquire_end's last step */
void acquire_free_all(auth_runtime *r); /* when all loops have ended */

#endif
