/* CloudEvents as they are read from the modes of HTTP; how they are written test_post.c sees. */
#include <busbar/busbar.h>

#include "unit.h"
#include "webhook/cloudevents.h"

static arena *memory;
static err why;

static http_header field(const char *name, const char *value) {
    return (http_header){.name = str_from(name), .value = str_from(value)};
}

static cloudevent read_one(cloudevents_mode mode, const http_header *headers, size_t n, const char *body) {
    cloudevent *out = NULL;
    size_t count = 0;
    why.text[0] = '\0';
    ck_assert_int_eq(cloudevents_mode_of(headers, n), mode);
    ck_assert_msg(cloudevents_read(memory, mode, headers, n, str_from(body), &out, &count, &why), "%s",
                  why.text);
    ck_assert_uint_eq(count, 1);
    return out[0];
}

static void refuses(cloudevents_mode mode, const http_header *headers, size_t n, const char *body,
                    const char *reason) {
    cloudevent *out = NULL;
    size_t count = 0;
    why.text[0] = '\0';
    ck_assert_msg(!cloudevents_read(memory, mode, headers, n, str_from(body), &out, &count, &why),
                  "%s is taken", body);
    ck_assert_msg(strstr(why.text, reason) != NULL, "%s: %s", body, why.text);
}

#define ck_text(slice, text)                                                                         \
    do {                                                                                             \
        bb_str got = (slice);                                                                        \
        ck_assert_msg(str_eq(got, STR(text)), "\"%.*s\" in place of \"%s\"", STR_FMT(got), "" text); \
    } while (0)

#define STRUCTURED field("content-type", "application/cloudevents+json; charset=utf-8")
#define CORE "\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\""

START_TEST(modes_are_told_by_the_header) {
    const http_header plain[] = {field("Content-Type", "application/json"), field("ce-id", "1")};
    const http_header binary[] = {field("Content-Type", "application/json"), field("CE-SpecVersion", "1.0")};
    const http_header batch[] = {field("Content-Type", "Application/CloudEvents-Batch+JSON")};
    const http_header other[] = {field("Content-Type", "application/cloudevents+avro")};
    ck_assert_int_eq(cloudevents_mode_of(plain, 2), CLOUDEVENTS_NONE);
    ck_assert_int_eq(cloudevents_mode_of(binary, 2), CLOUDEVENTS_BINARY);
    ck_assert_int_eq(cloudevents_mode_of(batch, 1), CLOUDEVENTS_BATCH);
    ck_assert_int_eq(cloudevents_mode_of(other, 1), CLOUDEVENTS_UNKNOWN);
    ck_assert_int_eq(cloudevents_mode_of(NULL, 0), CLOUDEVENTS_NONE);
}
END_TEST

/* The JSON format's section 3.1: what the payload is. */
START_TEST(data_is_what_its_type_says) {
    static const struct {
        const char *members, *payload, *type;
    } cases[] = {
        {"\"data\": {\"a\": 1.00}", "{\"a\": 1.00}", "application/json"},
        {"\"data\": \"text\"", "\"text\"", "application/json"},
        {"\"data\": null", "null", "application/json"},
        {"\"datacontenttype\":\"text/plain\",\"data\":\"h\\u00e9\"", "h\xc3\xa9", "text/plain"},
        {"\"datacontenttype\":\"text/plain\",\"data\":7", "7", "text/plain"},
        {"\"datacontenttype\":\"application/x+json\",\"data\":\"x\"", "\"x\"", "application/x+json"},
        {"\"datacontenttype\":\"application/json\",\"data_base64\":\"e30=\"", "{}", "application/json"},
        {"\"data_base64\":\"AAH/\"", NULL, ""},
        {"\"subject\":\"no data\"", "", ""},
    };
    memory = arena_new(0);
    const http_header headers[] = {STRUCTURED};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bb_str body = arena_printf(memory, "{" CORE ",%s}", cases[i].members);
        cloudevent e = read_one(CLOUDEVENTS_STRUCTURED, headers, 1, body.ptr);
        bb_str expected = cases[i].payload != NULL ? str_from(cases[i].payload) : str_of("\0\1\xff", 3);
        ck_assert_msg(str_eq(e.payload, expected), "%s: %.*s", cases[i].members, STR_FMT(e.payload));
        ck_assert_msg(str_eq(e.content_type, str_from(cases[i].type)), "%s: %.*s", cases[i].members,
                      STR_FMT(e.content_type));
    }
    arena_free(memory);
}
END_TEST

