#include "auth/sigv4.h"

#include "auth/sign_text.h"
#include "plugin/host_crypto.h"
#include "plugin/url.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <time.h>

/* "AWS Signature Version 4 for API requests", Amazon: canonical request, string to sign, signing key. */

#define DATE_SIZE 17 /* "20150830T123600Z" and a NUL */

typedef struct signing {
    arena *memory;
    const sigv4_credentials *credentials;
    const sign_request *request;
    sign_url url;
    char date[DATE_SIZE];
    bb_str scope; /* "20150830/us-east-1/service/aws4_request" */
    bb_str payload_hash;
    bool adds_hash;   /* x-amz-content-sha256 is ours to add */
    str_pair *fields; /* canonical: lower-case name, trimmed value */
    size_t field_count;
    bb_str signed_headers; /* "host;x-amz-date" */
} signing;

static bool format_date(uint64_t now_ms, char out[DATE_SIZE]) {
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm;
    return gmtime_r(&seconds, &tm) != NULL && strftime(out, DATE_SIZE, "%Y%m%dT%H%M%SZ", &tm) > 0;
}

static bool hash_hex(arena *a, bb_str data, bb_str *out) {
    uint8_t digest[BB_HASH_MAX];
    size_t n = host_crypto.digest(BB_SHA256, data, digest);
    *out = sign_hex(a, str_of(digest, n));
    return n > 0 && out->ptr != NULL;
}

/* --- header fields ------------------------------------------------------------------------------------ */

/* Left out: what we set ourselves, and what proxies and the connection itself may change on the way. */
static bool is_signed(bb_str name) {
    static const char *const left_out[] = {"authorization",
                                           "connection",
                                           "expect",
                                           "keep-alive",
                                           "proxy-authorization",
                                           "te",
                                           "trailer",
                                           "traceparent",
                                           "tracestate",
                                           "transfer-encoding",
                                           "upgrade",
                                           "user-agent",
                                           "x-amz-date",
                                           "x-amzn-trace-id",
                                           "x-amz-security-token",
                                           "proxy-connection",
                                           NULL};
    for (size_t i = 0; left_out[i] != NULL; i++)
        if (str_eq_nocase(name, str_from(left_out[i])))
            return false;
    return true;
}

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Without blanks at the ends, and runs of them as one. */
static bb_str squeezed(arena *a, bb_str value) {
    char *text = arena_alloc(a, value.len + 1);
    size_t n = 0;
    for (size_t i = 0; text != NULL && i < value.len; i++) {
        if (!is_blank(value.ptr[i]))
            text[n++] = value.ptr[i];
        else if (n > 0 && text[n - 1] != ' ')
            text[n++] = ' ';
    }
    if (n > 0 && text[n - 1] == ' ')
        n--;
    return str_of(text, n);
}

static bb_str lowered(arena *a, bb_str name) {
    char *text = arena_strdup(a, name);
    for (size_t i = 0; text != NULL && i < name.len; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] - 'A' + 'a');
    return str_of(text, name.len);
}

static bool add_field(signing *s, bb_str name, bb_str value) {
    str_pair *field = &s->fields[s->field_count++];
    *field = (str_pair){lowered(s->memory, name), squeezed(s->memory, value)};
    return field->name.ptr != NULL && field->value.ptr != NULL;
}

/* Fields of one name keep their order: merged by an insertion sort, which does. */
static void sort_fields(signing *s) {
    for (size_t i = 1; i < s->field_count; i++) {
        str_pair field = s->fields[i];
        size_t at = i;
        for (; at > 0; at--) {
            bb_str before = s->fields[at - 1].name;
            size_t shorter = before.len < field.name.len ? before.len : field.name.len;
            int order = memcmp(before.ptr, field.name.ptr, shorter);
            if (order < 0 || (order == 0 && before.len <= field.name.len))
                break;
            s->fields[at] = s->fields[at - 1];
        }
        s->fields[at] = field;
    }
}

