/* discovery.c - an authorization server's endpoints, from its own metadata: RFC 8414, or OpenID Connect
 * Discovery 1.0 where that is all there is. Asked for once in a session's life. */
#include "auth/oauth2_internal.h"

#include "plugin/url.h"

/* What a session keeps of it: the arena comes first, for `forget`. */
typedef struct discovered {
    arena *memory;
    oauth2_metadata metadata;
} discovered;

bb_str oauth2_metadata_url(arena *a, bb_str issuer, bool openid) {
    while (issuer.len > 0 && issuer.ptr[issuer.len - 1] == '/')
        issuer.len--;
    if (openid)
        return arena_printf(a, "%.*s/.well-known/openid-configuration", STR_FMT(issuer));
    const char *authority = issuer.len > 0 ? memmem(issuer.ptr, issuer.len, "://", 3) : NULL;
    size_t start = authority != NULL ? (size_t)(authority + 3 - issuer.ptr) : 0, at = start;
    while (at < issuer.len && issuer.ptr[at] != '/')
        at++;
    return arena_printf(a, "%.*s/.well-known/oauth-authorization-server%.*s", (int)at, issuer.ptr,
                        (int)(issuer.len - at), issuer.ptr + at);
}

/* An endpoint must be a URL, and not less safe than the issuer. */
static bool endpoint(arena *a, const json_value *root, const char *name, bb_str issuer, bb_str *out) {
    bb_str url = json_string(json_get(root, str_from(name)));
    const char *query = url.len > 0 ? memchr(url.ptr, '?', url.len) : NULL;
    bb_str base = query != NULL ? str_of(url.ptr, (size_t)(query - url.ptr)) : url;
    *out = (bb_str){NULL, 0};
    if (url.len == 0)
        return true;
    if (!url_check_base(base, NULL) || !url_header_value_ok(url) || memchr(url.ptr, ' ', url.len) != NULL ||
        (str_starts(issuer, STR("https://")) && !str_starts(url, STR("https://"))))
        return false;
    *out = arena_copy(a, url);
    return out->ptr != NULL;
}

bool oauth2_metadata_read(arena *a, bb_str body, bb_str issuer, oauth2_metadata *out, const char **wrong) {
    static const json_limits limits = {.max_depth = 32, .max_bytes = 1 << 20};
    const json_value *root = json_read(a, body, &limits, NULL);
    *out = (oauth2_metadata){0};
    *wrong = "is not a JSON object";
    if (!json_is(root, JSON_OBJECT))
        return false;
    *wrong =
        "is of another issuer than the one configured (RFC 8414 section 3.3): write issuer exactly as the "
        "service does";
    if (!str_eq(json_string(json_getl(root, "issuer")), issuer))
        return false;
    *wrong = "has an endpoint that is no URL, or not https";
    out->issuer = arena_copy(a, issuer);
    out->iss = json_bool(json_getl(root, "authorization_response_iss_parameter_supported"), false);
    return endpoint(a, root, "token_endpoint", issuer, &out->token) &&
           endpoint(a, root, "authorization_endpoint", issuer, &out->authorize) &&
           endpoint(a, root, "device_authorization_endpoint", issuer, &out->device) &&
           endpoint(a, root, "revocation_endpoint", issuer, &out->revoke);
}

/* Once there, it stays as long as the session. */
static const oauth2_metadata *known(auth_session *s) {
    pthread_mutex_lock(&s->lock);
    const discovered *d = s->shared;
    pthread_mutex_unlock(&s->lock);
    return d != NULL ? &d->metadata : NULL;
}

const oauth2_metadata *oauth2_known(const acquire *q) {
    return known(q->session);
}

bb_str oauth2_issuer_of(auth_session *s, const auth_config *c, bool *required) {
    const oauth2_metadata *m = known(s);
    *required = m != NULL && m->iss;
    return ((const oauth2_settings *)c->settings)->issuer;
}

bb_str oauth2_endpoint(const acquire *q, bb_str configured, size_t offset) {
    const oauth2_metadata *m = configured.len == 0 ? oauth2_known(q) : NULL;
    return m != NULL ? *(const bb_str *)(const void *)((const char *)m + offset) : configured;
}

/* --- asking ------------------------------------------------------------------------------------------ */

static void on_openid(acquire *q, const http_answer *answer);

/* NULL: *wrong says why. */
static discovered *read_answer(const acquire *q, const http_answer *answer, const char **wrong) {
    arena *memory = arena_new(0);
    discovered *d = memory != NULL ? arena_zalloc(memory, sizeof *d) : NULL;
    *wrong = "cannot be read: no memory";
    if (d != NULL &&
        oauth2_metadata_read(memory, buf_str(answer->body), oauth2_of(q)->issuer, &d->metadata, wrong)) {
        d->memory = memory;
        return d;
    }
    arena_free(memory);
    return NULL;
}

static void use(acquire *q, const http_answer *answer) {
    const char *wrong;
    discovered *d = read_answer(q, answer, &wrong);
    if (d == NULL) {
        acquire_fail(q, ACQUIRE_ADMIN, "the metadata at %.*s %s", STR_FMT(q->url), wrong);
        return;
    }
    auth_session *s = q->session;
    pthread_mutex_lock(&s->lock);
    bool first = s->shared == NULL;
    if (first)
        s->shared = d;
    pthread_mutex_unlock(&s->lock);
    if (!first)
        arena_free(d->memory);
    q->go_on(q);
}

static void on_metadata(acquire *q, const http_answer *answer) {
    if (answer->failure != HTTP_FAIL_NONE)
        acquire_fail_by_transport(q, answer);
    else if (answer->status == 200)
        use(q, answer);
    else if (answer->status >= 500 || answer->status == 429)
        acquire_fail(q, ACQUIRE_RETRY, "the metadata at %.*s cannot be had: status %u", STR_FMT(q->url),
                     answer->status);
    else
        acquire_send(q, oauth2_metadata_url(q->memory, oauth2_of(q)->issuer, true), (bb_str){NULL, 0},
                     on_openid);
}

static void on_openid(acquire *q, const http_answer *answer) {
    if (answer->failure != HTTP_FAIL_NONE)
        acquire_fail_by_transport(q, answer);
    else if (answer->status == 200)
        use(q, answer);
    else
        acquire_fail(q, answer->status >= 500 ? ACQUIRE_RETRY : ACQUIRE_ADMIN,
                     "the issuer publishes no metadata (status %u at %.*s): check issuer, or give the URLs",
                     answer->status, STR_FMT(q->url));
}

void oauth2_discover(acquire *q, void (*then)(acquire *q)) {
    bb_str issuer = oauth2_of(q)->issuer;
    q->go_on = then;
    if (issuer.len == 0 || oauth2_known(q) != NULL)
        then(q);
    else
        acquire_send(q, oauth2_metadata_url(q->memory, issuer, false), (bb_str){NULL, 0}, on_metadata);
}
