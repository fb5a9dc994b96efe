/* gitlab.c - GitLab: X-Gitlab-Token is the secret itself.
 * https://docs.gitlab.com/user/project/integrations/webhooks */
#include "webhooks.h"

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    bb_str token = bb_in_text(call, "token");
    if (token.len == 0 || !call->host->crypto->equal(bb_webhook_header(request, "X-Gitlab-Token"), token))
        return bb_webhook_refuse(call, "X-Gitlab-Token is missing or is not this webhook's secret token");
    const bb_json *event = call->host->json->parse(call, request->body);
    if (event == NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "the event is not JSON");
    bb_str kind = bb_text(call, bb_get(call, event, "object_kind"));
    if (kind.len == 0)
        kind = bb_text(call, bb_get(call, event, "event_name")); /* of system hooks */
    bb_str id = bb_webhook_header(request, "Idempotency-Key");   /* the same in each repeat */
    bb_webhook_event(call, id.len > 0 ? id : bb_webhook_header(request, "X-Gitlab-Event-UUID"), kind,
                     request->body);
    return BB_DONE;
}

static bb_step sign(bb_call *call, const bb_webhook_sample *sample) {
    const bb_str pairs[] = {bb_s("object_kind"), sample->type};
    bb_str body = webhooks_sample_body(call, sample, pairs, 1);
    if (body.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the sample");
    bb_webhook_sample_header(call, "Content-Type", bb_s("application/json"));
    bb_webhook_sample_header(call, "X-Gitlab-Token", bb_in_text(call, "token"));
    bb_webhook_sample_header(call, "Idempotency-Key", sample->id);
    bb_webhook_sample_body(call, body);
    return BB_DONE;
}

static const bb_auth_field token = WEBHOOKS_SECRET(
    "token", "the webhook's secret token: project or group, Settings, Webhooks");
static const bb_auth_field *const fields[] = {&token, NULL};
const bb_webhook_scheme gitlab = {
    BB_SIZE(bb_webhook_scheme),
    .id = "gitlab",
    .summary = "X-Gitlab-Token: webhooks of projects, groups and systems of GitLab",
    .fields = fields,
    .verify = verify,
    .sign = sign,
};
