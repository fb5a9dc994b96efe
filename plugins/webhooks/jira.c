/* jira.c - Jira: X-Hub-Signature, "sha256=" and the HMAC-SHA256 of the body in hexadecimal (WebSub, section
 * 8). https://developer.atlassian.com/cloud/jira/platform/webhooks */
#include "webhooks.h"

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    if (!webhooks_sha256_fits(call, "secret", request->body, bb_webhook_header(request, "X-Hub-Signature"),
                              0))
        return bb_webhook_refuse(call, "X-Hub-Signature is missing, is not of sha256, or does not fit: is it "
                                       "this webhook's secret?");
    bb_webhook_known_by(call, request->body); /* X-Atlassian-Webhook-Identifier is not signed */
    const bb_json *event = call->host->json->parse(call, request->body);
    if (event == NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "the event is not JSON");
    bb_webhook_event(call, bb_webhook_header(request, "X-Atlassian-Webhook-Identifier"),
                     bb_text(call, bb_get(call, event, "webhookEvent")), request->body);
    return BB_DONE;
}

static bb_step sign(bb_call *call, const bb_webhook_sample *sample) {
    const bb_str pairs[] = {bb_s("webhookEvent"), sample->type, bb_s("identifier"), sample->id};
    bb_webhook_sample_header(call, "X-Atlassian-Webhook-Identifier", sample->id);
    return webhooks_sign_sha256(call, "secret", webhooks_sample_body(call, sample, pairs, 2),
                                "X-Hub-Signature", 0);
}

static const bb_auth_field secret = WEBHOOKS_SECRET("secret",
                                                    "the webhook's secret: Jira settings, System, WebHooks");
static const bb_auth_field *const fields[] = {&secret, NULL};
const bb_webhook_scheme jira = {
    BB_SIZE(bb_webhook_scheme), .id = "jira",     .summary = "X-Hub-Signature: webhooks of Jira",
    .fields = fields,           .verify = verify, .sign = sign,
};
