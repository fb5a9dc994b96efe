/* probe.h - a connector is tried in a child process before the hub itself runs any of its code.
 *
 * The child loads it, checks its descriptor, runs its self-test and creates and destroys an instance for each
 * connection that is to be. A crash, a hang (5 s a step) or an exit is then a line in the reload's report.
 * One child tries all connectors of a reload one after the other; where it dies, the one at work is tried
 * again first in a child of its own, and only then blamed. */
#ifndef PLUGIN_PROBE_H
#define PLUGIN_PROBE_H

#include "base/err.h"

typedef struct probe_connection {
    bb_str id, settings; /* settings: a JSON text */
    bool done, ok;
    err error;
} probe_connection;

typedef struct probe_job {
    const char *path; /* staged copy */
    bb_str id;
    probe_connection *connections;
    size_t connection_count;
    bool done, ok;
    unsigned hung; /* connections whose `create` did not come back */
    bool crashed;  /* it crashed, hung or exited: this build is not to be tried again */
    err error;
} probe_job;

/* Fills in the results. `program` is started as `program probe`, its standard input and output being pipes.
 */
void probe_run(const char *program, probe_job *jobs, size_t count, unsigned step_timeout_ms);

/* The child's side: reads jobs from descriptor 0, answers on 1. Gives an exit code. */
int probe_child(void);

#endif
