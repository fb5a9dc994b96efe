/* files.c - files of Salesforce: a ContentVersion is made of a JSON part and the bytes, and its VersionData
 * gives them back.
 * https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_sobject_insert_update_blob.htm
 */
#include "salesforce.h"
#include "schemas.h"

#define FILE_MAX_BYTES 2000000000 /* of a multipart upload, 2 GB */

static bb_str or_else(bb_str given, bb_str otherwise) {
    return given.len > 0 ? given : otherwise;
}

/* {"Title", "PathOnClient", and what `record` says}. */
static bb_str version_of(bb_call *call, bb_str name) {
    const bb_json_api *json = call->host->json;
    const bb_json *record = bb_in(call, "record");
    bb_json_writer *w = json->writer(call);
    bb_json_iter it = {0};
    json->begin_object(w);
    if (bb_get(call, record, "PathOnClient") == NULL) {
        json->key(w, bb_s("PathOnClient"));
        json->put_string(w, name);
    }
    while (json->next(record, &it)) {
        json->key(w, it.key);
        json->put_value(w, it.value);
    }
    json->end_object(w);
    return json->finish(w);
}

static const sf_route route_files_upload = {
    .rest = {.method = "POST", .path = DATA "/sobjects/ContentVersion"}};

static bb_step start_files_upload(bb_call *call) {
    const bb_content_api *content = bb_content_host(call);
    bb_str type, name;
    if (content == NULL)
        return bb_fail(call, BB_E_UNSUPPORTED, "this hub is too old for files");
    if (content->length(call) > FILE_MAX_BYTES)
        return bb_fail_input(call, "", "Salesforce takes files of at most 2 GB");
    name = or_else(bb_in_text(call, "filename"), or_else(content->name(call), bb_s("file")));
    type = or_else(content->type(call), bb_s("application/octet-stream"));
    sf_begin(call, &route_files_upload.rest);
    sf_options(call);
    content->multipart(call, bb_s("form-data"));
    content->part(call, bb_s("entity_content"), bb_s(NULL), bb_s("application/json"), version_of(call, name));
    content->part_content(call, bb_s("VersionData"), name, type, 0, -1);
    return BB_SEND;
}
RESUME(files_upload, sf_object)

static const sf_route route_files_download = {
    .rest = {.method = "GET", .path = DATA "/sobjects/ContentVersion/{id}/VersionData"}};

static bb_step start_files_download(bb_call *call) {
    if (bb_content_host(call) == NULL)
        return bb_fail(call, BB_E_UNSUPPORTED, "this hub is too old for files");
    sf_begin(call, &route_files_download.rest);
    bb_content_to_output(call);
    return BB_SEND;
}
static bb_step resume_files_download(bb_call *call) {
    sf_heed_limit(call);
    return bb_ok(call) ? bb_done_text(call, bb_s("null")) : sf_fail(call);
}

/* clang-format off */

static const char files_upload_input[] = INPUT("",
    STRING("filename", "with its ending; default the content's own name") ","
    OBJECT("record", "fields of the ContentVersion: Title, Description, FirstPublishLocationId (a record it is attached to), "
                     "ContentDocumentId (a further version of that file)"));
OPERATION(files_upload, 0, "files.upload", "Upload a file: a ContentVersion, of a new file or of one there is", NULL, REF("saved"), NULL,
    EXAMPLE("attached to an account", "{\"filename\":\"contract.pdf\",\"record\":{\"Title\":\"Contract\",\"FirstPublishLocationId\":\"001D000000INjVeIAL\"}}"));

static const char files_download_input[] = INPUT(REQUIRED("\"id\""), ID("id", "of the ContentVersion: 068..."));
OPERATION(files_download, BB_OP_SAFE, "files.download", "Download a file's version", NULL, "{}", NULL,
    EXAMPLE("by id", "{\"id\":\"0685e00000ABCDEAA4\"}"));

/* --- what takes and gives content, of this connector ------------------------------------------------------ */

#define CONTENT(var, name, bits) \
    static const bb_content_operation content_##var = {BB_SIZE(bb_content_operation), .flags = bits, .operation = name}
CONTENT(upload, "files.upload", BB_CONTENT_TAKES | BB_CONTENT_LENGTH);
CONTENT(download, "files.download", BB_CONTENT_GIVES);
CONTENT(ingest, "bulk.ingest_upload", BB_CONTENT_TAKES | BB_CONTENT_LENGTH | BB_CONTENT_AGAIN);
CONTENT(batch, "bulk.ingest_jobs.upload", BB_CONTENT_TAKES | BB_CONTENT_LENGTH);
CONTENT(query, "bulk.query_download", BB_CONTENT_GIVES);
CONTENT(rows, "bulk.query_jobs.download", BB_CONTENT_GIVES);
static const bb_content_operation *const contents[] = {
    &content_upload, &content_download, &content_ingest, &content_batch, &content_query, &content_rows, NULL};
const bb_content_extension sf_content = {BB_SIZE(bb_content_extension), .operations = contents};
