/* event_type.h - an event type: NAME.event.conf says what a type means, and what its payload looks like.
 *
 *     [event]
 *     type    = invoice.paid
 *     summary = An invoice has been paid in full.
 *     schema  = {"type": "object", "required": ["id"]}
 *
 * Events that callers send under that type must fit the schema. One file alone declares a type. Immutable
 * once read. */
#ifndef WEBHOOK_EVENT_TYPE_H
#define WEBHOOK_EVENT_TYPE_H

#include "webhook/set.h"
#include "json/schema.h"

typedef struct event_type {
    webhook_item item; /* first */
    bb_str type;       /* "invoice.paid" */
    bb_str summary, description;
    bb_str example;     /* JSON text, which fits the schema; absent: none */
    bb_str schema_text; /* absent: any payload fits */
    schema *schema;     /* NULL as above */
    bool deprecated;
} event_type;

/* The one of that type; NULL: nobody has said what it is. [any-thread] */
const event_type *event_type_find(const webhook_set *s, bb_str type);

/* Whether it is one that the hub alone makes events of: "busbar.…". */
bool event_type_reserved(bb_str type);
/* Whether this can be the type of an event: 1 to 200 printable characters of ASCII without blanks, "*" and
 * commas (which patterns and lists are made of). False: *e. */
bool event_type_check(bb_str type, err *e);

#endif
