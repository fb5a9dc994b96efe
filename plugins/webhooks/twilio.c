/* twilio.c - Twilio: X-Twilio-Signature, base64 of the HMAC-SHA1, under the account's auth token, of the URL
 * and then, for a form, each field's name and value, in the order of the names. For a JSON body the URL has
 * its SHA-256 (bodySHA256), and the URL alone is signed. Twilio knows the URL with or without its port.
 * https://www.twilio.com/docs/usage/webhooks/webhooks-security */
#include "webhooks.h"

#include <stdlib.h>

#define FIELDS_MAX 500

typedef struct field {
    bb_str name, value;
} field;

static int by_text(bb_str a, bb_str b) {
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n > 0 ? memcmp(a.ptr, b.ptr, n) : 0;
    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static int by_name(const void *a, const void *b) {
    int order = by_text(((const field *)a)->name, ((const field *)b)->name);
    return order != 0 ? order : by_text(((const field *)a)->value, ((const field *)b)->value);
}

/* Names and values in order, end to end, each pair once (as Twilio does it); absent: too many, or no memory.
 */
static bb_str fields_as_signed(bb_call *call, bb_str form) {
    field *list = call->host->call->alloc(call, FIELDS_MAX * sizeof *list);
    bb_str *parts = call->host->call->alloc(call, 2 * FIELDS_MAX * sizeof *parts);
    bb_form_fields walk;
    field next;
    size_t n = 0, m = 0;
    if (list == NULL || parts == NULL || !bb_form_open(call, form, &walk))
        return bb_s(NULL);
    while (bb_form_next(&walk, &next.name, &next.value)) {
        if (n == FIELDS_MAX)
            return bb_s(NULL);
        list[n++] = next;
    }
    if (n > 0)
        qsort(list, n, sizeof *list, by_name);
    for (size_t i = 0; i < n; i++) {
        if (i > 0 && by_name(&list[i - 1], &list[i]) == 0)
            continue;
        parts[m++] = list[i].name;
        parts[m++] = list[i].value;
    }
    return bb_joined(call, parts, m);
}

/* Where the port of "https://host:443/path" begins and ends; 0: it has none. */
static int find_port(bb_str url, size_t *from, size_t *to) {
    size_t at = webhooks_after(url, "https://").ptr != NULL ? 8 : 7;
    *from = 0;
    for (; at < url.len && url.ptr[at] != '/' && url.ptr[at] != '?'; at++) {
        if (url.ptr[at] == '@' || url.ptr[at] == ']')
            *from = 0;
        else if (url.ptr[at] == ':')
            *from = at;
    }
    *to = at;
    return *from != 0;
}

static bb_str slice(bb_str s, size_t from, size_t to) {
    bb_str out = {s.ptr + from, to - from};
    return out;
}

/* The URL with its port where it has none, and without where it has one. */
static bb_str other_url(bb_call *call, bb_str url) {
    size_t from, to;
    if (find_port(url, &from, &to))
        return bb_joined(call, (const bb_str[]){slice(url, 0, from), slice(url, to, url.len)}, 2);
    bb_str port = bb_s(webhooks_after(url, "https://").ptr != NULL ? ":443" : ":80");
    return bb_joined(call, (const bb_str[]){slice(url, 0, to), port, slice(url, to, url.len)}, 3);
}

static int body_fits(bb_call *call, const bb_webhook_request *r, bb_str hex) {
    const bb_crypto_api *crypto = call->host->crypto;
    uint8_t own[BB_HASH_MAX], given[BB_HASH_MAX];
    bb_str a = {(const char *)own, crypto->digest(BB_SHA256, r->body, own)};
    bb_str b = {(const char *)given, crypto->hex_decode(hex, given, sizeof given)};
    return a.len == b.len && crypto->equal(a, b);
}

/* What fits is what the request is known by: the fields of a form may stand in any order, and the
 * idempotency token is not signed. */
static int url_fits(bb_call *call, bb_str url, bb_str behind, bb_str signature) {
    bb_str text = bb_joined(call, (const bb_str[]){url, behind}, 2);
    int yes = text.ptr != NULL &&
              bb_webhook_hmac_is_base64(call, BB_SHA1, bb_in_text(call, "auth_token"), text, signature);
    if (yes)
        bb_webhook_known_by(call, text);
    return yes;
}

static int fits(bb_call *call, const bb_webhook_request *r) {
    bb_str signature = bb_webhook_header(r, "X-Twilio-Signature"), behind = {"", 0};
    bb_str sha256 = bb_form_get(call, r->query, "bodySHA256");
    if (bb_in_text(call, "auth_token").len == 0 || signature.len == 0)
        return 0;
    if (webhooks_is_form(r))
        behind = fields_as_signed(call, r->body);
    else if (sha256.len == 0 ? r->body.len > 0 : !body_fits(call, r, sha256))
        return 0; /* what the signature does not cover may be anybody's */
    return behind.ptr != NULL && (url_fits(call, r->url, behind, signature) ||
                                  url_fits(call, other_url(call, r->url), behind, signature));
}

/* "message.delivered", "call.completed": what Twilio has no word of its own for. */
static bb_str type_of(bb_call *call, const bb_json *event) {
    static const struct {
        const char *member, *noun;
    } statuses[] = {{"MessageStatus", "message"}, {"CallStatus", "call"}};
    bb_str own = bb_text(call, bb_get(call, event, "EventType"));
    if (own.len > 0)
        return own;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        bb_str status = bb_text(call, bb_get(call, event, statuses[i].member));
        if (status.len > 0)
            return webhooks_dotted(call, bb_s(statuses[i].noun), status);
    }
    return bb_get(call, event, "MessageSid") != NULL ? bb_s("message.received") : bb_s(NULL);
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    if (!fits(call, request))
        return bb_webhook_refuse(call,
                                 "X-Twilio-Signature is missing or does not fit: is it the account's auth "
                                 "token, and the URL as Twilio knows it?");
    bb_str payload = webhooks_is_form(request) ? webhooks_form_json(call, request->body) : request->body;
    const bb_json *event = payload.len > 0 ? call->host->json->parse(call, payload) : NULL;
    if (event == NULL)
        return bb_fail(call, BB_E_INVALID_INPUT, "the event is neither a form in UTF-8 nor JSON");
    bb_webhook_event(call, bb_webhook_header(request, "I-Twilio-Idempotency-Token"), type_of(call, event),
                     payload);
    bb_webhook_answer(call, 200, "text/xml", bb_s("<Response/>")); /* TwiML: nothing further to do */
    return BB_DONE;
}

