/* schema_index.c - documents, their resources ($id), anchors, and which resource each subschema belongs to.
 */
#include "json/schema_internal.h"

#include <stdlib.h>

#define META_2020 "https://json-schema.org/draft/2020-12/schema"
#define META_7 "http://json-schema.org/draft-07/schema"
#define VALIDATION_2020 "https://json-schema.org/draft/2020-12/vocab/validation"

/* --- places -----------------------------------------------------------------------------------------------
 */

static size_t slot_of(const schema *s, const json_value *at) {
    size_t i = ((uintptr_t)at / sizeof *at * 0x9e3779b97f4a7c15u >> 20) & (s->place_cap - 1);
    while (s->places[i].at != NULL && s->places[i].at != at)
        i = (i + 1) & (s->place_cap - 1);
    return i;
}

static bool grow_places(schema *s) {
    place *old = s->places;
    size_t old_cap = s->place_cap, cap = old_cap == 0 ? 256 : old_cap * 2;
    place *places = calloc(cap, sizeof *places);
    if (places == NULL)
        return false;
    s->places = places;
    s->place_cap = cap;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].at != NULL)
            places[slot_of(s, old[i].at)] = old[i];
    free(old);
    return true;
}

place *index_place(schema *s, const json_value *at) {
    if (s->place_cap == 0)
        return NULL;
    place *p = &s->places[slot_of(s, at)];
    return p->at != NULL ? p : NULL;
}

static bool add_place(schema *s, const json_value *at, resource *in) {
    if (s->place_count * 2 >= s->place_cap && !grow_places(s)) {
        s->failed = true;
        return err_set(s->e, "no memory for the schema");
    }
    place *p = &s->places[slot_of(s, at)];
    if (p->at == NULL)
        s->place_count++;
    *p = (place){.at = at, .resource = in, .node = p->node};
    return true;
}

/* --- resources --------------------------------------------------------------------------------------------
 */

static resource *find_resource(const schema *s, bb_str uri) {
    for (resource *r = s->resources; r != NULL; r = r->next)
        if (str_eq(r->uri, uri))
            return r;
    return NULL;
}

static resource *add_resource(schema *s, bb_str uri, const json_value *root, draft d, bool asserts) {
    resource *r = arena_zalloc(s->memory, sizeof *r);
    if (r == NULL) {
        s->failed = true;
        return NULL;
    }
    *r = (resource){.uri = arena_copy(s->memory, uri),
                    .root = root,
                    .draft = d,
                    .validation = asserts,
                    .next = s->resources};
    s->resources = r;
    return r;
}

static void add_anchor(schema *s, resource *in, bb_str name, const json_value *at, bool dynamic) {
    anchor *a = arena_zalloc(s->memory, sizeof *a);
    if (a == NULL) {
        s->failed = true;
        return;
    }
    *a = (anchor){.name = name, .at = at, .dynamic = dynamic, .next = in->anchors};
    in->anchors = a;
}

static bb_str strip_empty_fragment(bb_str uri) {
    return str_ends(uri, STR("#")) ? str_of(uri.ptr, uri.len - 1) : uri;
}

/* What "$schema" asks for: a draft, and for a meta-schema of somebody's own, its vocabularies. */
static void read_dialect(schema *s, const json_value *root, draft *d, bool *asserts) {
    bb_str uri = strip_empty_fragment(json_string(json_getl(root, "$schema")));
    if (uri.ptr == NULL)
        return;
    *asserts = true;
    if (str_eq(uri, STR(META_2020))) {
        *d = DRAFT_2020;
    } else if (str_eq(uri, STR(META_7)) || str_starts(uri, STR("http://json-schema.org/draft-0"))) {
        *d = DRAFT_7;
    } else if (s->resolver != NULL && s->resolver->find != NULL) {
        bb_str text = s->resolver->find(s->resolver->ctx, uri);
        const json_value *meta = text.ptr != NULL ? json_read(s->memory, text, NULL, NULL) : NULL;
        const json_value *vocabulary = json_getl(meta, "$vocabulary");
        if (vocabulary != NULL) {
            *d = DRAFT_2020;
            *asserts = json_getl(vocabulary, VALIDATION_2020) != NULL;
        }
    }
}

/* --- walking ----------------------------------------------------------------------------------------------
 */

static const char *const in_one[] = {
    "additionalProperties",  "propertyNames",    "contains",        "not",           "if", "then", "else",
    "unevaluatedProperties", "unevaluatedItems", "additionalItems", "contentSchema", NULL};
static const char *const in_list[] = {"allOf", "anyOf", "oneOf", "prefixItems", NULL};
static const char *const in_map[] = {"properties",       "patternProperties", "$defs", "definitions",
                                     "dependentSchemas", "dependencies",      NULL};

static bool is_named(bb_str key, const char *const *names) {
    for (; *names != NULL; names++)
        if (str_eq(key, str_from(*names)))
            return true;
    return false;
}

static bool is_schema(const json_value *v) {
    return json_is(v, JSON_OBJECT) || json_is(v, JSON_BOOL);
}

static void walk(schema *s, const json_value *at, resource *in);

static void walk_members(schema *s, const json_value *container, resource *in) {
    for (json_iter it = json_iterate(container); json_next(&it);)
        if (is_schema(it.value)) /* draft 7's "dependencies" may have lists of names instead */
            walk(s, it.value, in);
}

