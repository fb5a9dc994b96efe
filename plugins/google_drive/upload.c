/* upload.c - files into Drive: in one request (media), with what is known of them (multipart), or resumable:
 * a session is opened, takes the bytes, and tells after a break how many it has.
 * https://developers.google.com/workspace/drive/api/guides/manage-uploads
 *
 * The session's URL is all that going on takes: it is saved, and asked for (PUT with "Content-Range: bytes
 * * /TOTAL", answered by 308 and Range) wherever an upload begins that another had begun. It lives for a
 * week; then it answers 404 or 410, and another is opened. */
#include "files.h"
#include "google_drive.h"

#include <stdlib.h>

#define URL_MAX 4096
#define PIECE (256 * 1024) /* pieces but the last are multiples of this */
#define SESSIONS_MAX 3     /* a call opens */
#define STALLS_MAX 3       /* pieces in a row of which the session keeps nothing */

typedef struct upload {
    char url[URL_MAX]; /* of the session */
    char id[GD_ID_MAX];
    int64_t at;
    int32_t phase; /* what was asked for last */
    int32_t sessions, stalls;
} upload;
enum { ASKED_ID = 1, OPENED = 2, ASKED_RANGE = 3, SENT = 4, SENT_WHOLE = 5, READING = 6 };

static bb_step step_to(bb_call *call, int32_t phase) {
    ((upload *)call->state)->phase = phase;
    return BB_SEND;
}

/* --- what goes out ------------------------------------------------------------------------------------ */

static bb_str media_type(bb_call *call) {
    bb_str type = bb_in_text(call, "contentType");
    if (type.len == 0)
        type = bb_content_host(call)->type(call);
    return type.len > 0 ? type : bb_s("application/octet-stream");
}

/* A new file is called as the one that is sent, unless the input says otherwise. */
static bb_str metadata(bb_call *call, const gd_route *route) {
    int is_new = strcmp(route->rest.method, "POST") == 0;
    bb_str none = {NULL, 0};
    return gd_metadata(call, route, bb_s(((upload *)call->state)->id),
                       is_new ? bb_content_host(call)->name(call) : none);
}

static void begin(bb_call *call, const gd_route *route, const char *type) {
    bb_rest_begin(call, &route->rest);
    bb_query(call, "uploadType", bb_s(type));
    gd_extras(call, route);
    gd_rest_query(call, route);
}

static bb_step send_media(bb_call *call, const gd_route *route) {
    bb_json_iter it = {0};
    while (call->host->json->next(call->input, &it))
        if (bb_rest_is_member(&route->rest, it.key))
            return bb_fail_input(call, "/uploadType", "media takes the bytes alone: multipart or resumable");
    begin(call, route, "media");
    bb_content_host(call)->body(call, media_type(call), 0, -1);
    return step_to(call, SENT_WHOLE);
}

static bb_step send_multipart(bb_call *call, const gd_route *route) {
    const bb_content_api *content = bb_content_host(call);
    const upload *u = (const upload *)call->state;
    bb_str none = {NULL, 0};
    begin(call, route, "multipart");
    content->multipart(call, bb_s("related"));
    content->part(call, none, none, bb_s("application/json; charset=UTF-8"), metadata(call, route));
    content->part_content(call, none, none, media_type(call), 0, -1);
    if (u->id[0] != '\0')
        call->host->http->repeatable(call, 1);
    return step_to(call, SENT_WHOLE);
}

/* Nothing is there before the last byte: to open a session twice does no harm. */
static bb_step open_session(bb_call *call, const gd_route *route) {
    upload *u = (upload *)call->state;
    char length[24];
    bb_str none = {NULL, 0};
    if (u->sessions++ >= SESSIONS_MAX)
        return bb_fail(call, BB_E_UPSTREAM, "Google forgot %d upload sessions in a row", SESSIONS_MAX);
    bb_content_save(call, none);
    begin(call, route, "resumable");
    snprintf(length, sizeof length, "%lld", (long long)bb_content_length(call));
    bb_header(call, "X-Upload-Content-Type", media_type(call));
    bb_header(call, "X-Upload-Content-Length", bb_s(length));
    call->host->http->body(call, bb_s("application/json; charset=UTF-8"), metadata(call, route));
    call->host->http->repeatable(call, 1);
    return step_to(call, OPENED);
}

static bb_step ask_range(bb_call *call) {
    upload *u = (upload *)call->state;
    char range[64];
    bb_request(call, "PUT", u->url);
    snprintf(range, sizeof range, "bytes */%lld", (long long)bb_content_length(call));
    bb_header(call, "Content-Range", bb_s(range));
    return step_to(call, ASKED_RANGE);
}

static int64_t piece_of(const bb_call *call, int64_t left) {
    int64_t pieces = 0;
    if (!call->host->json->to_int64(gd_setting(call, "upload_piece"), &pieces) || pieces <= 0)
        return left;
    return left / PIECE >= pieces * 4 ? pieces * 4 * PIECE : left; /* of MiB */
}

