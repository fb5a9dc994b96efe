/* samples.c - what operations and connections are tried with. */
#include "check/drive.h"

#include "check/generate.h"
#include "plugin/url.h"
#include <busbar/content.h>

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
        bool is_url = str_eq(it.key, STR("base_url")); /* without it, paths lead nowhere */
        if ((otherwise == NULL && !is_url) || json_get(v, it.key) != NULL)
            continue;
        json_key(&w, it.key);
        if (otherwise != NULL)
            json_put_value(&w, otherwise);
        else
            json_put_string(&w, STR("http://127.0.0.1:9"));
    }
    json_object_end(&w);
    bb_str copy = json_writer_take(&w, t->memory);
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
/* A file goes with each call that takes one; where it is optional, with the examples that say so. */
static bool has_content(const plugin_op *op, const json_value *example) {
    bool always = (op->content & BB_CONTENT_OPTIONAL) == 0;
    return (op->content & BB_CONTENT_TAKES) != 0 && json_bool(json_getl(example, "content"), always);
}

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
                           .content = has_content(op, it.value),
                           .output = json_getl(it.value, "output")};
    }
    return n;
}

static size_t add_generated(trial *t, const plugin_op *op, sample *to) {
    generator g = {.module = t->module, .memory = t->memory, .random = t->o->seed + 1};
    bb_str input = generate_valid(&g, op->input_text, op->input, 100);
    if (input.ptr == NULL)
        return 0;
    *to = (sample){.op = op, .input = input, .content = has_content(op, NULL)};
    return 1;
}

/* --- auth schemes -------------------------------------------------------------------------------- */

bb_str sample_fields(trial *t, const bb_auth_field *const *fields) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    for (const bb_auth_field *const *f = fields; f != NULL && *f != NULL; f++)
        if (((*f)->flags & BB_AUTH_REQUIRED) != 0 || (*f)->otherwise != NULL)
            json_member_string(&w, str_from((*f)->name),
                               (*f)->otherwise != NULL ? str_from((*f)->otherwise) : STR("c2VjcmV0"));
    json_object_end(&w);
    bb_str copy = json_writer_finish(&w) ? arena_copy(t->memory, buf_str(&out)) : STR("{}");
    buf_free(&out);
    return copy;
}

static const plugin_op *op_around(trial *t, const bb_custom_auth *scheme) {
    bb_operation *desc = arena_zalloc(t->memory, sizeof *desc);
    plugin_op *op = arena_zalloc(t->memory, sizeof *op);
    if (desc == NULL || op == NULL)
        return NULL;
    *desc = (bb_operation){BB_SIZE(bb_operation), .id = scheme->id, .state_size = scheme->state_size,
                           .start = scheme->start};
    *op = (plugin_op){.desc = desc, .id = str_from(scheme->id)};
    return op;
}

static size_t add_schemes(trial *t, sample *to) {
    size_t n = 0;
    for (const bb_custom_auth *const *s = t->module->auth->schemes; *s != NULL; s++) {
        const plugin_op *op = op_around(t, *s);
        sample one = {.op = op, .input = sample_fields(t, (*s)->fields), .scheme = *s};
        if (op != NULL && (*s)->start != NULL)
            to[n++] = one;
        for (int part = SAMPLE_SIGN; op != NULL && (*s)->sign != NULL && part <= SAMPLE_SIGN_EMPTY; part++) {
            to[n] = one;
            to[n++].part = part;
        }
    }
    return n;
}

/* Of the operations that are steps, or of those that run on sessions. */
static sample *operations_of(trial *t, bool on_sessions, size_t *count) {
    size_t most = 3 * PLUGIN_AUTH_SCHEMES_MAX;
    for (size_t i = 0; i < t->module->op_count; i++)
        most += example_count(t, &t->module->ops[i]) + 1;
    sample *all = arena_zalloc(t->memory, (most + 1) * sizeof *all);
    *count = 0;
    for (size_t i = 0; all != NULL && i < t->module->op_count; i++) {
        const plugin_op *op = &t->module->ops[i];
        if ((op->session != NULL) != on_sessions)
            continue;
        size_t n = add_examples(t, op, all + *count);
        *count += n > 0 ? n : add_generated(t, op, all + *count);
    }
    return all;
}

sample *samples_of(trial *t, size_t *count) {
    sample *all = operations_of(t, false, count);
    if (all != NULL && t->module->auth != NULL)
        *count += add_schemes(t, all + *count);
    for (size_t i = 0; all != NULL && i < *count; i++)
        all[i].good = good_answer(t, &all[i]);
    return all;
}

sample *session_samples_of(trial *t, size_t *count) {
    return operations_of(t, true, count);
}

const char *sample_name(const sample *x) {
    static char text[160];
    if (x->scheme != NULL)
        snprintf(text, sizeof text, "auth scheme %s%s", x->scheme->id,
                 x->part == SAMPLE_STEPS  ? ""
                 : x->part == SAMPLE_SIGN ? ", signing a request with a body"
                                          : ", signing a request without a body");
    else if (x->number > 0)
        snprintf(text, sizeof text, "operation %.*s, example %u", STR_FMT(x->op->id), x->number);
    else
        snprintf(text, sizeof text, "operation %.*s", STR_FMT(x->op->id));
    return text;
}
