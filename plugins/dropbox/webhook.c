/* webhook.c - X-Dropbox-Signature: HMAC-SHA256 of the body under the app's secret, in hexadecimal
 * (https://www.dropbox.com/developers/reference/webhooks).
 *
 * A notification names the accounts that have changed, and not what: each becomes an event, to be followed by
 * files.list_folder.continue with a kept cursor. It has no id, and says the same again at each change: so
 * that none is taken for a repeat of another, each event gets an id of its own.
 *
 * A URL is taken once it has answered a GET with its challenge. */
#include "dropbox.h"

#include <busbar/form.h>

/* --- the challenge ---------------------------------------------------------------------------------- */

/* Echoed as plain text: so that a page made of it is none, it may only have what Dropbox's own have. */
static bb_step answer_challenge(bb_call *call, bb_str query) {
    bb_str challenge = bb_form_get(call, query, "challenge");
    if (challenge.len == 0 || challenge.len > 256)
        return bb_webhook_refuse(call, "a GET without Dropbox's challenge");
    for (size_t i = 0; i < challenge.len; i++)
        if ((unsigned char)challenge.ptr[i] < 0x21 || (unsigned char)challenge.ptr[i] > 0x7e ||
            challenge.ptr[i] == '<')
            return bb_webhook_refuse(call, "the challenge has characters that Dropbox's do not have");
    bb_webhook_answer(call, 200, "text/plain; charset=utf-8", challenge);
    return BB_DONE;
}

/* --- notifications ---------------------------------------------------------------------------------- */

static bb_str payload_of(bb_call *call, const char *kind, const bb_json *account) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    json->key(w, bb_s("type"));
    json->put_string(w, bb_s(kind));
    json->key(w, bb_s("account"));
    json->put_value(w, account);
    json->end_object(w);
    return json->finish(w);
}

/* An id that no other event has. 0: the step has failed. */
static int make_id(bb_call *call, char out[33]) {
    uint8_t random[16];
    bb_str bytes = {(const char *)random, sizeof random};
    if (call->host->crypto->random(random, sizeof random) != BB_OK)
        return bb_fail(call, BB_E_PLUGIN, "the host gives no random bytes"), 0;
    call->host->crypto->hex_encode(bytes, out, 32);
    out[32] = '\0';
    return 1;
}

static int put_events(bb_call *call, const char *kind, const bb_json *accounts, int *count) {
    bb_json_iter it;
    char id[33];
    memset(&it, 0, sizeof it);
    while (call->host->json->next(accounts, &it)) {
        if (bb_text(call, it.value).len == 0)
            continue;
        if (!make_id(call, id))
            return 0;
        bb_webhook_event(call, bb_s(id), bb_s(kind), payload_of(call, kind, it.value));
        ++*count;
    }
    return 1;
}

static bb_step take(bb_call *call, bb_str body) {
    const bb_json *said = call->host->json->parse(call, body);
    int count = 0;
    char id[33];
    if (!bb_is(call, said, BB_JSON_OBJECT))
        return bb_fail(call, BB_E_INVALID_INPUT, "the body is not a JSON object");
    if (!put_events(call, "list_folder", bb_get(call, bb_get(call, said, "list_folder"), "accounts"), &count))
        return BB_FAIL;
    if (count == 0) { /* of another kind: a team's, file requests */
        if (!make_id(call, id))
            return BB_FAIL;
        bb_webhook_event(call, bb_s(id), bb_s("notification"), body);
    }
    return BB_DONE;
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    if (bb_str_eq(request->method, "GET"))
        return answer_challenge(call, request->query);
    bb_str signature = bb_webhook_header(request, "X-Dropbox-Signature");
    if (signature.len == 0)
        return bb_webhook_refuse(call, "X-Dropbox-Signature is missing");
    if (!bb_webhook_hmac_is_hex(call, BB_SHA256, bb_in_text(call, "app_secret"), request->body, signature))
        return bb_webhook_refuse(call, "X-Dropbox-Signature does not fit: is app_secret the app's?");
    return take(call, request->body);
}

/* One account that has changed: Dropbox's notifications have neither ids nor types of their own. */
static bb_step sign(bb_call *call, const bb_webhook_sample *sample) {
    static const char notification[] = "{\"list_folder\":{\"accounts\":[\"dbid:sample\"]}}";
    bb_str body = sample->payload.ptr != NULL ? sample->payload : bb_s(notification);
    bb_str signature = bb_webhook_hmac_text(call, BB_SHA256, bb_in_text(call, "app_secret"), body, "", 0);
    if (signature.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the sample");
    bb_webhook_sample_header(call, "Content-Type", bb_s("application/json"));
    bb_webhook_sample_header(call, "X-Dropbox-Signature", signature);
    bb_webhook_sample_body(call, body);
    return BB_DONE;
}

static const bb_auth_field app_secret = {
    BB_SIZE(bb_auth_field),
    .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET,
    .name = "app_secret",
    .description = "the app's secret: dropbox.com/developers/apps, the app, Settings",
};
static const bb_auth_field *const fields[] = {&app_secret, NULL};
static const bb_webhook_scheme scheme = {
    BB_SIZE(bb_webhook_scheme),
    .flags = BB_WEBHOOK_GET,
    .id = "dropbox",
    .summary = "X-Dropbox-Signature: accounts whose files have changed",
    .fields = fields,
    .verify = verify,
    .sign = sign,
};
static const bb_webhook_scheme *const schemes[] = {&scheme, NULL};
const bb_webhook_extension dropbox_webhooks = {BB_SIZE(bb_webhook_extension), .schemes = schemes};
