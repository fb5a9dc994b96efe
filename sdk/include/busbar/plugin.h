/*
 * busbar/plugin.h - what a connector declares: static, const, readable before any of its code runs.
 *
 * Every struct opens with its size, as the connector's compiler knew it. All are frozen since SDK
 * 1.0; what comes later (webhook verifiers, sessions, streams, custom auth schemes, ...) is given by
 * bb_entry.get_extension. All text is UTF-8 and NUL-terminated; an optional one may be NULL. Everything lives
 * as long as the connector is loaded.
 *
 * Thread tags: [init] the hub's main thread, one call at a time, may take up to 5 s.
 *              [step] an event loop's thread. Several loops run steps of one connection at the same
 *                     time: whatever `instance` points to is read-only after `create`, or guarded by
 *                     the connector. Never block: no I/O, no sleep, no lock held long.
 */
#ifndef BUSBAR_PLUGIN_H
#define BUSBAR_PLUGIN_H

#include <busbar/host.h>
#include <busbar/types.h>
#include <string.h>

BB_BEGIN_DECLS

/* How a step ends. */
typedef int32_t bb_step;
enum {
    BB_DONE = 0, /* the output is set */
    BB_SEND = 1, /* a request is described: send it, then call `resume` */
    BB_FAIL = 2  /* the error is set */
};

/* One call of one operation, as its steps see it. Owner: the host, until the call ends; a step keeps no
 * pointer to it between calls of its own. */
struct bb_call {
    uint32_t size; /* sizeof(struct bb_call) of the host */
    uint32_t step; /* 0 in `start`, then 1, 2, ...: the number of answers so far */
    const bb_host *host;
    void *instance;       /* what `create` gave, or NULL */
    const bb_json *input; /* checked against input_schema */
    bb_str cursor;        /* paginated operations: continue after this; absent: from the beginning */
    void *state;          /* state_size bytes of this call, zeroed before `start`; NULL for 0 */
};

/* Flags of an operation. */
enum {
    BB_OP_SAFE = 1u << 0,       /* reads only (RFC 9110 section 9.2.1): may be repeated and cached */
    BB_OP_IDEMPOTENT = 1u << 1, /* the same call twice has the effect of one */
    BB_OP_PAGINATED = 1u << 2,  /* understands `cursor`, gives `next_cursor`; `items` is required */
    BB_OP_DESTRUCTIVE = 1u << 3 /* deletes or cannot be undone: callers may want to ask first */
};

typedef struct bb_operation {
    uint32_t size;           /* sizeof(bb_operation) */
    uint32_t flags;          /* BB_OP_* */
    uint32_t state_size;     /* bytes of bb_call.state, at most 64 KiB */
    uint32_t timeout_ms;     /* default for the whole call; 0: the hub's (30 s) */
    const char *id;          /* "customers.create": [a-z0-9_]+ joined by dots or case as the service has it:
                                [A-Za-z0-9_.-]{1,100} */
    const char *summary;     /* one line */
    const char *description; /* optional, Markdown */
    /* JSON Schemas (draft 2020-12 unless "$schema" says draft 7), as text. {"$ref": "NAME"} means
     * the connector's schema of that name. The input is always an object. */
    const char *input_schema;
    const char *output_schema;
    const char *examples; /* optional: a JSON array of {"summary", "input", "output"} */
    /* Optional: the request header by which the service knows a repeated request ("Idempotency-Key").
     * The host adds it, the same on every attempt, and may then repeat an unsafe request. */
    const char *idempotency_header;
    /* Paginated operations: JSON Pointer to the array of items in the output: "/data", or "". */
    const char *items;
    /* Turns call->input into a request (BB_SEND), an output (BB_DONE) or an error (BB_FAIL). [step] */
    bb_step (*start)(bb_call *call);
    /* Turns the answer into an output, a further request or an error. NULL: an answer of 2xx is the
     * output as it is, any other the error that its status means. [step] */
    bb_step (*resume)(bb_call *call);
} bb_operation;

