/* declared.h - what a connector declares, copied from its file's bytes without loading it: nothing of it
 * runs.
 *
 * The copy is made of the SDK's own structs, so that what admits a loaded connector admits it too. In place
 * of each function that the connector declares stands one that ends the process with a text: it has to run
 * elsewhere. Only bounds are checked here: what a declaration has to hold is module_admit's to say. */
#ifndef PLUGIN_DECLARED_H
#define PLUGIN_DECLARED_H

#include "base/arena.h"
#include "base/err.h"

#include <busbar/auth.h>

typedef struct declared {
    const bb_entry *entry; /* its plugin is NULL where magic or ABI are not this hub's */
    char sdk[17];          /* version of the SDK it was built with; "": 1.0, which did not say */
    /* What it has beyond SDK 1.0; ends with {NULL, NULL}. One that this hub does not know has an id, and
     * NULL for what is declared. */
    const bb_extension *extensions;
    bool extensions_unknown; /* it has a get_extension, and only that knows */
    bool unknown;            /* on failure: nothing is wrong with it, but that it cannot be read */
} declared;

/* `bytes` have passed elf_check; they are not needed afterwards. Copies come from `a`. False: *e. */
bool declared_read(bb_str bytes, arena *a, declared *out, err *e);

#endif
