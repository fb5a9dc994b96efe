/* files.c - files, up and down, and links to them. Files have a host of their own, the setting files_url. */
#include "schemas.h"
#include "stripe.h"

/* Of the largest purpose: https://docs.stripe.com/file-upload */
#define FILE_BYTES_MAX (16u << 20)

/* --- steps ---------------------------------------------------------------------------------------------- */

/* Begins a request to files_url: "/v1/files", and further segments. 0: the step has failed. */
static int begin(bb_call *call, const char *method) {
    if (bb_content_host(call) == NULL) {
        bb_fail(call, BB_E_UNSUPPORTED, "this hub passes no files: upgrade it");
        return 0;
    }
    bb_request_at(call, method, bb_text(call, bb_get(call, call->instance, "files_url")), "/v1/files");
    stripe_put_headers(call);
    return 1;
}

static bb_step create_start(bb_call *call, const bb_rest_route *route) {
    const bb_content_api *content = bb_content_host(call);
    bb_str name = bb_in_text(call, "filename");
    (void)route;
    if (!begin(call, "POST"))
        return BB_FAIL;
    if (bb_content_length(call) > (int64_t)FILE_BYTES_MAX)
        return bb_fail(call, BB_E_INVALID_INPUT,
                       "Stripe takes files of at most 16 MB; this one has %lld bytes",
                       (long long)bb_content_length(call));
    if (name.len == 0)
        name = content->name(call);
    content->multipart(call, bb_s("form-data"));
    if (!bb_content_parts_json(call, bb_s("purpose"), bb_in(call, "purpose")) ||
        !bb_content_parts_json(call, bb_s("file_link_data"), bb_in(call, "file_link_data")) ||
        !bb_content_parts_json(call, bb_s("expand"), bb_in(call, "expand")))
        return BB_FAIL;
    content->part_content(call, bb_s("file"), name.len > 0 ? name : bb_s("file"),
                          bb_in_text(call, "content_type"), 0, -1);
    return BB_SEND;
}

static bb_step contents_start(bb_call *call, const bb_rest_route *route) {
    (void)route;
    if (!begin(call, "GET"))
        return BB_FAIL;
    bb_segment(call, bb_in_text(call, "file"));
    bb_segment(call, bb_s("contents"));
    bb_content_to_output(call);
    return BB_SEND;
}

static bb_step contents_resume(bb_call *call, const bb_rest_route *route) {
    return bb_ok(call) ? bb_done_body(call) : stripe_fail(call, route);
}

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* --- files ---------------------------------------------------------------------------------------------- */

#define PURPOSES \
    "\"account_requirement\",\"additional_verification\",\"business_icon\",\"business_logo\"," \
    "\"customer_signature\",\"dispute_evidence\",\"identity_document\",\"issuing_regulatory_reporting\"," \
    "\"pci_document\",\"tax_document_user_upload\",\"terminal_reader_splashscreen\""

static const char files_create_input[] = INPUT(REQUIRED("\"purpose\""),
    ID("content_type", "of the file; default: as the caller says") ","
    EXPAND ","
    MEMBERS("file_link_data", "also make a link by which anybody can read it", REQUIRED("\"create\""),
        TRUTH("create") ","
        WHOLE("expires_at") ","
        NAMED("metadata", "metadata", "of the link")) ","
    STRING("filename", "5000", "default: what the file is called") ","
    CHOICE("purpose", PURPOSES, "what it is for, which decides its kinds and sizes"));
static const char files_contents_input[] = INPUT(REQUIRED("\"file\""),
    ID("file", "id: file_..."));
static const char files_contents_output[] =
    "{\"type\":\"object\",\"required\":[\"bytes\"],\"properties\":{\"bytes\":{\"type\":\"integer\"},"
    "\"content_type\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"}}}";
static const char files_retrieve_input[] = INPUT(REQUIRED("\"file\""),
    ID("file", "id: file_...") ","
    EXPAND);
static const char files_list_input[] = INPUT("",
    CREATED ","
    EXPAND ","
    ID("purpose", "what it is for") ","
    PAGE);

