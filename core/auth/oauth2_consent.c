/* oauth2_consent.c - the authorization code grant: RFC 6749 section 4.1 with PKCE (RFC 7636, S256), `state`
 * and `iss` (RFC 9207). */
#include "auth/oauth2_consent.h"

#include "auth/oauth2_internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "plugin/host_crypto.h"

#include <stdio.h>
#include <stdlib.h>

#define CONSENT_MS (10u * 60000u)
#define RANDOM_BYTES 32
#define RANDOM_TEXT 44

/* An authorization request that the service has not answered yet. */
struct auth_consent {
    struct auth_consent *next;
    auth_session *session; /* counted */
    auth_config *config;   /* counted */
    char state[RANDOM_TEXT], verifier[RANDOM_TEXT], id[17];
    char *redirect;
    uint64_t begun_ms;
};

static void consent_free(struct auth_consent *c) {
    if (c == NULL)
        return;
    auth_config_unref(c->config);
    auth_session_unref(c->session);
    free(c->redirect);
    explicit_bzero(c, sizeof *c);
    free(c);
}

void auth_consent_free_all(auth_runtime *r) {
    while (r->consents != NULL) {
        struct auth_consent *c = r->consents;
        r->consents = c->next;
        consent_free(c);
    }
}

static bool random_text(char out[RANDOM_TEXT]) {
    uint8_t bytes[RANDOM_BYTES];
    if (host_crypto.random(bytes, sizeof bytes) != BB_OK)
        return false;
    size_t n = host_crypto.base64url_encode(str_of(bytes, sizeof bytes), out, RANDOM_TEXT - 1);
    explicit_bzero(bytes, sizeof bytes);
    out[n < RANDOM_TEXT ? n : 0] = '\0';
    return n < RANDOM_TEXT;
}

/* --- how it goes, for the admin ---------------------------------------------------------------------- */

bool oauth2_consent_mark(auth_session *s, char id[17], uint64_t lifetime_ms) {
    uint8_t bytes[8];
    if (host_crypto.random(bytes, sizeof bytes) != BB_OK)
        return false;
    host_crypto.hex_encode(str_of(bytes, sizeof bytes), id, 16);
    id[16] = '\0';
    pthread_mutex_lock(&s->lock);
    s->consent = (auth_consent_state){.outcome = CONSENT_PENDING,
                                      .expires_wall_ms = clock_wall_ms() + lifetime_ms};
    memcpy(s->consent.id, id, sizeof s->consent.id);
    pthread_mutex_unlock(&s->lock);
    return true;
}

bool oauth2_consent_current(auth_session *s, const char *id) {
    pthread_mutex_lock(&s->lock);
    bool same = strcmp(s->consent.id, id) == 0 && s->consent.outcome == CONSENT_PENDING;
    pthread_mutex_unlock(&s->lock);
    return same;
}

void oauth2_consent_outcome(auth_session *s, const char *id, const char *error) {
    pthread_mutex_lock(&s->lock);
    if (strcmp(s->consent.id, id) == 0) {
        s->consent.outcome = error == NULL ? CONSENT_DONE : CONSENT_FAILED;
        snprintf(s->consent.error, sizeof s->consent.error, "%s", error != NULL ? error : "");
    }
    pthread_mutex_unlock(&s->lock);
    if (error == NULL)
        log_info("connection %s: consent was given, and it has a token", s->connection);
    else
        log_warn("connection %s: no consent: %s", s->connection, error);
}

/* --- the authorization request ----------------------------------------------------------------------- */

static struct auth_consent *consent_new(acquire *q) {
    struct auth_consent *c = calloc(1, sizeof *c);
    const char *base = q->session->runtime->public_url;
    if (c == NULL)
        return NULL;
    c->session = auth_session_ref(q->session);
    c->config = auth_config_ref(q->config);
    c->begun_ms = auth_now_ms();
    if (base == NULL || asprintf(&c->redirect, "%s/oauth/callback", base) < 0)
        c->redirect = NULL;
    if (c->redirect != NULL && random_text(c->state) && random_text(c->verifier) &&
        oauth2_consent_mark(q->session, c->id, CONSENT_MS))
        return c;
    consent_free(c);
    return NULL;
}

