/* settings_webhooks.c - what busbar.conf says of [webhooks]: where events may be sent. */
#include "hub/settings.h"

#include <unistd.h>

#define SUBSCRIPTIONS 1000u /* that one API key may make */

static const char *const keys[] = {"allow",       "deny",          "plain_http", "ca_file",
                                   "known_types", "subscriptions", NULL};

static bool read_ranges(arena *a, const conf_file *f, const conf_entry *entry, http_ranges *out, err *e) {
    bb_str text;
    err why = {""};
    if (entry == NULL)
        return true;
    return conf_expand(a, f, entry, &text, NULL, e) &&
           (http_ranges_read(a, text, out, &why) ||
            conf_fail(e, f, entry->line, "%.*s: %s", STR_FMT(entry->key), why.text));
}

static bool read_ca(arena *a, const conf_file *f, const conf_entry *entry, const char **out, err *e) {
    bb_str text;
    if (entry == NULL)
        return true;
    if (!conf_expand(a, f, entry, &text, NULL, e))
        return false;
    *out = arena_strdup(a, text);
    return *out != NULL &&
           (access(*out, R_OK) == 0 || conf_fail(e, f, entry->line,
                                                 "ca_file: %s cannot be read: it is a PEM file of the "
                                                 "certificates that receivers' ones are signed by",
                                                 *out));
}

static bool read_number(arena *a, const conf_file *f, const conf_entry *entry, uint32_t *out, err *e) {
    uint64_t n;
    if (!conf_u64(a, f, entry, 0, 100000, SUBSCRIPTIONS, &n, e))
        return false;
    *out = (uint32_t)n;
    return true;
}

bool hub_settings_read_webhooks(arena *a, const conf_file *f, hub_settings *out, err *e) {
    const conf_section *s = conf_find_section(f, STR("webhooks"));
    post_rules *o = &out->post;
    return (s == NULL || conf_check_keys(f, s, keys, e)) &&
           read_ranges(a, f, conf_find(s, STR("allow")), &o->guard.allow, e) &&
           read_ranges(a, f, conf_find(s, STR("deny")), &o->guard.deny, e) &&
           conf_bool(a, f, conf_find(s, STR("plain_http")), false, &o->guard.plain, e) &&
           conf_bool(a, f, conf_find(s, STR("known_types")), false, &out->known_types, e) &&
           read_number(a, f, conf_find(s, STR("subscriptions")), &out->subscriptions_per_key, e) &&
           read_ca(a, f, conf_find(s, STR("ca_file")), &o->ca_file, e);
}