static void walk_keywords(schema *s, const json_value *at, resource *in) {
    for (json_iter it = json_iterate(at); json_next(&it);) {
        bool items = str_eq(it.key, STR("items"));
        if ((is_named(it.key, in_one) || items) && is_schema(it.value))
            walk(s, it.value, in);
        else if ((is_named(it.key, in_list) || items) && json_is(it.value, JSON_ARRAY))
            walk_members(s, it.value, in);
        else if (is_named(it.key, in_map) && json_is(it.value, JSON_OBJECT))
            walk_members(s, it.value, in);
    }
}

/* A subschema with an $id begins a resource of its own. In draft 7 an $id that is only a fragment is an
 * anchor, and a $ref hides everything beside it. */
static resource *enter(schema *s, const json_value *at, resource *in) {
    bb_str id = json_string(json_getl(at, "$id"));
    bool hidden = in->draft == DRAFT_7 && json_getl(at, "$ref") != NULL;
    if (id.ptr == NULL || hidden || at == in->root)
        return in;
    if (id.len > 0 && id.ptr[0] == '#') {
        if (in->draft == DRAFT_7)
            add_anchor(s, in, str_of(id.ptr + 1, id.len - 1), at, false);
        return in;
    }
    bb_str uri, fragment;
    uri_cut_fragment(uri_resolve(s->memory, in->uri, id), &uri, &fragment);
    draft d = in->draft;
    bool asserts = in->validation;
    read_dialect(s, at, &d, &asserts);
    resource *r = add_resource(s, uri, at, d, asserts);
    if (r != NULL && d == DRAFT_7 && fragment.len > 0)
        add_anchor(s, r, fragment, at, false);
    return r != NULL ? r : in;
}

static void walk(schema *s, const json_value *at, resource *in) {
    if (s->failed || index_place(s, at) != NULL)
        return;
    in = enter(s, at, in);
    if (!add_place(s, at, in) || !json_is(at, JSON_OBJECT))
        return;
    if (in->draft == DRAFT_2020) {
        bb_str plain = json_string(json_getl(at, "$anchor")),
               dynamic = json_string(json_getl(at, "$dynamicAnchor"));
        if (plain.ptr != NULL)
            add_anchor(s, in, plain, at, false);
        if (dynamic.ptr != NULL)
            add_anchor(s, in, dynamic, at, true);
    }
    walk_keywords(s, at, in);
}

resource *index_document(schema *s, const json_value *root, bb_str uri, draft otherwise) {
    draft d = otherwise;
    bool asserts = true;
    read_dialect(s, root, &d, &asserts);
    bb_str id = json_string(json_getl(root, "$id")), without, fragment;
    bool hidden = d == DRAFT_7 && json_getl(root, "$ref") != NULL;
    resource *r = add_resource(s, uri, root, d, asserts);
    if (r == NULL)
        return NULL;
    if (id.len > 0 && id.ptr[0] != '#' && !hidden) {
        uri_cut_fragment(uri_resolve(s->memory, uri, id), &without, &fragment);
        if (!str_eq(without, uri)) /* known by both names; its own is the base of its references */
            r = add_resource(s, without, root, d, asserts);
    } else if (id.len > 0 && id.ptr[0] == '#' && d == DRAFT_7) {
        add_anchor(s, r, str_of(id.ptr + 1, id.len - 1), root, false);
    }
    if (r != NULL)
        walk(s, root, r);
    return r;
}

place *index_stray(schema *s, const json_value *at, resource *in) {
    walk(s, at, in);
    return index_place(s, at);
}

/* --- finding ----------------------------------------------------------------------------------------------
 */

static resource *load(schema *s, const resource *from, bb_str uri) {
    bb_str text = s->resolver != NULL && s->resolver->find != NULL ? s->resolver->find(s->resolver->ctx, uri)
                                                                   : (bb_str){NULL, 0};
    if (text.ptr == NULL)
        text = meta_schema_find(uri);
    const json_value *root = text.ptr != NULL ? json_read(s->memory, text, NULL, NULL) : NULL;
    if (root == NULL)
        return NULL;
    index_document(s, root, uri, from->draft);
    return find_resource(s, uri);
}

static anchor *find_anchor(const resource *r, bb_str name) {
    for (anchor *a = r->anchors; a != NULL; a = a->next)
        if (str_eq(a->name, name))
            return a;
    return NULL;
}

/* A document is known by the URI it was found at and by its own $id: both are resources with the same root.
 */
static anchor *find_anchor_of_root(const schema *s, const resource *r, bb_str name) {
    anchor *found = find_anchor(r, name);
    for (const resource *other = s->resources; found == NULL && other != NULL; other = other->next)
        if (other->root == r->root)
            found = find_anchor(other, name);
    return found;
}

const json_value *index_find(schema *s, const resource *from, bb_str reference, resource **in,
                             anchor **through) {
    bb_str uri, fragment;
    uri_cut_fragment(uri_resolve(s->memory, from->uri, reference), &uri, &fragment);
    *through = NULL;
    *in = find_resource(s, uri);
    if (*in == NULL)
        *in = load(s, from, uri);
    if (*in == NULL)
        return NULL;
    if (fragment.len == 0)
        return (*in)->root;
    bb_str name = uri_decode(s->memory, fragment);
    if (name.len > 0 && name.ptr[0] == '/')
        return json_pointer((*in)->root, name);
    *through = find_anchor_of_root(s, *in, name);
    return *through != NULL ? (*through)->at : NULL;
}
