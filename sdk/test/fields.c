/* fields.c - what an admin would fill in for a scheme of the connector's own. */
#include "internal.h"

static bool is_field(const bb_auth_field *const *fields, bb_str name) {
    for (size_t i = 0; fields != NULL && fields[i] != NULL; i++)
        if (str_eq(name, str_from(fields[i]->name)))
            return true;
    return false;
}

static bool check(bb_test *t, const char *kind, const char *id, const bb_auth_field *const *fields,
                  const json_value *given) {
    if (!json_is(given, JSON_OBJECT))
        return err_set(&t->problem, "the fields of %s \"%s\" are not a JSON object", kind, id);
    for (json_iter it = json_iterate(given); json_next(&it);)
        if (!is_field(fields, it.key) || !json_is(it.value, JSON_STRING))
            return err_set(&t->problem, "%s \"%s\" has no field \"%.*s\", or its value is not a text", kind,
                           id, STR_FMT(it.key));
    for (size_t i = 0; fields != NULL && fields[i] != NULL; i++)
        if ((fields[i]->flags & BB_AUTH_REQUIRED) != 0 &&
            json_string(json_get(given, str_from(fields[i]->name))).len == 0)
            return err_set(&t->problem, "%s \"%s\" needs the field \"%s\"", kind, id, fields[i]->name);
    return true;
}

/* With their defaults; empty ones are absent, as the hub has it. */
static void fill(bb_test *t, const bb_auth_field *const *fields, const json_value *given, json_writer *w) {
    json_object(w);
    for (size_t i = 0; fields != NULL && fields[i] != NULL; i++) {
        const bb_auth_field *f = fields[i];
        bb_str value = json_string(json_get(given, str_from(f->name)));
        if (value.len == 0)
            value = str_from(f->otherwise);
        if (value.len > 0)
            json_member_string(w, str_from(f->name), value);
        if (value.len > 0 && (f->flags & BB_AUTH_SECRET) != 0)
            bb_test_secret(t, test_line(t->memory, value));
    }
    json_object_end(w);
}

const json_value *test_fields(bb_test *t, const char *kind, const char *id,
                              const bb_auth_field *const *fields, const char *given) {
    buf out;
    json_writer w;
    bb_str text = arena_copy(t->memory, str_from(given != NULL ? given : "{}"));
    const json_value *value = json_read(t->memory, text, NULL, NULL);
    if (!check(t, kind, id, fields, value))
        return NULL;
    buf_init(&out);
    json_writer_init(&w, &out);
    fill(t, fields, value, &w);
    const json_value *input = json_read(t->memory, arena_copy(t->memory, buf_str(&out)), NULL, NULL);
    buf_free(&out);
    return test_have((void *)(uintptr_t)input);
}
