/* webhook.c - X-Slack-Signature: v0=HEX, HMAC-SHA256 of "v0:" TIMESTAMP ":" BODY under the app's signing
 * secret. https://api.slack.com/authentication/verifying-requests-from-slack
 *
 * The Events API posts JSON: url_verification is answered with its challenge, event_callback is an event of
 * the inner type. Interactivity posts a form whose field `payload` is JSON, a slash command a form of plain
 * fields: they become JSON objects. */
#include <busbar/busbar.h>
#include <busbar/webhook.h>

#include "webhook.h"

/* --- the signature ----------------------------------------------------------------------------------------
 */

static bb_str signed_text(bb_call *call, bb_str at, bb_str body) {
    size_t size = 3 + at.len + 1 + body.len;
    char *to = call->host->call->alloc(call, size);
    bb_str text = {to, size};
    if (to == NULL)
        return bb_s(NULL);
    memcpy(to, "v0:", 3);
    memcpy(to + 3, at.ptr, at.len);
    to[3 + at.len] = ':';
    if (body.len > 0)
        memcpy(to + 4 + at.len, body.ptr, body.len);
    return text;
}

static int signature_fits(bb_call *call, bb_str header, bb_str text) {
    if (header.len < 3 || memcmp(header.ptr, "v0=", 3) != 0)
        return 0;
    bb_str hex = {header.ptr + 3, header.len - 3};
    return bb_webhook_hmac_is_hex(call, BB_SHA256, bb_in_text(call, "signing_secret"), text, hex);
}

/* --- forms (application/x-www-form-urlencoded, WHATWG URL section 5.1)
 * --------------------------------------- */

static int digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* In place: what is decoded is never longer. */
static bb_str decode(char *text, size_t len) {
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        int high = text[i] == '%' && i + 2 < len ? digit(text[i + 1]) : -1;
        int low = high >= 0 ? digit(text[i + 2]) : -1;
        if (low >= 0)
            i += 2;
        text[n++] = low >= 0 ? (char)(high << 4 | low) : text[i] == '+' ? ' ' : text[i];
    }
    bb_str out = {text, n};
    return out;
}

/* The next field of the form. 0: there is none. */
static int next_field(char **at, char *end, bb_str *name, bb_str *value) {
    if (*at >= end)
        return 0;
    char *stop = memchr(*at, '&', (size_t)(end - *at));
    stop = stop != NULL ? stop : end;
    char *sign = memchr(*at, '=', (size_t)(stop - *at));
    char *from = sign != NULL ? sign + 1 : stop;
    *name = decode(*at, (size_t)((sign != NULL ? sign : stop) - *at));
    *value = decode(from, (size_t)(stop - from));
    *at = stop < end ? stop + 1 : end;
    return 1;
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

static bb_step take_form(bb_call *call, bb_str body) {
    const bb_json_api *json = call->host->json;
    char *copy = call->host->call->alloc(call, body.len + 1), *at = copy;
    bb_json_writer *w = json->writer(call);
    bb_str name, value, payload = {NULL, 0};
    if (copy == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory to read the form");
    memcpy(copy, body.ptr, body.len);
    json->begin_object(w);
    while (next_field(&at, copy + body.len, &name, &value)) {
        if (bb_str_eq(name, "payload"))
            payload = value;
        json->key(w, name);
        json->put_string(w, value);
    }
    json->end_object(w);
    if (payload.ptr != NULL) {
        const bb_json *inner = json->parse(call, payload);
        if (inner == NULL)
            return bb_fail(call, BB_E_INVALID_INPUT, "the form's payload is not JSON");
        bb_webhook_event(call, bb_s(NULL), bb_text(call, bb_get(call, inner, "type")), payload);
        return BB_DONE;
    }
    bb_str fields = json->finish(w);
    if (fields.ptr == NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "the form is not UTF-8");
    bb_webhook_event(call, bb_s(NULL), bb_s("slash_command"), fields);
    return BB_DONE;
}

static int is_form(const bb_webhook_request *request) {
    static const char form[] = "application/x-www-form-urlencoded";
    bb_str type = bb_webhook_header(request, "Content-Type");
    return type.len >= sizeof form - 1 && memcmp(type.ptr, form, sizeof form - 1) == 0;
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    bb_str at = bb_webhook_header(request, "X-Slack-Request-Timestamp");
    int64_t seconds = 0;
    if (!bb_webhook_seconds(at, &seconds))
        return bb_webhook_refuse(call, "X-Slack-Request-Timestamp is missing, or not a number");
    bb_str text = signed_text(call, at, request->body);
    if (text.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory to check the signature");
    if (!signature_fits(call, bb_webhook_header(request, "X-Slack-Signature"), text))
        return bb_webhook_refuse(call, "X-Slack-Signature does not fit: is it the app's signing secret?");
    bb_webhook_signed_at(call, seconds * 1000);
    return is_form(request) ? take_form(call, request->body) : take_json(call, request->body);
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
};
static const bb_webhook_scheme *const schemes[] = {&scheme, NULL};
const bb_webhook_extension slack_webhooks = {BB_SIZE(bb_webhook_extension), .schemes = schemes};
