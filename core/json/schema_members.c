/* schema_members.c - the keywords of objects and arrays. */
#include "json/schema_internal.h"

#include <stdlib.h>

bool validate_member(validation *v, const node *n, const json_value *value, const scope *in, bb_str name,
                     uint32_t index) {
    if (v->issues == NULL)
        return validate_node(v, n, value, in, NULL);
    size_t before = v->path.len;
    if (name.ptr != NULL)
        json_pointer_add(&v->path, name);
    else
        buf_printf(&v->path, "/%u", index);
    bool ok = validate_node(v, n, value, in, NULL);
    v->path.len = before;
    return ok;
}

/* --- objects -----------------------------------------------------------------------------------------------
 */

static const node *property_of(const node *n, bb_str name) {
    if (n->property_slots == NULL) {
        for (size_t i = 0; i < n->property_count; i++)
            if (str_eq(n->properties[i].name, name))
                return n->properties[i].node;
        return NULL;
    }
    for (uint32_t at = (uint32_t)str_hash(name) & n->slot_mask; n->property_slots[at] != 0;
         at = (at + 1) & n->slot_mask)
        if (str_eq(n->properties[n->property_slots[at] - 1].name, name))
            return n->properties[n->property_slots[at] - 1].node;
    return NULL;
}

static bool unknown_member(validation *v, const node *n, bb_str name) {
    const char **names = arena_zalloc(v->scratch, (n->property_count + 1) * sizeof *names);
    for (size_t i = 0; names != NULL && i < n->property_count; i++)
        names[i] = arena_strdup(v->scratch, n->properties[i].name);
    const char *near = names != NULL ? str_nearest(name, names) : NULL;
    if (near != NULL)
        return issue_at(v, name, "additionalProperties", "is not a known member; did you mean \"%s\"?", near);
    return issue_at(v, name, "additionalProperties", "is not a known member");
}

static bool check_additional(validation *v, const node *n, const json_iter *it, const scope *in) {
    if (n->additional->is_false)
        return v->issues != NULL ? unknown_member(v, n, it->key) : false;
    return validate_member(v, n->additional, it->value, in, it->key, 0);
}

static bool check_patterns(validation *v, const node *n, const json_iter *it, const scope *in,
                           bool *matched) {
    bool ok = true;
    for (size_t i = 0; i < n->pattern_count && (ok || v->issues != NULL); i++) {
        if (!regex_matches(v, n->patterns[i].regex, it->key))
            continue;
        *matched = true;
        ok = validate_member(v, n->patterns[i].node, it->value, in, it->key, 0) && ok;
    }
    return ok;
}

static bool check_members(validation *v, const node *n, const json_value *object, const scope *in,
                          seen *out) {
    bool ok = true;
    for (json_iter it = json_iterate(object); json_next(&it) && (ok || v->issues != NULL);) {
        const node *property = n->property_count > 0 ? property_of(n, it.key) : NULL;
        bool matched = property != NULL;
        if (property != NULL)
            ok = validate_member(v, property, it.value, in, it.key, 0) && ok;
        if (n->pattern_count > 0)
            ok = check_patterns(v, n, &it, in, &matched) && ok;
        if (!matched && n->additional != NULL) {
            ok = check_additional(v, n, &it, in) && ok;
            matched = true;
        }
        if (matched)
            seen_add(v, out, object, it.index);
    }
    return ok;
}

/* A name as the string instance that it is. */
static bool check_names(validation *v, const node *n, const json_value *object, const scope *in) {
    bool ok = true;
    for (json_iter it = json_iterate(object); json_next(&it) && (ok || v->issues != NULL);) {
        const json_value *name = it.value - 1; /* the key's node stands before the value's */
        ok = validate_member(v, n->names, name, in, it.key, 0) && ok;
    }
    return ok;
}

static bool check_required(validation *v, const bb_str *names, size_t count, const json_value *object,
                           const char *keyword) {
    bool ok = true;
    for (size_t i = 0; i < count && (ok || v->issues != NULL); i++)
        if (json_get(object, names[i]) == NULL)
            ok = issue_at(v, names[i], keyword, "is required");
    return ok;
}

static bool check_dependencies(validation *v, const node *n, const json_value *object, const scope *in,
                               seen *out) {
    bool ok = true;
    for (size_t i = 0; i < n->dependent_required_count; i++) {
        const named_list *list = &n->dependent_required[i];
        if (json_get(object, list->name) != NULL)
            ok = check_required(v, list->items, list->count, object, "dependentRequired") && ok;
    }
    for (size_t i = 0; i < n->dependent_schema_count; i++) {
        if (json_get(object, n->dependent_schemas[i].name) == NULL)
            continue;
        seen own = {0};
        bool fits = validate_node(v, n->dependent_schemas[i].node, object, in, out != NULL ? &own : NULL);
        if (fits)
            seen_merge(v, out, &own, object);
        ok = fits && ok;
    }
    return ok;
}

