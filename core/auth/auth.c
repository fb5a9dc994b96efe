#include "auth/auth.h"

#include "plugin/host_crypto.h"
#include "plugin/url.h"

#include <stdio.h>

#define FIELDS_MAX 8
#define SECRETS_MAX 8

/* What auth_compile works with. */
typedef struct compiling {
    arena *memory;
    const conf_file *file;
    const conf_section *section; /* may be NULL */
    const bb_plugin *plugin;
    const auth_scheme *scheme;
    bb_str values[FIELDS_MAX]; /* in the order of scheme->fields */
    unsigned lines[FIELDS_MAX];
    bb_str *secrets;
    size_t secret_count;
} compiling;

/* --- what the connector declares ------------------------------------------------------------------- */

static const bb_auth_scheme *declared(const bb_plugin *plugin, bb_str id) {
    for (const bb_auth_scheme *const *s = plugin->auth_schemes; s != NULL && *s != NULL; s++)
        if (str_eq(id, str_from((*s)->scheme)))
            return *s;
    return NULL;
}

static const char *names_of(arena *a, const bb_plugin *plugin) {
    if (plugin->auth_schemes == NULL || plugin->auth_schemes[0] == NULL)
        return "none";
    bb_str names = STR("");
    for (const bb_auth_scheme *const *s = plugin->auth_schemes; *s != NULL; s++)
        names = arena_printf(a, "%.*s%s%s", STR_FMT(names), names.len > 0 ? ", " : "", (*s)->scheme);
    return names.ptr != NULL ? names.ptr : "";
}

bb_str auth_plugin_default(arena *a, const bb_plugin *plugin, const char *scheme, const char *field) {
    const bb_auth_scheme *s = declared(plugin, str_from(scheme));
    const json_value *defaults = s != NULL && s->defaults != NULL
                                     ? json_read(a, str_from(s->defaults), NULL, NULL)
                                     : NULL;
    return json_string(json_get(defaults, str_from(field)));
}

static const auth_field *field_of(const auth_scheme *scheme, bb_str name) {
    for (const auth_field *f = scheme->fields; f->name != NULL; f++)
        if (str_eq(name, str_from(f->name)))
            return f;
    return NULL;
}

bool auth_check_plugin(arena *a, const bb_plugin *plugin, err *e) {
    for (const bb_auth_scheme *const *s = plugin->auth_schemes; s != NULL && *s != NULL; s++) {
        const auth_scheme *scheme = (*s)->scheme != NULL ? auth_scheme_find(str_from((*s)->scheme)) : NULL;
        if ((*s)->size < sizeof **s || scheme == NULL)
            return err_set(e, "it declares the auth scheme \"%s\", which this hub does not have",
                           (*s)->scheme != NULL ? (*s)->scheme : "");
        if ((*s)->defaults == NULL)
            continue;
        const json_value *defaults = json_read(a, str_from((*s)->defaults), NULL, NULL);
        if (!json_is(defaults, JSON_OBJECT))
            return err_set(e, "its defaults for the auth scheme \"%s\" are not a JSON object", (*s)->scheme);
        for (json_iter it = json_iterate(defaults); json_next(&it);)
            if (field_of(scheme, it.key) == NULL || !json_is(it.value, JSON_STRING))
                return err_set(e,
                               "its default \"%.*s\" is not a field of the auth scheme \"%s\", or no string",
                               STR_FMT(it.key), (*s)->scheme);
    }
    return true;
}

/* --- reading [auth] --------------------------------------------------------------------------------- */

static unsigned section_line(const compiling *c) {
    return c->section != NULL ? c->section->line : 1;
}

