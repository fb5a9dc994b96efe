/* post_build.c - the request of a post: its body in the destination's format, its header fields, signed. */
#include "base/clock.h"
#include "plugin/host_crypto.h"
#include "webhook/cloudevents.h"
#include "webhook/post_internal.h"

#define FIELDS_MAX 128 /* of a request */

typedef struct built {
    post *p;
    bb_str fields[FIELDS_MAX];
    size_t count;
    bb_str content_type;
} built;

static bool as_batch(const post_what *what) {
    return what->batch || what->count != 1;
}

/* --- what it is called ---------------------------------------------------------------------------------- */

/* The event's id, or for a batch one that the same events give again: a repeat is told by it. */
static void add_id(const post_what *what, buf *out) {
    if (!as_batch(what)) {
        cloudevents_encode(out, what->events[0].event);
        return;
    }
    buf ids = {0};
    uint8_t digest[BB_HASH_MAX];
    char hex[32];
    for (size_t i = 0; i < what->count; i++)
        buf_part(&ids, what->events[i].event);
    buf_lit(out, "batch_");
    if (ids.failed || host_crypto.digest(BB_SHA256, buf_str(&ids), digest) == 0)
        out->failed = true;
    else
        buf_add(out, hex, host_crypto.hex_encode(str_of(digest, 16), hex, sizeof hex));
    buf_free(&ids);
}

/* --- the body --------------------------------------------------------------------------------------------
 */

/* As JSON: itself where it is; text as a string; other bytes as base64 in a string. */
static void put_payload(json_writer *w, arena *a, const delivery *d) {
    if (payload_is_json(a, d->content_type, d->payload)) {
        json_put_raw(w, d->payload);
    } else if (json_utf8_valid(d->payload)) {
        json_put_string(w, d->payload);
    } else {
        size_t cap = 4 * (d->payload.len / 3 + 1);
        char *text = arena_alloc(a, cap);
        size_t n = text != NULL ? host_crypto.base64_encode(d->payload, text, cap) : SIZE_MAX;
        if (n != SIZE_MAX)
            json_put_string(w, str_of(text, n));
        else
            w->failed = true;
    }
}

/* One alone has its id in the header. */
static void put_standard(json_writer *w, arena *a, const delivery *d, bool batch) {
    json_object(w);
    if (batch)
        json_member_string(w, STR("id"), d->event);
    json_member_string(w, STR("type"), d->type);
    json_member_time(w, STR("timestamp"), d->event_ms);
    json_keyl(w, "data");
    put_payload(w, a, d);
    json_object_end(w);
}

static void put_event(json_writer *w, arena *a, post_format format, const delivery *d, bool batch) {
    switch (format) {
    case POST_PLAIN: put_payload(w, a, d); break;
    case POST_STANDARD: put_standard(w, a, d, batch); break;
    default: cloudevents_write(w, a, d);
    }
}

static bool add_json(built *b) {
    post *p = b->p;
    json_writer w;
    json_writer_init(&w, &p->content);
    bool batch = as_batch(&p->what);
    if (batch)
        json_array(&w);
    for (size_t i = 0; i < p->what.count; i++)
        put_event(&w, p->memory, p->what.to->format, &p->what.events[i], batch);
    if (batch)
        json_array_end(&w);
    bool cloud = p->what.to->format == POST_CLOUDEVENTS || p->what.to->format == POST_CLOUDEVENTS_BINARY;
    b->content_type = !cloud  ? STR("application/json")
                      : batch ? STR(CLOUDEVENTS_BATCH_TYPE)
                              : STR(CLOUDEVENTS_TYPE);
    return json_writer_finish(&w);
}

static bool add_body(built *b) {
    const post_what *what = &b->p->what;
    post_format format = what->to->format;
    if (as_batch(what) || format == POST_STANDARD || format == POST_CLOUDEVENTS)
        return add_json(b);
    const delivery *d = &what->events[0];
    buf_str_add(&b->p->content, d->payload);
    b->content_type = payload_type(b->p->memory, d);
    return !b->p->content.failed;
}

/* --- the header --------------------------------------------------------------------------------------------
 */

static bool add(built *b, bb_str line) {
    if (line.ptr == NULL || b->count == FIELDS_MAX)
        return false;
    b->fields[b->count++] = line;
    return true;
}

