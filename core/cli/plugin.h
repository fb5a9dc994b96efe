/* plugin.h - what the parts of `busbar plugin` share. */
#ifndef CLI_PLUGIN_H
#define CLI_PLUGIN_H

#include "cli/cli.h"

/* plugin_sign.c; words[1] is the name, or the file */
int plugin_command_keygen(const options *o);
int plugin_command_sign(const options *o);
int plugin_command_verify(const options *o);

#endif
