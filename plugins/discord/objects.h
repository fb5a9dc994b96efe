/* objects.h - the schemas that operations refer to by name. */
#ifndef DISCORD_OBJECTS_H
#define DISCORD_OBJECTS_H

#include <busbar/busbar.h>

extern const bb_schema *const dc_schemas[]; /* ends with NULL */

#endif
