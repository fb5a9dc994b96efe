/* Room auth: credentials: what schemes there are, what an admin must give for each, and how they go into a
 * request. It includes conf, json, plugin (URL encoding, base64) and base; registry and pipeline include it.
 */

/* auth.h - the schemes none, api_key, basic and bearer.
 *
 * A compiled auth is immutable. Its texts are secrets: they go into a request and nowhere else. */
#ifndef AUTH_AUTH_H
#define AUTH_AUTH_H

#include "base/buf.h"
#include "conf/conf.h"

#include <busbar/plugin.h>

typedef struct auth_field {
    const char *name;
    bool required, secret;
    const char *otherwise; /* NULL: none */
    const char *description;
} auth_field;

typedef struct auth_scheme {
    const char *id, *summary;
    const auth_field *fields; /* ends with a NULL name */
} auth_scheme;

extern const auth_scheme auth_schemes[]; /* ends with a NULL id */
const auth_scheme *auth_scheme_find(bb_str id);

typedef struct auth {
    const auth_scheme *scheme;
    bb_str header;         /* "Authorization: Bearer ..." with a NUL behind; absent: none */
    bb_str query;          /* "api_key=...", encoded; absent: none */
    const bb_str *secrets; /* what must not be seen in any text: see auth_redact */
    size_t secret_count;
} auth;

/* Reads [auth] (NULL: there is none) against what the connector declares. Everything lives in `a`. False: *e
 * names file, line, what is missing and what the scheme takes, never a value. */
bool auth_compile(arena *a, const conf_file *f, const conf_section *section, const bb_plugin *plugin,
                  auth *out, err *e);

/* The text without the secrets: each is replaced by "[redacted]". Gives `text` itself where there is nothing
 * to replace. */
bb_str auth_redact(arena *a, const auth *secrets, bb_str text);

/* Whether a connector's declaration names only schemes and fields that this hub has. */
bool auth_check_plugin(arena *a, const bb_plugin *plugin, err *e);
/* A default that the connector declares for a field of a scheme; absent: none. In `a`. */
bb_str auth_plugin_default(arena *a, const bb_plugin *plugin, const char *scheme, const char *field);

#endif
