/* github.c - GitHub: X-Hub-Signature-256, "sha256=" and the HMAC-SHA256 of the body in hexadecimal. A webhook
 * sends JSON, or a form whose field `payload` is that JSON; what is signed is the body as it comes.
 * https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries */
#include "webhooks.h"

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    if (!webhooks_sha256_fits(call, "secret", request->body,
                              bb_webhook_header(request, "X-Hub-Signature-256"), 0))
        return bb_webhook_refuse(call, "X-Hub-Signature-256 is missing or does not fit: is it this webhook's "
                                       "secret?");
    bb_webhook_known_by(call, request->body); /* X-GitHub-Delivery, X-GitHub-Event are not signed */
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

/* "issues.opened" is the event and the action of its body. */
static bb_step sign(bb_call *call, const bb_webhook_sample *sample) {
    bb_str event = sample->type, action = {NULL, 0};
    const char *dot = event.len > 0 ? memchr(event.ptr, '.', event.len) : NULL;
    if (dot != NULL) {
        event.len = (size_t)(dot - event.ptr);
        action.ptr = dot + 1;
        action.len = sample->type.len - event.len - 1;
    }
    const bb_str pairs[] = {bb_s("action"), action, bb_s("delivery"), sample->id};
    bb_webhook_sample_header(call, "X-GitHub-Event", event);
    bb_webhook_sample_header(call, "X-GitHub-Delivery", sample->id);
    return webhooks_sign_sha256(call, "secret", webhooks_sample_body(call, sample, pairs, 2),
                                "X-Hub-Signature-256", 0);
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
    .sign = sign,
};
