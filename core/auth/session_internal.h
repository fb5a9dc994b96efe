/* session_internal.h - a session from within. Private to this room. */
#ifndef AUTH_SESSION_INTERNAL_H
#define AUTH_SESSION_INTERNAL_H

#include "auth/auth_internal.h"
#include "auth/session.h"

#include <pthread.h>

struct acquire;
struct auth_consent;

/* A token as requests carry it. Immutable, counted, wiped at the end. Times are milliseconds of the monotonic
 * clock unless said otherwise. */
typedef struct auth_token {
    _Atomic(unsigned) refs;
    uint64_t version;
    uint64_t obtained_ms, renew_ms, until_ms; /* UINT64_MAX: never, as far as is known */
    uint64_t expires_wall_ms;                 /* 0: unknown */
    size_t len, origin_len;
    char text[]; /* the token, a NUL, the origin it is for, a NUL */
} auth_token;

/* `origin`: the only one that gets it, in place of base_url's; absent: base_url's. Lifetime 0: unknown. */
auth_token *auth_token_new(bb_str text, bb_str origin, uint64_t age_ms, uint64_t lifetime_ms);
static inline bb_str auth_token_origin(const auth_token *t) {
    return t->origin_len > 0 ? str_of(t->text + t->len + 1, t->origin_len) : (bb_str){NULL, 0};
}
void auth_token_unref(auth_token *t); /* NULL is fine */

/* A loop's own copy of the session's token, so that calls read it without a lock. */
typedef struct auth_slot {
    _Alignas(64) uint64_t version;
    auth_token *token;
} auth_slot;

/* Why there is no token. */
typedef struct auth_failure {
    bool set, retryable;
    bool admin;              /* somebody has to do something: asked for again only after a long time */
    bool consent;            /* that something is `busbar auth` */
    uint64_t retry_after_ms; /* as the service said; 0: it did not */
    char text[512];
} auth_failure;

/* A ticket that waits. Freed on its loop. */
struct auth_wait {
    uv_timer_t timer;    /* its deadline */
    auth_ticket *ticket; /* NULL: it has gone; the loop's own */
    loop *loop;
    enum { WAIT_QUEUED, WAIT_POSTED, WAIT_LOOSE } place; /* guarded by the session's lock */
    struct auth_wait *next, *previous;                   /* of the session's list, while queued */
};

/* How the last consent that an admin began went. */
typedef struct auth_consent_state {
    char id[17];
    enum { CONSENT_NONE, CONSENT_PENDING, CONSENT_DONE, CONSENT_FAILED } outcome;
    char error[512];
    uint64_t expires_wall_ms;
} auth_consent_state;

struct auth_session {
    auth_runtime *runtime;
    auth_session *next; /* of the runtime's list, guarded by its lock, as is: */
    unsigned refs;
    char *connection;
    char identity[65];
    const auth_scheme *scheme;
    auth_slot *slots;                /* one a loop */
    _Atomic(uint64_t) version;       /* changes with the token */
    _Atomic(uint64_t) background_ms; /* from when on a token that is still good may be renewed */
    _Atomic(uint64_t) serial;        /* of the config in use */
    pthread_mutex_t lock;            /* guards the rest */
    auth_config *config;
    auth_token *token;
    char *refresh;           /* the refresh token; NULL: none */
    char *refresh_of;        /* hash of the configured one that it came from; NULL: of none */
    char *scope;             /* as granted; NULL: not said */
    _Atomic(uint64_t) epoch; /* changes when what is under way must not count any more */
    bool renewing;           /* a renewal is under way */
    struct auth_wait *waiting;
    auth_failure failure;                   /* of the last renewal; not set: it went well */
    unsigned failures;                      /* in a row */
    uint64_t retry_ms;                      /* no renewal before */
    uint64_t rejected_ms, rejection_gap_ms; /* when a token was last renewed because it was refused */
    bool unstored;                          /* the last token could not be stored */
    bool storing_again;                     /* it is on its way now */
    bool given_up;                          /* its connection was deleted: nothing is stored any more */
    auth_consent_state consent;
    void *shared; /* the scheme's own */
};

struct auth_runtime {
    store *store;
    secrets *secrets;
    bool read_only;
    unsigned loop_count;
    char *public_url; /* NULL before auth_runtime_serve */
    auth_loop *loops;
    bool closed[LOOP_MAX];      /* its client has gone, nothing is sent any more; each the loop's own */
    _Atomic(bool) any_unstored; /* of a session */
    pthread_mutex_t lock;       /* guards: */
    auth_session *sessions;
    struct acquire *acquires;
    struct auth_consent *consents;
    uint64_t serial;
};

#define AUTH_RETRY_MIN_MS 1000u
#define AUTH_RETRY_MAX_MS (5u * 60000u)
#define AUTH_RETRY_ADMIN_MS (10u * 60000u)

uint64_t auth_now_ms(void); /* monotonic */
auth_session *auth_session_ref(auth_session *s);
/* Goes on with newer settings; under the lock. */
void auth_session_adopt(auth_session *s, auth_config *config);
/* Puts a token (NULL: none) in place of the one there is. Takes the reference. Under the lock. */
void auth_session_put(auth_session *s, auth_token *token);
void auth_secret_free(char *text); /* wipes; NULL is fine */

/* session_get.c: the `get` and `rejected` of schemes whose tokens are acquired. */
auth_state auth_session_get(auth_ticket *t);
bool auth_session_rejected(auth_ticket *t);
void auth_wait_cancel(auth_ticket *t);
/* Tells the waiting that something has changed. Takes the list that was detached. */
struct auth_wait *auth_session_detach(auth_session *s); /* under the lock */
void auth_session_wake(auth_session *s, struct auth_wait *list);

void auth_consent_free_all(auth_runtime *r);

/* session_store.c */
void auth_session_load(auth_session *s); /* [main] */
/* A sealed blob of what an acquisition brought, in `a`; absent: no memory. */
bb_str auth_session_seal(auth_session *s, const struct acquire *q);
bb_str auth_session_name(const auth_session *s, arena *a);

#endif
