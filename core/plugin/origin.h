/* origin.h - the origins (RFC 6454) that a connection's credentials go to: base_url's, and those of settings
 * that the connector's settings schema marks with "x-busbar-credentials": true, for services that take files
 * at another host than calls. Both are the admin's to set: no answer of the service can add one. Thread: any.
 */
#ifndef PLUGIN_ORIGIN_H
#define PLUGIN_ORIGIN_H

#include "base/arena.h"
#include "base/err.h"
#include "json/json.h"

typedef struct plugin_origins {
    const bb_str *urls; /* in the arena, or of the settings */
    size_t count;
} plugin_origins;

/* False: *e says what is wrong with the setting *wrong. */
bool plugin_origins_read(arena *a, const json_value *schema, const json_value *settings, plugin_origins *out,
                         bb_str *wrong, err *e);
/* Whether a connector's settings can name such a host. */
bool plugin_origins_marked(arena *a, const char *settings_schema);
/* Whether a whole URL is of one of them; NULL: of none. */
bool plugin_origins_have(const plugin_origins *o, bb_str url);

#endif
