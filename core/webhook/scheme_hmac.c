/* scheme_hmac.c - an HMAC in a header field, in the many ways that services write it.
 *
 *     X-Signature: HEX                         header = X-Signature
 *     X-Hub-Signature-256: sha256=HEX          header = X-Hub-Signature-256, prefix = sha256=
 *     Signature: t=SECONDS,v1=HEX,v1=HEX       header = Signature, signature_key = v1, timestamp_key = t,
 *                                              signed = {timestamp}.{body}
 *
 * The header field may hold several signatures, with commas or blanks between: any may fit. */
#include "webhook/scheme.h"

#include "base/buf.h"
#include "base/str.h"

typedef struct header_parts {
    bb_str signatures[16];
    size_t count;
    bb_str timestamp;
} header_parts;

static bool next_item(bb_str *rest, bb_str *item) {
    while (rest->len > 0 && (*rest->ptr == ',' || *rest->ptr == ' ' || *rest->ptr == ';'))
        *rest = str_of(rest->ptr + 1, rest->len - 1);
    if (rest->len == 0)
        return false;
    size_t end = 0;
    while (end < rest->len && rest->ptr[end] != ',' && rest->ptr[end] != ' ' && rest->ptr[end] != ';')
        end++;
    *item = str_of(rest->ptr, end);
    *rest = str_of(rest->ptr + end, rest->len - end);
    return true;
}

/* The value of "key=value". */
static bool has_key(bb_str item, bb_str key, bb_str *value) {
    if (key.len == 0 || item.len <= key.len || !str_starts(item, key) || item.ptr[key.len] != '=')
        return false;
    *value = str_of(item.ptr + key.len + 1, item.len - key.len - 1);
    return true;
}

static void read_header(bb_call *call, bb_str header, header_parts *out) {
    bb_str key = scheme_field(call, "signature_key"), time_key = scheme_field(call, "timestamp_key");
    bb_str prefix = scheme_field(call, "prefix"), rest = header, item, value;
    while (next_item(&rest, &item)) {
        if (has_key(item, time_key, &value)) {
            out->timestamp = value;
            continue;
        }
        if (key.len > 0 && !has_key(item, key, &item))
            continue;
        if (prefix.len > 0 && !str_starts(item, prefix))
            continue;
        if (out->count < sizeof out->signatures / sizeof out->signatures[0])
            out->signatures[out->count++] = str_of(item.ptr + prefix.len, item.len - prefix.len);
    }
}

/* --- what is signed -------------------------------------------------------------------------------- */

typedef struct hmac_pieces {
    const bb_webhook_request *request;
    bb_str timestamp, id;
} hmac_pieces;

static bb_str path_of(bb_str url) {
    const char *at = memmem(url.ptr, url.len, "://", 3);
    at = at != NULL ? memchr(at + 3, '/', url.len - (size_t)(at + 3 - url.ptr)) : NULL;
    return at != NULL ? str_of(at, url.len - (size_t)(at - url.ptr)) : STR("/");
}

