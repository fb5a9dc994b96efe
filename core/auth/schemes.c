#include "auth/oauth2.h"
#include "auth/schemes_internal.h"

static const auth_field none_fields[] = {{0}};

static const auth_field api_key_fields[] = {
    {"key", true, true, NULL, "the key", false},
    {"in", false, false, "header", "where it goes: header or query", false},
    {"name", false, false, "X-Api-Key", "name of the header field or query parameter", false},
    {"prefix", false, false, NULL, "text before the key, with a blank between (header only)", false},
    {0}};

static const auth_field basic_fields[] = {
    {"username", true, false, NULL, "user name; may not have a colon", false},
    {"password", false, true, "", "password; may be empty", false},
    {0}};

static const auth_field bearer_fields[] = {{"token", true, true, NULL, "the token", false},
                                           {"prefix", false, false, "Bearer", "word before the token", false},
                                           {0}};

const auth_scheme auth_schemes[] = {
    {"none", "no credentials", none_fields, &auth_none_ops},
    {"api_key", "a key in a header field or query parameter", api_key_fields, &auth_api_key_ops},
    {"basic", "user name and password (RFC 7617)", basic_fields, &auth_basic_ops},
    {"bearer", "a token in the Authorization header (RFC 6750)", bearer_fields, &auth_bearer_ops},
    {"jwt", "tokens that the hub signs itself (RFC 7519)", auth_jwt_fields, &auth_jwt_ops},
    {"oauth2", "OAuth 2: tokens got and renewed by any of its grants (RFC 6749)", oauth2_fields, &oauth2_ops},
    {"aws_sigv4", "AWS Signature Version 4", auth_sigv4_fields, &auth_sigv4_ops},
    {"oauth1", "OAuth 1.0 signatures (RFC 5849)", auth_oauth1_fields, &auth_oauth1_ops},
    {"mtls", "a client certificate", auth_mtls_fields, &auth_mtls_ops},
    {"digest", "HTTP Digest (RFC 7616)", auth_digest_fields, &auth_digest_ops},
    {0},
};

const auth_scheme *auth_scheme_find(bb_str id) {
    for (const auth_scheme *s = auth_schemes; s->id != NULL; s++)
        if (str_eq(id, str_from(s->id)))
            return s;
    return NULL;
}
