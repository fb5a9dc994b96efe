/* settings_tls.c - what busbar.conf says in [hub] of TLS. */
#include "hub/settings.h"

static bool needs(const conf_file *f, const conf_section *s, const char *key, const char *other, err *e) {
    return conf_fail(e, f, conf_find(s, str_from(key))->line, "%s needs %s", key, other);
}

bool hub_settings_read_tls(arena *a, const conf_file *f, const char **listen, tls_files *out, err *e) {
    const conf_section *s = conf_find_section(f, STR("hub"));
    if (s == NULL)
        return true;
    if (!conf_text(a, f, conf_find(s, STR("tls_listen")), listen, e) ||
        !conf_text(a, f, conf_find(s, STR("tls_certificate")), &out->certificate, e) ||
        !conf_text(a, f, conf_find(s, STR("tls_key")), &out->key, e) ||
        !conf_text(a, f, conf_find(s, STR("tls_client_ca")), &out->client_ca, e) ||
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
