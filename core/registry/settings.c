#include "registry/settings.h"
#include "registry/isolation.h"
#include "registry/sessions.h"

#include "plugin/host_crypto.h"
#include "plugin/mark.h"
#include "plugin/url.h"

#include <stdlib.h>

static const char *const own_sections[] = {"connection", "settings", "auth",      "retry",
                                           "http",       "session",  "isolation", NULL};
static const char *const connection_keys[] = {"plugin", "name", "isolation", NULL};
static const char *const retry_keys[] = {"attempts", "base", "max", "max_retry_after", "budget", NULL};
static const char *const http_keys[] = {
    "timeout", "connect_timeout", "max_response", "ca_file", "verify", "proxy", NULL};

const char *const *settings_sections(void) {
    static const char *all[32];
    size_t n = 0;
    for (const char *const *s = own_sections; *s != NULL; s++)
        all[n++] = *s;
    for (const char *const *s = policy_sections; *s != NULL; s++)
        all[n++] = *s;
    return all;
}

bb_str settings_plugin(const conf_file *f, err *e) {
    const conf_section *s = conf_find_section(f, STR("connection"));
    const conf_entry *entry = conf_find(s, STR("plugin"));
    if (!conf_check_sections(f, settings_sections(), e))
        return (bb_str){NULL, 0};
    if (s == NULL || entry == NULL || entry->value.len == 0) {
        conf_fail(e, f, s != NULL ? s->line : 1, "a connection needs [connection] with `plugin = NAME`");
        return (bb_str){NULL, 0};
    }
    return entry->value;
}

/* --- sections -------------------------------------------------------------------------------------- */

static bool read_connection(connection *c, const conf_file *f, err *e) {
    const conf_section *s = conf_find_section(f, STR("connection"));
    if (!conf_check_keys(f, s, connection_keys, e))
        return false;
    const conf_entry *name = conf_find(s, STR("name"));
    c->name = c->id;
    return name == NULL || conf_expand(c->memory, f, name, &c->name, NULL, e);
}

static bool read_retry(connection *c, const conf_file *f, err *e) {
    const conf_section *s = conf_find_section(f, STR("retry"));
    retry_policy *r = &c->retry;
    uint64_t attempts, budget;
    arena *a = c->memory;
    if (s != NULL && !conf_check_keys(f, s, retry_keys, e))
        return false;
    bool ok = conf_u64(a, f, conf_find(s, STR("attempts")), 1, 10, 3, &attempts, e) &&
              conf_duration_ms(a, f, conf_find(s, STR("base")), 1, 60000, 200, &r->base_ms, e) &&
              conf_duration_ms(a, f, conf_find(s, STR("max")), 1, 600000, 10000, &r->max_ms, e) &&
              conf_duration_ms(a, f, conf_find(s, STR("max_retry_after")), 0, 3600000, 30000,
                               &r->retry_after_ms, e) &&
              conf_u64(a, f, conf_find(s, STR("budget")), 0, 100, 20, &budget, e);
    if (ok) {
        r->attempts = (uint32_t)attempts;
        r->budget_percent = (uint32_t)budget;
    }
    return ok;
}

static bool read_text(connection *c, const conf_file *f, const conf_entry *entry, const char **out, err *e) {
    bb_str value;
    if (entry == NULL)
        return true;
    if (!conf_expand(c->memory, f, entry, &value, NULL, e))
        return false;
    *out = value.len > 0 ? arena_strdup(c->memory, value) : NULL;
    return true;
}

static bool read_http(connection *c, const conf_file *f, err *e) {
    const conf_section *s = conf_find_section(f, STR("http"));
    http_target *t = &c->target;
    uint64_t connect_ms;
    bool verify;
    arena *a = c->memory;
    if (s != NULL && !conf_check_keys(f, s, http_keys, e))
        return false;
    bool ok = conf_duration_ms(a, f, conf_find(s, STR("timeout")), 1, 86400000, 0, &c->timeout_ms, e) &&
              conf_duration_ms(a, f, conf_find(s, STR("connect_timeout")), 1, 600000, 10000, &connect_ms,
                               e) &&
              conf_size(a, f, conf_find(s, STR("max_response")), 1, 1u << 30, 16u << 20,
                        &t->max_response_bytes, e) &&
              conf_bool(a, f, conf_find(s, STR("verify")), true, &verify, e) &&
              read_text(c, f, conf_find(s, STR("ca_file")), &t->ca_file, e) &&
              read_text(c, f, conf_find(s, STR("proxy")), &t->proxy, e);
    if (ok) {
        t->connect_timeout_ms = (uint32_t)connect_ms;
        t->insecure = !verify;
    }
    return ok;
}

