/* login.c - the auth scheme total_battle_login: a challenge, answered with an HMAC over it, gives a token.
 *
 *     POST /v1/session/challenge  {"key_id"}                                  -> {"challenge", "expires_in"}
 *     POST /v1/session            {"key_id", "challenge", "nonce", "signature"} -> {"token", "expires_in"}
 *
 * The secret itself never travels, and nobody's clock has to be right. */
#include "total_battle.h"

#define DOMAIN "total-battle-login/1"
#define NONCE 16u /* bytes */

/* --- the message that is signed --------------------------------------------------------------------- */

/* "total-battle-login/1\nKEY_ID\nCHALLENGE\nNONCE"; absent: no memory. */
static bb_str message_of(bb_call *call, bb_str key_id, bb_str challenge, bb_str nonce) {
    const bb_str parts[] = {{DOMAIN, sizeof DOMAIN - 1}, key_id, challenge, nonce};
    bb_str message = {NULL, 0};
    size_t n = 0, room = sizeof DOMAIN + 2 + key_id.len + challenge.len + nonce.len;
    char *text = (char *)call->host->call->alloc(call, room);
    if (text == NULL)
        return message;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        if (i > 0)
            text[n++] = '\n';
        if (parts[i].len > 0)
            memcpy(text + n, parts[i].ptr, parts[i].len);
        n += parts[i].len;
    }
    message.ptr = text;
    message.len = n;
    return message;
}

static bb_str hex_of(bb_call *call, const void *bytes, size_t count, char *out, size_t cap) {
    bb_str in = {(const char *)bytes, count}, text = {out, 0};
    text.len = call->host->crypto->hex_encode(in, out, cap);
    return text;
}

/* --- the two requests ------------------------------------------------------------------------------- */

static bb_step post(bb_call *call, const char *path, bb_json_writer *w) {
    bb_str body = call->host->json->finish(w);
    bb_request(call, "POST", path);
    if (body.len == 0)
        return bb_fail(call, BB_E_CONFIG, "key_id cannot be written as JSON: is it UTF-8?");
    call->host->http->body(call, bb_s("application/json"), body);
    return BB_SEND;
}

static void put(bb_call *call, bb_json_writer *w, const char *name, bb_str value) {
    call->host->json->key(w, bb_s(name));
    call->host->json->put_string(w, value);
}

static bb_step login_start(bb_call *call) {
    bb_json_writer *w = call->host->json->writer(call);
    call->host->json->begin_object(w);
    put(call, w, "key_id", bb_in_text(call, "key_id"));
    call->host->json->end_object(w);
    return post(call, "/v1/session/challenge", w);
}

static bb_step answer_challenge(bb_call *call, bb_str challenge) {
    uint8_t mac[BB_HASH_MAX], random[NONCE];
    char signature[2 * BB_HASH_MAX], nonce_text[2 * NONCE];
    bb_str key_id = bb_in_text(call, "key_id");
    if (call->host->crypto->random(random, sizeof random) != BB_OK)
        return bb_fail(call, BB_E_PLUGIN, "the system gives no random bytes for the login");
    bb_str nonce = hex_of(call, random, sizeof random, nonce_text, sizeof nonce_text);
    bb_str message = message_of(call, key_id, challenge, nonce);
    if (message.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the login");
    size_t n = call->host->crypto->hmac(BB_SHA256, bb_in_text(call, "secret"), message, mac);
    bb_json_writer *w = call->host->json->writer(call);
    call->host->json->begin_object(w);
    put(call, w, "key_id", key_id);
    put(call, w, "challenge", challenge);
    put(call, w, "nonce", nonce);
    put(call, w, "signature", hex_of(call, mac, n, signature, sizeof signature));
    call->host->json->end_object(w);
    return post(call, "/v1/session", w);
}

static bb_step login_resume(bb_call *call) {
    const bb_json *answer = bb_response(call);
    bb_str challenge = bb_text(call, bb_get(call, answer, "challenge")),
           token = bb_text(call, bb_get(call, answer, "token"));
    int64_t seconds = 0;
    if (!bb_ok(call))
        return tb_fail(call);
    if (call->step == 1 && challenge.len > 0)
        return answer_challenge(call, challenge);
    if (call->step == 1 || token.len == 0)
        return bb_fail(call, BB_E_UPSTREAM_INVALID,
                       "the login's answer has no %s: is base_url the game server?",
                       call->step == 1 ? "challenge" : "token");
    call->host->json->to_int64(bb_get(call, answer, "expires_in"), &seconds);
    return bb_done_token(call, token, seconds);
}

/* --- what it declares ------------------------------------------------------------------------------- */

static const bb_auth_field key_id = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED, .name = "key_id",
                                     .description = "id of the login key: tbk_..."};
static const bb_auth_field secret = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET,
                                     .name = "secret",
                                     .description = "its secret: tbs_...; it signs, and is not sent"};
static const bb_auth_field *const fields[] = {&key_id, &secret, NULL};

static const bb_custom_auth login = {
    BB_SIZE(bb_custom_auth),
    .flags = BB_AUTH_RENEW,
    .id = "total_battle_login",
    .summary =
        "a login signed with HMAC-SHA256 gives a token that is renewed; key and secret: the game server's "
        "console, Access, Login keys",
    .fields = fields,
    .start = login_start,
    .resume = login_resume,
};
static const bb_custom_auth *const schemes[] = {&login, NULL};

const bb_auth_extension tb_auth = {BB_SIZE(bb_auth_extension), .schemes = schemes};
