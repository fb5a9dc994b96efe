/* oauth2_settings.c - [auth] scheme = oauth2, read and checked. */
#include "auth/oauth2.h"

#include "plugin/url.h"

const auth_field oauth2_fields[] = {
    {"grant", false, false, "client_credentials",
     "client_credentials, authorization_code, refresh_token, jwt_bearer, token_exchange or device_code",
     false},
    {"token_url", false, false, NULL, "the token endpoint; or give issuer", false},
    {"authorize_url", false, false, NULL, "authorization_code: the authorization endpoint; or give issuer",
     false},
    {"device_url", false, false, NULL, "device_code: the device authorization endpoint; or give issuer",
     false},
    {"revoke_url", false, false, NULL, "where tokens are revoked (RFC 7009); or give issuer", false},
    {"issuer", false, false, NULL, "the authorization server, whose endpoints are then discovered (RFC 8414)",
     false},
    {"client_id", false, false, NULL, "the client's id at the service; not needed for jwt_bearer", false},
    {"client_secret", false, true, NULL, "the client's secret", false},
    {"client_auth", false, false, NULL,
     "client_secret_basic, client_secret_post, private_key_jwt, tls_client_auth or none; default: by what is "
     "given",
     false},
    {"scope", false, false, NULL, "scopes, with blanks between", false},
    {"audience", false, false, NULL, "the parameter audience, where the service wants one", false},
    {"resource", false, false, NULL, "the parameter resource (RFC 8707); several with blanks between", false},
    {"refresh_token", false, true, NULL, "refresh_token: the first one; those that follow are kept", false},
    {"key", false, true, NULL, "jwt_bearer, private_key_jwt: the private key (PEM), or secret for HS256",
     true},
    {"algorithm", false, false, "RS256", "of the key: RS256, ES256, EdDSA, ...", false},
    {"kid", false, false, NULL, "the key's id, where the service wants one", false},
    {"subject", false, false, NULL, "jwt_bearer: on whose behalf; default: the assertion's issuer", false},
    {"assertion_issuer", false, false, NULL, "jwt_bearer: `iss` of the assertion; default client_id", false},
    {"assertion_audience", false, false, NULL, "`aud` of assertions; default the token endpoint", false},
    {"assertion_lifetime", false, false, "5m", "how long an assertion is good", false},
    {"claims", false, false, NULL, "jwt_bearer: further claims, a JSON object", true},
    {"subject_token", false, true, NULL, "token_exchange: the token that is exchanged", false},
    {"subject_token_type", false, false, "urn:ietf:params:oauth:token-type:access_token",
     "token_exchange: its type", false},
    {"actor_token", false, true, NULL, "token_exchange: who acts", false},
    {"actor_token_type", false, false, NULL, "token_exchange: its type", false},
    {"requested_token_type", false, false, NULL, "token_exchange: the type that is wanted", false},
    {"certificate", false, false, NULL, "tls_client_auth: file of the client's certificate (PEM)", false},
    {"certificate_key", false, false, NULL, "tls_client_auth: file of its private key (PEM)", false},
    {"parameters", false, true, NULL, "further parameters of token requests, a JSON object", true},
    {"authorize_parameters", false, false, NULL,
     "further parameters of the authorization request, a JSON object, as {\"access_type\": \"offline\"}",
     true},
    {"base_url_from", false, false, NULL,
     "member of token answers whose URL's host takes requests in place of base_url's, as instance_url",
     false},
    {"base_url_hosts", false, false, NULL,
     "hosts that base_url_from may name: names, or endings as .example.com, with blanks between", false},
    {"header", false, false, "Authorization", "header field that takes the token", false},
    {"prefix", false, false, "Bearer", "word before the token; may be empty", false},
    {0}};

/* --- words ------------------------------------------------------------------------------------------- */

