/* typed.h - what the typing of single values and of whole sections share. Of this room alone. */
#ifndef CONF_TYPED_H
#define CONF_TYPED_H

#include "conf/conf.h"

/* yes, no, true, false, on, off, 1, 0, in any case. */
bool typed_bool(bb_str text, bool *out);

#endif
