/* cloudevents_read.c - CloudEvents as they come in, in each mode of HTTP. */
#include "webhook/cloudevents.h"

#include "base/clock.h"
#include "plugin/host_crypto.h"

#define NAME_MAX_BYTES 64u
#define ATTRIBUTES_MAX 50u /* of an event: all must fit a header when it is sent on */
#define TEXT_MAX 4096u     /* bytes of an attribute's value */

/* --- which mode ---------------------------------------------------------------------------------------- */

static bool is_type(bb_str content_type, bb_str name) {
    bb_str rest = content_type, type;
    return str_split(&rest, ';', &type) && str_eq_nocase(str_trim(type), name);
}

cloudevents_mode cloudevents_mode_of(const http_header *headers, size_t count) {
    bb_str type = str_pair_find(headers, count, STR("Content-Type"));
    if (is_type(type, STR("application/cloudevents+json")))
        return CLOUDEVENTS_STRUCTURED;
    if (is_type(type, STR("application/cloudevents-batch+json")))
        return CLOUDEVENTS_BATCH;
    if (type.len > 23 && str_eq_nocase(str_of(type.ptr, 23), STR("application/cloudevents")))
        return CLOUDEVENTS_UNKNOWN;
    return str_pair_find(headers, count, STR("ce-specversion")).ptr != NULL ? CLOUDEVENTS_BINARY
                                                                            : CLOUDEVENTS_NONE;
}

/* --- attributes ------------------------------------------------------------------------------------------
 */

/* An event as it is put together: `kept` is what goes into the hub's attributes. */
typedef struct reading {
    arena *a;
    cloudevent *out;
    bb_str version;
    buf kept_text;
    json_writer kept;
    err *e;
} reading;

static bool name_ok(bb_str name) {
    for (size_t i = 0; i < name.len; i++)
        if (!((name.ptr[i] >= 'a' && name.ptr[i] <= 'z') || (name.ptr[i] >= '0' && name.ptr[i] <= '9')))
            return false;
    return name.len > 0 && name.len <= NAME_MAX_BYTES;
}

/* U+FDD0 to U+FDEF, and the last two of each plane. `s` begins with a character of 3 or 4 bytes. */
static bool is_noncharacter(const unsigned char *s) {
    if (s[0] < 0xf0)
        return s[0] == 0xef &&
               ((s[1] == 0xb7 && s[2] >= 0x90 && s[2] <= 0xaf) || (s[1] == 0xbf && s[2] >= 0xbe));
    return (s[1] & 0x0f) == 0x0f && s[2] == 0xbf && s[3] >= 0xbe;
}

/* What a String of CloudEvents may have in it (section 3.1 of the specification): no control characters,
 * those of C1 neither, and no noncharacters. */
static bool is_text(bb_str s) {
    const unsigned char *c = (const unsigned char *)s.ptr;
    if (!json_utf8_valid(s))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (c[i] < 0x20 || c[i] == 0x7f || (c[i] == 0xc2 && c[i + 1] < 0xa0) ||
            (c[i] >= 0xe0 && is_noncharacter(c + i)))
            return false;
    return true;
}

/* What the hub has a place of its own for. NULL: it is kept with the others. */
static bb_str *place_of(reading *r, bb_str name) {
    return str_eq(name, STR("specversion"))       ? &r->version
           : str_eq(name, STR("type"))            ? &r->out->type
           : str_eq(name, STR("datacontenttype")) ? &r->out->content_type
                                                  : NULL;
}

static bool is_required(bb_str name) {
    return str_eq(name, STR("specversion")) || str_eq(name, STR("id")) || str_eq(name, STR("source")) ||
           str_eq(name, STR("type"));
}

static bool take(reading *r, bb_str name, bb_str text) {
    if (!is_text(text))
        return err_set(r->e, "\"%.*s\" has control characters or noncharacters in it, or is not UTF-8",
                       STR_FMT(name));
    if (text.len == 0)
        return err_set(r->e, "\"%.*s\" is empty%s", STR_FMT(name), is_required(name) ? "" : ": leave it out");
    if (text.len > TEXT_MAX)
        return err_set(r->e, "\"%.*s\" is longer than %u bytes", STR_FMT(name), TEXT_MAX);
    if (str_eq(name, STR("time")) && !clock_is_rfc3339(text))
        return err_set(r->e, "\"time\" is no time of RFC 3339, as 2026-01-31T12:00:00Z");
    bb_str *place = place_of(r, name);
    if (place != NULL) {
        *place = text;
        return true;
    }
    if (str_eq(name, STR("id")))
        r->out->id = text;
    if (str_eq(name, STR("source")))
        r->out->source = text;
    json_member_string(&r->kept, name, text);
    return true;
}

static void reading_begin(reading *r, arena *a, cloudevent *out, err *e) {
    *r = (reading){.a = a, .out = out, .e = e};
    *out = (cloudevent){0};
    json_writer_init(&r->kept, &r->kept_text);
    json_object(&r->kept);
    json_keyl(&r->kept, "cloudevents");
    json_object(&r->kept);
}

