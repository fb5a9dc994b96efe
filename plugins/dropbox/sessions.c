/* sessions.c - upload sessions by hand, for callers who fill several at once; and which operations have
 * content. */
#include "dropbox.h"
#include "schemas.h"

static bb_step session_send(bb_call *call, const dx_route *route) {
    if (!dx_has_content(call) || !dx_begin_argued(call, route->rest.path, dx_arguments(call, route)))
        return BB_FAIL;
    if (bb_content_host(call)->given(call))
        bb_content_host(call)->body(call, bb_s("application/octet-stream"), 0, -1);
    else
        call->host->http->body(call, bb_s("application/octet-stream"), bb_s(""));
    return BB_SEND;
}

#define TAKE(var, name, place, has, text, told, out, example)             \
    STEPS(var, session_send, dx_resume, REST("/2/" place), .expect = has) \
    OPERATION(var, 0, name, text, told, out, NULL, 0, example)

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define KIND CHOICE("session_type", "\"sequential\",\"concurrent\"", "whether pieces may come in any order; default: sequential")
#define CLOSE BOOLEAN("close", "nothing follows")
#define OWN_HASH HASH("content_hash", "of the bytes of this call: others are refused")
#define CURSOR NAMED("cursor", "session_cursor", "which session, and how much it has")
#define CURSOR_EXAMPLE "\"cursor\":{\"session_id\":\"pid_upload_session:h-NtwvAdw3XDqqHmb0J2t0XfIaSnQw2Eor59pfZI9D_ZGNJ4Ew\",\"offset\":0}"
#define COMMIT \
    OBJECT("commit", "what becomes of the bytes", REQUIRED("\"path\""), \
        COMMIT_MEMBERS)
#define COMMIT_EXAMPLE CURSOR_EXAMPLE ",\"commit\":{\"path\":\"/Homework/math/Matrices.txt\",\"autorename\":true}"

static const char session_start_input[] = INPUT("", CLOSE "," KIND "," OWN_HASH);
TAKE(session_start, "files.upload_session.start", "files/upload_session/start", "session_id",
    "Start an upload session, with or without bytes", "At most 150 MiB a call. A session lasts 7 days.",
    OUTPUT("\"session_id\"", OUT_STRING("session_id")),
    "[{\"summary\":\"of which pieces come in any order\",\"input\":{\"session_type\":\"concurrent\"}},"
    "{\"summary\":\"with the first bytes\",\"content\":true,\"input\":{}}]");

static const char session_append_input[] = INPUT(REQUIRED("\"cursor\""), CURSOR "," CLOSE "," OWN_HASH);
TAKE(session_append, "files.upload_session.append", "files/upload_session/append_v2", NULL,
    "Add bytes to an upload session",
    "At most 150 MiB a call; concurrent sessions take multiples of 4 MiB but for the last piece. An incorrect_offset says "
    "where the session stands.", NOTHING,
    "[{\"summary\":\"the last\",\"input\":{" CURSOR_EXAMPLE ",\"close\":true}},"
    "{\"summary\":\"the next bytes\",\"content\":true,\"input\":{" CURSOR_EXAMPLE "}}]");

static const char session_append_batch_input[] = INPUT(REQUIRED("\"entries\""),
    ENTRIES("entries", "0", "1000", "sessions, in the order of their bytes", REQUIRED("\"cursor\",\"length\""),
        CURSOR "," COUNT("length", "0", "157286400", "bytes of this one") "," CLOSE) ","
    OWN_HASH);
TAKE(session_append_batch, "files.upload_session.append_batch", "files/upload_session/append_batch", "entries",
    "Add bytes to several upload sessions", "At most 150 MiB a call, laid end to end.",
    OUTPUT("\"entries\"", OUT_LIST("entries", "entry")),
    "[{\"summary\":\"nothing to one\",\"input\":{\"entries\":[{" CURSOR_EXAMPLE ",\"length\":0}]}},"
    "{\"summary\":\"a file to one\",\"content\":true,\"input\":{\"entries\":[{" CURSOR_EXAMPLE ",\"length\":5000000}]}}]");

