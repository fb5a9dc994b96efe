/* quarantine.h - builds of connectors that crashed, hung or blocked a loop, known by the hash of their file.
 *
 * Kept in STATE/quarantine.json (written whole beside and renamed into place), so that a restart forgets
 * none; an admin lifts one by `busbar plugin allow HASH`. [main] */
#ifndef PLUGIN_QUARANTINE_H
#define PLUGIN_QUARANTINE_H

#include "base/err.h"
#include "json/json.h"

/* What may still be done with a build. A later entry of the same hash replaces an earlier one only where it
 * is stronger (OFF over ISOLATE). */
typedef enum {
    QUARANTINE_NONE,
    QUARANTINE_ISOLATE, /* runs, but only in a process of its own */
    QUARANTINE_OFF      /* is not run at all */
} quarantine_action;

const char *quarantine_action_name(quarantine_action action); /* "none", "isolate", "off" */

typedef struct quarantine_entry {
    char sha256[65];
    quarantine_action action;
    const char *plugin, *version; /* version may be "": it was never read */
    const char *reason;           /* one sentence: what it did, and where */
    uint64_t at_ms;               /* wall clock */
} quarantine_entry;

typedef struct quarantine quarantine;

/* `state_dir` NULL: nothing is kept. A file that cannot be understood is moved aside as quarantine.json.bad
 * with a line in the log; the hub starts. NULL: no memory. */
quarantine *quarantine_open(const char *state_dir, err *e);
void quarantine_close(quarantine *q); /* NULL is fine */

/* The entry of that hash; NULL: none. Owner: q, until the next change. */
const quarantine_entry *quarantine_find(const quarantine *q, const char *sha256);
quarantine_action quarantine_action_of(const quarantine *q, const char *sha256);
/* The texts are copied. False: it could not be written (it holds for this process all the same). */
bool quarantine_put(quarantine *q, const quarantine_entry *entry, err *e);
/* Removes the entry whose hash begins so (at least 8 hex digits, one entry only). False: *e. `gone` gets a
 * copy of the hash. */
bool quarantine_allow(quarantine *q, bb_str hash, char gone[65], err *e);
/* By index, in the order of time; NULL: no more. */
const quarantine_entry *quarantine_at(const quarantine *q, size_t index);

/* All entries as a JSON array of {"sha256", "action", "plugin", "version", "reason", "at"} (milliseconds),
 * and back: what is known already stays. False: it is none. Nothing is written to the disk. */
void quarantine_write(const quarantine *q, json_writer *w);
bool quarantine_read(quarantine *q, const json_value *entries);

#endif
