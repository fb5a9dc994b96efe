#include "auth/session_internal.h"

#include "auth/custom.h"
#include "plugin/host_crypto.h"
#include "plugin/origin.h"
#include "plugin/url.h"

#define AUTH_OFFERED_MAX 48 /* the hub has a dozen, a connector 16 of its own */

/* --- what the connector declares ------------------------------------------------------------------- */

static const bb_auth_scheme *declared(const bb_plugin *plugin, bb_str id) {
    for (const bb_auth_scheme *const *s = plugin->auth_schemes; s != NULL && *s != NULL; s++)
        if (str_eq(id, str_from((*s)->scheme)))
            return *s;
    return NULL;
}

/* The schemes that an admin may choose from: those that the connector names, then its own. */
typedef struct offer {
    const char *ids[AUTH_OFFERED_MAX];
    size_t count;
} offer;

static offer offered(const auth_reading *r) {
    offer o = {.count = 0};
    for (const bb_auth_scheme *const *s = r->plugin->auth_schemes; s != NULL && *s != NULL; s++)
        if (o.count < AUTH_OFFERED_MAX)
            o.ids[o.count++] = (*s)->scheme;
    for (size_t i = 0; r->custom != NULL && r->custom->schemes[i] != NULL; i++)
        if (o.count < AUTH_OFFERED_MAX)
            o.ids[o.count++] = r->custom->schemes[i]->id;
    if (o.count == 0)
        o.ids[o.count++] = "none";
    return o;
}

static bool offers(const offer *o, bb_str id) {
    for (size_t i = 0; i < o->count; i++)
        if (str_eq(id, str_from(o->ids[i])))
            return true;
    return false;
}

static const char *names_of(arena *a, const offer *o) {
    bb_str names = STR("");
    for (size_t i = 0; i < o->count; i++)
        names = arena_printf(a, "%.*s%s%s", STR_FMT(names), names.len > 0 ? ", " : "", o->ids[i]);
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
        if (json_string(json_getl(defaults, "base_url_from")).len > 0 &&
            plugin_origins_marked(a, plugin->settings_schema))
            return err_set(e,
                           "its auth scheme \"%s\" takes the service's host from the token (base_url_from), "
                           "and its settings mark another for the credentials (x-busbar-credentials), which "
                           "may be of another tenant: it can have one of the two",
                           (*s)->scheme);
    }
    return true;
}

/* --- reading [auth] --------------------------------------------------------------------------------- */

static unsigned section_line(const auth_reading *r) {
    return r->section != NULL ? r->section->line : 1;
}

static const auth_scheme *find_scheme(const auth_reading *r, bb_str id) {
    const auth_scheme *own = custom_scheme_find(r->plugin->id, r->custom, id);
    return own != NULL ? own : auth_scheme_find(id);
}

/* The scheme that is named, or the only one there is. */
static bool choose_scheme(auth_reading *r, err *e) {
    const conf_entry *entry = conf_find(r->section, STR("scheme"));
    offer o = offered(r);
    bb_str id = STR("none");
    if (entry != NULL)
        id = entry->value;
    else if (r->section != NULL && o.count == 1)
        id = str_from(o.ids[0]);
    else if (r->section != NULL || !offers(&o, id))
        return conf_fail(e, r->file, section_line(r), "[auth] needs `scheme`, one of: %s",
                         names_of(r->memory, &o));
    r->scheme = offers(&o, id) ? find_scheme(r, id) : NULL;
    return r->scheme != NULL || conf_fail(e, r->file, entry != NULL ? entry->line : section_line(r),
                                          "auth scheme \"%.*s\" is not one that connector %s takes: %s",
                                          STR_FMT(id), r->plugin->id, names_of(r->memory, &o));
}

static bool check_keys(const auth_reading *r, err *e) {
    const char *known[AUTH_FIELDS_MAX + 2] = {"scheme"};
    for (size_t i = 0; r->scheme->fields[i].name != NULL; i++)
        known[i + 1] = r->scheme->fields[i].name;
    return r->section == NULL || conf_check_keys(r->file, r->section, known, e);
}

static bool characters_ok(const auth_field *field, bb_str value) {
    if (!field->lines)
        return url_header_value_ok(value);
    for (size_t i = 0; i < value.len; i++)
        if ((unsigned char)value.ptr[i] < 0x20 && strchr("\t\r\n", value.ptr[i]) == NULL)
            return false;
    return true;
}

static bool read_field(auth_reading *r, size_t i, err *e) {
    const auth_field *field = &r->scheme->fields[i];
    const conf_entry *entry = conf_find(r->section, str_from(field->name));
    r->lines[i] = entry != NULL ? entry->line : section_line(r);
    if (entry != NULL) {
        if (!conf_expand(r->memory, r->file, entry, &r->values[i], NULL, e))
            return false;
    } else {
        r->values[i] = auth_plugin_default(r->memory, r->plugin, r->scheme->id, field->name);
        if (r->values[i].ptr == NULL)
            r->values[i] = str_from(field->otherwise);
    }
    if (field->required && r->values[i].len == 0)
        return conf_fail(e, r->file, r->lines[i], "[auth] %s needs `%s` (%s); it is %s", r->scheme->id,
                         field->name, field->description, entry != NULL ? "empty" : "missing");
    if (!characters_ok(field, r->values[i]))
        return conf_fail(e, r->file, r->lines[i], "[auth] `%s` has a line break or control character",
                         field->name);
    if (r->values[i].ptr != NULL)
        r->values[i] = arena_copy(r->memory, r->values[i]); /* its own, to be wiped, with a NUL */
    if (field->secret)
        auth_add_secret(r, r->values[i]);
    return true;
}

