/* section_json.c - a section as JSON, typed by the schema that is to judge it. */
#include "conf/typed.h"

#define REF_DEPTH_MAX 16 /* of $ref, anyOf and oneOf within each other: they may lead in circles */
#define NUMERIC (1u << JSON_NUMBER | INTEGER)
#define INTEGER (1u << 16) /* beside the bits 1 << json_type: a number that must be whole */

typedef struct conversion {
    arena *memory;
    const conf_file *file;
    const json_value *schema; /* root: where "#/..." begins */
    json_writer w;
    err *e;
} conversion;

/* --- what a schema lets a value be ------------------------------------------------------------------ */

static unsigned type_bit(bb_str name) {
    static const struct {
        bb_str name;
        unsigned bit;
    } types[] = {{{"string", 6}, 1u << JSON_STRING}, {{"integer", 7}, INTEGER},
                 {{"number", 6}, 1u << JSON_NUMBER}, {{"boolean", 7}, 1u << JSON_BOOL},
                 {{"null", 4}, 1u << JSON_NULL},     {{"array", 5}, 1u << JSON_ARRAY},
                 {{"object", 6}, 1u << JSON_OBJECT}};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (str_eq(types[i].name, name))
            return types[i].bit;
    return 0;
}

static const json_value *resolve(const conversion *c, const json_value *schema) {
    for (unsigned i = 0; i < REF_DEPTH_MAX; i++) {
        bb_str ref = json_string(json_getl(schema, "$ref"));
        if (ref.len == 0 || ref.ptr[0] != '#')
            break;
        schema = json_pointer(c->schema, str_of(ref.ptr + 1, ref.len - 1));
    }
    return schema;
}

static unsigned types_of(const conversion *c, const json_value *schema, unsigned depth) {
    static const char *const choices[] = {"anyOf", "oneOf"};
    schema = resolve(c, schema);
    const json_value *type = json_getl(schema, "type"), *only = json_getl(schema, "const");
    unsigned types = json_is(type, JSON_STRING) ? type_bit(json_string(type)) : 0;
    for (json_iter it = json_iterate(type); json_next(&it);)
        types |= type_bit(json_string(it.value));
    if (types != 0)
        return types;
    if (only != NULL)
        types = 1u << only->type;
    for (json_iter it = json_iterate(json_getl(schema, "enum")); json_next(&it);)
        types |= 1u << it.value->type;
    for (size_t i = 0; i < 2 && types == 0 && depth < REF_DEPTH_MAX; i++)
        for (json_iter it = json_iterate(json_get(schema, str_from(choices[i]))); json_next(&it);)
            types |= types_of(c, it.value, depth + 1);
    return types != 0 ? types : 1u << JSON_STRING;
}

/* The words for an error: "a whole number or null". */
static bb_str words_of(arena *a, unsigned types) {
    static const struct {
        unsigned bit;
        const char *words;
    } all[] = {{INTEGER, "a whole number"},
               {1u << JSON_NUMBER, "a number"},
               {1u << JSON_BOOL, "yes or no"},
               {1u << JSON_NULL, "null"},
               {1u << JSON_ARRAY, "a list with commas between, or an array in JSON"},
               {1u << JSON_OBJECT, "an object in JSON"},
               {1u << JSON_STRING, "a text"}};
    bb_str words = STR("");
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if ((types & all[i].bit) != 0)
            words = arena_printf(a, "%.*s%s%s", STR_FMT(words), words.len > 0 ? " or " : "", all[i].words);
    return words;
}

/* --- a value ---------------------------------------------------------------------------------------- */

static bb_str trim_lines(bb_str s) {
    while (s.len > 0 && memchr(" \t\n", s.ptr[0], 3) != NULL)
        s = str_of(s.ptr + 1, s.len - 1);
    while (s.len > 0 && memchr(" \t\n", s.ptr[s.len - 1], 3) != NULL)
        s.len--;
    return s;
}

static bool put_json(conversion *c, bb_str text, unsigned types) {
    const json_value *v = json_read(c->memory, text, NULL, NULL);
    bool fits = v != NULL &&
                ((types & 1u << v->type) != 0 ||
                 (json_is(v, JSON_NUMBER) && (types & INTEGER) != 0 && json_number_is_integer(text)));
    if (fits)
        json_put_value(&c->w, v);
    return fits;
}

static bool put_word(conversion *c, bb_str text, unsigned types) {
    bool yes, text_too = (types & 1u << JSON_STRING) != 0;
    bool digit = text.len == 1 && (text.ptr[0] == '0' || text.ptr[0] == '1');
    if ((types & 1u << JSON_BOOL) != 0 && !(text_too && digit) && typed_bool(text, &yes)) {
        json_put_bool(&c->w, yes);
        return true;
    }
    if ((types & 1u << JSON_NULL) != 0 && (str_eq(text, STR("null")) || (text.len == 0 && !text_too))) {
        json_put_null(&c->w);
        return true;
    }
    return false;
}

