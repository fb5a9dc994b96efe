/* cloudevents_write.c - the hub's events as CloudEvents. */
#include "webhook/cloudevents.h"

#include "base/clock.h"
#include "plugin/host_crypto.h"

/* --- what the payload is -------------------------------------------------------------------------------- */

static bool says_json(bb_str content_type) {
    bb_str rest = content_type, type;
    if (!str_split(&rest, ';', &type))
        return false;
    type = str_trim(type);
    return str_eq_nocase(type, STR("application/json")) || str_eq_nocase(type, STR("text/json")) ||
           (type.len > 5 && str_eq_nocase(str_of(type.ptr + type.len - 5, 5), STR("+json")));
}

bool payload_is_json(arena *a, bb_str content_type, bb_str payload) {
    return (content_type.len == 0 || says_json(content_type)) && payload.len > 0 &&
           json_read(a, payload, NULL, NULL) != NULL;
}

/* --- attributes -------------------------------------------------------------------------------------------
 */

/* What was kept of a CloudEvent that came in. */
static const json_value *kept_of(arena *a, const delivery *d) {
    const json_value *root = d->attributes.len > 0 ? json_read(a, d->attributes, NULL, NULL) : NULL;
    return json_getl(root, "cloudevents");
}

bb_str payload_type(arena *a, const delivery *d) {
    if (d->content_type.len > 0)
        return d->content_type;
    return kept_of(a, d) == NULL && payload_is_json(a, d->content_type, d->payload) ? STR("application/json")
                                                                                    : (bb_str){NULL, 0};
}

/* "endpoint/orders" as a URI: "urn:busbar:endpoint:orders". */
static bb_str source_of(arena *a, const delivery *d) {
    bb_str text = arena_printf(a, "urn:busbar:%.*s", STR_FMT(d->source));
    for (size_t i = 0; i < text.len; i++)
        if (text.ptr[i] == '/')
            ((char *)(uintptr_t)text.ptr)[i] = ':';
    return text;
}

typedef struct attributes {
    const json_value *kept;
    bb_str id, source, type, time;
    char stamp[CLOCK_RFC3339_SIZE];
} attributes;

static void attributes_of(arena *a, const delivery *d, attributes *out) {
    out->kept = kept_of(a, d);
    bb_str id = json_string(json_getl(out->kept, "id"));
    out->id = id.len > 0 ? id : d->event;
    out->source = json_string(json_getl(out->kept, "source"));
    if (out->source.len == 0)
        out->source = source_of(a, d);
    out->type = d->type.len > 0 ? d->type : STR("event");
    out->time = json_string(json_getl(out->kept, "time"));
    clock_rfc3339(d->event_ms, out->stamp);
    if (out->time.len == 0 &&
        json_getl(out->kept, "source") == NULL) /* of another's CloudEvent none is made up */
        out->time = str_from(out->stamp);
}

/* Written by name already, or no attribute at all. */
static bool is_own(bb_str name) {
    static const char *const own[] = {"specversion",     "id",   "source",     "type", "time",
                                      "datacontenttype", "data", "data_base64"};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        if (str_eq(name, str_from(own[i])))
            return true;
    return false;
}

/* --- structured
 * --------------------------------------------------------------------------------------------- */

static void write_data(json_writer *w, arena *a, const delivery *d, bb_str type) {
    if (d->payload.len == 0)
        return;
    if (type.len > 0 && payload_is_json(a, type, d->payload)) {
        json_keyl(w, "data");
        json_put_raw(w, d->payload);
        return;
    }
    size_t cap = 4 * (d->payload.len / 3 + 1);
    char *text = arena_alloc(a, cap);
    size_t n = text != NULL ? host_crypto.base64_encode(d->payload, text, cap) : SIZE_MAX;
    if (n == SIZE_MAX)
        w->failed = true;
    else
        json_member_string(w, STR("data_base64"), str_of(text, n));
}

void cloudevents_write(json_writer *w, arena *a, const delivery *d) {
    attributes at;
    attributes_of(a, d, &at);
    json_object(w);
    json_member_string(w, STR("specversion"), STR("1.0"));
    json_member_string(w, STR("id"), at.id);
    json_member_string(w, STR("source"), at.source);
    json_member_string(w, STR("type"), at.type);
    if (at.time.len > 0)
        json_member_string(w, STR("time"), at.time);
    bb_str type = d->payload.len > 0 ? payload_type(a, d) : (bb_str){NULL, 0};
    if (type.len > 0)
        json_member_string(w, STR("datacontenttype"), type);
    for (json_iter it = json_iterate(at.kept); json_next(&it);)
        if (!is_own(it.key)) {
            json_key(w, it.key);
            json_put_value(w, it.value);
        }
    write_data(w, a, d, type);
    json_object_end(w);
}

/* --- binary
 * ------------------------------------------------------------------------------------------------- */

void cloudevents_encode(buf *out, bb_str text) {
    static const char digits[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c > 0x20 && c < 0x7f && c != '"' && c != '%') {
            buf_char(out, (char)c);
            continue;
        }
        buf_char(out, '%');
        buf_char(out, digits[c >> 4]);
        buf_char(out, digits[c & 15]);
    }
}

typedef struct fields {
    arena *a;
    bb_str *items;
    size_t count, max;
} fields;

static bool add_field(fields *f, bb_str name, bb_str value) {
    buf line = {0};
    buf_printf(&line, "ce-%.*s: ", STR_FMT(name));
    cloudevents_encode(&line, value);
    bb_str copy = line.failed || f->count == f->max ? (bb_str){NULL, 0} : arena_copy(f->a, buf_str(&line));
    buf_free(&line);
    if (copy.ptr != NULL)
        f->items[f->count++] = copy;
    return copy.ptr != NULL;
}

bool cloudevents_fields(arena *a, const delivery *d, bb_str *items, size_t max, size_t *count) {
    fields f = {a, items, 0, max};
    attributes at;
    attributes_of(a, d, &at);
    bool ok = add_field(&f, STR("specversion"), STR("1.0")) && add_field(&f, STR("id"), at.id) &&
              add_field(&f, STR("source"), at.source) && add_field(&f, STR("type"), at.type) &&
              (at.time.len == 0 || add_field(&f, STR("time"), at.time));
    for (json_iter it = json_iterate(at.kept); ok && json_next(&it);) {
        bb_str text = json_is(it.value, JSON_STRING) ? json_string(it.value) : json_raw(it.value);
        if (!is_own(it.key) && text.len > 0)
            ok = add_field(&f, it.key, text);
    }
    *count = f.count;
    return ok;
}