/* --- file links ----------------------------------------------------------------------------------------- */

static const char file_links_create_input[] = INPUT(REQUIRED("\"file\""),
    EXPAND ","
    INTEGER("expires_at", "Unix seconds") ","
    ID("file", "id: file_...") ","
    METADATA);
static const char file_links_retrieve_input[] = INPUT(REQUIRED("\"file_link\""),
    ID("file_link", "id: link_...") ","
    EXPAND);
static const char file_links_update_input[] = INPUT(REQUIRED("\"file_link\""),
    ID("file_link", "id: link_...") ","
    EXPAND ","
    MOMENT("expires_at", "Unix seconds") ","
    METADATA);
static const char file_links_list_input[] = INPUT("",
    CREATED ","
    EXPAND ","
    BOOLEAN("expired", "only those") ","
    ID("file", "id: file_...") ","
    PAGE);

/* --- what they declare ------------------------------------------------------------------------------------ */

STEPS(files_create, "POST", "/v1/files", BB_REST_NONE, NULL, create_start, stripe_resume)
OPERATION(files_create, "files.create",
    "Upload a file, of at most 16 MB",
    REF("file"),
    EXAMPLE("evidence",
        "{\"purpose\":\"dispute_evidence\",\"file_link_data\":{\"create\":true}}"),
    0, NULL, "Idempotency-Key");
STEPS(files_contents, "GET", "/v1/files/{file}/contents", BB_REST_NONE, NULL, contents_start, contents_resume)
OPERATION(files_contents, "files.contents",
    "Read a file's bytes",
    files_contents_output,
    EXAMPLE("by id",
        "{\"file\":\"file_1Mr4LDLkdIwHu7ixFCz0dZiH\"}"),
    BB_OP_SAFE, NULL, NULL);
READ(files_retrieve, "files.retrieve", "/v1/files/{file}", "file",
    "Read what is known of a file",
    EXAMPLE("by id",
        "{\"file\":\"file_1Mr4LDLkdIwHu7ixFCz0dZiH\"}"));
LIST(files_list, "files.list", "/v1/files", "file",
    "List files, the newest first",
    EXAMPLE("evidence",
        "{\"purpose\":\"dispute_evidence\"}"));
WRITE(file_links_create, 0, "POST", "file_links.create", "/v1/file_links", "file_link",
    "Create a link by which anybody can read a file",
    EXAMPLE("for a day",
        "{\"file\":\"file_1Mr4LDLkdIwHu7ixFCz0dZiH\",\"expires_at\":1924992000}"));
READ(file_links_retrieve, "file_links.retrieve", "/v1/file_links/{file_link}", "file_link",
    "Read a file link",
    EXAMPLE("by id",
        "{\"file_link\":\"link_1Mr4LDLkdIwHu7ixoVEuKlVo\"}"));
WRITE(file_links_update, 0, "POST", "file_links.update", "/v1/file_links/{file_link}", "file_link",
    "Change a file link",
    EXAMPLE("expire it",
        "{\"file_link\":\"link_1Mr4LDLkdIwHu7ixoVEuKlVo\",\"expires_at\":\"now\"}"));
LIST(file_links_list, "file_links.list", "/v1/file_links", "file_link",
    "List file links, the newest first",
    EXAMPLE("of a file",
        "{\"file\":\"file_1Mr4LDLkdIwHu7ixFCz0dZiH\"}"));

/* --- which of them pass a file ------------------------------------------------------------------------------ */

/* AGAIN: a file as small as these is kept, so that it can be sent again after a failure. */
static const bb_content_operation takes = {
    BB_SIZE(bb_content_operation),
    .flags = BB_CONTENT_TAKES | BB_CONTENT_LENGTH | BB_CONTENT_AGAIN,
    .operation = "files.create"};
static const bb_content_operation gives = {
    BB_SIZE(bb_content_operation),
    .flags = BB_CONTENT_GIVES,
    .operation = "files.contents"};
static const bb_content_operation *const with_content[] = {&takes, &gives, NULL};
const bb_content_extension stripe_content = {BB_SIZE(bb_content_extension), .operations = with_content};
