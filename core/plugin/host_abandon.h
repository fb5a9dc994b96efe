/* host_abandon.h - extension "busbar.abandon/1": what a call that is given up has the service told. */
#ifndef PLUGIN_HOST_ABANDON_H
#define PLUGIN_HOST_ABANDON_H

#include "plugin/call.h"
#include "plugin/module.h"

#include <busbar/abandon.h>

/* Checks what a connector declares under the extension, and notes it with its operations. False: *e says what
 * is wrong. */
bool host_abandon_admit(plugin_module *m, err *e);

/* Ready for what `abandon` says, wherever it runs: there is no answer and no content, and so many
 * milliseconds are left. */
void plugin_abandon_begin(plugin_call *c, uint64_t deadline_ns);
/* Runs it, after plugin_abandon_begin. PLUGIN_SEND: c->request is whole, and nothing in it is the caller's.
 * PLUGIN_DONE: there is nothing to be sent. */
plugin_outcome plugin_abandon(plugin_call *c, const plugin_op *op, bb_code why);

#endif
