/* schema_keywords.c - the keywords of one subschema, read into its node; each of a wrong type is refused with
 * its place. */
#include "json/schema_internal.h"

static bool wrong(schema *s, const node *n, const json_value *at, const char *keyword, const char *expected) {
    return compile_fail(s, n->resource, at, "%s must be %s", keyword, expected);
}

static const json_value *keyword(const node *n, const char *name) {
    return json_get(n->source, str_from(name));
}

/* --- scalars ----------------------------------------------------------------------------------------------
 */

static uint8_t type_bit(bb_str name) {
    static const struct {
        const char *name;
        uint8_t bit;
    } types[] = {{"null", T_NULL},     {"boolean", T_BOOL}, {"number", T_NUMBER}, {"integer", T_INTEGER},
                 {"string", T_STRING}, {"array", T_ARRAY},  {"object", T_OBJECT}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (str_eq(name, str_from(types[i].name)))
            return types[i].bit;
    return 0;
}

static bool read_type(schema *s, node *n) {
    const json_value *v = keyword(n, "type");
    const char *expected = "one of null, boolean, number, integer, string, array, object, or a list of them";
    if (v == NULL)
        return true;
    n->types = json_is(v, JSON_STRING) ? type_bit(json_string(v)) : 0;
    for (json_iter it = json_iterate(json_is(v, JSON_ARRAY) ? v : NULL); json_next(&it);) {
        uint8_t bit = type_bit(json_string(it.value));
        if (bit == 0)
            return wrong(s, n, it.value, "type", expected);
        n->types |= bit;
    }
    return n->types != 0 || wrong(s, n, v, "type", expected);
}

static bool read_number(schema *s, node *n, const char *name, bb_str *out) {
    const json_value *v = keyword(n, name);
    if (v == NULL)
        return true;
    if (!json_is(v, JSON_NUMBER))
        return wrong(s, n, v, name, "a number");
    *out = json_raw(v);
    n->has_numeric = true;
    return true;
}

static bool read_numbers(schema *s, node *n) {
    if (!read_number(s, n, "minimum", &n->minimum) || !read_number(s, n, "maximum", &n->maximum) ||
        !read_number(s, n, "exclusiveMinimum", &n->exclusive_minimum) ||
        !read_number(s, n, "exclusiveMaximum", &n->exclusive_maximum) ||
        !read_number(s, n, "multipleOf", &n->multiple_of))
        return false;
    return n->multiple_of.ptr == NULL || json_number_compare(n->multiple_of, STR("0")) > 0 ||
           wrong(s, n, keyword(n, "multipleOf"), "multipleOf", "above 0");
}

static bool read_count(schema *s, node *n, const char *name, uint64_t *out) {
    const json_value *v = keyword(n, name);
    if (v == NULL)
        return true;
    bb_str text = json_raw(v);
    if (!json_is(v, JSON_NUMBER) || !json_number_is_integer(text) || json_number_compare(text, STR("0")) < 0)
        return wrong(s, n, v, name, "a whole number of 0 or more");
    if (!json_to_u64(v, out))
        *out = NONE - 1;
    return true;
}

static bool read_flag(schema *s, node *n, const char *name, bool *out) {
    const json_value *v = keyword(n, name);
    if (v != NULL && !json_is(v, JSON_BOOL))
        return wrong(s, n, v, name, "true or false");
    *out = json_bool(v, false);
    return true;
}

static bool read_pattern(schema *s, const node *n, const json_value *at, bb_str text, pcre2_code **out) {
    char reason[160];
    *out = regex_compile(s, text, reason, sizeof reason);
    return *out != NULL ||
           compile_fail(s, n->resource, at, "the regular expression does not compile: %s", reason);
}

/* A list of different strings. */
static bool read_names(schema *s, const node *n, const json_value *v, const char *name, const bb_str **out,
                       size_t *count) {
    if (v == NULL)
        return true;
    if (!json_is(v, JSON_ARRAY))
        return wrong(s, n, v, name, "a list of names");
    bb_str *names = arena_alloc(s->memory, (json_count(v) + 1) * sizeof *names);
    if (names == NULL)
        return compile_fail(s, n->resource, v, "no memory");
    for (json_iter it = json_iterate(v); json_next(&it);) {
        if (!json_is(it.value, JSON_STRING))
            return wrong(s, n, it.value, name, "a list of names");
        names[(*count)++] = json_string(it.value);
    }
    *out = names;
    return true;
}

static bool read_values(schema *s, node *n) {
    n->constant = keyword(n, "const");
    n->enumeration = keyword(n, "enum");
    return n->enumeration == NULL || json_is(n->enumeration, JSON_ARRAY) ||
           wrong(s, n, n->enumeration, "enum", "a list");
}

static bool read_validation(schema *s, node *n) {
    const json_value *pattern = keyword(n, "pattern");
    if (pattern != NULL && !json_is(pattern, JSON_STRING))
        return wrong(s, n, pattern, "pattern", "a regular expression");
    bool ok = read_type(s, n) && read_values(s, n) && read_numbers(s, n) &&
              read_count(s, n, "minLength", &n->min_length) &&
              read_count(s, n, "maxLength", &n->max_length) && read_count(s, n, "minItems", &n->min_items) &&
              read_count(s, n, "maxItems", &n->max_items) &&
              read_count(s, n, "minProperties", &n->min_properties) &&
              read_count(s, n, "maxProperties", &n->max_properties) &&
              read_flag(s, n, "uniqueItems", &n->unique_items) &&
              read_names(s, n, keyword(n, "required"), "required", &n->required, &n->required_count);
    if (ok && n->resource->draft == DRAFT_2020)
        ok = read_count(s, n, "minContains", &n->min_contains) &&
             read_count(s, n, "maxContains", &n->max_contains);
    return ok && (pattern == NULL || read_pattern(s, n, pattern, json_string(pattern), &n->pattern));
}

/* --- subschemas -------------------------------------------------------------------------------------------
 */

static bool read_node(schema *s, node *n, const char *name, node **out) {
    const json_value *v = keyword(n, name);
    if (v == NULL)
        return true;
    if (index_place(s, v) == NULL)
        return wrong(s, n, v, name, "a schema: an object, true or false");
    *out = compile_node(s, v);
    return *out != NULL;
}

static bool read_list(schema *s, node *n, const char *name, node ***out, size_t *count) {
    const json_value *v = keyword(n, name);
    if (v == NULL)
        return true;
    if (!json_is(v, JSON_ARRAY) || json_count(v) == 0)
        return wrong(s, n, v, name, "a list of schemas, not empty");
    *out = arena_alloc(s->memory, json_count(v) * sizeof **out);
    if (*out == NULL)
        return compile_fail(s, n->resource, v, "no memory");
    for (json_iter it = json_iterate(v); json_next(&it);) {
        if (index_place(s, it.value) == NULL)
            return wrong(s, n, it.value, name, "a list of schemas");
        if (((*out)[(*count)++] = compile_node(s, it.value)) == NULL)
            return false;
    }
    return true;
}

static bool read_map(schema *s, node *n, const char *name, named_node **out, size_t *count) {
    const json_value *v = keyword(n, name);
    if (v == NULL)
        return true;
    if (!json_is(v, JSON_OBJECT))
        return wrong(s, n, v, name, "an object of schemas");
    *out = arena_alloc(s->memory, (json_count(v) + 1) * sizeof **out);
    if (*out == NULL)
        return compile_fail(s, n->resource, v, "no memory");
    for (json_iter it = json_iterate(v); json_next(&it);) {
        if (index_place(s, it.value) == NULL)
            return wrong(s, n, it.value, name, "an object of schemas");
        named_node *entry = &(*out)[(*count)++];
        entry->name = it.key;
        if ((entry->node = compile_node(s, it.value)) == NULL)
            return false;
    }
    return true;
}

static bool hash_properties(schema *s, node *n) {
    if (n->property_count <= 8)
        return true;
    uint32_t slots = 16;
    while (slots < n->property_count * 2)
        slots *= 2;
    n->property_slots = arena_zalloc(s->memory, slots * sizeof *n->property_slots);
    if (n->property_slots == NULL)
        return compile_fail(s, n->resource, n->source, "no memory");
    n->slot_mask = slots - 1;
    for (size_t i = 0; i < n->property_count; i++) {
        uint32_t at = (uint32_t)str_hash(n->properties[i].name) & n->slot_mask;
        while (n->property_slots[at] != 0)
            at = (at + 1) & n->slot_mask;
        n->property_slots[at] = (uint32_t)i + 1;
    }
    return true;
}

static bool read_patterns(schema *s, node *n) {
    const json_value *v = keyword(n, "patternProperties");
    named_node *entries = NULL;
    if (!read_map(s, n, "patternProperties", &entries, &n->pattern_count) || n->pattern_count == 0)
        return !s->failed;
    n->patterns = arena_alloc(s->memory, n->pattern_count * sizeof *n->patterns);
    if (n->patterns == NULL)
        return compile_fail(s, n->resource, v, "no memory");
    for (size_t i = 0; i < n->pattern_count; i++) {
        n->patterns[i].node = entries[i].node;
        if (!read_pattern(s, n, v, entries[i].name, &n->patterns[i].regex))
            return false;
    }
    return true;
}

static bool add_dependent_names(schema *s, node *n, bb_str key, const json_value *names, const char *name) {
    named_list *list = &n->dependent_required[n->dependent_required_count++];
    *list = (named_list){.name = key};
    return read_names(s, n, names, name, &list->items, &list->count);
}

/* 2020-12 has two keywords for what draft 7 has in one. */
static bool read_dependencies(schema *s, node *n) {
    bool old = n->resource->draft == DRAFT_7;
    const char *name = old ? "dependencies" : "dependentRequired";
    const json_value *v = keyword(n, name);
    if (!old && !read_map(s, n, "dependentSchemas", &n->dependent_schemas, &n->dependent_schema_count))
        return false;
    if (v == NULL || (!old && !n->resource->validation))
        return true;
    if (!json_is(v, JSON_OBJECT))
        return wrong(s, n, v, name, "an object");
    n->dependent_required = arena_alloc(s->memory, (json_count(v) + 1) * sizeof *n->dependent_required);
    if (old)
        n->dependent_schemas = arena_alloc(s->memory, (json_count(v) + 1) * sizeof *n->dependent_schemas);
    if (n->dependent_required == NULL || (old && n->dependent_schemas == NULL))
        return compile_fail(s, n->resource, v, "no memory");
    for (json_iter it = json_iterate(v); json_next(&it);) {
        if (json_is(it.value, JSON_ARRAY) || !old) {
            if (!add_dependent_names(s, n, it.key, it.value, name))
                return false;
            continue;
        }
        node *target = compile_node(s, it.value);
        if (target == NULL)
            return s->failed ? false : wrong(s, n, it.value, name, "an object of schemas or lists of names");
        n->dependent_schemas[n->dependent_schema_count++] = (named_node){.name = it.key, .node = target};
    }
    return true;
}

static bool read_object(schema *s, node *n) {
    return read_map(s, n, "properties", &n->properties, &n->property_count) && hash_properties(s, n) &&
           read_patterns(s, n) && read_node(s, n, "additionalProperties", &n->additional) &&
           read_node(s, n, "propertyNames", &n->names) && read_dependencies(s, n);
}

/* Draft 7's "items" may be a list, with "additionalItems" for what follows it: 2020-12's prefixItems and
 * items. */
static bool read_array(schema *s, node *n) {
    bool list = n->resource->draft == DRAFT_7 && json_is(keyword(n, "items"), JSON_ARRAY);
    if (!read_node(s, n, "contains", &n->contains))
        return false;
    if (list) {
        if (json_count(keyword(n, "items")) == 0)
            return read_node(s, n, "additionalItems", &n->items);
        return read_list(s, n, "items", &n->prefix, &n->prefix_count) &&
               read_node(s, n, "additionalItems", &n->items);
    }
    if (n->resource->draft == DRAFT_2020 && !read_list(s, n, "prefixItems", &n->prefix, &n->prefix_count))
        return false;
    return read_node(s, n, "items", &n->items);
}

static bool read_logic(schema *s, node *n) {
    return read_list(s, n, "allOf", &n->all_of, &n->all_count) &&
           read_list(s, n, "anyOf", &n->any_of, &n->any_count) &&
           read_list(s, n, "oneOf", &n->one_of, &n->one_count) && read_node(s, n, "not", &n->negated) &&
           read_node(s, n, "if", &n->if_) && read_node(s, n, "then", &n->then_) &&
           read_node(s, n, "else", &n->else_);
}

/* --- references -------------------------------------------------------------------------------------------
 */

static node *refer(schema *s, const node *n, const json_value *v, const char *name, anchor **through) {
    if (!json_is(v, JSON_STRING)) {
        wrong(s, n, v, name, "a URI reference");
        return NULL;
    }
    bb_str reference = json_string(v);
    resource *in;
    const json_value *at = index_find(s, n->resource, reference, &in, through);
    if (at == NULL) {
        compile_fail(s, n->resource, v, "%s \"%.200s\" leads nowhere", name,
                     arena_strdup(s->memory, reference));
        return NULL;
    }
    if (index_place(s, at) == NULL && index_stray(s, at, in) == NULL)
        return NULL;
    return compile_node(s, at);
}

static bool read_references(schema *s, node *n) {
    const json_value *ref = keyword(n, "$ref"), *dynamic = keyword(n, "$dynamicRef");
    anchor *through;
    if (ref != NULL && (n->ref = refer(s, n, ref, "$ref", &through)) == NULL)
        return false;
    if (dynamic == NULL || n->resource->draft == DRAFT_7)
        return true;
    if ((n->dynamic_ref = refer(s, n, dynamic, "$dynamicRef", &through)) == NULL)
        return false;
    if (through != NULL && through->dynamic)
        n->dynamic_name = through->name;
    return true;
}

/* --- one subschema ----------------------------------------------------------------------------------------
 */

static void classify(node *n) {
    n->has_object = n->min_properties > 0 || n->max_properties != NONE || n->required_count > 0 ||
                    n->property_count > 0 || n->pattern_count > 0 || n->additional != NULL ||
                    n->names != NULL || n->dependent_required_count > 0 || n->dependent_schema_count > 0 ||
                    n->unevaluated_properties != NULL;
    n->has_array = n->min_items > 0 || n->max_items != NONE || n->unique_items || n->prefix_count > 0 ||
                   n->items != NULL || n->contains != NULL || n->unevaluated_items != NULL;
    n->has_logic = n->all_count + n->any_count + n->one_count > 0 || n->negated != NULL || n->if_ != NULL ||
                   n->ref != NULL || n->dynamic_ref != NULL;
    n->collects = n->unevaluated_properties != NULL || n->unevaluated_items != NULL;
    bool scalar = n->types != 0 || n->enumeration != NULL || n->constant != NULL || n->has_numeric ||
                  n->min_length > 0 || n->max_length != NONE || n->pattern != NULL;
    n->plain = !n->has_object && !n->has_array && !n->has_logic && !scalar;
}

bool compile_keywords(schema *s, node *n) {
    bool ok = read_references(s, n);
    bool hidden = n->resource->draft == DRAFT_7 && n->ref != NULL; /* draft 7: nothing beside a $ref counts */
    if (ok && !hidden) {
        ok = (!n->resource->validation || read_validation(s, n)) && read_object(s, n) && read_array(s, n) &&
             read_logic(s, n);
        if (ok && n->resource->draft == DRAFT_2020)
            ok = read_node(s, n, "unevaluatedProperties", &n->unevaluated_properties) &&
                 read_node(s, n, "unevaluatedItems", &n->unevaluated_items);
    }
    classify(n);
    return ok;
}