static const char session_finish_input[] = INPUT(REQUIRED("\"cursor\",\"commit\""), CURSOR "," COMMIT "," OWN_HASH);
TAKE(session_finish, "files.upload_session.finish", "files/upload_session/finish", "rev",
    "Make a file of an upload session, with or without further bytes", "At most 150 MiB a call.", REF("file"),
    "[{\"summary\":\"as a new file\",\"input\":{" COMMIT_EXAMPLE "}},"
    "{\"summary\":\"with the last bytes\",\"content\":true,\"input\":{" COMMIT_EXAMPLE "}}]");

static const char session_start_batch_input[] = INPUT(REQUIRED("\"num_sessions\""),
    COUNT("num_sessions", "1", "1000", "how many") "," KIND);
CALL(session_start_batch, 0, "files.upload_session.start_batch", "files/upload_session/start_batch", "session_ids",
    "Start several upload sessions", NULL, OUTPUT("\"session_ids\"", OUT_STRINGS("session_ids")),
    EXAMPLE("two",
        "{\"num_sessions\":2}"));

static const char session_finish_batch_input[] = INPUT(REQUIRED("\"entries\""),
    ENTRIES("entries", "0", "1000", "sessions, closed", REQUIRED("\"cursor\",\"commit\""), CURSOR "," COMMIT));
CALL(session_finish_batch, 0, "files.upload_session.finish_batch", "files/upload_session/finish_batch_v2", "entries",
    "Make files of several upload sessions",
    "The sessions must be closed. Each entry of the output says how its own of the input fared.",
    OUTPUT("\"entries\"", OUT_LIST("entries", "entry")),
    EXAMPLE("one",
        "{\"entries\":[{" COMMIT_EXAMPLE "}]}"));

/* clang-format on */

/* --- which operations have content ------------------------------------------------------------------ */

#define CONTENT(var, bits, name)                                                                     \
    static const bb_content_operation content_##var = {BB_SIZE(bb_content_operation), .flags = bits, \
                                                       .operation = name}

CONTENT(upload, BB_CONTENT_TAKES | BB_CONTENT_LENGTH, "files.upload");
CONTENT(start, BB_CONTENT_TAKES | BB_CONTENT_OPTIONAL | BB_CONTENT_LENGTH, "files.upload_session.start");
CONTENT(append, BB_CONTENT_TAKES | BB_CONTENT_OPTIONAL | BB_CONTENT_LENGTH, "files.upload_session.append");
CONTENT(append_batch, BB_CONTENT_TAKES | BB_CONTENT_OPTIONAL | BB_CONTENT_LENGTH,
        "files.upload_session.append_batch");
CONTENT(finish, BB_CONTENT_TAKES | BB_CONTENT_OPTIONAL | BB_CONTENT_LENGTH, "files.upload_session.finish");
CONTENT(download, BB_CONTENT_GIVES, "files.download");
CONTENT(zip, BB_CONTENT_GIVES, "files.download_zip");
CONTENT(export, BB_CONTENT_GIVES, "files.export");
CONTENT(preview, BB_CONTENT_GIVES, "files.get_preview");
CONTENT(thumbnail, BB_CONTENT_GIVES, "files.get_thumbnail");
CONTENT(link_file, BB_CONTENT_GIVES, "sharing.get_shared_link_file");

static const bb_content_operation *const contents[] = {
    &content_upload,  &content_start,     &content_append,    &content_append_batch,
    &content_finish,  &content_download,  &content_zip,       &content_export,
    &content_preview, &content_thumbnail, &content_link_file, NULL};
const bb_content_extension dropbox_contents = {BB_SIZE(bb_content_extension), .operations = contents};
