/* multipart.c - files as Discord takes them: multipart/form-data (RFC 7578) of payload_json and files[0],
 * files[1], ...: those that stand in the input, then the one that comes with the call, of any size. */
#include "discord.h"

/* At most so many (schema "file"), and one beside them. */
#define FILES_MAX 10u

/* --- a file ----------------------------------------------------------------------------------------- */

/* Its bytes: `content`, or `content_base64` decoded; false: the step has failed. */
static int bytes_of(bb_call *call, const bb_json *file, size_t index, bb_str *out) {
    bb_str encoded = bb_text(call, bb_get(call, file, "content_base64"));
    *out = bb_text(call, bb_get(call, file, "content"));
    if (bb_get(call, file, "content_base64") == NULL)
        return 1;
    size_t cap = encoded.len / 4 * 3 + 3;
    uint8_t *bytes = (uint8_t *)call->host->call->alloc(call, cap);
    if (bytes == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the files"), 0;
    size_t n = call->host->crypto->base64_decode(encoded, bytes, cap);
    if (n == SIZE_MAX) {
        char pointer[64];
        snprintf(pointer, sizeof pointer, "/files/%zu/content_base64", index);
        return bb_fail_input(call, pointer, "is not base64 (RFC 4648 section 4)"), 0;
    }
    out->ptr = (const char *)bytes;
    out->len = n;
    return 1;
}

static void name_of(size_t index, char field[48]) {
    snprintf(field, 48, "files[%zu]", index);
}

/* 0: the step has failed. */
static int put_file(bb_call *call, const bb_json *file, size_t index) {
    bb_str bytes, type = bb_text(call, bb_get(call, file, "content_type"));
    char field[48];
    if (!bytes_of(call, file, index, &bytes))
        return 0;
    name_of(index, field);
    bb_content_host(call)->part(call, bb_s(field), bb_text(call, bb_get(call, file, "filename")),
                                type.len > 0 ? type : bb_s("application/octet-stream"), bytes);
    return 1;
}

/* --- the whole -------------------------------------------------------------------------------------- */

bb_str dc_file_name(bb_call *call) {
    const bb_content_api *content = bb_content_host(call);
    bb_str none = {NULL, 0}, name;
    if (content == NULL || !content->given(call))
        return none;
    name = content->name(call);
    return name.len > 0 ? name : bb_s("file");
}

bb_step dc_body_files(bb_call *call, bb_str payload, const bb_json *files) {
    const bb_content_api *content = bb_content_host(call);
    bb_str name = dc_file_name(call);
    char field[48];
    size_t count = 0;
    bb_json_iter it = {0};
    if (content == NULL)
        return bb_fail(call, BB_E_UNSUPPORTED, "this hub passes no files: upgrade it");
    content->multipart(call, bb_s("form-data"));
    content->part(call, bb_s("payload_json"), bb_s(NULL), bb_s("application/json"), payload);
    for (; count < FILES_MAX && call->host->json->next(files, &it); count++)
        if (!put_file(call, it.value, count))
            return BB_FAIL;
    if (name.len > 0) {
        name_of(count, field);
        content->part_content(call, bb_s(field), name, bb_s(NULL), 0, -1);
    }
    return BB_SEND;
}

/* --- the operations that take a file ------------------------------------------------------------------ */

/* The length is in the header of the request. */
#define TAKES(var, id)                                                                                      \
    static const bb_content_operation var = {                                                               \
        BB_SIZE(bb_content_operation), .flags = BB_CONTENT_TAKES | BB_CONTENT_OPTIONAL | BB_CONTENT_LENGTH, \
        .operation = id}
TAKES(with_message, "messages.create");
TAKES(with_webhook, "webhooks.execute");
static const bb_content_operation *const with_file[] = {&with_message, &with_webhook, NULL};
const bb_content_extension dc_content = {BB_SIZE(bb_content_extension), .operations = with_file};
