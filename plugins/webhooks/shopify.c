/* shopify.c - Shopify: X-Shopify-Hmac-Sha256, base64 of the HMAC-SHA256 of the body.
 * https://shopify.dev/docs/apps/build/webhooks/subscribe/https */
#include "webhooks.h"

/* One body comes under several topics (orders/create, orders/updated), and neither topic nor
 * X-Shopify-Webhook-Id is signed. 0: no memory. */
static int know(bb_call *call, bb_str body, bb_str topic) {
    uint8_t hash[BB_HASH_MAX];
    size_t n = call->host->crypto->digest(BB_SHA256, body, hash);
    bb_str known = {NULL, n + topic.len};
    char *text = call->host->call->alloc(call, known.len);
    if (text == NULL)
        return 0;
    memcpy(text, hash, n);
    if (topic.len > 0)
        memcpy(text + n, topic.ptr, topic.len);
    known.ptr = text;
    bb_webhook_known_by(call, known);
    return 1;
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    bb_str secret = bb_in_text(call, "client_secret"), topic = bb_webhook_header(request, "X-Shopify-Topic");
    if (secret.len == 0 || !bb_webhook_hmac_is_base64(call, BB_SHA256, secret, request->body,
                                                      bb_webhook_header(request, "X-Shopify-Hmac-Sha256")))
        return bb_webhook_refuse(call,
                                 "X-Shopify-Hmac-Sha256 is missing or does not fit: is it the app's client "
                                 "secret, or that of the shop's notifications?");
    if (!know(call, request->body, topic))
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the event");
    if (call->host->json->parse(call, request->body) == NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "the event is not JSON: choose the format JSON");
    bb_webhook_event(call, bb_webhook_header(request, "X-Shopify-Webhook-Id"), topic, request->body);
    return BB_DONE;
}

static bb_step sign(bb_call *call, const bb_webhook_sample *sample) {
    const bb_str pairs[] = {bb_s("sample"), sample->id};
    bb_str body = webhooks_sample_body(call, sample, pairs, 1);
    bb_str signature = bb_webhook_hmac_text(call, BB_SHA256, bb_in_text(call, "client_secret"), body, "", 1);
    if (body.ptr == NULL || signature.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the sample");
    bb_webhook_sample_header(call, "Content-Type", bb_s("application/json"));
    bb_webhook_sample_header(call, "X-Shopify-Topic", sample->type);
    bb_webhook_sample_header(call, "X-Shopify-Webhook-Id", sample->id);
    bb_webhook_sample_header(call, "X-Shopify-Hmac-Sha256", signature);
    bb_webhook_sample_body(call, body);
    return BB_DONE;
}

static const bb_auth_field secret = WEBHOOKS_SECRET(
    "client_secret", "the app's client secret, or the key shown under Settings, Notifications, Webhooks");
static const bb_auth_field *const fields[] = {&secret, NULL};
const bb_webhook_scheme shopify = {
    BB_SIZE(bb_webhook_scheme),
    .id = "shopify",
    .summary = "X-Shopify-Hmac-Sha256: webhooks of a Shopify app or shop",
    .fields = fields,
    .verify = verify,
    .sign = sign,
};
