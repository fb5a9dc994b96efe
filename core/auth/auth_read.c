/* auth_read.c - the values of [auth] as a scheme's `build` wants them, and the schemes that are constant. */
#include "auth/auth_internal.h"

#include "plugin/host_crypto.h"
#include "plugin/url.h"

#include <unistd.h>

static size_t index_of(const auth_reading *r, const char *name) {
    size_t i = 0;
    while (r->scheme->fields[i].name != NULL && strcmp(r->scheme->fields[i].name, name) != 0)
        i++;
    return i;
}

bb_str auth_value(const auth_reading *r, const char *name) {
    return r->values[index_of(r, name)]; /* a name that is no field has no value */
}

unsigned auth_line(const auth_reading *r, const char *name) {
    unsigned line = r->lines[index_of(r, name)];
    return line > 0 ? line : 1;
}

bool auth_fail(const auth_reading *r, err *e, const char *name, const char *format, ...) {
    buf text;
    buf_init(&text);
    va_list args;
    va_start(args, format);
    buf_vprintf(&text, format, args);
    va_end(args);
    conf_fail(e, r->file, auth_line(r, name), "[auth] `%s` %s", name, buf_cstr(&text));
    buf_free(&text);
    return false;
}

void auth_add_secret(auth_reading *r, bb_str value) {
    if (value.len > 0 && r->secret_count < AUTH_SECRETS_MAX)
        r->secrets[r->secret_count++] = value;
}

bool auth_read_duration(const auth_reading *r, const char *name, uint64_t min, uint64_t max, uint64_t *out,
                        err *e) {
    if (str_to_duration_ms(auth_value(r, name), out) && *out >= min && *out <= max)
        return true;
    return auth_fail(r, e, name, "is a time from %llus to %llus, as 30s or 5m",
                     (unsigned long long)(min / 1000), (unsigned long long)(max / 1000));
}

bool auth_read_object(const auth_reading *r, const char *name, const json_value **out, err *e) {
    static const json_limits limits = {.max_depth = 16, .reject_duplicate_keys = true};
    bb_str text = auth_value(r, name);
    *out = NULL;
    if (text.len == 0)
        return true;
    *out = json_read(r->memory, text, &limits, NULL);
    return json_is(*out, JSON_OBJECT) ||
           auth_fail(r, e, name, "is not a JSON object, as {\"name\": \"value\"}");
}

bool auth_read_bool(const auth_reading *r, const char *name, bool *out, err *e) {
    bb_str text = auth_value(r, name);
    *out = str_eq(text, STR("yes")) || str_eq(text, STR("true")) || str_eq(text, STR("on")) ||
           str_eq(text, STR("1"));
    return *out || str_eq(text, STR("no")) || str_eq(text, STR("false")) || str_eq(text, STR("off")) ||
           str_eq(text, STR("0")) || auth_fail(r, e, name, "is yes or no");
}

bool auth_read_url(const auth_reading *r, const char *name, err *e) {
    bb_str url = auth_value(r, name);
    err why = {""};
    const char *query = url.len > 0 ? memchr(url.ptr, '?', url.len) : NULL;
    bb_str base = query != NULL ? str_of(url.ptr, (size_t)(query - url.ptr)) : url;
    if (url.len == 0 || (url_check_base(base, &why) && memchr(url.ptr, '#', url.len) == NULL &&
                         memchr(url.ptr, ' ', url.len) == NULL))
        return true;
    return auth_fail(r, e, name, "%s", why.text[0] != '\0' ? why.text : "must not have a fragment or blank");
}

bool auth_read_file(const auth_reading *r, const char *name, const char **out, err *e) {
    bb_str path = auth_value(r, name);
    *out = path.len > 0 ? path.ptr : NULL;
    return *out == NULL || access(*out, R_OK) == 0 ||
           auth_fail(r, e, name, "names a file that cannot be read; check path and permissions");
}

void auth_hash(bb_str text, char out[65]) {
    uint8_t digest[BB_HASH_MAX];
    size_t n = host_crypto.digest(BB_SHA256, text, digest);
    size_t written = host_crypto.hex_encode(str_of(digest, n), out, 64);
    out[written == 64 ? 64 : 0] = '\0';
}

