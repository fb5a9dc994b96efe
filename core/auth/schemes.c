#include "auth/auth.h"

static const auth_field none_fields[] = {{0}};

static const auth_field api_key_fields[] = {
    {"key", true, true, NULL, "the key"},
    {"in", false, false, "header", "where it goes: header or query"},
    {"name", false, false, "X-Api-Key", "name of the header field or query parameter"},
    {"prefix", false, false, NULL, "text before the key, with a blank between (header only)"},
    {0}};

static const auth_field basic_fields[] = {{"username", true, false, NULL, "user name; may not have a colon"},
                                          {"password", false, true, "", "password; may be empty"},
                                          {0}};

static const auth_field bearer_fields[] = {{"token", true, true, NULL, "the token"},
                                           {"prefix", false, false, "Bearer", "word before the token"},
                                           {0}};

const auth_scheme auth_schemes[] = {
    {"none", "no credentials", none_fields},
    {"api_key", "a key in a header field or query parameter", api_key_fields},
    {"basic", "user name and password (RFC 7617)", basic_fields},
    {"bearer", "a token in the Authorization header (RFC 6750)", bearer_fields},
    {0},
};

const auth_scheme *auth_scheme_find(bb_str id) {
    for (const auth_scheme *s = auth_schemes; s->id != NULL; s++)
        if (str_eq(id, str_from(s->id)))
            return s;
    return NULL;
}
