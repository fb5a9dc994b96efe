/* names.h - the members of an object, sorted by name. Private to this room.
 *
 * Callers choose the names, and a search of every member for every other takes seconds for an object of one
 * body's size; sorting takes milliseconds. */
#ifndef JSON_NAMES_H
#define JSON_NAMES_H

#include "json/json.h"

/* Of equal names only the last, as json_get has it. */
typedef struct names {
    const json_value **keys; /* the nodes of the names; a value follows its name */
    uint32_t count;
} names;

/* False: no memory. names_free gives back what it took. */
bool names_sort(const json_value *object, names *out);
void names_free(names *n);
/* The order of names_sort: by length, then by bytes. */
int names_compare(const json_value *a, const json_value *b);

#endif
