/* webhook.c - Stripe-Signature: t=SECONDS,v1=HEX[,v1=HEX...]: HMAC-SHA256 of SECONDS "." BODY under the
 * endpoint's secret. While a secret is rolled, Stripe sends one v1 for each; any of them will do. v0 is of
 * test events and not looked at. https://docs.stripe.com/webhooks#verify-manually */
#include "stripe.h"

#include <busbar/busbar.h>
#include <busbar/webhook.h>

/* The HMAC is made once: anybody may send a list as long as a header. */
static int any_fits(bb_call *call, bb_str header, bb_str text) {
    const bb_crypto_api *crypto = call->host->crypto;
    uint8_t own[BB_HASH_MAX], given[BB_HASH_MAX];
    bb_str rest = header, key, value, a = {(const char *)own, 0}, b = {(const char *)given, 0};
    a.len = crypto->hmac(BB_SHA256, bb_in_text(call, "secret"), text, own);
    while (a.len > 0 && bb_split_pair(&rest, ',', &key, &value)) {
        if (!bb_str_eq(key, "v1"))
            continue;
        b.len = crypto->hex_decode(value, given, sizeof given);
        if (b.len == a.len && crypto->equal(a, b) != 0)
            return 1;
    }
    return 0;
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    bb_str header = bb_webhook_header(request, "Stripe-Signature"), rest = header, key, value;
    bb_str seconds = {NULL, 0};
    int64_t at = 0;
    while (bb_split_pair(&rest, ',', &key, &value))
        if (bb_str_eq(key, "t"))
            seconds = value;
    if (!bb_webhook_seconds(seconds, &at))
        return bb_webhook_refuse(call, "Stripe-Signature is missing, or has no t=SECONDS");
    bb_str text = bb_joined(call, (const bb_str[]){seconds, bb_s("."), request->body}, 3);
    if (text.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory to check the signature");
    if (!any_fits(call, header, text))
        return bb_webhook_refuse(
            call, "no v1 of Stripe-Signature fits: is this the endpoint's own signing secret?");
    bb_webhook_signed_at(call, at * 1000);
    const bb_json *event = call->host->json->parse(call, request->body);
    if (event == NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "the event is not JSON");
    bb_webhook_event(call, bb_text(call, bb_get(call, event, "id")),
                     bb_text(call, bb_get(call, event, "type")), request->body);
    return BB_DONE;
}

static bb_step sign(bb_call *call, const bb_webhook_sample *sample) {
    char seconds[24], before[40];
    const bb_str pairs[] = {bb_s("id"),    sample->id,   bb_s("object"),
                            bb_s("event"), bb_s("type"), sample->type};
    bb_str body = sample->payload.ptr != NULL ? sample->payload : bb_webhook_object(call, pairs, 3);
    snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(sample->now_ms / 1000));
    snprintf(before, sizeof before, "t=%s,v1=", seconds);
    bb_str text = bb_joined(call, (const bb_str[]){bb_s(seconds), bb_s("."), body}, 3);
    bb_str signature = bb_webhook_hmac_text(call, BB_SHA256, bb_in_text(call, "secret"), text, before, 0);
    if (body.ptr == NULL || text.ptr == NULL || signature.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the sample");
    bb_webhook_sample_header(call, "Content-Type", bb_s("application/json"));
    bb_webhook_sample_header(call, "Stripe-Signature", signature);
    bb_webhook_sample_body(call, body);
    return BB_DONE;
}

static const bb_auth_field secret = {
    BB_SIZE(bb_auth_field),
    .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET,
    .name = "secret",
    .description = "the endpoint's signing secret, whsec_...: Dashboard, Developers, Webhooks, the endpoint",
};
static const bb_auth_field *const fields[] = {&secret, NULL};
static const bb_webhook_scheme scheme = {
    BB_SIZE(bb_webhook_scheme),
    .id = "stripe",
    .summary = "Stripe-Signature, with the endpoint's own signing secret",
    .fields = fields,
    .verify = verify,
    .sign = sign,
};
static const bb_webhook_scheme *const schemes[] = {&scheme, NULL};
const bb_webhook_extension stripe_webhooks = {BB_SIZE(bb_webhook_extension), .schemes = schemes};