/* As the value of a form's field. */
static bb_str form_value(bb_call *call, bb_str text) {
    static const char digits[] = "0123456789ABCDEF";
    char *to = call->host->call->alloc(call, 3 * text.len + 1);
    bb_str out = {to, 0};
    for (size_t i = 0; to != NULL && i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
            c == '.' || c == '_') {
            to[out.len++] = (char)c;
            continue;
        }
        to[out.len++] = '%';
        to[out.len++] = digits[c >> 4];
        to[out.len++] = digits[c & 15];
    }
    return out;
}

/* A form, or where the sample has a payload of its own, that as JSON. */
static bb_str sample_form(bb_call *call, const bb_webhook_sample *sample) {
    bb_str id = form_value(call, sample->id), type = form_value(call, sample->type);
    return bb_joined(call, (const bb_str[]){bb_s("EventType="), type, bb_s("&MessageSid="), id}, 4);
}

static bb_step sign_text(bb_call *call, const bb_webhook_sample *sample, bb_str url, bb_str behind,
                         bb_str body, const char *type) {
    bb_str text = bb_joined(call, (const bb_str[]){url, behind}, 2);
    bb_str signature = bb_webhook_hmac_text(call, BB_SHA1, bb_in_text(call, "auth_token"), text, "", 1);
    if (url.ptr == NULL || behind.ptr == NULL || body.ptr == NULL || text.ptr == NULL ||
        signature.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the sample");
    bb_webhook_sample_header(call, "Content-Type", bb_s(type));
    bb_webhook_sample_header(call, "I-Twilio-Idempotency-Token", sample->id);
    bb_webhook_sample_header(call, "X-Twilio-Signature", signature);
    bb_webhook_sample_body(call, body);
    return BB_DONE;
}

static bb_step sign(bb_call *call, const bb_webhook_sample *sample) {
    const bb_crypto_api *crypto = call->host->crypto;
    uint8_t own[BB_HASH_MAX];
    char query[2 * BB_HASH_MAX + 16] = "bodySHA256=";
    if (sample->payload.ptr == NULL) {
        bb_str form = sample_form(call, sample);
        return sign_text(call, sample, sample->url, fields_as_signed(call, form), form,
                         "application/x-www-form-urlencoded");
    }
    bb_str mac = {(const char *)own, crypto->digest(BB_SHA256, sample->payload, own)}, empty = {"", 0};
    size_t digits = crypto->hex_encode(mac, query + 11, sizeof query - 12);
    bb_str text = {query, 11 + digits};
    if (digits == SIZE_MAX)
        return bb_fail(call, BB_E_PLUGIN, "the host makes no hexadecimal");
    bb_webhook_sample_query(call, text);
    bb_str url = bb_joined(call, (const bb_str[]){sample->url, bb_s("?"), text}, 3);
    return sign_text(call, sample, url, empty, sample->payload, "application/json");
}

static const bb_auth_field token = WEBHOOKS_SECRET(
    "auth_token", "the account's auth token: Twilio Console, Account, API keys and tokens");
static const bb_auth_field *const fields[] = {&token, NULL};
const bb_webhook_scheme twilio = {
    BB_SIZE(bb_webhook_scheme),
    .id = "twilio",
    .summary = "X-Twilio-Signature: messages, calls and their status, by form or JSON",
    .fields = fields,
    .verify = verify,
    .sign = sign,
};
