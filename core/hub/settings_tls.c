/* settings_tls.c - what busbar.conf says in [hub] of TLS. */
#include "hub/settings.h"

static bool read_text(arena *a, const conf_file *f, const conf_section *s, bb_str key, const char **out,
                      err *e) {
    const conf_entry *entry = conf_find(s, key);
    bb_str value;
    if (entry == NULL)
        return true;
    if (!conf_expand(a, f, entry, &value, NULL, e))
        return false;
    *out = arena_strdup(a, value);
    return *out != NULL || err_set(e, "no memory");
}

static bool needs(const conf_file *f, const conf_section *s, const char *key, const char *other, err *e) {
    return conf_fail(e, f, conf_find(s, str_from(key))->line, "%s needs %s", key, other);
}

bool hub_settings_read_tls(arena *a, const conf_file *f, const char **listen, tls_files *out, err *e) {
    const conf_section *s = conf_find_section(f, STR("hub"));
    if (s == NULL)
        return true;
    if (!read_text(a, f, s, STR("tls_listen"), listen, e) ||
        !read_text(a, f, s, STR("tls_certificate"), &out->certificate, e) ||
        !read_text(a, f, s, STR("tls_key"), &out->key, e) ||
        !read_text(a, f, s, STR("tls_client_ca"), &out->client_ca, e) ||
        !conf_bool(a, f, conf_find(s, STR("tls_client_required")), false, &out->client_required, e))
        return false;
    if (out->client_required && out->client_ca == NULL)
        return needs(f, s, "tls_client_required", "tls_client_ca", e);
    if (out->client_ca != NULL && *listen == NULL)
        return needs(f, s, "tls_client_ca", "tls_listen", e);
    if (*listen != NULL && (out->certificate == NULL || out->key == NULL))
        return needs(f, s, "tls_listen", "tls_certificate and tls_key", e);
    return true;
}
