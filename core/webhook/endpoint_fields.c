/* endpoint_fields.c - an endpoint's scheme, and its fields as the admin has filled them in.
 *
 * Every field may be given in [endpoint], or in [verify] where its name is a key of [endpoint] already. A
 * secret of several lines is several secrets, of which any may fit: the current one first. */
#include "webhook/endpoint.h"

#include "plugin/host_fields.h"
#include "plugin/host_webhook.h"
#include "webhook/scheme.h"

static const char *const endpoint_keys[] = {
    "scheme", "verify",  "plugin", "connection",  "name",  "paused",  "tolerance", "dedup", "max_body",
    "allow",  "proxies", "rate",   "sender_rate", "types", "headers", "schema",    NULL};

typedef struct reading {
    const webhook_reading *plugged;
    const conf_file *f;
    const conf_section *own, *verify;
    arena *a;
    err *e;
} reading;

/* --- which scheme ----------------------------------------------------------------------------------- */

static const plugin_module *module_of(const snapshot *s, bb_str plugin, bb_str conn) {
    if (conn.ptr != NULL) {
        const snapshot_entry *found = snapshot_find(s, conn);
        return found != NULL && found->conn != NULL ? found->conn->module : NULL;
    }
    const snapshot_plugin *found = snapshot_plugin_find(s, plugin);
    return found != NULL ? found->module : NULL;
}

const bb_webhook_scheme *endpoint_scheme(const endpoint *p, const snapshot *s, const plugin_module **module) {
    const plugin_module *m = p->own == NULL ? module_of(s, p->plugin, p->connection) : NULL;
    if (module != NULL)
        *module = m;
    return p->own != NULL ? p->own : m != NULL ? host_webhook_find(m, p->scheme) : NULL;
}

static bool plain(const reading *r, const char *key, bb_str *out) {
    const conf_entry *entry = conf_find(r->own, str_from(key));
    *out = entry != NULL ? arena_copy(r->a, entry->value) : (bb_str){NULL, 0};
    return entry == NULL || out->ptr != NULL;
}

static unsigned line_of(const reading *r, const char *key) {
    const conf_entry *entry = conf_find(r->own, str_from(key));
    return entry != NULL ? entry->line : r->own->line;
}