/* The scheme that is named, or the only one there is. */
static bool choose_scheme(compiling *c, err *e) {
    const conf_entry *entry = conf_find(c->section, STR("scheme"));
    const bb_auth_scheme *const *offered = c->plugin->auth_schemes;
    bool offers_none = offered == NULL || offered[0] == NULL || declared(c->plugin, STR("none")) != NULL;
    bb_str id = STR("none");
    if (entry != NULL) {
        id = entry->value;
    } else if (c->section != NULL && offered != NULL && offered[0] != NULL && offered[1] == NULL) {
        id = str_from(offered[0]->scheme);
    } else if (c->section != NULL || !offers_none) {
        return conf_fail(e, c->file, section_line(c), "[auth] needs `scheme`, one of: %s",
                         names_of(c->memory, c->plugin));
    }
    c->scheme = auth_scheme_find(id);
    bool ok = c->scheme != NULL &&
              (declared(c->plugin, id) != NULL || (str_eq(id, STR("none")) && offers_none));
    return ok || conf_fail(e, c->file, entry != NULL ? entry->line : section_line(c),
                           "auth scheme \"%.*s\" is not one that connector %s takes: %s", STR_FMT(id),
                           c->plugin->id, names_of(c->memory, c->plugin));
}

static bool check_keys(const compiling *c, err *e) {
    const char *known[FIELDS_MAX + 2] = {"scheme"};
    for (size_t i = 0; c->scheme->fields[i].name != NULL; i++)
        known[i + 1] = c->scheme->fields[i].name;
    return c->section == NULL || conf_check_keys(c->file, c->section, known, e);
}

static void add_secret(compiling *c, bb_str value) {
    if (value.len > 0 && c->secret_count < SECRETS_MAX)
        c->secrets[c->secret_count++] = value;
}

static bool read_field(compiling *c, size_t i, err *e) {
    const auth_field *field = &c->scheme->fields[i];
    const conf_entry *entry = conf_find(c->section, str_from(field->name));
    c->lines[i] = entry != NULL ? entry->line : section_line(c);
    if (entry != NULL) {
        if (!conf_expand(c->memory, c->file, entry, &c->values[i], NULL, e))
            return false;
    } else {
        c->values[i] = auth_plugin_default(c->memory, c->plugin, c->scheme->id, field->name);
        if (c->values[i].ptr == NULL)
            c->values[i] = str_from(field->otherwise);
    }
    if (field->required && c->values[i].len == 0)
        return conf_fail(e, c->file, c->lines[i], "[auth] %s needs `%s` (%s); it is %s", c->scheme->id,
                         field->name, field->description, entry != NULL ? "empty" : "missing");
    if (!url_header_value_ok(c->values[i]))
        return conf_fail(e, c->file, c->lines[i], "[auth] `%s` has a line break or control character",
                         field->name);
    if (field->secret)
        add_secret(c, c->values[i]);
    return true;
}

static bb_str value(const compiling *c, const char *name) {
    for (size_t i = 0; c->scheme->fields[i].name != NULL; i++)
        if (strcmp(c->scheme->fields[i].name, name) == 0)
            return c->values[i];
    return (bb_str){NULL, 0};
}

static unsigned line_of(const compiling *c, const char *name) {
    for (size_t i = 0; c->scheme->fields[i].name != NULL; i++)
        if (strcmp(c->scheme->fields[i].name, name) == 0)
            return c->lines[i];
    return 1;
}

/* --- building -------------------------------------------------------------------------------------- */

static bb_str encoded(compiling *c, bb_str text) {
    buf out;
    buf_init(&out);
    url_encode(&out, text);
    bb_str copy = arena_copy(c->memory, buf_str(&out));
    buf_free(&out);
    return copy;
}

static bool is_field_name(bb_str name) {
    for (size_t i = 0; i < name.len; i++)
        if (strchr("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
                   name.ptr[i]) == NULL)
            return false;
    return name.len > 0;
}

