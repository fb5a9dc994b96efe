/* instance.h - what a connector's `create` gave for one connection. [main] */
#ifndef PLUGIN_INSTANCE_H
#define PLUGIN_INSTANCE_H

#include "plugin/ledger.h"
#include "plugin/module.h"

typedef struct plugin_instance {
    plugin_module *module; /* referenced */
    void *ptr;             /* the connector's */
    bb_connection abi;
    ledger held;   /* directly behind: its memory */
    arena *memory; /* settings */
    const json_value *settings;
} plugin_instance;
LEDGER_STANDS(plugin_instance, abi, held);

/* Calls `create` with these settings (a JSON object's text that the settings schema accepts). False: *e says
 * what the connector refuses, and nothing is left behind. */
bool instance_create(plugin_instance *i, plugin_module *m, bb_str connection_id, bb_str settings, err *e);
/* False: the connector left memory of the host's behind, which has been said, counted and freed. */
bool instance_destroy(plugin_instance *i);

#endif
