/* oauth2.h - OAuth 2 as a client: RFC 6749, its grants, its ways to authenticate a client. Private to this
 * room. */
#ifndef AUTH_OAUTH2_H
#define AUTH_OAUTH2_H

#include "auth/acquire.h"
#include "auth/jwt.h"

typedef enum {
    OAUTH2_CLIENT_CREDENTIALS, /* RFC 6749 section 4.4 */
    OAUTH2_AUTHORIZATION_CODE, /* section 4.1, with PKCE (RFC 7636) */
    OAUTH2_REFRESH_TOKEN,      /* section 6, from one that the admin has */
    OAUTH2_JWT_BEARER,         /* RFC 7523 section 2.1 */
    OAUTH2_TOKEN_EXCHANGE,     /* RFC 8693 */
    OAUTH2_DEVICE_CODE         /* RFC 8628 */
} oauth2_grant;

typedef enum {
    OAUTH2_CLIENT_NONE,
    OAUTH2_CLIENT_BASIC,
    OAUTH2_CLIENT_POST,
    OAUTH2_CLIENT_JWT, /* private_key_jwt, RFC 7523 section 2.2 */
    OAUTH2_CLIENT_TLS  /* RFC 8705 section 2.1 */
} oauth2_client_auth;

typedef struct oauth2_settings {
    oauth2_grant grant;
    oauth2_client_auth client_auth;
    /* absent or empty: not given */
    bb_str token_url, authorize_url, device_url, revoke_url, issuer;
    bb_str client_id, client_secret, scope, audience, resource;
    bb_str refresh_token;
    char refresh_hash[65];        /* of it */
    const json_value *parameters; /* of token requests */
    const json_value *authorize_parameters;
    jwt_key *key;
    bb_str kid, subject, assertion_issuer, assertion_audience;
    const json_value *claims;
    uint64_t assertion_lifetime_ms;
    bb_str subject_token, subject_token_type, actor_token, actor_token_type, requested_token_type;
    const char *certificate, *certificate_key;
    bb_str lead; /* "Authorization: Bearer " */
    /* oauth2_base.c: the member of token answers that says where the token is good, the hosts that it may
     * name, and the origin of base_url, which it always may; absent: no member says so */
    bb_str base_from, base_hosts, base_origin;
} oauth2_settings;

/* What an authorization server says of itself (RFC 8414). */
typedef struct oauth2_metadata {
    bb_str issuer, token, authorize, device, revoke; /* absent: not said */
    bool iss;                                        /* it puts `iss` into its answers: RFC 9207 */
} oauth2_metadata;

static inline const oauth2_settings *oauth2_of(const acquire *q) {
    return q->config->settings;
}
/* Whether its tokens need somebody to consent. */
bool oauth2_needs_consent(const auth_config *c);

/* --- requests ---------------------------------------------------------------------------------------- */

/* Adds "name=value" to a form or query; nothing for an empty value. */
void oauth2_add(buf *form, const char *name, bb_str value);
void oauth2_add_all(buf *form, const json_value *parameters);
/* Adds what authenticates the client at `url`; a header field too, or absent. False: the failure is told. */
bool oauth2_authenticate(acquire *q, bb_str url, bb_str *header);
/* A JWT for RFC 7523: iss, sub, aud, iat, exp, jti and `more`. Absent: it cannot be signed. */
bb_str oauth2_assertion(acquire *q, bb_str issuer, bb_str subject, bb_str audience, const json_value *more,
                        bb_str scope);
/* Sends q->form with the client authenticated. */
void oauth2_post(acquire *q, bb_str url, void (*then)(acquire *q, const http_answer *answer));
/* Takes tokens from a token endpoint's answer, which ends q. */
void oauth2_take_token(acquire *q, const http_answer *answer);
/* Both, at the token endpoint. */
void oauth2_ask_for_token(acquire *q);
/* The endpoint as configured or discovered; absent: it has none. */
bb_str oauth2_endpoint(const acquire *q, bb_str configured, size_t offset);
#define OAUTH2_ENDPOINT(q, configured_, discovered_) \
    oauth2_endpoint((q), oauth2_of(q)->configured_, offsetof(oauth2_metadata, discovered_))

/* --- answers ----------------------------------------------------------------------------------------- */

typedef struct oauth2_answer {
    bb_str access_token, refresh_token, token_type, scope;
    uint64_t lifetime_ms;      /* 0: unknown */
    bb_str error, description; /* RFC 6749 section 5.2; absent: no error */
    const char *wrong;         /* why it is no answer of a token endpoint; NULL: it is one */
    const json_value *root;    /* all of it; NULL: no object */
} oauth2_answer;

/* Reads what a token endpoint sent. Texts are in `a` or the body. */
void oauth2_answer_read(arena *a, unsigned status, bb_str body, oauth2_answer *out);
/* A whole number of seconds, also as a string, bounded; 0: not there or of no use. */
uint64_t oauth2_seconds(const json_value *v, uint64_t max);
/* Fails q by what the endpoint said. */
void oauth2_fail_by_answer(acquire *q, const http_answer *answer, const oauth2_answer *said);

/* --- base URLs (oauth2_base.c) ---------------------------------------------------------------------- */

/* Endpoints that are a path ("/oauth/token") become URLs at base_url's origin. */
bool oauth2_resolve(auth_reading *r, err *e);
bool oauth2_read_base(const auth_reading *r, oauth2_settings *s, err *e);
/* The origin that a token's answer names, in `a`; absent: it names none. False: it is one that may not be
 * named, and *wrong says why. */
bool oauth2_base_of(arena *a, const oauth2_settings *s, const json_value *answer, bb_str *out,
                    const char **wrong);

/* --- discovery --------------------------------------------------------------------------------------- */

/* Goes on with `then` once the endpoints are known: at once, or after asking the issuer. */
void oauth2_discover(acquire *q, void (*then)(acquire *q));
/* Reads a metadata document. False: *wrong says why it is not one of that issuer. */
bool oauth2_metadata_read(arena *a, bb_str body, bb_str issuer, oauth2_metadata *out, const char **wrong);
/* Where the document is: RFC 8414 section 3.1, or OpenID Connect's place. */
bb_str oauth2_metadata_url(arena *a, bb_str issuer, bool openid);
const oauth2_metadata *oauth2_known(const acquire *q); /* NULL: nothing discovered */

/* The settings from [auth]. */
bool oauth2_build(auth_reading *r, auth *out, err *e);

extern const auth_field oauth2_fields[];
extern const auth_ops oauth2_ops;

#endif
