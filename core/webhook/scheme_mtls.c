/* scheme_mtls.c - the scheme mtls: the sender has shown a client certificate when it connected, the server
 * has verified it against tls_client_ca, and it is one that the endpoint names. */
#include "webhook/scheme.h"

#include "base/pattern.h"
#include "http/server.h"
#include "plugin/host_webhook.h"

#include <stdio.h>

#define DIGITS 64 /* of SHA-256 */
#define SUBJECT_TOLD 400

/* --- lists of fields: one a line, or with blanks or commas between them
 * -------------------------------------- */

static bool is_between(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',';
}

static bool next_of(bb_str *rest, bb_str *out) {
    while (rest->len > 0 && is_between(rest->ptr[0]))
        *rest = str_of(rest->ptr + 1, rest->len - 1);
    if (rest->len == 0)
        return false;
    size_t n = 0;
    while (n < rest->len && !is_between(rest->ptr[n]))
        n++;
    *out = str_of(rest->ptr, n);
    *rest = str_of(rest->ptr + n, rest->len - n);
    return true;
}

/* "AB:CD:..." and "abcd..." are the same; false: it is none. */
static bool read_fingerprint(bb_str text, char out[DIGITS]) {
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == ':')
            continue;
        int digit = str_hex_digit(text.ptr[i]);
        if (digit < 0 || n == DIGITS)
            return false;
        out[n++] = "0123456789abcdef"[digit];
    }
    return n == DIGITS;
}

/* --- what fits -------------------------------------------------------------------------------------------
 */

static bool has_fingerprint(bb_str list, const http_certificate *c) {
    char wanted[DIGITS];
    bb_str one;
    while (next_of(&list, &one))
        if (read_fingerprint(one, wanted) && str_eq(str_of(wanted, DIGITS), c->fingerprint))
            return true;
    return false;
}

/* A name's kind shows in how it is written, and is compared with names of that kind alone: signers that may
 * vouch for the one need not be trusted with the other. */
static bb_str kind_of(bb_str pattern) {
    if (memchr(pattern.ptr, ':', pattern.len) != NULL)
        return STR("uri");
    return memchr(pattern.ptr, '@', pattern.len) != NULL ? STR("email") : STR("dns");
}

/* Certificates' names have small letters where case means nothing (http/server.h): so has the pattern. */
static bb_str folded(bb_call *call, bb_str kind, bb_str pattern) {
    char *text = call->host->call->alloc(call, pattern.len);
    const char *at = str_eq(kind, STR("email")) ? memrchr(pattern.ptr, '@', pattern.len) : pattern.ptr;
    if (text == NULL || at == NULL || str_eq(kind, STR("uri")))
        return text != NULL ? pattern : (bb_str){NULL, 0};
    memcpy(text, pattern.ptr, pattern.len);
    for (size_t i = (size_t)(at - pattern.ptr); i < pattern.len; i++)
        if (text[i] >= 'A' && text[i] <= 'Z')
            text[i] = (char)(text[i] | 32);
    return str_of(text, pattern.len);
}

static bool has_name(bb_call *call, bb_str list, const http_certificate *c) {
    bb_str one;
    while (next_of(&list, &one)) {
        bb_str kind = kind_of(one), pattern = folded(call, kind, one);
        for (size_t i = 0; pattern.ptr != NULL && i < c->name_count; i++)
            if (str_eq(c->names[i].name, kind) && pattern_fits(pattern, c->names[i].value))
                return true;
    }
    return false;
}

/* As much of it as a line takes, to the end of a character of UTF-8. */
static bb_str beginning_of(bb_str text) {
    size_t n = text.len < SUBJECT_TOLD ? text.len : SUBJECT_TOLD;
    while (n > 0 && n < text.len && ((unsigned char)text.ptr[n] & 0xc0) == 0x80)
        n--;
    return str_of(text.ptr, n);
}