static bool add_field(built *b, const char *name, bb_str value) {
    return add(b, arena_printf(b->p->memory, "%s: %.*s", name, STR_FMT(value)));
}

/* A text that somebody else gave: a type, a content type. */
static bool add_encoded(built *b, const char *name, bb_str value) {
    buf text = {0};
    cloudevents_encode(&text, value);
    bool ok = !text.failed && add_field(b, name, buf_str(&text));
    buf_free(&text);
    return ok;
}

/* Content types have blanks and quotes; what is no visible ASCII has no place in them. */
static bool add_type(built *b) {
    bb_str type = b->content_type;
    if (type.len == 0) /* libcurl sends none then, and does not add one of its own */
        return add(b, STR("Content-Type:"));
    for (size_t i = 0; i < type.len; i++)
        if ((unsigned char)type.ptr[i] < 0x20 || (unsigned char)type.ptr[i] > 0x7e)
            type = STR("application/octet-stream");
    return add_field(b, "Content-Type", type);
}

static bool add_signatures(built *b) {
    const post_destination *to = b->p->what.to;
    post *p = b->p;
    buf text = {0};
    bool ok = true;
    if (to->keys != NULL && to->standard)
        ok = signing_standard(to->keys, buf_str(&p->content), &text) &&
             add_field(b, "Webhook-Signature", buf_str(&text));
    buf_clear(&text);
    bb_str body = str_of(p->content.ptr + p->body, p->content.len - p->body);
    if (ok && to->keys != NULL && to->legacy_header != NULL && signing_legacy(to->keys, body, &text))
        ok = add_field(b, to->legacy_header, buf_str(&text));
    ok = ok && !text.failed;
    buf_free(&text);
    return ok;
}

static bool has_field(const post_destination *to, bb_str name) {
    for (size_t i = 0; i < to->header_count; i++)
        if (to->headers[i].len > name.len && to->headers[i].ptr[name.len] == ':' &&
            str_eq_nocase(str_of(to->headers[i].ptr, name.len), name))
            return true;
    return false;
}

static bool add_header(built *b, bb_str id, uint64_t seconds) {
    const post_what *what = &b->p->what;
    const post_destination *to = what->to;
    bool ok = add_type(b) && add_field(b, "Webhook-Id", id) &&
              add(b, arena_printf(b->p->memory, "Webhook-Timestamp: %llu", (unsigned long long)seconds));
    if (ok && !as_batch(what) && what->events[0].type.len > 0)
        ok = add_encoded(b, "Webhook-Type", what->events[0].type);
    if (ok && !as_batch(what) && to->format == POST_CLOUDEVENTS_BINARY) {
        size_t n = 0;
        ok = cloudevents_fields(b->p->memory, &what->events[0], b->fields + b->count, FIELDS_MAX / 2, &n);
        b->count += n;
    }
    if (ok && !has_field(to, STR("User-Agent")))
        ok = add(b, STR("User-Agent: Busbar"));
    for (size_t i = 0; ok && i < to->header_count; i++)
        ok = add(b, to->headers[i]);
    return ok && add_signatures(b);
}

/* "ID.SECONDS." lies before the body, so that what is signed is one piece. */
bool post_build(post *p) {
    built b = {.p = p};
    uint64_t seconds = p->what.now_ms / 1000;
    buf *content = &p->content;
    buf_clear(content);
    add_id(&p->what, content);
    bb_str id = arena_copy(p->memory, buf_str(content));
    buf_printf(content, ".%llu.", (unsigned long long)seconds);
    p->body = content->len;
    if (content->failed || id.ptr == NULL || !add_body(&b) || !add_header(&b, id, seconds))
        return false;
    bb_str *fields = arena_alloc(p->memory, b.count * sizeof *fields);
    if (fields == NULL)
        return false;
    memcpy(fields, b.fields, b.count * sizeof *fields);
    p->send = (http_send){.target = &p->what.to->target,
                          .method = STR("POST"),
                          .url = p->what.to->url,
                          .headers = fields,
                          .header_count = b.count,
                          .body = str_of(content->ptr + p->body, content->len - p->body),
                          .has_body = true,
                          .timeout_ms = p->what.to->timeout_ms,
                          .memory = p->memory,
                          .answer_body = &p->answer};
    return true;
}