static void set_fingerprint(const auth_reading *r, auth *out) {
    buf text;
    buf_init(&text);
    buf_printf(&text, "%s;", r->scheme->id);
    for (size_t i = 0; r->scheme->fields[i].name != NULL; i++) {
        buf_printf(&text, "%s=%zu:", r->scheme->fields[i].name, r->values[i].len);
        buf_str_add(&text, r->values[i]);
    }
    auth_hash(buf_str(&text), out->fingerprint);
    buf_wipe(&text);
}

/* A scheme with a config of its own has values that change, or are no credentials of the service's. */
static bool keep_values(const auth_reading *r, auth *out, err *e) {
    str_pair *values = arena_alloc(r->memory, AUTH_FIELDS_MAX * sizeof *values);
    if (values == NULL)
        return err_set(e, "no memory");
    for (size_t i = 0; r->scheme->fields[i].name != NULL; i++)
        values[i] = (str_pair){str_from(r->scheme->fields[i].name), r->values[i]}, out->value_count++;
    out->values = values;
    return true;
}

static const char *const no_fields[] = {NULL};

static bool read_all(auth_reading *r, auth *out, err *e) {
    r->secrets = arena_alloc(r->memory, AUTH_SECRETS_MAX * sizeof *r->secrets);
    if (r->secrets == NULL)
        return err_set(e, "no memory");
    for (size_t i = 0; r->scheme->fields[i].name != NULL; i++)
        if (!read_field(r, i, e))
            return false;
    set_fingerprint(r, out);
    bool ok = (out->config != NULL || keep_values(r, out, e)) && r->scheme->ops->build(r, out, e);
    out->secrets = r->secrets;
    out->secret_count = r->secret_count;
    if (out->config != NULL) {
        out->config->secrets = out->secrets;
        out->config->secret_count = out->secret_count;
    }
    return ok;
}

bool auth_compile(arena *a, const conf_file *f, const conf_section *section, const bb_plugin *plugin,
                  auth *out, err *e) {
    return auth_compile_for(a, f, section, &(auth_connector){.plugin = plugin}, out, e);
}

bool auth_compile_for(arena *a, const conf_file *f, const conf_section *section,
                      const auth_connector *connector, auth *out, err *e) {
    auth_reading r = {.memory = a,
                      .file = f,
                      .section = section,
                      .plugin = connector->plugin,
                      .custom = connector->custom,
                      .build = connector->build,
                      .settings = connector->settings};
    *out = (auth){0};
    if (!choose_scheme(&r, e) || !check_keys(&r, e))
        return false;
    *out = (auth){.scheme = r.scheme, .fields = no_fields};
    if (r.scheme->ops->configured) {
        out->config = auth_config_new();
        if (out->config == NULL)
            return err_set(e, "no memory");
        r.memory = out->config->memory;
    }
    if (read_all(&r, out, e))
        return true;
    auth_release(out);
    *out = (auth){0};
    return false;
}

/* --- the end ---------------------------------------------------------------------------------------- */

/* Credentials do not stay behind in freed memory. */
void auth_release(auth *a) {
    auth_session_unref(a->session);
    a->session = NULL;
    for (size_t i = 0; a->config == NULL && i < a->secret_count; i++)
        str_wipe(a->secrets[i]);
    for (size_t i = 0; i < a->value_count; i++)
        str_wipe(a->values[i].value);
    str_wipe(a->header);
    str_wipe(a->query);
    auth_config_unref(a->config);
    a->config = NULL;
}

auth_config *auth_config_new(void) {
    arena *memory = arena_new(0);
    auth_config *c = memory != NULL ? arena_zalloc(memory, sizeof *c) : NULL;
    if (c == NULL) {
        arena_free(memory);
        return NULL;
    }
    c->memory = memory;
    atomic_init(&c->refs, 1);
    return c;
}

auth_config *auth_config_ref(auth_config *c) {
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void auth_config_unref(auth_config *c) {
    if (c == NULL || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (c->destroy != NULL && c->settings != NULL)
        c->destroy(c->settings);
    for (size_t i = 0; i < c->secret_count; i++)
        str_wipe(c->secrets[i]);
    arena_free(c->memory);
}

/* --- redaction --------------------------------------------------------------------------------------- */

bb_str auth_redact_one(arena *a, bb_str secret, bb_str text) {
    buf out;
    buf_init(&out);
    bb_str rest = text;
    const char *at;
    while (secret.len > 0 && rest.len > 0 &&
           (at = memmem(rest.ptr, rest.len, secret.ptr, secret.len)) != NULL) {
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

bb_str auth_redact(arena *a, const auth *from, bb_str text) {
    for (size_t i = 0; text.len > 0 && i < from->secret_count; i++)
        text = auth_redact_one(a, from->secrets[i], text);
    return text;
}