START_TEST(what_has_no_place_is_kept) {
    memory = arena_new(0);
    const http_header headers[] = {STRUCTURED};
    cloudevent e = read_one(CLOUDEVENTS_STRUCTURED, headers, 1,
                            "{" CORE
                            ",\"n\":-7,\"yes\":true,\"nothing\":null,\"time\":\"2026-01-02T03:04:05+01:00\","
                            "\"data\":1}");
    ck_text(e.attributes, "{\"cloudevents\":{\"id\":\"1\",\"source\":\"/s\",\"n\":-7,\"yes\":true,"
                          "\"time\":\"2026-01-02T03:04:05+01:00\"}}");
    ck_text(e.id, "1");
    ck_text(e.source, "/s");
    ck_text(e.type, "t");
    arena_free(memory);
}
END_TEST

/* The HTTP binding's section 3.1.3.2. */
START_TEST(fields_are_decoded) {
    memory = arena_new(0);
    const http_header headers[] = {field("ce-specversion", "1.0"),         field("ce-id", "%31%"),
                                   field("ce-source", "\"/a\\\"b%22\""),   field("CE-Type", "t"),
                                   field("ce-ext", "%C3%A9%20%zz"),        field("Content-Type", "image/png"),
                                   field("ce-subject", "Euro%E2%82%ac%21")};
    cloudevent e = read_one(CLOUDEVENTS_BINARY, headers, 7, "\x89PNG");
    ck_text(e.id, "1%");
    ck_text(e.source, "/a\"b\"");
    ck_text(e.content_type, "image/png");
    ck_text(e.payload, "\x89PNG");
    ck_text(e.attributes,
            "{\"cloudevents\":{\"id\":\"1%\",\"source\":\"/a\\\"b\\\"\",\"ext\":\"\xc3\xa9 %zz\","
            "\"subject\":\"Euro\xe2\x82\xac!\"}}");
    arena_free(memory);
}
END_TEST

START_TEST(wrong_fields_are_named) {
    memory = arena_new(0);
    const http_header core[] = {field("ce-specversion", "1.0"), field("ce-id", "1"), field("ce-source", "/s"),
                                field("ce-type", "t")};
    static const struct {
        const char *name, *value, *reason;
    } cases[] = {{"ce-id", "2", "twice"},
                 {"ce-ext", "%0d%0aX: 1", "control characters"},
                 {"ce-ext", "%ff", "control"},
                 {"ce-a-b", "x", "ce-a-b"},
                 {"ce-datacontenttype", "x", "Content-Type"},
                 {"ce-time", "noon", "time"},
                 {"ce-ext", "", "empty"}};
    http_header headers[5];
    memcpy(headers, core, sizeof core);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        headers[4] = field(cases[i].name, cases[i].value);
        refuses(CLOUDEVENTS_BINARY, headers, 5, "", cases[i].reason);
    }
    for (size_t i = 0; i < 4; i++) { /* one of the four is missing */
        memcpy(headers, core, sizeof core);
        headers[i] = field("X-Other", "x");
        refuses(CLOUDEVENTS_BINARY, headers, 4, "", "is missing");
    }
    arena_free(memory);
}
END_TEST

