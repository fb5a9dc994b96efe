/* oauth2_begin.c - `busbar auth`: what a connection's grant needs to have a token. */
#include "auth/oauth2_internal.h"

#include "base/clock.h"

#include <stdlib.h>

void oauth2_begun(acquire *q, const auth_begun *begun) {
    oauth2_begin *b = q->work;
    auth_begun_done done = b->done;
    b->done = NULL;
    if (done != NULL)
        done(begun, b->ctx);
}

static void on_end(acquire *q) {
    if (q->failure.set) {
        auth_begun begun = {.problem = PROBLEM_CREDENTIALS_UNAVAILABLE, .detail = str_from(q->failure.text)};
        oauth2_begun(q, &begun);
    }
}

static void begin_consent(const auth *a, const auth_loop *l, auth_begun_done done, void *ctx) {
    acquire *q = acquire_new(a->session, a->config, l);
    oauth2_begin *b = q != NULL ? arena_zalloc(q->memory, sizeof *b) : NULL;
    if (b == NULL) {
        if (q != NULL)
            acquire_end(q);
        done(&(auth_begun){.problem = PROBLEM_OVERLOADED, .detail = STR("no memory")}, ctx);
        return;
    }
    *b = (oauth2_begin){done, ctx};
    q->work = b;
    q->done = on_end;
    bool device = oauth2_of(q)->grant == OAUTH2_DEVICE_CODE;
    oauth2_discover(q, device ? oauth2_begin_device : oauth2_begin_code);
}

/* --- grants that need nobody: a new token at once ---------------------------------------------------- */

/* A ticket of its own: it takes part in the one renewal that is under way like any call. */
typedef struct fetch {
    auth auth; /* its own references: the connection may go meanwhile */
    auth_loop loop;
    arena *memory;
    auth_ticket ticket;
    auth_begun_done done;
    void *ctx;
} fetch;

#define FETCH_MS 60000u

static void end_fetch(fetch *f) {
    auth_begun begun = {.kind = "token"};
    if (f->ticket.state == AUTH_FAILED) {
        begun.problem = f->ticket.problem;
        begun.detail = f->ticket.detail;
    }
    f->done(&begun, f->ctx);
    auth_release(&f->auth);
    arena_free(f->memory);
    free(f);
}

static void on_fetched(auth_ticket *t, void *ctx) {
    (void)t;
    end_fetch(ctx);
}

static void begin_fetch(const auth *a, const auth_loop *l, auth_begun_done done, void *ctx) {
    auth_session *s = a->session;
    fetch *f = calloc(1, sizeof *f);
    if (f == NULL || (f->memory = arena_new(0)) == NULL) {
        free(f);
        done(&(auth_begun){.problem = PROBLEM_OVERLOADED, .detail = STR("no memory")}, ctx);
        return;
    }
    f->auth = (auth){.scheme = a->scheme, .serial = a->serial};
    f->auth.config = auth_config_ref(a->config);
    f->auth.session = auth_session_ref(s);
    f->loop = *l;
    f->done = done;
    f->ctx = ctx;
    f->ticket = (auth_ticket){.auth = &f->auth,
                              .loop = &f->loop,
                              .memory = f->memory,
                              .deadline_ns = clock_ns() + FETCH_MS * 1000000ull,
                              .woken = on_fetched,
                              .ctx = f};
    pthread_mutex_lock(&s->lock);
    s->retry_ms = 0; /* whoever asks has mended what failed */
    auth_session_put(s, NULL);
    pthread_mutex_unlock(&s->lock);
    if (auth_ticket_get(&f->ticket) != AUTH_WAIT)
        end_fetch(f);
}

void auth_consent_begin(const auth *a, const auth_loop *l, auth_begun_done done, void *ctx) {
    if (a->session == NULL || a->scheme->ops->acquire == NULL) {
        done(&(auth_begun){.problem = PROBLEM_UNSUPPORTED,
                           .detail = STR(
                               "this connection's auth scheme has no tokens that could be asked for")},
             ctx);
        return;
    }
    pthread_mutex_lock(&a->session->lock);
    auth_session_adopt(a->session, a->config);
    pthread_mutex_unlock(&a->session->lock);
    if (a->scheme->ops->consent != NULL && a->scheme->ops->consent(a->config))
        begin_consent(a, l, done, ctx);
    else
        begin_fetch(a, l, done, ctx);
}