static bool choose(const auth_reading *r, const char *name, const char *const *words, unsigned *out, err *e) {
    bb_str value = auth_value(r, name);
    buf all;
    buf_init(&all);
    for (unsigned i = 0; words[i] != NULL; i++) {
        if (str_eq(value, str_from(words[i]))) {
            *out = i;
            buf_free(&all);
            return true;
        }
        buf_printf(&all, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    auth_fail(r, e, name, "is \"%.*s\": allowed are %s", STR_FMT(value), buf_cstr(&all));
    buf_free(&all);
    return false;
}

static bool read_words(const auth_reading *r, oauth2_settings *s, err *e) {
    static const char *const grants[] = {"client_credentials",
                                         "authorization_code",
                                         "refresh_token",
                                         "jwt_bearer",
                                         "token_exchange",
                                         "device_code",
                                         NULL};
    static const char *const ways[] = {
        "none", "client_secret_basic", "client_secret_post", "private_key_jwt", "tls_client_auth", NULL};
    unsigned grant, way;
    if (!choose(r, "grant", grants, &grant, e))
        return false;
    s->grant = (oauth2_grant)grant;
    if (auth_value(r, "client_auth").len > 0) {
        if (!choose(r, "client_auth", ways, &way, e))
            return false;
        s->client_auth = (oauth2_client_auth)way;
    } else {
        s->client_auth = auth_value(r, "client_secret").len > 0 ? OAUTH2_CLIENT_BASIC
                         : auth_value(r, "certificate").len > 0 ? OAUTH2_CLIENT_TLS
                         : auth_value(r, "key").len == 0        ? OAUTH2_CLIENT_NONE
                         : s->grant == OAUTH2_JWT_BEARER        ? OAUTH2_CLIENT_NONE
                                                                : OAUTH2_CLIENT_JWT;
    }
    return true;
}

/* --- what a grant needs ------------------------------------------------------------------------------ */

static bool needs(const auth_reading *r, err *e, const char *name, const char *why) {
    return auth_value(r, name).len > 0 || auth_fail(r, e, name, "is missing: %s needs it", why);
}

static bool check_client(const auth_reading *r, const oauth2_settings *s, err *e) {
    switch (s->client_auth) {
    case OAUTH2_CLIENT_BASIC:
    case OAUTH2_CLIENT_POST: return needs(r, e, "client_secret", "this client_auth");
    case OAUTH2_CLIENT_JWT: return needs(r, e, "key", "client_auth = private_key_jwt");
    case OAUTH2_CLIENT_TLS:
        return needs(r, e, "certificate", "client_auth = tls_client_auth") &&
               needs(r, e, "certificate_key", "client_auth = tls_client_auth");
    default:
        return s->grant != OAUTH2_CLIENT_CREDENTIALS ||
               auth_fail(r, e, "client_secret",
                         "is missing: grant = client_credentials needs it, or key, or "
                         "certificate");
    }
}

static bool check_endpoints(const auth_reading *r, const oauth2_settings *s, err *e) {
    if (s->issuer.len > 0)
        return true;
    return needs(r, e, "token_url", "every grant without issuer") &&
           (s->grant != OAUTH2_AUTHORIZATION_CODE ||
            needs(r, e, "authorize_url", "grant = authorization_code without issuer")) &&
           (s->grant != OAUTH2_DEVICE_CODE ||
            needs(r, e, "device_url", "grant = device_code without issuer"));
}

static bool check_grant(const auth_reading *r, const oauth2_settings *s, err *e) {
    switch (s->grant) {
    case OAUTH2_REFRESH_TOKEN: return needs(r, e, "refresh_token", "grant = refresh_token");
    case OAUTH2_TOKEN_EXCHANGE:
        return needs(r, e, "subject_token", "grant = token_exchange") &&
               (s->actor_token.len == 0 || needs(r, e, "actor_token_type", "actor_token"));
    case OAUTH2_JWT_BEARER:
        return needs(r, e, "key", "grant = jwt_bearer") &&
               (s->assertion_issuer.len > 0 ||
                needs(r, e, "client_id", "grant = jwt_bearer without assertion_issuer"));
    default: return needs(r, e, "client_id", "this grant");
    }
}

/* --- values ------------------------------------------------------------------------------------------ */

static void read_texts(const auth_reading *r, oauth2_settings *s) {
    const struct {
        const char *name;
        bb_str *to;
    } texts[] = {{"token_url", &s->token_url},
                 {"authorize_url", &s->authorize_url},
                 {"device_url", &s->device_url},
                 {"revoke_url", &s->revoke_url},
                 {"issuer", &s->issuer},
                 {"client_id", &s->client_id},
                 {"client_secret", &s->client_secret},
                 {"scope", &s->scope},
                 {"audience", &s->audience},
                 {"resource", &s->resource},
                 {"refresh_token", &s->refresh_token},
                 {"kid", &s->kid},
                 {"subject", &s->subject},
                 {"assertion_issuer", &s->assertion_issuer},
                 {"assertion_audience", &s->assertion_audience},
                 {"subject_token", &s->subject_token},
                 {"subject_token_type", &s->subject_token_type},
                 {"actor_token", &s->actor_token},
                 {"actor_token_type", &s->actor_token_type},
                 {"requested_token_type", &s->requested_token_type}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        *texts[i].to = auth_value(r, texts[i].name);
}

/* What the hub itself says in these requests may not be said again. */
static bool check_parameters(const auth_reading *r, const char *name, const json_value *object, err *e) {
    static const char *const taken[] = {"grant_type",
                                        "client_id",
                                        "client_secret",
                                        "client_assertion",
                                        "client_assertion_type",
                                        "code",
                                        "code_verifier",
                                        "refresh_token",
                                        "redirect_uri",
                                        "state",
                                        "assertion",
                                        "subject_token",
                                        "actor_token",
                                        "device_code",
                                        "code_challenge",
                                        "scope",
                                        "code_challenge_method",
                                        "response_type",
                                        NULL};
    for (json_iter it = json_iterate(object); json_next(&it);) {
        if (json_type_of(it.value) == JSON_OBJECT || json_type_of(it.value) == JSON_ARRAY)
            return auth_fail(r, e, name, "has a value that is no text or number");
        for (size_t i = 0; taken[i] != NULL; i++)
            if (str_eq(it.key, str_from(taken[i])))
                return auth_fail(r, e, name, "may not have %s: the hub says it itself", taken[i]);
    }
    return true;
}

static bool read_key(const auth_reading *r, oauth2_settings *s, err *e) {
    err why = {""};
    bb_str key = auth_value(r, "key");
    if (key.len == 0)
        return true;
    s->key = jwt_key_new(auth_value(r, "algorithm"), key, &why);
    return s->key != NULL || auth_fail(r, e, "key", "cannot be used: %s", why.text);
}

static bool read_values(const auth_reading *r, oauth2_settings *s, err *e) {
    static const char *const urls[] = {"token_url", "authorize_url", "device_url", "revoke_url", "issuer"};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        if (!auth_read_url(r, urls[i], e))
            return false;
    read_texts(r, s);
    auth_hash(s->refresh_token, s->refresh_hash);
    return read_words(r, s, e) && auth_read_object(r, "parameters", &s->parameters, e) &&
           check_parameters(r, "parameters", s->parameters, e) &&
           auth_read_object(r, "authorize_parameters", &s->authorize_parameters, e) &&
           check_parameters(r, "authorize_parameters", s->authorize_parameters, e) &&
           auth_read_object(r, "claims", &s->claims, e) &&
           auth_read_duration(r, "assertion_lifetime", 10000, 3600000, &s->assertion_lifetime_ms, e) &&
           auth_read_file(r, "certificate", &s->certificate, e) &&
           auth_read_file(r, "certificate_key", &s->certificate_key, e) && check_endpoints(r, s, e) &&
           check_grant(r, s, e) && check_client(r, s, e) && oauth2_read_base(r, s, e) && read_key(r, s, e);
}

/* What the tokens are for: of another client, endpoint or scope they would be others. */
static void set_identity(const auth_reading *r, auth_config *c) {
    static const char *const names[] = {"grant",    "token_url", "issuer",  "client_id",       "scope",
                                        "audience", "resource",  "subject", "assertion_issuer"};
    buf text;
    buf_init(&text);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        bb_str value = auth_value(r, names[i]);
        buf_printf(&text, "%zu:%.*s", value.len, STR_FMT(value));
    }
    auth_hash(buf_str(&text), c->identity);
    buf_free(&text);
}

static void destroy(void *settings) {
    jwt_key_free(((oauth2_settings *)settings)->key);
}

bool oauth2_build(auth_reading *r, auth *out, err *e) {
    oauth2_settings *s = arena_zalloc(r->memory, sizeof *s);
    if (s == NULL)
        return err_set(e, "no memory");
    out->config->settings = s;
    out->config->destroy = destroy;
    if (!oauth2_resolve(r, e))
        return false;
    set_identity(r, out->config);
    return read_values(r, s, e) && auth_read_lead(r, &s->lead, out, e);
}

bool oauth2_needs_consent(const auth_config *c) {
    oauth2_grant grant = ((const oauth2_settings *)c->settings)->grant;
    return grant == OAUTH2_AUTHORIZATION_CODE || grant == OAUTH2_DEVICE_CODE;
}
