/* schemes_token.c - the scheme jwt: tokens that the hub signs itself, kept until shortly before they expire,
 * or made for each request. */
#include "auth/schemes_internal.h"

#include "auth/acquire.h"
#include "auth/jwt.h"
#include "base/clock.h"
#include "plugin/host_crypto.h"

const auth_field auth_jwt_fields[] = {
    {"algorithm", false, false, "RS256", "HS256, RS256, PS256, ES256 (or 384, 512) or EdDSA", false},
    {"key", true, true, NULL, "the private key (PEM), or the secret for HS256 and its like", true},
    {"kid", false, false, NULL, "the key's id (header kid)", false},
    {"issuer", false, false, NULL, "claim iss", false},
    {"subject", false, false, NULL, "claim sub", false},
    {"audience", false, false, NULL, "claim aud", false},
    {"lifetime", false, false, "5m", "how long a token is good (claim exp)", false},
    {"claims", false, false, NULL, "further claims, a JSON object; they go before the ones above", true},
    {"cache", false, false, "yes", "yes: a token is used until shortly before it expires; no: one a request",
     false},
    {"header", false, false, "Authorization", "header field that takes the token", false},
    {"prefix", false, false, "Bearer", "word before the token; may be empty", false},
    {0}};

typedef struct jwt_settings {
    jwt_key *key;
    bb_str kid, issuer, subject, audience, lead;
    const json_value *claims;
    uint64_t lifetime_ms;
    bool cache;
} jwt_settings;

static void destroy(void *settings) {
    jwt_key_free(((jwt_settings *)settings)->key);
}

static bool build(auth_reading *r, auth *out, err *e) {
    jwt_settings *s = arena_zalloc(r->memory, sizeof *s);
    err why = {""};
    if (s == NULL)
        return err_set(e, "no memory");
    out->config->settings = s;
    out->config->destroy = destroy;
    s->kid = auth_value(r, "kid");
    s->issuer = auth_value(r, "issuer");
    s->subject = auth_value(r, "subject");
    s->audience = auth_value(r, "audience");
    if (!jwt_algorithm_ok(auth_value(r, "algorithm")))
        return auth_fail(r, e, "algorithm",
                         "is \"%.*s\": allowed are HS, RS, PS, ES with 256, 384 or 512, and EdDSA",
                         STR_FMT(auth_value(r, "algorithm")));
    s->key = jwt_key_new(auth_value(r, "algorithm"), auth_value(r, "key"), &why);
    if (s->key == NULL)
        return auth_fail(r, e, "key", "cannot be used: %s", why.text);
    return auth_read_duration(r, "lifetime", 1000, 86400000, &s->lifetime_ms, e) &&
           auth_read_object(r, "claims", &s->claims, e) && auth_read_bool(r, "cache", &s->cache, e) &&
           auth_read_lead(r, &s->lead, out, e);
}

/* --- minting ----------------------------------------------------------------------------------------- */

static void member(json_writer *w, const jwt_settings *s, const char *name, bb_str value) {
    if (value.len > 0 && json_get(s->claims, str_from(name)) == NULL)
        json_member_string(w, str_from(name), value);
}

static void member_time(json_writer *w, const jwt_settings *s, const char *name, uint64_t seconds) {
    if (json_get(s->claims, str_from(name)) == NULL)
        json_member_u64(w, str_from(name), seconds);
}

/* `id`: for the claim jti; absent: none, as of a token that is used again. */
static bb_str mint(arena *a, const jwt_settings *s, uint64_t now_ms, bb_str id) {
    buf claims;
    buf_init(&claims);
    json_writer w;
    json_writer_init(&w, &claims);
    json_object(&w);
    member(&w, s, "iss", s->issuer);
    member(&w, s, "sub", s->subject);
    member(&w, s, "aud", s->audience);
    member(&w, s, "jti", id);
    member_time(&w, s, "iat", now_ms / 1000);
    member_time(&w, s, "exp", (now_ms + s->lifetime_ms) / 1000);
    for (json_iter it = json_iterate(s->claims); json_next(&it);) {
        json_key(&w, it.key);
        json_put_value(&w, it.value);
    }
    json_object_end(&w);
    bb_str token = json_writer_finish(&w) ? jwt_mint(a, s->key, s->kid, (bb_str){NULL, 0}, buf_str(&claims))
                                          : (bb_str){NULL, 0};
    buf_free(&claims);
    return token;
}

static void acquire_token(acquire *q) {
    const jwt_settings *s = q->config->settings;
    q->tokens.access = mint(q->memory, s, clock_wall_ms(), (bb_str){NULL, 0});
    q->tokens.lifetime_ms = s->lifetime_ms;
    if (q->tokens.access.len > 0)
        acquire_succeed(q);
    else
        acquire_fail(q, ACQUIRE_RETRY, "the token cannot be signed: no memory, or the key fails");
}

static auth_state get(auth_ticket *t) {
    const jwt_settings *s = t->auth->config->settings;
    return s->cache ? auth_session_get(t) : AUTH_READY;
}

static bool sign(auth_ticket *t, const sign_request *r, sign_addition *out, err *e) {
    const jwt_settings *s = t->auth->config->settings;
    char id[32];
    if (!s->cache) {
        size_t n = host_crypto.hex_encode(str_of(r->random, sizeof r->random), id, sizeof id);
        t->token = mint(t->memory, s, r->now_ms, str_of(id, n));
    }
    return auth_sign_token(t, s->lead, out, e);
}

static bool rejected(auth_ticket *t, const http_answer *answer) {
    const jwt_settings *s = t->auth->config->settings;
    return s->cache && answer->status == 401 && auth_session_rejected(t);
}

const auth_ops auth_jwt_ops = {.configured = true,
                               .session = true,
                               .build = build,
                               .get = get,
                               .sign = sign,
                               .rejected = rejected,
                               .acquire = acquire_token};