/* All that there are, for an error. */
static bb_str known_schemes(const reading *r) {
    buf names;
    buf_init(&names);
    for (size_t i = 0; own_schemes[i] != NULL; i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", own_schemes[i]->id);
    for (size_t i = 0; i < r->plugged->plugged->plugin_count; i++) {
        const plugin_module *m = r->plugged->plugged->plugins[i].module;
        for (size_t k = 0; m != NULL && m->webhooks != NULL && m->webhooks->schemes[k] != NULL; k++)
            buf_printf(&names, ", %s", m->webhooks->schemes[k]->id);
    }
    bb_str text = arena_copy(r->a, buf_str(&names));
    buf_free(&names);
    return text;
}

/* The one connector that has it. */
static bool find_plugin(const reading *r, endpoint *p, const bb_webhook_scheme **out) {
    const snapshot *s = r->plugged->plugged;
    for (size_t i = 0; i < s->plugin_count; i++) {
        const bb_webhook_scheme *has = s->plugins[i].module != NULL
                                           ? host_webhook_find(s->plugins[i].module, p->scheme)
                                           : NULL;
        if (has != NULL && *out != NULL)
            return conf_fail(r->e, r->f, line_of(r, "scheme"),
                             "both connectors %.*s and %.*s have a scheme \"%.*s\": add plugin = ID",
                             STR_FMT(p->plugin), STR_FMT(s->plugins[i].id), STR_FMT(p->scheme));
        if (has == NULL)
            continue;
        *out = has;
        p->plugin = arena_copy(r->a, s->plugins[i].id);
    }
    bb_str known = *out == NULL ? known_schemes(r) : STR("");
    return *out != NULL ||
           conf_fail(r->e, r->f, line_of(r, "scheme"), "there is no webhook scheme \"%.*s\" (known: %.*s)",
                     STR_FMT(p->scheme), STR_FMT(known));
}

/* Of the connector that the file names. */
static bool find_named(const reading *r, endpoint *p, const bb_webhook_scheme **out) {
    const char *key = p->connection.ptr != NULL ? "connection" : "plugin";
    bb_str name = p->connection.ptr != NULL ? p->connection : p->plugin;
    const plugin_module *m = module_of(r->plugged->plugged, p->plugin, p->connection);
    if (m == NULL)
        return conf_fail(r->e, r->f, line_of(r, key), "there is no %s \"%.*s\"%s", key, STR_FMT(name),
                         p->connection.ptr != NULL ? " in force" : "");
    if (p->plugin.ptr != NULL && !str_eq(m->id, p->plugin))
        return conf_fail(r->e, r->f, line_of(r, "plugin"), "connection \"%.*s\" is of the connector %.*s",
                         STR_FMT(p->connection), STR_FMT(m->id));
    p->plugin = arena_copy(r->a, m->id);
    *out = host_webhook_find(m, p->scheme);
    return *out != NULL ||
           conf_fail(r->e, r->f, line_of(r, "scheme"), "the connector %.*s has no webhook scheme \"%.*s\"",
                     STR_FMT(m->id), STR_FMT(p->scheme));
}

static bool find_scheme(const reading *r, endpoint *p, const bb_webhook_scheme **out) {
    bb_str verify;
    if (!plain(r, "scheme", &p->scheme) || !plain(r, "plugin", &p->plugin) ||
        !plain(r, "connection", &p->connection) || !plain(r, "verify", &verify))
        return err_set(r->e, "%s: no memory", r->f->path);
    if (verify.ptr != NULL && !str_eq(verify, STR("none")))
        return conf_fail(r->e, r->f, line_of(r, "verify"),
                         "verify = none takes what anybody sends; leave it out to have requests verified");
    p->unverified = verify.ptr != NULL || str_eq(p->scheme, STR("none"));
    bool named = p->plugin.ptr != NULL || p->connection.ptr != NULL;
    if (p->scheme.ptr == NULL) {
        p->scheme = STR("none");
        if (!p->unverified)
            p->unready = "it has no scheme: requests cannot be verified, and all are refused";
    }
    p->own = named ? NULL : own_scheme_find(p->scheme);
    *out = p->own;
    bool found = *out != NULL || (named ? find_named(r, p, out) : find_plugin(r, p, out));
    if (p->unverified)
        p->own = own_scheme_find(STR("none")); /* the fields of the other are checked, and do nothing */
    return found;
}

/* --- the fields -------------------------------------------------------------------------------------- */

/* `secret` stands for a scheme's one secret, whatever the scheme calls it: of several, the first that must be
 * given. */
static const char *secret_alias(const bb_webhook_scheme *scheme) {
    const char *one = NULL;
    bool required = false;
    for (size_t i = 0; scheme->fields != NULL && scheme->fields[i] != NULL; i++) {
        const bb_auth_field *f = scheme->fields[i];
        if (strcmp(f->name, "secret") == 0)
            return NULL;
        bool must = (f->flags & BB_AUTH_REQUIRED) != 0;
        if ((f->flags & BB_AUTH_SECRET) != 0 && (one == NULL || (must && !required))) {
            one = f->name;
            required = must;
        }
    }
    return one;
}

static const conf_entry *entry_of(const reading *r, const bb_webhook_scheme *scheme, const char *name) {
    const conf_entry *entry = conf_find(r->verify, str_from(name));
    const char *alias = secret_alias(scheme);
    if (entry == NULL && alias != NULL && strcmp(alias, name) == 0 &&
        conf_find(r->own, STR("secret")) != NULL)
        return conf_find(r->own, STR("secret"));
    for (size_t i = 0; entry == NULL && endpoint_keys[i] != NULL; i++)
        if (strcmp(endpoint_keys[i], name) == 0)
            return NULL; /* there it means something else */
    return entry != NULL ? entry : conf_find(r->own, str_from(name));
}

/* One of two would be passed over in silence. */
static bool is_given_once(const reading *r, const bb_webhook_scheme *scheme, const char *name) {
    const char *alias = secret_alias(scheme);
    const conf_entry *places[] = {conf_find(r->verify, str_from(name)), conf_find(r->own, str_from(name)),
                                  alias != NULL && strcmp(alias, name) == 0 ? conf_find(r->own, STR("secret"))
                                                                            : NULL};
    for (size_t i = 0; endpoint_keys[i] != NULL; i++)
        if (strcmp(endpoint_keys[i], name) == 0)
            return true; /* in [endpoint] it means something else */
    const conf_entry *first = NULL;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (first != NULL && places[i] != NULL)
            return conf_fail(
                r->e, r->f, places[i]->line,
                "%s: it is given in line %u already, as %.*s: one of both; several secrets stand "
                "one a line under one key",
                places[i]->key.ptr, first->line, STR_FMT(first->key));
        first = first != NULL ? first : places[i];
    }
    return true;
}