/* Takes out those of a session, and those that are too old to be answered. They hold sessions. Under the
 * runtime's lock; to be freed after. */
static struct auth_consent *take_out(auth_runtime *r, const auth_session *s) {
    struct auth_consent *out = NULL;
    uint64_t now = auth_now_ms();
    for (struct auth_consent **at = &r->consents; *at != NULL;) {
        struct auth_consent *c = *at;
        if (c->session != s && now - c->begun_ms <= CONSENT_MS) {
            at = &c->next;
            continue;
        }
        *at = c->next;
        c->next = out;
        out = c;
    }
    return out;
}

/* In place of an earlier one of the same session. */
static void keep(auth_runtime *r, struct auth_consent *c) {
    pthread_mutex_lock(&r->lock);
    struct auth_consent *old = take_out(r, c->session);
    c->next = r->consents;
    r->consents = c;
    pthread_mutex_unlock(&r->lock);
    for (struct auth_consent *next; old != NULL; old = next) {
        next = old->next;
        consent_free(old);
    }
}

static bool write_url(acquire *q, const struct auth_consent *c, bb_str endpoint, buf *url) {
    const oauth2_settings *s = oauth2_of(q);
    uint8_t digest[BB_HASH_MAX];
    char challenge[RANDOM_TEXT];
    buf query;
    buf_init(&query);
    size_t n = host_crypto.digest(BB_SHA256, str_from(c->verifier), digest);
    size_t written = host_crypto.base64url_encode(str_of(digest, n), challenge, sizeof challenge);
    oauth2_add(&query, "response_type", STR("code"));
    oauth2_add(&query, "client_id", s->client_id);
    oauth2_add(&query, "redirect_uri", str_from(c->redirect));
    oauth2_add(&query, "scope", s->scope);
    oauth2_add(&query, "state", str_from(c->state));
    oauth2_add(&query, "code_challenge", str_of(challenge, written < sizeof challenge ? written : 0));
    oauth2_add(&query, "code_challenge_method", STR("S256"));
    oauth2_add_targets(&query, s);
    oauth2_add_all(&query, s->authorize_parameters);
    buf_str_add(url, endpoint);
    buf_char(url, memchr(endpoint.ptr, '?', endpoint.len) != NULL ? '&' : '?');
    buf_str_add(url, buf_str(&query));
    bool ok = !query.failed && !url->failed;
    buf_free(&query);
    return ok;
}

void oauth2_begin_code(acquire *q) {
    bb_str endpoint = OAUTH2_ENDPOINT(q, authorize_url, authorize);
    if (endpoint.len == 0) {
        acquire_fail(q, ACQUIRE_ADMIN, "the issuer names no authorization endpoint: give authorize_url");
        return;
    }
    struct auth_consent *c = consent_new(q);
    buf url;
    buf_init(&url);
    if (c != NULL && write_url(q, c, endpoint, &url)) {
        char id[17];
        memcpy(id, c->id, sizeof id);
        keep(q->session->runtime, c); /* from here on it may be answered, and gone */
        auth_begun begun = {
            .kind = "authorization_code", .id = id, .url = buf_str(&url), .expires_in_s = CONSENT_MS / 1000};
        oauth2_begun(q, &begun);
        acquire_end(q);
    } else {
        consent_free(c);
        acquire_fail(q, ACQUIRE_RETRY,
                     "consent cannot be asked for: no memory, or the hub is not serving yet");
    }
    buf_free(&url);
}

/* --- the answer -------------------------------------------------------------------------------------- */

