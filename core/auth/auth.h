/* Room auth: credentials: what schemes there are, what an admin must give for each, how they are obtained and
 * renewed, and how they go into a request. It includes conf, json, http, store, secret, plugin (URL encoding,
 * base64) and base; registry, pipeline, api and hub include it. */

/* auth.h - a connection's [auth], read and ready for use.
 *
 * A compiled auth is immutable. Its texts are secrets: they go into a request and nowhere else. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "base/buf.h"
#include "conf/conf.h"

#include <busbar/auth.h>

typedef struct auth_field {
    const char *name;
    bool required, secret;
    const char *otherwise; /* NULL: none */
    const char *description;
    bool lines; /* the value may have line breaks: PEM, JSON */
} auth_field;

struct auth_ops;

typedef struct auth_scheme {
    const char *id, *summary;
    const auth_field *fields; /* ends with a NULL name */
    const struct auth_ops *ops;
} auth_scheme;

extern const auth_scheme auth_schemes[]; /* ends with a NULL id */
const auth_scheme *auth_scheme_find(bb_str id);

typedef struct auth {
    const auth_scheme *scheme;
    bb_str header; /* "Authorization: Bearer ..." with a NUL behind; absent: none, or not constant */
    bb_str query;  /* "api_key=...", encoded; absent: none */
    const str_pair
        *values; /* of a constant scheme: the fields as filled in, for a connector that logs in itself */
    size_t value_count;
    const bb_str *secrets; /* what must not be seen in any text: see auth_redact */
    size_t secret_count;
    const char *const *fields;        /* names of header fields that it sets; ends with NULL */
    const char *cert_file, *key_file; /* for the connection's requests; NULL: none */
    char fingerprint[65];             /* of all values, in hexadecimal: the same means unchanged */
    struct auth_config *config;       /* counted; NULL: the scheme is constant */
    struct auth_session *session;     /* counted; NULL: none, or not attached */
    uint64_t serial;                  /* a later attachment has a greater one */
} auth;

/* What a connection brings to the reading of its [auth]. */
typedef struct auth_connector {
    const bb_plugin *plugin;
    const bb_auth_extension *custom; /* schemes of the connector's own; NULL: none */
    const struct mark_build *build;  /* plugin_module.build */
    bb_str settings;                 /* the connection's: a JSON object's text */
} auth_connector;

/* Reads [auth] (NULL: there is none) against what the connector declares. Everything lives in `a`, or is
 * counted. False: *e names file, line, what is missing and what the scheme takes, never a value; and there is
 * nothing to release. */
bool auth_compile(arena *a, const conf_file *f, const conf_section *section, const bb_plugin *plugin,
                  auth *out, err *e);
/* The same for a connector with schemes of its own. */
bool auth_compile_for(arena *a, const conf_file *f, const conf_section *section,
                      const auth_connector *connector, auth *out, err *e);
/* Wipes the secrets and lets go of what is counted. Of a zeroed auth: nothing. */
void auth_release(auth *a);

/* The text without the secrets: each is replaced by "[redacted]". Gives `text` itself where there is nothing
 * to replace. */
bb_str auth_redact(arena *a, const auth *from, bb_str text);
bb_str auth_redact_one(arena *a, bb_str secret, bb_str text);

/* Whether a connector's declaration names only schemes and fields that this hub has. */
bool auth_check_plugin(arena *a, const bb_plugin *plugin, err *e);
/* A default that the connector declares for a field of a scheme; absent: none. In `a`. */
bb_str auth_plugin_default(arena *a, const bb_plugin *plugin, const char *scheme, const char *field);

#endif
