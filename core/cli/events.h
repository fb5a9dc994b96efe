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
/* Follows what comes in as `tail` does, with the same options, and has `take` see each event as it is listed.
 * It ends where that gives anything but EXIT_OK, or EVENTS_PASSED: it was none to be counted. A hub that does
 * not answer any more is waited for, and what came meanwhile is not missed. */
#define EVENTS_PASSED (-1)
/* As reply_check; of a hub that is about to end or to begin: EXIT_UNREACHABLE, and nothing is told. */
int events_check(const options *o, const reply *r);
typedef int (*events_take)(const options *o, session *s, const json_value *event, void *ctx);
int events_follow(const options *o, events_take take, void *ctx);

#endif
