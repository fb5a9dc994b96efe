/* scheme_standard.c - Standard Webhooks (standardwebhooks.com): Webhook-Id, Webhook-Timestamp and
 * Webhook-Signature, which has one or several of "v1,BASE64" (HMAC-SHA256) and "v1a,BASE64" (Ed25519), each
 * of "ID.SECONDS.BODY". Svix sends the same under svix-id, svix-timestamp and svix-signature. */
#include "webhook/scheme.h"

#include "base/str.h"

#define KEY_MAX 96u /* bytes: the specification has 24 to 64 */
/* Of v1a that are looked at: each hashes the whole body, and anybody may send them. */
#define SIGNATURES_MAX 8u

typedef struct key {
    bb_str bytes; /* in `held` */
    bool is_public;
    uint8_t held[KEY_MAX];
} key;

/* "whsec_BASE64", or BASE64 alone; "whpk_BASE64" is an Ed25519 public key. What is none of these is taken for
 * the key's own bytes. */
static int read_key(bb_call *call, bb_str secret, key *out) {
    const bb_crypto_api *crypto = call->host->crypto;
    out->is_public = str_starts(secret, STR("whpk_"));
    bool marked = out->is_public || str_starts(secret, STR("whsec_"));
    bb_str text = secret;
    if (marked)
        text = str_of(secret.ptr + (out->is_public ? 5 : 6), secret.len - (out->is_public ? 5 : 6));
    size_t n = crypto->base64_decode(text, out->held, sizeof out->held);
    out->bytes = n != SIZE_MAX ? str_of(out->held, n) : secret;
    return n != SIZE_MAX ? n > 0 : !marked && secret.len > 0;
}

/* One signature of the list. `mac`: what v1 must be, made once for all of them. */
static int fits(bb_call *call, const key *k, bb_str mac, bb_str text, bb_str base64) {
    const bb_crypto_api *crypto = call->host->crypto;
    uint8_t given[BB_HASH_MAX];
    size_t n = crypto->base64_decode(base64, given, sizeof given);
    if (n == SIZE_MAX)
        return 0;
    return k->is_public ? crypto->ed25519_verify(k->bytes, text, str_of(given, n))
                        : mac.len > 0 && crypto->equal(mac, str_of(given, n));
}

static int any_fits(bb_call *call, const key *k, bb_str text, bb_str list) {
    uint8_t own[BB_HASH_MAX];
    bb_str mac = {(const char *)own, 0}, one, version;
    size_t tried = 0;
    if (!k->is_public)
        mac.len = call->host->crypto->hmac(BB_SHA256, k->bytes, text, own);
    while (tried < SIGNATURES_MAX && str_split(&list, ' ', &one)) {
        if (!str_split(&one, ',', &version) || !str_eq(version, k->is_public ? STR("v1a") : STR("v1")))
            continue;
        tried += k->is_public ? 1 : 0; /* the others are but compared */
        if (fits(call, k, mac, text, one))
            return 1;
    }
    return 0;
}

static bb_str signed_text(bb_call *call, bb_str id, bb_str at, bb_str body) {
    size_t n = id.len + at.len + body.len + 2;
    char *text = call->host->call->alloc(call, n), *to = text;
    if (text == NULL)
        return (bb_str){NULL, 0};
    memcpy(to, id.ptr, id.len);
    to += id.len;
    *to++ = '.';
    memcpy(to, at.ptr, at.len);
    to += at.len;
    *to++ = '.';
    if (body.len > 0)
        memcpy(to, body.ptr, body.len);
    return str_of(text, n);
}

static bb_str either(const bb_webhook_request *request, const char *name, const char *other) {
    bb_str value = bb_webhook_header(request, name);
    return value.ptr != NULL ? value : bb_webhook_header(request, other);
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    bb_str id = either(request, "Webhook-Id", "svix-id"),
           at = either(request, "Webhook-Timestamp", "svix-timestamp"),
           list = either(request, "Webhook-Signature", "svix-signature");
    key k;
    if (id.len == 0 || at.len == 0 || list.len == 0)
        return bb_webhook_refuse(call, "Webhook-Id, Webhook-Timestamp or Webhook-Signature is missing");
    if (memchr(id.ptr, '.', id.len) != NULL) /* else it could be cut elsewhere, and still be signed */
        return bb_webhook_refuse(call, "Webhook-Id has a full stop in it, which the specification rules out");
    bb_str text = signed_text(call, id, at, request->body);
    if (text.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory to check the signature");
    int fit = read_key(call, scheme_field(call, "secret"), &k);
    if (!fit)
        return bb_webhook_refuse(call, "the secret is no whsec_BASE64 or whpk_BASE64");
    fit = any_fits(call, &k, text, list);
    explicit_bzero(&k, sizeof k);
    if (!fit)
        return bb_webhook_refuse(call, "no signature fits: is this the endpoint's own secret?");
    if (!scheme_signed_at(call, at))
        return bb_webhook_refuse(call, "Webhook-Timestamp is not a number of seconds");
    return scheme_take(call, request, id, (bb_str){NULL, 0});
}

bool scheme_standard_sample(bb_call *call, scheme_sample *out) {
    uint8_t own[BB_HASH_MAX];
    char seconds[24], base64[64];
    key k;
    snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(out->request.now_ms / 1000u));
    bb_str text = signed_text(call, out->id, str_from(seconds), out->request.body);
    bool can = read_key(call, scheme_field(call, "secret"), &k) && !k.is_public && text.ptr != NULL;
    size_t n = can ? call->host->crypto->hmac(BB_SHA256, k.bytes, text, own) : 0;
    explicit_bzero(&k, sizeof k);
    size_t digits = n > 0 ? call->host->crypto->base64_encode(str_of(own, n), base64, sizeof base64)
                          : SIZE_MAX;
    return digits != SIZE_MAX && scheme_sample_add(call, out, "Webhook-Id: %.*s", STR_FMT(out->id)) &&
           scheme_sample_add(call, out, "Webhook-Timestamp: %s", seconds) &&
           scheme_sample_add(call, out, "Webhook-Signature: v1,%.*s", (int)digits, base64);
}

static const bb_auth_field secret = {
    BB_SIZE(bb_auth_field),
    .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET,
    .name = "secret",
    .description = "whsec_BASE64, of which both sides know; or whpk_BASE64, the sender's public key",
};
static const bb_auth_field type_from = {
    BB_SIZE(bb_auth_field),
    .name = "type_from",
    .description = "where the event's type stands: a JSON Pointer into the body, or a header field's name",
    .otherwise = "/type",
};
static const bb_auth_field *const fields[] = {&secret, &type_from, NULL};
const bb_webhook_scheme scheme_standard = {
    BB_SIZE(bb_webhook_scheme),
    .id = "standard_webhooks",
    .summary = "Standard Webhooks: Webhook-Signature, v1 (HMAC-SHA256) and v1a (Ed25519)",
    .fields = fields,
    .verify = verify,
};
