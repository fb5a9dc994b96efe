/* host.h - the one bb_host that every connector in this process is given. */
#ifndef PLUGIN_HOST_H
#define PLUGIN_HOST_H

#include <busbar/plugin.h>

/* `version` is the hub's; it must stay. Before the first connector is loaded. [main] */
void host_init(const char *version);
const bb_host *host_get(void);

/* What a connector said by host->reject in the `create` under way on this thread. */
void host_reject_clear(void);
const char *host_reject_text(void); /* "" : nothing */

#endif