static bool put_value(conversion *c, const json_value *property, bb_str text);

/* a, b, c; one comma may stand at the end. */
static bool put_list(conversion *c, const json_value *items, bb_str text) {
    bb_str rest = trim_lines(text), part;
    json_array(&c->w);
    while (rest.len > 0 && str_split(&rest, ',', &part)) {
        part = trim_lines(part);
        if (part.len == 0 || !put_value(c, items, part))
            return false;
        rest = trim_lines(rest);
    }
    json_array_end(&c->w);
    return true;
}

static bool put_value(conversion *c, const json_value *property, bb_str text) {
    property = resolve(c, property);
    unsigned types = types_of(c, property, 0);
    bool text_too = (types & 1u << JSON_STRING) != 0;
    bb_str trimmed = trim_lines(text);
    char first = trimmed.len > 0 ? trimmed.ptr[0] : '\0';
    if ((types & NUMERIC) != 0 && put_json(c, text, types & NUMERIC))
        return true;
    if (put_word(c, text, types))
        return true;
    if ((types & 1u << JSON_ARRAY) != 0 && first == '[')
        return put_json(c, trimmed, 1u << JSON_ARRAY);
    if ((types & 1u << JSON_OBJECT) != 0 && first == '{')
        return put_json(c, trimmed, 1u << JSON_OBJECT);
    if ((types & 1u << JSON_ARRAY) != 0 && !text_too)
        return put_list(c, json_getl(property, "items"), text);
    if (text_too)
        json_put_string(&c->w, text);
    return text_too;
}

/* --- a section -------------------------------------------------------------------------------------- */

static const json_value *property_of(const conversion *c, bb_str key) {
    const json_value *property = json_get(json_getl(c->schema, "properties"), key);
    return property != NULL ? property : json_getl(c->schema, "additionalProperties");
}

static bool put_entry(conversion *c, const conf_entry *entry) {
    const json_value *property = property_of(c, entry->key);
    if (!json_utf8_valid(entry->value))
        return conf_fail(c->e, c->file, entry->line, "%s is not UTF-8 text", entry->key.ptr);
    json_key(&c->w, entry->key);
    return put_value(c, property, entry->value) ||
           conf_fail(c->e, c->file, entry->line, "%s is not %s", entry->key.ptr,
                     words_of(c->memory, types_of(c, property, 0)).ptr);
}

static bool check_known(conversion *c, const conf_section *s) {
    const json_value *more = json_getl(c->schema, "additionalProperties");
    const json_value *properties = json_getl(c->schema, "properties");
    if (json_is(more, JSON_OBJECT) || json_bool(more, false))
        return true;
    const char **names = arena_zalloc(c->memory, (json_count(properties) + 1) * sizeof *names);
    if (names == NULL)
        return err_set(c->e, "no memory");
    for (json_iter it = json_iterate(properties); json_next(&it);)
        names[it.index] = arena_strdup(c->memory, it.key);
    return conf_check_keys(c->file, s, names, c->e);
}

static void put_defaults(conversion *c, const conf_section *s) {
    for (json_iter it = json_iterate(json_getl(c->schema, "properties")); json_next(&it);) {
        const json_value *otherwise = json_getl(resolve(c, it.value), "default");
        if (otherwise != NULL && conf_find(s, it.key) == NULL) {
            json_key(&c->w, it.key);
            json_put_value(&c->w, otherwise);
        }
    }
}

static bool put_section(conversion *c, const conf_section *section) {
    json_object(&c->w);
    if (section != NULL && !check_known(c, section))
        return false;
    for (size_t i = 0; section != NULL && i < section->count; i++)
        if (!put_entry(c, &section->entries[i]))
            return false;
    put_defaults(c, section);
    json_object_end(&c->w);
    return json_writer_finish(&c->w) ||
           conf_fail(c->e, c->file, section != NULL ? section->line : 1, "no memory");
}

bool conf_section_to_json(arena *a, const conf_file *f, const conf_section *section, const json_value *schema,
                          bb_str *out, err *e) {
    conversion c = {.memory = a, .file = f, .schema = schema, .e = e};
    buf text;
    buf_init(&text);
    json_writer_init(&c.w, &text);
    bool ok = put_section(&c, section);
    if (ok) {
        *out = arena_copy(a, buf_str(&text));
        ok = out->ptr != NULL || err_set(e, "no memory");
    }
    buf_wipe(&text); /* settings may hold what a reference brought */
    return ok;
}
