/* schema_internal.h - a schema as it is compiled. Private to schema*.c.
 *
 * Documents hold resources (what an $id names), resources hold subschemas; each subschema is compiled to a
 * node once, so that nodes form a graph that follows references, cycles included. */
#ifndef JSON_SCHEMA_INTERNAL_H
#define JSON_SCHEMA_INTERNAL_H

#include "json/schema.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#define NONE UINT64_MAX

typedef enum { DRAFT_7, DRAFT_2020 } draft;

typedef struct node node;
typedef struct resource resource;

typedef struct anchor {
    bb_str name;
    const json_value *at;
    bool dynamic;
    node *target; /* of a dynamic one */
    struct anchor *next;
} anchor;

struct resource {
    bb_str uri; /* absolute, without fragment */
    const json_value *root;
    draft draft;
    bool validation; /* the vocabulary with type, minimum, ... is in use */
    anchor *anchors;
    resource *next;
};

typedef struct named_node {
    bb_str name;
    node *node;
} named_node;

typedef struct named_list {
    bb_str name;
    const bb_str *items;
    size_t count;
} named_list;

typedef struct pattern_node {
    pcre2_code *regex;
    node *node;
} pattern_node;

enum { T_NULL = 1, T_BOOL = 2, T_NUMBER = 4, T_INTEGER = 8, T_STRING = 16, T_ARRAY = 32, T_OBJECT = 64 };

struct node {
    const json_value *source;
    resource *resource;
    bool is_false, plain; /* plain: true, {} or nothing but annotations: everything is valid */
    bool collects;        /* has unevaluated*: needs to know what the others have looked at */
    uint8_t types;        /* T_*; 0: any */
    const json_value *enumeration, *constant;
    bb_str minimum, maximum, exclusive_minimum, exclusive_maximum, multiple_of;
    uint64_t min_length, max_length, min_items, max_items, min_properties, max_properties, min_contains,
        max_contains;
    pcre2_code *pattern;
    bool unique_items, has_numeric, has_object, has_array, has_logic;
    const bb_str *required;
    size_t required_count;
    named_node *properties;
    size_t property_count;
    uint32_t *property_slots; /* hash table of property numbers + 1, where there are many; else NULL */
    uint32_t slot_mask;
    pattern_node *patterns;
    size_t pattern_count;
    node *additional, *names, *unevaluated_properties;
    named_list *dependent_required;
    size_t dependent_required_count;
    named_node *dependent_schemas;
    size_t dependent_schema_count;
    node **prefix;
    size_t prefix_count;
    node *items, *contains, *unevaluated_items;
    node **all_of, **any_of, **one_of;
    size_t all_count, any_count, one_count;
    node *negated, *if_, *then_, *else_;
    node *ref, *dynamic_ref;
    bb_str dynamic_name; /* of a $dynamicRef that is looked up in the dynamic scope; absent: like $ref */
    node *next;          /* of the schema's list */
};

typedef struct regex_list {
    struct regex_list *next;
    pcre2_code *regex;
} regex_list;

/* Where each subschema belongs, and the node it became. */
typedef struct place {
    const json_value *at;
    resource *resource;
    node *node;
} place;

struct schema {
    arena *memory;
    node *root;
    resource *resources;
    regex_list *regexes;
    pcre2_match_context *limits;
    /* only while compiling */
    place *places; /* hash table by address */
    size_t place_count, place_cap;
    unsigned depth; /* of compile_node */
    const schema_resolver *resolver;
    err *e;
    bool failed;
};

/* schema_uri.c */
bb_str uri_resolve(arena *a, bb_str base, bb_str reference); /* RFC 3986 section 5.2 */
void uri_cut_fragment(bb_str uri, bb_str *without, bb_str *fragment);
bb_str uri_decode(arena *a, bb_str text);

/* schema_index.c: what there is, before anything is compiled */
resource *index_document(schema *s, const json_value *root, bb_str uri, draft otherwise);
place *index_place(schema *s, const json_value *at); /* NULL: not indexed */
/* A subschema that stands where no keyword leads (a JSON Pointer into an unknown member). */
place *index_stray(schema *s, const json_value *at, resource *in);
/* The value that a $ref from within `from` names, and its resource. NULL: unresolvable. */
const json_value *index_find(schema *s, const resource *from, bb_str reference, resource **in,
                             anchor **through);

/* schema_compile.c */
node *compile_node(schema *s, const json_value *at);
bool compile_fail(schema *s, const resource *in, const json_value *at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* schema_keywords.c: one node's keywords */
bool compile_keywords(schema *s, node *n);

/* schema_regex.c */
pcre2_code *regex_compile(schema *s, bb_str pattern, char *reason, size_t cap);

/* schema_meta.c: the published meta-schemas; absent: not one of them */
bb_str meta_schema_find(bb_str uri);

/* --- validating ------------------------------------------------------------------------------------------
 */

/* Resources entered, innermost first: for $dynamicRef. */
typedef struct scope {
    const resource *resource;
    const struct scope *outer;
} scope;

/* Which members of an instance have been looked at: for unevaluated*. */
typedef struct seen {
    uint64_t *bits; /* NULL: none yet */
    bool all;
} seen;

typedef struct validation {
    const schema *schema;
    arena *scratch;
    schema_issues *issues; /* NULL: only whether it is valid */
    buf path;              /* JSON Pointer of the instance at work, while issues are collected */
    unsigned depth;
    uint64_t steps; /* evaluations of a node that are left */
    bool failed;    /* no memory, recursion without end, or out of steps */
} validation;

/* schema_regex.c. A match that cannot be decided within the limits makes the validation fail: it never passes
 * for either answer. */
bool regex_matches(validation *v, const pcre2_code *regex, bb_str text);

bool validate_node(validation *v, const node *n, const json_value *value, const scope *outer, seen *out);
bool validate_object(validation *v, const node *n, const json_value *value, const scope *in, seen *out);
bool validate_array(validation *v, const node *n, const json_value *value, const scope *in, seen *out);
/* A member of the instance: the path grows while it is looked at. */
bool validate_member(validation *v, const node *n, const json_value *value, const scope *in, bb_str name,
                     uint32_t index);
void seen_add(validation *v, seen *s, const json_value *container, uint32_t index);
bool seen_has(const seen *s, uint32_t index);
void seen_merge(validation *v, seen *into, const seen *from, const json_value *container);

/* schema_issues.c. Gives false. */
bool issue(validation *v, const char *keyword, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The same, for a member that is missing or unknown: its name is added to the path. */
bool issue_at(validation *v, bb_str name, const char *keyword, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
/* A value as shown in a message: short. */
bb_str issue_show(validation *v, const json_value *value);
bb_str issue_list(validation *v, const json_value *values);

#endif