static bool collect_fields(signing *s) {
    const sign_request *r = s->request;
    s->fields = arena_alloc(s->memory, (r->header_count + 4) * sizeof *s->fields);
    if (s->fields == NULL || !add_field(s, STR("x-amz-date"), str_from(s->date)))
        return false;
    bool has_host = false;
    for (size_t i = 0; i < r->header_count; i++) {
        bb_str name, value;
        if (!sign_header_split(r->headers[i], &name, &value) || !is_signed(name))
            continue;
        has_host |= str_eq_nocase(name, STR("host"));
        if (!add_field(s, name, value))
            return false;
    }
    if (!has_host && !add_field(s, STR("host"), s->url.host))
        return false;
    if (s->adds_hash && !add_field(s, STR("x-amz-content-sha256"), s->payload_hash))
        return false;
    bb_str token = s->credentials->session_token;
    if (token.len > 0 && !add_field(s, STR("x-amz-security-token"), token))
        return false;
    sort_fields(s);
    return true;
}

/* Writes "name:value\n" lines and gives the names; values of one name are joined by commas. */
static bool write_fields(signing *s, buf *out) {
    buf names;
    buf_init(&names);
    for (size_t i = 0; i < s->field_count; i++) {
        bool same = i > 0 && str_eq(s->fields[i].name, s->fields[i - 1].name);
        if (same) {
            out->len--; /* the line's end */
            buf_char(out, ',');
        } else {
            if (i > 0)
                buf_char(&names, ';');
            buf_str_add(&names, s->fields[i].name);
            buf_str_add(out, s->fields[i].name);
            buf_char(out, ':');
        }
        buf_str_add(out, s->fields[i].value);
        buf_char(out, '\n');
        if (out->failed)
            break;
    }
    s->signed_headers = sign_copy(s->memory, &names);
    return s->signed_headers.ptr != NULL;
}

/* --- the path ----------------------------------------------------------------------------------------- */

/* RFC 3986 section 5.2.4, with empty segments dropped too. */
static bb_str normalized(arena *a, bb_str path) {
    char *text = arena_alloc(a, path.len + 2);
    if (text == NULL)
        return (bb_str){NULL, 0};
    size_t n = 0;
    bool slash = path.len > 0 && path.ptr[path.len - 1] == '/';
    bb_str rest = path, segment;
    while (rest.len > 0 && str_split(&rest, '/', &segment)) {
        bool last = rest.len == 0, up = str_eq(segment, STR(".."));
        if (up || str_eq(segment, STR("."))) {
            while (up && n > 0 && text[--n] != '/')
                ;
            slash |= last;
        } else if (segment.len > 0) {
            text[n++] = '/';
            memcpy(text + n, segment.ptr, segment.len);
            n += segment.len;
        }
    }
    if (n == 0 || (slash && text[n - 1] != '/'))
        text[n++] = '/';
    return str_of(text, n);
}

/* Escapes stay unless `again` is asked for; all else but unreserved characters and "/" is percent-encoded. */
static void encode_path(buf *out, bb_str path, bool again) {
    for (size_t i = 0; i < path.len; i++) {
        uint8_t byte;
        char c = path.ptr[i];
        if (c == '/') {
            buf_char(out, c);
        } else if (!again && c == '%' && path.len - i >= 3 &&
                   host_crypto.hex_decode(str_of(path.ptr + i + 1, 2), &byte, 1) == 1) {
            buf_printf(out, "%%%02X", byte);
            i += 2;
        } else {
            url_encode(out, str_of(&c, 1));
        }
    }
}

/* --- the signature ------------------------------------------------------------------------------------ */

static bool canonical_request(signing *s, bb_str *hash) {
    const sigv4_credentials *c = s->credentials;
    bb_str path = c->normalize_path ? normalized(s->memory, s->url.path) : s->url.path;
    sign_params query = {0};
    if (path.ptr == NULL || !sign_params_read(s->memory, &query, s->url.query))
        return false;
    sign_params_sort(&query);
    buf out;
    buf_init(&out);
    buf_str_add(&out, s->request->method);
    buf_char(&out, '\n');
    encode_path(&out, path, c->double_encode);
    buf_char(&out, '\n');
    sign_params_write(&query, &out);
    buf_char(&out, '\n');
    bool ok = write_fields(s, &out);
    buf_char(&out, '\n');
    buf_str_add(&out, s->signed_headers);
    buf_char(&out, '\n');
    buf_str_add(&out, s->payload_hash);
    ok = ok && !out.failed && hash_hex(s->memory, buf_str(&out), hash);
    buf_free(&out);
    return ok;
}

