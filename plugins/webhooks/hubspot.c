/* hubspot.c - HubSpot, all three of its signatures. Several events come in one request.
 *
 *     v3   X-HubSpot-Signature-v3: base64 of the HMAC-SHA256 of METHOD URL BODY TIMESTAMP
 *     v2   X-HubSpot-Signature, with X-HubSpot-Signature-Version: v2: hex of the SHA-256 of SECRET METHOD URL
 * BODY v1   the same header: hex of the SHA-256 of SECRET BODY
 *
 * Requests of today carry v3 and an older one: v3 is looked at where it is there. The older ones have no
 * time, so they are taken only where an admin who needs them asks for all.
 * https://developers.hubspot.com/docs/apps/legacy-apps/authentication/validating-requests */
#include "webhooks.h"

/* The escapes of the URL that HubSpot signs decoded. */
static bb_str url_as_signed(bb_call *call, bb_str url) {
    static const char decoded[] = ":/?@!$'()*,;";
    char *to = call->host->call->alloc(call, url.len + 1);
    bb_str out = {to, 0};
    for (size_t i = 0; to != NULL && i < url.len; i++) {
        int high = url.ptr[i] == '%' && i + 2 < url.len ? bb_form_digit(url.ptr[i + 1]) : -1;
        int low = high >= 0 ? bb_form_digit(url.ptr[i + 2]) : -1;
        char c = low >= 0 ? (char)(high << 4 | low) : '\0';
        int plain = c != '\0' && strchr(decoded, c) != NULL;
        to[out.len++] = plain ? c : url.ptr[i];
        i += plain ? 2 : 0;
    }
    return out;
}

static int v3_fits(bb_call *call, const bb_webhook_request *r, bb_str signature) {
    bb_str at = bb_webhook_header(r, "X-HubSpot-Request-Timestamp");
    bb_str text = bb_joined(call, (const bb_str[]){r->method, url_as_signed(call, r->url), r->body, at}, 4);
    int64_t ms = 0;
    if (text.ptr == NULL || at.len == 0 || at.len > 15)
        return 0;
    for (size_t i = 0; i < at.len; i++) {
        if (at.ptr[i] < '0' || at.ptr[i] > '9')
            return 0;
        ms = ms * 10 + (at.ptr[i] - '0');
    }
    if (!bb_webhook_hmac_is_base64(call, BB_SHA256, bb_in_text(call, "client_secret"), text, signature))
        return 0;
    bb_webhook_signed_at(call, ms);
    return 1;
}

static int digest_is_hex(bb_call *call, bb_str data, bb_str hex) {
    const bb_crypto_api *crypto = call->host->crypto;
    uint8_t own[BB_HASH_MAX], given[BB_HASH_MAX];
    bb_str a = {(const char *)own, 0}, b = {(const char *)given, 0};
    a.len = crypto->digest(BB_SHA256, data, own);
    b.len = crypto->hex_decode(hex, given, sizeof given);
    return data.ptr != NULL && a.len > 0 && a.len == b.len && crypto->equal(a, b);
}

static int older_fits(bb_call *call, const bb_webhook_request *r, bb_str signature) {
    bb_str key = bb_in_text(call, "client_secret");
    if (bb_str_eq(bb_webhook_header(r, "X-HubSpot-Signature-Version"), "v2"))
        return digest_is_hex(call, bb_joined(call, (const bb_str[]){key, r->method, r->url, r->body}, 4),
                             signature);
    return digest_is_hex(call, bb_joined(call, (const bb_str[]){key, r->body}, 2), signature);
}

/* HubSpot's eventId alone is not told to be unique: with what it was about, and when, it is. A repeat differs
 * in attemptNumber alone. */
static void take(bb_call *call, const bb_json *event) {
    static const char *const names[] = {"portalId", "subscriptionId", "eventId", "objectId", "occurredAt"};
    bb_str parts[10];
    for (size_t i = 0; i < 5; i++) {
        parts[2 * i] = bb_text(call, bb_get(call, event, names[i]));
        parts[2 * i + 1] = bb_s(i < 4 ? "-" : NULL);
    }
    bb_str type = bb_text(call, bb_get(call, event, "subscriptionType"));
    if (type.len == 0)
        type = bb_text(call, bb_get(call, event, "eventType"));
    bb_webhook_event(call, parts[4].len > 0 ? bb_joined(call, parts, 10) : bb_s(NULL), type,
                     call->host->json->text(event));
}

