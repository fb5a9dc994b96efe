/* incoming.c - what Discord posts: interactions, and events of an application's webhook. Both are signed by
 * X-Signature-Ed25519 (hex) over X-Signature-Timestamp and the body, under the application's public key, and
 * both begin with a PING (https://docs.discord.com/developers/interactions/overview#setting-up-an-endpoint,
 * .../events/webhook-events).
 *
 * An interaction wants an answer within three seconds. The hub gives one that leaves the application fifteen
 * minutes, or none, if it answers by itself (interactions.respond). */
#include "discord.h"

#define KEY_BYTES 32u
#define SIGNATURE_BYTES 64u

/* --- the signature ---------------------------------------------------------------------------------- */

static size_t bytes_of(bb_call *call, bb_str hex, uint8_t *out, size_t cap) {
    return call->host->crypto->hex_decode(hex, out, cap);
}

/* 1: it fits. 0: it does not. -1: no memory, and the step has failed. */
static int signature_fits(bb_call *call, bb_str at, bb_str hex, bb_str body) {
    uint8_t key[KEY_BYTES], signature[SIGNATURE_BYTES];
    bb_str public_key = {(const char *)key, sizeof key}, given = {(const char *)signature, sizeof signature};
    bb_str whole = bb_joined(call, (const bb_str[]){at, body}, 2);
    if (whole.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory to check the signature"), -1;
    return bytes_of(call, bb_in_text(call, "public_key"), key, sizeof key) == sizeof key &&
           bytes_of(call, hex, signature, sizeof signature) == sizeof signature &&
           call->host->crypto->ed25519_verify(public_key, whole, given) != 0;
}

static int has_key(bb_call *call) {
    uint8_t key[KEY_BYTES];
    return bytes_of(call, bb_in_text(call, "public_key"), key, sizeof key) == sizeof key;
}

/* --- what it means ---------------------------------------------------------------------------------- */

/* Types of interactions: 1 PING, 2 command, 3 component, 4 autocomplete, 5 modal. */
static const struct {
    const char *type;
    const char *later; /* the answer that puts it off; a list of choices cannot be: none are offered */
} interactions[] = {
    {NULL, NULL},
    {NULL, NULL},
    {"application_command", "{\"type\":5}"},
    {"message_component", "{\"type\":6}"},
    {"autocomplete", "{\"type\":8,\"data\":{\"choices\":[]}}"},
    {"modal_submit", "{\"type\":5}"},
};

static bb_step take_interaction(bb_call *call, const bb_json *posted, int64_t type, bb_str body) {
    int later = !bb_str_eq(bb_in_text(call, "answer"), "none");
    if (type == 1) {
        bb_webhook_answer(call, 200, "application/json", bb_s("{\"type\":1}"));
        return BB_DONE;
    }
    if (type < 2 || type >= (int64_t)(sizeof interactions / sizeof interactions[0]))
        return bb_fail(call, BB_E_INVALID_INPUT, "the interaction is of type %lld, which is not known",
                       (long long)type);
    bb_webhook_event(call, bb_text(call, bb_get(call, posted, "id")), bb_s(interactions[type].type), body);
    if (later)
        bb_webhook_answer(call, 200, "application/json", bb_s(interactions[type].later));
    else
        bb_webhook_answer(call, 202, NULL, bb_s(NULL));
    return BB_DONE;
}

/* {"version": 1, "type": 1, "event": {"type", "timestamp", "data"}}; type 0 is the PING. */
static bb_step take_event(bb_call *call, const bb_json *posted, int64_t type, bb_str body) {
    if (type == 1)
        bb_webhook_event(call, bb_s(NULL), bb_text(call, bb_get(call, bb_get(call, posted, "event"), "type")),
                         body);
    bb_webhook_answer(call, 204, NULL, bb_s(NULL));
    return BB_DONE;
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    bb_str at = bb_webhook_header(request, "X-Signature-Timestamp");
    int64_t seconds = 0, type = 0;
    if (!BB_HAS(call->host->crypto, ed25519_verify))
        return bb_fail(call, BB_E_UNSUPPORTED, "this hub knows no Ed25519 signatures: it is too old");
    if (!bb_webhook_seconds(at, &seconds))
        return bb_webhook_refuse(call, "X-Signature-Timestamp is missing, or not a number");
    int fits = signature_fits(call, at, bb_webhook_header(request, "X-Signature-Ed25519"), request->body);
    if (fits < 0)
        return BB_FAIL;
    if (fits == 0 && !has_key(call))
        return bb_webhook_refuse(call,
                                 "public_key of the endpoint is not of 64 hexadecimal digits: no signature "
                                 "can fit");
    if (fits == 0)
        return bb_webhook_refuse(call,
                                 "X-Signature-Ed25519 does not fit: is it the application's public key?");
    bb_webhook_signed_at(call, seconds * 1000);
    const bb_json *posted = call->host->json->parse(call, request->body);
    if (!call->host->json->to_int64(bb_get(call, posted, "type"), &type))
        return bb_fail(call, BB_E_INVALID_INPUT, "the body is no interaction and no event of Discord's");
    if (bb_get(call, posted, "token") == NULL &&
        bb_is(call, bb_get(call, posted, "version"), BB_JSON_NUMBER) &&
        (type == 0 || bb_get(call, posted, "event") != NULL))
        return take_event(call, posted, type, request->body);
    return take_interaction(call, posted, type, request->body);
}

/* --- what it declares ------------------------------------------------------------------------------- */

static const bb_auth_field public_key = {
    BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED, .name = "public_key",
    .description = "of the application, 64 hexadecimal digits: developer portal, General "
                   "Information"};
static const bb_auth_field answer = {
    BB_SIZE(bb_auth_field), .name = "answer",
    .description = "to an interaction: later (the application has 15 minutes: "
                   "interactions.edit_response), or none (it answers within 3 s: "
                   "interactions.respond)",
    .otherwise = "later"};
static const bb_auth_field *const fields[] = {&public_key, &answer, NULL};
static const bb_webhook_scheme scheme = {
    BB_SIZE(bb_webhook_scheme),
    .id = "discord",
    .summary = "X-Signature-Ed25519: interactions, and events of an application",
    .fields = fields,
    .verify = verify,
};
static const bb_webhook_scheme *const schemes[] = {&scheme, NULL};
const bb_webhook_extension dc_webhooks = {BB_SIZE(bb_webhook_extension), .schemes = schemes};
