#include "check/generate.h"

#include <inttypes.h>

#define DEPTH_MAX 10u

uint64_t generate_random(generator *g) { /* splitmix64 */
    uint64_t z = g->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* --- texts --------------------------------------------------------------------------------------- */

static const char *const odd_texts[] = {"",
                                        " ",
                                        "..",
                                        "../../../../etc/passwd",
                                        "a\r\nX-Injected: yes",
                                        "%s%n%p%00",
                                        "\xe2\x80\xae\xf0\x9f\x92\xa3\xc3\xa9",
                                        "' OR 1=1 --",
                                        "${env:HOME}",
                                        "/",
                                        "?a=b&c=d#e",
                                        "\x01\x7f\t",
                                        "null",
                                        "-9223372036854775809"};

/* 64 KiB, or as much as is allowed. */
static bb_str long_text(generator *g, uint64_t max) {
    size_t n = max < 65536 ? (size_t)max : 65536;
    char *text = arena_alloc(g->memory, n + 1);
    if (text != NULL)
        memset(text, 'A', n);
    return str_of(text, text != NULL ? n : 0);
}

static bb_str by_format(bb_str format) {
    static const char *const texts[][2] = {{"uri", "https://example.test/x"},
                                           {"url", "https://example.test/x"},
                                           {"email", "someone@example.test"},
                                           {"date-time", "2026-01-31T12:00:00Z"},
                                           {"date", "2026-01-31"},
                                           {"time", "12:00:00Z"},
                                           {"uuid", "123e4567-e89b-42d3-a456-426614174000"},
                                           {"ipv4", "192.0.2.1"},
                                           {"hostname", "example.test"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (str_eq(format, str_from(texts[i][0])))
            return str_from(texts[i][1]);
    return STR("text");
}

static void put_text(generator *g, const json_value *s, json_writer *w) {
    uint64_t least = 0, most = UINT64_MAX;
    json_to_u64(json_getl(s, "minLength"), &least);
    json_to_u64(json_getl(s, "maxLength"), &most);
    bb_str pattern = json_string(json_getl(s, "pattern")),
           text = by_format(json_string(json_getl(s, "format")));
    if (pattern.ptr != NULL && (g->mode == GENERATE_PLAIN || generate_below(g, 3) > 0)) {
        text = generate_pattern(g, pattern);
    } else if (g->mode == GENERATE_HOSTILE && generate_below(g, 4) > 0) {
        size_t n = sizeof odd_texts / sizeof odd_texts[0], i = generate_below(g, n + 2);
        text = i < n ? str_from(odd_texts[i]) : long_text(g, most);
    }
    if (text.len < least && least <= 65536) {
        char *longer = arena_alloc(g->memory, least + 1);
        for (size_t i = 0; longer != NULL && i < least; i++)
            longer[i] = text.len > 0 ? text.ptr[i % text.len] : 'x';
        text = longer != NULL ? str_of(longer, least) : text;
    }
    if (text.len > most)
        text = str_of("xxxxxxxxxxxxxxxx", most < 16 ? most : 16);
    json_put_string_lossy(w, text);
}

/* --- numbers ------------------------------------------------------------------------------------- */

static void put_number(generator *g, const json_value *s, bool integer, json_writer *w) {
    static const char *const odd[] = {
        "0",          "-1",         "1",          "9223372036854775807", "-9223372036854775808",
        "2147483648", "4294967296", "1000000000", "18446744073709551616"};
    static const char *const odd_fractions[] = {"0.1", "-0.0", "1e308", "1e-308", "123456789.123456789"};
    const json_value *least = json_getl(s, "minimum"), *most = json_getl(s, "maximum");
    const json_value *above = json_getl(s, "exclusiveMinimum"), *step = json_getl(s, "multipleOf");
    int64_t n = 1;
    if (g->mode == GENERATE_HOSTILE && generate_below(g, 3) > 0) {
        size_t i = generate_below(g, integer ? 9 : 14);
        json_put_raw(w, str_from(i < 9 ? odd[i] : odd_fractions[i - 9]));
    } else if (most != NULL && (g->mode == GENERATE_HOSTILE || least == NULL)) {
        json_put_value(w, most);
    } else if (least != NULL) {
        json_put_value(w, least);
    } else if (step != NULL) {
        json_put_value(w, step);
    } else {
        n += json_to_i64(above, &n) ? 1 : 0;
        json_put_i64(w, n);
    }
}

/* --- objects and arrays -------------------------------------------------------------------------- */

static bool has_word(const json_value *list, bb_str word) {
    for (json_iter it = json_iterate(list); json_next(&it);)
        if (str_eq(json_string(it.value), word))
            return true;
    return false;
}

/* Of this schema, of its allOf, or of the branch of anyOf or oneOf that was chosen. */
static bool is_required(const json_value *s, const json_value *branch, bb_str name) {
    if (has_word(json_getl(s, "required"), name) || has_word(json_getl(branch, "required"), name))
        return true;
    for (json_iter it = json_iterate(json_getl(s, "allOf")); json_next(&it);)
        if (has_word(json_getl(it.value, "required"), name))
            return true;
    return false;
}

static const json_value *pick(generator *g, const json_value *list) {
    uint32_t n = json_count(list);
    return n > 0 ? json_at(list, (uint32_t)generate_below(g, n)) : NULL;
}

static const json_value *branch_of(generator *g, const json_value *s) {
    const json_value *any = json_getl(s, "anyOf");
    return pick(g, any != NULL ? any : json_getl(s, "oneOf"));
}

/* The one setting that the host knows, and checks itself. */
static bool put_base_url(generator *g, bb_str name, json_writer *w) {
    static const char *const urls[] = {"http://127.0.0.1:9", "https://api.example.test/",
                                       "http://[::1]:9/a/b", "https://xn--bcher-kva.example.test/v1//",
                                       "http://127.0.0.1:65535/%2e%2e/x"};
    if (!str_eq(name, STR("base_url")) || g->depth != 1)
        return false;
    json_put_string(w, str_from(urls[g->mode == GENERATE_PLAIN ? 0 : generate_below(g, 5)]));
    return true;
}

static void put_members(generator *g, const json_value *s, const json_value *properties,
                        const json_value *branch, const json_value *root, json_writer *w) {
    for (json_iter it = json_iterate(properties); json_next(&it);) {
        bool hostile = g->mode == GENERATE_HOSTILE && g->depth < 4 && generate_below(g, 2) == 0;
        bool wanted = is_required(s, branch, it.key) || hostile || (g->all && g->depth < 4);
        if (!wanted || json_is(it.value, JSON_BOOL))
            continue;
        json_key(w, it.key);
        if (!put_base_url(g, it.key, w))
            generate_value(g, it.value, root, w);
    }
}

static void put_odd_members(generator *g, const json_value *s, const json_value *root, json_writer *w) {
    static const char *const names[] = {"__proto__", "a/b~c", "\xf0\x9f\x92\xa3", "a b\r\nc: d", ""};
    const json_value *more = json_getl(s, "additionalProperties");
    if ((json_is(more, JSON_BOOL) && !json_bool(more, true)) || g->mode == GENERATE_PLAIN ||
        generate_below(g, 2) == 0)
        return;
    json_key(w, str_from(names[generate_below(g, 5)]));
    generate_value(g, json_is(more, JSON_OBJECT) ? more : NULL, root, w);
}

static void put_object(generator *g, const json_value *s, const json_value *root, json_writer *w) {
    const json_value *branch = branch_of(g, s);
    json_object(w);
    put_members(g, s, json_getl(s, "properties"), branch, root, w);
    put_members(g, s, json_getl(branch, "properties"), branch, root, w);
    for (json_iter it = json_iterate(json_getl(s, "allOf")); json_next(&it);)
        put_members(g, s, json_getl(it.value, "properties"), branch, root, w);
    put_odd_members(g, s, root, w);
    json_object_end(w);
}

static void put_array(generator *g, const json_value *s, const json_value *root, json_writer *w) {
    const json_value *items = json_getl(s, "items");
    uint64_t least = 0, most = 1000, n = 1;
    json_to_u64(json_getl(s, "minItems"), &least);
    json_to_u64(json_getl(s, "maxItems"), &most);
    if (g->mode == GENERATE_HOSTILE)
        n = generate_below(g, 3) * (g->depth < 3 ? 40 : 1);
    if (n < least)
        n = least < 1000 ? least : 1000;
    if (n > most)
        n = most;
    json_array(w);
    for (uint64_t i = 0; i < n; i++)
        generate_value(g, items, root, w);
    json_array_end(w);
}

/* --- any value ----------------------------------------------------------------------------------- */

static bb_str type_of(generator *g, const json_value *s) {
    const json_value *type = json_getl(s, "type");
    if (json_is(type, JSON_ARRAY))
        type = g->mode == GENERATE_PLAIN ? json_at(type, 0) : pick(g, type);
    if (type != NULL)
        return json_string(type);
    static const char *const tells[][2] = {
        {"properties", "object"}, {"required", "object"},  {"items", "array"},    {"pattern", "string"},
        {"minLength", "string"},  {"maxLength", "string"}, {"minimum", "number"}, {"maximum", "number"}};
    for (size_t i = 0; i < sizeof tells / sizeof tells[0]; i++)
        if (json_get(s, str_from(tells[i][0])) != NULL)
            return str_from(tells[i][1]);
    return (bb_str){NULL, 0};
}

/* What "$ref" names: a part of the same text, or one of the connector's schemas, which is then *root. */
static const json_value *refer(generator *g, bb_str ref, const json_value **root) {
    if (ref.len > 0 && ref.ptr[0] == '#')
        return json_pointer(*root, str_of(ref.ptr + 1, ref.len - 1));
    for (const bb_schema *const *s = g->module->desc->schemas; s != NULL && *s != NULL; s++) {
        if (!str_eq(ref, str_from((*s)->name)))
            continue;
        *root = json_read(g->memory, str_from((*s)->text), NULL, NULL);
        return *root;
    }
    return NULL;
}

/* A value that is written out in the schema itself. */
static const json_value *shown(generator *g, const json_value *s) {
    const json_value *v = json_getl(s, "const");
    if (v == NULL)
        v = pick(g, json_getl(s, "enum"));
    if (v == NULL && (g->mode == GENERATE_PLAIN || generate_below(g, 4) == 0))
        v = json_getl(s, "default");
    if (v == NULL && g->mode == GENERATE_PLAIN)
        v = json_at(json_getl(s, "examples"), 0);
    return v;
}

static void put_typed(generator *g, const json_value *s, const json_value *root, json_writer *w) {
    bb_str type = type_of(g, s);
    if (str_eq(type, STR("object")))
        put_object(g, s, root, w);
    else if (str_eq(type, STR("array")))
        put_array(g, s, root, w);
    else if (str_eq(type, STR("string")))
        put_text(g, s, w);
    else if (str_eq(type, STR("integer")) || str_eq(type, STR("number")))
        put_number(g, s, str_eq(type, STR("integer")), w);
    else if (str_eq(type, STR("boolean")))
        json_put_bool(w, g->mode == GENERATE_PLAIN || generate_below(g, 2) > 0);
    else if (str_eq(type, STR("null")))
        json_put_null(w);
    else if (branch_of(g, s) != NULL)
        generate_value(g, branch_of(g, s), root, w);
    else if (json_count(json_getl(s, "allOf")) > 0)
        generate_value(g, json_at(json_getl(s, "allOf"), 0), root, w);
    else
        put_text(g, s, w);
}

void generate_value(generator *g, const json_value *s, const json_value *root, json_writer *w) {
    bb_str ref = json_string(json_getl(s, "$ref"));
    const json_value *v = shown(g, s);
    if (++g->depth > DEPTH_MAX) {
        json_put_null(w);
    } else if (v != NULL) {
        json_put_value(w, v);
    } else if (ref.ptr != NULL) {
        const json_value *new_root = root, *target = refer(g, ref, &new_root);
        generate_value(g, target, new_root, w);
    } else {
        put_typed(g, s, root, w);
    }
    g->depth--;
}

bb_str generate_valid(generator *g, bb_str text, const schema *compiled, unsigned tries) {
    const json_value *root = json_read(g->memory, text, NULL, NULL);
    bb_str found = {NULL, 0};
    for (unsigned i = 0; i < tries && found.ptr == NULL; i++) {
        buf out;
        buf_init(&out);
        json_writer w;
        json_writer_init(&w, &out);
        g->depth = 0;
        generate_value(g, root, root, &w);
        arena *scratch = arena_new(0);
        bb_str copy = json_writer_finish(&w) ? arena_copy(g->memory, buf_str(&out)) : (bb_str){NULL, 0};
        const json_value *v = copy.ptr != NULL && scratch != NULL ? json_read(scratch, copy, NULL, NULL)
                                                                  : NULL;
        if (v != NULL && schema_validate(compiled, v, scratch, NULL))
            found = copy;
        arena_free(scratch);
        buf_free(&out);
    }
    return found;
}