static bool build_api_key(compiling *c, auth *out, err *e) {
    bb_str key = value(c, "key"), name = value(c, "name"), in = value(c, "in"), prefix = value(c, "prefix");
    if (str_eq(in, STR("query"))) {
        bb_str text = encoded(c, key);
        out->query = arena_printf(c->memory, "%.*s=%.*s", STR_FMT(encoded(c, name)), STR_FMT(text));
        add_secret(c, text);
        return true;
    }
    if (!str_eq(in, STR("header")))
        return conf_fail(e, c->file, line_of(c, "in"),
                         "[auth] `in` is \"%.*s\": allowed are header and query", STR_FMT(in));
    if (!is_field_name(name))
        return conf_fail(e, c->file, line_of(c, "name"), "[auth] `name` is not the name of a header field");
    out->header = arena_printf(c->memory, "%.*s: %.*s%s%.*s", STR_FMT(name), STR_FMT(prefix),
                               prefix.len > 0 ? " " : "", STR_FMT(key));
    return true;
}

static bool build_basic(compiling *c, auth *out, err *e) {
    bb_str username = value(c, "username");
    if (memchr(username.ptr, ':', username.len) != NULL)
        return conf_fail(e, c->file, line_of(c, "username"),
                         "[auth] `username` has a colon, which basic does not allow");
    bb_str pair = arena_printf(c->memory, "%.*s:%.*s", STR_FMT(username), STR_FMT(value(c, "password")));
    size_t cap = (pair.len + 2) / 3 * 4;
    char *text = arena_alloc(c->memory, cap + 1);
    if (text == NULL)
        return err_set(e, "no memory");
    size_t n = host_crypto.base64_encode(pair, text, cap);
    out->header = arena_printf(c->memory, "Authorization: Basic %.*s", (int)n, text);
    add_secret(c, str_of(text, n));
    return true;
}

static bool build(compiling *c, auth *out, err *e) {
    if (str_eq(str_from(c->scheme->id), STR("api_key")))
        return build_api_key(c, out, e);
    if (str_eq(str_from(c->scheme->id), STR("basic")))
        return build_basic(c, out, e);
    if (str_eq(str_from(c->scheme->id), STR("bearer")))
        out->header = arena_printf(c->memory, "Authorization: %.*s %.*s", STR_FMT(value(c, "prefix")),
                                   STR_FMT(value(c, "token")));
    return true;
}

bool auth_compile(arena *a, const conf_file *f, const conf_section *section, const bb_plugin *plugin,
                  auth *out, err *e) {
    compiling c = {.memory = a, .file = f, .section = section, .plugin = plugin};
    c.secrets = arena_alloc(a, SECRETS_MAX * sizeof *c.secrets);
    if (c.secrets == NULL)
        return err_set(e, "no memory");
    if (!choose_scheme(&c, e) || !check_keys(&c, e))
        return false;
    for (size_t i = 0; c.scheme->fields[i].name != NULL; i++)
        if (!read_field(&c, i, e))
            return false;
    *out = (auth){.scheme = c.scheme};
    if (!build(&c, out, e))
        return false;
    out->secrets = c.secrets;
    out->secret_count = c.secret_count;
    return true;
}

/* --- redaction --------------------------------------------------------------------------------------- */

static bb_str redact_one(arena *a, bb_str secret, bb_str text) {
    buf out;
    buf_init(&out);
    bb_str rest = text;
    const char *at;
    while (rest.len > 0 && (at = memmem(rest.ptr, rest.len, secret.ptr, secret.len)) != NULL) {
        size_t before = (size_t)(at - rest.ptr);
        buf_add(&out, rest.ptr, before);
        buf_lit(&out, "[redacted]");
        rest = str_of(at + secret.len, rest.len - before - secret.len);
    }
    if (rest.ptr != text.ptr) {
        buf_str_add(&out, rest);
        text = arena_copy(a, buf_str(&out));
    }
    buf_free(&out);
    return text;
}

bb_str auth_redact(arena *a, const auth *secrets, bb_str text) {
    for (size_t i = 0; text.len > 0 && i < secrets->secret_count; i++)
        text = redact_one(a, secrets->secrets[i], text);
    return text;
}
