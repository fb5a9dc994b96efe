/* otlp_json.c - the JSON encoding of OTLP: protobuf's JSON mapping, but ids in lower case hex; 64-bit
 * integers are decimal strings. */
#include "observe/otlp_json.h"

#include "json/json.h"

#include <stdio.h>

enum { KIND_SERVER = 2, KIND_CLIENT = 3, STATUS_ERROR = 2 };

static void put_hex(json_writer *w, bb_str key, const uint8_t *bytes, size_t n) {
    char text[33];
    for (size_t i = 0; i < n; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes[i]);
    json_member_string(w, key, str_of(text, 2 * n));
}

static void put_int64(json_writer *w, bb_str key, uint64_t value) {
    char text[21];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    json_member_string(w, key, str_of(text, (size_t)n));
}

/* {"key": NAME, "value": {` ... attribute_end. */
static void attribute(json_writer *w, bb_str name) {
    json_object(w);
    json_member_string(w, STR("key"), name);
    json_keyl(w, "value");
    json_object(w);
}

static void attribute_end(json_writer *w) {
    json_object_end(w);
    json_object_end(w);
}

static void put_text(json_writer *w, bb_str name, const char *value) {
    if (value == NULL || value[0] == '\0')
        return;
    attribute(w, name);
    json_member_string(w, STR("stringValue"), str_from(value));
    attribute_end(w);
}

static void put_number(json_writer *w, bb_str name, uint64_t value) {
    attribute(w, name);
    put_int64(w, STR("intValue"), value);
    attribute_end(w);
}

static void put_bool(json_writer *w, bb_str name, bool value) {
    attribute(w, name);
    json_member_bool(w, STR("boolValue"), value);
    attribute_end(w);
}

static void put_attributes(json_writer *w, const trace_span *s) {
    json_keyl(w, "attributes");
    json_array(w);
    put_text(w, STR("busbar.connection"), s->connection);
    put_text(w, STR("busbar.plugin"), s->plugin);
    put_text(w, STR("busbar.operation"), s->operation);
    put_text(w, STR("busbar.execution.id"), s->execution);
    if (s->attempt > 0)
        put_number(w, STR("busbar.attempt"), s->attempt);
    if (s->kind == SPAN_SERVER)
        put_bool(w, STR("busbar.cached"), s->cached);
    if (s->http_status > 0)
        put_number(w, STR("http.response.status_code"), s->http_status);
    if (s->outcome != PROBLEM_NONE)
        put_text(w, STR("error.type"), problem_of(s->outcome)->name);
    json_array_end(w);
}

static void put_status(json_writer *w, const trace_span *s) {
    json_keyl(w, "status");
    json_object(w);
    if (s->outcome != PROBLEM_NONE) {
        json_member_string(w, STR("message"), str_from(problem_of(s->outcome)->name));
        json_member_u64(w, STR("code"), STATUS_ERROR);
    }
    json_object_end(w);
}

static void put_span(json_writer *w, const trace_span *s) {
    static const uint8_t none[8];
    json_object(w);
    put_hex(w, STR("traceId"), s->trace_id, 16);
    put_hex(w, STR("spanId"), s->span_id, 8);
    if (memcmp(s->parent_id, none, 8) != 0)
        put_hex(w, STR("parentSpanId"), s->parent_id, 8);
    json_member_string(w, STR("name"), str_from(s->name));
    json_member_u64(w, STR("kind"), s->kind == SPAN_CLIENT ? KIND_CLIENT : KIND_SERVER);
    put_int64(w, STR("startTimeUnixNano"), s->start_ns);
    put_int64(w, STR("endTimeUnixNano"), s->end_ns);
    put_attributes(w, s);
    put_status(w, s);
    json_object_end(w);
}

static void put_resource(json_writer *w, const otlp_resource *r) {
    json_keyl(w, "resource");
    json_object(w);
    json_keyl(w, "attributes");
    json_array(w);
    put_text(w, STR("service.name"), r->service);
    put_text(w, STR("service.version"), r->version);
    put_text(w, STR("service.instance.id"), r->instance);
    json_array_end(w);
    json_object_end(w);
}

bool otlp_write_json(buf *out, const otlp_resource *resource, const trace_span *spans, size_t count) {
    json_writer w;
    buf_clear(out);
    json_writer_init(&w, out);
    json_object(&w);
    json_keyl(&w, "resourceSpans");
    json_array(&w);
    json_object(&w);
    put_resource(&w, resource);
    json_keyl(&w, "scopeSpans");
    json_array(&w);
    json_object(&w);
    json_keyl(&w, "scope");
    json_object(&w);
    json_member_string(&w, STR("name"), STR("busbar"));
    if (resource->version != NULL)
        json_member_string(&w, STR("version"), str_from(resource->version));
    json_object_end(&w);
    json_keyl(&w, "spans");
    json_array(&w);
    for (size_t i = 0; i < count; i++)
        put_span(&w, &spans[i]);
    json_array_end(&w);
    json_object_end(&w);
    json_array_end(&w);
    json_object_end(&w);
    json_array_end(&w);
    json_object_end(&w);
    return json_writer_finish(&w);
}

uint64_t otlp_rejected(bb_str answer, uint64_t sent) {
    arena *a = arena_new(1 << 20);
    uint64_t n = 0;
    if (a == NULL)
        return 0;
    const json_value *root = json_read(a, answer, NULL, NULL);
    const json_value *rejected = json_getl(json_getl(root, "partialSuccess"), "rejectedSpans");
    if (!json_to_u64(rejected, &n) && !str_to_u64(json_string(rejected), &n))
        n = 0;
    arena_free(a);
    return n < sent ? n : sent;
}
