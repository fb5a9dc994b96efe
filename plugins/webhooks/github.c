/* github.c - GitHub: X-Hub-Signature-256, "sha256=" and the HMAC-SHA256 of the body in hexadecimal. A webhook
 * sends JSON, or a form whose field `payload` is that JSON; what is signed is the body as it comes.
 * https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries */
#include "webhooks.h"

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    if (!webhooks_sha256_fits(call, "secret", request->body,
                              bb_webhook_header(request, "X-Hub-Signature-256"), 0))
        return bb_webhook_refuse(call, "X-Hub-Signature-256 is missing or does not fit: is it this webhook's "
                                       "secret?");
    bb_str payload = request->body;
    if (webhooks_is_form(request))
        payload = bb_form_get(call, request->body, "payload");
    const bb_json *event = call->host->json->parse(call, payload);
    if (event == NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "neither the body nor its field `payload` is JSON");
    bb_webhook_event(call, bb_webhook_header(request, "X-GitHub-Delivery"),
                     webhooks_dotted(call, bb_webhook_header(request, "X-GitHub-Event"),
                                     bb_text(call, bb_get(call, event, "action"))),
                     payload);
    return BB_DONE;
}

static const bb_auth_field secret = WEBHOOKS_SECRET(
    "secret", "the webhook's secret: repository or organization, Settings, Webhooks");
static const bb_auth_field *const fields[] = {&secret, NULL};
const bb_webhook_scheme github = {
    BB_SIZE(bb_webhook_scheme),
    .id = "github",
    .summary = "X-Hub-Signature-256: webhooks of repositories, organizations and apps of GitHub",
    .fields = fields,
    .verify = verify,
};
