/* Events that anybody with a key may send: JSON, and CloudEvents in each mode. The input: header fields, a
 * line each, an empty line, and the body. What is taken is written again as a CloudEvent, which must read
 * back. */
#include "webhook/publish.h"

#include "webhook/cloudevents.h"
#include "webhook/event_type.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FIELDS 64

static webhook_loop *fixture(void) {
    static worker w = {.random = {1, 2}};
    static event_type known = {.type = {"known", 5}};
    static webhook_entry entry = {.id = {"known", 5}, .item = &known.item};
    static webhook_loop l = {.worker = &w};
    if (l.set == NULL) {
        err e;
        l.set = webhook_set_empty();
        known.schema = schema_compile(STR("{\"type\":\"object\",\"required\":[\"n\"]}"), STR(""), NULL, &e);
        l.set->lists[WEBHOOK_EVENT_TYPE] = (webhook_list){.entries = &entry, .count = 1};
    }
    return &l;
}

static size_t read_header(bb_str *rest, http_header *out) {
    size_t n = 0;
    for (bb_str line, name; str_split(rest, '\n', &line) && line.len > 0;)
        if (n < FIELDS && str_split(&line, ':', &name) && name.len > 0)
            out[n++] = (http_header){.name = name, .value = str_trim(line)};
    return n;
}

static void must(bool holds) {
    if (!holds)
        abort();
}

static void write_again(arena *a, const event_new *e) {
    delivery d = {.event = e->id,
                  .source = e->source,
                  .type = e->type,
                  .attributes = e->attributes,
                  .content_type = e->content_type,
                  .payload = e->payload,
                  .event_ms = e->at_ms};
    buf text = {0};
    json_writer w;
    bb_str fields[FIELDS];
    cloudevent back;
    size_t n = 0;
    err why = {""};
    json_writer_init(&w, &text);
    cloudevents_write(&w, a, &d);
    must(json_writer_finish(&w));
    const json_value *root = json_read(a, buf_str(&text), NULL, NULL);
    must(root != NULL && json_read(a, e->attributes, NULL, NULL) != NULL);
    if (json_utf8_valid(e->content_type)) {
        bool read = cloudevents_read_object(a, root, &back, &why);
        must(read || strstr(why.text, "control characters") != NULL); /* of a content type */
        must(!read || (str_eq(back.type, e->type) && back.id.len > 0 && back.source.len > 0));
    }
    cloudevents_fields(a, &d, fields, FIELDS, &n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < fields[i].len; k++)
            must(fields[i].ptr[k] >= ' ' && fields[i].ptr[k] <= '~');
    buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    arena *a = arena_new(0);
    bb_str rest = str_of(data, size);
    http_header fields[FIELDS];
    size_t n = read_header(&rest, fields);
    const http_request http = {.headers = fields, .header_count = n, .body = rest};
    const publish_request request = {
        .http = &http, .sender = STR("k"), .now_ms = 1700000000000, .dedup_ms = 1};
    published out;
    publish_refusal why;
    if (publish_read(fixture(), a, &request, &out, &why)) {
        must(out.count > 0 && out.count <= PUBLISH_MAX);
        for (size_t i = 0; i < out.count; i++)
            write_again(a, &out.events[i]);
    } else {
        must(why.problem != PROBLEM_NONE && why.detail.text[0] != '\0');
    }
    arena_free(a);
    return 0;
}
