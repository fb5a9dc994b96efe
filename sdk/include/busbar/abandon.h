/*
 * busbar/abandon.h - extension "busbar.abandon/1": what a call has begun at the service, and leaves behind
 * where it is given up.
 *
 * A call of an operation that waits for a job may end before the job does: its caller goes away, or its time
 * is over while a request is on its way. No further step runs then, and the job goes on at the service,
 * though nobody will ever ask for it. An operation that is named here is asked once more: `abandon` finds the
 * call's input and state as the last step left them, and may describe one request that has the service drop
 * what the call has begun. The caller does not wait for it; the host sends it as any other request of the
 * connection, with its credentials and limits, for at most 5 s. What the service answers is only logged.
 *
 * It is called where the last step asked to send, and not
 * - where a step has ended the call, by an output or an error,
 * - where a step is under way in `run` of a session operation, which has `cancelled` and `interrupt`,
 * - where the call's file goes on later by what it has saved (content.h),
 * - where the hub itself ends.
 *
 * Both sides ask for it by the same id, as for "busbar.content/1" (content.h). A host that does not know it
 * never reads the list, and jobs go on there.
 *
 * Thread: [step] as in plugin.h.
 */
#ifndef BUSBAR_ABANDON_H
#define BUSBAR_ABANDON_H

#include <busbar/busbar.h>

BB_BEGIN_DECLS

#define BB_EXT_ABANDON "busbar.abandon/1"

/* --- what the connector declares: static, const ------------------------------------------------- */

typedef struct bb_abandon_operation {
    uint32_t size; /* sizeof(bb_abandon_operation) */
    uint32_t reserved;
    const char *operation; /* its id, as in bb_operation */
    /* `why` is BB_E_CANCELLED or BB_E_DEADLINE. BB_SEND: a request is described, as in a step. BB_DONE: there
     * is nothing to be dropped; no output is needed. There is no answer to look at, and no content. [step] */
    bb_step (*abandon)(bb_call *call, bb_code why);
} bb_abandon_operation;

/* What the connector declares for BB_EXT_ABANDON. */
typedef struct bb_abandon_extension {
    uint32_t size; /* sizeof(bb_abandon_extension) */
    uint32_t reserved;
    const bb_abandon_operation *const *operations; /* ends with NULL; at least one, at most 1,000 */
} bb_abandon_extension;

BB_END_DECLS

#endif
