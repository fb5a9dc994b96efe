/* settings.h - `create` and `destroy` of a connector that keeps nothing of its own: its instance is the
 * connection's settings, for bb_get(call, call->instance, "base_url"). Includes the SDK alone; connectors of
 * this folder include it. */
#ifndef PLUGINS_SETTINGS_H
#define PLUGINS_SETTINGS_H

#include <busbar/busbar.h>

static inline bb_code settings_create(const bb_connection *connection, void **instance) {
    *instance = (void *)(uintptr_t)connection->settings;
    return BB_OK;
}

static inline void settings_destroy(void *instance) {
    (void)instance; /* the settings are the host's */
}

#endif
