/* download.c - files that come from Dropbox: whole, zipped, exported, as previews and thumbnails. Their bytes
 * are the host's; what Dropbox knows of them stands in the header field Dropbox-API-Result. */
#include "dropbox.h"
#include "schemas.h"

int dx_has_content(bb_call *call) {
    if (bb_content_host(call) != NULL)
        return 1;
    bb_fail(call, BB_E_UNSUPPORTED, "this hub passes no files: upgrade it");
    return 0;
}

/* --- hashes ----------------------------------------------------------------------------------------- */

static int is_hash(bb_str a, bb_str b) {
    for (size_t i = 0; a.len == b.len && i < a.len; i++) {
        char x = a.ptr[i], y = b.ptr[i];
        if ((x >= 'A' && x <= 'F' ? x + 32 : x) != (y >= 'A' && y <= 'F' ? y + 32 : y))
            return 0;
    }
    return a.len == b.len;
}

int dx_hash_fits(bb_call *call, bb_str theirs, const char *what) {
    bb_str own = bb_content_host(call)->digest(call, BB_DIGEST_SHA256, DX_BLOCK);
    if (own.len == 0 || theirs.len == 0 || is_hash(own, theirs))
        return 1;
    bb_fail(call, BB_E_UPSTREAM_INVALID, "%s: its content hash is %.*s, that of what passed here %.*s", what,
            (int)(theirs.len > 64 ? 64 : theirs.len), theirs.ptr, (int)own.len, own.ptr);
    return 0;
}

/* --- the steps -------------------------------------------------------------------------------------- */

static bb_step download_start(bb_call *call, const dx_route *route) {
    if (!dx_has_content(call) || !dx_begin_argued(call, route->rest.path, dx_arguments(call, route)))
        return BB_FAIL;
    bb_content_host(call)->want_digest(call, BB_DIGEST_SHA256, DX_BLOCK);
    bb_content_to_output(call);
    return BB_SEND;
}

/* `expect` says which hash is that of the bytes: "content_hash", "export_hash"; "": none. */
static bb_str hash_in(bb_call *call, const bb_json *result, const char *name) {
    const bb_json *exported = bb_get(call, result, "export_metadata");
    return name[0] != '\0' ? bb_text(call, bb_get(call, exported != NULL ? exported : result, name))
                           : bb_s(NULL);
}

static bb_step download_resume(bb_call *call, const dx_route *route) {
    const bb_json_api *json = call->host->json;
    bb_str header = call->host->http->response_header(call, bb_s("Dropbox-API-Result"));
    if (!bb_ok(call))
        return dx_fail(call);
    const bb_json *result = header.len > 0 ? json->parse(call, header) : NULL;
    if (!bb_is(call, result, BB_JSON_OBJECT))
        return dx_not_understood(call);
    if (!dx_hash_fits(call, hash_in(call, result, route->expect), "the file came damaged"))
        return BB_FAIL;
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    json->key(w, bb_s("bytes"));
    json->put_int64(w, bb_content_host(call)->passed(call));
    json->key(w, bb_s("metadata"));
    json->put_value(w, result);
    json->end_object(w);
    return bb_done_writer(call, w);
}

#define GIVE(var, name, place, hash, text, told, example)                          \
    STEPS(var, download_start, download_resume, REST("/2/" place), .expect = hash) \
    OPERATION(var, BB_OP_SAFE, name, text, told, FILE_OUTPUT, NULL, 0, example)

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define FILE_OUTPUT OUTPUT("\"bytes\",\"metadata\"", OUT_INTEGER("bytes") "," OUT_OBJECT("metadata"))

static const char download_input[] = INPUT(REQUIRED("\"path\""),
    READ_PATH("path", "the file: a path, id or revision"));
GIVE(download, "files.download", "files/download", "content_hash",
    "Download a file", "What comes is compared with Dropbox's content hash.",
    EXAMPLE("by its path",
        "{\"path\":\"/Homework/math/Prime_Numbers.txt\"}"));

static const char download_zip_input[] = INPUT(REQUIRED("\"path\""),
    READ_PATH("path", "the folder"));
