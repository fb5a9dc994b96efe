/* webhook.c - X-Slack-Signature: v0=HEX, HMAC-SHA256 of "v0:" TIMESTAMP ":" BODY under the app's signing
 * secret. https://api.slack.com/authentication/verifying-requests-from-slack
 *
 * The Events API posts JSON: url_verification is answered with its challenge, event_callback is an event of
 * the inner type. Interactivity posts a form whose field `payload` is JSON, a slash command a form of plain
 * fields: they become JSON objects. */
#include <busbar/busbar.h>
#include <busbar/form.h>
#include <busbar/webhook.h>

#include "webhook.h"

/* --- the signature ----------------------------------------------------------------------------------------
 */

static int signature_fits(bb_call *call, bb_str header, bb_str text) {
    if (header.len < 3 || memcmp(header.ptr, "v0=", 3) != 0)
        return 0;
    bb_str hex = {header.ptr + 3, header.len - 3};
    return bb_webhook_hmac_is_hex(call, BB_SHA256, bb_in_text(call, "signing_secret"), text, hex);
}

/* --- what it means ----------------------------------------------------------------------------------------
 */

static bb_step take_json(bb_call *call, bb_str body) {
    const bb_json *event = call->host->json->parse(call, body);
    if (event == NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "the body is neither JSON nor a form");
    bb_str type = bb_text(call, bb_get(call, event, "type"));
    if (bb_str_eq(type, "url_verification")) {
        bb_webhook_answer(call, 200, "text/plain", bb_text(call, bb_get(call, event, "challenge")));
        return BB_DONE;
    }
    if (bb_str_eq(type, "event_callback"))
        type = bb_text(call, bb_get(call, bb_get(call, event, "event"), "type"));
    bb_webhook_event(call, bb_text(call, bb_get(call, event, "event_id")), type, body);
    return BB_DONE;
}

/* What a form says is a slash command, unless it has a payload. */
static bb_step take_payload(bb_call *call, bb_str payload) {
    const bb_json *inner = call->host->json->parse(call, payload);
    if (inner == NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "the form's payload is not JSON");
    bb_webhook_event(call, bb_s(NULL), bb_text(call, bb_get(call, inner, "type")), payload);
    return BB_DONE;
}

static bb_step take_form(bb_call *call, bb_str body) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    bb_form_fields form;
    bb_str name, value;
    if (!bb_form_open(call, body, &form))
        return bb_fail(call, BB_E_NO_MEMORY, "no memory to read the form");
    json->begin_object(w);
    while (bb_form_next(&form, &name, &value)) {
        if (!bb_is_utf8(name) || !bb_is_utf8(value))
            return bb_fail(call, BB_E_INVALID_INPUT, "the form is not UTF-8");
        if (bb_str_eq(name, "payload"))
            return take_payload(call, value);
        if (bb_str_eq(name, "ssl_check")) { /* a look at the certificate, and no command */
            bb_webhook_answer(call, 200, NULL, bb_s(NULL));
            return BB_DONE;
        }
        json->key(w, name);
        json->put_string(w, value);
    }
    json->end_object(w);
    bb_str fields = json->finish(w);
    if (fields.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory to read the form");
    bb_webhook_event(call, bb_s(NULL), bb_s("slash_command"), fields);
    return BB_DONE;
}

/* Content-Type is not signed: who has seen an event could send it again as a form, and it would be another.
 * In a form "{" is written as %7B. */
static int is_form(const bb_webhook_request *request) {
    return bb_form_is(bb_webhook_header(request, "Content-Type")) &&
           !(request->body.len > 0 && request->body.ptr[0] == '{');
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    bb_str at = bb_webhook_header(request, "X-Slack-Request-Timestamp");
    int64_t seconds = 0;
    if (!bb_webhook_seconds(at, &seconds))
        return bb_webhook_refuse(call, "X-Slack-Request-Timestamp is missing, or not a number");
    bb_str text = bb_joined(call, (const bb_str[]){bb_s("v0:"), at, bb_s(":"), request->body}, 4);
    if (text.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory to check the signature");
    if (!signature_fits(call, bb_webhook_header(request, "X-Slack-Signature"), text))
        return bb_webhook_refuse(call, "X-Slack-Signature does not fit: is it the app's signing secret?");
    bb_webhook_signed_at(call, seconds * 1000);
    return is_form(request) ? take_form(call, request->body) : take_json(call, request->body);
}

/* --- a sample ------------------------------------------------------------------------------------------ */

/* {"type": "event_callback", "event_id": ID, "event": {"type": TYPE}} */
static bb_str sample_of(bb_call *call, const bb_webhook_sample *sample) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    json->key(w, bb_s("type"));
    json->put_string(w, bb_s("event_callback"));
    json->key(w, bb_s("event_id"));
    json->put_string(w, sample->id);
    json->key(w, bb_s("event"));
    json->begin_object(w);
    json->key(w, bb_s("type"));
    json->put_string(w, sample->type);
    json->end_object(w);
    json->end_object(w);
    return json->finish(w);
}

static bb_step sign(bb_call *call, const bb_webhook_sample *sample) {
    char seconds[24];
    bb_str body = sample->payload.ptr != NULL ? sample->payload : sample_of(call, sample);
    snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(sample->now_ms / 1000));
    bb_str text = bb_joined(call, (const bb_str[]){bb_s("v0:"), bb_s(seconds), bb_s(":"), body}, 4);
    bb_str signature = bb_webhook_hmac_text(call, BB_SHA256, bb_in_text(call, "signing_secret"), text,
                                            "v0=", 0);
    if (body.ptr == NULL || text.ptr == NULL || signature.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the sample");
    bb_webhook_sample_header(call, "Content-Type", bb_s("application/json"));
    bb_webhook_sample_header(call, "X-Slack-Request-Timestamp", bb_s(seconds));
    bb_webhook_sample_header(call, "X-Slack-Signature", signature);
    bb_webhook_sample_body(call, body);
    return BB_DONE;
}

static const bb_auth_field signing_secret = {
    BB_SIZE(bb_auth_field),
    .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET,
    .name = "signing_secret",
    .description = "the app's signing secret: api.slack.com/apps, the app, Basic Information",
};
static const bb_auth_field *const fields[] = {&signing_secret, NULL};
static const bb_webhook_scheme scheme = {
    BB_SIZE(bb_webhook_scheme),
    .id = "slack",
    .summary = "X-Slack-Signature: events, interactivity and slash commands of an app",
    .fields = fields,
    .verify = verify,
    .sign = sign,
};
static const bb_webhook_scheme *const schemes[] = {&scheme, NULL};
const bb_webhook_extension slack_webhooks = {BB_SIZE(bb_webhook_extension), .schemes = schemes};
