/* build.h - the next configuration while it is being put together. Private to this room. */
#ifndef REGISTRY_BUILD_H
#define REGISTRY_BUILD_H

#include "plugin/stage.h"
#include "registry/registry.h"

/* What a connection or connector was before, as far as telling a change needs it: also of another process
 * (registry_plan). */
typedef struct baseline_item {
    bb_str id;
    char fingerprint[65]; /* of a connection; "" : it was refused */
    char sha256[65];      /* of the connector's build */
} baseline_item;

typedef struct baseline {
    baseline_item *connections, *plugins;
    size_t connection_count, plugin_count;
} baseline;

struct registry {
    registry_options options;
    arena *memory;          /* the options' texts */
    snapshot *current;      /* NULL before the first reload */
    baseline *other;        /* in a plan's child: stands for what the hub has */
    uint64_t generation;    /* of `current` */
    quarantine *quarantine; /* the options', or its own where they have none */
    bool own_quarantine;
    uint64_t modules_loaded;
    const plugin_policy *policy; /* never NULL; the caller's */
    const char *policy_error;    /* why busbar.conf's newer one is not in force; NULL: it is */
    upstream_book upstreams;
};

typedef struct build_plugin {
    bb_str id;
    const char *file;
    staged staged;
    trust trust;           /* of the staged file */
    plugin_module *old;    /* in force; not referenced */
    plugin_module *module; /* referenced: the old one, or a new one; NULL: none to be had */
    plugin_module
        *declared; /* what the new file declares, read without loading it; NULL: it cannot be read */
    bool inside;   /* a connection wants it within the hub, or there is none that says otherwise */
    err note;      /* why not */
    change change;
    err error;
} build_plugin;

typedef struct build_connection {
    const conf_file *file;
    bb_str id;
    build_plugin *plugin;
    connection *old; /* in force, or NULL */
    bool old_barred; /* by what is trusted now: it must not go on */
    connection *fresh;
    bb_str settings; /* of fresh: for `create` */
    bool duplicate;  /* another file has this id */
    change change;
    err error;
} build_connection;

typedef struct build {
    registry *r;
    arena *a;
    conf_set *conf;
    build_plugin *plugins;
    size_t plugin_count;
    build_connection *connections;
    size_t connection_count;
} build;

/* build_trust.c: whether the build that was staged may run; else `error`. False also where memory is used up.
 */
bool build_judge(const build *b, build_plugin *p);
/* Whether a build that is loaded may go on by what is trusted now. */
bool build_may_go_on(const build *b, const plugin_module *m, err *e);
/* What was found about it, kept with the module. */
void build_keep_trust(const build_plugin *p, plugin_module *m);
/* The same, for the snapshot. */
void build_put_trust(const build *b, const build_plugin *p, arena *a, snapshot_plugin *to);

/* Each fills in its part; failures of one connector or connection go to its `error`. False: memory, or the
 * folder, is at fault. */
bool build_plugins(build *b, err *e);
bool build_connections(build *b, err *e);

const baseline_item *baseline_find(const baseline_item *items, size_t n, bb_str id);

#endif