/* A JSON Schema that operations, and the hub's users, refer to by name. */
typedef struct bb_schema {
    uint32_t size; /* sizeof(bb_schema) */
    uint32_t reserved;
    const char *name; /* [A-Za-z0-9_.-]{1,100} */
    const char *text;
} bb_schema;

/* What a service takes as credentials. The host has the schemes "none", "api_key", "basic", "bearer", "jwt",
 * "oauth2", "aws_sigv4", "oauth1", "mtls" and "digest"; a connector says which of them its service
 * understands, and fills in what the admin need not know. */
typedef struct bb_auth_scheme {
    uint32_t size; /* sizeof(bb_auth_scheme) */
    uint32_t reserved;
    const char *scheme;  /* one of those above */
    const char *summary; /* for the admin: where to get the credentials, and the least scopes */
    /* Optional defaults for the scheme's fields, as a JSON object: {"header": "X-Api-Key"} */
    const char *defaults;
} bb_auth_scheme;

/* One configured connection, as `create` sees it. Owner: the host, until `destroy` returns. */
struct bb_connection {
    uint32_t size; /* sizeof(struct bb_connection) of the host */
    uint32_t reserved;
    const bb_host *host;
    const char *id;          /* "stripe-test" */
    const bb_json *settings; /* an object, checked against settings_schema, defaults filled in */
};

typedef struct bb_plugin {
    uint32_t size;        /* sizeof(bb_plugin) */
    uint32_t flags;       /* 0 */
    const char *id;       /* "stripe": [a-z][a-z0-9_]{0,63}; the file is ID.so */
    const char *name;     /* "Stripe" */
    const char *version;  /* of the connector, "1.0.0" */
    const char *summary;  /* one line */
    const char *vendor;   /* optional: who made it */
    const char *homepage; /* optional: URL */
    const char *license;  /* optional: SPDX identifier */
    /* JSON Schema of the [settings] section: an object whose properties have a type. The value of a
     * property that is absent is its "default". `base_url` is the one property the host knows; one marked
     * "x-busbar-credentials": true is the URL of another host of the service, whose origin gets the
     * credentials too. NULL: no settings. */
    const char *settings_schema;
    const bb_operation *const *operations;     /* ends with NULL */
    const bb_auth_scheme *const *auth_schemes; /* ends with NULL; NULL: only "none" */
    const bb_schema *const *schemas;           /* ends with NULL; may be NULL */
    /* Optional: an operation that `busbar test` calls with the input {}: cheap, safe, and in need of the
     * credentials. */
    const char *test_operation;
    /* Optional. Called for every connection that is added or whose settings changed: builds what
     * its steps need and gives it as *instance. On failure call host->reject and return
     * BB_E_CONFIG: the connection is refused and an older one of that id stays. [init] */
    bb_code (*create)(const bb_connection *connection, void **instance);
    /* Frees what `create` gave, after the last call on it has ended. Required with `create`. [init] */
    void (*destroy)(void *instance);
    /* Optional: checks the connector itself, without a network, in a process of its own before it is
     * admitted. BB_OK, or a code that refuses this build. [init] */
    bb_code (*self_test)(const bb_host *host);
} bb_plugin;

#define BUSBAR_MAGIC "\211BUSBAR\n" /* 8 bytes: not text, so that no text file passes */

/* The one exported symbol, `busbar_entry`: const data, so that the host can read it before it calls
 * anything. Field order and sizes of this struct hold for every major version. */
typedef struct bb_entry {
    char magic[8]; /* BUSBAR_MAGIC without its NUL */
    uint32_t abi_major;
    uint32_t abi_minor; /* of the header the connector was built with */
    uint32_t size;      /* sizeof(bb_entry) */
    uint32_t reserved;
    const bb_plugin *plugin;
    /* Optional: what this connector has beyond SDK 1.0, by extension id; NULL: nothing. [any-thread] */
    const void *(*get_extension)(const char *id);
} bb_entry;

/* The size field of a descriptor: { BB_SIZE(bb_operation), .id = ... } */
#define BB_SIZE(type) .size = (uint32_t)sizeof(type)

/* One thing that a connector has beyond SDK 1.0: the extension's id, and what that extension's header says
 * the connector declares under it. Frozen. */
