/* scheme.c - the hub's own webhook schemes, and those that compare what a header field says. */
#include "webhook/scheme.h"

#include "webhook/endpoint.h"

#include <busbar/form.h>

const bb_webhook_scheme *const own_schemes[] = {&scheme_standard, &scheme_hmac, &scheme_basic, &scheme_bearer,
                                                &scheme_token,    &scheme_mtls, &scheme_none,  NULL};

const bb_webhook_scheme *own_scheme_find(bb_str id) {
    for (size_t i = 0; own_schemes[i] != NULL; i++)
        if (str_eq(id, str_from(own_schemes[i]->id)))
            return own_schemes[i];
    return NULL;
}

/* --- the event -------------------------------------------------------------------------------------- */

const bb_auth_field scheme_id_from = {
    BB_SIZE(bb_auth_field),
    .name = "id_from",
    .description =
        "where the event's id stands: a header field's name, or a JSON Pointer into the body (/id)",
};
const bb_auth_field scheme_type_from = {
    BB_SIZE(bb_auth_field),
    .name = "type_from",
    .description = "where its type stands: a header field's name, or a JSON Pointer into the body (/type)",
};

bb_str scheme_header(const bb_webhook_request *request, bb_str name) {
    char text[128];
    if (name.len == 0 || name.len >= sizeof text)
        return (bb_str){NULL, 0};
    memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    return bb_webhook_header(request, text);
}

static bb_str value_from(bb_call *call, const bb_webhook_request *request, const bb_json *body, bb_str from) {
    return from.len > 0 && from.ptr[0] == '/'
               ? bb_text(call, (const bb_json *)json_pointer((const json_value *)body, from))
               : scheme_header(request, from);
}

bb_step scheme_take(bb_call *call, const bb_webhook_request *request, bb_str id, bb_str type) {
    bb_str id_from = scheme_field(call, "id_from"), type_from = scheme_field(call, "type_from");
    bool looks = (id_from.len > 0 && id_from.ptr[0] == '/') || (type_from.len > 0 && type_from.ptr[0] == '/');
    const bb_json *body = looks ? call->host->json->parse(call, request->body) : NULL;
    if (id_from.len > 0)
        id = value_from(call, request, body, id_from);
    if (type_from.len > 0)
        type = value_from(call, request, body, type_from);
    bb_webhook_event(call, id, type, (bb_str){NULL, 0});
    return BB_DONE;
}

int scheme_signed_at(bb_call *call, bb_str text) {
    int64_t ms;
    bool fine = text.len == 13; /* milliseconds: from 2001 to 2286 */
    if (!bb_webhook_seconds(fine ? (bb_str){text.ptr, 10} : text, &ms))
        return 0;
    ms *= 1000;
    for (size_t i = 10, unit = 100; fine && i < 13; i++, unit /= 10) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return 0;
        ms += (text.ptr[i] - '0') * (int64_t)unit;
    }
    bb_webhook_signed_at(call, ms);
    return 1;
}

/* --- none ------------------------------------------------------------------------------------------- */

static bb_step none(bb_call *call, const bb_webhook_request *request) {
    return scheme_take(call, request, (bb_str){NULL, 0}, (bb_str){NULL, 0});
}

static const bb_auth_field *const none_fields[] = {&scheme_id_from, &scheme_type_from, NULL};
const bb_webhook_scheme scheme_none = {
    BB_SIZE(bb_webhook_scheme),
    .id = "none",
    .summary = "whatever anybody sends is taken: only where something else guards the way",
    .fields = none_fields,
    .verify = none,
};

/* --- a value that the sender repeats ------------------------------------------------------------------- */

static int same(bb_call *call, bb_str a, bb_str b) {
    return b.len > 0 && call->host->crypto->equal(a, b);
}

static int has_scheme(bb_str header, const char *scheme, bb_str *rest) {
    bb_str name = str_from(scheme);
    if (header.len <= name.len || !str_eq_nocase(str_of(header.ptr, name.len), name) ||
        header.ptr[name.len] != ' ')
        return 0;
    *rest = str_trim(str_of(header.ptr + name.len, header.len - name.len));
    return 1;
}

