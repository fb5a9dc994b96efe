/* instance.h - what a connector's `create` gave for one connection. [main] */
#ifndef PLUGIN_INSTANCE_H
#define PLUGIN_INSTANCE_H

#include "plugin/module.h"

typedef struct plugin_instance {
    plugin_module *module; /* referenced */
    void *ptr;             /* the connector's */
    bb_connection abi;
    arena *memory; /* settings */
    const json_value *settings;
} plugin_instance;

/* Calls `create` with these settings (a JSON object's text that the settings schema accepts). False: *e says
 * what the connector refuses, and nothing is left behind. */
bool instance_create(plugin_instance *i, plugin_module *m, bb_str connection_id, bb_str settings, err *e);
void instance_destroy(plugin_instance *i);

#endif
