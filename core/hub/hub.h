/* hub.h - a whole hub: loops, server, connectors, configuration. What `busbar serve` runs, and what
 * `--offline` commands start within themselves. */
#ifndef HUB_HUB_H
#define HUB_HUB_H

#include "base/err.h"

typedef struct hub hub;

typedef struct hub_options {
    const char *conf_dir;  /* default "conf.d"; busbar.conf is looked for beside it */
    const char *state_dir; /* default "var"; made when missing, 0700 */
    const char
        *plugins_dir; /* NULL: as busbar.conf says, else $BUSBAR_PLUGINS, else the installed or built ones */
    const char *listen; /* NULL: as busbar.conf says, else "127.0.0.1:8420" */
    unsigned loops;     /* 0: as busbar.conf says, else one a core */
    bool offline; /* no lock on the state folder, a key of its own in memory, a port the kernel picks, nothing
                     written to state but staged connectors */
} hub_options;

/* Starts everything and gives a serving hub, or NULL and *e. Bad conf files and connectors are logged, not
 * fatal. On the main thread, before any other thread runs. */
hub *hub_start(const hub_options *options, err *e);
const char *hub_url(const hub *h);     /* "http://127.0.0.1:8420" */
const char *hub_tls_url(const hub *h); /* "https://0.0.0.0:8443"; NULL: it does not listen by TLS */
const char *hub_key(const hub *h);     /* the admin key */
const char *hub_key_file(const hub *h);
/* Runs the main loop until SIGINT or SIGTERM or hub_stop; reloads on SIGHUP. */
void hub_run(hub *h);
/* Makes hub_run return, from any thread. */
void hub_stop(hub *h);
/* Lets calls finish (10 s), stops the loops, frees everything. */
/* After hub_free: code of a connector still runs, on a thread that does not end. Leave by _exit. */
bool hub_left_behind(void);
void hub_free(hub *h);

/* `busbar plugin allow` where no hub runs: takes a build out of the state folder's quarantine, and notes it
 * in the audit log. `busy` gets whether a hub uses the folder; `gone` the hash. */
bool hub_allow(const hub_options *options, const char *hash, char gone[65], bool *busy, err *e);

/* `busbar probe` and `busbar plan`: the children that try connectors and a reload (plugin/probe.h,
 * registry/registry.h). Give an exit code. */
int hub_probe_main(void);
int hub_plan_main(void);
/* `busbar worker N`: the process of an isolated connection (isolate/isolate.h). */
int hub_worker_main(const char *loops);
/* `busbar transform`: the child that runs jq programs (transform/transform.h). */
int hub_transform_main(void);

#endif
