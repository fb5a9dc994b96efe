/* redact.c - credentials taken out of what is written to a file: by the names that hold them, and by the
 * values that are known. */
#include "internal.h"

#include "base/buf.h"
#include "plugin/host.h"

void bb_test_secret(bb_test *t, const char *text) {
    if (text == NULL || strlen(text) < 4) /* too short: it would stand everywhere */
        return;
    t->secrets = test_room(t->secrets, t->secret_count, &t->secret_cap, sizeof *t->secrets);
    t->secrets[t->secret_count++] = test_line(t->memory, str_from(text));
}

/* --- names --------------------------------------------------------------------------------------------- */

/* Lower case, without "-" and "_": "X-Api-Key" is "xapikey". Cut where longer. */
static size_t plain(bb_str name, char *out, size_t cap) {
    size_t n = 0;
    for (size_t i = 0; i < name.len && n + 1 < cap; i++) {
        char c = name.ptr[i];
        if (c != '-' && c != '_' && c != '.')
            out[n++] = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    out[n] = '\0';
    return n;
}

static bool is_one_of(const char *text, const char *const *names) {
    for (size_t i = 0; names[i] != NULL; i++)
        if (strcmp(text, names[i]) == 0)
            return true;
    return false;
}

/* Whole names, and parts of a name that say it in any company: "token" is one, "next_page_token" is not. */
bool test_is_secret_name(bb_str name) {
    static const char *const whole[] = {"token", "jwt", "cookie",    "session",
                                        "pass",  "pwd", "assertion", NULL};
    static const char *const parts[] = {
        "authorization", "setcookie",    "secret",     "password",    "passwd",        "passphrase",
        "apikey",        "accesskey",    "privatekey", "accesstoken", "refreshtoken",  "idtoken",
        "authtoken",     "sessiontoken", "sessionid",  "sessionkey",  "securitytoken", "clientassertion",
        "credential",    "signature",    "devicecode", "usercode",    "codeverifier",  "authkey",
        "bearer",        "csrf",         "xsrf",       NULL};
    char text[128];
    plain(name, text, sizeof text);
    for (size_t i = 0; parts[i] != NULL; i++)
        if (strstr(text, parts[i]) != NULL)
            return true;
    return is_one_of(text, whole);
}

/* In a query or a form these are credentials as well; in JSON they are more often what a thing is called
 * ("key") or how an error is ("code"). */
static bool is_secret_parameter(bb_str name) {
    static const char *const whole[] = {"key", "auth", "sid", "code", "sig", "pin", "otp", "nonce", NULL};
    char text[128];
    plain(name, text, sizeof text);
    return test_is_secret_name(name) || is_one_of(text, whole);
}

/* Of header fields more names are: "X-Vault-Token", "X-Foo-Key", "X-Signature-Ed25519". */
static bool is_secret_header(bb_str name) {
    char text[128];
    plain(name, text, sizeof text);
    bb_str s = str_from(text);
    return test_is_secret_name(name) || str_ends(s, STR("token")) || str_ends(s, STR("key")) ||
           str_ends(s, STR("session")) || str_ends(s, STR("auth")) || str_ends(s, STR("authenticate"));
}

/* --- values -------------------------------------------------------------------------------------------- */

static const char *secret_at(const bb_test *t, const char *at, size_t left) {
    for (size_t i = 0; i < t->secret_count; i++)
        if (str_starts(str_of(at, left), str_from(t->secrets[i])))
            return t->secrets[i];
    return NULL;
}

static bb_str without_values(const bb_test *t, arena *a, bb_str text) {
    buf out;
    buf_init(&out);
    for (size_t i = 0; i < text.len;) {
        const char *secret = secret_at(t, text.ptr + i, text.len - i);
        if (secret != NULL)
            buf_lit(&out, REDACTED);
        else
            buf_char(&out, text.ptr[i]);
        i += secret != NULL ? strlen(secret) : 1;
    }
    bb_str clean = arena_copy(a, buf_str(&out));
    buf_free(&out);
    test_have((void *)(uintptr_t)clean.ptr);
    return clean;
}

bb_str test_redact_line(const bb_test *t, arena *a, bb_str line) {
    bb_str rest = line, name;
    str_split(&rest, ':', &name);
    if (is_secret_header(name))
        return arena_printf(a, "%.*s: " REDACTED, STR_FMT(name));
    return without_values(t, a, line);
}

/* a=b&c=d, names percent-encoded as they may be: an encoded one that hides its meaning is no name that a
 * service knows. */
static void redact_pairs(bb_str pairs, buf *out) {
    bb_str pair, name;
    for (bool first = true; str_split(&pairs, '&', &pair); first = false) {
        bb_str value = pair;
        if (!first)
            buf_char(out, '&');
        bool has_value = memchr(pair.ptr != NULL ? pair.ptr : "", '=', pair.len) != NULL;
        str_split(&value, '=', &name);
        if (has_value && is_secret_parameter(name)) {
            buf_str_add(out, name);
            buf_lit(out, "=" REDACTED);
        } else {
            buf_str_add(out, pair);
        }
    }
}

bb_str test_redact_url(const bb_test *t, arena *a, bb_str url) {
    bb_str query = url, path;
    str_split(&query, '?', &path);
    if (path.len == url.len)
        return without_values(t, a, url);
    buf out;
    buf_init(&out);
    buf_str_add(&out, path);
    buf_char(&out, '?');
    redact_pairs(query, &out);
    bb_str clean = without_values(t, a, buf_str(&out));
    buf_free(&out);
    return clean;
}

/* --- bodies -------------------------------------------------------------------------------------------- */

static void write_clean(const bb_test *t, arena *a, const json_value *v, json_writer *w) {
    bool object = json_is(v, JSON_OBJECT);
    if (json_is(v, JSON_STRING)) {
        json_put_string(w, without_values(t, a, json_string(v)));
        return;
    }
    if (!object && !json_is(v, JSON_ARRAY)) {
        json_put_value(w, v);
        return;
    }
    (object ? json_object : json_array)(w);
    for (json_iter it = json_iterate(v); json_next(&it);) {
        bool text = json_is(it.value, JSON_STRING) || json_is(it.value, JSON_NUMBER);
        if (object)
            json_key(w, it.key);
        if (object && text && test_is_secret_name(it.key))
            json_put_string(w, STR(REDACTED));
        else
            write_clean(t, a, it.value, w);
    }
    (object ? json_object_end : json_array_end)(w);
}

static bool looks_like_form(bb_str body) {
    for (size_t i = 0; i < body.len; i++)
        if ((unsigned char)body.ptr[i] <= 0x20)
            return false;
    return memchr(body.ptr, '=', body.len) != NULL;
}

static void write_text(const bb_test *t, arena *a, bb_str body, json_writer *w) {
    buf form;
    buf_init(&form);
    if (looks_like_form(body))
        redact_pairs(body, &form);
    else
        buf_str_add(&form, body);
    json_put_string(w, without_values(t, a, buf_str(&form)));
    buf_free(&form);
}

static void write_bytes(arena *a, bb_str body, json_writer *w) {
    char *text = test_have(arena_alloc(a, body.len / 3 * 4 + 4));
    size_t n = host_get()->crypto->base64_encode(body, text, body.len / 3 * 4 + 4);
    json_object(w);
    json_keyl(w, "base64");
    json_put_string(w, str_of(text, n));
    json_object_end(w);
}

bb_str test_redact_body(const bb_test *t, arena *a, bb_str body) {
    const json_value *v = json_read(a, body, NULL, NULL);
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    /* A JSON text that is a string stays one in the file only where it cannot be taken for a text body. */
    if (json_is(v, JSON_OBJECT) || json_is(v, JSON_ARRAY))
        write_clean(t, a, v, &w);
    else if (json_utf8_valid(body))
        body.len > 0 ? write_text(t, a, body, &w) : json_put_string(&w, STR(""));
    else
        write_bytes(a, body, &w);
    bb_str text = arena_copy(a, buf_str(&out));
    buf_free(&out);
    test_have((void *)(uintptr_t)text.ptr);
    return text;
}