static const char *const authorization[] = {"Authorization", NULL};

/* The name as a list of one. */
static bool set_fields(auth_reading *r, bb_str name, auth *out) {
    const char **fields = arena_zalloc(r->memory, 2 * sizeof *fields);
    if (fields == NULL || (fields[0] = arena_strdup(r->memory, name)) == NULL)
        return false;
    out->fields = fields;
    return true;
}

bool auth_read_lead(auth_reading *r, bb_str *lead, auth *out, err *e) {
    bb_str name = auth_value(r, "header"), prefix = auth_value(r, "prefix");
    if (!url_token_ok(name))
        return auth_fail(r, e, "header", "is not the name of a header field");
    *lead = arena_printf(r->memory, "%.*s: %.*s%s", STR_FMT(name), STR_FMT(prefix),
                         prefix.len > 0 ? " " : "");
    return (lead->ptr != NULL && set_fields(r, name, out)) || err_set(e, "no memory");
}

/* --- none, api_key, basic, bearer ------------------------------------------------------------------- */

static bool build_none(auth_reading *r, auth *out, err *e) {
    (void)r, (void)out, (void)e;
    return true;
}

static bb_str encoded(auth_reading *r, bb_str text) {
    buf out;
    buf_init(&out);
    url_encode(&out, text);
    bb_str copy = arena_copy(r->memory, buf_str(&out));
    buf_free(&out);
    return copy;
}

static bool build_api_key(auth_reading *r, auth *out, err *e) {
    bb_str key = auth_value(r, "key"), name = auth_value(r, "name"), in = auth_value(r, "in"),
           prefix = auth_value(r, "prefix");
    if (str_eq(in, STR("query"))) {
        bb_str text = encoded(r, key);
        out->query = arena_printf(r->memory, "%.*s=%.*s", STR_FMT(encoded(r, name)), STR_FMT(text));
        auth_add_secret(r, text);
        return true;
    }
    if (!str_eq(in, STR("header")))
        return auth_fail(r, e, "in", "is \"%.*s\": allowed are header and query", STR_FMT(in));
    if (!url_token_ok(name))
        return auth_fail(r, e, "name", "is not the name of a header field");
    out->header = arena_printf(r->memory, "%.*s: %.*s%s%.*s", STR_FMT(name), STR_FMT(prefix),
                               prefix.len > 0 ? " " : "", STR_FMT(key));
    return set_fields(r, name, out) || err_set(e, "no memory");
}

static bool build_basic(auth_reading *r, auth *out, err *e) {
    bb_str username = auth_value(r, "username");
    if (memchr(username.ptr, ':', username.len) != NULL)
        return auth_fail(r, e, "username", "has a colon, which basic does not allow");
    bb_str pair = arena_printf(r->memory, "%.*s:%.*s", STR_FMT(username), STR_FMT(auth_value(r, "password")));
    size_t cap = (pair.len + 2) / 3 * 4;
    char *text = arena_alloc(r->memory, cap + 1);
    if (text == NULL || pair.ptr == NULL)
        return err_set(e, "no memory");
    size_t n = host_crypto.base64_encode(pair, text, cap);
    out->header = arena_printf(r->memory, "Authorization: Basic %.*s", (int)n, text);
    out->fields = authorization;
    auth_add_secret(r, str_of(text, n));
    return true;
}

static bool build_bearer(auth_reading *r, auth *out, err *e) {
    (void)e;
    out->header = arena_printf(r->memory, "Authorization: %.*s %.*s", STR_FMT(auth_value(r, "prefix")),
                               STR_FMT(auth_value(r, "token")));
    out->fields = authorization;
    return true;
}

const auth_ops auth_none_ops = {.build = build_none};
const auth_ops auth_api_key_ops = {.build = build_api_key};
const auth_ops auth_basic_ops = {.build = build_basic};
const auth_ops auth_bearer_ops = {.build = build_bearer};