static bool complete(const reading *r) {
    const char *missing = r->version.len == 0       ? "specversion"
                          : r->out->id.len == 0     ? "id"
                          : r->out->source.len == 0 ? "source"
                          : r->out->type.len == 0   ? "type"
                                                    : NULL;
    if (missing != NULL)
        return err_set(r->e, "\"%s\" is missing", missing);
    return str_eq(r->version, STR("1.0")) ||
           err_set(r->e, "\"specversion\" is \"%.*s\": CloudEvents 1.0 are taken",
                   (int)(r->version.len < 20 ? r->version.len : 20), r->version.ptr);
}

/* Ends the reading; `ok`: what it has come to so far. */
static bool reading_end(reading *r, bool ok) {
    ok = ok && complete(r);
    json_object_end(&r->kept);
    json_object_end(&r->kept);
    r->out->attributes = json_writer_take(&r->kept, r->a);
    return ok && (r->out->attributes.ptr != NULL || err_set(r->e, "no memory"));
}

/* --- structured: an object ---------------------------------------------------------------------------------
 */

/* Extensions may be booleans and integers, too (the JSON format's section 2.2). */
static bool take_value(reading *r, bb_str name, const json_value *v) {
    int64_t n;
    if (json_is(v, JSON_NULL))
        return true;
    if (json_is(v, JSON_STRING))
        return take(r, name, json_string(v));
    bool core = place_of(r, name) != NULL || str_eq(name, STR("id")) || str_eq(name, STR("source")) ||
                str_eq(name, STR("time")) || str_eq(name, STR("subject")) || str_eq(name, STR("dataschema"));
    bool simple = json_is(v, JSON_BOOL) || (json_is(v, JSON_NUMBER) && json_to_i64(v, &n));
    if (core || !simple)
        return err_set(r->e, "\"%.*s\" is %s", STR_FMT(name),
                       core ? "not a string" : "neither string nor boolean nor integer");
    json_key(&r->kept, name);
    json_put_value(&r->kept, v);
    return true;
}

static bool decode_base64(reading *r, bb_str text) {
    size_t cap = text.len / 4 * 3 + 3;
    uint8_t *bytes = arena_alloc(r->a, cap);
    size_t n = bytes != NULL ? host_crypto.base64_decode(text, bytes, cap) : SIZE_MAX;
    if (n == SIZE_MAX)
        return err_set(r->e, "\"data_base64\" is no base64 (RFC 4648 section 4, padded)");
    r->out->payload = str_of(bytes, n);
    return true;
}

static bool says_json(bb_str type) {
    return type.len == 0 || is_type(type, STR("application/json")) || is_type(type, STR("text/json")) ||
           memmem(type.ptr, type.len, "+json", 5) != NULL;
}

/* Of a type that is not JSON a string is the text itself (the JSON format's section 3.1.1). */
static bool take_data(reading *r, const json_value *object) {
    const json_value *data = json_getl(object, "data"), *bytes = json_getl(object, "data_base64");
    if (json_is(bytes, JSON_NULL)) /* as if it were not there (the format's schema) */
        bytes = NULL;
    if (data != NULL && bytes != NULL)
        return err_set(r->e, "both \"data\" and \"data_base64\" are there");
    if (bytes != NULL)
        return json_is(bytes, JSON_STRING) ? decode_base64(r, json_string(bytes))
                                           : err_set(r->e, "\"data_base64\" is not a string");
    r->out->payload = STR("");
    if (data != NULL)
        r->out->payload = !says_json(r->out->content_type) && json_is(data, JSON_STRING) ? json_string(data)
                                                                                         : json_raw(data);
    if (r->out->content_type.len == 0 && data != NULL)
        r->out->content_type = STR("application/json");
    return true;
}

bool cloudevents_read_object(arena *a, const json_value *object, cloudevent *out, err *e) {
    reading r;
    if (!json_is(object, JSON_OBJECT))
        return err_set(e, "an event is an object");
    if (json_count(object) > ATTRIBUTES_MAX + 2) /* data and data_base64 */
        return err_set(e, "an event has at most %u attributes", ATTRIBUTES_MAX);
    reading_begin(&r, a, out, e);
    bool ok = true;
    for (json_iter it = json_iterate(object); ok && json_next(&it);) {
        if (str_eq(it.key, STR("data")) || str_eq(it.key, STR("data_base64")))
            continue;
        ok = name_ok(it.key) ? json_get(object, it.key) == it.value
                                   ? take_value(&r, it.key, it.value)
                                   : err_set(e, "\"%.*s\" is there twice", STR_FMT(it.key))
                             : err_set(e,
                                       "the name of an attribute has lower-case letters and digits alone, at "
                                       "most %u",
                                       NAME_MAX_BYTES);
    }
    ok = ok && take_data(&r, object);
    return reading_end(&r, ok);
}

/* --- binary: header fields
 * ------------------------------------------------------------------------------------ */

