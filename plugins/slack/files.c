/* files.c - files: what is known of them, and how they get to Slack: a URL is asked for, takes the bytes, and
 * is then said to be complete (https://docs.slack.dev/messaging/working-with-files). */
#include "schemas.h"
#include "slack.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define FILE_ID STRING("file", "id: F...")
#define FILE_OUTPUT OUTPUT(",\"file\"", OUT_OBJECT("file"))

static const char files_list_input[] = INPUT("",
    STRING("channel", "id: C...; only files shared there") ","
    STRING("user", "id: U... or W...; only that user's") ","
    PATTERN("types", "^[a-z]+(,[a-z]+)*$", "all, images, pdfs, ..., with commas between") ","
    TIMESTAMP("ts_from", "only files from then on") ","
    TIMESTAMP("ts_to", "only files up to then") ","
    BOOLEAN("show_files_hidden_by_limit", "with those hidden by the plan's limit") ","
    COUNT("count", "1000", "files a page") ","
    COUNT("page", "100", "page to begin with") ","
    TEAM);
PAGES(files_list, "files.list", "List files", TIER_3,
    OUTPUT(",\"files\"", OUT_OBJECTS("files") OUT_OBJECT("paging")), "/files",
    EXAMPLE("images of a channel",
        "{\"channel\":\"C0123456789\",\"types\":\"images\"}"));

static const char files_info_input[] = INPUT(REQUIRED("\"file\""),
    FILE_ID);
READ(files_info, "files.info", "Read what is known of a file", TIER_4, FILE_OUTPUT,
    EXAMPLE("by id",
        "{\"file\":\"F0123456789\"}"));

static const char files_delete_input[] = INPUT(REQUIRED("\"file\""),
    FILE_ID);
REMOVE(files_delete, "files.delete", "Delete a file", TIER_3, DONE_OUTPUT,
    EXAMPLE("by id",
        "{\"file\":\"F0123456789\"}"));

static const char files_share_input[] = INPUT(REQUIRED("\"file\""),
    FILE_ID);
SEND(files_share, "files.sharedPublicURL", "Make a URL by which anybody can read a file, with a user token", TIER_3, FILE_OUTPUT,
    EXAMPLE("by id",
        "{\"file\":\"F0123456789\"}"));

static const char files_revoke_input[] = INPUT(REQUIRED("\"file\""),
    FILE_ID);
REMOVE(files_revoke, "files.revokePublicURL", "Take the public URL of a file back, with a user token", TIER_3, FILE_OUTPUT,
    EXAMPLE("by id",
        "{\"file\":\"F0123456789\"}"));

/* --- the upload, step by step ----------------------------------------------------------------------- */

#define NAMING \
    STRING("filename", "with its ending") "," \
    TEXT("alt_txt", "1000", "description of an image") "," \
    STRING("snippet_type", "language of a snippet: text, python, ...")
#define SHARING \
    STRING("channel_id", "where to share it: C..., G..., D...; default: nowhere") "," \
    IDS("channels", "CGDZ", "several, with commas between") "," \
    TIMESTAMP("thread_ts", "ts of the message to answer in its thread") "," \
    TEXT("initial_comment", "40000", "message beside it") "," \
    BLOCKS
#define FILES_OUTPUT OUTPUT(",\"files\"", OUT_OBJECTS("files"))

static const char files_get_upload_url_input[] = INPUT(REQUIRED("\"filename\",\"length\""),
    NAMING ","
    COUNT("length", "1073741824", "bytes"));
static const bb_rest_route route_files_get_upload_url = {
    .method = "POST", .path = "/files.getUploadURLExternal", .members = BB_REST_FORM};
static bb_step start_files_get_upload_url(bb_call *call) {
    return slack_start(call, &route_files_get_upload_url);
}
static bb_step resume_files_get_upload_url(bb_call *call) {
    return slack_resume(call, &route_files_get_upload_url);
}
OPERATION(files_get_upload_url, BB_OP_IDEMPOTENT, "files.getUploadURLExternal", "Give a URL that takes a file's bytes", TIER_4,
    OUTPUT(",\"upload_url\",\"file_id\"", OUT_STRING("upload_url") OUT_STRING("file_id")), NULL,
    EXAMPLE("a text",
        "{\"filename\":\"notes.txt\",\"length\":5}"));

static const char files_complete_upload_input[] = INPUT(REQUIRED("\"files\""),
    "\"files\":{\"type\":\"array\",\"minItems\":1,\"items\":{\"type\":\"object\",\"required\":[\"id\"],\"additionalProperties\":false,"
    "\"properties\":{" STRING("id", "id: F...") "," STRING("title", "shown") "," STRING("highlight_type", "of a snippet") "}},"
    TOLD("what was uploaded") "},"
    SHARING);
SEND(files_complete_upload, "files.completeUploadExternal", "Say that files are uploaded, and share them", TIER_4, FILES_OUTPUT,
    EXAMPLE("into a channel",
        "{\"files\":[{\"id\":\"F0123456789\",\"title\":\"Notes\"}],\"channel_id\":\"C0123456789\"}"));

