/* inspect.h - what the two halves of `busbar inspect` share: of a hub (inspect.c), of a file
 * (inspect_file.c). */
#ifndef CLI_INSPECT_H
#define CLI_INSPECT_H

#include "cli/cli.h"

/* For people: a connector, or an operation. */
void inspect_print(const json_value *shown, bool operation);
/* inspect_connection.c */
void inspect_print_connection(const json_value *shown);

/* Whether that word means a file: FILE.so, or a path. */
bool inspect_is_file(const char *word);
/* `busbar inspect FILE.so [OPERATION]`: without a hub, and without running any of it. Gives the exit code. */
int inspect_file(const options *o);

#endif
