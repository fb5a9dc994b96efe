/* batches.c - many files or folders in one job; tags and locks. */
#include "dropbox.h"
#include "schemas.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define BATCH_TOLD(check) "Each entry of the output says how its own of the input fared. " JOB_TOLD check "."

static const char create_folder_batch_input[] = INPUT(REQUIRED("\"paths\""),
    "\"paths\":{\"type\":\"array\",\"maxItems\":10000,\"items\":{\"type\":\"string\",\"pattern\":\"^(/|" NAMESPACE ")\","
    "\"examples\":[\"/folder\"]}," TOLD("the new folders") "},"
    BOOLEAN("autorename", "give them other names where those are taken") ","
    BOOLEAN("force_async", "as a job, however few they are"));
DO(create_folder_batch, 0, "files.create_folder_batch", "files/create_folder_batch", "files/create_folder_batch/check",
    "Create many folders", BATCH_TOLD("files.create_folder_batch.check"), JOB_OUTPUT(BATCH_RESULT),
    EXAMPLE("two",
        "{\"paths\":[\"/2026/01\",\"/2026/02\"]}"));

static const char delete_batch_input[] = INPUT(REQUIRED("\"entries\""),
    ENTRIES("entries", "0", "1000", "what", REQUIRED("\"path\""),
        WRITE_PATH_OR_ID("path", "a file or folder") ","
        REV("parent_rev", "only if this is the file's last revision")));
DO(delete_batch, BB_OP_DESTRUCTIVE, "files.delete_batch", "files/delete_batch", "files/delete_batch/check",
    "Delete many files and folders", BATCH_TOLD("files.delete_batch.check"), JOB_OUTPUT(BATCH_RESULT),
    EXAMPLE("one file",
        "{\"entries\":[{\"path\":\"/Homework/math/Prime_Numbers.txt\"}]}"));

#define RELOCATIONS \
    ENTRIES("entries", "1", "1000", "what, and where to", REQUIRED("\"from_path\",\"to_path\""), \
        WRITE_PATH_OR_ID("from_path", "what") "," \
        WRITE_PATH_OR_ID("to_path", "where to, with its name")) "," \
    BOOLEAN("autorename", "give them other names where those are taken")
#define RELOCATIONS_EXAMPLE EXAMPLE("one folder", \
        "{\"entries\":[{\"from_path\":\"/Homework/math\",\"to_path\":\"/Homework/algebra\"}]}")

static const char move_batch_input[] = INPUT(REQUIRED("\"entries\""),
    RELOCATIONS ","
    BOOLEAN("allow_ownership_transfer", "also where it changes whose they are"));
DO(move_batch, 0, "files.move_batch", "files/move_batch_v2", "files/move_batch/check_v2",
    "Move many files and folders", BATCH_TOLD("files.move_batch.check"), JOB_OUTPUT(BATCH_RESULT), RELOCATIONS_EXAMPLE);

static const char copy_batch_input[] = INPUT(REQUIRED("\"entries\""), RELOCATIONS);
DO(copy_batch, 0, "files.copy_batch", "files/copy_batch_v2", "files/copy_batch/check_v2",
    "Copy many files and folders", BATCH_TOLD("files.copy_batch.check"), JOB_OUTPUT(BATCH_RESULT), RELOCATIONS_EXAMPLE);

#define ASK_JOB(var, job, place) \
    static const char var##_input[] = INPUT(REQUIRED("\"async_job_id\""), JOB); \
    READ(var, "files." job ".check", "files/" place, ".tag", "Ask how far a files." job " is", NULL, \
        STATUS_OUTPUT(BATCH_RESULT), JOB_EXAMPLE)
ASK_JOB(create_folder_batch_check, "create_folder_batch", "create_folder_batch/check");
ASK_JOB(delete_batch_check, "delete_batch", "delete_batch/check");
ASK_JOB(move_batch_check, "move_batch", "move_batch/check_v2");
ASK_JOB(copy_batch_check, "copy_batch", "copy_batch/check_v2");

/* --- tags ------------------------------------------------------------------------------------------- */

#define TAG PATTERN("tag_text", "^\\\\w{1,32}$", "my_tag", "becomes lower case")

static const char tags_add_input[] = INPUT(REQUIRED("\"path\",\"tag_text\""), PATH("path", "the file or folder") "," TAG);
CALL(tags_add, BB_OP_IDEMPOTENT, "files.tags.add", "files/tags/add", NULL,
    "Add a tag to a file or folder", "At most 20 each.", NOTHING,
    EXAMPLE("one",
        "{\"path\":\"/Prime_Numbers.txt\",\"tag_text\":\"my_tag\"}"));

static const char tags_remove_input[] = INPUT(REQUIRED("\"path\",\"tag_text\""), PATH("path", "the file or folder") "," TAG);
CALL(tags_remove, 0, "files.tags.remove", "files/tags/remove", NULL,
    "Remove a tag from a file or folder", NULL, NOTHING,
    EXAMPLE("one",
        "{\"path\":\"/Prime_Numbers.txt\",\"tag_text\":\"my_tag\"}"));

static const char tags_get_input[] = INPUT(REQUIRED("\"paths\""),
    "\"paths\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"pattern\":\"^/\",\"examples\":[\"/a.txt\"]},"
    TOLD("files and folders") "}");
READ(tags_get, "files.tags.get", "files/tags/get", "paths_to_tags",
    "Read the tags of files and folders", NULL, OUTPUT("\"paths_to_tags\"", OUT_OBJECTS("paths_to_tags")),
    EXAMPLE("of one",
        "{\"paths\":[\"/Prime_Numbers.txt\"]}"));

/* --- locks ------------------------------------------------------------------------------------------ */

#define LOCKS ENTRIES("entries", "0", "1000", "files", REQUIRED("\"path\""), WRITE_PATH_OR_ID("path", "a file"))
#define LOCKS_OUTPUT OUTPUT("\"entries\"", OUT_LIST("entries", "entry"))
#define LOCKS_EXAMPLE EXAMPLE("one", "{\"entries\":[{\"path\":\"/John Doe/sample/test.pdf\"}]}")

static const char lock_file_batch_input[] = INPUT(REQUIRED("\"entries\""), LOCKS);
CALL(lock_file_batch, BB_OP_IDEMPOTENT, "files.lock_file_batch", "files/lock_file_batch", "entries",
    "Lock files, so that nobody else can write them", NULL, LOCKS_OUTPUT, LOCKS_EXAMPLE);

static const char unlock_file_batch_input[] = INPUT(REQUIRED("\"entries\""), LOCKS);
CALL(unlock_file_batch, BB_OP_IDEMPOTENT, "files.unlock_file_batch", "files/unlock_file_batch", "entries",
    "Unlock files", NULL, LOCKS_OUTPUT, LOCKS_EXAMPLE);

static const char get_file_lock_batch_input[] = INPUT(REQUIRED("\"entries\""), LOCKS);
READ(get_file_lock_batch, "files.get_file_lock_batch", "files/get_file_lock_batch", "entries",
    "Read who has locked files", NULL, LOCKS_OUTPUT, LOCKS_EXAMPLE);
