/*
 * busbar/webhook.h - extension "busbar.webhook/1": what a service posts to the hub, verified and read.
 *
 * A connector declares how its service signs what it sends: a webhook scheme has the fields that an admin
 * fills in (the signing secret) and one function, `verify`. It sees one request, byte for byte, and
 * ends in one of these ways:
 *
 *     bb_webhook_event, then BB_DONE    it is the service's: an event, or several of one request
 *     bb_webhook_answer, then BB_DONE   no event, but an answer that the service waits for: a handshake
 *                                       (Slack's url_verification, Dropbox's challenge, Discord's PING)
 *     both                              events, and what the service wants to read once they are stored
 *     bb_webhook_refuse                 it is not the service's: a signature that is missing or wrong
 *     BB_FAIL with another code         it is, but cannot be read (BB_E_INVALID_INPUT)
 *
 * A scheme may have a second function, `sign`, which makes a request as the service would: so that an admin
 * who has filled in the fields can try the whole way before the service does.
 *
 * What is alike for all services is the host's: the size limit; that a secret may have several values while
 * it is being changed (`verify` is called for each, until one does not refuse); the window of time (say
 * bb_webhook_signed_at, and the host refuses what is older or newer than the admin allows); that an
 * event of one id is taken once.
 *
 * Both sides ask for it by the same id, as for "busbar.auth/1" (auth.h): the connector lists it with a
 * bb_webhook_extension (BUSBAR_PLUGIN_WITH); `verify` calls host->get_extension and gets a bb_webhook_api
 * (bb_webhook_host does).
 *
 * The bb_call of `verify` and `sign` differs from an operation's in this: `input` is an object of the
 * scheme's fields as the admin filled them in, each a string, absent where it is neither given nor has a
 * default; `instance` is that of the endpoint's connection, or NULL where the endpoint belongs to none;
 * `cursor` is absent; `state` is NULL; it describes no request.
 *
 * Thread: [step] as in plugin.h.
 */
#ifndef BUSBAR_WEBHOOK_H
#define BUSBAR_WEBHOOK_H

#include <busbar/auth.h> /* bb_auth_field */
#include <string.h>

BB_BEGIN_DECLS

#define BB_EXT_WEBHOOK "busbar.webhook/1"

/* --- what the connector declares: static, const ------------------------------------------------- */

/* What has come in. Owner: the host, until `verify` returns. */
typedef struct bb_webhook_request {
    uint32_t size; /* sizeof(bb_webhook_request) of the host */
    uint32_t header_count;
    bb_str method;         /* "POST" */
    bb_str url;            /* whole, with query, as the sender knows it: for signatures that cover it */
    bb_str query;          /* after "?", as sent; empty where there is none */
    const bb_str *headers; /* "Name: value" each; bb_webhook_header finds one */
    bb_str body;           /* raw: sign and compare these bytes, whatever they mean */
    bb_str peer;           /* address of the sender, "203.0.113.7" */
    uint64_t now_ms;       /* wall clock: milliseconds since 1970 */
} bb_webhook_request;

/* A request to be made as the service would send it. Owner: the host, until `sign` returns. */
typedef struct bb_webhook_sample {
    uint32_t size; /* sizeof(bb_webhook_sample) of the host */
    uint32_t reserved;
    bb_str url;      /* of the endpoint, as bb_webhook_request has it, without a query */
    bb_str id, type; /* of the event that `verify` shall find in it, where the service's events have these */
    bb_str payload;  /* what it is to hold, a JSON text; absent: something small, as the service has it */
    uint64_t now_ms; /* wall clock: milliseconds since 1970 */
} bb_webhook_sample;

/* Flags of a scheme. */
enum {
    BB_WEBHOOK_GET = 1u << 0 /* a GET may come too: a challenge in the query; else `verify` sees POST alone */
};

typedef struct bb_webhook_scheme {
    uint32_t size;       /* sizeof(bb_webhook_scheme) */
    uint32_t flags;      /* BB_WEBHOOK_GET, or 0 */
    const char *id;      /* [a-z][a-z0-9_]{0,63} */
    const char *summary; /* one line, for the admin: what it is, and where to get the secret */
    /* Ends with NULL, at most 16; NULL: none. A field marked BB_AUTH_SECRET may have several values. */
    const bb_auth_field *const *fields;
    /* Compares signatures with bb_crypto_api.equal, never with memcmp. [step] */
    bb_step (*verify)(bb_call *call, const bb_webhook_request *request);
    /* --- not in the first SDKs: a host reads `size` first ------------------------------------------ */
    /* Makes a POST that `verify` takes with the same fields: bb_webhook_sample_body, _header, _query, then
     * BB_DONE. BB_FAIL: it cannot be made of this (BB_E_INVALID_INPUT). NULL: nobody but the service can,
     * since the admin has its public key alone. [step] */
    bb_step (*sign)(bb_call *call, const bb_webhook_sample *sample);
} bb_webhook_scheme;

