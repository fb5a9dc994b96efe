/* typed.c - values as numbers, durations, sizes and booleans; a section as JSON. */
#include "conf/conf.h"

/* Expands, then has `read` take the value. The text of an error names the value only where the file itself
 * shows it. */
static bool read_value(arena *a, const conf_file *f, const conf_entry *entry, const char *expected, err *e,
                       bool (*read)(bb_str text, void *out), void *out) {
    bb_str text;
    bool reference;
    if (!conf_expand(a, f, entry, &text, &reference, e))
        return false;
    if (read(text, out))
        return true;
    if (reference)
        return conf_fail(e, f, entry->line, "%s is not %s", entry->key.ptr, expected);
    return conf_fail(e, f, entry->line, "%s = %.*s is not %s", entry->key.ptr,
                     (int)(text.len < 100 ? text.len : 100), text.ptr, expected);
}

typedef struct bounded {
    uint64_t min, max, value;
} bounded;

static bool within(const bounded *b) {
    return b->value >= b->min && b->value <= b->max;
}

static bool read_u64(bb_str text, void *out) {
    bounded *b = out;
    return str_to_u64(text, &b->value) && within(b);
}

static bool read_duration(bb_str text, void *out) {
    bounded *b = out;
    return str_to_duration_ms(text, &b->value) && within(b);
}

static bool read_size(bb_str text, void *out) {
    bounded *b = out;
    static const char units[] = "kmg";
    const char *unit = text.len > 0 ? strchr(units, text.ptr[text.len - 1] | 0x20) : NULL;
    unsigned shift = unit != NULL && *unit != '\0' ? 10 * (unsigned)(unit - units + 1) : 0;
    if (shift > 0)
        text.len--;
    if (!str_to_u64(text, &b->value) || b->value > UINT64_MAX >> shift)
        return false;
    b->value <<= shift;
    return within(b);
}

static bool read_bounded(arena *a, const conf_file *f, const conf_entry *entry, bounded *b, const char *what,
                         const char *unit, uint64_t otherwise, uint64_t *out, err *e,
                         bool (*read)(bb_str, void *)) {
    if (entry == NULL) {
        *out = otherwise;
        return true;
    }
    bb_str expected = arena_printf(a, "%s from %llu%s to %llu%s", what, (unsigned long long)b->min, unit,
                                   (unsigned long long)b->max, unit);
    if (!read_value(a, f, entry, expected.ptr, e, read, b))
        return false;
    *out = b->value;
    return true;
}

bool conf_u64(arena *a, const conf_file *f, const conf_entry *entry, uint64_t min, uint64_t max,
              uint64_t otherwise, uint64_t *out, err *e) {
    bounded b = {min, max, 0};
    return read_bounded(a, f, entry, &b, "a whole number", "", otherwise, out, e, read_u64);
}

bool conf_duration_ms(arena *a, const conf_file *f, const conf_entry *entry, uint64_t min, uint64_t max,
                      uint64_t otherwise, uint64_t *out, err *e) {
    bounded b = {min, max, 0};
    return read_bounded(a, f, entry, &b, "a duration (250ms, 30s, 5m, 2h, 1d)", "ms", otherwise, out, e,
                        read_duration);
}

bool conf_size(arena *a, const conf_file *f, const conf_entry *entry, uint64_t min, uint64_t max,
               uint64_t otherwise, uint64_t *out, err *e) {
    bounded b = {min, max, 0};
    return read_bounded(a, f, entry, &b, "a size (4096, 64k, 10m, 1g)", " bytes", otherwise, out, e,
                        read_size);
}

static bool read_bool(bb_str text, void *out) {
    static const char *const words[] = {"no", "yes", "false", "true", "off", "on", "0", "1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq_nocase(text, str_from(words[i]))) {
            *(bool *)out = i % 2 == 1;
            return true;
        }
    return false;
}

bool conf_bool(arena *a, const conf_file *f, const conf_entry *entry, bool otherwise, bool *out, err *e) {
    *out = otherwise;
    return entry == NULL || read_value(a, f, entry, "yes or no", e, read_bool, out);
}

/* --- a section as JSON ------------------------------------------------------------------------------------
 */

typedef struct conversion {
    arena *memory;
    const conf_file *file;
    json_writer w;
    err *e;
} conversion;

static bool has_type(const json_value *property, const char *name) {
    const json_value *type = json_getl(property, "type");
    if (json_is(type, JSON_STRING))
        return str_eq(json_string(type), str_from(name));
    for (json_iter it = json_iterate(type); json_next(&it);)
        if (str_eq(json_string(it.value), str_from(name)))
            return true;
    return false;
}

