/* files.h - a connector that takes and gives files, and passes every check: an upload in two ranges that can
 * go on after a break, and a download. Each file beside this one breaks one thing in it, by a macro that
 * stands before the include. */
#ifndef FILES_H
#define FILES_H

#include <busbar/busbar.h>
#include <busbar/content.h>

#ifndef PUT_FLAGS
#define PUT_FLAGS (BB_CONTENT_TAKES | BB_CONTENT_LENGTH)
#endif
#ifndef PUT_ID
#define PUT_ID "put"
#endif
#ifndef PUT_OP_FLAGS
#define PUT_OP_FLAGS 0
#endif
/* The ranges: [0, HALF), then from SECOND on. */
#ifndef SECOND
#define SECOND half(call)
#endif
#ifndef IN_START
#define IN_START
#endif
/* Whether what was saved says how far the upload got, into *at. */
#ifndef READ_SAVED
#define READ_SAVED(json, saved) \
    ((json)->to_int64(bb_get(call, (saved), "at"), &at) && at >= 0 && at <= bb_content_length(call))
#endif
#ifndef PUT_RANGE
#define PUT_RANGE(from, bytes) bb_content_range(call, (from), (bytes))
#endif
#ifndef TO_OUTPUT
#define TO_OUTPUT bb_content_to_output(call)
#endif

#define NAMED                                                                                                \
    "{\"type\":\"object\",\"required\":[\"name\"],\"additionalProperties\":false,\"properties\":{\"name\":{" \
    "\"type\":\"string\",\"minLength\":1}}}"
#define EXAMPLE "[{\"summary\":\"one\",\"input\":{\"name\":\"a\"}}]"

static inline int64_t half(bb_call *call) {
    return bb_content_length(call) / 2;
}

static inline bb_step put_rest(bb_call *call, int64_t from) {
    bb_request(call, "PUT", "/files");
    bb_segment(call, bb_in_text(call, "name"));
    PUT_RANGE(from, -1);
    return BB_SEND;
}

static bb_step put_start(bb_call *call) {
    const bb_json *saved = bb_content_saved(call);
    int64_t at = 0;
    IN_START
    if (saved != NULL && READ_SAVED(call->host->json, saved))
        return put_rest(call, at);
    bb_request(call, "PUT", "/files");
    bb_segment(call, bb_in_text(call, "name"));
    PUT_RANGE(0, half(call));
    return BB_SEND;
}

static bb_step put_resume(bb_call *call) {
    char text[48];
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_s(NULL));
    if (call->step == 1 && bb_content_saved(call) == NULL) {
        snprintf(text, sizeof text, "{\"at\":%lld}", (long long)half(call));
        bb_content_save(call, bb_s(text));
        return put_rest(call, SECOND);
    }
    return bb_done_text(call, bb_s("{}"));
}

static bb_step get_start(bb_call *call) {
    bb_request(call, "GET", "/files");
    bb_segment(call, bb_in_text(call, "name"));
    TO_OUTPUT;
    return BB_SEND;
}

static bb_step get_resume(bb_call *call) {
    return bb_ok(call) ? bb_done_text(call, bb_s("{}")) : bb_fail_http(call, bb_s(NULL), bb_s(NULL));
}

static const bb_operation put = {
    BB_SIZE(bb_operation),      .flags = PUT_OP_FLAGS, .id = "put",
    .summary = "Stores a file", .input_schema = NAMED, .output_schema = "{\"type\":\"object\"}",
    .examples = EXAMPLE,        .start = put_start,    .resume = put_resume};
static const bb_operation get = {
    BB_SIZE(bb_operation),     .flags = BB_OP_SAFE,   .id = "get",
    .summary = "Gives a file", .input_schema = NAMED, .output_schema = "{\"type\":\"object\"}",
    .examples = EXAMPLE,       .start = get_start,    .resume = get_resume};
static const bb_operation *const operations[] = {&put, &get, NULL};

static const bb_content_operation taken = {BB_SIZE(bb_content_operation), .flags = PUT_FLAGS,
                                           .operation = PUT_ID};
static const bb_content_operation given = {BB_SIZE(bb_content_operation), .flags = BB_CONTENT_GIVES,
                                           .operation = "get"};
static const bb_content_operation *const with_content[] = {&taken, &given, NULL};
static const bb_content_extension content = {BB_SIZE(bb_content_extension), .operations = with_content};
static const bb_extension extensions[] = {{BB_EXT_CONTENT, &content}, {NULL, NULL}};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = ID,
    .name = "Files",
    .version = "1.0.0",
    .summary = "Files",
    .settings_schema = "{\"type\":\"object\",\"required\":[\"base_url\"],\"additionalProperties\":false,"
                       "\"properties\":{\"base_url\":{\"type\":\"string\"}}}",
    .operations = operations,
};
BUSBAR_PLUGIN_WITH(plugin, extensions);

#endif