static bb_step send_bytes(bb_call *call) {
    upload *u = (upload *)call->state;
    int64_t total = bb_content_length(call), n = piece_of(call, total - u->at);
    char range[96];
    bb_request(call, "PUT", u->url);
    if (total > 0) {
        snprintf(range, sizeof range, "bytes %lld-%lld/%lld", (long long)u->at, (long long)(u->at + n - 1),
                 (long long)total);
        bb_header(call, "Content-Range", bb_s(range));
    }
    bb_content_host(call)->body(call, media_type(call), u->at, n);
    return step_to(call, SENT);
}

/* --- what comes back ---------------------------------------------------------------------------------- */

static bb_step take_session(bb_call *call) {
    const bb_json_api *json = call->host->json;
    upload *u = (upload *)call->state;
    bb_str url = call->host->http->response_header(call, bb_s("Location"));
    bb_json_writer *w = json->writer(call);
    if (url.len == 0 || url.len >= sizeof u->url)
        return bb_fail(call, BB_E_UPSTREAM_INVALID,
                       "Google gave no upload session: is base_url Google's API?");
    memcpy(u->url, url.ptr, url.len);
    u->url[url.len] = '\0';
    u->at = 0;
    json->begin_object(w);
    json->key(w, bb_s("session"));
    json->put_string(w, url);
    json->key(w, bb_s("total"));
    json->put_int64(w, bb_content_length(call));
    json->end_object(w);
    bb_content_save(call, json->finish(w));
    return send_bytes(call);
}

/* "bytes=0-524287": what the session has; without it, it has nothing. */
static bb_step go_on(bb_call *call) {
    upload *u = (upload *)call->state;
    bb_str range = call->host->http->response_header(call, bb_s("Range"));
    int64_t total = bb_content_length(call), last = -1;
    char text[64];
    if (range.len > 0) {
        snprintf(text, sizeof text, "%.*s", (int)(range.len < 60 ? range.len : 60), range.ptr);
        const char *dash = strchr(text, '-');
        char *end = text;
        if (strncmp(text, "bytes=0-", 8) == 0 || strncmp(text, "0-", 2) == 0)
            last = strtoll(dash + 1, &end, 10);
        if (end == text || *end != '\0' || last < 0 || last >= total)
            return bb_fail(call, BB_E_UPSTREAM_INVALID,
                           "Google says it has \"%s\" of %lld bytes: no range that fits", text,
                           (long long)total);
    }
    /* Bytes that are sent again and again would pass for ever: the host counts them as getting on. */
    u->stalls = u->phase == SENT && last + 1 <= u->at ? u->stalls + 1 : 0;
    u->at = last + 1;
    if (u->at == total && total > 0)
        return bb_fail(call, BB_E_UPSTREAM, "Google has all bytes, and does not end the upload");
    if (u->stalls >= STALLS_MAX)
        return bb_fail(call, BB_E_UPSTREAM, "Google took bytes %d times, and still has %lld of %lld",
                       STALLS_MAX, (long long)u->at, (long long)total);
    return send_bytes(call);
}

/* The bytes that Drive keeps, where it tells their MD5: a document of its editors has none. A call that went
 * on where another began has not seen them all, and has their number alone to go by. */
static bb_step finish(bb_call *call) {
    const bb_json *file = bb_response(call);
    bb_str theirs = bb_text(call, bb_get(call, file, "md5Checksum")),
           bytes = bb_text(call, bb_get(call, file, "size")),
           ours = bb_content_host(call)->digest(call, BB_DIGEST_MD5, 0);
    const upload *u = (const upload *)call->state;
    char md5[64], length[24];
    int64_t total = bb_content_length(call);
    snprintf(md5, sizeof md5, "%.*s", (int)(theirs.len < sizeof md5 ? theirs.len : 0),
             theirs.ptr != NULL ? theirs.ptr : "");
    snprintf(length, sizeof length, "%lld", (long long)total);
    int kept = theirs.len > 0; /* as it was sent */
    int other = ours.len > 0 && bb_content_host(call)->passed(call) == total
                    ? !bb_str_eq(ours, md5)
                    : total >= 0 && bytes.len > 0 && !bb_str_eq(bytes, length);
    if (kept && other && u->phase == READING)
        return bb_fail(call, BB_E_UPSTREAM_CONFLICT,
                       "the file %s is there already, with another content (MD5 %s): give another id", u->id,
                       md5);
    if (kept && other)
        return bb_fail(call, BB_E_UPSTREAM_INVALID,
                       "what Drive has now is not what was sent (MD5 %s): send it again", md5);
    return gd_resume(call, NULL);
}

/* --- the steps ---------------------------------------------------------------------------------------- */