static const json_value *as_json(conversion *c, bb_str text, json_type type) {
    const json_value *v = json_read(c->memory, text, NULL, NULL);
    return json_is(v, type) ? v : NULL;
}

static bool put_scalar(conversion *c, const json_value *property, bb_str text) {
    bool yes, number = has_type(property, "integer") || has_type(property, "number");
    if (number && as_json(c, text, JSON_NUMBER) != NULL)
        json_put_raw(&c->w, text);
    else if (has_type(property, "boolean") && read_bool(text, &yes))
        json_put_bool(&c->w, yes);
    else if (number || has_type(property, "boolean"))
        return has_type(property, "string") && (json_put_string(&c->w, text), true);
    else
        json_put_string(&c->w, text);
    return true;
}

/* JSON, or scalars with commas between. */
static bool put_array(conversion *c, const json_value *property, bb_str text) {
    const json_value *whole = text.len > 0 && text.ptr[0] == '[' ? as_json(c, text, JSON_ARRAY) : NULL;
    if (whole != NULL) {
        json_put_value(&c->w, whole);
        return true;
    }
    const json_value *items = json_getl(property, "items");
    bb_str rest = text, part;
    bool ok = true;
    json_array(&c->w);
    while (text.len > 0 && ok && str_split(&rest, ',', &part))
        ok = put_scalar(c, items, str_trim(part));
    json_array_end(&c->w);
    return ok;
}

static bool put_property(conversion *c, const json_value *property, bb_str text) {
    if (has_type(property, "object")) {
        const json_value *object = as_json(c, text, JSON_OBJECT);
        if (object == NULL)
            return false;
        json_put_value(&c->w, object);
        return true;
    }
    return has_type(property, "array") ? put_array(c, property, text) : put_scalar(c, property, text);
}

static const char *expected_of(const json_value *property) {
    static const struct {
        const char *type, *words;
    } types[] = {{"object", "an object in JSON"},
                 {"array", "a list with commas between, or an array in JSON"},
                 {"integer", "a whole number"},
                 {"number", "a number"},
                 {"boolean", "yes or no"}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (has_type(property, types[i].type))
            return types[i].words;
    return "a text";
}

static bool put_entry(conversion *c, const json_value *properties, const conf_entry *entry) {
    const json_value *property = json_get(properties, entry->key);
    bb_str text;
    bool reference;
    if (!conf_expand(c->memory, c->file, entry, &text, &reference, c->e))
        return false;
    json_key(&c->w, entry->key);
    if (put_property(c, property, text))
        return true;
    return conf_fail(c->e, c->file, entry->line, "%s is not %s", entry->key.ptr, expected_of(property));
}

static bool check_known(conversion *c, const conf_section *s, const json_value *schema,
                        const json_value *properties) {
    const json_value *more = json_getl(schema, "additionalProperties");
    if (json_is(more, JSON_OBJECT) || json_bool(more, false))
        return true;
    const char **names = arena_zalloc(c->memory, (json_count(properties) + 1) * sizeof *names);
    if (names == NULL)
        return err_set(c->e, "no memory");
    for (json_iter it = json_iterate(properties); json_next(&it);)
        names[it.index] = arena_strdup(c->memory, it.key);
    return conf_check_keys(c->file, s, names, c->e);
}

static void put_defaults(conversion *c, const conf_section *s, const json_value *properties) {
    for (json_iter it = json_iterate(properties); json_next(&it);) {
        const json_value *otherwise = json_getl(it.value, "default");
        if (otherwise != NULL && conf_find(s, it.key) == NULL) {
            json_key(&c->w, it.key);
            json_put_value(&c->w, otherwise);
        }
    }
}

bool conf_section_to_json(arena *a, const conf_file *f, const conf_section *section, const json_value *schema,
                          bb_str *out, err *e) {
    const json_value *properties = json_getl(schema, "properties");
    conversion c = {.memory = a, .file = f, .e = e};
    buf text;
    buf_init(&text);
    json_writer_init(&c.w, &text);
    json_object(&c.w);
    bool ok = section == NULL || check_known(&c, section, schema, properties);
    for (size_t i = 0; ok && section != NULL && i < section->count; i++)
        ok = put_entry(&c, properties, &section->entries[i]);
    put_defaults(&c, section, properties);
    json_object_end(&c.w);
    if (ok) {
        ok = json_writer_finish(&c.w);
        *out = ok ? arena_copy(a, buf_str(&text)) : (bb_str){NULL, 0};
        ok = out->ptr != NULL ||
             conf_fail(e, f, section != NULL ? section->line : 1, "a value cannot be written as JSON");
    }
    buf_free(&text);
    return ok;
}
