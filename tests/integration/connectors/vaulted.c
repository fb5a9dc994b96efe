/* vaulted.c - a connector with auth schemes of its own, for custom-auth.test.mjs:
 *
 *     vault_login   logs in (a nonce first), signs method, URL and body with the session's key
 *     vault_bearer  logs in, and leaves the rest to the host
 *     vault_key     no login: signs with the key that the admin gave, and a nonce
 *
 * -DBROKEN_FIELD, -DBROKEN_ID and -DBROKEN_SIGN build it with defects that the hub must find. */
#include <busbar/auth.h>
#include <busbar/busbar.h>

#ifndef VERSION
#define VERSION "1.0.0"
#endif

/* --- acquiring ------------------------------------------------------------------------------------ */

static bb_step login_start(bb_call *call) {
    bb_request(call, "POST", "/nonce");
    return BB_SEND;
}

static bb_step send_login(bb_call *call, bb_str nonce) {
    const bb_json *tenant = bb_get(call, bb_auth_host(call)->settings(call), "tenant");
    bb_request(call, "POST", "/login");
    bb_header(call, "X-Build", bb_s(VERSION));
    bb_form(call, "user", bb_in_text(call, "user"));
    bb_form(call, "password", bb_in_text(call, "password"));
    bb_form(call, "zone", bb_in_text(call, "zone"));
    bb_form(call, "tenant", bb_text(call, tenant));
    bb_form(call, "nonce", nonce);
    return BB_SEND;
}

static bb_step login_resume(bb_call *call) {
    const bb_json *answer = bb_response(call);
    int64_t seconds = 0;
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_text(call, bb_get(call, answer, "error")));
    if (call->step == 1)
        return send_login(call, bb_text(call, bb_get(call, answer, "nonce")));
    call->host->json->to_int64(bb_get(call, answer, "expires_in"), &seconds);
    return bb_done_token(call, bb_text(call, bb_get(call, answer, "session")), seconds);
}

/* --- signing -------------------------------------------------------------------------------------- */

/* HMAC-SHA256 of "METHOD\nURL\nBODY" in hexadecimal, as X-Signature. */
static bb_step sign_with(bb_call *call, const bb_auth_request *request, bb_str key) {
    size_t room = request->method.len + request->url.len + request->body.len + 2;
    char *text = (char *)call->host->call->alloc(call, room), hex[2 * BB_HASH_MAX];
    uint8_t mac[BB_HASH_MAX];
    if (text == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the signature");
    memcpy(text, request->method.ptr, request->method.len);
    text[request->method.len] = '\n';
    memcpy(text + request->method.len + 1, request->url.ptr, request->url.len);
    text[request->method.len + request->url.len + 1] = '\n';
    if (request->body.len > 0)
        memcpy(text + room - request->body.len, request->body.ptr, request->body.len);
    bb_str whole = {text, room}, bytes = {(const char *)mac, 0}, signature = {hex, 0};
    bytes.len = call->host->crypto->hmac(BB_SHA256, key, whole, mac);
    signature.len = call->host->crypto->hex_encode(bytes, hex, sizeof hex);
    bb_auth_header(call, "X-Signature", signature);
    return BB_DONE;
}

static bb_step login_sign(bb_call *call, const bb_auth_request *request) {
    bb_auth_header(call, "X-User", bb_in_text(call, "user"));
#ifdef BROKEN_SIGN
    bb_auth_header(call, "X-Undeclared", bb_s("1"));
#endif
    return sign_with(call, request, bb_auth_token(call));
}

static bb_step key_sign(bb_call *call, const bb_auth_request *request) {
    char hex[32];
    bb_str random = {(const char *)request->random, sizeof request->random}, nonce = {hex, 0};
    nonce.len = call->host->crypto->hex_encode(random, hex, sizeof hex);
    bb_auth_query(call, "nonce", nonce);
    bb_auth_query(call, "key id", bb_in_text(call, "key_id"));
    return sign_with(call, request, bb_in_text(call, "key"));
}

/* --- declarations ----------------------------------------------------------------------------------- */

static const bb_auth_field user = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED, .name = "user",
                                   .description = "who logs in"};
static const bb_auth_field password = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET,
#ifdef BROKEN_FIELD
                                       .otherwise = "letmein",
#endif
                                       .name = "password", .description = "its password"};
static const bb_auth_field zone = {BB_SIZE(bb_auth_field), .name = "zone",
                                   .description = "where the user lives", .otherwise = "north"};
static const bb_auth_field *const login_fields[] = {&user, &password, &zone, NULL};
static const char *const login_headers[] = {"X-Signature", "X-User", NULL};

static const bb_custom_auth vault_login = {
    BB_SIZE(bb_custom_auth),
    .flags = BB_AUTH_RENEW,
#ifdef BROKEN_ID
    .id = "bearer",
#else
    .id = "vault_login",
#endif
    .summary = "a login whose session key signs each request",
    .fields = login_fields,
    .headers = login_headers,
    .start = login_start,
    .resume = login_resume,
    .sign = login_sign,
};
static const bb_custom_auth vault_bearer = {
    BB_SIZE(bb_custom_auth), .id = "vault_bearer", .summary = "a login that gives a token",
    .fields = login_fields,  .start = login_start, .resume = login_resume,
};

static const bb_auth_field key = {BB_SIZE(bb_auth_field),
                                  .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET | BB_AUTH_MULTILINE,
                                  .name = "key", .description = "the signing key"};
static const bb_auth_field key_id = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED, .name = "key_id",
                                     .description = "its id"};
static const bb_auth_field *const key_fields[] = {&key, &key_id, NULL};
static const char *const key_headers[] = {"X-Signature", NULL};
static const bb_custom_auth vault_key = {
    BB_SIZE(bb_custom_auth), .id = "vault_key",      .summary = "a key that signs each request",
    .fields = key_fields,    .headers = key_headers, .sign = key_sign,
};

static const bb_custom_auth *const custom[] = {&vault_login, &vault_bearer, &vault_key, NULL};
static const bb_auth_extension auth = {BB_SIZE(bb_auth_extension), .schemes = custom};

static const bb_extension extensions[] = {{BB_EXT_AUTH, &auth}, {NULL, NULL}};

/* --- what the credentials are for ------------------------------------------------------------------- */

static bb_step note_start(bb_call *call) {
    bb_request(call, "POST", "/notes");
    bb_query(call, "a b", bb_s("c&d"));
    bb_header(call, "X-Signature", bb_s("the connector's own gives way"));
    bb_body_json(call, call->input);
    return BB_SEND;
}

static const bb_operation note = {BB_SIZE(bb_operation), .id = "notes.create", .summary = "Writes a note",
                                  .start = note_start};
static const bb_operation *const operations[] = {&note, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "vaulted",
    .name = "Vaulted",
    .version = VERSION,
    .summary = "Notes behind a login",
    .settings_schema = "{\"type\":\"object\",\"required\":[\"base_url\"],\"additionalProperties\":false,"
                       "\"properties\":{\"base_url\":{\"type\":\"string\"},"
                       "\"tenant\":{\"type\":\"string\",\"default\":\"t1\"}}}",
    .operations = operations,
};
BUSBAR_PLUGIN_WITH(plugin, extensions);
