/* files.c - files: what is known of them, and how they get to Slack step by step: a URL is asked for, takes
 * the bytes, and is then said to be complete (https://docs.slack.dev/messaging/working-with-files). */
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

/* clang-format on */