static struct auth_consent *take(auth_runtime *r, bb_str state) {
    struct auth_consent *found = NULL;
    pthread_mutex_lock(&r->lock);
    for (struct auth_consent **at = &r->consents; *at != NULL && found == NULL;) {
        if (host_crypto.equal(str_from((*at)->state), state) == 1) {
            found = *at;
            *at = found->next;
        } else {
            at = &(*at)->next;
        }
    }
    pthread_mutex_unlock(&r->lock);
    return found;
}

/* An exchange of a code, and who waits for it. */
typedef struct exchange {
    auth_callback_done done;
    void *ctx;
    char id[17];
} exchange;

static void on_exchanged(acquire *q) {
    exchange *x = q->work;
    const char *error = q->failure.set ? q->failure.text : NULL;
    oauth2_consent_outcome(q->session, x->id, error);
    x->done(error == NULL, q->session->connection, error != NULL ? error : "the connection has a token",
            x->ctx);
}

static void begin_exchange(const struct auth_consent *c, const auth_loop *l, bb_str code,
                           auth_callback_done done, void *ctx) {
    acquire *q = acquire_new(c->session, c->config, l);
    exchange *x = q != NULL ? arena_zalloc(q->memory, sizeof *x) : NULL;
    if (x == NULL) {
        if (q != NULL)
            acquire_fail(q, ACQUIRE_RETRY, "no memory");
        done(false, c->session->connection, "no memory to exchange the code", ctx);
        return;
    }
    *x = (exchange){.done = done, .ctx = ctx};
    memcpy(x->id, c->id, sizeof x->id);
    q->work = x;
    q->done = on_exchanged;
    oauth2_add(&q->form, "grant_type", STR("authorization_code"));
    oauth2_add(&q->form, "code", code);
    oauth2_add(&q->form, "redirect_uri", str_from(c->redirect));
    oauth2_add(&q->form, "code_verifier", str_from(c->verifier));
    oauth2_add_targets(&q->form, oauth2_of(q));
    oauth2_ask_for_token(q);
}

/* NULL: the answer is one to what was asked. */
static const char *what_is_wrong(const struct auth_consent *c, const auth_callback *b, arena *a) {
    bool required = false;
    bb_str issuer = oauth2_issuer_of(c->session, c->config, &required);
    if (!oauth2_consent_current(c->session, c->id))
        return "it was taken back meanwhile: begin again";
    if (auth_now_ms() - c->begun_ms > CONSENT_MS)
        return "it took longer than ten minutes: begin again";
    if (b->iss.len > 0 ? issuer.len > 0 && !str_eq(b->iss, issuer) : required)
        return "the answer does not come from the authorization server that was asked (iss): begin again, "
               "and "
               "check issuer";
    if (b->error.len > 0) {
        bb_str words = auth_clean(a, b->error_description, 200);
        return arena_printf(a, "the service says %.*s%s%.*s", STR_FMT(auth_clean(a, b->error, 64)),
                            words.len > 0 ? ": " : "", STR_FMT(words))
            .ptr;
    }
    return b->code.len > 0 && b->code.len <= 4096 ? NULL : "the answer has no code";
}

void auth_consent_callback(auth_runtime *r, const auth_loop *l, const auth_callback *b,
                           auth_callback_done done, void *ctx) {
    struct auth_consent *c = b->state.len == RANDOM_TEXT - 1 ? take(r, b->state) : NULL;
    arena *a = arena_new(0);
    if (c == NULL || a == NULL) {
        done(false, "", "this consent is not known, or has been used: begin again with `busbar auth`", ctx);
    } else {
        const char *wrong = what_is_wrong(c, b, a);
        if (wrong == NULL) {
            begin_exchange(c, l, b->code, done, ctx);
        } else {
            oauth2_consent_outcome(c->session, c->id, wrong);
            done(false, c->session->connection, wrong, ctx);
        }
    }
    arena_free(a);
    consent_free(c);
}
