/* schemes_digest.c - the scheme digest (RFC 7616): the service's challenge is kept in the session, and
 * answered with a count of its own for each request (section 3.4). */
#include "auth/schemes_internal.h"

#include "auth/digest.h"
#include "auth/session_internal.h"

const auth_field auth_digest_fields[] = {{"username", true, false, NULL, "user name", false},
                                         {"password", false, true, "", "password; may be empty", false},
                                         {0}};

typedef struct digest_settings {
    bb_str username, password;
} digest_settings;

/* A challenge and how often it was answered. The arena comes first, for `forget`. */
typedef struct digest_state {
    arena *memory;
    digest_challenge challenge;
    uint32_t count;
} digest_state;

static const char *const authorization[] = {"Authorization", NULL};

static bool build(auth_reading *r, auth *out, err *e) {
    digest_settings *s = arena_zalloc(r->memory, sizeof *s);
    if (s == NULL)
        return err_set(e, "no memory");
    *s = (digest_settings){auth_value(r, "username"), auth_value(r, "password")};
    out->config->settings = s;
    out->fields = authorization;
    return true;
}

static void forget(void *shared) {
    arena_free(((digest_state *)shared)->memory);
}

static bb_str copy(arena *a, bb_str s) {
    return s.ptr != NULL ? arena_copy(a, s) : s;
}

static digest_challenge copy_challenge(arena *a, const digest_challenge *c) {
    digest_challenge out = *c;
    out.realm = copy(a, c->realm);
    out.nonce = copy(a, c->nonce);
    out.opaque = copy(a, c->opaque);
    out.algorithm = copy(a, c->algorithm);
    out.qop = copy(a, c->qop);
    return out;
}

/* The challenge to be answered, and which time this is; 0: there is none yet. */
static uint32_t take_challenge(auth_session *s, arena *a, digest_challenge *out) {
    uint32_t count = 0;
    pthread_mutex_lock(&s->lock);
    digest_state *d = s->shared;
    if (d != NULL) {
        *out = copy_challenge(a, &d->challenge);
        count = ++d->count;
    }
    pthread_mutex_unlock(&s->lock);
    return count;
}

static bool sign(auth_ticket *t, const sign_request *r, sign_addition *out, err *e) {
    const digest_settings *s = t->auth->config->settings;
    digest_challenge challenge;
    if (t->auth->session == NULL)
        return err_set(e, "digest needs a hub that serves");
    uint32_t count = take_challenge(t->auth->session, t->memory, &challenge);
    if (count == 0)
        return true; /* the service will say how */
    t->token = challenge.nonce;
    return digest_sign(t->memory, &challenge, s->username, s->password, count, r, out) ||
           err_set(e, "the request cannot be signed: no memory, its URL cannot be taken apart, or the "
                      "service wants a "
                      "file's bytes in the digest (qop=auth-int)");
}

static bool read_challenge(const http_answer *answer, digest_state **out) {
    arena *memory = arena_new(0);
    digest_state *d = memory != NULL ? arena_zalloc(memory, sizeof *d) : NULL;
    bool found = false;
    for (size_t i = 0; d != NULL && !found && i < answer->header_count; i++)
        found = str_eq_nocase(answer->headers[i].name, STR("WWW-Authenticate")) &&
                digest_challenge_read(memory, answer->headers[i].value, &d->challenge);
    if (!found) {
        arena_free(memory);
        return false;
    }
    d->challenge = copy_challenge(memory, &d->challenge); /* no slice of the answer */
    d->memory = memory;
    *out = d;
    return true;
}

/* A challenge that says nothing new to credentials that were sent means that they are wrong. */
static bool rejected(auth_ticket *t, const http_answer *answer) {
    auth_session *s = t->auth->session;
    digest_state *fresh;
    if (s == NULL || answer->status != 401 || !read_challenge(answer, &fresh))
        return false;
    bool answered = t->token.len > 0;
    bool again = !answered || fresh->challenge.stale || !str_eq(fresh->challenge.nonce, t->token);
    pthread_mutex_lock(&s->lock);
    digest_state *old = s->shared;
    s->shared = fresh;
    pthread_mutex_unlock(&s->lock);
    if (old != NULL)
        forget(old);
    return again;
}

const auth_ops auth_digest_ops = {.configured = true,
                                  .session = true,
                                  .build = build,
                                  .sign = sign,
                                  .rejected = rejected,
                                  .forget = forget};