static bool mac(uint8_t key[BB_HASH_MAX], size_t *key_len, bb_str data) {
    uint8_t next[BB_HASH_MAX];
    *key_len = host_crypto.hmac(BB_SHA256, str_of(key, *key_len), data, next);
    memcpy(key, next, sizeof next);
    OPENSSL_cleanse(next, sizeof next);
    return *key_len > 0;
}

static bool signature(const signing *s, bb_str string_to_sign, bb_str *out) {
    const sigv4_credentials *c = s->credentials;
    buf secret;
    buf_init(&secret);
    buf_lit(&secret, "AWS4");
    buf_str_add(&secret, c->secret_key);
    uint8_t key[BB_HASH_MAX];
    size_t n = secret.failed ? 0 : host_crypto.hmac(BB_SHA256, buf_str(&secret), str_of(s->date, 8), key);
    if (secret.ptr != NULL)
        OPENSSL_cleanse(secret.ptr, secret.len);
    buf_free(&secret);
    bool ok = n > 0 && mac(key, &n, c->region) && mac(key, &n, c->service) &&
              mac(key, &n, STR("aws4_request")) && mac(key, &n, string_to_sign);
    if (ok)
        *out = sign_hex(s->memory, str_of(key, n));
    OPENSSL_cleanse(key, sizeof key);
    return ok && out->ptr != NULL;
}

static bb_str join(arena *a, const bb_str *parts, size_t count) {
    buf out;
    buf_init(&out);
    for (size_t i = 0; i < count; i++)
        buf_str_add(&out, parts[i]);
    return sign_copy(a, &out);
}
#define JOIN(a, ...) \
    join((a), (const bb_str[]){__VA_ARGS__}, sizeof((bb_str[]){__VA_ARGS__}) / sizeof(bb_str))

static bool prepare(signing *s) {
    const sigv4_credentials *c = s->credentials;
    if (!sign_url_read(s->request->url, &s->url) || !format_date(s->request->now_ms, s->date))
        return false;
    s->scope = JOIN(s->memory, str_of(s->date, 8), STR("/"), c->region, STR("/"), c->service,
                    STR("/aws4_request"));
    /* A hash that the request names itself ("UNSIGNED-PAYLOAD") is the one that counts. */
    s->payload_hash = sign_header_find(s->request, STR("x-amz-content-sha256"));
    s->adds_hash = c->content_sha256 && s->payload_hash.ptr == NULL;
    if (s->request->streamed && s->payload_hash.ptr == NULL && c->content_sha256)
        s->payload_hash = STR(
            "UNSIGNED-PAYLOAD"); /* as S3 takes it: the body is not known before it passes */
    return s->scope.ptr != NULL &&
           (s->payload_hash.ptr != NULL || hash_hex(s->memory, s->request->body, &s->payload_hash));
}

static bool add_headers(const signing *s, bb_str signature_hex, sign_addition *out) {
    const sigv4_credentials *c = s->credentials;
    arena *a = s->memory;
    return sign_header_add(out, JOIN(a, STR("X-Amz-Date: "), str_from(s->date))) &&
           (c->session_token.len == 0 ||
            sign_header_add(out, JOIN(a, STR("X-Amz-Security-Token: "), c->session_token))) &&
           (!s->adds_hash || sign_header_add(out, JOIN(a, STR("X-Amz-Content-Sha256: "), s->payload_hash))) &&
           sign_header_add(out, JOIN(a, STR("Authorization: AWS4-HMAC-SHA256 Credential="), c->access_key,
                                     STR("/"), s->scope, STR(", SignedHeaders="), s->signed_headers,
                                     STR(", Signature="), signature_hex));
}

bool sigv4_sign(arena *a, const sigv4_credentials *c, const sign_request *r, sign_addition *out) {
    signing s = {.memory = a, .credentials = c, .request = r};
    bb_str hash, signature_hex = {NULL, 0};
    *out = (sign_addition){0};
    if (!prepare(&s) || !collect_fields(&s) || !canonical_request(&s, &hash))
        return false;
    bb_str string_to_sign = JOIN(a, STR("AWS4-HMAC-SHA256\n"), str_from(s.date), STR("\n"), s.scope,
                                 STR("\n"), hash);
    return string_to_sign.ptr != NULL && signature(&s, string_to_sign, &signature_hex) &&
           add_headers(&s, signature_hex, out);
}
