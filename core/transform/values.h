/* values.h - JSON texts to jq's values and back. Private to this room. */
#ifndef TRANSFORM_VALUES_H
#define TRANSFORM_VALUES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <jv.h>

/* The value of a JSON text; invalid with *e set where it is none. `scratch` is used meanwhile. */
jv values_read(arena *scratch, bb_str text, err *e);
/* Adds the value as JSON, and frees it. Infinite numbers become the largest, NaN null, as jq itself writes
 * them. False: it is nested deeper than JSON may be here (256), or `out` is full (out->failed). */
bool values_write(buf *out, jv value);

#endif