typedef struct bb_extension {
    const char *id;       /* BB_EXT_AUTH, ... */
    const void *declared; /* a bb_auth_extension, ...; static, const */
} bb_extension;

/* What get_extension gives by such a list. */
static inline const void *bb_extension_find(const bb_extension *list, const char *id) {
    for (; list->id != NULL; list++)
        if (strcmp(list->id, id) == 0)
            return list->declared;
    return NULL;
}

#define BB_MANIFEST_SECTION ".busbar"
#define BB_MANIFEST_MAGIC "\211BBMANI\n" /* 8 bytes */

/* Where a connector's declarations begin, in the section ".busbar" of its file: hub and tools read them from
 * there without loading it, so that nothing of it runs. The macros below write it; a connector built with an
 * older SDK has none, and is found by its symbol. Frozen. */
typedef struct bb_manifest {
    char magic[8];           /* BB_MANIFEST_MAGIC without its NUL */
    uint32_t size;           /* sizeof(bb_manifest) */
    uint32_t extension_size; /* sizeof(bb_extension) */
    uint32_t abi_major, abi_minor;
    char sdk[16]; /* BUSBAR_SDK_VERSION of the header the connector was built with */
    const bb_entry *entry;
    /* Ends with {NULL, NULL}. NULL: it has none, or only its get_extension knows them. */
    const bb_extension *extensions;
} bb_manifest;

/* Kept where nothing refers to it: by the compiler, by --gc-sections and by strip. */
#if defined(__has_attribute)
#if __has_attribute(retain)
#define BB_KEPT __attribute__((used, retain, section(BB_MANIFEST_SECTION)))
#endif
#endif
#ifndef BB_KEPT
#define BB_KEPT __attribute__((used, section(BB_MANIFEST_SECTION)))
#endif

/* Exports a connector. Once, at file scope, with a semicolon:
 *     BUSBAR_PLUGIN(plugin);                   a connector that has no extensions
 *     BUSBAR_PLUGIN_WITH(plugin, extensions);  one that has: static const bb_extension extensions[] =
 *                                              {{BB_EXT_AUTH, &auth}, {NULL, NULL}};
 *     BUSBAR_PLUGIN_EXT(plugin, function);     one whose extensions are told by a function, and are thus
 *                                              known only to who runs it: not with `isolation = process` */
#define BUSBAR_PLUGIN(descriptor) BB_EXPORT_PLUGIN(descriptor, NULL, NULL)
#define BUSBAR_PLUGIN_EXT(descriptor, extension_function) \
    BB_EXPORT_PLUGIN(descriptor, extension_function, NULL)
#define BUSBAR_PLUGIN_WITH(descriptor, extension_list)        \
    static const void *busbar_get_extension(const char *id) { \
        return bb_extension_find((extension_list), id);       \
    }                                                         \
    BB_EXPORT_PLUGIN(descriptor, busbar_get_extension, extension_list)
#define BB_EXPORT_PLUGIN(descriptor, extension_function, extension_list)                               \
    BB_EXTERN_C BB_EXPORT const bb_entry busbar_entry;                                                 \
    static const bb_manifest busbar_manifest BB_KEPT = {{'\211', 'B', 'B', 'M', 'A', 'N', 'I', '\n'},  \
                                                        (uint32_t)sizeof(bb_manifest),                 \
                                                        (uint32_t)sizeof(bb_extension),                \
                                                        BUSBAR_ABI_MAJOR,                              \
                                                        BUSBAR_ABI_MINOR,                              \
                                                        BUSBAR_SDK_VERSION,                            \
                                                        &busbar_entry,                                 \
                                                        (extension_list)};                             \
    BB_EXTERN_C BB_EXPORT const bb_entry busbar_entry = {{'\211', 'B', 'U', 'S', 'B', 'A', 'R', '\n'}, \
                                                         BUSBAR_ABI_MAJOR,                             \
                                                         BUSBAR_ABI_MINOR,                             \
                                                         (uint32_t)sizeof(bb_entry),                   \
                                                         0,                                            \
                                                         &(descriptor),                                \
                                                         (extension_function)}

BB_END_DECLS

#endif
