/* schemas.h - the words in which the operations of `dropbox` say what they take and give: arguments as
 * Dropbox's reference names them, one a line. A union is written as its tag alone, or as {".tag": ..., ...}.
 */
#ifndef DROPBOX_SCHEMAS_H
#define DROPBOX_SCHEMAS_H

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

/* For whom a call is: of every operation; none of them is an argument. */
#define ROOT_PATTERN "^(home|(root|ns):[-_0-9a-zA-Z:]+)$"
#define FOR_WHOM \
    "\"path_root\":{\"type\":\"string\",\"pattern\":\"" ROOT_PATTERN "\"," \
    "\"description\":\"in place of the connection's: where paths begin: home, root:ID or ns:ID\"}," \
    "\"select_user\":{\"type\":\"string\",\"pattern\":\"^dbmid:[!-~]+$\"," \
    "\"description\":\"team tokens: act for this member\"}," \
    "\"select_admin\":{\"type\":\"string\",\"pattern\":\"^dbmid:[!-~]+$\"," \
    "\"description\":\"team tokens: act as this admin\"}"
#define INPUT(required, properties) \
    "{\"type\":\"object\",\"additionalProperties\":false," required "\"properties\":{" properties "," FOR_WHOM "}}"
#define NO_INPUT "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{" FOR_WHOM "}}"
#define REQUIRED(names) "\"required\":[" names "],"
#define EXAMPLE(summary, input) "[{\"summary\":\"" summary "\",\"input\":" input "}]"

/* --- members of inputs ------------------------------------------------------------------------------ */

#define TOLD(text) "\"description\":\"" text "\""
#define STRING(name, text) "\"" name "\":{\"type\":\"string\",\"minLength\":1," TOLD(text) "}"
#define TEXT(name, max, text) "\"" name "\":{\"type\":\"string\",\"maxLength\":" max "," TOLD(text) "}"
#define SECRET(name, text) "\"" name "\":{\"type\":\"string\",\"minLength\":1,\"writeOnly\":true," TOLD(text) "}"
#define BOOLEAN(name, text) "\"" name "\":{\"type\":\"boolean\"," TOLD(text) "}"
#define COUNT(name, least, max, text) \
    "\"" name "\":{\"type\":\"integer\",\"minimum\":" least ",\"maximum\":" max "," TOLD(text) "}"
#define CHOICE(name, values, text) "\"" name "\":{\"enum\":[" values "]," TOLD(text) "}"
#define PATTERN(name, pattern, example, text) \
    "\"" name "\":{\"type\":\"string\",\"pattern\":\"" pattern "\",\"examples\":[\"" example "\"]," TOLD(text) "}"
#define STRINGS(name, text) \
    "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"minLength\":1}," TOLD(text) "}"
#define OBJECT(name, text, required, properties) \
    "\"" name "\":{\"type\":\"object\",\"additionalProperties\":false," required TOLD(text) \
    ",\"properties\":{" properties "}}"
#define ENTRIES(name, least, max, text, required, properties) \
    "\"" name "\":{\"type\":\"array\",\"minItems\":" least ",\"maxItems\":" max "," TOLD(text) ",\"items\":" \
    "{\"type\":\"object\",\"additionalProperties\":false," required "\"properties\":{" properties "}}}"
#define NAMED(name, schema, text) "\"" name "\":{\"$ref\":\"" schema "\"," TOLD(text) "}"

/* Paths (https://www.dropbox.com/developers/documentation/http/documentation#path-formats). */
#define NAMESPACE "ns:[0-9]+(/|$)"
#define PATH(name, text) PATTERN(name, "^/", "/a.txt", text)
#define WRITE_PATH(name, text) PATTERN(name, "^(/|" NAMESPACE ")", "/a.txt", text)
#define WRITE_PATH_OR_ID(name, text) PATTERN(name, "^(/|id:.|" NAMESPACE ")", "/a.txt", text)
#define READ_PATH(name, text) \
    PATTERN(name, "^(/|id:.|rev:[0-9a-f]{9,}$|" NAMESPACE ")", "/a.txt", text)
