/* oauth2_grant.c - the scheme oauth2: how each grant asks for a token, and how requests carry it. */
#include "auth/oauth2_internal.h"

static const bb_str nothing = {NULL, 0};

void oauth2_add_targets(buf *form, const oauth2_settings *s) {
    bb_str rest = s->resource, one;
    oauth2_add(form, "audience", s->audience);
    while (str_split(&rest, ' ', &one)) /* RFC 8707 section 2: once for each */
        oauth2_add(form, "resource", one);
}

static void add_scope_and_targets(acquire *q) {
    oauth2_add(&q->form, "scope", oauth2_of(q)->scope);
    oauth2_add_targets(&q->form, oauth2_of(q));
}

static void ask_client_credentials(acquire *q) {
    oauth2_add(&q->form, "grant_type", STR("client_credentials"));
    add_scope_and_targets(q);
    oauth2_ask_for_token(q);
}

/* RFC 6749 section 6. The scope is left out: the same as before. */
static void ask_refresh(acquire *q) {
    const oauth2_settings *s = oauth2_of(q);
    oauth2_add(&q->form, "grant_type", STR("refresh_token"));
    oauth2_add(&q->form, "refresh_token", q->refresh);
    if (s->grant == OAUTH2_REFRESH_TOKEN)
        add_scope_and_targets(q);
    oauth2_ask_for_token(q);
}

/* RFC 7523 section 2.1; the scope also as a claim, where some services look for it. */
static void ask_jwt_bearer(acquire *q) {
    const oauth2_settings *s = oauth2_of(q);
    bb_str issuer = s->assertion_issuer.len > 0 ? s->assertion_issuer : s->client_id;
    bb_str subject = s->subject.len > 0 ? s->subject : issuer;
    bb_str audience = s->assertion_audience.len > 0 ? s->assertion_audience
                                                    : OAUTH2_ENDPOINT(q, token_url, token);
    bb_str assertion = oauth2_assertion(q, issuer, subject, audience, s->claims, s->scope);
    if (assertion.len == 0) {
        acquire_fail(q, ACQUIRE_RETRY, "the assertion cannot be signed: no memory, or the key fails");
        return;
    }
    oauth2_add(&q->form, "grant_type", STR("urn:ietf:params:oauth:grant-type:jwt-bearer"));
    oauth2_add(&q->form, "assertion", assertion);
    add_scope_and_targets(q);
    oauth2_ask_for_token(q);
}

/* RFC 8693 section 2.1 */
static void ask_exchange(acquire *q) {
    const oauth2_settings *s = oauth2_of(q);
    oauth2_add(&q->form, "grant_type", STR("urn:ietf:params:oauth:grant-type:token-exchange"));
    oauth2_add(&q->form, "subject_token", s->subject_token);
    oauth2_add(&q->form, "subject_token_type", s->subject_token_type);
    oauth2_add(&q->form, "actor_token", s->actor_token);
    oauth2_add(&q->form, "actor_token_type", s->actor_token.len > 0 ? s->actor_token_type : nothing);
    oauth2_add(&q->form, "requested_token_type", s->requested_token_type);
    add_scope_and_targets(q);
    oauth2_ask_for_token(q);
}

static void ask(acquire *q) {
    switch (oauth2_of(q)->grant) {
    case OAUTH2_CLIENT_CREDENTIALS: ask_client_credentials(q); break;
    case OAUTH2_JWT_BEARER: ask_jwt_bearer(q); break;
    case OAUTH2_TOKEN_EXCHANGE: ask_exchange(q); break;
    default: ask_refresh(q); break;
    }
}

static void acquire_token(acquire *q) {
    const oauth2_settings *s = oauth2_of(q);
    if (q->session->runtime->read_only &&
        (s->grant == OAUTH2_REFRESH_TOKEN || oauth2_needs_consent(q->config))) {
        /* the token that would come in its place could not be kept for the hub that owns the store */
        acquire_fail(q, ACQUIRE_ADMIN, "only a hub that serves can renew this token: leave --offline out");
        return;
    }
    bool changed = !str_eq(q->refresh_of, str_from(s->refresh_hash));
    if (s->grant == OAUTH2_REFRESH_TOKEN && (q->refresh.len == 0 || changed)) {
        q->refresh = arena_copy(q->memory, s->refresh_token); /* the admin's word goes before what was kept */
        q->refresh_of = str_from(s->refresh_hash);
    }
    if (oauth2_needs_consent(q->config) && q->refresh.len == 0) {
        acquire_fail(q, ACQUIRE_CONSENT, "nobody has given consent yet: run `busbar auth %s`",
                     q->session->connection);
        return;
    }
    if (s->token_url.len > 0)
        ask(q);
    else
        oauth2_discover(q, ask);
}

static bool sign(auth_ticket *t, const sign_request *r, sign_addition *out, err *e) {
    (void)r;
    out->origin = t->origin;
    return auth_sign_token(t, ((const oauth2_settings *)t->auth->config->settings)->lead, out, e);
}

static bool rejected(auth_ticket *t, const http_answer *answer) {
    return answer->status == 401 && auth_session_rejected(t);
}

static void forget(void *shared) {
    arena_free(*(arena **)shared);
}

const auth_ops oauth2_ops = {.configured = true,
                             .session = true,
                             .stored = true,
                             .revocable = true,
                             .build = oauth2_build,
                             .get = auth_session_get,
                             .sign = sign,
                             .rejected = rejected,
                             .acquire = acquire_token,
                             .consent = oauth2_needs_consent,
                             .forget = forget};
