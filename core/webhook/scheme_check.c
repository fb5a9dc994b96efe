/* scheme_check.c - what an admin has filled in for one of the hub's own schemes, looked at when it is read:
 * what can never fit a request is better told by a reload than by refused webhooks. */
#include "webhook/scheme.h"

#include "plugin/host_crypto.h"
#include "plugin/url.h"

typedef struct checking {
    const json_value *fields;
    const char **key; /* whose value is wrong */
    err *e;
} checking;

static bb_str value_of(const checking *c, const char *name) {
    return json_string(json_get(c->fields, str_from(name)));
}

__attribute__((format(printf, 3, 4))) static bool wrong(const checking *c, const char *key,
                                                        const char *format, ...) {
    va_list args;
    *c->key = key;
    va_start(args, format);
    vsnprintf(c->e->text, sizeof c->e->text, format, args);
    va_end(args);
    return false;
}

/* --- values ----------------------------------------------------------------------------------------------
 */

/* `names` ends with NULL. */
static bool is_one_of(const checking *c, const char *key, const char *const *names, bool any_case) {
    bb_str value = value_of(c, key);
    for (size_t i = 0; names[i] != NULL; i++)
        if (any_case ? str_eq_nocase(value, str_from(names[i])) : str_eq(value, str_from(names[i])))
            return true;
    const char *near = str_nearest(value, names);
    char known[64] = "";
    for (size_t i = 0, n = 0; names[i] != NULL; i++)
        n += (size_t)snprintf(known + n, sizeof known - n, "%s%s", i > 0 ? ", " : "", names[i]);
    return wrong(c, key, "%s is not \"%.*s\" (known: %s)%s%s%s", key, (int)(value.len < 40 ? value.len : 40),
                 value.ptr, known, near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
                 near != NULL ? "\"?" : "");
}

/* A header field's name, where one is given. */
static bool is_name(const checking *c, const char *key) {
    bb_str name = value_of(c, key);
    return name.len == 0 || (url_token_ok(name) && name.len < 128) ||
           wrong(c, key, "%s is a header field's name, as X-Signature", key);
}

/* Or a place in the body. "~" stands there before 0 and 1 alone (RFC 6901 section 3). */
static bool is_place(const checking *c, const char *key) {
    bb_str at = value_of(c, key);
    if (at.len == 0 || at.ptr[0] != '/')
        return is_name(c, key);
    for (size_t i = 0; i < at.len; i++)
        if (at.ptr[i] == '~' && (i + 1 == at.len || (at.ptr[i + 1] != '0' && at.ptr[i + 1] != '1')))
            return wrong(c, key, "%s is no JSON Pointer: \"~\" is written ~0, and \"/\" within a name ~1",
                         key);
    return true;
}

static bool are_places(const checking *c) {
    return is_place(c, "id_from") && is_place(c, "type_from");
}

/* --- hmac ------------------------------------------------------------------------------------------------
 */

static bool decodes(bb_str text, bool hex) {
    uint8_t key[512]; /* as many as `verify` has room for */
    size_t n = hex ? host_crypto.hex_decode(text, key, sizeof key)
                   : host_crypto.base64_decode(text, key, sizeof key);
    if (n == SIZE_MAX && !hex)
        n = host_crypto.base64url_decode(text, key, sizeof key);
    explicit_bzero(key, sizeof key);
    return n != SIZE_MAX && n > 0;
}

/* Each {…} of it names something that a request has; and the body is among them, or anybody may write one. */
static bool is_layout(const checking *c) {
    static const char *const names[] = {"body", "timestamp", "id", "method", "url", "path", NULL};
    bb_str layout = value_of(c, "signed");
    bool has_body = false;
    for (size_t i = 0, k; i < layout.len; i++) {
        const char *close = layout.ptr[i] == '{' ? memchr(layout.ptr + i, '}', layout.len - i) : NULL;
        if (close == NULL)
            continue;
        bb_str name = str_of(layout.ptr + i + 1, (size_t)(close - layout.ptr) - i - 1);
        for (k = 0; names[k] != NULL && !str_eq(name, str_from(names[k]));)
            k++;
        if (names[k] == NULL)
            return wrong(c, "signed",
                         "signed has {%.*s}, which is nothing of a request: it is made of {body}, "
                         "{timestamp}, {id}, {method}, {url} and {path}",
                         (int)(name.len < 40 ? name.len : 40), name.ptr);
        has_body = has_body || k == 0;
    }
    return has_body || wrong(c, "signed",
                             "signed has no {body}: a signature that does not cover it vouches for "
                             "nothing");
}