/* --- [settings] ------------------------------------------------------------------------------------ */

/* Puts the references in, so that the schema sees the values that will be used. What a reference brought is
 * kept apart in *hidden: no error text may show it. */
static bool expand_section(arena *a, const conf_file *f, const conf_section *s, conf_section *out,
                           auth *hidden, err *e) {
    conf_entry *entries = arena_alloc(a, (s->count + 1) * sizeof *entries);
    bb_str *secrets = arena_alloc(a, (s->count + 1) * sizeof *secrets);
    if (entries == NULL || secrets == NULL)
        return err_set(e, "no memory");
    for (size_t i = 0; i < s->count; i++) {
        bool reference = false;
        entries[i] = s->entries[i];
        if (!conf_expand(a, f, &s->entries[i], &entries[i].value, &reference, e))
            return false;
        if (reference && entries[i].value.len > 0)
            secrets[hidden->secret_count++] = entries[i].value;
    }
    hidden->secrets = secrets;
    *out = *s;
    out->entries = entries;
    return true;
}

/* The line of the key that a JSON Pointer into the settings names. */
static unsigned line_of_pointer(const conf_section *s, bb_str pointer) {
    if (s == NULL)
        return 1;
    for (size_t i = 0; i < s->count; i++) {
        bb_str key = s->entries[i].key;
        if (pointer.len > key.len && str_eq(str_of(pointer.ptr + 1, key.len), key) &&
            (pointer.len == key.len + 1 || pointer.ptr[key.len + 1] == '/'))
            return s->entries[i].line;
    }
    return s->line;
}

static bool check_base_url(connection *c, const conf_file *f, const conf_section *s,
                           const json_value *settings, err *e) {
    bb_str url = json_string(json_getl(settings, "base_url"));
    err why = {""};
    if (url.len == 0)
        return true;
    if (!url_check_base(url, &why))
        return conf_fail(e, f, line_of_pointer(s, STR("/base_url")), "base_url %s", why.text);
    while (url.len > 0 && url.ptr[url.len - 1] == '/')
        url.len--;
    c->base_url = url;
    return true;
}

static bool check_origins(connection *c, const conf_file *f, const conf_section *s, const plugin_module *m,
                          const json_value *settings, err *e) {
    bb_str wrong;
    err why = {""};
    if (plugin_origins_read(c->memory, m->settings_schema_json, settings, &c->origins, &wrong, &why))
        return true;
    bb_str pointer = arena_printf(c->memory, "/%.*s", STR_FMT(wrong));
    return conf_fail(e, f, line_of_pointer(s, pointer), "%.*s %s", STR_FMT(wrong), why.text);
}

/* "writeOnly" (JSON Schema validation, section 9.4): a secret that goes to the service otherwise than by
 * [auth]. */
static bool is_write_only(const plugin_module *m, bb_str name) {
    const json_value *property = json_get(json_getl(m->settings_schema_json, "properties"), name);
    return json_bool(json_getl(property, "writeOnly"), false);
}

static bool keep_secret_settings(connection *c, const plugin_module *m, const json_value *settings, err *e) {
    bb_str *secrets = arena_alloc(c->memory, (json_count(settings) + 1) * sizeof *secrets);
    if (secrets == NULL)
        return err_set(e, "no memory");
    c->secret_settings = secrets;
    for (json_iter it = json_iterate(settings); json_next(&it);)
        if (is_write_only(m, it.key) && json_string(it.value).len > 0)
            secrets[c->secret_setting_count++] = json_string(it.value);
    return true;
}

