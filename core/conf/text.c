/* text.c - the text of a conf file from JSON, proved by reading it back. */
#include "conf/conf.h"

static bool is_name(bb_str s) {
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (i > 0 && ((c >= '0' && c <= '9') || c == '_'))))
            return false;
    }
    return s.len > 0 && s.len < 50;
}

/* "route invoices": a name, and whose it is. */
static bool is_named(bb_str s) {
    const char *blank = s.len > 0 ? memchr(s.ptr, ' ', s.len) : NULL;
    size_t n = blank != NULL ? (size_t)(blank - s.ptr) : 0;
    return n > 0 && s.len < 50 && is_name(str_of(s.ptr, n)) && conf_id_ok(str_of(blank + 1, s.len - n - 1));
}

static bool has_control(bb_str s, bool lines) {
    for (size_t i = 0; i < s.len; i++)
        if (((unsigned char)s.ptr[i] < 0x20 && !(lines && s.ptr[i] == '\n')) || s.ptr[i] == 0x7f)
            return true;
    return false;
}

/* --- values ----------------------------------------------------------------------------------------- */

/* Recursion ends with the reader's limit of depth. */
static void put_compact(json_writer *w, const json_value *v) {
    bool object = json_is(v, JSON_OBJECT);
    if (json_is(v, JSON_STRING)) {
        json_put_string(w, json_string(v));
    } else if (!object && !json_is(v, JSON_ARRAY)) {
        json_put_raw(w, json_raw(v));
    } else {
        object ? json_object(w) : json_array(w);
        for (json_iter it = json_iterate(v); json_next(&it);) {
            if (object)
                json_key(w, it.key);
            put_compact(w, it.value);
        }
        object ? json_object_end(w) : json_array_end(w);
    }
}

/* What a conf file cannot hold, JSON can write otherwise: a " ;" would begin a comment. In compact JSON it
 * stands only inside of strings. */
static void put_escaped(buf *out, bb_str json) {
    for (size_t i = 0; i < json.len; i++) {
        char c = json.ptr[i];
        if ((c == ';' && i > 0 && json.ptr[i - 1] == ' ') || c == 0x7f)
            buf_printf(out, "\\u%04x", (unsigned)c);
        else
            buf_char(out, c);
    }
}

static void put_json(buf *out, const json_value *v) {
    buf json;
    json_writer w;
    buf_init(&json);
    json_writer_init(&w, &json);
    put_compact(&w, v);
    out->failed = !json_writer_finish(&w) || out->failed;
    put_escaped(out, buf_str(&json));
    buf_free(&json);
}

static bool is_container(const json_value *v) {
    return json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY);
}

static bb_str scalar_text(const json_value *v) {
    return json_is(v, JSON_STRING) ? json_string(v) : json_raw(v);
}

/* What stands in the API's answers where a secret is: alone, or as one of a value's lines. */
static bool is_mark(bb_str text) {
    for (bb_str line; str_split(&text, '\n', &line);)
        if (str_eq(str_trim(line), STR("[redacted]")))
            return true;
    return false;
}

/* Recursion ends with the reader's limit of depth. */
static bool has_mark(const json_value *v) {
    if (json_is(v, JSON_STRING))
        return is_mark(json_string(v));
    for (json_iter it = json_iterate(v); json_next(&it);)
        if (has_mark(it.value))
            return true;
    return false;
}

/* --- a file ----------------------------------------------------------------------------------------- */

/* Further lines are indented: whatever they hold, they go on with the value. */
static void put_lines(buf *out, bb_str text) {
    bb_str line;
    for (bool first = true; str_split(&text, '\n', &line); first = false) {
        if (!first)
            buf_lit(out, "\n    ");
        buf_str_add(out, line);
    }
}

