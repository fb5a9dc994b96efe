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
    upstream_book upstreams;
};

typedef struct build_plugin {
    bb_str id;
    const char *file;
    staged staged;
    plugin_module *old;    /* in force; not referenced */
    plugin_module *module; /* referenced: the old one, or a new one; NULL: none to be had */
    plugin_module
        *declared; /* what the new file declares, read without loading it; NULL: it cannot be read */
    err note;      /* why not */
    change change;
    err error;
} build_plugin;

typedef struct build_connection {
    const conf_file *file;
    bb_str id;
    build_plugin *plugin;
    connection *old; /* in force, or NULL */
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

/* Each fills in its part; failures of one connector or connection go to its `error`. False: memory, or the
 * folder, is at fault. */
bool build_plugins(build *b, err *e);
bool build_connections(build *b, err *e);

const baseline_item *baseline_find(const baseline_item *items, size_t n, bb_str id);

#endif
