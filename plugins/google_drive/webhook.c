/* webhook.c - what Google posts to a channel's address: header fields, and hardly ever a body. It signs
 * nothing; the token that files.watch or changes.watch was given comes back with each notification, and is
 * the proof. https://developers.google.com/workspace/drive/api/guides/push */
#include "google_drive.h"

/* The fields as a JSON object; empty where one is not UTF-8, which a header field may be and JSON may not. */
static bb_str payload_of(bb_call *call, const bb_webhook_request *request) {
    static const char *const fields[][2] = {{"channelId", "X-Goog-Channel-ID"},
                                            {"channelExpiration", "X-Goog-Channel-Expiration"},
                                            {"messageNumber", "X-Goog-Message-Number"},
                                            {"resourceId", "X-Goog-Resource-ID"},
                                            {"resourceUri", "X-Goog-Resource-URI"},
                                            {"resourceState", "X-Goog-Resource-State"},
                                            {"changed", "X-Goog-Changed"}};
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        bb_str value = bb_webhook_header(request, fields[i][1]), nothing = {NULL, 0};
        if (!bb_is_utf8(value))
            return nothing;
        if (value.len == 0)
            continue;
        json->key(w, bb_s(fields[i][0]));
        json->put_string(w, value);
    }
    json->end_object(w);
    return json->finish(w);
}

/* A channel numbers its messages: with its id that is one of a kind. */
static bb_step take(bb_call *call, const bb_webhook_request *request, bb_str channel, bb_str state) {
    bb_str number = bb_webhook_header(request, "X-Goog-Message-Number"), payload;
    size_t n = channel.len + 1 + number.len;
    char *id = (char *)call->host->call->alloc(call, n + 1);
    if (id == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the event");
    snprintf(id, n + 1, "%.*s:%.*s", (int)channel.len, channel.ptr, (int)number.len, number.ptr);
    payload = payload_of(call, request);
    if (payload.len == 0)
        return bb_fail(call, BB_E_INVALID_INPUT, "a header field of the notification is not UTF-8");
    bb_webhook_event(call, bb_s(id), state, payload);
    return BB_DONE;
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    bb_str token = bb_webhook_header(request, "X-Goog-Channel-Token"), own = bb_in_text(call, "token"),
           channel = bb_webhook_header(request, "X-Goog-Channel-ID"),
           state = bb_webhook_header(request, "X-Goog-Resource-State"),
           number = bb_webhook_header(request, "X-Goog-Message-Number"), nothing = {NULL, 0};
    if (token.len == 0)
        return bb_webhook_refuse(call, "X-Goog-Channel-Token is missing: the channel was opened without a "
                                       "token");
    if (own.len == 0 || !call->host->crypto->equal(token, own))
        return bb_webhook_refuse(call, "X-Goog-Channel-Token does not fit: is it the channel's own token?");
    if (channel.len == 0 || state.len == 0 || number.len == 0)
        return bb_fail(call, BB_E_INVALID_INPUT,
                       "X-Goog-Channel-ID, -Resource-State or -Message-Number is missing");
    if (bb_str_eq(state, "sync")) { /* the channel's first message: it is open */
        bb_webhook_answer(call, 200, "text/plain", nothing);
        return BB_DONE;
    }
    return take(call, request, channel, state);
}

/* A notification is its header fields: what it is to hold has no place in it. */
static bb_step sign(bb_call *call, const bb_webhook_sample *sample) {
    if (sample->payload.ptr != NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "Google's notifications have no payload: leave it out");
    bb_webhook_sample_header(call, "X-Goog-Channel-Token", bb_in_text(call, "token"));
    bb_webhook_sample_header(call, "X-Goog-Channel-ID", bb_s("sample"));
    bb_webhook_sample_header(call, "X-Goog-Message-Number", sample->id);
    bb_webhook_sample_header(call, "X-Goog-Resource-State", sample->type);
    return BB_DONE;
}

static const bb_auth_field token_field = {
    BB_SIZE(bb_auth_field),
    .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET,
    .name = "token",
    .description = "the `token` that files.watch or changes.watch was given: a long random text",
};
static const bb_auth_field *const fields[] = {&token_field, NULL};
static const bb_webhook_scheme scheme = {
    BB_SIZE(bb_webhook_scheme),
    .id = "google_drive",
    .summary = "X-Goog-Channel-Token: notifications of channels opened by files.watch and changes.watch",
    .fields = fields,
    .verify = verify,
    .sign = sign,
};
static const bb_webhook_scheme *const schemes[] = {&scheme, NULL};
const bb_webhook_extension gd_webhooks = {BB_SIZE(bb_webhook_extension), .schemes = schemes};
