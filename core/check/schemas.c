/* schemas.c - whether schemas, examples and the settings schema say the same. */
#include "check/drive.h"
#include "check/generate.h"

#include <stdio.h>

static bool accepts(trial *t, const schema *s, bb_str text, schema_issues *issues) {
    const json_value *v = json_read(t->memory, text, NULL, NULL);
    return v != NULL && schema_validate(s, v, t->memory, issues);
}

static const char *issue_text(trial *t, const schema_issues *issues) {
    if (issues->count == 0)
        return "it does not fit";
    const schema_issue *i = &issues->items[0];
    return arena_printf(t->memory, "%.*s %.*s", STR_FMT(i->pointer.len > 0 ? i->pointer : STR("it")),
                        STR_FMT(i->message))
        .ptr;
}

/* --- mutations ----------------------------------------------------------------------------------- */

/* The object again: without the member `drop`, with `value` in place of its own, or with one more. */
static bb_str mutated(trial *t, const json_value *v, bb_str name, const char *value, bool add) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    for (json_iter it = json_iterate(v); json_next(&it);) {
        bool is_it = str_eq(it.key, name);
        if (is_it && value == NULL)
            continue;
        json_key(&w, it.key);
        if (is_it)
            json_put_raw(&w, str_from(value));
        else
            json_put_value(&w, it.value);
    }
    if (add) {
        json_key(&w, name);
        json_put_raw(&w, str_from(value));
    }
    json_object_end(&w);
    bb_str copy = json_writer_take(&w, t->memory);
    return copy;
}

static bool is_closed(const json_value *s) {
    const json_value *more = json_getl(s, "additionalProperties");
    return json_is(more, JSON_BOOL) && !json_bool(more, true);
}

/* A value that the type refuses; NULL: there is none that is sure to be refused. */
static const char *other_than(const json_value *property) {
    bb_str type = json_string(json_getl(property, "type"));
    if (type.len == 0)
        return NULL;
    return str_eq(type, STR("object")) ? "7" : "{\"no\":{}}";
}

static void try_mutations(trial *t, const plugin_op *op, const json_value *s, const json_value *input) {
    for (json_iter it = json_iterate(json_getl(s, "required")); json_next(&it);) {
        bb_str name = json_string(it.value);
        if (json_get(input, name) != NULL &&
            accepts(t, op->input, mutated(t, input, name, NULL, false), NULL))
            wrong("its input schema requires \"%.*s\" and yet accepts an input without it", STR_FMT(name));
    }
    for (json_iter it = json_iterate(json_getl(s, "properties")); json_next(&it);) {
        const char *other = other_than(it.value);
        if (other == NULL || json_get(input, it.key) == NULL)
            continue;
        if (accepts(t, op->input, mutated(t, input, it.key, other, false), NULL))
            wrong("its input schema accepts %s for \"%.*s\"", other, STR_FMT(it.key));
    }
    if (is_closed(s) && accepts(t, op->input, mutated(t, input, STR("no_such_member"), "1", true), NULL))
        wrong("its input schema says additionalProperties: false, and yet accepts an unknown member");
}

/* --- operations ---------------------------------------------------------------------------------- */

static void check_shape(const plugin_op *op, const json_value *s) {
    if (json_is(s, JSON_OBJECT) && json_count(s) <= 1 && op->desc->input_schema == NULL)
        warning(
            "it has no input schema: callers' mistakes reach the service, and nobody can read what it takes");
    bb_str type = json_string(json_getl(s, "type"));
    if (type.len > 0 && !str_eq(type, STR("object")))
        wrong("its input schema is of type %.*s; an input is always an object", STR_FMT(type));
    for (json_iter it = json_iterate(json_getl(s, "required")); json_next(&it);) {
        bb_str name = json_string(it.value);
        if (is_closed(s) && json_get(json_getl(s, "properties"), name) == NULL &&
            json_getl(s, "patternProperties") == NULL)
            wrong("its input schema requires \"%.*s\", which it does not allow: no input can be right",
                  STR_FMT(name));
    }
}