static bb_step begin_resumable(bb_call *call, const gd_route *route) {
    const bb_json *saved = bb_content_saved(call);
    bb_str url = bb_text(call, bb_get(call, saved, "session"));
    upload *u = (upload *)call->state;
    int64_t total = -1;
    call->host->json->to_int64(bb_get(call, saved, "total"), &total);
    if (url.len == 0 || url.len >= sizeof u->url || total != bb_content_length(call))
        return open_session(call, route);
    memcpy(u->url, url.ptr, url.len);
    return ask_range(call);
}

static bb_step start_upload(bb_call *call, const gd_route *route) {
    bb_str type = bb_in_text(call, "uploadType"), id = bb_in_text(call, "id");
    upload *u = (upload *)call->state;
    if (bb_content_host(call) == NULL)
        return bb_fail(call, BB_E_UNSUPPORTED, "this hub passes no files: upgrade it");
    bb_content_host(call)->want_digest(call, BB_DIGEST_MD5, 0);
    if (bb_str_eq(type, "media"))
        return send_media(call, route);
    if (!bb_str_eq(type, "multipart"))
        return begin_resumable(call, route);
    if (!gd_once(call))
        return send_multipart(call, route);
    if (id.len == 0)
        return gd_ask_id(call) == BB_SEND ? step_to(call, ASKED_ID) : BB_FAIL;
    memcpy(u->id, id.ptr, id.len < sizeof u->id ? id.len : 0);
    return send_multipart(call, route);
}

static bb_step resume_session(bb_call *call, const gd_route *route) {
    int32_t status = bb_status(call);
    if (status == 308)
        return go_on(call);
    if (status == 404 || status == 410)
        return open_session(call, route);
    return bb_ok(call) ? finish(call) : gd_fail(call);
}

static bb_step resume_upload(bb_call *call, const gd_route *route) {
    upload *u = (upload *)call->state;
    switch (u->phase) {
    case ASKED_ID: return gd_take_id(call, u->id) ? send_multipart(call, route) : BB_FAIL;
    case OPENED: return bb_ok(call) ? take_session(call) : gd_fail(call);
    case ASKED_RANGE:
    case SENT: return resume_session(call, route);
    default: break;
    }
    if (u->id[0] != '\0' && u->phase != READING && bb_str_eq(gd_reason(call), "fileIdAlreadyExists")) {
        step_to(call, READING);
        return gd_read_made(call, route, u->id);
    }
    return bb_ok(call) ? finish(call) : gd_fail(call);
}

/* clang-format off */

#define GIVEN "kind,id,name,mimeType,size,md5Checksum,parents,webViewLink"
#define TYPE CHOICE("uploadType", "\"resumable\",\"multipart\",\"media\"", "default resumable; multipart: one request, for small files; media: the bytes alone") "," \
    PATTERN("contentType", "^[^ /]+/[^ /]+", "of the bytes; default: as the file's sender says")

static const char files_upload_input[] = INPUT("",
    TYPE ","
    ID("id", "from files.generateIds") ","
    FILE_MEMBERS ","
    STRINGS("parents", "id of the folder it lies in; default: root") ","
    MOMENT("createdTime", "default: now") ","
    ONCE ","
    FILE_OPTIONS);
static const char files_replace_input[] = INPUT(REQUIRED("\"fileId\""),
    FILE_ID ","
    TYPE ","
    STRING("addParents", "ids of folders to move it to, with commas between") ","
    STRING("removeParents", "ids of folders to move it from") ","
    FILE_MEMBERS ","
    BOOLEAN("trashed", "into the trash, or out of it") ","
    FILE_OPTIONS);

ROUTE(files_upload, "POST", "/upload" API "files", BB_REST_JSON, NULL, GIVEN, NULL, SHARED)
ROUTE(files_replace, "PATCH", "/upload" API "files/{fileId}", BB_REST_JSON, NULL, GIVEN, NULL, SHARED)
STEPS(files_upload, start_upload, resume_upload)
STEPS(files_replace, start_upload, resume_upload)

OPERATION(files_upload, 0, "files.upload", "Put a file of any size into Drive",
    "Resumable by default: after a break, and after the hub's own end, it goes on where Google says it stands. Google makes the file with its last byte, so a resumable upload makes one, however often it breaks. What Drive has is compared by MD5.",
    REF("file"), NULL,
    EXAMPLES("into a folder", "{\"name\":\"report.pdf\",\"parents\":[\"1Folder\"]}",
        "as a Google document", "{\"name\":\"Report\",\"mimeType\":\"application/vnd.google-apps.document\",\"contentType\":\"text/html\"}"),
    sizeof(upload));
OPERATION(files_replace, BB_OP_IDEMPOTENT, "files.replace", "Put another content into a file of Drive: a new revision", NULL, REF("file"), NULL,
    EXAMPLE("by id", "{\"fileId\":\"1AbCdEf\"}"), sizeof(upload));
