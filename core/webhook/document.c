#include "webhook/document.h"

#include "webhook/route.h"

static bool is_in(const char *const *names, bb_str name) {
    for (; names != NULL && *names != NULL; names++)
        if (str_eq(name, str_from(*names)))
            return true;
    return false;
}

/* --- from the file ------------------------------------------------------------------------------------ */

static bool has_reference(bb_str value) {
    return value.len > 2 && memmem(value.ptr, value.len, "${", 2) != NULL;
}

/* References are shown, line by line: one secret may stand beside another's reference. In an object (of
 * header fields) they stand in one line. */
static void put_secret(json_writer *w, bb_str key, bb_str value) {
    buf shown;
    buf_init(&shown);
    for (bb_str rest = value, line; has_reference(value) && str_split(&rest, '\n', &line);) {
        if (shown.len > 0)
            buf_char(&shown, '\n');
        bool object = str_starts(str_trim(line), STR("{"));
        buf_str_add(&shown, has_reference(line) && !object ? line : STR("[redacted]"));
    }
    w->failed = w->failed || shown.failed;
    json_member_string(w, key, shown.len > 0 ? buf_str(&shown) : STR("[redacted]"));
    buf_free(&shown);
}

static void put_entries(json_writer *w, const webhook_reader *r, const conf_section *s,
                        const webhook_item *item) {
    for (size_t i = 0; i < s->count; i++) {
        const conf_entry *entry = &s->entries[i];
        if (item != NULL && r->is_secret != NULL && r->is_secret(item, s->name, entry->key))
            put_secret(w, entry->key, entry->value);
        else
            json_member_string(w, entry->key, entry->value);
    }
}

static void put_routes(json_writer *w, const webhook_reader *r, const conf_file *f,
                       const webhook_item *item) {
    bool open = false;
    for (size_t i = 0; i < f->count; i++) {
        bb_str name = route_name_of(f->sections[i].name);
        if (name.ptr == NULL)
            continue;
        if (!open) {
            json_keyl(w, "routes");
            json_object(w);
        }
        open = true;
        json_key(w, name);
        json_object(w);
        put_entries(w, r, &f->sections[i], item);
        json_object_end(w);
    }
    if (open)
        json_object_end(w);
}

bb_str document_of_file(arena *a, const webhook_reader *r, const conf_file *f, const webhook_item *item) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    const conf_section *head = conf_find_section(f, str_from(r->section));
    if (head != NULL)
        put_entries(&w, r, head, item);
    for (size_t i = 0; i < f->count; i++) {
        if (&f->sections[i] == head || route_name_of(f->sections[i].name).ptr != NULL)
            continue;
        json_key(&w, f->sections[i].name);
        json_object(&w);
        put_entries(&w, r, &f->sections[i], item);
        json_object_end(&w);
    }
    put_routes(&w, r, f, item);
    json_object_end(&w);
    return json_writer_take(&w, a);
}

/* --- to the file -------------------------------------------------------------------------------------- */

static bool is_list(const json_value *v) {
    for (json_iter it = json_iterate(v); json_next(&it);)
        if (json_count(it.value) > 0 || json_is(it.value, JSON_ARRAY) || json_is(it.value, JSON_OBJECT) ||
            json_is(it.value, JSON_NULL))
            return false;
    return json_is(v, JSON_ARRAY);
}

static void put_list(json_writer *w, const json_value *v, const char *between) {
    buf text;
    buf_init(&text);
    for (json_iter it = json_iterate(v); json_next(&it);) {
        if (text.len > 0)
            buf_str_add(&text, str_from(between));
        buf_str_add(&text, json_is(it.value, JSON_STRING) ? json_string(it.value) : json_raw(it.value));
    }
    json_put_string(w, buf_str(&text));
    w->failed = w->failed || text.failed;
    buf_wipe(&text);
}

/* Keys whose values are JSON, or may be. */
static bool is_json(bb_str key) {
    static const char *const keys[] = {"schema", "example", "headers", NULL};
    return is_in(keys, key);
}

static bool is_texts(const json_value *v) {
    for (json_iter it = json_iterate(v); json_next(&it);)
        if (!json_is(it.value, JSON_STRING))
            return false;
    return json_is(v, JSON_ARRAY);
}

/* A file has a text for each key: what else somebody has put there by mistake is told, and does not become
 * one that means something else, as a secret {"value": "…"} would. */
static bool are_texts(const json_value *object, const char *const *sections, err *e) {
    for (json_iter it = json_iterate(object); json_next(&it);) {
        /* "secret": true is a slip, and anybody guesses what was signed with it */
        if (str_starts(it.key, STR("secret")) && !json_is(it.value, JSON_NULL) &&
            !json_is(it.value, JSON_STRING) && !is_texts(it.value))
            return err_set(e, "\"%.*s\" is a text, or a list of texts",
                           (int)(it.key.len < 80 ? it.key.len : 80), it.key.ptr);
        bool section = sections != NULL && (str_eq(it.key, STR("routes")) || is_in(sections, it.key));
        bool object_or_list = json_is(it.value, JSON_OBJECT) || json_is(it.value, JSON_ARRAY);
        if (object_or_list && !section && !is_json(it.key) && !is_list(it.value))
            return err_set(e, "\"%.*s\" is a text, a number, true or false, or a list of such",
                           (int)(it.key.len < 80 ? it.key.len : 80), it.key.ptr);
    }
    return true;
}

