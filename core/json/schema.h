/* schema.h - JSON Schema, drafts 2020-12 and 7: compiled once, then run without allocating where it can.
 *
 * A compiled schema is immutable and used by all loops at once. */
#ifndef JSON_SCHEMA_H
#define JSON_SCHEMA_H

#include "base/err.h"
#include "json/json.h"

typedef struct schema schema;

/* Documents that a schema may refer to, by URI or by name. */
typedef struct schema_resolver {
    /* The text of the document that `uri` (absolute, without fragment) names, or an absent slice. The text
     * must live as long as the compiled schema. */
    bb_str (*find)(void *ctx, bb_str uri);
    void *ctx;
} schema_resolver;

/* Compiles a schema text, which is copied. `base_uri` is what relative references are resolved against
 * ("busbar:///shop/"), and may be empty. Without "$schema" it is draft 2020-12; a document found by the
 * resolver says for itself. The meta-schemas of both drafts are built in. NULL and *e: not JSON, an
 * unresolvable $ref, a regular expression that does not compile, a keyword of a wrong type; the text says
 * where, as a JSON Pointer into the schema. `format` is an annotation. [any-thread] */
schema *schema_compile(bb_str text, bb_str base_uri, const schema_resolver *resolver, err *e);
void schema_free(schema *s); /* NULL is fine */

/* One thing that is wrong with an instance. Slices live in the arena given to schema_validate. */
typedef struct schema_issue {
    bb_str pointer; /* JSON Pointer into the instance */
    bb_str keyword; /* "required", "type", ... */
    bb_str message; /* for a person: "must be one of \"a\", \"b\"", "is required" (pointer names the missing
                       member) */
} schema_issue;

typedef struct schema_issues {
    schema_issue *items;
    size_t count, cap; /* at most 32 are kept */
} schema_issues;

/* True: the instance is valid. Otherwise *issues (may be NULL) tells what to mend: of anyOf and oneOf the
 * issues of the branch that came nearest; unknown members name the nearest known one. `scratch` gives memory
 * for issues and annotations only: a valid instance of an ordinary schema takes none. [any-thread]: one arena
 * a thread. */
bool schema_validate(const schema *s, const json_value *instance, arena *scratch, schema_issues *issues);

#endif
