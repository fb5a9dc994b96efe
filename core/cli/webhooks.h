/* webhooks.h - what the files of `busbar webhooks` share. */
#ifndef CLI_WEBHOOKS_H
#define CLI_WEBHOOKS_H

#include "cli/cli.h"

/* One of its words. */
typedef struct webhooks_action {
    const char *name;
    size_t least, most; /* words, with its name */
    int (*run)(const options *o);
} webhooks_action;

extern const webhooks_action webhooks_out[]; /* ends with a name that is NULL */

/* The words behind the id as an object, with it where `with_id`. False: the error has been printed. */
bool webhooks_object(const options *o, arena *a, bool with_id, bb_str *out);

#endif
