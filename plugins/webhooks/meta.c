/* meta.c - Facebook, Instagram and WhatsApp: X-Hub-Signature-256 under the app's secret, and the GET by which
 * Meta asks whether the endpoint is ours.
 * https://developers.facebook.com/docs/graph-api/webhooks/getting-started */
#include "webhooks.h"

static bb_step shake(bb_call *call, const bb_webhook_request *request) {
    bb_str token = bb_in_text(call, "verify_token");
    if (!bb_str_eq(bb_form_get(call, request->query, "hub.mode"), "subscribe") || token.len == 0 ||
        !call->host->crypto->equal(bb_form_get(call, request->query, "hub.verify_token"), token))
        return bb_webhook_refuse(call, "hub.verify_token is not this endpoint's verify_token");
    bb_webhook_answer(call, 200, "text/plain", bb_form_get(call, request->query, "hub.challenge"));
    return BB_DONE;
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    if (bb_str_eq(request->method, "GET"))
        return shake(call, request);
    if (!webhooks_sha256_fits(call, "app_secret", request->body,
                              bb_webhook_header(request, "X-Hub-Signature-256"), 0))
        return bb_webhook_refuse(call,
                                 "X-Hub-Signature-256 is missing or does not fit: is it the app's secret?");
    const bb_json *event = call->host->json->parse(call, request->body);
    if (event == NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "the event is not JSON");
    bb_webhook_event(call, bb_s(NULL), bb_text(call, bb_get(call, event, "object")), request->body);
    return BB_DONE;
}

static bb_step sign(bb_call *call, const bb_webhook_sample *sample) {
    const bb_str pairs[] = {bb_s("object"), sample->type, bb_s("sample"), sample->id};
    return webhooks_sign_sha256(call, "app_secret", webhooks_sample_body(call, sample, pairs, 2),
                                "X-Hub-Signature-256", 0);
}

static const bb_auth_field secret = WEBHOOKS_SECRET("app_secret",
                                                    "the app's secret: App Dashboard, Settings, Basic");
static const bb_auth_field token = WEBHOOKS_SECRET(
    "verify_token", "what you typed as the verify token: App Dashboard, Webhooks");
static const bb_auth_field *const fields[] = {&secret, &token, NULL};
const bb_webhook_scheme meta = {
    BB_SIZE(bb_webhook_scheme),
    .flags = BB_WEBHOOK_GET,
    .id = "meta",
    .summary = "X-Hub-Signature-256 and hub.challenge: Facebook, Instagram, WhatsApp",
    .fields = fields,
    .verify = verify,
    .sign = sign,
};