static bool check_settings(connection *c, const conf_file *f, const conf_section *s, plugin_module *m,
                           bb_str text, err *e) {
    arena *a = c->memory;
    const json_value *settings = json_read(a, text, NULL, NULL);
    schema_issues issues = {0};
    if (settings != NULL && schema_validate(m->settings, settings, a, &issues))
        return keep_secret_settings(c, m, settings, e) && check_base_url(c, f, s, settings, e) &&
               check_origins(c, f, s, m, settings, e);
    if (issues.count == 0)
        return conf_fail(e, f, s != NULL ? s->line : 1, "[settings] does not fit what connector %s expects",
                         m->desc->id);
    const schema_issue *issue = &issues.items[0];
    bb_str name = issue->pointer.len > 0 ? str_of(issue->pointer.ptr + 1, issue->pointer.len - 1) : STR("");
    return conf_fail(e, f, line_of_pointer(s, issue->pointer),
                     "[settings] %.*s %.*s; `busbar inspect %s` shows what is expected", STR_FMT(name),
                     STR_FMT(issue->message), m->desc->id);
}

static bool read_settings(connection *c, const conf_file *f, plugin_module *m, bb_str *out, err *e) {
    const conf_section *s = conf_find_section(f, STR("settings"));
    conf_section expanded;
    auth hidden = {0};
    arena *a = c->memory;
    if (s != NULL && !expand_section(a, f, s, &expanded, &hidden, e))
        return false;
    if (conf_section_to_json(a, f, s != NULL ? &expanded : NULL, m->settings_schema_json, out, e) &&
        check_settings(c, f, s, m, *out, e))
        return true;
    bb_str text = auth_redact(a, &hidden, str_from(e->text));
    if (text.ptr != e->text)
        err_set(e, "%.*s", STR_FMT(text));
    return false;
}

/* --- what the API shows, and what tells a change ----------------------------------------------------- */

static bool is_secret_field(const connection *c, bb_str section, bb_str key) {
    if (str_eq(section, STR("settings")))
        return is_write_only(c->module, key);
    if (!str_eq(section, STR("auth")))
        return false;
    for (const auth_field *field = c->auth.scheme->fields; field->name != NULL; field++)
        if (str_eq(key, str_from(field->name)))
            return field->secret;
    return false;
}

/* A value that names where the secret is may be shown; the secret itself may not. */
static bool is_reference(bb_str value) {
    return str_starts(value, STR("${")) && str_ends(value, STR("}")) &&
           memchr(value.ptr, '}', value.len) == value.ptr + value.len - 1;
}

/* A proxy's URL may hold a password. */
static bool is_secret_value(const connection *c, bb_str section, const conf_entry *entry) {
    bool proxy = str_eq(section, STR("http")) && str_eq(entry->key, STR("proxy")) && entry->value.len > 0 &&
                 memchr(entry->value.ptr, '@', entry->value.len) != NULL;
    return (proxy || is_secret_field(c, section, entry->key)) && !is_reference(entry->value);
}

static bool write_conf_json(connection *c, const conf_file *f) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    for (size_t i = 0; i < f->count; i++) {
        const conf_section *s = &f->sections[i];
        json_key(&w, s->name);
        json_object(&w);
        for (size_t k = 0; k < s->count; k++) {
            bool hide = is_secret_value(c, s->name, &s->entries[k]);
            json_member_string(&w, s->entries[k].key, hide ? STR("[redacted]") : s->entries[k].value);
        }
        json_object_end(&w);
    }
    json_object_end(&w);
    c->conf_json = arena_copy(c->memory, buf_str(&out));
    bool ok = json_writer_finish(&w) && c->conf_json.ptr != NULL;
    buf_free(&out);
    return ok;
}

static void hash_of(buf *text, char out[65]) {
    uint8_t digest[BB_HASH_MAX];
    size_t n = host_crypto.digest(BB_SHA256, buf_str(text), digest);
    size_t written = host_crypto.hex_encode(str_of(digest, n), out, 64);
    out[written == 64 ? 64 : 0] = '\0';
    buf_wipe(text);
}

