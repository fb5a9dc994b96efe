/* oauth2_revoke.c - tokens taken back: forgotten here, and revoked at the service (RFC 7009) as far as it
 * lets. */
#include "auth/oauth2_internal.h"

#include "base/log.h"
#include "store/tokens.h"

#include <stdlib.h>

typedef struct revocation {
    bb_str access; /* absent: none */
    bool refresh;  /* that one is being revoked now */
    bool refused;
    auth_revoked done;
    void *ctx;
} revocation;

static void tell(auth_revoked done, void *ctx, bool ok, const char *text) {
    if (done != NULL)
        done(ok, text, ctx);
}

static void on_end(acquire *q) {
    revocation *v = q->work;
    bool ok = !q->failure.set && !v->refused;
    const char *text = q->failure.set ? q->failure.text
                       : v->refused   ? "the service refuses to revoke the tokens; they are forgotten here"
                                      : "the tokens are revoked and forgotten";
    if (ok)
        log_info("connection %s: %s", q->session->connection, text);
    else
        log_warn("connection %s: its tokens are forgotten, but not revoked: %s", q->session->connection,
                 text);
    if (v->access.len > 0)
        str_wipe(v->access);
    tell(v->done, v->ctx, ok, text);
}

static void send_one(acquire *q);

static void on_revoked(acquire *q, const http_answer *answer) {
    revocation *v = q->work;
    if (answer->failure != HTTP_FAIL_NONE) {
        acquire_fail_by_transport(q, answer);
        return;
    }
    v->refused = v->refused || answer->status < 200 || answer->status > 299;
    if (v->refresh && v->access.len > 0) {
        v->refresh = false;
        send_one(q);
    } else {
        acquire_end(q);
    }
}

static void send_one(acquire *q) {
    revocation *v = q->work;
    bb_str url = OAUTH2_ENDPOINT(q, revoke_url, revoke), header;
    if (url.len == 0) {
        acquire_fail(q, ACQUIRE_ADMIN,
                     "the service has no revocation endpoint that is known: give revoke_url");
        return;
    }
    buf_clear(&q->form);
    oauth2_add(&q->form, "token", v->refresh ? q->refresh : v->access);
    oauth2_add(&q->form, "token_type_hint", v->refresh ? STR("refresh_token") : STR("access_token"));
    if (oauth2_authenticate(q, url, &header))
        acquire_send(q, url, header, on_revoked);
}

static void begin_on_loop(loop *l, void *arg) {
    acquire *q = arg;
    (void)l;
    if (oauth2_of(q)->revoke_url.len > 0)
        send_one(q);
    else
        oauth2_discover(q, send_one);
}

/* Takes everything out of the session; what is under way will not count. The tokens go to q. */
static void forget(acquire *q, revocation *v, bool for_good) {
    auth_session *s = q->session;
    pthread_mutex_lock(&s->lock);
    s->given_up = for_good;
    s->epoch++;
    if (s->token != NULL)
        v->access = arena_copy(q->memory, str_of(s->token->text, s->token->len));
    auth_session_put(s, NULL);
    q->refresh = s->refresh != NULL ? arena_copy(q->memory, str_from(s->refresh)) : (bb_str){NULL, 0};
    auth_secret_free(s->refresh);
    s->refresh = NULL;
    s->failure = (auth_failure){0};
    s->failures = 0;
    s->retry_ms = 0;
    s->consent = (auth_consent_state){0};
    pthread_mutex_unlock(&s->lock);
}

static store_result delete_stored(auth_session *s, arena *a) {
    auth_runtime *r = s->runtime;
    if (r->store == NULL || r->read_only || !s->scheme->ops->stored)
        return STORE_OK;
    bb_str name = auth_session_name(s, a);
    store_result result = name.ptr != NULL ? store_token_delete(r->store, name) : STORE_FAILED;
    return result == STORE_NOT_FOUND ? STORE_OK : result;
}

/* NULL: no memory; told already. */
static acquire *prepare(const auth *a, const auth_loop *l, bool for_good, auth_revoked done, void *ctx) {
    acquire *q = acquire_new(a->session, a->config, l);
    revocation *v = q != NULL ? arena_zalloc(q->memory, sizeof *v) : NULL;
    if (v == NULL) {
        if (q != NULL)
            acquire_end(q);
        tell(done, ctx, false, "no memory to revoke the tokens");
        return NULL;
    }
    *v = (revocation){.done = done, .ctx = ctx};
    q->work = v;
    q->tokens = (acquire_tokens){.lifetime_ms = 0};
    forget(q, v, for_good);
    v->refresh = q->refresh.len > 0;
    return q;
}

void auth_revoke(const auth *a, unsigned loop_number, bool for_good, auth_revoked done, void *ctx) {
    auth_session *s = a->session;
    const auth_runtime *r = s != NULL ? s->runtime : NULL;
    if (s == NULL || s->scheme->ops->acquire == NULL || r->loops == NULL) {
        tell(done, ctx, true, "the connection has no tokens");
        return;
    }
    acquire *q = prepare(a, &r->loops[loop_number], for_good, done, ctx);
    if (q == NULL)
        return;
    const revocation *v = q->work;
    store_result stored = delete_stored(s, q->memory);
    if (stored != STORE_OK)
        log_error("connection %s: its tokens cannot be deleted from the store: %s", s->connection,
                  store_result_text(stored));
    bool asks = s->scheme->ops->revocable && (v->refresh || v->access.len > 0);
    if (asks) {
        q->done = on_end;
        if (loop_post(q->loop.loop, begin_on_loop, q))
            return;
    }
    tell(done, ctx, stored == STORE_OK && !asks,
         stored != STORE_OK ? store_result_text(stored)
         : asks             ? "no memory to revoke the tokens; they are forgotten here"
                            : "the connection had no tokens to revoke; what there was is forgotten");
    q->done = NULL;
    acquire_end(q);
}
