/* transfer.c - files at once, up and down: the steps that Slack makes of one are one operation here.
 *
 * Bytes go to a URL that Slack gives, without a token; they come from url_private, which wants it: it goes to
 * files_url's host alone. */
#include "schemas.h"
#include "slack.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* --- up ----------------------------------------------------------------------------------------------- */

/* A file comes with the call, of any size; or it stands in the input, which bounds it: 4 MiB, in base64 a
 * third more. */
static const char files_upload_input[] = INPUT("\"not\":{\"required\":[\"content\",\"content_base64\"]},",
    NAMING ","
    "\"content\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":4194304," TOLD("text, in place of a file") "},"
    "\"content_base64\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":5592408," TOLD("bytes in place of a file, RFC 4648 section 4") "},"
    STRING("title", "shown; default: filename") ","
    SHARING);

static const char files_download_input[] = INPUT(REQUIRED("\"file\""),
    STRING("file", "id: F..."));
static const char files_download_output[] =
    "{\"type\":\"object\",\"required\":[\"bytes\"],\"properties\":{\"bytes\":{\"type\":\"integer\"},"
    "\"content_type\":{\"type\":\"string\"},\"name\":{\"type\":\"string\"}}}";

/* clang-format on */

typedef struct upload {
    char file_id[64];
    size_t name_len;
    char name[256]; /* https://docs.slack.dev/reference/objects/file-object: 255 at most */
} upload;