static bool check_keys(const reading *r, const bb_webhook_scheme *scheme) {
    const char *known[sizeof endpoint_keys / sizeof endpoint_keys[0] + PLUGIN_FIELDS_MAX + 1];
    const char *fields[PLUGIN_FIELDS_MAX + 1];
    size_t n = 0, k = 0;
    for (; endpoint_keys[n] != NULL; n++)
        known[n] = endpoint_keys[n];
    for (; scheme->fields != NULL && scheme->fields[k] != NULL; k++)
        known[n++] = fields[k] = scheme->fields[k]->name;
    if (secret_alias(scheme) != NULL)
        known[n++] = "secret";
    known[n] = fields[k] = NULL;
    if (!conf_check_keys(r->f, r->own, known, r->e) ||
        (r->verify != NULL && !conf_check_keys(r->f, r->verify, fields, r->e)))
        return false;
    for (k = 0; fields[k] != NULL; k++)
        if (!is_given_once(r, scheme, fields[k]))
            return false;
    return true;
}

typedef struct filled {
    bb_str values[ENDPOINT_SECRETS_MAX];
    size_t count;  /* 0: neither given nor has a default */
    bb_str whole;  /* what they are parts of */
    bool expanded; /* of memory that is ours */
} filled;

/* A secret's lines; anything else as it is. */
static bool split(const reading *r, const conf_entry *entry, const bb_auth_field *field, bb_str value,
                  filled *out) {
    bool lines = (field->flags & BB_AUTH_SECRET) != 0 && (field->flags & BB_AUTH_MULTILINE) == 0;
    bb_str rest = value, line;
    if (!lines) {
        out->values[out->count++] = value;
        return true;
    }
    while (str_split(&rest, '\n', &line)) {
        line = str_trim(line);
        if (line.len == 0)
            continue;
        if (out->count == ENDPOINT_SECRETS_MAX)
            return conf_fail(r->e, r->f, entry->line, "%s: at most %d values, one a line", field->name,
                             ENDPOINT_SECRETS_MAX);
        out->values[out->count++] = line;
    }
    return true;
}

static bool fill(const reading *r, endpoint *p, const bb_webhook_scheme *scheme, const bb_auth_field *field,
                 filled *out) {
    const conf_entry *entry = entry_of(r, scheme, field->name);
    bb_str value = str_from(field->otherwise);
    *out = (filled){.count = 0};
    if (entry != NULL && !conf_expand(r->a, r->f, entry, &value, &out->expanded, r->e))
        return false;
    out->whole = value;
    if (value.len > 0 && !(entry != NULL ? split(r, entry, field, value, out) : true))
        return false;
    if (entry == NULL && value.ptr != NULL)
        out->values[out->count++] = value;
    if (out->count > 0 || (field->flags & BB_AUTH_REQUIRED) == 0 || p->unverified)
        return true;
    if ((field->flags & BB_AUTH_SECRET) == 0)
        return conf_fail(r->e, r->f, r->own->line, "scheme \"%.*s\" needs %s: %s", STR_FMT(p->scheme),
                         field->name, field->description);
    p->unready = "it has no secret: requests cannot be verified, and all are refused";
    return true;
}

/* The object for the n-th of the secrets; a field of fewer values has its last. */
static bool write_set(arena *a, const bb_auth_field *const *fields, const filled *values, size_t n,
                      endpoint *p) {
    buf out;
    buf_init(&out);
    json_writer w;
    json_writer_init(&w, &out);
    json_object(&w);
    for (size_t i = 0; fields != NULL && fields[i] != NULL; i++)
        if (values[i].count > 0)
            json_member_string(&w, str_from(fields[i]->name),
                               values[i].values[n < values[i].count ? n : values[i].count - 1]);
    json_object_end(&w);
    bool ok = json_writer_finish(&w);
    bb_str text = ok ? arena_copy(a, buf_str(&out)) : (bb_str){NULL, 0};
    buf_wipe(&out);
    p->field_texts[n] = text;
    p->fields[n] = text.ptr != NULL ? json_read(a, text, NULL, NULL) : NULL;
    p->field_count = n + 1;
    return p->fields[n] != NULL;
}