static bool has_pieces(const checking *c) {
    bb_str layout = value_of(c, "signed");
    bool time = layout.len > 0 && memmem(layout.ptr, layout.len, "{timestamp}", 11) != NULL;
    bool id = layout.len > 0 && memmem(layout.ptr, layout.len, "{id}", 4) != NULL;
    bb_str from = value_of(c, "id_from");
    if (time && value_of(c, "timestamp_header").len == 0 && value_of(c, "timestamp_key").len == 0)
        return wrong(c, "signed",
                     "signed has {timestamp}: say where it stands by timestamp_header or "
                     "timestamp_key");
    return !id || (from.len > 0 && from.ptr[0] != '/') ||
           wrong(c, "signed", "signed has {id}: say in which header field it stands by id_from");
}

/* The header field is taken apart at commas, semicolons and blanks: nothing that has one of these in it is
 * found there. */
static bool is_in_one_piece(const checking *c, const char *key) {
    bb_str value = value_of(c, key);
    for (size_t i = 0; i < value.len; i++)
        if (memchr(",; ", value.ptr[i], 3) != NULL)
            return wrong(c, key, "%s has \"%c\" in it, which stands between signatures: no request could fit",
                         key, value.ptr[i]);
    return true;
}

static bool check_hmac(const checking *c) {
    static const char *const algorithms[] = {"sha256", "sha1", "sha512", NULL};
    static const char *const encodings[] = {"hex", "base64", NULL};
    static const char *const secrets[] = {"text", "hex", "base64", NULL};
    bb_str secret = value_of(c, "secret"), how = value_of(c, "secret_encoding");
    if (!is_one_of(c, "algorithm", algorithms, true) || !is_one_of(c, "encoding", encodings, false) ||
        !is_one_of(c, "secret_encoding", secrets, false) || !is_name(c, "header") ||
        !is_name(c, "timestamp_header") || !are_places(c) || !is_layout(c) || !has_pieces(c) ||
        !is_in_one_piece(c, "prefix") || !is_in_one_piece(c, "signature_key") ||
        !is_in_one_piece(c, "timestamp_key"))
        return false;
    return secret.len == 0 || str_eq(how, STR("text")) || decodes(secret, str_eq(how, STR("hex"))) ||
           wrong(c, "secret", "the secret is not %.*s, as secret_encoding says, of 1 to 512 bytes",
                 STR_FMT(how));
}

/* --- the others
 * --------------------------------------------------------------------------------------------- */

static bool check_standard(const checking *c) {
    bb_str secret = value_of(c, "secret");
    bool is_public = str_starts(secret, STR("whpk_")),
         marked = is_public || str_starts(secret, STR("whsec_"));
    uint8_t key[96];
    if (str_starts(secret, STR("whsk_")))
        return wrong(c, "secret",
                     "whsk_ is the sender's private key, which nobody else should have: whpk_ is the "
                     "public one");
    if (!marked)
        return is_place(c, "type_from");
    size_t from = is_public ? 5 : 6;
    size_t n = host_crypto.base64_decode(str_of(secret.ptr + from, secret.len - from), key, sizeof key);
    explicit_bzero(key, sizeof key);
    if (n == SIZE_MAX || n == 0 || (is_public && n != 32))
        return wrong(c, "secret",
                     is_public ? "the secret is no whpk_BASE64 of 32 bytes"
                               : "the secret is no whsec_BASE64 of at most 96 bytes");
    return is_place(c, "type_from");
}

bool scheme_check(const bb_webhook_scheme *scheme, const json_value *fields, const char **key, err *e) {
    const checking c = {.fields = fields, .key = key, .e = e};
    if (scheme == &scheme_hmac)
        return check_hmac(&c);
    if (scheme == &scheme_standard)
        return check_standard(&c);
    if (!is_name(&c, "header") || !are_places(&c))
        return false;
    const char *text = scheme == &scheme_mtls ? scheme_mtls_check(fields, key) : NULL;
    return text == NULL || wrong(&c, *key, "%s", text);
}