static bool put_member(buf *out, bb_str section, bb_str key, const json_value *v, bool lines, err *e) {
    if (!is_name(key))
        return err_set(e, "\"%.*s\" in \"%.*s\" is no key: a key is [a-z][a-z0-9_]*, at most 49 characters",
                       STR_FMT(key), STR_FMT(section));
    if (json_is(v, JSON_NULL))
        return err_set(e, "%.*s.%.*s is null: leave it out", STR_FMT(section), STR_FMT(key));
    if (!is_container(v) && has_control(scalar_text(v), lines))
        return err_set(e, "%.*s.%.*s has a line break or control character, which a conf file cannot hold",
                       STR_FMT(section), STR_FMT(key));
    if (has_mark(v))
        return err_set(
            e,
            "%.*s.%.*s is \"[redacted]\", which stands for a secret where it is shown, and is none: "
            "give the secret, or a reference to it as ${secret:NAME}; to keep the one that is "
            "there, PATCH what else is to change and leave %.*s out",
            STR_FMT(section), STR_FMT(key), STR_FMT(key));
    buf_str_add(out, key);
    buf_lit(out, " = ");
    if (is_container(v))
        put_json(out, v);
    else
        put_lines(out, scalar_text(v));
    buf_char(out, '\n');
    return true;
}

static bool put_section(buf *out, bb_str name, const json_value *section, bool lines, err *e) {
    if (!is_name(name) && !(lines && is_named(name)))
        return err_set(e, "\"%.*s\" is no section: its name is [a-z][a-z0-9_]*, at most 49 characters",
                       STR_FMT(name));
    if (!json_is(section, JSON_OBJECT))
        return err_set(e, "\"%.*s\" must be an object of keys and values", STR_FMT(name));
    buf_lit(out, "[");
    buf_str_add(out, name);
    buf_lit(out, "]\n");
    for (json_iter it = json_iterate(section); json_next(&it);)
        if (!put_member(out, name, it.key, it.value, lines, e))
            return false;
    return true;
}

static bool same_value(arena *a, const json_value *v, bb_str read) {
    return is_container(v) ? json_equal(v, json_read(a, read, NULL, NULL)) : str_eq(scalar_text(v), read);
}

static bool section_reads_back(arena *a, const conf_section *section, bb_str name, const json_value *values,
                               err *e) {
    for (json_iter it = json_iterate(values); json_next(&it);) {
        const conf_entry *entry = conf_find(section, it.key);
        if (entry == NULL || !same_value(a, it.value, entry->value))
            return err_set(
                e,
                "%.*s.%.*s cannot be written into a conf file: blanks at its ends, or a \";\" after a "
                "blank, would be lost; take them out",
                STR_FMT(name), STR_FMT(it.key));
    }
    return (section != NULL && section->count == json_count(values)) ||
           err_set(e, "section %.*s would not be read back as it was given", STR_FMT(name));
}

/* Reads the text as the hub will, and compares: nothing may be lost, and nothing gained. */
static bool reads_back(arena *a, const char *name, bb_str text, const json_value *root, err *e) {
    conf_file f;
    if (!conf_read_text(a, name, text, &f))
        return err_set(e, "the values cannot be written into a conf file: %s", f.error.text);
    for (json_iter it = json_iterate(root); json_next(&it);)
        if (!section_reads_back(a, conf_find_section(&f, it.key), it.key, it.value, e))
            return false;
    return f.count == json_count(root) || err_set(e, "a section stands twice");
}

static bool text_from_json(arena *a, const json_value *root, bool lines, bb_str *out, err *e) {
    buf text;
    buf_init(&text);
    buf_lit(&text, "; Written through the hub's API. Edit it if you like: a reload reads it again.\n");
    bool ok = json_is(root, JSON_OBJECT) || err_set(e, "the configuration is not an object");
    for (json_iter it = json_iterate(root); ok && json_next(&it);)
        ok = put_section(&text, it.key, it.value, lines, e);
    if (ok) {
        *out = arena_copy(a, buf_str(&text));
        ok = (out->ptr != NULL && !text.failed) || err_set(e, "no memory");
    }
    buf_free(&text);
    return ok && reads_back(a, lines ? "new" CONF_HOOK : "new" CONF_CONNECTION, *out, root, e);
}

bool conf_text_from_json(arena *a, const json_value *root, bb_str *out, err *e) {
    return text_from_json(a, root, false, out, e);
}

bool conf_text_with_lines(arena *a, const json_value *root, bb_str *out, err *e) {
    return text_from_json(a, root, true, out, e);
}
