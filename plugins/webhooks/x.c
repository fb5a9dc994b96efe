/* x.c - X: X-Twitter-Webhooks-Signature, "sha256=" and base64 of the HMAC-SHA256 of the body under the app's
 * consumer secret, and the GET (challenge-response check) by which X asks whether the endpoint has that
 * secret.
 *
 * The check has us sign a text of the asker's, under the key of the events: anybody may ask. So only what
 * looks like one of X's tokens is signed, which no event does: those are JSON objects.
 * https://docs.x.com/x-api/webhooks/introduction */
#include "webhooks.h"

#define TOKEN_MAX 200

static int is_token(bb_str text) {
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
              c == '_' || c == '=' || c == '+' || c == '/'))
            return 0;
    }
    return text.len > 0 && text.len <= TOKEN_MAX;
}

static bb_step shake(bb_call *call, const bb_webhook_request *request) {
    const bb_crypto_api *crypto = call->host->crypto;
    const bb_json_api *json = call->host->json;
    bb_str token = bb_form_get(call, request->query, "crc_token");
    uint8_t mac[BB_HASH_MAX];
    char text[128] = "sha256=";
    if (!is_token(token))
        return bb_webhook_refuse(call, "crc_token is missing, or is none of X's");
    size_t n = crypto->hmac(BB_SHA256, bb_in_text(call, "consumer_secret"), token, mac);
    bb_str bytes = {(const char *)mac, n}, answer = {text, 7 + crypto->base64_encode(bytes, text + 7, 120)};
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    json->key(w, bb_s("response_token"));
    json->put_string(w, answer);
    json->end_object(w);
    bb_webhook_answer(call, 200, "application/json", json->finish(w));
    return BB_DONE;
}

/* An event names its kind by its one member besides for_user_id: {"for_user_id", "tweet_create_events":
 * [...]}. */
static bb_str type_of(bb_call *call, const bb_json *event) {
    bb_json_iter it = {0};
    while (call->host->json->next(event, &it))
        if (call->host->json->type(it.value) == BB_JSON_ARRAY || bb_str_eq(it.key, "user_event"))
            return it.key;
    return bb_s(NULL);
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    if (bb_str_eq(request->method, "GET"))
        return shake(call, request);
    if (!webhooks_sha256_fits(call, "consumer_secret", request->body,
                              bb_webhook_header(request, "X-Twitter-Webhooks-Signature"), 1))
        return bb_webhook_refuse(
            call,
            "X-Twitter-Webhooks-Signature is missing or does not fit: is it the app's consumer secret?");
    const bb_json *event = call->host->json->parse(call, request->body);
    if (event == NULL || call->host->json->type(event) != BB_JSON_OBJECT)
        return bb_fail(call, BB_E_INVALID_INPUT, "the event is not a JSON object");
    bb_webhook_event(call, bb_s(NULL), type_of(call, event), request->body);
    return BB_DONE;
}

/* {"for_user_id": ID, TYPE: []} */
static bb_str sample_of(bb_call *call, const bb_webhook_sample *sample) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    json->key(w, bb_s("for_user_id"));
    json->put_string(w, sample->id);
    json->key(w, sample->type);
    json->begin_array(w);
    json->end_array(w);
    json->end_object(w);
    return json->finish(w);
}

static bb_step sign(bb_call *call, const bb_webhook_sample *sample) {
    bb_str body = sample->payload.ptr != NULL ? sample->payload : sample_of(call, sample);
    return webhooks_sign_sha256(call, "consumer_secret", body, "X-Twitter-Webhooks-Signature", 1);
}

static const bb_auth_field secret = WEBHOOKS_SECRET(
    "consumer_secret", "the app's consumer secret (API key secret): Developer Portal, Keys");
static const bb_auth_field *const fields[] = {&secret, NULL};
const bb_webhook_scheme x = {
    BB_SIZE(bb_webhook_scheme),
    .flags = BB_WEBHOOK_GET,
    .id = "x",
    .summary = "X-Twitter-Webhooks-Signature and crc_token: account activity of X",
    .fields = fields,
    .verify = verify,
    .sign = sign,
};
