/* incoming.c - incoming webhooks: messages to the one channel that a URL stands for. The URL is the
 * credential: the scheme "incoming_webhook" keeps it, and puts it in the place of the path that the
 * operations name, which is what is told of the request
 * (https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks). */
#include "incoming.h"

#include "schemas.h"
#include "slack.h"

/* --- the scheme ------------------------------------------------------------------------------------- */

/* How much of a URL is scheme, host and port. */
static size_t origin_of(bb_str url) {
    size_t i = 0, slashes = 0;
    for (; i < url.len && slashes < 3; i++)
        slashes += url.ptr[i] == '/';
    return slashes == 3 ? i - 1 : url.len;
}

static int ends_with(bb_str text, const char *end) {
    size_t n = strlen(end);
    return text.len >= n && memcmp(text.ptr + text.len - n, end, n) == 0;
}

/* The token that some of Slack's guides have in clear is the URL's last segment: no text here shows the URL.
 */
static bb_step sign(bb_call *call, const bb_auth_request *request) {
    bb_str url = bb_in_text(call, "url"), path;
    size_t origin = origin_of(url);
    if (!ends_with(request->url, SLACK_INCOMING))
        return bb_fail(
            call, BB_E_CONFIG,
            "an incoming webhook only takes the operations webhook.*: all others need a token, scheme "
            "bearer");
    if (origin == url.len || origin != origin_of(request->url) ||
        memcmp(url.ptr, request->url.ptr, origin) != 0)
        return bb_fail(call, BB_E_CONFIG,
                       "the webhook's URL is not of base_url's host: set base_url = https://hooks.slack.com");
    path.ptr = url.ptr + origin;
    path.len = url.len - origin;
    return bb_auth_target(call, path) ? BB_DONE : BB_FAIL;
}

static const bb_auth_field url_field = {
    BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET, .name = "url",
    .description = "the webhook's URL: https://hooks.slack.com/services/T.../B.../..."};
static const bb_auth_field *const fields[] = {&url_field, NULL};
static const bb_custom_auth incoming_webhook = {
    BB_SIZE(bb_custom_auth),
    .id = "incoming_webhook",
    .summary =
        "url: of an incoming webhook of your app, Incoming Webhooks; base_url = https://hooks.slack.com",
    .fields = fields,
    .sign = sign,
};
static const bb_custom_auth *const schemes[] = {&incoming_webhook, NULL};
const bb_auth_extension slack_auth = {BB_SIZE(bb_auth_extension), .schemes = schemes};

/* --- answers ---------------------------------------------------------------------------------------- */

/* Slack's code as it stands in a body of plain text; absent: it is none. */
static bb_str code_in(bb_str body) {
    for (size_t i = 0; i < body.len; i++)
        if ((body.ptr[i] < 'a' || body.ptr[i] > 'z') && body.ptr[i] != '_')
            body.len = 0;
    if (body.len > 64)
        body.len = 0;
    return body;
}

bb_step slack_incoming_resume(bb_call *call) {
    bb_str body = call->host->http->response_body(call), code = code_in(body);
    const bb_json *answer = bb_is(call, bb_response(call), BB_JSON_OBJECT) ? bb_response(call) : NULL;
    if (answer != NULL && !slack_ok(call))
        return BB_FAIL;
    if (!bb_ok(call))
        return bb_fail_http(call, code, bb_s(NULL));
    if (!bb_str_eq(body, "ok"))
        return bb_fail(call, BB_E_UPSTREAM_INVALID,
                       "the answer is none of an incoming webhook's: is url one?");
    return bb_done_text(call, bb_s("{\"ok\":true}"));
}

/* --- operations ------------------------------------------------------------------------------------- */

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

static const char webhook_send_input[] = INPUT(HAS_CONTENT,
    CONTENT ","
    THREAD ","
    UNFURL ","
    BOOLEAN("mrkdwn", "false: the text is no markup") ","
    METADATA);

/* clang-format on */

static bb_step send_start(bb_call *call) {
    return slack_post(call, SLACK_INCOMING, call->host->json->text(call->input));
}

const bb_operation slack_webhook_send = {
    BB_SIZE(bb_operation),
    .id = "webhook.send",
    .summary = "Send a message by an incoming webhook",
    .description =
        "1 message a second. Needs the auth scheme incoming_webhook. Not repeated after a failure that "
        "may have reached Slack.",
    .input_schema = webhook_send_input,
    .output_schema = "{\"type\":\"object\",\"required\":[\"ok\"],\"properties\":{\"ok\":{\"const\":true}}}",
    .examples = EXAMPLE("plain text", "{\"text\":\"Deployed *v1.4.2*\"}"),
    .start = send_start,
    .resume = slack_incoming_resume,
};