GIVE(download_zip, "files.download_zip", "files/download_zip", "",
    "Download a folder as a zip", "At most 20 GB, 4 GB a file, 10,000 entries. Cannot go on after a break.",
    EXAMPLE("by its path",
        "{\"path\":\"/Homework/math\"}"));

static const char export_input[] = INPUT(REQUIRED("\"path\""),
    READ_PATH("path", "a file that cannot be downloaded as it is") ","
    STRING("export_format", "one of the file's export_options; default: its export_as"));
GIVE(export, "files.export", "files/export", "export_hash",
    "Export a file of another service's kind", NULL,
    EXAMPLE("a sheet",
        "{\"path\":\"/Homework/math/Prime_Numbers.gsheet\"}"));

static const char get_preview_input[] = INPUT(REQUIRED("\"path\""),
    READ_PATH("path", "the file"));
GIVE(get_preview, "files.get_preview", "files/get_preview", "",
    "Get a file as PDF or HTML", "PDF of documents, HTML of sheets.",
    EXAMPLE("of a document",
        "{\"path\":\"/word.docx\"}"));

#define THUMBNAIL \
    CHOICE("format", "\"jpeg\",\"png\",\"webp\"", "default: jpeg") "," \
    CHOICE("size", "\"w32h32\",\"w64h64\",\"w128h128\",\"w256h256\",\"w480h320\",\"w640h480\",\"w960h640\"," \
        "\"w1024h768\",\"w2048h1536\"", "pixels; default: w64h64") "," \
    CHOICE("mode", "\"strict\",\"bestfit\",\"fitone_bestfit\",\"original\"", "how it is made to fit; default: strict") "," \
    BOOLEAN("exclude_media_info", "faster, without dimensions, place and time")

static const char get_thumbnail_input[] = INPUT(REQUIRED("\"resource\""),
    "\"resource\":{\"type\":\"object\",\"required\":[\".tag\"],\"additionalProperties\":false,"
    "\"anyOf\":[{\"required\":[\"path\"]},{\"required\":[\"url\"]}],\"properties\":{\".tag\":{\"enum\":[\"path\",\"link\"]},"
    READ_PATH("path", "the picture; of a link to a folder: within it") ","
    STRING("url", "the shared link") ","
    SECRET("password", "of the link, where it has one") "}},"
    THUMBNAIL);
GIVE(get_thumbnail, "files.get_thumbnail", "files/get_thumbnail_v2", "",
    "Get a picture made small", "Of jpg, png, tiff, gif, webp, ppm and bmp up to 20 MB.",
    EXAMPLE("256 pixels",
        "{\"resource\":{\".tag\":\"path\",\"path\":\"/image.jpg\"},\"size\":\"w256h256\"}"));

static const char get_shared_link_file_input[] = INPUT(REQUIRED("\"url\""),
    PATTERN("url", "^https?://", "https://www.dropbox.com/s/2sn712vy1ovegw8?dl=0", "the link") ","
    PATH("path", "within the folder that the link is of") ","
    SECRET("link_password", "where it has one"));
GIVE(get_shared_link_file, "sharing.get_shared_link_file", "sharing/get_shared_link_file", "",
    "Download the file that a shared link is of", NULL,
    EXAMPLE("by its URL",
        "{\"url\":\"https://www.dropbox.com/s/2sn712vy1ovegw8?dl=0\"}"));

/* In one answer, as base64. */
static const char get_thumbnail_batch_input[] = INPUT(REQUIRED("\"entries\""),
    ENTRIES("entries", "0", "25", "pictures", REQUIRED("\"path\""), READ_PATH("path", "the picture") "," THUMBNAIL));
STEPS(get_thumbnail_batch, dx_start, dx_resume, REST("/2/files/get_thumbnail_batch"), .host = DX_CONTENT,
    .expect = "entries")
OPERATION(get_thumbnail_batch, BB_OP_SAFE, "files.get_thumbnail_batch", "Get pictures made small, in one answer",
    "At most 25, each as base64.", OUTPUT("\"entries\"", OUT_LIST("entries", "entry")), NULL, 0,
    EXAMPLE("two",
        "{\"entries\":[{\"path\":\"/image.jpg\"},{\"path\":\"/other.png\",\"format\":\"png\"}]}"));
