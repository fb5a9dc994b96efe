/* schema_validate.c - an instance against a node: scalars, logic, references. */
#include "json/schema_internal.h"

#define DEPTH_MAX 3000u /* nested evaluations: a frame takes a few hundred bytes of stack */

/* Evaluations of a node. Branches that both refer back to themselves double the work at every level of the
 * instance: without a bound, a kilobyte could hold up a loop for hours. What ordinary schemas take grows with
 * the instance. */
#define STEPS_MIN 500000u
#define STEPS_PER_BYTE 32u

/* --- what has been looked at ------------------------------------------------------------------------ */

static size_t words_for(const json_value *container) {
    return (json_count(container) + 63) / 64;
}

static bool seen_make(validation *v, seen *s, const json_value *container) {
    if (s->bits == NULL)
        s->bits = arena_zalloc(v->scratch, (words_for(container) + 1) * sizeof *s->bits);
    if (s->bits == NULL)
        v->failed = true;
    return s->bits != NULL;
}

void seen_add(validation *v, seen *s, const json_value *container, uint32_t index) {
    if (s != NULL && !s->all && seen_make(v, s, container))
        s->bits[index / 64] |= (uint64_t)1 << (index % 64);
}

bool seen_has(const seen *s, uint32_t index) {
    return s->all || (s->bits != NULL && (s->bits[index / 64] >> (index % 64) & 1) != 0);
}

void seen_merge(validation *v, seen *into, const seen *from, const json_value *container) {
    if (into == NULL || into->all)
        return;
    into->all = from->all;
    if (from->all || from->bits == NULL || !seen_make(v, into, container))
        return;
    for (size_t i = 0; i < words_for(container); i++)
        into->bits[i] |= from->bits[i];
}

/* --- scalars -----------------------------------------------------------------------------------------------
 */

static uint8_t types_of(const json_value *value) {
    switch (json_type_of(value)) {
    case JSON_NULL: return T_NULL;
    case JSON_BOOL: return T_BOOL;
    case JSON_STRING: return T_STRING;
    case JSON_ARRAY: return T_ARRAY;
    case JSON_OBJECT: return T_OBJECT;
    case JSON_NUMBER:
        return (value->flags & JSON_F_INTEGER) || json_number_is_integer(json_raw(value))
                   ? T_NUMBER | T_INTEGER
                   : T_NUMBER;
    default: return 0;
    }
}

static bb_str type_names(validation *v, uint8_t types) {
    static const char *const names[] = {"null",     "a boolean", "a number", "an integer",
                                        "a string", "an array",  "an object"};
    bb_str text = STR("");
    for (int i = 0; i < 7; i++)
        if (types & (1 << i))
            text = arena_printf(v->scratch, "%.*s%s%s", STR_FMT(text), text.len > 0 ? " or " : "", names[i]);
    return text;
}

static bool check_type(validation *v, const node *n, const json_value *value) {
    if (n->types == 0 || (n->types & types_of(value)) != 0)
        return true;
    if (v->issues == NULL)
        return false;
    bb_str shown = issue_show(v, value), wanted = type_names(v, n->types);
    return issue(v, "type", "must be %.*s, not %.*s", STR_FMT(wanted), STR_FMT(shown));
}

static bool check_values(validation *v, const node *n, const json_value *value) {
    bool ok = true;
    if (n->constant != NULL && !json_equal(n->constant, value)) {
        bb_str shown = v->issues != NULL ? issue_show(v, n->constant) : STR("");
        ok = issue(v, "const", "must be %.*s", STR_FMT(shown));
    }
    if (n->enumeration == NULL)
        return ok;
    for (json_iter it = json_iterate(n->enumeration); json_next(&it);)
        if (json_equal(it.value, value))
            return ok;
    if (v->issues == NULL)
        return false;
    bb_str list = issue_list(v, n->enumeration), shown = issue_show(v, value);
    return issue(v, "enum", "must be one of %.*s, not %.*s", STR_FMT(list), STR_FMT(shown));
}

