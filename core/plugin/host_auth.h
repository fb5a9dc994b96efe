/* host_auth.h - extension "busbar.auth/1": a connector's own auth schemes, checked and their steps run. */
#ifndef PLUGIN_HOST_AUTH_H
#define PLUGIN_HOST_AUTH_H

#include "plugin/call.h"
#include "plugin/module.h"

#include <busbar/auth.h>

#define PLUGIN_AUTH_HEADERS_MAX 6
#define PLUGIN_AUTH_SCHEMES_MAX 16

/* What the steps of a scheme see and say, beside the call: plugin_call.auth. */
typedef struct plugin_auth {
    const bb_custom_auth *scheme;
    const json_value *settings;
    bb_str token; /* in sign: the token there is; after start and resume: the one they gave */
    int64_t expires_in_s;
    bool signing;
    bb_str headers[PLUGIN_AUTH_HEADERS_MAX]; /* "Name: value" with a NUL behind, in the call's memory */
    size_t header_count;
    bb_str query;  /* "name=value&...", encoded; absent: none */
    bb_str target; /* path and query in place of the request's, a NUL behind; absent: none */
} plugin_auth;

/* Runs `start`, or `resume` on c->answer. PLUGIN_SEND and PLUGIN_FAILED as in call.h; PLUGIN_DONE: c->auth's
 * token is set. The caller has set c->auth and c->abi. */
plugin_outcome plugin_acquire_start(plugin_call *c);
plugin_outcome plugin_acquire_resume(plugin_call *c);
/* Runs `sign`. PLUGIN_DONE: c->auth has what it adds. PLUGIN_FAILED: c->error. */
plugin_outcome plugin_sign(plugin_call *c, const bb_auth_request *request);

/* Checks what a connector declares under the extension. True and *out NULL: it has none. False: *e says what
 * is wrong with which scheme. */
bool host_auth_admit(const plugin_module *m, const bb_auth_extension **out, err *e);

extern const bb_auth_api host_auth;

#endif
