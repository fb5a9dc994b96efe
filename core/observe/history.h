/* history.h - the calls of a longer while: taken from the rings now and then, kept in the store, read
 * together with what is still in the rings. */
#ifndef OBSERVE_HISTORY_H
#define OBSERVE_HISTORY_H

#include "observe/executions.h"
#include "store/executions.h"

/* Writes what came since the last time to the store: failures all, successes at most `successes` a loop; the
 * rest is counted as lost. [main] */
void history_keep(executions *x, store *s, size_t successes);

/* `json`: {"executions": [...], "next": "ex_..." or null}, the newest first; lives until done returns.
 * `stored` says whether the store could be read: where not, only the rings' are there. */
typedef void (*history_done)(bool stored, bb_str json, void *ctx);
/* `done` runs on loop `l`, or, without a store, from within. The filter's texts live until then. False: no
 * memory, it never runs. [loop] */
bool history_query(executions *x, store *s, const execution_filter *f, loop *l, history_done done, void *ctx);

/* One, as a JSON object's text: empty where it is not remembered. As above. */
bool history_find(executions *x, store *s, const execution_filter *f, loop *l, history_done done, void *ctx);

#endif
