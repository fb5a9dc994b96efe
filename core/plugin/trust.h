/* trust.h - which builds of connectors this hub may run: busbar.conf's [plugins] and [pins].
 *
 * A build is known by the hash of its file. It is judged when its file is read, and again at each reload: by
 * its place (allowed folders, whose they are), by its pins, and by its signature. [main] */
#ifndef PLUGIN_TRUST_H
#define PLUGIN_TRUST_H

#include "base/arena.h"
#include "plugin/quarantine.h"
#include "plugin/signature.h"
#include "json/json.h"

#include <limits.h>

typedef struct plugin_pin {
    const char *plugin;
    char sha256[65];
} plugin_pin;

/* All zeros but on_crash: nothing is asked for but what stage.h asks for. Its texts live as long as it. */
typedef struct plugin_policy {
    bool isolate;               /* connections that do not say run in a process of their own */
    quarantine_action on_crash; /* of a build that brought the hub down, at the next start */
    bool require_signature;
    bool has_keys; /* a folder of keys is named: signatures must be by one of them */
    const signature_key *keys;
    size_t key_count;
    const char *const *folders; /* resolved; none: the folder that connectors are looked for in */
    size_t folder_count;
    const plugin_pin *pins;
    size_t pin_count;
} plugin_policy;

extern const plugin_policy plugin_policy_default;

/* What is known of a build's signature. */
typedef enum {
    TRUST_UNSIGNED,
    TRUST_SIGNED,   /* by a key that is trusted */
    TRUST_UNPROVEN, /* it fits the file; the hub has no keys to tell who made it */
    TRUST_BAD       /* it fits not, or its key is not trusted */
} trust_signature;

typedef struct trust {
    trust_signature signature;
    char key[17];             /* "": unsigned */
    const char *signer;       /* the key's name; NULL: not TRUST_SIGNED */
    uint64_t signed_ms;       /* as the signature says */
    bool pinned, unknown_key; /* the latter: it is refused for naming a key that is not trusted */
    uint64_t size;            /* of the connector's file */
    bb_str text;              /* of the signature; absent: unsigned */
} trust;

/* Whether a file of this resolved path may be read at all. `named` is the path it was asked for by. */
bool trust_place(const plugin_policy *p, const char *named, const char *real, err *e);

/* A build: its connector's id, its file's hash and size, its signature's text (absent: none). False: it may
 * not run, *e says why and what to do. `out` gets what is known either way; its texts are the policy's and
 * `text`. */
bool trust_judge(const plugin_policy *p, bb_str id, const char *sha256, uint64_t size, bb_str text,
                 trust *out, err *e);

/* The text of FILE.sig, in `a`; absent where there is none. False: it is there and cannot be read. */
bool trust_read_signature(arena *a, const char *file, bb_str *text, err *e);

/* A copy in `a`; NULL: no memory. */
trust *trust_copy(arena *a, const trust *t);
const char *trust_signature_name(trust_signature s); /* "none", "verified", "unproven", "refused" */

/* As a JSON object, and back with its texts in `a`: for the process that plans. NULL: it is none. */
void trust_policy_write(const plugin_policy *p, json_writer *w);
plugin_policy *trust_policy_read(arena *a, const json_value *v);

#endif
