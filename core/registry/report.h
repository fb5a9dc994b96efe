/* report.h - what a reload did, or would do: per connector and connection, with reasons. */
#ifndef REGISTRY_REPORT_H
#define REGISTRY_REPORT_H

#include "base/arena.h"
#include "json/json.h"

typedef enum {
    CHANGE_UNCHANGED,
    CHANGE_SETTINGS,
    CHANGE_CODE,
    CHANGE_ADDED,
    CHANGE_REMOVED,
    CHANGE_REFUSED
} change;
const char *change_name(change c);

typedef struct report_item {
    bb_str id;
    change change;
    bb_str error;  /* absent: none */
    bb_str note;   /* of a connector that was tried without being read first; absent: none */
    bool kept;     /* refused, and an older one goes on in its place */
    bb_str sha256; /* of a connector; absent: of a connection, or unknown */
} report_item;

typedef struct report {
    arena *memory;
    uint64_t generation; /* in force after the reload */
    bool committed, dry_run;
    bool drained;        /* all that was replaced has ended; set later */
    uint64_t started_ms; /* wall clock */
    double duration_ms;
    report_item *connections, *plugins;
    size_t connection_count, plugin_count;
    report_item *webhooks; /* endpoints and the like, read after the connections: "endpoint/orders" */
    size_t webhook_count;
    bb_str settings_error; /* busbar.conf is refused, what was in force before stays so; absent: it is not */
    bb_str refusal;        /* why nothing was committed; absent: it was */
} report;

void report_write(const report *r, json_writer *w);
/* The array of a report's items alone. */
void report_write_items(json_writer *w, const report_item *items, size_t n);
/* How many items were refused. */
size_t report_refused(const report *r);
/* Writes each refusal and a summary to the log. */
void report_log(const report *r);

#endif