static bool check_number(validation *v, const node *n, const json_value *value) {
    bb_str text = json_raw(value);
    bool ok = true;
    if (n->minimum.ptr != NULL && json_number_compare(text, n->minimum) < 0)
        ok = issue(v, "minimum", "must be at least %.*s", STR_FMT(n->minimum));
    if (n->maximum.ptr != NULL && json_number_compare(text, n->maximum) > 0)
        ok = issue(v, "maximum", "must be at most %.*s", STR_FMT(n->maximum));
    if (n->exclusive_minimum.ptr != NULL && json_number_compare(text, n->exclusive_minimum) <= 0)
        ok = issue(v, "exclusiveMinimum", "must be above %.*s", STR_FMT(n->exclusive_minimum));
    if (n->exclusive_maximum.ptr != NULL && json_number_compare(text, n->exclusive_maximum) >= 0)
        ok = issue(v, "exclusiveMaximum", "must be below %.*s", STR_FMT(n->exclusive_maximum));
    if (n->multiple_of.ptr != NULL && !json_number_multiple_of(text, n->multiple_of))
        ok = issue(v, "multipleOf", "must be a multiple of %.*s", STR_FMT(n->multiple_of));
    return ok;
}

static uint64_t code_points(bb_str text) {
    uint64_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        n += ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
    return n;
}

static bool check_string(validation *v, const node *n, const json_value *value) {
    bb_str text = json_string(value);
    bool ok = true;
    if (n->min_length > 0 || n->max_length != NONE) {
        uint64_t length = code_points(text);
        if (length < n->min_length)
            ok = n->min_length == 1 ? issue(v, "minLength", "must not be empty")
                                    : issue(v, "minLength", "must have at least %llu characters",
                                            (unsigned long long)n->min_length);
        if (length > n->max_length)
            ok = issue(v, "maxLength", "must have at most %llu characters",
                       (unsigned long long)n->max_length);
    }
    if (n->pattern == NULL || regex_matches(v, n->pattern, text))
        return ok;
    if (v->issues == NULL)
        return false;
    bb_str pattern = json_string(json_getl(n->source, "pattern"));
    return issue(v, "pattern", "must match %.*s", (int)(pattern.len < 200 ? pattern.len : 200), pattern.ptr);
}

/* --- logic -------------------------------------------------------------------------------------------------
 */

/* A branch, with what it looks at kept apart until it is known to hold. */
static bool try_branch(validation *v, const node *n, const json_value *value, const scope *in, seen *out) {
    seen own = {0};
    bool ok = validate_node(v, n, value, in, out != NULL ? &own : NULL);
    if (ok)
        seen_merge(v, out, &own, value);
    return ok;
}

static bool try_quietly(validation *v, const node *n, const json_value *value, const scope *in, seen *out) {
    schema_issues *issues = v->issues;
    v->issues = NULL;
    bool ok = try_branch(v, n, value, in, out);
    v->issues = issues;
    return ok;
}

/* The issues of the branch that has the fewest: most likely the one that was meant. */
static void report_nearest(validation *v, node *const *branches, size_t count, const json_value *value,
                           const scope *in) {
    schema_issues *all = v->issues, best = {0};
    for (size_t i = 0; all != NULL && i < count; i++) {
        schema_issues own = {0};
        v->issues = &own;
        validate_node(v, branches[i], value, in, NULL);
        bool wrong_kind = own.count == 1 && own.items[0].pointer.len == v->path.len &&
                          str_eq(own.items[0].keyword, STR("type"));
        if (own.count > 0 && !wrong_kind && (best.count == 0 || own.count < best.count))
            best = own;
    }
    v->issues = all;
    for (size_t i = 0; i < best.count; i++) {
        size_t before = v->path.len;
        buf_add(&v->path, best.items[i].pointer.ptr + before, best.items[i].pointer.len - before);
        issue(v, "", "%.*s", STR_FMT(best.items[i].message));
        if (all->count > 0)
            all->items[all->count - 1].keyword = best.items[i].keyword;
        v->path.len = before;
    }
    if (best.count == 0 && all != NULL)
        issue(v, "anyOf", "fits none of the forms that are allowed here");
}

static bool check_all(validation *v, const node *n, const json_value *value, const scope *in, seen *out) {
    bool ok = true;
    for (size_t i = 0; i < n->all_count && (ok || v->issues != NULL); i++)
        ok = try_branch(v, n->all_of[i], value, in, out) && ok;
    return ok;
}

static bool check_any(validation *v, const node *n, const json_value *value, const scope *in, seen *out) {
    bool ok = n->any_count == 0;
    for (size_t i = 0; i < n->any_count && (!ok || out != NULL); i++)
        ok = try_quietly(v, n->any_of[i], value, in, out) || ok;
    if (!ok)
        report_nearest(v, n->any_of, n->any_count, value, in);
    return ok;
}

static bool check_one(validation *v, const node *n, const json_value *value, const scope *in, seen *out) {
    size_t fits = n->one_count == 0;
    for (size_t i = 0; i < n->one_count && fits < 2; i++)
        fits += try_quietly(v, n->one_of[i], value, in, out);
    if (fits == 0)
        report_nearest(v, n->one_of, n->one_count, value, in);
    if (fits > 1)
        issue(v, "oneOf", "fits more than one of the forms of which exactly one is allowed here");
    return fits == 1;
}

