/* host.h - the one bb_host that every connector in this process is given. */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include <busbar/plugin.h>

/* `version` is the hub's; it must stay. Before the first connector is loaded. [main] */
void host_init(const char *version);
const bb_host *host_get(void);

/* Has what connectors log go there instead of to this process's log; `call` is NULL outside a call. Before
 * the first connector is loaded. [main] */
void host_log_to(void (*sink)(bb_call *call, bb_log_level level, bb_str text));

/* What a connector said by host->reject in the `create` under way on this thread. */
void host_reject_clear(void);
const char *host_reject_text(void); /* "" : nothing */

#endif
