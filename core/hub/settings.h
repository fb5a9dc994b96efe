/* settings.h - hub-wide settings: the command line over busbar.conf over the defaults. */
#ifndef HUB_SETTINGS_H
#define HUB_SETTINGS_H

#include "http/server.h"
#include "hub/hub.h"

typedef struct hub_settings {
    const char *conf_dir, *state_dir, *plugins_dir, *listen;
    const char *master_key_file; /* NULL: where secret/secret.h says */
    const char *store_file;
    unsigned loops;
    bool strict, offline;
    uint64_t drain_soft_ms, drain_hard_ms; /* calls on replaced connections: cancelled, then given up on */
    uint64_t shutdown_ms;                  /* grace for calls when stopping */
    http_server_limits limits;
} hub_settings;

/* Reads busbar.conf beside the conf folder, where there is one. False: *e names file and line. */
bool hub_settings_read(struct arena *a, const hub_options *options, hub_settings *out, err *e);

#endif
