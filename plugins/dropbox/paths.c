/* paths.c - one file or folder: what is known of it, and what is done to it. */
#include "dropbox.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define WITH_METADATA(schema) OUTPUT("\"metadata\"", OUT_NAMED("metadata", schema))

static const char get_metadata_input[] = INPUT(REQUIRED("\"path\""),
    READ_PATH("path", "a path, id or revision; not the root") ","
    BOOLEAN("include_media_info", "with dimensions, place and time of photos and videos") ","
    BOOLEAN("include_deleted", "tell of what is no longer there") ","
    BOOLEAN("include_has_explicit_shared_members", "say whether the file has members of its own") ","
    NAMED("include_property_groups", "template_filter", "with the properties of these templates"));
READ(get_metadata, "files.get_metadata", "files/get_metadata", ".tag",
    "Read what is known of a file or folder", NULL, REF("metadata"),
    EXAMPLE("by its path",
        "{\"path\":\"/Homework/math\"}"));

static const char create_folder_input[] = INPUT(REQUIRED("\"path\""),
    WRITE_PATH("path", "the new folder; those above it are made too") ","
    BOOLEAN("autorename", "give it another name where that one is taken"));
CALL(create_folder, 0, "files.create_folder", "files/create_folder_v2", "metadata",
    "Create a folder", NULL, WITH_METADATA("folder"),
    EXAMPLE("one",
        "{\"path\":\"/Homework/math\"}"));

#define RELOCATION \
    WRITE_PATH_OR_ID("from_path", "what") "," \
    WRITE_PATH_OR_ID("to_path", "where to, with its name") "," \
    BOOLEAN("autorename", "give it another name where that one is taken") "," \
    BOOLEAN("allow_ownership_transfer", "also where it changes whose it is; only for moves")

static const char move_input[] = INPUT(REQUIRED("\"from_path\",\"to_path\""), RELOCATION);
CALL(move, 0, "files.move", "files/move_v2", "metadata",
    "Move or rename a file or folder", "A change of capital letters alone is not done.", WITH_METADATA("metadata"),
    EXAMPLE("to another name",
        "{\"from_path\":\"/Homework/math\",\"to_path\":\"/Homework/algebra\"}"));

static const char copy_input[] = INPUT(REQUIRED("\"from_path\",\"to_path\""), RELOCATION);
CALL(copy, 0, "files.copy", "files/copy_v2", "metadata",
    "Copy a file or folder", NULL, WITH_METADATA("metadata"),
    EXAMPLE("with another name, if that one is taken",
        "{\"from_path\":\"/Homework/math\",\"to_path\":\"/Homework/algebra\",\"autorename\":true}"));

#define DELETION \
    WRITE_PATH_OR_ID("path", "what; a folder with all that is in it") "," \
    REV("parent_rev", "only if this is the file's last revision")

static const char delete_input[] = INPUT(REQUIRED("\"path\""), DELETION);
CALL(delete, BB_OP_DESTRUCTIVE, "files.delete", "files/delete_v2", "metadata",
    "Delete a file or folder", "files.restore brings a file back while Dropbox keeps its revisions.",
    WITH_METADATA("metadata"),
    EXAMPLE("a file",
        "{\"path\":\"/Homework/math/Prime_Numbers.txt\"}"));

static const char permanently_delete_input[] = INPUT(REQUIRED("\"path\""), DELETION);
CALL(permanently_delete, BB_OP_DESTRUCTIVE, "files.permanently_delete", "files/permanently_delete", NULL,
    "Delete a file or folder for good", "Nothing brings it back. Only for teams; scope files.permanent_delete.", NOTHING,
    EXAMPLE("a file",
        "{\"path\":\"/Homework/math/Prime_Numbers.txt\"}"));

/* --- links, references, URLs ------------------------------------------------------------------------ */

static const char get_temporary_link_input[] = INPUT(REQUIRED("\"path\""),
    READ_PATH("path", "the file"));
READ(get_temporary_link, "files.get_temporary_link", "files/get_temporary_link", "link",
    "Get a link by which anyone can read a file for four hours", NULL,
    OUTPUT("\"link\",\"metadata\"", OUT_STRING("link") "," OUT_NAMED("metadata", "file")),
    EXAMPLE("of a video",
        "{\"path\":\"/video.mp4\"}"));

static const char get_temporary_upload_link_input[] = INPUT(REQUIRED("\"commit_info\""),
    OBJECT("commit_info", "what becomes of the bytes", REQUIRED("\"path\""), COMMIT_MEMBERS) ","
    "\"duration\":{\"type\":\"number\",\"minimum\":60,\"maximum\":14400," TOLD("seconds; default 14400") "}");
CALL(get_temporary_upload_link, BB_OP_IDEMPOTENT, "files.get_temporary_upload_link", "files/get_temporary_upload_link",
    "link", "Get a link by which anyone can upload one file", NULL, OUTPUT("\"link\"", OUT_STRING("link")),
    EXAMPLE("for an hour",
        "{\"commit_info\":{\"path\":\"/Homework/math/Matrices.txt\",\"autorename\":true},\"duration\":3600}"));

static const char copy_reference_get_input[] = INPUT(REQUIRED("\"path\""),
    READ_PATH("path", "the file or folder"));
READ(copy_reference_get, "files.copy_reference.get", "files/copy_reference/get", "copy_reference",
    "Get a reference by which another account can copy a file or folder", NULL,
    OUTPUT("\"copy_reference\",\"metadata\",\"expires\"",
        OUT_STRING("copy_reference") "," OUT_NAMED("metadata", "metadata") "," OUT_STRING("expires")),
    EXAMPLE("of a video",
        "{\"path\":\"/video.mp4\"}"));

static const char copy_reference_save_input[] = INPUT(REQUIRED("\"copy_reference\",\"path\""),
    STRING("copy_reference", "as files.copy_reference.get gave it") ","
    PATH("path", "where the copy goes"));
CALL(copy_reference_save, 0, "files.copy_reference.save", "files/copy_reference/save", "metadata",
    "Copy what a reference stands for", NULL, WITH_METADATA("metadata"),
    EXAMPLE("of a video",
        "{\"copy_reference\":\"z1X6ATl6aWtzOGq0c3g5Ng\",\"path\":\"/video.mp4\"}"));

static const char save_url_input[] = INPUT(REQUIRED("\"path\",\"url\""),
    PATH("path", "where the file goes") ","
    PATTERN("url", "^https?://", "https://example.com/a.txt", "what Dropbox fetches, within 15 minutes"));
DO(save_url, 0, "files.save_url", "files/save_url", "files/save_url/check_job_status",
    "Have Dropbox fetch a URL into a file", JOB_TOLD "files.save_url.check_job_status.", JOB_OUTPUT(""),
    EXAMPLE("a text",
        "{\"path\":\"/a.txt\",\"url\":\"https://example.com/a.txt\"}"));

static const char save_url_check_input[] = INPUT(REQUIRED("\"async_job_id\""), JOB);
READ(save_url_check, "files.save_url.check_job_status", "files/save_url/check_job_status", ".tag",
    "Ask how far a files.save_url is", NULL, STATUS_OUTPUT(""), JOB_EXAMPLE);