/* False: there is no piece of that name. */
static bool piece_of(const hmac_pieces *p, bb_str name, bb_str *out) {
    const struct {
        const char *name;
        bb_str value;
    } known[] = {
        {"body", p->request->body},     {"timestamp", p->timestamp}, {"id", p->id},
        {"method", p->request->method}, {"url", p->request->url},    {"path", path_of(p->request->url)}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (str_eq(name, str_from(known[i].name))) {
            *out = known[i].value;
            return true;
        }
    return false;
}

/* "{timestamp}.{body}" with its pieces put in. The next part of the template: a text, or a piece. */
static bb_str next_part(bb_str *rest, const hmac_pieces *p) {
    const char *close = rest->ptr[0] == '{' ? memchr(rest->ptr, '}', rest->len) : NULL;
    bb_str value;
    if (close != NULL && piece_of(p, str_of(rest->ptr + 1, (size_t)(close - rest->ptr) - 1), &value)) {
        *rest = str_of(close + 1, rest->len - (size_t)(close + 1 - rest->ptr));
        return value;
    }
    const char *open = rest->len > 1 ? memchr(rest->ptr + 1, '{', rest->len - 1) : NULL;
    size_t n = open != NULL ? (size_t)(open - rest->ptr) : rest->len;
    value = str_of(rest->ptr, n);
    *rest = str_of(rest->ptr + n, rest->len - n);
    return value;
}

static bb_str signed_text(bb_call *call, const hmac_pieces *p) {
    bb_str layout = scheme_field(call, "signed"), rest;
    size_t n = 0, at = 0;
    if (str_eq(layout, STR("{body}")))
        return p->request->body.ptr != NULL ? p->request->body : STR("");
    for (rest = layout; rest.len > 0;)
        n += next_part(&rest, p).len;
    char *text = call->host->call->alloc(call, n + 1);
    for (rest = layout; text != NULL && rest.len > 0;) {
        bb_str part = next_part(&rest, p);
        if (part.len > 0)
            memcpy(text + at, part.ptr, part.len);
        at += part.len;
    }
    return str_of(text, text != NULL ? n : 0);
}

/* What stands between the id and a body behind it: a text, empty where they adjoin. False: there is another
 * piece in between, or none of the two. */
static bool between_id_and_body(bb_str layout, bb_str *out) {
    const char *id = layout.len > 0 ? memmem(layout.ptr, layout.len, "{id}", 4) : NULL;
    if (id == NULL)
        return false;
    bb_str rest = str_of(id + 4, layout.len - (size_t)(id + 4 - layout.ptr));
    const char *open = rest.len > 0 ? memchr(rest.ptr, '{', rest.len) : NULL;
    if (open == NULL)
        return false;
    *out = str_of(rest.ptr, (size_t)(open - rest.ptr));
    return str_starts(str_of(open, rest.len - out->len), STR("{body}"));
}

/* Who has seen a request could cut what is signed elsewhere, so that the id is longer and the body shorter,
 * or the time has digits of the body: another event, under the same signature. NULL: it is cut in one way
 * alone. */
static const char *cut_in_two_ways(bb_str layout, const hmac_pieces *p) {
    bb_str between, body = p->request->body;
    if (between_id_and_body(layout, &between) && between.len > 0 && p->id.len >= between.len &&
        memmem(p->id.ptr, p->id.len, between.ptr, between.len) != NULL)
        return "the id has in it what stands between id and body in `signed`: it could be cut elsewhere, and "
               "still be signed";
    bool adjoin = layout.len > 0 && memmem(layout.ptr, layout.len, "{timestamp}{body}", 17) != NULL;
    return adjoin && body.len > 0 && body.ptr[0] >= '0' && body.ptr[0] <= '9'
               ? "the body begins with a digit, right behind the time in `signed`: it could be cut "
                 "elsewhere, "
                 "and still be signed"
               : NULL;
}

/* Where id and body adjoin, nobody knows where the one ends: both together are what a repeat is known by,
 * whatever the time that it is signed at anew. 0: no memory. */
static int know_whole(bb_call *call, bb_str layout, const hmac_pieces *p) {
    bb_str between;
    if (!between_id_and_body(layout, &between) || between.len > 0)
        return 1;
    bb_str whole = bb_joined(call, (const bb_str[]){p->id, p->request->body}, 2);
    if (whole.ptr != NULL)
        bb_webhook_known_by(call, whole);
    return whole.ptr != NULL;
}

/* --- keys and signatures ------------------------------------------------------------------------------ */

static size_t decode(bb_call *call, bb_str encoding, bb_str text, uint8_t *out, size_t cap) {
    const bb_crypto_api *crypto = call->host->crypto;
    if (str_eq(encoding, STR("hex")))
        return crypto->hex_decode(text, out, cap);
    size_t n = crypto->base64_decode(text, out, cap);
    return n != SIZE_MAX ? n : crypto->base64url_decode(text, out, cap);
}

static bb_hash hash_of(bb_str name) {
    return str_eq_nocase(name, STR("sha256"))   ? BB_SHA256
           : str_eq_nocase(name, STR("sha1"))   ? BB_SHA1
           : str_eq_nocase(name, STR("sha512")) ? BB_SHA512
                                                : 0;
}

/* The HMAC of `text`; bytes, 0: it cannot be made. */
static size_t sign(bb_call *call, bb_str text, uint8_t own[BB_HASH_MAX]) {
    bb_str secret = scheme_field(call, "secret"), encoding = scheme_field(call, "secret_encoding");
    bb_hash hash = hash_of(scheme_field(call, "algorithm"));
    uint8_t key[512];
    if (str_eq(encoding, STR("text")))
        return call->host->crypto->hmac(hash, secret, text, own);
    size_t n = decode(call, encoding, secret, key, sizeof key);
    n = n != SIZE_MAX ? call->host->crypto->hmac(hash, str_of(key, n), text, own) : 0;
    explicit_bzero(key, sizeof key);
    return n;
}

static int any_fits(bb_call *call, const header_parts *parts, bb_str text) {
    uint8_t own[BB_HASH_MAX], given[BB_HASH_MAX];
    size_t n = sign(call, text, own);
    for (size_t i = 0; n > 0 && i < parts->count; i++) {
        size_t m = decode(call, scheme_field(call, "encoding"), parts->signatures[i], given, sizeof given);
        if (m == n && call->host->crypto->equal(str_of(own, n), str_of(given, m)))
            return 1;
    }
    return 0;
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    header_parts parts = {.count = 0};
    read_header(call, scheme_header(request, scheme_field(call, "header")), &parts);
    bb_str at = scheme_header(request, scheme_field(call, "timestamp_header"));
    const hmac_pieces pieces = {.request = request,
                                .timestamp = at.ptr != NULL ? at : parts.timestamp,
                                .id = scheme_header(request, scheme_field(call, "id_from"))};
    if (parts.count == 0)
        return bb_webhook_refuse(call, "the header field with the signature is missing, or holds none");
    bb_str text = signed_text(call, &pieces);
    if (text.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory to check the signature");
    if (!any_fits(call, &parts, text))
        return bb_webhook_refuse(call, "the signature does not fit: is this the sender's secret, and is "
                                       "`signed` what it signs?");
    bb_str layout = scheme_field(call, "signed");
    const char *cut = cut_in_two_ways(layout, &pieces);
    if (cut != NULL)
        return bb_webhook_refuse(call, cut);
    if (!know_whole(call, layout, &pieces))
        return bb_fail(call, BB_E_NO_MEMORY, "no memory to check the signature");
    bool timed = scheme_field(call, "timestamp_header").len > 0 ||
                 scheme_field(call, "timestamp_key").len > 0;
    if (timed && !scheme_signed_at(call, pieces.timestamp))
        return bb_webhook_refuse(call, "the time of the signature is missing, or not in seconds");
    /* Of an id that is not signed: two events of one second may be the same text, and one that is sent again
     * is signed anew. A copy under another id is held back by the window of time alone. */
    return scheme_take(call, request, (bb_str){NULL, 0}, (bb_str){NULL, 0});
}

/* --- a sample ----------------------------------------------------------------------------------------- */

static bb_str encoded_signature(bb_call *call, bb_str bytes) {
    const bb_crypto_api *crypto = call->host->crypto;
    size_t cap = 2 * BB_HASH_MAX;
    char *text = call->host->call->alloc(call, cap);
    if (text == NULL)
        return (bb_str){NULL, 0};
    size_t n = str_eq(scheme_field(call, "encoding"), STR("hex")) ? crypto->hex_encode(bytes, text, cap)
                                                                  : crypto->base64_encode(bytes, text, cap);
    return n != SIZE_MAX ? str_of(text, n) : (bb_str){NULL, 0};
}

bool scheme_hmac_sample(bb_call *call, scheme_sample *out) {
    bb_str header = scheme_field(call, "header"), id_from = scheme_field(call, "id_from");
    bb_str time_header = scheme_field(call, "timestamp_header"),
           time_key = scheme_field(call, "timestamp_key");
    bb_str key = scheme_field(call, "signature_key");
    uint8_t own[BB_HASH_MAX];
    char seconds[24];
    snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(out->request.now_ms / 1000u));
    bool names_id = id_from.len > 0 && id_from.ptr[0] != '/';
    const hmac_pieces pieces = {.request = &out->request,
                                .timestamp = str_from(seconds),
                                .id = names_id ? out->id : (bb_str){NULL, 0}};
    bb_str text = signed_text(call, &pieces);
    size_t n = text.ptr != NULL ? sign(call, text, own) : 0;
    bb_str signature = n > 0 ? encoded_signature(call, str_of(own, n)) : (bb_str){NULL, 0};
    if (signature.ptr == NULL)
        return false;
    return (!names_id || scheme_sample_add(call, out, "%.*s: %.*s", STR_FMT(id_from), STR_FMT(out->id))) &&
           (time_header.len == 0 ||
            scheme_sample_add(call, out, "%.*s: %s", STR_FMT(time_header), seconds)) &&
           scheme_sample_add(call, out, "%.*s: %.*s%s%s%s%.*s%s%.*s%.*s", STR_FMT(header), STR_FMT(time_key),
                             time_key.len > 0 ? "=" : "", time_key.len > 0 ? seconds : "",
                             time_key.len > 0 ? "," : "", STR_FMT(key), key.len > 0 ? "=" : "",
                             STR_FMT(scheme_field(call, "prefix")), STR_FMT(signature));
}

/* --- what is declared ---------------------------------------------------------------------------------- */

#define FIELD(id, text, ...) \
    static const bb_auth_field id = {BB_SIZE(bb_auth_field), .name = #id, .description = text, __VA_ARGS__}
FIELD(secret, "the key that both sides know", .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET);
FIELD(header, "the header field that holds the signature", .otherwise = "X-Signature");
FIELD(algorithm, "sha256, sha1 or sha512", .otherwise = "sha256");
FIELD(encoding, "how the signature is written: hex or base64", .otherwise = "hex");
FIELD(prefix, "what stands before the signature: sha256=", .otherwise = NULL);
FIELD(signature_key, "in a field of key=value pairs, the signature's key: v1", .otherwise = NULL);
FIELD(timestamp_key, "in such a field, the time's key: t", .otherwise = NULL);
FIELD(timestamp_header, "the header field that holds the time of the signature", .otherwise = NULL);
static const bb_auth_field signed_ = {
    BB_SIZE(bb_auth_field),
    .name = "signed",
    .description = "what is signed, of {body}, {timestamp}, {id}, {method}, {url}, {path}",
    .otherwise = "{body}",
};
FIELD(secret_encoding, "how the secret is written: text, hex or base64", .otherwise = "text");

static const bb_auth_field *const fields[] = {&secret,  &header,          &algorithm,      &encoding,
                                              &prefix,  &signature_key,   &timestamp_key,  &timestamp_header,
                                              &signed_, &secret_encoding, &scheme_id_from, &scheme_type_from,
                                              NULL};
const bb_webhook_scheme scheme_hmac = {
    BB_SIZE(bb_webhook_scheme),
    .id = "hmac",
    .summary = "an HMAC of the body in a header field, however it is written",
    .fields = fields,
    .verify = verify,
};
