/* isolation.h - connections whose connector runs in a process of its own. Private to this room. [main] */
#ifndef REGISTRY_ISOLATION_H
#define REGISTRY_ISOLATION_H

#include "registry/registry.h"

/* Whether a connection of that build is isolated: the file asks for it, or busbar.conf, or the build is in
 * quarantine for what it did within the hub. What is wrong with the value is isolation_read's to say. */
bool isolation_wanted(const registry_options *options, const conf_file *f, const char *sha256);
/* Reads [connection] isolation and [isolation], and says what cannot be isolated. After its auth. */
bool isolation_read(connection *c, const conf_file *f, const registry_options *options, err *e);
/* Starts the process of a connection; isolation_await waits for its `create`. */
bool isolation_begin(const registry_options *options, connection *c, bb_str settings, err *e);
bool isolation_await(const registry_options *options, connection *c, err *e);
/* Connections that are off for their build's sake and may run again. */
void isolation_revive(const snapshot *s, const quarantine *q);

#endif
