/* oauth2_request.c - requests to token endpoints: forms, and the client's authentication (RFC 6749 section
 * 2.3, RFC 7523, RFC 8705). */
#include "auth/oauth2.h"

#include "base/clock.h"
#include "plugin/host_crypto.h"
#include "plugin/url.h"

/* Percent-encoding throughout: as a form's decoder reads it too. */
void oauth2_add(buf *form, const char *name, bb_str value) {
    if (value.len == 0)
        return;
    if (form->len > 0)
        buf_char(form, '&');
    url_encode(form, str_from(name));
    buf_char(form, '=');
    url_encode(form, value);
}

void oauth2_add_all(buf *form, const json_value *parameters) {
    for (json_iter it = json_iterate(parameters); json_next(&it);) {
        if (form->len > 0)
            buf_char(form, '&');
        url_encode(form, it.key);
        buf_char(form, '=');
        url_encode(form, json_is(it.value, JSON_STRING) ? json_string(it.value) : json_raw(it.value));
    }
}

/* --- assertions -------------------------------------------------------------------------------------- */

static void member(json_writer *w, const json_value *more, const char *name, bb_str value) {
    if (value.len > 0 && json_get(more, str_from(name)) == NULL)
        json_member_string(w, str_from(name), value);
}

static void member_time(json_writer *w, const json_value *more, const char *name, uint64_t seconds) {
    if (json_get(more, str_from(name)) == NULL)
        json_member_u64(w, str_from(name), seconds);
}

bb_str oauth2_assertion(acquire *q, bb_str issuer, bb_str subject, bb_str audience, const json_value *more,
                        bb_str scope) {
    const oauth2_settings *s = oauth2_of(q);
    uint64_t now = clock_wall_ms() / 1000;
    char id[33];
    uint8_t random[16];
    if (host_crypto.random(random, sizeof random) != BB_OK)
        return (bb_str){NULL, 0};
    size_t n = host_crypto.hex_encode(str_of(random, sizeof random), id, 32);
    buf claims;
    buf_init(&claims);
    json_writer w;
    json_writer_init(&w, &claims);
    json_object(&w);
    member(&w, more, "iss", issuer);
    member(&w, more, "sub", subject);
    member(&w, more, "aud", audience);
    member(&w, more, "scope", scope);
    member(&w, more, "jti", str_of(id, n));
    member_time(&w, more, "iat", now);
    member_time(&w, more, "exp", now + s->assertion_lifetime_ms / 1000);
    for (json_iter it = json_iterate(more); json_next(&it);) {
        json_key(&w, it.key);
        json_put_value(&w, it.value);
    }
    json_object_end(&w);
    bb_str token = json_writer_finish(&w)
                       ? jwt_mint(q->memory, s->key, s->kid, (bb_str){NULL, 0}, buf_str(&claims))
                       : (bb_str){NULL, 0};
    buf_free(&claims);
    return token;
}

/* --- the client -------------------------------------------------------------------------------------- */

static bb_str encoded(arena *a, bb_str text) {
    buf out;
    buf_init(&out);
    url_encode(&out, text);
    bb_str copy = arena_copy(a, buf_str(&out));
    buf_free(&out);
    return copy;
}

/* Section 2.3.1: both parts are form-encoded first. */
static bool basic(acquire *q, bb_str *header) {
    const oauth2_settings *s = oauth2_of(q);
    arena *a = q->memory;
    bb_str pair = arena_printf(a, "%.*s:%.*s", STR_FMT(encoded(a, s->client_id)),
                               STR_FMT(encoded(a, s->client_secret)));
    size_t cap = (pair.len + 2) / 3 * 4;
    char *text = arena_alloc(a, cap + 1);
    if (text == NULL || pair.ptr == NULL)
        return false;
    size_t n = host_crypto.base64_encode(pair, text, cap);
    *header = arena_printf(a, "Authorization: Basic %.*s", (int)n, text);
    str_wipe(pair);
    return header->ptr != NULL;
}

