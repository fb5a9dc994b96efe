/* child.h - the child's side. Private to this room. */
#ifndef ISOLATE_CHILD_H
#define ISOLATE_CHILD_H

#include "isolate/frame.h"
#include "plugin/instance.h"
#include "session/session.h"

/* Descriptors of the child. */
enum { CHILD_CONTROL = 3, CHILD_FIRST_LOOP = 4 };

/* Exit codes; 0: the hub has let it go. */
enum { CHILD_NO_MEMORY = 90, CHILD_NO_START = 91 };

/* Limits, before anything else is read. `loops`: so many sockets stay open. False: one cannot be set. */
bool confine_begin(unsigned loops);
/* Before the connector is loaded: memory, and calls that no connector may make. `wide`: it may open sockets
 * and change files. *filtered: the kernel can. */
bool confine_load(uint64_t memory, bool wide, bool *filtered);
/* Before any function of it runs: a connector of HTTP operations calculates and answers, nothing else. False:
 * it cannot be confined so. */
bool confine_strict(void);

/* Before the connector is loaded: watches the sockets. */
bool serve_open(unsigned loops);
/* Answers calls until the hub closes the control socket or says FRAME_STOP. */
void serve(plugin_instance *instance, bb_str base_url);
/* Before it: the pool of a connector with session operations. */
bool serve_sessions(const session_setup *setup);
/* The log line of a call that is being served; false: of none. */
bool serve_log(bb_call *call, uint32_t level, bb_str text);

/* Blocking, on the control socket. False: the hub has gone. */
bool control_send(const buf *out);

#endif