/* null is as good as not there. */
static void put_member(json_writer *w, const webhook_reader *r, const json_iter *it) {
    if (json_is(it->value, JSON_NULL))
        return;
    json_key(w, it->key);
    if (is_list(it->value) && !is_in(r->json, it->key) && !str_eq(it->key, STR("schema")))
        put_list(w, it->value, is_in(r->lines, it->key) ? "\n" : ", ");
    else
        json_put_value(w, it->value);
}

static void put_members(json_writer *w, const webhook_reader *r, const json_value *object) {
    for (json_iter it = json_iterate(object); json_next(&it);)
        put_member(w, r, &it);
}

static void put_head(json_writer *w, const webhook_reader *r, const json_value *root) {
    json_key(w, str_from(r->section));
    json_object(w);
    for (json_iter it = json_iterate(root); json_next(&it);) {
        if (str_eq(it.key, STR("id")) || str_eq(it.key, STR("routes")) ||
            (is_in(r->sections, it.key) && json_is(it.value, JSON_OBJECT)))
            continue;
        put_member(w, r, &it);
    }
    json_object_end(w);
}

/* A member of that name which is no object is a key of the main section ("verify": "none"). */
static void put_section(json_writer *w, const webhook_reader *r, bb_str name, const json_value *v) {
    if (!json_is(v, JSON_OBJECT))
        return;
    json_key(w, name);
    json_object(w);
    put_members(w, r, v);
    json_object_end(w);
}

static bool check_all(const webhook_reader *r, const json_value *root, err *e) {
    bool ok = are_texts(root, r->sections, e);
    for (const char *const *s = r->sections; ok && s != NULL && *s != NULL; s++) {
        const json_value *section = json_get(root, str_from(*s));
        ok = !json_is(section, JSON_ARRAY) ? are_texts(section, NULL, e)
                                           : err_set(e, "\"%s\" is an object of keys and values", *s);
    }
    for (json_iter it = json_iterate(json_getl(root, "routes")); ok && json_next(&it);)
        ok = are_texts(it.value, NULL, e) || err_prefix(e, "route \"%.*s\": ", STR_FMT(it.key));
    return ok;
}

static bool put_all(json_writer *w, arena *a, const webhook_reader *r, const json_value *root, err *e) {
    json_object(w);
    put_head(w, r, root);
    for (const char *const *s = r->sections; s != NULL && *s != NULL; s++)
        put_section(w, r, str_from(*s), json_get(root, str_from(*s)));
    const json_value *routes = json_getl(root, "routes");
    if (routes != NULL && !json_is(routes, JSON_OBJECT) && !json_is(routes, JSON_NULL))
        return err_set(e, "\"routes\" is an object: {\"NAME\": {…}}");
    for (json_iter it = json_iterate(routes); json_next(&it);) {
        if (!json_is(it.value, JSON_OBJECT) && !json_is(it.value, JSON_NULL))
            return err_set(e, "route \"%.*s\" is an object of keys and values", STR_FMT(it.key));
        put_section(w, r, arena_printf(a, "route %.*s", STR_FMT(it.key)), it.value);
    }
    json_object_end(w);
    return true;
}

bool document_to_text(arena *a, const webhook_reader *r, const json_value *root, bb_str *out, err *e) {
    if (!json_is(root, JSON_OBJECT))
        return err_set(e, "the body is an object: {\"id\", …}");
    buf text;
    buf_init(&text);
    json_writer w;
    json_writer_init(&w, &text);
    bool ok = check_all(r, root, e) && put_all(&w, a, r, root, e);
    bb_str json = json_writer_finish(&w) ? arena_copy(a, buf_str(&text)) : (bb_str){NULL, 0};
    buf_wipe(&text);
    const json_value *shape = ok && json.ptr != NULL ? json_read(a, json, NULL, NULL) : NULL;
    if (ok && shape == NULL)
        return err_set(e, "the body cannot be written as a conf file");
    return ok && conf_text_with_lines(a, shape, out, e);
}

/* --- a merge ------------------------------------------------------------------------------------------ */

static void merge(json_writer *w, const json_value *base, const json_value *patch) {
    if (!json_is(patch, JSON_OBJECT)) {
        json_put_value(w, patch);
        return;
    }
    json_object(w);
    for (json_iter it = json_iterate(json_is(base, JSON_OBJECT) ? base : NULL); json_next(&it);)
        if (json_get(patch, it.key) == NULL) {
            json_key(w, it.key);
            json_put_value(w, it.value);
        }
    for (json_iter it = json_iterate(patch); json_next(&it);)
        if (!json_is(it.value, JSON_NULL)) {
            json_key(w, it.key);
            merge(w, json_get(base, it.key), it.value);
        }
    json_object_end(w);
}

const json_value *document_merge(arena *a, const json_value *base, const json_value *patch) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    merge(&w, base, patch);
    bb_str text = json_writer_finish(&w) ? arena_copy(a, buf_str(&out)) : (bb_str){NULL, 0};
    buf_wipe(&out);
    return text.ptr != NULL ? json_read(a, text, NULL, NULL) : NULL;
}