static bool check_unevaluated_members(validation *v, const node *n, const json_value *object, const scope *in,
                                      seen *out) {
    bool ok = true;
    for (json_iter it = json_iterate(object); json_next(&it) && (ok || v->issues != NULL);) {
        if (seen_has(out, it.index))
            continue;
        if (n->unevaluated_properties->is_false)
            ok = issue_at(v, it.key, "unevaluatedProperties", "is not a known member");
        else
            ok = validate_member(v, n->unevaluated_properties, it.value, in, it.key, 0) && ok;
    }
    out->all = out->all || ok;
    return ok;
}

bool validate_object(validation *v, const node *n, const json_value *object, const scope *in, seen *out) {
    bool ok = n->required_count == 0 || check_required(v, n->required, n->required_count, object, "required");
    if (json_count(object) < n->min_properties)
        ok = issue(v, "minProperties", "must have at least %llu members",
                   (unsigned long long)n->min_properties);
    if (json_count(object) > n->max_properties)
        ok = issue(v, "maxProperties", "must have at most %llu members",
                   (unsigned long long)n->max_properties);
    if (!ok && v->issues == NULL)
        return false;
    if (n->property_count > 0 || n->pattern_count > 0 || n->additional != NULL)
        ok = check_members(v, n, object, in, out) && ok;
    if (n->names != NULL && (ok || v->issues != NULL))
        ok = check_names(v, n, object, in) && ok;
    if (n->dependent_required_count > 0 || n->dependent_schema_count > 0)
        ok = check_dependencies(v, n, object, in, out) && ok;
    if (n->unevaluated_properties != NULL && (ok || v->issues != NULL))
        ok = check_unevaluated_members(v, n, object, in, out) && ok;
    return ok;
}

/* --- arrays ----------------------------------------------------------------------------------------- */

static bool check_items(validation *v, const node *n, const json_value *array, const scope *in, seen *out) {
    bool ok = true;
    for (json_iter it = json_iterate(array); json_next(&it) && (ok || v->issues != NULL);) {
        const node *item = it.index < n->prefix_count ? n->prefix[it.index] : n->items;
        if (item == NULL)
            break;
        ok = validate_member(v, item, it.value, in, (bb_str){NULL, 0}, it.index) && ok;
        seen_add(v, out, array, it.index);
    }
    return ok;
}

static bool check_contains(validation *v, const node *n, const json_value *array, const scope *in,
                           seen *out) {
    uint64_t found = 0;
    schema_issues *issues = v->issues;
    v->issues = NULL;
    for (json_iter it = json_iterate(array); json_next(&it);) {
        if (!validate_node(v, n->contains, it.value, in, NULL))
            continue;
        found++;
        if (n->resource->draft == DRAFT_2020)
            seen_add(v, out, array, it.index);
    }
    v->issues = issues;
    if (found < n->min_contains)
        return issue(v, "contains", "must contain at least %llu items of a form that it has not",
                     (unsigned long long)n->min_contains);
    return found <= n->max_contains ||
           issue(v, "maxContains", "must contain at most %llu items of a certain form",
                 (unsigned long long)n->max_contains);
}

static int by_value(const void *a, const void *b) {
    return json_compare(*(const json_value *const *)a, *(const json_value *const *)b);
}

/* Sorted, not hashed: a caller may choose values whose hashes are the same. */
static bool all_different(validation *v, const json_value *array) {
    uint32_t n = json_count(array);
    const json_value **items = arena_alloc(v->scratch, (size_t)n * sizeof *items);
    if (items == NULL) {
        v->failed = true;
        return false;
    }
    for (json_iter it = json_iterate(array); json_next(&it);)
        items[it.index] = it.value;
    qsort(items, n, sizeof *items, by_value);
    for (uint32_t i = 1; i < n; i++)
        if (json_equal(items[i - 1], items[i]))
            return false;
    return true;
}

static bool check_unevaluated_items(validation *v, const node *n, const json_value *array, const scope *in,
                                    seen *out) {
    bool ok = true;
    for (json_iter it = json_iterate(array); json_next(&it) && (ok || v->issues != NULL);)
        if (!seen_has(out, it.index))
            ok = validate_member(v, n->unevaluated_items, it.value, in, (bb_str){NULL, 0}, it.index) && ok;
    out->all = out->all || ok;
    return ok;
}

bool validate_array(validation *v, const node *n, const json_value *array, const scope *in, seen *out) {
    bool ok = true;
    if (json_count(array) < n->min_items)
        ok = issue(v, "minItems", "must have at least %llu items", (unsigned long long)n->min_items);
    if (json_count(array) > n->max_items)
        ok = issue(v, "maxItems", "must have at most %llu items", (unsigned long long)n->max_items);
    if (!ok && v->issues == NULL)
        return false;
    if (n->prefix_count > 0 || n->items != NULL)
        ok = check_items(v, n, array, in, out) && ok;
    if (n->contains != NULL && (ok || v->issues != NULL))
        ok = check_contains(v, n, array, in, out) && ok;
    if (n->unique_items && json_count(array) > 1 && (ok || v->issues != NULL) && !all_different(v, array))
        ok = issue(v, "uniqueItems", "must not have an item twice");
    if (n->unevaluated_items != NULL && (ok || v->issues != NULL))
        ok = check_unevaluated_items(v, n, array, in, out) && ok;
    return ok;
}