START_TEST(wrong_objects_are_named) {
    static const char *const cases[][2] = {
        {"[]", "an event is an object"},
        {"{", "no JSON"},
        {"", "no JSON"},
        {"{" CORE ",\"id\":\"2\"}", "\"id\" is there twice"},
        {"{" CORE ",\"Ext\":\"2\"}", "lower-case"},
        {"{" CORE ",\"\":\"2\"}", "lower-case"},
        {"{" CORE ",\"ext\":[1]}", "\"ext\""},
        {"{" CORE ",\"ext\":1e400}", "\"ext\""},
        {"{" CORE ",\"subject\":7}", "\"subject\" is not a string"},
        {"{" CORE ",\"data\":1,\"data_base64\":\"\"}", "both"},
        {"{" CORE ",\"data_base64\":7}", "not a string"},
        {"{" CORE ",\"data_base64\":\"AA\"}", "base64"},
        {"{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\"}", "0.3"},
    };
    memory = arena_new(0);
    const http_header headers[] = {STRUCTURED};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        refuses(CLOUDEVENTS_STRUCTURED, headers, 1, cases[i][0], cases[i][1]);
    bb_str name = arena_printf(memory, "{" CORE ",\"%065d\":\"x\"}", 0);
    refuses(CLOUDEVENTS_STRUCTURED, headers, 1, name.ptr, "at most 64");
    bb_str value = arena_printf(memory, "{" CORE ",\"a\":\"%04097d\"}", 0);
    refuses(CLOUDEVENTS_STRUCTURED, headers, 1, value.ptr, "longer than 4096");
    arena_free(memory);
}
END_TEST

/* "begin, unit x n, end" */
static const char *many(const char *begin, const char *unit, size_t n, const char *end) {
    bb_str text = str_from(begin);
    for (size_t i = 0; i < n; i++)
        text = arena_printf(memory, "%.*s%s%s%zu%s", STR_FMT(text), i > 0 ? "," : "", unit, i,
                            str_starts(str_from(unit), STR("\"")) ? "\":1" : "\"}");
    return arena_printf(memory, "%.*s%s", STR_FMT(text), end).ptr;
}

START_TEST(attributes_and_events_are_so_many) {
    memory = arena_new(0);
    const http_header headers[] = {STRUCTURED};
    read_one(CLOUDEVENTS_STRUCTURED, headers, 1, many("{" CORE ",", "\"x", 46, "}"));
    refuses(CLOUDEVENTS_STRUCTURED, headers, 1, many("{" CORE ",", "\"x", 49, "}"), "at most 50 attributes");
    refuses(CLOUDEVENTS_BATCH, NULL, 0, many("[", "{\"id\":\"", 1001, "]"), "at most 1000 events");
    http_header fields[55] = {field("ce-specversion", "1.0"), field("ce-id", "1"), field("ce-source", "/s"),
                              field("ce-type", "t")};
    for (int i = 4; i < 55; i++)
        fields[i] = field(arena_printf(memory, "ce-x%d", i).ptr, "v");
    read_one(CLOUDEVENTS_BINARY, fields, 50, "");
    refuses(CLOUDEVENTS_BINARY, fields, 51, "", "at most 50 attributes");
    arena_free(memory);
}
END_TEST

START_TEST(a_batch_may_be_empty_and_names_its_wrong_one) {
    memory = arena_new(0);
    cloudevent *out = NULL;
    size_t count = 7;
    err e = {""};
    ck_assert(cloudevents_read(memory, CLOUDEVENTS_BATCH, NULL, 0, STR("[]"), &out, &count, &e) &&
              count == 0);
    ck_assert(cloudevents_read(memory, CLOUDEVENTS_BATCH, NULL, 0, STR("[{" CORE "},{" CORE ",\"data\":2}]"),
                               &out, &count, &e));
    ck_assert_uint_eq(count, 2);
    ck_text(out[1].payload, "2");
    refuses(CLOUDEVENTS_BATCH, NULL, 0, "[{" CORE "},{}]", "event 2 of the batch");
    refuses(CLOUDEVENTS_BATCH, NULL, 0, "{" CORE "}", "array");
    arena_free(memory);
}
END_TEST

UNIT_MAIN(unit_test(modes_are_told_by_the_header), unit_test(data_is_what_its_type_says),
          unit_test(what_has_no_place_is_kept), unit_test(fields_are_decoded),
          unit_test(wrong_fields_are_named), unit_test(wrong_objects_are_named),
          unit_test(attributes_and_events_are_so_many),
          unit_test(a_batch_may_be_empty_and_names_its_wrong_one))
