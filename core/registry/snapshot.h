/* snapshot.h - all that is plugged in, at one moment: immutable, read by every loop without a lock.
 *
 * A loop uses the snapshot it was given until it is given the next; calls under way hold their connection,
 * not the snapshot. */
#ifndef REGISTRY_SNAPSHOT_H
#define REGISTRY_SNAPSHOT_H

#include "registry/connection.h"

/* A connection by its id: to be called, refused, or both (an older one kept in place of a refused change). */
typedef struct snapshot_entry {
    bb_str id, plugin;
    connection *conn; /* NULL: refused */
    const char *file;
    bb_str error; /* why the file is refused; absent: it is not */
} snapshot_entry;

typedef struct snapshot_plugin {
    bb_str id;
    plugin_module *module; /* NULL: refused */
    const char *file;
    bb_str error;
    char found[65];            /* hash of the file that was there; "": it could not be read */
    const struct trust *trust; /* of the build in force, or of the file where none is; NULL: unknown */
    const struct quarantine_entry *quarantine; /* of the file that was there; NULL: none */
} snapshot_plugin;

typedef struct snapshot {
    uint64_t generation;
    snapshot_entry *entries; /* sorted by id */
    size_t count;
    uint32_t *slots; /* hash table of entry numbers + 1 */
    size_t slot_mask;
    snapshot_plugin *plugins; /* sorted by id */
    size_t plugin_count;
    arena *memory;
    unsigned loops_left; /* that still use it, once it is replaced [main] */
} snapshot;

snapshot *snapshot_new(size_t entries, size_t plugins); /* NULL: no memory */
/* Sorts, and makes the hash table; after the last entry and plugin. False: no memory. */
bool snapshot_seal(snapshot *s);
/* Drops the modules; the connections belong to the registry. NULL is fine. [main] */
void snapshot_free(snapshot *s);

const snapshot_entry *snapshot_find(const snapshot *s, bb_str id); /* NULL: none [loop] */
const snapshot_plugin *snapshot_plugin_find(const snapshot *s, bb_str id);

#endif
