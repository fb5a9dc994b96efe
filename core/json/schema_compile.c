/* schema_compile.c - from documents to nodes: references followed, every subschema once. */
#include "json/schema_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define COMPILE_DEPTH_MAX 1000u /* a level takes a few hundred bytes of stack */

/* --- where an error is -------------------------------------------------------------------------------------
 */

static bool find_path(const json_value *from, const json_value *to, buf *path) {
    if (from == to)
        return true;
    if (to < from || to >= from + from->span)
        return false;
    for (json_iter it = json_iterate(from); json_next(&it);) {
        size_t before = path->len;
        if (it.key.ptr != NULL)
            json_pointer_add(path, it.key);
        else
            buf_printf(path, "/%u", it.index);
        if (find_path(it.value, to, path))
            return true;
        path->len = before;
    }
    return false;
}

bool compile_fail(schema *s, const resource *in, const json_value *at, const char *format, ...) {
    char text[500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    buf path;
    buf_init(&path);
    find_path(in->root, at, &path);
    if (!s->failed)
        err_set(s->e, "at \"%.200s\": %s", buf_cstr(&path), text);
    s->failed = true;
    buf_free(&path);
    return false;
}

/* --- nodes ------------------------------------------------------------------------------------------------
 */

static node *node_new(schema *s, const json_value *at, resource *in) {
    node *n = arena_zalloc(s->memory, sizeof *n);
    if (n == NULL) {
        s->failed = true;
        err_set(s->e, "no memory for the schema");
        return NULL;
    }
    n->source = at;
    n->resource = in;
    n->max_length = n->max_items = n->max_properties = n->max_contains = NONE;
    n->min_contains = 1;
    return n;
}

node *compile_node(schema *s, const json_value *at) {
    place *p = index_place(s, at);
    if (s->failed || p == NULL)
        return NULL;
    if (p->node != NULL)
        return p->node;
    resource *in = p->resource;
    node *n = node_new(s, at, in);
    if (n == NULL)
        return NULL;
    p->node = n; /* before its keywords: they may refer to it */
    if (json_is(at, JSON_BOOL)) {
        n->is_false = !json_bool(at, true);
        n->plain = !n->is_false;
        return n;
    }
    if (!json_is(at, JSON_OBJECT)) {
        compile_fail(s, in, at, "a schema is an object, true or false");
        return NULL;
    }
    if (s->depth == COMPILE_DEPTH_MAX) {
        compile_fail(s, in, at, "it is nested, or refers on, more than %u levels deep", COMPILE_DEPTH_MAX);
        return NULL;
    }
    s->depth++;
    bool ok = compile_keywords(s, n);
    s->depth--;
    return ok ? n : NULL;
}

/* Every $dynamicAnchor may be the target of a $dynamicRef. Compiling one may bring in further documents. */
static bool compile_dynamic_anchors(schema *s) {
    for (bool again = true; again && !s->failed;) {
        again = false;
        for (resource *r = s->resources; r != NULL; r = r->next)
            for (anchor *a = r->anchors; a != NULL; a = a->next)
                if (a->dynamic && a->target == NULL) {
                    a->target = compile_node(s, a->at);
                    again = true;
                    if (a->target == NULL)
                        return false;
                }
    }
    return !s->failed;
}

/* --- a cycle that consumes nothing ------------------------------------------------------------------ */

typedef struct cycle_search {
    const node *path[512];
    size_t depth;
} cycle_search;

static bool leads_back(cycle_search *c, const node *n);

static bool any_leads_back(cycle_search *c, node *const *nodes, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (leads_back(c, nodes[i]))
            return true;
    return false;
}

/* Whether following only what applies to the same instance comes back to a node on the way. */
static bool leads_back(cycle_search *c, const node *n) {
    if (n == NULL || !n->has_logic)
        return false;
    for (size_t i = 0; i < c->depth; i++)
        if (c->path[i] == n)
            return true;
    if (c->depth == sizeof c->path / sizeof c->path[0])
        return false; /* the validator's own limit is behind this */
    c->path[c->depth++] = n;
    bool found = leads_back(c, n->ref) || any_leads_back(c, n->all_of, n->all_count) ||
                 any_leads_back(c, n->any_of, n->any_count) || any_leads_back(c, n->one_of, n->one_count) ||
                 leads_back(c, n->negated) || leads_back(c, n->if_) || leads_back(c, n->then_) ||
                 leads_back(c, n->else_);
    c->depth--;
    return found;
}

/* --- all of it --------------------------------------------------------------------------------------------
 */

static bool compile_all(schema *s, bb_str text, bb_str base_uri) {
    json_error error;
    bb_str copy = arena_copy(s->memory, text);
    const json_value *root = copy.ptr != NULL ? json_read(s->memory, copy, NULL, &error) : NULL;
    if (root == NULL)
        return err_set(s->e, copy.ptr != NULL ? "it is not JSON: line %u, column %u: %s" : "no memory",
                       error.line, error.column, error.reason);
    resource *r = index_document(s, root, base_uri, DRAFT_2020);
    if (r == NULL || s->failed)
        return false;
    s->root = compile_node(s, root);
    if (s->root == NULL || !compile_dynamic_anchors(s))
        return false;
    cycle_search search = {.depth = 0};
    if (leads_back(&search, s->root))
        return compile_fail(
            s, r, root,
            "it refers to itself without end: a $ref leads back without looking into the instance");
    return true;
}

schema *schema_compile(bb_str text, bb_str base_uri, const schema_resolver *resolver, err *e) {
    err unused = {""};
    schema *s = calloc(1, sizeof *s);
    if (s == NULL || (s->memory = arena_new(0)) == NULL) {
        free(s);
        err_set(e, "no memory for the schema");
        return NULL;
    }
    s->resolver = resolver;
    s->e = e != NULL ? e : &unused;
    s->limits = pcre2_match_context_create(NULL);
    if (s->limits != NULL) {
        pcre2_set_match_limit(s->limits, 200000);
        pcre2_set_depth_limit(s->limits, 20000);
        pcre2_set_heap_limit(s->limits, 4096); /* KiB */
    }
    bool ok = compile_all(s, text, base_uri);
    free(s->places);
    s->places = NULL;
    s->resolver = NULL;
    s->e = NULL;
    if (ok)
        return s;
    schema_free(s);
    return NULL;
}

void schema_free(schema *s) {
    if (s == NULL)
        return;
    for (regex_list *r = s->regexes; r != NULL; r = r->next)
        pcre2_code_free(r->regex);
    pcre2_match_context_free(s->limits);
    arena_free(s->memory);
    free(s);
}