/* --- the upload at once ----------------------------------------------------------------------------- */

/* Content goes in the input, so it is bounded: 4 MiB, in base64 a third more. */
static const char files_upload_input[] = INPUT(REQUIRED("\"filename\"")
    "\"oneOf\":[{\"required\":[\"content\"]},{\"required\":[\"content_base64\"]}],",
    NAMING ","
    "\"content\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4194304," TOLD("text") "},"
    "\"content_base64\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":5592408," TOLD("bytes, RFC 4648 section 4") "},"
    STRING("title", "shown; default: filename") ","
    SHARING);

/* clang-format on */

typedef struct upload {
    char file_id[64];
} upload;

/* What the input has as content. False: the step has failed. */
static int content_of(bb_call *call, bb_str *out) {
    bb_str text = bb_in_text(call, "content"), coded = bb_in_text(call, "content_base64");
    size_t n, cap = coded.len / 4 * 3 + 3;
    char *bytes = text.len == 0 ? (char *)call->host->call->alloc(call, cap) : NULL;
    *out = text;
    if (text.len > 0)
        return 1;
    if (bytes == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the file's content"), 0;
    n = call->host->crypto->base64_decode(coded, (uint8_t *)bytes, cap);
    out->ptr = bytes;
    out->len = n;
    if (n != SIZE_MAX && n > 0)
        return 1;
    return bb_fail_input(call, "/content_base64", "this is not base64, or is empty"), 0;
}

static bb_step ask_url(bb_call *call) {
    static const char *const names[] = {"filename", "alt_txt", "snippet_type"};
    bb_str content;
    char length[24];
    if (!content_of(call, &content))
        return BB_FAIL;
    bb_request(call, "POST", "/files.getUploadURLExternal");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (bb_in(call, names[i]) != NULL)
            bb_form(call, names[i], bb_in_text(call, names[i]));
    snprintf(length, sizeof length, "%zu", content.len);
    bb_form(call, "length", bb_s(length));
    call->host->http->repeatable(call, 1); /* a URL that is not used is forgotten */
    return BB_SEND;
}

static bb_step put_bytes(bb_call *call) {
    const bb_json *answer = bb_response(call);
    bb_str url = bb_text(call, bb_get(call, answer, "upload_url")),
           id = bb_text(call, bb_get(call, answer, "file_id")), content;
    upload *u = (upload *)call->state;
    if (!slack_ok(call) || !content_of(call, &content))
        return BB_FAIL;
    if (url.len == 0 || id.len == 0 || id.len >= sizeof u->file_id)
        return bb_fail(call, BB_E_UPSTREAM_INVALID, "Slack gave no URL for the upload");
    memcpy(u->file_id, id.ptr, id.len);
    call->host->http->begin(call, bb_s("POST"), url);
    call->host->http->body(call, bb_s("application/octet-stream"), content);
    call->host->http->repeatable(call, 1);
    return BB_SEND;
}

static bb_step complete(bb_call *call) {
    static const char *const names[] = {"channel_id", "channels", "thread_ts", "initial_comment", "blocks"};
    const bb_json_api *json = call->host->json;
    const upload *u = (const upload *)call->state;
    bb_json_writer *w = json->writer(call);
    bb_str title = bb_in_text(call, "title");
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_s(NULL));
    json->begin_object(w);
    json->key(w, bb_s("files"));
    json->begin_array(w);
    json->begin_object(w);
    json->key(w, bb_s("id"));
    json->put_string(w, bb_s(u->file_id));
    json->key(w, bb_s("title"));
    json->put_string(w, title.len > 0 ? title : bb_in_text(call, "filename"));
    json->end_object(w);
    json->end_array(w);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (bb_in(call, names[i]) == NULL)
            continue;
        json->key(w, bb_s(names[i]));
        json->put_value(w, bb_in(call, names[i]));
    }
    json->end_object(w);
    return slack_post(call, "/files.completeUploadExternal", json->finish(w));
}

static bb_step resume_upload(bb_call *call) {
    if (call->step == 1)
        return put_bytes(call);
    if (call->step == 2)
        return complete(call);
    return slack_resume(call, NULL);
}

const bb_operation slack_files_upload = {
    BB_SIZE(bb_operation),
    .state_size = sizeof(upload),
    .id = "files.uploadV2",
    .summary = "Upload a small file and share it: getUploadURLExternal, the bytes, completeUploadExternal",
    .description = "The content stands in the input: at most 4 MiB. " TIER_4,
    .input_schema = files_upload_input,
    .output_schema = FILES_OUTPUT,
    .examples = EXAMPLE("a text into a channel", "{\"filename\":\"notes.txt\",\"content\":\"hello\","
                                                 "\"channel_id\":\"C0123456789\",\"initial_comment\":"
                                                 "\"Notes\"}"),
    .start = ask_url,
    .resume = resume_upload,
};
