/* custom_internal.h - a connector's own scheme, configured. Private to custom*.c. */
#ifndef AUTH_CUSTOM_INTERNAL_H
#define AUTH_CUSTOM_INTERNAL_H

#include "auth/acquire.h"
#include "auth/custom.h"
#include "plugin/host_auth.h"

/* auth_config.settings */
typedef struct custom {
    const bb_custom_auth *desc;            /* of the build that the connection runs on: never unmapped */
    const char *plugin_id, *connection_id; /* as long as the process */
    const struct mark_build *build;
    bb_str text;             /* of `input`: has the secrets, wiped at the end */
    const json_value *input; /* the fields' values */
    const json_value *settings;
    bb_str base_url; /* without a slash at its end; may be empty */
} custom;

/* A call of the scheme's steps with its memory, to be freed by plugin_call_free. `said` outlives it. */
void custom_call(const custom *k, plugin_auth *said, arena *memory, plugin_call *out);

void custom_acquire(acquire *q);

#endif