static char *put(char *to, bb_str text) {
    if (text.len > 0)
        memcpy(to, text.ptr, text.len);
    return to + text.len;
}

static bb_step basic(bb_call *call, const bb_webhook_request *request) {
    bb_str given, user = scheme_field(call, "username"), password = scheme_field(call, "password");
    if (!has_scheme(bb_webhook_header(request, "Authorization"), "Basic", &given))
        return bb_webhook_refuse(call, "there is no Authorization: Basic");
    size_t wanted = user.len + 1 + password.len, cap = given.len;
    char *text = call->host->call->alloc(call, wanted + cap + 1);
    if (text == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory to compare the password");
    *put(text, user) = ':';
    put(text + user.len + 1, password);
    size_t n = call->host->crypto->base64_decode(given, (uint8_t *)text + wanted, cap);
    if (n == SIZE_MAX || !same(call, str_of(text + wanted, n), str_of(text, wanted)))
        return bb_webhook_refuse(call, "user name or password is wrong");
    return scheme_take(call, request, (bb_str){NULL, 0}, (bb_str){NULL, 0});
}

static const bb_auth_field username = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED, .name = "username",
                                       .description = "the user name"};
static const bb_auth_field password = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET,
                                       .name = "password", .description = "the password"};
static const bb_auth_field *const basic_fields[] = {&username, &password, &scheme_id_from, &scheme_type_from,
                                                    NULL};
const bb_webhook_scheme scheme_basic = {
    BB_SIZE(bb_webhook_scheme),
    .id = "basic",
    .summary = "Authorization: Basic, a user name and a password (RFC 7617)",
    .fields = basic_fields,
    .verify = basic,
};

/* In the URL, for senders that cannot do better (section 2.3): in the one way or the other. */
static bb_step bearer(bb_call *call, const bb_webhook_request *request) {
    bb_str given, header = bb_webhook_header(request, "Authorization");
    if (header.ptr == NULL)
        given = bb_form_get(call, request->query, "access_token");
    else if (!has_scheme(header, "Bearer", &given))
        given = (bb_str){NULL, 0};
    if (given.len == 0)
        return bb_webhook_refuse(call, "there is no Authorization: Bearer, and no access_token in the query");
    if (!same(call, given, scheme_field(call, "secret")))
        return bb_webhook_refuse(call, "the token is wrong");
    return scheme_take(call, request, (bb_str){NULL, 0}, (bb_str){NULL, 0});
}

static const bb_auth_field token_secret = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET,
                                           .name = "secret",
                                           .description = "the token that the sender repeats"};
static const bb_auth_field *const bearer_fields[] = {&token_secret, &scheme_id_from, &scheme_type_from, NULL};
const bb_webhook_scheme scheme_bearer = {
    BB_SIZE(bb_webhook_scheme), .id = "bearer",   .summary = "Authorization: Bearer, a token (RFC 6750)",
    .fields = bearer_fields,    .verify = bearer,
};

static bb_step token(bb_call *call, const bb_webhook_request *request) {
    bb_str given = scheme_header(request, scheme_field(call, "header"));
    if (!same(call, given, scheme_field(call, "secret")))
        return bb_webhook_refuse(call,
                                 given.ptr == NULL ? "the header field is missing" : "the token is wrong");
    return scheme_take(call, request, (bb_str){NULL, 0}, (bb_str){NULL, 0});
}

static const bb_auth_field token_header = {BB_SIZE(bb_auth_field), .name = "header",
                                           .description = "the header field that holds the token",
                                           .otherwise = "X-Webhook-Token"};
static const bb_auth_field *const token_fields[] = {&token_secret, &token_header, &scheme_id_from,
                                                    &scheme_type_from, NULL};
const bb_webhook_scheme scheme_token = {
    BB_SIZE(bb_webhook_scheme), .id = "token",   .summary = "a token in a header field",
    .fields = token_fields,     .verify = token,
};
