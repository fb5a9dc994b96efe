/* programs.h - compiled jq programs of a child, the least recently used forgotten first. Private to this
 * room. */
#ifndef TRANSFORM_PROGRAMS_H
#define TRANSFORM_PROGRAMS_H

#include "base/err.h"

#include <jq.h>

/* Compiled, or found. It expects the array [$busbar, input]. NULL: *e has jq's words. */
jq_state *programs_get(bb_str text, err *e);
void programs_forget(jq_state *jq); /* one that cannot be run again */
void programs_clear(void);
/* Adds to *e what jq says, without marks and without "jq: error: ". Frees it. */
void programs_message(jv message, err *e);

#endif
