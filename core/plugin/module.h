/* module.h - one build of a connector, loaded: its descriptor, checked, with its schemas compiled.
 *
 * Counted by the main thread; loops only read. A module is never unmapped: dlclose is not called (threads,
 * pthread keys and signal handlers of a connector would outlive its code). What is freed with the last
 * reference are the compiled schemas. A build of the hub with BUSBAR_UNLOAD unmaps it then: for tests. */
#ifndef PLUGIN_MODULE_H
#define PLUGIN_MODULE_H

#include "base/arena.h"
#include "base/err.h"
#include "json/schema.h"

#include <busbar/abandon.h>
#include <busbar/auth.h>
#include <busbar/session.h>

typedef struct plugin_op {
    const bb_operation *desc;
    bb_str id;
    bb_str input_text, output_text,
        examples_text; /* schemas and examples as JSON texts, "{}" and "[]" where not given */
    schema *input, *output;
    const bb_session_operation *session; /* what runs in place of its steps; NULL: the steps */
    uint32_t content;                    /* BB_CONTENT_TAKES, ...; 0: it has to do with JSON alone */
    const bb_abandon_operation *abandon; /* what a call of it that is given up is asked; NULL: nothing */
    void *stats;                         /* observe's, set by the registry */
} plugin_op;

typedef struct plugin_module {
    const bb_entry *entry;
    const bb_plugin *desc;
    const bb_auth_extension *auth;               /* auth schemes of its own; NULL: none */
    const struct bb_webhook_extension *webhooks; /* NULL: none */
    const bb_session_extension *sessions;        /* of its session operations; NULL: none */
    bb_str id;
    char *file;   /* where the admin put it */
    char *path;   /* the copy that is loaded */
    void *handle; /* the dynamic linker's; NULL: not mapped */
    char sha256[65];
    uint64_t number; /* counts loads in this process: generation */
    plugin_op *ops;
    size_t op_count;
    bb_str settings_text;
    const json_value *settings_schema_json;
    schema *settings;
    const struct trust *trust; /* what it was last judged by (plugin/trust.h); NULL: not from a file [main] */
    struct mark_build *build; /* what reports of crashes name (plugin/mark.h); NULL: not loaded from a file */
    arena *memory;
    unsigned refs; /* [main] */
    /* Only read from its file: no function of it may be called, they run in another process. */
    bool declared;
    const bb_extension *extensions; /* of a declared one; ends with {NULL, NULL} */
    bool extensions_unknown;        /* of a declared one: only its get_extension knows what it has */
    char sdk[17];                   /* of a declared one: the SDK it was built with; "": 1.0 */
} plugin_module;

/* Loads a staged copy and checks all that can be checked without calling it. `id` is the one that the file's
 * name promises; absent: any. NULL and *e: refused. [main] */
plugin_module *module_load(const char *staged_path, const char *sha256, const char *file, bb_str id, err *e);
/* The same without loading it: what it declares is read from the file's bytes (absent: they are read from
 * `staged_path`), and nothing of it runs. `unknown` gets whether a refusal means only that it cannot be read
 * so; NULL is fine. [main] */
plugin_module *module_load_declared(const char *staged_path, bb_str bytes, const char *sha256,
                                    const char *file, bb_str id, bool *unknown, err *e);
/* Loads what was only read: the same module, its schemas compiled as they are. False: *e, and the module is
 * good for nothing but module_unref. `changed`: the loaded connector declares something else than its file
 * did (a constructor can do that), and has to be loaded by module_load. [main] */
bool module_map(plugin_module *m, bool *changed, err *e);
/* A connector's file as bytes, for free(): a regular one of at most 256 MiB. NULL: *e. */
char *module_read(const char *path, size_t *size, err *e);
/* Neither loaded nor read, yet: what they fill in. */
plugin_module *module_new(const char *staged_path, const char *sha256, const char *file, err *e);
const bb_entry *module_open(plugin_module *m, err *e);
bool module_admit_extensions(plugin_module *m, err *e);
void module_ref(plugin_module *m);
void module_unref(plugin_module *m); /* NULL is fine */

bb_str module_id_of(const char *path);                         /* that a file's name promises: FOLDER/ID.so */
const plugin_op *module_op(const plugin_module *m, bb_str id); /* NULL: none */
plugin_op *module_op_own(plugin_module *m, bb_str id);         /* the same, while it is being admitted */

/* What the connector declares under an extension's id; NULL: nothing, or nothing that this hub knows. */
const void *module_extension(const plugin_module *m, const char *extension_id);

/* Whether a struct's own `size` can be true: at least `least`, SDK 1.0's, and no more than a struct may grow
 * to. */
bool module_size_check(const char *what, uint32_t size, size_t least, err *e);

/* The checks alone, on an entry that is in memory (tests, fuzzing). `m` gets what they compile. */
bool module_admit(plugin_module *m, const bb_entry *entry, bb_str id, err *e);

#endif