static bb_step refuse_certificate(bb_call *call, const http_certificate *c, const char *what) {
    char text[640];
    snprintf(text, sizeof text,
             "the client certificate (%.*s; SHA-256 %.*s) has another %s than the endpoint asks for",
             STR_FMT(beginning_of(c->subject)), STR_FMT(c->fingerprint), what);
    return bb_webhook_refuse(call, text);
}

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    const plugin_webhook *said = plugin_call_of(call)->webhook;
    const http_certificate *c = said->certificate;
    bb_str subject = scheme_field(call, "subject"), names = scheme_field(call, "names"),
           fingerprint = scheme_field(call, "fingerprint");
    if (c == NULL)
        return bb_webhook_refuse(
            call, said->tls ? "the sender has shown no client certificate, or one that holds no more"
                            : "the request did not come by TLS: its URL is that of "
                              "tls_listen in busbar.conf");
    if (subject.len > 0 && !str_eq(subject, c->subject))
        return refuse_certificate(call, c, "subject");
    if (names.len > 0 && !has_name(call, names, c))
        return refuse_certificate(call, c, "name");
    if (fingerprint.len > 0 && !has_fingerprint(fingerprint, c))
        return refuse_certificate(call, c, "fingerprint");
    return scheme_take(call, request, (bb_str){NULL, 0}, (bb_str){NULL, 0});
}

/* --- how it is configured
 * ----------------------------------------------------------------------------------- */

static bool are_fingerprints(bb_str list) {
    char digits[DIGITS];
    bb_str one;
    while (next_of(&list, &one))
        if (!read_fingerprint(one, digits))
            return false;
    return true;
}

static bool is_empty(bb_str list) {
    bb_str one;
    return !next_of(&list, &one);
}

const char *scheme_mtls_check(const json_value *fields, const char **key) {
    bb_str any = json_string(json_getl(fields, "any")), subject = json_string(json_getl(fields, "subject")),
           names = json_string(json_getl(fields, "names")),
           fingerprint = json_string(json_getl(fields, "fingerprint"));
    bool named = !is_empty(subject) || !is_empty(names) || !is_empty(fingerprint);
    *key = "any";
    if (!str_eq(any, STR("yes")) && !str_eq(any, STR("no")))
        return "any is yes or no";
    if (str_eq(any, STR("yes")) && named)
        return "any = yes takes every certificate that tls_client_ca vouches for: leave out subject, names "
               "and "
               "fingerprint, or `any`";
    *key = "fingerprint";
    if (!are_fingerprints(fingerprint))
        return "fingerprint: SHA-256 in 64 hexadecimal digits, one a line: openssl x509 -noout -fingerprint "
               "-sha256 -in FILE tells it";
    *key = "scheme";
    return named || str_eq(any, STR("yes")) ? NULL
                                            : "scheme = mtls needs subject, names or fingerprint, which the "
                                              "sender's certificate must have; "
                                              "or any = yes, for whomever tls_client_ca vouches for";
}

static const bb_auth_field subject_field = {
    BB_SIZE(bb_auth_field),
    .name = "subject",
    .description = "the certificate's subject, as the log writes it: CN=hooks.example.com,O=Example",
};
static const bb_auth_field names_field = {
    BB_SIZE(bb_auth_field),
    .name = "names",
    .description =
        "alternative names, of which one must fit: host names, e-mail addresses or URIs; * stands for "
        "any run of characters",
};
static const bb_auth_field fingerprint_field = {
    BB_SIZE(bb_auth_field),
    .name = "fingerprint",
    .description = "SHA-256 of the certificate, in hexadecimal; of several, one a line, any may fit",
};
static const bb_auth_field any_field = {
    BB_SIZE(bb_auth_field),
    .name = "any",
    .description = "yes: every certificate that tls_client_ca vouches for is good",
    .otherwise = "no",
};
static const bb_auth_field *const fields[] = {
    &subject_field, &names_field, &fingerprint_field, &any_field, &scheme_id_from, &scheme_type_from, NULL};
const bb_webhook_scheme scheme_mtls = {
    BB_SIZE(bb_webhook_scheme),
    .id = "mtls",
    .summary = "a client certificate, shown to the hub's own TLS (tls_client_ca in busbar.conf)",
    .fields = fields,
    .verify = verify,
};
