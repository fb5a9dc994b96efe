/* route.h - [route NAME] of an endpoint: what becomes of the events that it takes. [main] */
#ifndef WEBHOOK_ROUTE_H
#define WEBHOOK_ROUTE_H

#include "webhook/set.h"

/* NAME of "route NAME"; absent: the section is no route. */
bb_str route_name_of(bb_str section);
/* In `a`. NULL: *e, with file and line. */
const target *route_read(const webhook_reading *r, const conf_file *f, const conf_section *s, arena *a,
                         err *e);

#endif