static bool by_assertion(acquire *q, bb_str url) {
    const oauth2_settings *s = oauth2_of(q);
    bb_str audience = s->assertion_audience.len > 0 ? s->assertion_audience : url;
    bb_str token = oauth2_assertion(q, s->client_id, s->client_id, audience, NULL, (bb_str){NULL, 0});
    oauth2_add(&q->form, "client_id", s->client_id);
    oauth2_add(&q->form, "client_assertion_type",
               STR("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"));
    oauth2_add(&q->form, "client_assertion", token);
    return token.len > 0;
}

bool oauth2_authenticate(acquire *q, bb_str url, bb_str *header) {
    const oauth2_settings *s = oauth2_of(q);
    bool ok = true;
    *header = (bb_str){NULL, 0};
    switch (s->client_auth) {
    case OAUTH2_CLIENT_BASIC: ok = basic(q, header); break;
    case OAUTH2_CLIENT_JWT: ok = by_assertion(q, url); break;
    case OAUTH2_CLIENT_POST:
        oauth2_add(&q->form, "client_id", s->client_id);
        oauth2_add(&q->form, "client_secret", s->client_secret);
        break;
    case OAUTH2_CLIENT_TLS:
        q->target.cert_file = s->certificate;
        q->target.key_file = s->certificate_key;
        oauth2_add(&q->form, "client_id", s->client_id);
        break;
    case OAUTH2_CLIENT_NONE: oauth2_add(&q->form, "client_id", s->client_id); break;
    }
    if (!ok)
        acquire_fail(q, ACQUIRE_RETRY,
                     "the client's authentication cannot be made: no memory, or the key fails");
    return ok;
}

/* --- tokens ------------------------------------------------------------------------------------------ */

static bb_str own(acquire *q, bb_str text) {
    return text.len > 0 ? arena_copy(q->memory, text) : (bb_str){NULL, 0};
}

void oauth2_take_token(acquire *q, const http_answer *answer) {
    oauth2_answer said;
    if (answer->failure != HTTP_FAIL_NONE) {
        acquire_fail_by_transport(q, answer);
        return;
    }
    oauth2_answer_read(q->memory, answer->status, buf_str(answer->body), &said);
    if (said.error.len > 0 || said.wrong != NULL) {
        oauth2_fail_by_answer(q, answer, &said);
        return;
    }
    bb_str origin;
    const char *wrong = NULL;
    if (!oauth2_base_of(q->memory, oauth2_of(q), said.root, &origin, &wrong)) {
        acquire_fail(q, ACQUIRE_ADMIN, "%.*s gives a token for a place that %s: see base_url_hosts",
                     STR_FMT(acquire_host(q->url)), wrong);
        return;
    }
    q->tokens = (acquire_tokens){.access = own(q, said.access_token),
                                 .origin = origin,
                                 .refresh = own(q, said.refresh_token),
                                 .scope = own(q, said.scope),
                                 .lifetime_ms = said.lifetime_ms};
    oauth2_grant grant = oauth2_of(q)->grant;
    if (grant != OAUTH2_REFRESH_TOKEN && !oauth2_needs_consent(q->config))
        q->tokens.refresh = (bb_str){NULL, 0}; /* the grant itself can be repeated */
    acquire_succeed(q);
}

void oauth2_post(acquire *q, bb_str url, void (*then)(acquire *q, const http_answer *answer)) {
    bb_str header;
    oauth2_add_all(&q->form, oauth2_of(q)->parameters);
    if (oauth2_authenticate(q, url, &header))
        acquire_send(q, url, header, then);
}

void oauth2_ask_for_token(acquire *q) {
    bb_str url = OAUTH2_ENDPOINT(q, token_url, token);
    if (url.len == 0)
        acquire_fail(q, ACQUIRE_ADMIN, "the issuer names no token endpoint: give token_url");
    else
        oauth2_post(q, url, oauth2_take_token);
}
