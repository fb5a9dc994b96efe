#include "webhook/event_type.h"

#define TYPE_MAX 200u

static const char *const sections[] = {"event", NULL};
static const char *const keys[] = {"type", "summary", "description", "schema", "example", "deprecated", NULL};

bool event_type_reserved(bb_str type) {
    return str_starts(type, STR("busbar."));
}

bool event_type_check(bb_str type, err *e) {
    if (type.len == 0 || type.len > TYPE_MAX)
        return err_set(e, "an event's type has 1 to %u characters, as \"invoice.paid\"", TYPE_MAX);
    for (size_t i = 0; i < type.len; i++)
        if (type.ptr[i] <= ' ' || type.ptr[i] > '~' || type.ptr[i] == '*' || type.ptr[i] == ',')
            return err_set(e, "an event's type is of printable ASCII without blanks, \"*\" and \",\", as "
                              "\"invoice.paid\"");
    return true;
}

/* --- reading ------------------------------------------------------------------------------------------- */

typedef struct reading {
    arena *a;
    const conf_file *f;
    const conf_section *s;
    err *e;
} reading;

static unsigned line_of(const reading *r, const char *key) {
    const conf_entry *entry = conf_find(r->s, str_from(key));
    return entry != NULL ? entry->line : r->s->line;
}

/* A copy; absent where there is no such key. */
static bool read_text(const reading *r, const char *key, bb_str *out) {
    const conf_entry *entry = conf_find(r->s, str_from(key));
    bb_str value;
    *out = (bb_str){NULL, 0};
    if (entry == NULL)
        return true;
    if (!conf_expand(r->a, r->f, entry, &value, NULL, r->e))
        return false;
    *out = arena_copy(r->a, value);
    return out->ptr != NULL;
}

static bool read_type(const reading *r, event_type *t) {
    err why = {""};
    if (!read_text(r, "type", &t->type))
        return false;
    if (t->type.ptr == NULL)
        return conf_fail(r->e, r->f, r->s->line,
                         "[event] has no type: add `type = invoice.paid`, what events of it are sent under");
    if (!event_type_check(t->type, &why))
        return conf_fail(r->e, r->f, line_of(r, "type"), "type: %s", why.text);
    t->item.claim = t->type;
    t->item.claim_line = line_of(r, "type");
    return !event_type_reserved(t->type) ||
           conf_fail(r->e, r->f, line_of(r, "type"), "types that begin with \"busbar.\" are the hub's own");
}

static bool read_schema(const reading *r, event_type *t) {
    err why = {""};
    if (!read_text(r, "schema", &t->schema_text))
        return false;
    if (t->schema_text.ptr == NULL)
        return true;
    t->schema = schema_compile(t->schema_text, STR(""), NULL, &why);
    return t->schema != NULL ||
           conf_fail(r->e, r->f, line_of(r, "schema"), "schema is a JSON Schema: %s", why.text);
}

static bool read_example(const reading *r, event_type *t) {
    json_error why;
    schema_issues issues = {0};
    if (!read_text(r, "example", &t->example))
        return false;
    if (t->example.ptr == NULL)
        return true;
    const json_value *root = json_read(r->a, t->example, NULL, &why);
    if (root == NULL)
        return conf_fail(r->e, r->f, line_of(r, "example"), "example is JSON: %s, line %u of it", why.reason,
                         why.line);
    if (t->schema == NULL || schema_validate(t->schema, root, r->a, &issues))
        return true;
    return issues.count > 0 ? conf_fail(r->e, r->f, line_of(r, "example"),
                                        "the example does not fit the schema: \"%.*s\" %.*s",
                                        STR_FMT(issues.items[0].pointer), STR_FMT(issues.items[0].message))
                            : err_set(r->e, "%s: no memory", r->f->path);
}

static void end_type(webhook_item *item) {
    schema_free(((event_type *)item)->schema);
}

static webhook_item *read_file(const webhook_reading *with, const conf_file *f, arena *memory,
                               const webhook_item *before, err *e) {
    (void)with, (void)before;
    reading r = {.a = memory, .f = f, .s = conf_find_section(f, STR("event")), .e = e};
    event_type *t = arena_zalloc(memory, sizeof *t);
    if (t == NULL)
        return NULL;
    if (r.s == NULL) {
        conf_fail(e, f, 1, "there is no section [event]");
        return NULL;
    }
    if (conf_check_sections(f, sections, e) && conf_check_keys(f, r.s, keys, e) && read_type(&r, t) &&
        read_text(&r, "summary", &t->summary) && read_text(&r, "description", &t->description) &&
        read_schema(&r, t) && read_example(&r, t) &&
        conf_bool(memory, f, conf_find(r.s, STR("deprecated")), false, &t->deprecated, e))
        return &t->item;
    schema_free(t->schema);
    return NULL;
}

static bool is_secret(const webhook_item *item, bb_str section, bb_str key) {
    (void)item, (void)section, (void)key;
    return false;
}

static const char *const none[] = {NULL};
static const char *const json[] = {"schema", "example", NULL};
const webhook_reader event_type_reader = {.section = "event",
                                          .sections = none,
                                          .lines = none,
                                          .json = json,
                                          .is_secret = is_secret,
                                          .read = read_file,
                                          .end = end_type};

/* --- finding -------------------------------------------------------------------------------------------- */

const event_type *event_type_find(const webhook_set *s, bb_str type) {
    const webhook_list *list = &s->lists[WEBHOOK_EVENT_TYPE];
    for (size_t i = 0; i < list->count; i++) {
        const event_type *t = (const event_type *)list->entries[i].item;
        if (t != NULL && str_eq(t->type, type))
            return t;
    }
    return NULL;
}
