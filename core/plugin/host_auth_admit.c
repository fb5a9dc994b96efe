/* host_auth_admit.c - a connector's declaration of its own auth schemes, checked before any of their steps
 * run. */
#include "plugin/host_auth.h"
#include "plugin/host_fields.h"
#include "plugin/url.h"

#define TIMEOUT_MAX_MS 300000u

/* --- header fields -------------------------------------------------------------------------------------- */

/* What says how the message is framed and where it goes is the host's (RFC 9110 section 7.6.1, RFC 9112). */
static bool is_ours(bb_str name) {
    static const char *const ours[] = {"Host", "Content-Length", "Transfer-Encoding", "Connection", "Upgrade",
                                       "TE",   "Trailer",        "Keep-Alive",        "Expect",     NULL};
    for (size_t i = 0; ours[i] != NULL; i++)
        if (str_eq_nocase(name, str_from(ours[i])))
            return true;
    return false;
}

static bool check_headers(const bb_custom_auth *s, err *e) {
    if (s->headers == NULL)
        return true;
    for (size_t i = 0; s->headers[i] != NULL; i++) {
        bb_str name = str_from(s->headers[i]);
        if (i == PLUGIN_AUTH_HEADERS_MAX)
            return err_set(e, "auth scheme \"%s\" sets more than %d header fields", s->id,
                           PLUGIN_AUTH_HEADERS_MAX);
        if (!url_token_ok(name) || is_ours(name))
            return err_set(
                e,
                "auth scheme \"%s\" sets the header field \"%.*s\", which is no name or is the hub's "
                "own",
                s->id, STR_FMT(name));
    }
    return true;
}

/* --- schemes -------------------------------------------------------------------------------------------- */

static bool check_steps(const bb_custom_auth *s, err *e) {
    if ((s->start == NULL) != (s->resume == NULL))
        return err_set(e, "auth scheme \"%s\": start and resume go together; it has only one of them", s->id);
    if (s->start == NULL && s->sign == NULL)
        return err_set(e, "auth scheme \"%s\" neither acquires a token nor signs", s->id);
    if (s->start == NULL && (s->flags & BB_AUTH_RENEW) != 0)
        return err_set(e, "auth scheme \"%s\" asks for renewal, but acquires no token", s->id);
    if (s->state_size > 65536)
        return err_set(e, "auth scheme \"%s\" asks for %u bytes of state; 65536 are allowed", s->id,
                       s->state_size);
    if (s->timeout_ms > TIMEOUT_MAX_MS)
        return err_set(e, "auth scheme \"%s\" asks for %u ms; %u are allowed", s->id, s->timeout_ms,
                       TIMEOUT_MAX_MS);
    return true;
}

static bool check_scheme(const bb_custom_auth *s, err *e) {
    if (!module_size_check("an auth scheme", s->size, sizeof *s, e))
        return false;
    if (!fields_admit_scheme("auth scheme", s->id, s->summary, e))
        return false;
    return check_steps(s, e) && fields_admit("auth scheme", s->id, s->fields, e) && check_headers(s, e);
}

bool host_auth_admit(const plugin_module *m, const bb_auth_extension **out, err *e) {
    *out = NULL;
    const bb_auth_extension *x = module_extension(m, BB_EXT_AUTH);
    if (x == NULL)
        return true;
    if (!module_size_check("its extension " BB_EXT_AUTH, x->size, sizeof *x, e))
        return false;
    if (x->schemes == NULL || x->schemes[0] == NULL)
        return err_set(e, "its extension %s has no schemes", BB_EXT_AUTH);
    for (size_t i = 0; x->schemes[i] != NULL; i++) {
        if (i == PLUGIN_AUTH_SCHEMES_MAX)
            return err_set(e, "it declares more than %d auth schemes of its own", PLUGIN_AUTH_SCHEMES_MAX);
        if (!check_scheme(x->schemes[i], e))
            return false;
        for (size_t j = 0; j < i; j++)
            if (strcmp(x->schemes[i]->id, x->schemes[j]->id) == 0)
                return err_set(e, "auth scheme \"%s\" is declared twice", x->schemes[i]->id);
    }
    *out = x;
    return true;
}
