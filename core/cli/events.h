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
 * It ends where that gives anything but EXIT_OK; or EVENTS_PASSED: it was none to be counted; or
 * EXIT_UNREACHABLE or EXIT_TIMEOUT: a hub that does not answer any more is waited for, and `take` sees the
 * event again. What came meanwhile is not missed. */
#define EVENTS_PASSED (-1)
typedef int (*events_take)(const options *o, session *s, const json_value *event, void *ctx);
int events_follow(const options *o, events_take take, void *ctx);
/* One of the list, whole: r->json's "event", with its payload. reply_free in any case. EVENTS_PASSED: it has
 * been removed since it was listed. */
int events_whole(const options *o, session *s, const json_value *listed, reply *r);

#endif
