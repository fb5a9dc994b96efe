/* host_fields.h - the fields that an admin fills in for a scheme of a connector's own, as they are declared.
 */
#ifndef PLUGIN_HOST_FIELDS_H
#define PLUGIN_HOST_FIELDS_H

#include "base/err.h"

#include <busbar/auth.h>

#define PLUGIN_FIELDS_MAX 16

/* [a-z][a-z0-9_]{0,63}; false of NULL. */
bool fields_is_id(const char *text);
/* Not empty, without control characters; false of NULL. */
bool fields_is_line(const char *text);

/* Checks a scheme's fields (NULL: none). `kind` and `id` name the scheme in *e: "auth scheme", "login". */
bool fields_admit(const char *kind, const char *id, const bb_auth_field *const *fields, err *e);

#endif