/* What the connector declares under BB_EXT_WEBHOOK. */
typedef struct bb_webhook_extension {
    uint32_t size; /* sizeof(bb_webhook_extension) */
    uint32_t reserved;
    const bb_webhook_scheme *const *schemes; /* ends with NULL; at least one, at most 16 */
} bb_webhook_extension;

/* --- what the host offers to `verify` and `sign`
 * ------------------------------------------------------------- */

/* Errors are kept by the call, as in http.h: a misuse makes it fail with a text that says what. Every slice
 * given is copied. The step's thread, [no-block]. */
typedef struct bb_webhook_api {
    uint32_t size; /* sizeof(bb_webhook_api) of the host */
    uint32_t reserved;
    /* The connection's settings: an object, checked, defaults filled in; empty where the endpoint belongs to
     * no connection. Owner: the call. */
    const bb_json *(*settings)(bb_call *call);
    /* An event. `id`: by which the service knows it, the same in each of its repeats; absent: it has none,
     * and the host makes one of the body's bytes. `type`: "invoice.paid"; absent: the service does not tell.
     * `payload`: a JSON text; absent: the body, which must then be JSON. At most 1,000 a request. */
    void (*event)(bb_call *call, bb_str id, bb_str type, bb_str payload);
    /* What the service gets to read, once the events, if any, are stored; else an empty 200. `status` is
     * 200 to 299. */
    void (*answer)(bb_call *call, int32_t status, bb_str content_type, bb_str body);
    /* When the service signed it, in milliseconds since 1970, as the signed bytes say. */
    void (*signed_at)(bb_call *call, int64_t ms);
    /* --- not in the first hubs: use bb_webhook_known_by, and the others below -------------------- */
    /* [verify] Where the service signs no time, and the ids given stand in header fields that it does not
     * sign either, whoever has seen a request can send it again under another id. Such a scheme says here all
     * that is signed, in one form: a further request of the same is a repeat, whatever its ids and types. A
     * service that sends one body under several types, which it does not sign, needs the type in these bytes,
     * and can be replayed once under each. */
    void (*known_by)(bb_call *call, bb_str signed_bytes);
    /* [sign] A header field; the query, without "?"; the body, which is empty else. */
    void (*sample_header)(bb_call *call, bb_str name, bb_str value);
    void (*sample_query)(bb_call *call, bb_str query);
    void (*sample_body)(bb_call *call, bb_str body);
} bb_webhook_api;

/* --- short names -------------------------------------------------------------------------------- */

static inline const bb_webhook_api *bb_webhook_host(const bb_call *call) {
    return (const bb_webhook_api *)call->host->get_extension(call->host, BB_EXT_WEBHOOK);
}

/* The value of the first header field of that name, in any case; absent: none. Owner: the request. */
static inline bb_str bb_webhook_header(const bb_webhook_request *request, const char *name) {
    bb_str found = {NULL, 0};
    size_t n = strlen(name);
    for (uint32_t i = 0; i < request->header_count; i++) {
        bb_str line = request->headers[i];
        size_t at = 0;
        if (line.len <= n || line.ptr[n] != ':')
            continue;
        while (at < n && (line.ptr[at] | ((line.ptr[at] >= 'A' && line.ptr[at] <= 'Z') << 5)) ==
                             (name[at] | ((name[at] >= 'A' && name[at] <= 'Z') << 5)))
            at++;
        if (at < n)
            continue;
        for (at = n + 1; at < line.len && (line.ptr[at] == ' ' || line.ptr[at] == '\t');)
            at++;
        found.ptr = line.ptr + at;
        found.len = line.len - at;
        return found;
    }
    return found;
}

static inline void bb_webhook_event(bb_call *call, bb_str id, bb_str type, bb_str payload) {
    bb_webhook_host(call)->event(call, id, type, payload);
}
static inline void bb_webhook_answer(bb_call *call, int32_t status, const char *content_type, bb_str body) {
    bb_str type;
    type.ptr = content_type;
    type.len = content_type != NULL ? strlen(content_type) : 0;
    bb_webhook_host(call)->answer(call, status, type, body);
}
static inline void bb_webhook_signed_at(bb_call *call, int64_t ms) {
    bb_webhook_host(call)->signed_at(call, ms);
}
/* A host that does not know it goes by the ids alone. */
static inline void bb_webhook_known_by(bb_call *call, bb_str signed_bytes) {
    const bb_webhook_api *api = bb_webhook_host(call);
    if (BB_HAS(api, known_by))
        api->known_by(call, signed_bytes);
}

