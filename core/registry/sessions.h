/* sessions.h - [session] of a conf file, and the pool of sessions that a connection has by it. [main] */
#ifndef REGISTRY_SESSIONS_H
#define REGISTRY_SESSIONS_H

#include "registry/connection.h"

/* Reads [session] into c->session_policy. A connector without session operations has no such section. False:
 * *e. */
bool sessions_read(connection *c, const conf_file *f, err *e);
/* Makes the pool of a connection whose instance is created, where its connector has session operations. */
bool sessions_attach(connection *c, err *e);

#endif
