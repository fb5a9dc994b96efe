/* oauth2_base.c - services whose place is not the same for everybody: endpoints given as paths, at base_url's
 * origin; and tokens whose answer says where they are good.
 *
 * What an answer says may not lead a token to anybody: its URL must be https (http only where base_url is),
 * and of a host that the admin, or the connector, has named beforehand. */
#include "auth/oauth2.h"

#include "auth/sign_text.h"
#include "plugin/origin.h"
#include "plugin/url.h"

/* --- the connection's base_url ------------------------------------------------------------------------- */

/* No escapes, no brackets: what reads as one host here must not read as another elsewhere. */
static bool is_plain(bb_str host) {
    for (size_t i = 0; i < host.len; i++)
        if (strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:", host.ptr[i]) == NULL)
            return false;
    return host.len > 0;
}

/* "https://host[:port]" of a URL; absent: it is none. */
static bb_str origin_of(bb_str url) {
    sign_url u;
    err why = {""};
    size_t n = str_starts(url, STR("https://")) ? 8 : 7;
    if (!url_check_base(url, &why) || !sign_url_read(url, &u) || !(n == 8 || str_starts(url, STR("http://"))))
        return (bb_str){NULL, 0};
    while (n < url.len && url.ptr[n] != '/')
        n++;
    return str_of(url.ptr, n);
}

static bb_str own_origin(const auth_reading *r) {
    const json_value *settings = r->settings.len > 0 ? json_read(r->memory, r->settings, NULL, NULL) : NULL;
    return origin_of(json_string(json_getl(settings, "base_url")));
}

static bool resolve(auth_reading *r, size_t field, bb_str origin, err *e) {
    bb_str path = r->values[field];
    const char *name = r->scheme->fields[field].name;
    if (path.len == 0 || path.ptr[0] != '/')
        return true;
    if (path.len > 1 && path.ptr[1] == '/')
        return auth_fail(r, e, name, "begins with //: give a path, or a whole URL");
    if (origin.len == 0)
        return auth_fail(r, e, name,
                         "is a path, but the connection has no base_url whose host it could be of");
    r->values[field] = arena_printf(r->memory, "%.*s%.*s", STR_FMT(origin), STR_FMT(path));
    return r->values[field].ptr != NULL || err_set(e, "no memory");
}

bool oauth2_resolve(auth_reading *r, err *e) {
    static const char *const names[] = {"token_url", "authorize_url", "device_url", "revoke_url"};
    bb_str origin = own_origin(r);
    for (size_t f = 0; r->scheme->fields[f].name != NULL; f++)
        for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
            if (strcmp(r->scheme->fields[f].name, names[i]) == 0 && !resolve(r, f, origin, e))
                return false;
    return true;
}

/* --- where a token is good ----------------------------------------------------------------------------- */

bool oauth2_read_base(const auth_reading *r, oauth2_settings *s, err *e) {
    s->base_from = auth_value(r, "base_url_from");
    s->base_hosts = auth_value(r, "base_url_hosts");
    s->base_origin = arena_copy(r->memory, own_origin(r));
    if (s->base_from.len > 0 && s->base_hosts.len == 0)
        return auth_fail(r, e, "base_url_hosts", "is missing: base_url_from needs it");
    if (s->base_from.len > 0 && plugin_origins_marked(r->memory, r->plugin->settings_schema))
        return auth_fail(r, e, "base_url_from",
                         "does not go with connector %s, whose settings name another host for the "
                         "credentials: whose that is, the token does not say",
                         r->plugin->id);
    if (s->base_from.len > 0 && s->base_origin.len == 0)
        return auth_fail(r, e, "base_url_from", "needs a connection that has a base_url");
    return true;
}

/* ".example.com" is any name below it, "example.com" itself alone; a port counts. */
static bool is_host(bb_str host, bb_str allowed) {
    if (allowed.len == 0 || host.len < allowed.len)
        return false;
    bool ending = allowed.ptr[0] == '.';
    size_t from = host.len - allowed.len;
    return (ending ? from > 0 : from == 0) && str_eq_nocase(str_of(host.ptr + from, allowed.len), allowed);
}

static bool is_allowed(bb_str host, bb_str list) {
    for (size_t at = 0, end; at < list.len; at = end + 1) {
        for (end = at; end < list.len && list.ptr[end] != ' ';)
            end++;
        if (is_host(host, str_of(list.ptr + at, end - at)))
            return true;
    }
    return false;
}

bool oauth2_base_of(arena *a, const oauth2_settings *s, const json_value *answer, bb_str *out,
                    const char **wrong) {
    bb_str url = s->base_from.len > 0 ? json_string(json_get(answer, s->base_from)) : (bb_str){NULL, 0};
    bb_str origin = origin_of(url);
    sign_url u;
    *out = (bb_str){NULL, 0};
    if (url.len == 0 || url_same_origin(url, s->base_origin))
        return true;
    *wrong = "is no URL";
    if (origin.len == 0 || !sign_url_read(origin, &u) || !is_plain(u.host))
        return false;
    *wrong = "is not https";
    if (!u.https && !str_starts(s->base_origin, STR("http://")))
        return false;
    *wrong = "is not among the allowed hosts";
    if (!is_allowed(u.host, s->base_hosts))
        return false;
    *wrong = "has no room in memory";
    *out = arena_copy(a, origin);
    return out->ptr != NULL;
}