static void check_example(trial *t, const plugin_op *op, const json_value *s, const json_value *example,
                          unsigned number) {
    at("operation %.*s, example %u", STR_FMT(op->id), number);
    const json_value *input = json_getl(example, "input"), *output = json_getl(example, "output");
    schema_issues issues = {0};
    if (!json_is(example, JSON_OBJECT) || (input != NULL && !json_is(input, JSON_OBJECT))) {
        wrong("an example is an object with \"summary\", \"input\" (an object) and, if you like, \"output\"");
        return;
    }
    if (json_string(json_getl(example, "summary")).len == 0)
        warning("it has no summary");
    bb_str text = input != NULL ? json_raw(input) : STR("{}");
    if (!accepts(t, op->input, text, &issues)) {
        wrong("its input does not fit the input schema: %s", issue_text(t, &issues));
        return;
    }
    issues = (schema_issues){0};
    if (output != NULL && !schema_validate(op->output, output, t->memory, &issues))
        wrong("its output does not fit the output schema: %s", issue_text(t, &issues));
    try_mutations(t, op, s, json_read(t->memory, text, NULL, NULL));
}

static void check_generated(trial *t, const plugin_op *op, const json_value *s) {
    generator g = {.module = t->module, .memory = t->memory, .random = t->o->seed, .all = true};
    at("operation %.*s, a generated input", STR_FMT(op->id));
    bb_str input = generate_valid(&g, op->input_text, op->input, 100);
    if (input.ptr != NULL)
        try_mutations(t, op, s, json_read(t->memory, input, NULL, NULL));
}

static void check_operation(trial *t, const plugin_op *op) {
    const json_value *s = json_read(t->memory, op->input_text, NULL, NULL);
    const json_value *examples = json_read(t->memory, op->examples_text, NULL, NULL);
    at("operation %.*s", STR_FMT(op->id));
    check_shape(op, s);
    if (json_count(examples) == 0) {
        generator g = {.module = t->module, .memory = t->memory, .random = t->o->seed + 1};
        if (generate_valid(&g, op->input_text, op->input, 100).ptr == NULL)
            warning("it has no example, and no input could be made up that its input schema accepts: its "
                    "steps are not "
                    "tried; give it an example");
    }
    for (json_iter it = json_iterate(examples); json_next(&it);)
        check_example(t, op, s, it.value, it.index + 1);
    check_generated(t, op, s);
}

/* --- settings ------------------------------------------------------------------------------------ */

/* conf values are typed by the schema: a property without a type is read as a text. */
static void check_properties(trial *t) {
    const json_value *s = t->module->settings_schema_json, *properties = json_getl(s, "properties");
    at("the settings schema");
    if (!str_eq(json_string(json_getl(s, "type")), STR("object")))
        wrong("it is not of type object: settings are the keys of a [settings] section");
    for (json_iter it = json_iterate(properties); json_next(&it);) {
        if (json_getl(it.value, "type") == NULL && json_getl(it.value, "enum") == NULL &&
            json_getl(it.value, "$ref") == NULL)
            warning("the property \"%.*s\" has no type: values in conf files are typed by it",
                    STR_FMT(it.key));
    }
    for (json_iter it = json_iterate(json_getl(s, "required")); json_next(&it);)
        if (json_get(properties, json_string(it.value)) == NULL)
            wrong("it requires \"%.*s\", which it does not describe", STR_FMT(json_string(it.value)));
    if (t->module->desc->settings_schema != NULL && !is_closed(s))
        warning("it takes any key: with additionalProperties false, a slip in a conf file is found at once");
}

void check_schemas(trial *t) {
    if (!trial_load(t))
        return;
    check_properties(t);
    for (size_t i = 0; i < t->module->op_count; i++)
        check_operation(t, &t->module->ops[i]);
}