static bb_step take_all(bb_call *call, bb_str body) {
    const bb_json_api *json = call->host->json;
    const bb_json *events = json->parse(call, body);
    bb_json_iter it = {0};
    size_t count = 0;
    if (events == NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "the body is not JSON");
    if (json->type(events) != BB_JSON_ARRAY)
        take(call, events), count++;
    else
        for (; json->next(events, &it); count++)
            take(call, it.value);
    if (count == 0) /* nothing has happened, which is no reason to send it again */
        bb_webhook_answer(call, 200, NULL, bb_s(NULL));
    return BB_DONE;
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    bb_str v3 = bb_webhook_header(request, "X-HubSpot-Signature-v3");
    bb_str older = bb_webhook_header(request, "X-HubSpot-Signature");
    bb_str versions = bb_in_text(call, "versions");
    if (!bb_str_eq(versions, "v3") && !bb_str_eq(versions, "all"))
        return bb_webhook_refuse(call, "`versions` of the endpoint is v3 or all, and nothing else");
    if (v3.len > 0) {
        if (!v3_fits(call, request, v3))
            return bb_webhook_refuse(call,
                                     "X-HubSpot-Signature-v3 does not fit: is it the app's client secret, "
                                     "and the endpoint's URL as HubSpot knows it?");
    } else if (!bb_str_eq(versions, "all")) {
        return bb_webhook_refuse(
            call, "X-HubSpot-Signature-v3 is missing, and only `versions = all` takes older ones, "
                  "which have no time");
    } else if (older.len == 0 || !older_fits(call, request, older)) {
        return bb_webhook_refuse(call,
                                 "X-HubSpot-Signature is missing or does not fit: is it the app's client "
                                 "secret?");
    }
    return take_all(call, request->body);
}

/* v3. */
static bb_step sign(bb_call *call, const bb_webhook_sample *sample) {
    char ms[24];
    const bb_str pairs[] = {bb_s("eventId"), sample->id, bb_s("subscriptionType"), sample->type};
    bb_str body = webhooks_sample_body(call, sample, pairs, 2), url = url_as_signed(call, sample->url);
    snprintf(ms, sizeof ms, "%llu", (unsigned long long)sample->now_ms);
    bb_str text = bb_joined(call, (const bb_str[]){bb_s("POST"), url, body, bb_s(ms)}, 4);
    bb_str signature = bb_webhook_hmac_text(call, BB_SHA256, bb_in_text(call, "client_secret"), text, "", 1);
    if (body.ptr == NULL || url.ptr == NULL || text.ptr == NULL || signature.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the sample");
    bb_webhook_sample_header(call, "Content-Type", bb_s("application/json"));
    bb_webhook_sample_header(call, "X-HubSpot-Request-Timestamp", bb_s(ms));
    bb_webhook_sample_header(call, "X-HubSpot-Signature-v3", signature);
    bb_webhook_sample_body(call, body);
    return BB_DONE;
}

static const bb_auth_field secret = WEBHOOKS_SECRET(
    "client_secret", "the app's client secret: developer account, Apps, the app, Auth");
static const bb_auth_field versions = {
    BB_SIZE(bb_auth_field),
    .name = "versions",
    .description = "v3: no older signature is taken, since they have no time; all: v1 and v2 too",
    .otherwise = "v3",
};
static const bb_auth_field *const fields[] = {&secret, &versions, NULL};
const bb_webhook_scheme hubspot = {
    BB_SIZE(bb_webhook_scheme),
    .id = "hubspot",
    .summary = "X-HubSpot-Signature-v3 (v1 and v2 where versions = all): subscriptions and workflows of a "
               "HubSpot app",
    .fields = fields,
    .verify = verify,
    .sign = sign,
};
