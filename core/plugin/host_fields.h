/* host_fields.h - the fields that an admin fills in for a scheme of a connector's own, as they are declared.
 */
#ifndef PLUGIN_HOST_FIELDS_H
#define PLUGIN_HOST_FIELDS_H

#include "base/err.h"

#include <busbar/auth.h>

#define PLUGIN_FIELDS_MAX 16

/* Checks a scheme's id and summary. `kind` names the scheme in *e: "auth scheme", "webhook scheme". */
bool fields_admit_scheme(const char *kind, const char *id, const char *summary, err *e);
/* And its fields (NULL: none). */
bool fields_admit(const char *kind, const char *id, const bb_auth_field *const *fields, err *e);

#endif
