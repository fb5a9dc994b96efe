/* events.h - what the files of `busbar events` share. */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include "cli/table.h"

#define EVENTS_TABLE                                                        \
    {                                                                       \
        .headings = { "id", "at", "source", "type", "bytes", "deliveries" } \
    }

/* A row of such a table; `a` keeps its texts until the flush. */
void events_add_row(arena *a, table *t, const json_value *event);

/* events_tail.c */
int events_tail(const options *o);

#endif
