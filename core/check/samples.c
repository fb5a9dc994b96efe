/* samples.c - what operations and connections are tried with. */
#include "check/drive.h"
#include "check/generate.h"
#include "plugin/url.h"

#include <stdio.h>

/* --- settings ------------------------------------------------------------------------------------ */

/* The members given, then the defaults of those that are not. */
static bb_str with_defaults(trial *t, bb_str given) {
    const json_value *v = json_read(t->memory, given, NULL, NULL);
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    for (json_iter it = json_iterate(v); json_next(&it);) {
        json_key(&w, it.key);
        json_put_value(&w, it.value);
    }
    for (json_iter it = json_iterate(json_getl(t->module->settings_schema_json, "properties"));
         json_next(&it);) {
        const json_value *otherwise = json_getl(it.value, "default");
        if (otherwise == NULL || json_get(v, it.key) != NULL)
            continue;
        json_key(&w, it.key);
        json_put_value(&w, otherwise);
    }
    json_object_end(&w);
    bb_str copy = json_writer_finish(&w) ? arena_copy(t->memory, buf_str(&out)) : (bb_str){NULL, 0};
    buf_free(&out);
    return copy;
}

/* Says what the schema has against them. */
static bool are_accepted(trial *t, bb_str settings, bool loud) {
    schema_issues issues = {0};
    const json_value *v = json_read(t->memory, settings, NULL, NULL);
    if (v != NULL && schema_validate(t->module->settings, v, t->memory, &issues))
        return true;
    if (loud)
        wrong("its settings schema refuses the settings of --settings: %.*s %.*s",
              STR_FMT(issues.count > 0 ? issues.items[0].pointer : STR("")),
              STR_FMT(issues.count > 0 ? issues.items[0].message : STR("they are no JSON object")));
    return false;
}

bb_str trial_settings(trial *t) {
    bb_str none = {NULL, 0}, text;
    if (t->o->settings.ptr != NULL) {
        text = with_defaults(t, t->o->settings);
        return are_accepted(t, text, true) ? text : none;
    }
    generator g = {.module = t->module, .memory = t->memory, .random = t->o->seed};
    text = generate_valid(&g, t->module->settings_text, t->module->settings, 50);
    text = text.ptr != NULL ? with_defaults(t, text) : text;
    if (text.ptr == NULL || !are_accepted(t, text, false)) {
        wrong("no settings could be found that its settings schema accepts: give some with --settings");
        return none;
    }
    return text;
}

/* --- inputs -------------------------------------------------------------------------------------- */

static size_t example_count(trial *t, const plugin_op *op) {
    return json_count(json_read(t->memory, op->examples_text, NULL, NULL));
}

/* Those that the input schema accepts: a step never sees others. */
static size_t add_examples(trial *t, const plugin_op *op, sample *to) {
    const json_value *nothing = json_read(t->memory, STR("{}"), NULL, NULL);
    size_t n = 0;
    for (json_iter it = json_iterate(json_read(t->memory, op->examples_text, NULL, NULL)); json_next(&it);) {
        const json_value *input = json_getl(it.value, "input");
        input = input != NULL ? input : nothing;
        if (!json_is(input, JSON_OBJECT) || !schema_validate(op->input, input, t->memory, NULL))
            continue;
        to[n++] = (sample){.op = op,
                           .number = it.index + 1,
                           .input = json_raw(input),
                           .output = json_getl(it.value, "output")};
    }
    return n;
}

static size_t add_generated(trial *t, const plugin_op *op, sample *to) {
    generator g = {.module = t->module, .memory = t->memory, .random = t->o->seed + 1};
    bb_str input = generate_valid(&g, op->input_text, op->input, 100);
    if (input.ptr == NULL)
        return 0;
    *to = (sample){.op = op, .input = input};
    return 1;
}

sample *samples_of(trial *t, size_t *count) {
    size_t most = 0;
    for (size_t i = 0; i < t->module->op_count; i++)
        most += example_count(t, &t->module->ops[i]) + 1;
    sample *all = arena_zalloc(t->memory, (most + 1) * sizeof *all);
    *count = 0;
    for (size_t i = 0; all != NULL && i < t->module->op_count; i++) {
        const plugin_op *op = &t->module->ops[i];
        size_t n = add_examples(t, op, all + *count);
        *count += n > 0 ? n : add_generated(t, op, all + *count);
    }
    return all;
}

const char *sample_name(const sample *x) {
    static char text[160];
    if (x->number > 0)
        snprintf(text, sizeof text, "operation %.*s, example %u", STR_FMT(x->op->id), x->number);
    else
        snprintf(text, sizeof text, "operation %.*s", STR_FMT(x->op->id));
    return text;
}