/* The values as they are used, so that a changed variable or file is a change. */
static void add_expanded(connection *c, const conf_file *f, const conf_section *s, buf *text) {
    for (size_t i = 0; s != NULL && i < s->count; i++) {
        bb_str value;
        buf_part(text, s->entries[i].key);
        if (conf_expand(c->memory, f, &s->entries[i], &value, NULL, NULL)) {
            buf_part(text, value);
            str_wipe(value); /* a copy, which nobody else would wipe */
        }
    }
}

/* Scheme, host and port of base_url, and the credentials: what a service counts its limits by. A connection
 * without base_url is alone. */
static void upstream_key(connection *c, const conf_file *f) {
    buf text;
    buf_init(&text);
    bb_str scheme_end = STR("://"), url = c->base_url;
    const char *at = url.len > 0 ? memmem(url.ptr, url.len, scheme_end.ptr, scheme_end.len) : NULL;
    const char *path = at != NULL ? memchr(at + 3, '/', url.len - (size_t)(at + 3 - url.ptr)) : NULL;
    buf_part(&text, path != NULL ? str_of(url.ptr, (size_t)(path - url.ptr)) : url);
    if (url.len == 0)
        buf_part(&text, c->id);
    add_expanded(c, f, conf_find_section(f, STR("auth")), &text);
    for (size_t i = 0; i < c->secret_setting_count; i++)
        buf_part(&text, c->secret_settings[i]);
    hash_of(&text, c->upstream_key);
}

static void fingerprint(connection *c, const conf_file *f, bb_str settings) {
    buf text;
    buf_init(&text);
    buf_part(&text, c->name);
    buf_part(&text, settings);
    buf_part(&text, str_from(c->auth.fingerprint));
    buf_part(&text, c->conf_json);
    buf_part(&text, c->isolate ? STR("isolated") : STR(""));
    for (size_t i = 0; i < f->count; i++)
        if (!str_eq(f->sections[i].name, STR("settings")))
            add_expanded(c, f, &f->sections[i], &text);
    hash_of(&text, c->fingerprint);
}

/* --- all ------------------------------------------------------------------------------------------- */

static connection *connection_new(const conf_file *f, plugin_module *m, unsigned loops) {
    connection *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->memory = arena_new_sized(0, 1024);
    c->holds = aligned_alloc(64, loops * sizeof *c->holds);
    if (c->memory == NULL || c->holds == NULL) {
        connection_free(c);
        return NULL;
    }
    memset(c->holds, 0, loops * sizeof *c->holds);
    c->loops = c->loops_left = loops;
    c->module = m;
    c->id = str_from(mark_name(f->id)); /* reports of a crash name it, whatever has gone by then */
    c->file = arena_strdup(c->memory, str_from(f->path));
    return c;
}

static bool compile_auth(connection *c, const conf_file *f, const plugin_module *m, bb_str settings, err *e) {
    auth_connector connector = {
        .plugin = m->desc, .custom = m->auth, .build = m->build, .settings = settings};
    return auth_compile_for(c->memory, f, conf_find_section(f, STR("auth")), &connector, &c->auth, e);
}

connection *settings_read(const conf_file *f, plugin_module *module, const registry_options *options,
                          bb_str *settings, err *e) {
    connection *c = connection_new(f, module, options->loops);
    if (c == NULL) {
        err_set(e, "no memory");
        return NULL;
    }
    bool ok = read_connection(c, f, e) && read_retry(c, f, e) && read_http(c, f, e) &&
              policies_read(c->memory, f, &c->policies, e) && read_settings(c, f, module, settings, e) &&
              compile_auth(c, f, module, *settings, e) && isolation_read(c, f, options, e) &&
              sessions_read(c, f, e) && (write_conf_json(c, f) || err_set(e, "no memory"));
    if (!ok) {
        connection_free(c);
        return NULL;
    }
    c->target.cert_file = c->auth.cert_file;
    c->target.key_file = c->auth.key_file;
    upstream_key(c, f);
    fingerprint(c, f, *settings);
    return c;
}
