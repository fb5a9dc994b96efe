/* custom.h - the schemes that a connector registers (busbar/auth.h), as the hub's own stand in
 * `auth_schemes`. */
#ifndef AUTH_CUSTOM_H
#define AUTH_CUSTOM_H

#include "auth/auth.h"

#include <busbar/auth.h>

/* Whether none of its schemes has the id of one of the hub's own. False: *e names it. */
bool custom_check(const bb_auth_extension *x, err *e);

/* The scheme of that id among those of a connector's extension; NULL: it has none, or no memory. Lives as
 * long as the process, as the connector's code does; builds of a connector that declare the same get the same
 * one, so that a session goes on when the code is swapped. [any-thread] */
const auth_scheme *custom_scheme_find(const char *plugin_id, const bb_auth_extension *x, bb_str id);

#endif