static bool check_condition(validation *v, const node *n, const json_value *value, const scope *in,
                            seen *out) {
    if (n->if_ == NULL)
        return true;
    const node *branch = try_quietly(v, n->if_, value, in, out) ? n->then_ : n->else_;
    return branch == NULL || try_branch(v, branch, value, in, out);
}

/* The outermost resource on the way here that has the anchor. */
static const node *dynamic_target(const node *n, const scope *in) {
    const node *found = n->dynamic_ref;
    for (; n->dynamic_name.ptr != NULL && in != NULL; in = in->outer)
        for (const anchor *a = in->resource->anchors; a != NULL; a = a->next)
            if (a->dynamic && str_eq(a->name, n->dynamic_name))
                found = a->target;
    return found;
}

static bool check_logic(validation *v, const node *n, const json_value *value, const scope *in, seen *out) {
    bool ok = n->ref == NULL || try_branch(v, n->ref, value, in, out);
    if (n->dynamic_ref != NULL && (ok || v->issues != NULL))
        ok = try_branch(v, dynamic_target(n, in), value, in, out) && ok;
    if (ok || v->issues != NULL)
        ok = check_all(v, n, value, in, out) && ok;
    if (ok || v->issues != NULL)
        ok = check_any(v, n, value, in, out) && ok;
    if (ok || v->issues != NULL)
        ok = check_one(v, n, value, in, out) && ok;
    if (n->negated != NULL && try_quietly(v, n->negated, value, in, NULL))
        ok = issue(v, "not", "is of a form that is not allowed here");
    return check_condition(v, n, value, in, out) && ok;
}

/* --- a node ------------------------------------------------------------------------------------------------
 */

static bool check_own(validation *v, const node *n, const json_value *value, const scope *in, seen *out) {
    bool ok = check_type(v, n, value);
    if (n->constant != NULL || n->enumeration != NULL)
        ok = check_values(v, n, value) && ok;
    if (!ok && v->issues == NULL)
        return false;
    switch (json_type_of(value)) {
    case JSON_NUMBER: ok = (!n->has_numeric || check_number(v, n, value)) && ok; break;
    case JSON_STRING: ok = check_string(v, n, value) && ok; break;
    default: break;
    }
    if (n->has_logic && (ok || v->issues != NULL))
        ok = check_logic(v, n, value, in, out) && ok;
    if (!ok && v->issues == NULL)
        return false;
    if (n->has_object && json_is(value, JSON_OBJECT))
        ok = validate_object(v, n, value, in, out) && ok;
    if (n->has_array && json_is(value, JSON_ARRAY))
        ok = validate_array(v, n, value, in, out) && ok;
    return ok;
}

bool validate_node(validation *v, const node *n, const json_value *value, const scope *outer, seen *out) {
    if (n->plain)
        return true;
    if (n->is_false)
        return issue(v, "false", "is not allowed here");
    if (v->depth >= DEPTH_MAX) {
        v->failed = true;
        return issue(v, "$ref", "cannot be checked: the schema refers to itself without end");
    }
    if (v->failed)
        return false;
    if (v->steps-- == 0) {
        v->failed = true;
        return issue(v, "$ref",
                     "cannot be checked: the schema's branches lead to too much work for this value");
    }
    scope own = {.resource = n->resource, .outer = outer};
    const scope *in = outer != NULL && outer->resource == n->resource ? outer : &own;
    seen local = {0};
    v->depth++;
    bool ok = check_own(v, n, value, in, n->collects && out == NULL ? &local : out);
    v->depth--;
    return ok;
}

bool schema_validate(const schema *s, const json_value *instance, arena *scratch, schema_issues *issues) {
    const uint64_t steps = STEPS_MIN + (uint64_t)STEPS_PER_BYTE * (instance != NULL ? instance->raw_len : 0);
    validation v = {.schema = s, .scratch = scratch, .steps = steps};
    bool ok = validate_node(&v, s->root, instance, NULL, NULL) && !v.failed;
    if (ok || issues == NULL)
        return ok;
    v.issues = issues;
    v.failed = false;
    v.steps = steps;
    validate_node(&v, s->root, instance, NULL, NULL);
    if (issues->count == 0)
        issue(&v, "$ref", "cannot be checked: the schema refers to itself without end, or memory is used up");
    buf_free(&v.path);
    return false;
}
