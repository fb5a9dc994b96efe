/* document.h - a webhook's file as the API has it: {"id", members of its main section, "verify": {…},
 * "routes": {"NAME": {…}}}, and back. */
#ifndef WEBHOOK_DOCUMENT_H
#define WEBHOOK_DOCUMENT_H

#include "webhook/set.h"

/* The file in the API's shape, all values texts as they are written there. `item`: literal secrets are
 * replaced (references are shown); NULL: nothing is, for a merge. Absent: no memory. */
bb_str document_of_file(arena *a, const webhook_reader *r, const conf_file *f, const webhook_item *item);
/* The text of a file from the API's shape. Arrays of scalars become lines or lists, other arrays and objects
 * JSON. False: *e. */
bool document_to_text(arena *a, const webhook_reader *r, const json_value *root, bb_str *out, err *e);
/* RFC 7396. NULL: no memory. */
const json_value *document_merge(arena *a, const json_value *base, const json_value *patch);

#endif