static bool fill_all(const reading *r, const bb_webhook_scheme *scheme, endpoint *p) {
    filled values[PLUGIN_FIELDS_MAX];
    size_t most = 1;
    for (size_t i = 0; scheme->fields != NULL && scheme->fields[i] != NULL; i++) {
        if (!fill(r, p, scheme, scheme->fields[i], &values[i]))
            return false;
        most = values[i].count > most ? values[i].count : most;
    }
    bool ok = true;
    for (size_t n = 0; ok && n < most; n++)
        ok = write_set(r->a, scheme->fields, values, n, p);
    for (size_t i = 0; scheme->fields != NULL && scheme->fields[i] != NULL; i++)
        if (values[i].expanded)
            str_wipe(values[i].whole);
    return ok || err_set(r->e, "%s: no memory", r->f->path);
}

/* Whoever repeats a request can write another time into it where that is not signed. */
static bool check_time(const reading *r, const endpoint *p) {
    if (p->own == NULL || strcmp(p->own->id, "hmac") != 0)
        return true;
    const json_value *given = p->fields[0];
    bb_str text = json_string(json_getl(given, "signed"));
    const char *key = json_getl(given, "timestamp_header") != NULL ? "timestamp_header" : "timestamp_key";
    return json_get(given, str_from(key)) == NULL ||
           (text.len > 0 && memmem(text.ptr, text.len, "{timestamp}", 11) != NULL) ||
           conf_fail(r->e, r->f, line_of(r, key),
                     "%s: the time is not signed, and says nothing: `signed` has {timestamp} where the "
                     "sender signs it",
                     key);
}

/* Whether the server shows the scheme what it goes by. */
static void check_certificates(const reading *r, endpoint *p) {
    if (p->own == &scheme_mtls && !r->plugged->asks_clients)
        p->unready = "the hub asks no sender for a certificate, and all are refused: busbar.conf needs "
                     "tls_listen and tls_client_ca";
}

/* Of each value of the secret. */
static bool check_values(const reading *r, const bb_webhook_scheme *scheme, const endpoint *p) {
    err why = {""};
    const char *key = "";
    /* Where nothing is verified, none of mtls's own fields is asked for. */
    const bb_webhook_scheme *as = scheme == &scheme_mtls ? p->own : scheme;
    for (size_t n = 0; own_scheme_find(str_from(scheme->id)) == scheme && n < p->field_count; n++)
        if (!scheme_check(as, p->fields[n], &key, &why)) {
            const conf_entry *entry = entry_of(r, scheme, key);
            return conf_fail(r->e, r->f, entry != NULL ? entry->line : line_of(r, key), "%s", why.text);
        }
    return true;
}

static bool note_secrets(arena *a, const bb_webhook_scheme *scheme, endpoint *p) {
    bb_str *names = arena_alloc(a, (PLUGIN_FIELDS_MAX + 1) * sizeof *names);
    for (size_t i = 0; names != NULL && scheme->fields != NULL && scheme->fields[i] != NULL; i++)
        if ((scheme->fields[i]->flags & BB_AUTH_SECRET) != 0)
            names[p->secret_count++] = arena_copy(a, str_from(scheme->fields[i]->name));
    if (names != NULL && secret_alias(scheme) != NULL)
        names[p->secret_count++] = STR("secret");
    p->secrets = names;
    return names != NULL;
}

bool endpoint_is_secret(const endpoint *p, bb_str section, bb_str key) {
    bool own = str_eq(section, STR("endpoint"));
    for (size_t i = 0; own && endpoint_keys[i] != NULL; i++)
        if (str_eq(key, str_from(endpoint_keys[i])))
            return false;
    for (size_t i = 0; (own || str_eq(section, STR("verify"))) && i < p->secret_count; i++)
        if (str_eq(key, p->secrets[i]))
            return true;
    return false;
}

bool endpoint_read_scheme(const webhook_reading *wr, const conf_file *f, arena *a, endpoint *out, err *e) {
    const reading r = {.plugged = wr,
                       .f = f,
                       .own = conf_find_section(f, STR("endpoint")),
                       .verify = conf_find_section(f, STR("verify")),
                       .a = a,
                       .e = e};
    const bb_webhook_scheme *scheme = NULL;
    if (!find_scheme(&r, out, &scheme) || !check_keys(&r, scheme) || !fill_all(&r, scheme, out) ||
        !check_time(&r, out) || !check_values(&r, scheme, out))
        return false;
    check_certificates(&r, out);
    return note_secrets(a, scheme, out);
}