/* What the input has as content. 0: the step has failed. */
static int inline_content(bb_call *call, bb_str *out) {
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

/* The file that comes with the call; NULL: there is none. */
static const bb_content_api *file_given(bb_call *call) {
    const bb_content_api *content = bb_content_host(call);
    return content != NULL && content->given(call) ? content : NULL;
}

/* How many bytes there are. 0: the step has failed. */
static int count(bb_call *call, int64_t *bytes) {
    const bb_content_api *file = file_given(call);
    bb_str text;
    int in_input = bb_in(call, "content") != NULL || bb_in(call, "content_base64") != NULL;
    if (file == NULL && !in_input)
        return bb_fail_input(call, "/content",
                             "there is nothing to upload: send a file with the call, or give content"),
               0;
    if (file != NULL && in_input)
        return bb_fail_input(call, "/content", "a file came with the call: leave content out"), 0;
    if (file == NULL && !inline_content(call, &text))
        return 0;
    *bytes = file != NULL ? file->length(call) : (int64_t)text.len;
    if (*bytes > 0)
        return 1;
    return bb_fail(call, BB_E_INVALID_INPUT, "the file is empty: Slack takes none"), 0;
}

/* As the input says, else as the file is called. 0: the step has failed. */
static int keep_name(bb_call *call, upload *u) {
    const bb_content_api *file = file_given(call);
    bb_str name = bb_in_text(call, "filename");
    if (name.len == 0 && file != NULL)
        name = file->name(call).len > 0 ? file->name(call) : bb_s("file");
    if (name.len == 0 || name.len >= sizeof u->name)
        return bb_fail_input(call, "/filename", "say how the file is called, in at most 255 bytes"), 0;
    memcpy(u->name, name.ptr, name.len);
    u->name_len = name.len;
    return 1;
}

static bb_str name_of(const upload *u) {
    bb_str name = {u->name, u->name_len};
    return name;
}

static bb_step ask_url(bb_call *call) {
    upload *u = (upload *)call->state;
    int64_t bytes;
    char length[24];
    if (!count(call, &bytes) || !keep_name(call, u))
        return BB_FAIL;
    bb_request(call, "POST", "/files.getUploadURLExternal");
    bb_form(call, "filename", name_of(u));
    if (bb_in(call, "alt_txt") != NULL)
        bb_form(call, "alt_txt", bb_in_text(call, "alt_txt"));
    if (bb_in(call, "snippet_type") != NULL)
        bb_form(call, "snippet_type", bb_in_text(call, "snippet_type"));
    snprintf(length, sizeof length, "%lld", (long long)bytes);
    bb_form(call, "length", bb_s(length));
    call->host->http->repeatable(call, 1); /* a URL that is not used is forgotten */
    return BB_SEND;
}

static bb_step put_bytes(bb_call *call) {
    const bb_json *answer = bb_response(call);
    bb_str url = bb_text(call, bb_get(call, answer, "upload_url")),
           id = bb_text(call, bb_get(call, answer, "file_id")), bytes;
    upload *u = (upload *)call->state;
    if (!slack_ok(call))
        return BB_FAIL;
    if (url.len == 0 || id.len == 0 || id.len >= sizeof u->file_id)
        return bb_fail(call, BB_E_UPSTREAM_INVALID, "Slack gave no URL for the upload");
    memcpy(u->file_id, id.ptr, id.len);
    call->host->http->begin(call, bb_s("POST"), url);
    bb_without_credentials(call); /* the URL is enough, and the token is for those who ask for one */
    if (file_given(call) != NULL)
        file_given(call)->body(call, bb_s("application/octet-stream"), 0, -1);
    else if (inline_content(call, &bytes))
        call->host->http->body(call, bb_s("application/octet-stream"), bytes);
    else
        return BB_FAIL;
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
    json->put_string(w, title.len > 0 ? title : name_of(u));
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
    .summary = "Upload a file and share it: getUploadURLExternal, the bytes, completeUploadExternal",
    .description =
        "The file comes with the call, of any size; one of at most 4 MiB may stand in the input. " TIER_4,
    .input_schema = files_upload_input,
    .output_schema = FILES_OUTPUT,
    .examples = "[{\"summary\":\"a text into a channel\",\"input\":{\"filename\":\"notes.txt\","
                "\"content\":\"hello\",\"channel_id\":\"C0123456789\",\"initial_comment\":\"Notes\"}},"
                "{\"summary\":\"a file\",\"content\":true,\"input\":{\"channel_id\":\"C0123456789\"}}]",
    .start = ask_url,
    .resume = resume_upload,
};

/* --- down --------------------------------------------------------------------------------------------- */

typedef struct download {
    int64_t size; /* as files.info says; -1: it does not */
    int html;     /* it is a page itself */
} download;

static bb_step ask_where(bb_call *call) {
    if (bb_content_host(call) == NULL)
        return bb_fail(call, BB_E_UNSUPPORTED, "this hub passes no files: upgrade it");
    bb_request(call, "GET", "/files.info");
    bb_query(call, "file", bb_in_text(call, "file"));
    return BB_SEND;
}

/* Whether a URL is of files_url's host: the token goes nowhere else. */
static int is_slacks(bb_call *call, bb_str url) {
    bb_str own = bb_text(call, bb_get(call, call->instance, "files_url"));
    while (own.len > 0 && own.ptr[own.len - 1] == '/')
        own.len--;
    return own.len > 0 && url.len > own.len && memcmp(url.ptr, own.ptr, own.len) == 0 &&
           url.ptr[own.len] == '/';
}

static bb_step get_bytes(bb_call *call) {
    if (!slack_ok(call))
        return BB_FAIL;
    const bb_json *file = bb_get(call, bb_response(call), "file");
    bb_str url = bb_text(call, bb_get(call, file, "url_private_download")),
           type = bb_text(call, bb_get(call, file, "mimetype"));
    download *d = (download *)call->state;
    if (url.len == 0)
        url = bb_text(call, bb_get(call, file, "url_private"));
    if (call->host->json->to_bool(bb_get(call, file, "is_external"), 0) ||
        (url.len > 0 && !is_slacks(call, url)))
        return bb_fail(call, BB_E_UPSTREAM_REJECTED,
                       "the file does not lie at files_url's host, and the token goes nowhere else: read it "
                       "where files.info says that it is");
    if (url.len == 0)
        return bb_fail(call, BB_E_UPSTREAM_INVALID, "Slack does not say where the file is: was it deleted?");
    if (!call->host->json->to_int64(bb_get(call, file, "size"), &d->size))
        d->size = -1;
    d->html = bb_str_eq(type, "text/html");
    call->host->http->begin(call, bb_s("GET"), url);
    bb_content_to_output(call);
    bb_content_host(call)->describe(call, bb_text(call, bb_get(call, file, "name")), type);
    return BB_SEND;
}

/* Slack answers its page to log in, with 200, where the token may not read the file. */
static int is_page(bb_call *call) {
    bb_str type = call->host->http->response_header(call, bb_s("Content-Type"));
    return type.len >= 9 && memcmp(type.ptr, "text/html", 9) == 0;
}

static bb_step got_bytes(bb_call *call) {
    const download *d = (const download *)call->state;
    int64_t passed = bb_content_host(call)->passed(call);
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_s(NULL));
    if (is_page(call) && !d->html)
        return bb_fail(
            call, BB_E_UPSTREAM_FORBIDDEN,
            "Slack gave its page to log in, and not the file: the token needs the scope files:read");
    if (d->size >= 0 && passed != d->size)
        return bb_fail(call, BB_E_UPSTREAM_INVALID, "Slack gave %lld bytes of %lld", (long long)passed,
                       (long long)d->size);
    return bb_done_body(call);
}

static bb_step resume_download(bb_call *call) {
    return call->step == 1 ? get_bytes(call) : got_bytes(call);
}

const bb_operation slack_files_download = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE,
    .state_size = sizeof(download),
    .id = "files.download",
    .summary = "Read a file's bytes: files.info, then its url_private",
    .description = "The token goes to files_url's host alone. " TIER_4,
    .input_schema = files_download_input,
    .output_schema = files_download_output,
    .examples = EXAMPLE("by id", "{\"file\":\"F0123456789\"}"),
    .start = ask_where,
    .resume = resume_download,
};

/* --- which of them pass a file ------------------------------------------------------------------------ */

/* The length stands in the first request. */
static const bb_content_operation takes = {
    BB_SIZE(bb_content_operation), .flags = BB_CONTENT_TAKES | BB_CONTENT_OPTIONAL | BB_CONTENT_LENGTH,
    .operation = "files.uploadV2"};
static const bb_content_operation gives = {BB_SIZE(bb_content_operation), .flags = BB_CONTENT_GIVES,
                                           .operation = "files.download"};
static const bb_content_operation *const with_content[] = {&takes, &gives, NULL};
const bb_content_extension slack_content = {BB_SIZE(bb_content_extension), .operations = with_content};
