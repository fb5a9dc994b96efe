/* registry.h - the configuration in force, and the making of the next one. [main] throughout.
 *
 * A reload: read conf.d, stage and hash the connectors' files, compare, try what is new in a child process,
 * load it, build the next snapshot beside the one in force; then either that one is committed or nothing has
 * changed. Handing snapshots to loops and waiting for calls to end is the caller's (hub/). */
#ifndef REGISTRY_REGISTRY_H
#define REGISTRY_REGISTRY_H

#include "plugin/quarantine.h"
#include "plugin/trust.h"
#include "registry/report.h"
#include "registry/snapshot.h"

typedef struct registry_options {
    const char *conf_dir, *plugins_dir, *state_dir;
    const char *store_file, *master_key_file; /* for the child that plans; the latter may be NULL */
    const char *program;                      /* what is started as `PROGRAM probe` */
    unsigned loops;
    struct auth_runtime *auth; /* gives connections their sessions; NULL: none, nothing will be called */
    isolates *isolates; /* runs processes of connectors; NULL: none is started, nothing will be called */
    bool isolate;       /* connections that do not say otherwise have one; of the policy */
    bool strict;        /* one refusal holds back all */
    bool shared_state;  /* another hub may use the state folder: remove nothing from it */
    unsigned probe_timeout_ms;   /* of one step in the child; 0: 5 s */
    const plugin_policy *policy; /* which builds may run; NULL: all that pass stage.h's checks */
    quota_book *quotas;          /* NULL: quotas are not counted */
    quarantine
        *quarantine; /* builds that have done harm; outlives the registry. NULL: known for this run only */
} registry_options;

typedef struct registry registry;

registry *registry_new(const registry_options *options, err *e);
/* All loops have let go of everything. */
void registry_free(registry *r);

const snapshot *registry_current(const registry *r); /* never NULL after the first reload */

/* What registry_reload leaves to the caller. */
typedef struct registry_change {
    report *report;      /* free with report_free */
    snapshot *old;       /* replaced: free when no loop uses it; NULL: nothing was committed, or the first */
    connection *retired; /* list by next_retired: no longer in the snapshot */
} registry_change;

registry_change registry_reload(registry *r);
/* Which builds may run from the next reload on; lives until it is replaced. `error` (may be NULL, lives as
 * long): why it is not what busbar.conf says, for the reports. */
void registry_set_policy(registry *r, const plugin_policy *policy, const char *error);
const plugin_policy *registry_policy(const registry *r);

/* What a reload would do. Nothing changes, nothing is loaded: it happens in a child process (`PROGRAM plan`).
 * A report's JSON text in `a`, or absent and *e. */
bb_str registry_plan(registry *r, arena *a, err *e);
/* The child's side of it: reads from descriptor 0, writes the report to 1. Gives an exit code. */
/* `prepare` (may be NULL) opens what ${secret:} needs; where it fails, only that is refused. */
int registry_plan_child(bool (*prepare)(const registry_options *options, err *e));

void report_free(report *r);

/* --- files that the API changes ------------------------------------------------------------------ */

/* Whether a conf file's text would be taken as connection `id` now: checks all but the connector's `create`.
 */
bool registry_check_text(registry *r, const char *path, bb_str text, err *e);

#endif
