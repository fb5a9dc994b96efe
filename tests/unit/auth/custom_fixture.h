/* custom_fixture.h - a connector with schemes of its own, in memory: `vault` logs in and signs. */
#ifndef UNIT_AUTH_CUSTOM_FIXTURE_H
#define UNIT_AUTH_CUSTOM_FIXTURE_H

#include <busbar/auth.h>
#include <busbar/busbar.h> /* first: Check has a macro `fail` */

#include "unit.h"

#include "plugin/host.h"
#include "plugin/host_auth.h"

/* Logs in with a form; the answer names the token and its seconds. Two requests: a nonce first. */
static inline bb_step vault_start(bb_call *call) {
    bb_request(call, "GET", "/nonce");
    return BB_SEND;
}

static inline bb_step vault_resume(bb_call *call) {
    const bb_json *answer = bb_response(call);
    int64_t seconds = 0;
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_text(call, bb_get(call, answer, "error")));
    if (call->step == 1) {
        bb_request(call, "POST", "/login");
        bb_form(call, "user", bb_in_text(call, "user"));
        bb_form(call, "password", bb_in_text(call, "password"));
        bb_form(call, "tenant", bb_text(call, bb_get(call, bb_auth_host(call)->settings(call), "tenant")));
        bb_form(call, "nonce", bb_text(call, bb_get(call, answer, "nonce")));
        return BB_SEND;
    }
    call->host->json->to_int64(bb_get(call, answer, "seconds"), &seconds);
    return bb_done_token(call, bb_text(call, bb_get(call, answer, "token")), seconds);
}

/* HMAC of method, URL and body by the token. */
static inline bb_step vault_sign(bb_call *call, const bb_auth_request *request) {
    uint8_t mac[BB_HASH_MAX];
    char hex[2 * BB_HASH_MAX];
    bb_str bytes = {(const char *)mac, 0}, text = {hex, 0};
    bytes.len = call->host->crypto->hmac(BB_SHA256, bb_auth_token(call), request->body, mac);
    text.len = call->host->crypto->hex_encode(bytes, hex, sizeof hex);
    bb_auth_header(call, "X-Signature", text);
    bb_auth_header(call, "x-user", bb_in_text(call, "user"));
    bb_auth_query(call, "at", bb_s("1 2"));
    bb_auth_query(call, "method", request->method);
    return BB_DONE;
}

static const bb_auth_field vault_user = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED, .name = "user",
                                         .description = "who logs in"};
static const bb_auth_field vault_password = {BB_SIZE(bb_auth_field),
                                             .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET, .name = "password",
                                             .description = "with what"};
static const bb_auth_field vault_zone = {BB_SIZE(bb_auth_field), .name = "zone", .description = "where",
                                         .otherwise = "main"};
static const bb_auth_field *const vault_fields[] = {&vault_user, &vault_password, &vault_zone, NULL};
static const char *const vault_headers[] = {"X-Signature", "X-User", NULL};

static const bb_custom_auth vault = {
    BB_SIZE(bb_custom_auth),
    .flags = BB_AUTH_RENEW,
    .state_size = 16,
    .id = "vault",
    .summary = "a login, and a signature",
    .fields = vault_fields,
    .headers = vault_headers,
    .start = vault_start,
    .resume = vault_resume,
    .sign = vault_sign,
};

#endif
