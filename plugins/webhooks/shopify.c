/* shopify.c - Shopify: X-Shopify-Hmac-Sha256, base64 of the HMAC-SHA256 of the body.
 * https://shopify.dev/docs/apps/build/webhooks/subscribe/https */
#include "webhooks.h"

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    bb_str secret = bb_in_text(call, "client_secret");
    if (secret.len == 0 || !bb_webhook_hmac_is_base64(call, BB_SHA256, secret, request->body,
                                                      bb_webhook_header(request, "X-Shopify-Hmac-Sha256")))
        return bb_webhook_refuse(call,
                                 "X-Shopify-Hmac-Sha256 is missing or does not fit: is it the app's client "
                                 "secret, or that of the shop's notifications?");
    bb_webhook_known_by(call, request->body); /* X-Shopify-Webhook-Id is not signed */
    if (call->host->json->parse(call, request->body) == NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "the event is not JSON: choose the format JSON");
    bb_webhook_event(call, bb_webhook_header(request, "X-Shopify-Webhook-Id"),
                     bb_webhook_header(request, "X-Shopify-Topic"), request->body);
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