/* A host that runs `sign` has these. */
static inline void bb_webhook_sample_header(bb_call *call, const char *name, bb_str value) {
    bb_str text;
    text.ptr = name;
    text.len = strlen(name);
    bb_webhook_host(call)->sample_header(call, text, value);
}
static inline void bb_webhook_sample_query(bb_call *call, bb_str query) {
    bb_webhook_host(call)->sample_query(call, query);
}
static inline void bb_webhook_sample_body(bb_call *call, bb_str body) {
    bb_webhook_host(call)->sample_body(call, body);
}

/* A JSON object of texts, {"NAME": "VALUE", …}: `pairs` has `count` times a name and a value; a name that is
 * absent, or a value, leaves the pair out. Absent: no memory. Owner: the call. */
static inline bb_str bb_webhook_object(bb_call *call, const bb_str *pairs, size_t count) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    for (size_t i = 0; i < count; i++) {
        if (pairs[2 * i].ptr == NULL || pairs[2 * i + 1].ptr == NULL)
            continue;
        json->key(w, pairs[2 * i]);
        json->put_string(w, pairs[2 * i + 1]);
    }
    json->end_object(w);
    return json->finish(w);
}

/* Seconds since 1970 as services put them into what they sign: 1 to 12 digits, and nothing else. 1 and *out;
 * 0: it is none. */
static inline int bb_webhook_seconds(bb_str text, int64_t *out) {
    *out = 0;
    if (text.len == 0 || text.len > 12) /* so that it fits */
        return 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9')
            return 0;
        *out = *out * 10 + (text.ptr[i] - '0');
    }
    return 1;
}

/* Whether `hex` (or `base64`) is the HMAC of the data under this key, in a time that does not tell how much
 * of it fits. 1 or 0. */
static inline int bb_webhook_hmac_is_hex(bb_call *call, bb_hash hash, bb_str key, bb_str data, bb_str hex) {
    const bb_crypto_api *crypto = call->host->crypto;
    uint8_t own[BB_HASH_MAX], given[BB_HASH_MAX];
    bb_str a = {(const char *)own, 0}, b = {(const char *)given, 0};
    a.len = crypto->hmac(hash, key, data, own);
    b.len = crypto->hex_decode(hex, given, sizeof given);
    return a.len > 0 && b.len == a.len && crypto->equal(a, b) != 0;
}
static inline int bb_webhook_hmac_is_base64(bb_call *call, bb_hash hash, bb_str key, bb_str data,
                                            bb_str base64) {
    const bb_crypto_api *crypto = call->host->crypto;
    uint8_t own[BB_HASH_MAX], given[BB_HASH_MAX];
    bb_str a = {(const char *)own, 0}, b = {(const char *)given, 0};
    a.len = crypto->hmac(hash, key, data, own);
    b.len = crypto->base64_decode(base64, given, sizeof given);
    return a.len > 0 && b.len == a.len && crypto->equal(a, b) != 0;
}

/* "sha256=" (or what stands before it) and the HMAC of the data under this key, in hexadecimal or (`base64`)
 * base64: what `sign` puts into a header field. Absent: no memory. Owner: the call. */
static inline bb_str bb_webhook_hmac_text(bb_call *call, bb_hash hash, bb_str key, bb_str data,
                                          const char *before, int base64) {
    const bb_crypto_api *crypto = call->host->crypto;
    uint8_t own[BB_HASH_MAX];
    size_t n = strlen(before), cap = 2 * BB_HASH_MAX + 4, digits = SIZE_MAX;
    bb_str mac = {(const char *)own, 0}, out = {NULL, 0};
    char *text = (char *)call->host->call->alloc(call, n + cap);
    mac.len = crypto->hmac(hash, key, data, own);
    if (text != NULL && mac.len > 0)
        digits = base64 ? crypto->base64_encode(mac, text + n, cap) : crypto->hex_encode(mac, text + n, cap);
    if (digits == SIZE_MAX)
        return out;
    memcpy(text, before, n);
    out.ptr = text;
    out.len = n + digits;
    return out;
}

/* How `verify` refuses: return bb_webhook_refuse(call, "the signature does not fit"); The text is for the
 * admin; the sender reads only that it was refused. */
static inline bb_step bb_webhook_refuse(bb_call *call, const char *text) {
    bb_error error;
    memset(&error, 0, sizeof error);
    error.size = (uint32_t)sizeof error;
    error.code = BB_E_UPSTREAM_AUTH;
    error.message.ptr = text;
    error.message.len = strlen(text);
    call->host->call->fail(call, &error);
    return BB_FAIL;
}

BB_END_DECLS

#endif