#define FOLDER_PATH(name, text) PATTERN(name, "^($|/|id:.|" NAMESPACE ")", "/folder", text)
#define REV(name, text) PATTERN(name, "^[0-9a-f]{9,}$", "a1c10ce0dd78", text)
#define HASH(name, text) PATTERN(name, "^[0-9a-f]{64}$", \
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", text)
#define TIMESTAMP_PATTERN "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$"
#define TIMESTAMP(name, text) PATTERN(name, TIMESTAMP_PATTERN, "2026-01-31T12:00:00Z", text)
#define FOLDER_ID(name) PATTERN(name, "^[-_0-9a-zA-Z:]+$", "84528192421", "id of a shared folder")
#define ACCOUNT_ID(name, text) \
    PATTERN(name, "^.{40}$", "dbid:AAH4f99T0taONIb-OurWxbNQ6ywGRopQngc", text)
/* How a file is to be kept. */
#define COMMIT_MEMBERS \
    WRITE_PATH_OR_ID("path", "where the file goes") "," \
    NAMED("mode", "write_mode", "add, overwrite, or update of a revision; default: add") "," \
    BOOLEAN("autorename", "give it another name where that one is taken") "," \
    TIMESTAMP("client_modified", "when the file was changed, as its owner says") "," \
    BOOLEAN("mute", "tell nobody of it") "," \
    "\"property_groups\":{\"type\":\"array\",\"items\":{\"$ref\":\"property_group\"}," TOLD("properties to add") "}," \
    BOOLEAN("strict_conflict", "also the same content is a conflict")
#define JOB STRING("async_job_id", "as the operation that began the job gave it")
#define JOB_EXAMPLE EXAMPLE("a job that was not done in time", "{\"async_job_id\":\"dbjid:AAAABBBB\"}")

/* --- outputs ---------------------------------------------------------------------------------------- */

#define REF(name) "{\"$ref\":\"" name "\"}"
#define ANY_OBJECT(required) "{\"type\":\"object\",\"required\":[" required "]}"
#define OUTPUT(required, properties) \
    "{\"type\":\"object\",\"required\":[" required "],\"properties\":{" properties "}}"
#define OUT_STRING(name) "\"" name "\":{\"type\":\"string\"}"
#define OUT_BOOLEAN(name) "\"" name "\":{\"type\":\"boolean\"}"
#define OUT_INTEGER(name) "\"" name "\":{\"type\":\"integer\"}"
#define OUT_OBJECT(name) "\"" name "\":{\"type\":\"object\"}"
#define OUT_NAMED(name, schema) "\"" name "\":{\"$ref\":\"" schema "\"}"
#define OUT_LIST(name, schema) "\"" name "\":{\"type\":\"array\",\"items\":{\"$ref\":\"" schema "\"}}"
#define OUT_OBJECTS(name) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}"
#define OUT_STRINGS(name) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
#define NOTHING "{\"type\":\"null\"}"
/* What a job came to, or its id. */
#define JOB_OUTPUT(properties) \
    OUTPUT("\".tag\"", "\".tag\":{\"enum\":[\"complete\",\"async_job_id\"]}," OUT_STRING("async_job_id") properties)
#define STATUS_OUTPUT(properties) \
    OUTPUT("\".tag\"", OUT_STRING(".tag") properties)
#define BATCH_RESULT ",\"entries\":{\"type\":\"array\",\"items\":{\"$ref\":\"entry\"}}"
#define JOB_TOLD \
    "Waits until the job is done. Where the call's time ends before, the output is {\".tag\": \"async_job_id\", " \
    "\"async_job_id\": ...}, and the job goes on: ask after it by "

/* clang-format on */

#endif
