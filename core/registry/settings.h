/* settings.h - a conf file as a connection: every section checked and typed. [main] */
#ifndef REGISTRY_SETTINGS_H
#define REGISTRY_SETTINGS_H

#include "registry/registry.h"

/* Names of the sections that a connection's file may have; ends with NULL. */
const char *const *settings_sections(void);

/* Which connector a file wants; absent: *e. */
bb_str settings_plugin(const conf_file *f, err *e);

/* Reads a file into a new connection of that module, all but its instance: c->instance is zero and *settings
 * is the JSON text for `create`. NULL: *e has FILE:LINE, reason and remedy. */
connection *settings_read(const conf_file *f, plugin_module *module, const registry_options *options,
                          bb_str *settings, err *e);

#endif