/* The text within double quotes, into `out`; what has none is copied. */
static size_t unquote(bb_str value, char *out) {
    bool quoted = value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"';
    size_t n = 0, end = value.len - (quoted ? 1 : 0);
    for (size_t i = quoted ? 1 : 0; i < end; i++) {
        if (quoted && value.ptr[i] == '\\' && i + 1 < end)
            i++;
        out[n++] = value.ptr[i];
    }
    return n;
}

/* First without quotes, then percent-decoded, once (the HTTP binding's section 3.1.3.2). */
static bb_str decode_field(arena *a, bb_str value) {
    char *out = arena_alloc(a, value.len + 1);
    size_t n = 0;
    if (out == NULL)
        return (bb_str){NULL, 0};
    size_t end = unquote(value, out);
    for (size_t i = 0; i < end; i++) {
        int high = out[i] == '%' && i + 2 < end ? str_hex_digit(out[i + 1]) : -1;
        int low = high >= 0 ? str_hex_digit(out[i + 2]) : -1;
        out[n++] = low >= 0 ? (char)(high << 4 | low) : out[i];
        i += low >= 0 ? 2 : 0;
    }
    return str_of(out, n);
}

static bb_str lower(arena *a, bb_str s) {
    bb_str copy = arena_copy(a, s);
    for (size_t i = 0; i < copy.len; i++)
        if (copy.ptr[i] >= 'A' && copy.ptr[i] <= 'Z')
            ((char *)(uintptr_t)copy.ptr)[i] = (char)(copy.ptr[i] | 0x20);
    return copy;
}

static bool is_repeated(const http_header *headers, size_t at) {
    for (size_t i = 0; i < at; i++)
        if (str_eq_nocase(headers[i].name, headers[at].name))
            return true;
    return false;
}

static bool take_field(reading *r, const http_header *headers, size_t at) {
    bb_str name = headers[at].name;
    name = lower(r->a, str_of(name.ptr + 3, name.len - 3));
    bb_str value = decode_field(r->a, headers[at].value);
    if (name.ptr == NULL || value.ptr == NULL)
        return err_set(r->e, "no memory");
    if (!name_ok(name) || str_eq(name, STR("datacontenttype")))
        return err_set(r->e,
                       "the header field %.*s is no attribute's: its name has letters and digits alone, and "
                       "the content type is Content-Type",
                       (int)(headers[at].name.len < 80 ? headers[at].name.len : 80), headers[at].name.ptr);
    return is_repeated(headers, at) ? err_set(r->e, "\"%.*s\" is there twice", STR_FMT(name))
                                    : take(r, name, value);
}

static bool read_binary(arena *a, const http_header *headers, size_t count, bb_str body, cloudevent *out,
                        err *e) {
    reading r;
    bool ok = true;
    size_t n = 0;
    reading_begin(&r, a, out, e);
    for (size_t i = 0; ok && i < count; i++)
        if (headers[i].name.len > 3 && str_eq_nocase(str_of(headers[i].name.ptr, 3), STR("ce-")))
            ok = ++n <= ATTRIBUTES_MAX ? take_field(&r, headers, i)
                                       : err_set(e, "an event has at most %u attributes", ATTRIBUTES_MAX);
    out->content_type = str_pair_find(headers, count, STR("Content-Type"));
    out->payload = body;
    return reading_end(&r, ok);
}

/* --- a request
 * --------------------------------------------------------------------------------------------------- */

static bool read_batch(arena *a, const json_value *root, cloudevent **out, size_t *count, err *e) {
    if (!json_is(root, JSON_ARRAY))
        return err_set(e, "a batch is an array of events");
    if (json_count(root) > CLOUDEVENTS_MAX)
        return err_set(e, "a batch has at most %u events, this one has %u", CLOUDEVENTS_MAX,
                       json_count(root));
    *out = arena_alloc(a, (json_count(root) + 1) * sizeof **out);
    if (*out == NULL)
        return err_set(e, "no memory");
    for (json_iter it = json_iterate(root); json_next(&it); ++*count)
        if (!cloudevents_read_object(a, it.value, &(*out)[*count], e))
            return err_prefix(e, "event %zu of the batch: ", *count + 1);
    return true;
}

bool cloudevents_read(arena *a, cloudevents_mode mode, const http_header *headers, size_t header_count,
                      bb_str body, cloudevent **out, size_t *count, err *e) {
    json_error why;
    *count = 0;
    if (mode == CLOUDEVENTS_UNKNOWN)
        return err_set(e, "%s", CLOUDEVENTS_UNKNOWN_TEXT);
    const json_value *root = mode != CLOUDEVENTS_BINARY ? json_read(a, body, NULL, &why) : NULL;
    if (mode != CLOUDEVENTS_BINARY && root == NULL)
        return err_set(e, "the body is no JSON: %s, line %u, column %u", why.reason, why.line, why.column);
    if (mode == CLOUDEVENTS_BATCH)
        return read_batch(a, root, out, count, e);
    *out = arena_alloc(a, sizeof **out);
    *count = 1;
    if (*out == NULL)
        return err_set(e, "no memory");
    return mode == CLOUDEVENTS_BINARY ? read_binary(a, headers, header_count, body, *out, e)
                                      : cloudevents_read_object(a, root, *out, e);
}
