/* download.c - files out of Drive. What Drive says of a file comes first: its name and type go with the
 * bytes, and their MD5 is compared, since Drive names no validator by which a change between two ranges would
 * show. https://developers.google.com/workspace/drive/api/guides/manage-downloads */
#include "google_drive.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define ABUSE BOOLEAN("acknowledgeAbuse", "also where Google found malware")
#define VERIFY BOOLEAN("verify", "default true: ask for name, type and MD5 first, and compare")

static const char files_download_input[] = INPUT(REQUIRED("\"fileId\""),
    FILE_ID "," ABUSE "," VERIFY "," ALL_DRIVES);
static const char files_export_input[] = INPUT(REQUIRED("\"fileId\",\"mimeType\""),
    FILE_ID ","
    PATTERN("mimeType", "^[^ /]+/[^ /]+$", "as which: application/pdf, text/csv, ...; exportFormats of about.get tells"));
static const char revisions_download_input[] = INPUT(REQUIRED("\"fileId\",\"revisionId\""),
    FILE_ID "," ID("revisionId", "id of the revision; head is the newest") "," ABUSE "," VERIFY);

/* clang-format on */

#define GIVEN                                                                                         \
    "{\"type\":\"object\",\"required\":[\"bytes\"],\"properties\":{\"bytes\":{\"type\":\"integer\"}," \
    "\"content_type\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"}}}"
#define WHERE(var, place, what, shared_)                                                                    \
    static const gd_route route_##var = {.rest = {.method = "GET", .path = place, .members = BB_REST_NONE}, \
                                         .fields = what,                                                    \
                                         .shared = shared_};
WHERE(files_download, API "files/{fileId}", "name,mimeType,md5Checksum", SHARED)
WHERE(revisions_download, API "files/{fileId}/revisions/{revisionId}",
      "originalFilename,mimeType,md5Checksum", OWN)
WHERE(files_export, API "files/{fileId}/export", NULL, OWN)

typedef struct download {
    int32_t asked; /* for the bytes */
    char md5[33];  /* as Drive tells it; empty: not to be compared */
} download;

static bb_step ask_bytes(bb_call *call, const gd_route *route) {
    gd_route one = *route;
    ((download *)call->state)->asked = 1;
    one.fields = NULL;
    bb_rest_begin(call, &one.rest);
    gd_extras(call, &one);
    bb_query(call, "alt", bb_s("media"));
    bb_query_in(call, "acknowledgeAbuse");
    bb_content_to_output(call);
    return BB_SEND;
}

static bb_step start_download(bb_call *call, const gd_route *route) {
    const bb_content_api *content = bb_content_host(call);
    if (content == NULL)
        return bb_fail(call, BB_E_UNSUPPORTED, "this hub passes no files: upgrade it");
    if (!call->host->json->to_bool(bb_in(call, "verify"), 1))
        return ask_bytes(call, route);
    content->want_digest(call, BB_DIGEST_MD5, 0);
    bb_rest_begin(call, &route->rest);
    gd_extras(call, route);
    return BB_SEND;
}

static bb_step take_description(bb_call *call, const gd_route *route) {
    static const char apps[] = "application/vnd.google-apps.";
    const bb_json *answer = bb_response(call);
    bb_str type = bb_text(call, bb_get(call, answer, "mimeType")),
           name = bb_text(call, bb_get(call, answer, "name")),
           md5 = bb_text(call, bb_get(call, answer, "md5Checksum"));
    download *d = (download *)call->state;
    if (!gd_is_google(call))
        return BB_FAIL;
    if (md5.len == 0 && type.len > sizeof apps && memcmp(type.ptr, apps, sizeof apps - 1) == 0)
        return bb_fail_input(call, "/fileId", "this is a %.*s, which has no bytes of its own: files.export",
                             (int)(type.len < 100 ? type.len : 100), type.ptr);
    if (name.len == 0)
        name = bb_text(call, bb_get(call, answer, "originalFilename"));
    if (md5.len < sizeof d->md5)
        memcpy(d->md5, md5.ptr != NULL ? md5.ptr : "", md5.len);
    bb_step step = ask_bytes(call, route);
    bb_content_host(call)->describe(call, name, type);
    bb_content_version(call, md5);
    return step;
}

static bb_step resume_download(bb_call *call, const gd_route *route) {
    const download *d = (const download *)call->state;
    if (!bb_ok(call))
        return gd_fail(call);
    if (!d->asked)
        return take_description(call, route);
    bb_str md5 = bb_content_host(call)->digest(call, BB_DIGEST_MD5, 0);
    if (d->md5[0] != '\0' && md5.len > 0 && !bb_str_eq(md5, d->md5))
        return bb_fail(call, BB_E_UPSTREAM_INVALID,
                       "what came is not what Drive says it has (MD5): the file was changed meanwhile");
    return bb_done_body(call);
}

static bb_step start_export(bb_call *call, const gd_route *route) {
    if (bb_content_host(call) == NULL)
        return bb_fail(call, BB_E_UNSUPPORTED, "this hub passes no files: upgrade it");
    bb_rest_begin(call, &route->rest);
    gd_extras(call, route);
    bb_query_in(call, "mimeType");
    bb_content_to_output(call);
    return BB_SEND;
}

static bb_step resume_export(bb_call *call, const gd_route *route) {
    (void)route;
    return bb_ok(call) ? bb_done_body(call) : gd_fail(call);
}

STEPS(files_download, start_download, resume_download)
STEPS(revisions_download, start_download, resume_download)
STEPS(files_export, start_export, resume_export)

/* clang-format off */
OPERATION(files_download, BB_OP_SAFE, "files.download", "Read a file's bytes (files.get with alt=media)", NULL, GIVEN, NULL,
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\"}"), sizeof(download));
OPERATION(revisions_download, BB_OP_SAFE, "revisions.download", "Read the bytes that a file had in a revision", NULL, GIVEN, NULL,
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\",\"revisionId\":\"0B1\"}"), sizeof(download));
OPERATION(files_export, BB_OP_SAFE, "files.export", "Read a document of Google's editors as PDF, text, ...: at most 10 MB", NULL, GIVEN, NULL,
    EXAMPLE("a PDF", "{\"fileId\":\"1AbCdEf\",\"mimeType\":\"application/pdf\"}"), 0);
