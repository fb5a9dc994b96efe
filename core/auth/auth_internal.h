/* auth_internal.h - what the schemes' files share: reading [auth], and what a scheme does. Private to this
 * room. */
#ifndef AUTH_AUTH_INTERNAL_H
#define AUTH_AUTH_INTERNAL_H

#include "auth/ticket.h"

#include <stdatomic.h>

#define AUTH_FIELDS_MAX 48
#define AUTH_SECRETS_MAX 16

/* [auth] while it is being read. */
typedef struct auth_reading {
    arena *memory; /* of the connection, or of the config where the scheme has one */
    const conf_file *file;
    const conf_section *section; /* may be NULL */
    const bb_plugin *plugin;
    const bb_auth_extension *custom; /* schemes of the connector's own; NULL: none */
    const struct mark_build *build;
    bb_str settings; /* of the connection: a JSON object's text */
    const auth_scheme *scheme;
    bb_str values[AUTH_FIELDS_MAX]; /* in the order of scheme->fields, each with a NUL behind */
    unsigned lines[AUTH_FIELDS_MAX];
    bb_str *secrets;
    size_t secret_count;
} auth_reading;

bb_str auth_value(const auth_reading *r, const char *name); /* absent or empty: none */
unsigned auth_line(const auth_reading *r, const char *name);
/* Sets "FILE:LINE: [auth] `NAME` ..." for the line of that field. Gives false. */
__attribute__((format(printf, 4, 5))) bool auth_fail(const auth_reading *r, err *e, const char *name,
                                                     const char *format, ...);
void auth_add_secret(auth_reading *r, bb_str value);
/* What a field must be; each sets *e and gives false where it is not. */
bool auth_read_duration(const auth_reading *r, const char *name, uint64_t min, uint64_t max, uint64_t *out,
                        err *e);
bool auth_read_object(const auth_reading *r, const char *name, const json_value **out, err *e);
bool auth_read_bool(const auth_reading *r, const char *name, bool *out, err *e);
bool auth_read_url(const auth_reading *r, const char *name, err *e);
bool auth_read_file(const auth_reading *r, const char *name, const char **out, err *e);
void auth_hash(bb_str text, char out[65]); /* SHA-256 in hexadecimal */
/* "NAME: PREFIX " of the fields `header` and `prefix`, to be followed by a token; and out->fields. */
bool auth_read_lead(auth_reading *r, bb_str *lead, auth *out, err *e);

struct acquire;

/* What a scheme does. NULL members: the constant header and query that `build` made are all. */
typedef struct auth_ops {
    bool configured; /* values live in an auth_config of their own, since a session may outlive the connection
                      */
    bool session;    /* it has state that calls share */
    bool (*build)(auth_reading *r, auth *out, err *e);
    auth_state (*get)(auth_ticket *t);
    bool (*sign)(auth_ticket *t, const sign_request *r, sign_addition *out, err *e);
    bool (*rejected)(auth_ticket *t, const http_answer *answer);
    void (*acquire)(struct acquire *q); /* of schemes with tokens: acquire.h */
    bool stored;                        /* its tokens are kept over a restart */
    bool revocable;                     /* tokens taken back are revoked at the service: oauth2_revoke.c */
    bool (*consent)(const struct auth_config *c); /* whether tokens need somebody to consent */
    void (*forget)(void *shared);                 /* frees auth_session.shared */
} auth_ops;

/* A scheme's values, typed. Immutable, counted. */
typedef struct auth_config {
    _Atomic(unsigned) refs;
    arena *memory;
    const bb_str *secrets; /* in memory: wiped at the end */
    size_t secret_count;
    char identity[65];    /* a hash of what tokens are for; "": the fingerprint */
    char fingerprint[65]; /* of all, with the connection's base URL and target; set by auth_attach, as are: */
    uint64_t serial;
    http_target target;              /* for requests of the scheme's own */
    void *settings;                  /* of the scheme's own type, in memory */
    void (*destroy)(void *settings); /* of what is not in memory; may be NULL */
} auth_config;

auth_config *auth_config_new(void);
auth_config *auth_config_ref(auth_config *c);
void auth_config_unref(auth_config *c); /* NULL is fine */

/* Makes a ticket FAILED. */
auth_state auth_ticket_fail(auth_ticket *t, problem p, bool retryable, bb_str detail);
/* LEAD TOKEN as the only header. */
bool auth_sign_token(const auth_ticket *t, bb_str lead, sign_addition *out, err *e);

extern const auth_ops auth_none_ops, auth_api_key_ops, auth_basic_ops, auth_bearer_ops;

#endif
