/* schemas.h - the words in which the operations of `slack` say what they take and give: arguments as Slack's
 * method reference names them, one a line.
 */
#ifndef SLACK_SCHEMAS_H
#define SLACK_SCHEMAS_H

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define INPUT(required, properties) \
    "{\"type\":\"object\",\"additionalProperties\":false," required "\"properties\":{" properties "}}"
#define NO_INPUT "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{}}"
#define REQUIRED(names) "\"required\":[" names "],"
#define EXAMPLE(summary, input) "[{\"summary\":\"" summary "\",\"input\":" input "}]"

/* --- members of inputs ------------------------------------------------------------------------------ */

#define TOLD(text) "\"description\":\"" text "\""
#define STRING(name, text) "\"" name "\":{\"type\":\"string\",\"minLength\":1," TOLD(text) "}"
#define TEXT(name, max, text) "\"" name "\":{\"type\":\"string\",\"maxLength\":" max "," TOLD(text) "}"
#define BOOLEAN(name, text) "\"" name "\":{\"type\":\"boolean\"," TOLD(text) "}"
#define INTEGER(name, text) "\"" name "\":{\"type\":\"integer\"," TOLD(text) "}"
#define COUNT(name, max, text) \
    "\"" name "\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":" max "," TOLD(text) "}"
#define CHOICE(name, values, text) "\"" name "\":{\"enum\":[" values "]," TOLD(text) "}"
#define OBJECT(name, text) "\"" name "\":{\"type\":\"object\"," TOLD(text) "}"
#define TIMESTAMP(name, text) \
    "\"" name "\":{\"type\":\"string\",\"pattern\":\"^[0-9]+(\\\\.[0-9]+)?$\"," TOLD(text) "}"
#define PATTERN(name, pattern, text) \
    "\"" name "\":{\"type\":\"string\",\"pattern\":\"" pattern "\"," TOLD(text) "}"
/* Ids with commas between. */
#define IDS(name, letters, text) PATTERN(name, "^[" letters "][A-Z0-9]+(,[" letters "][A-Z0-9]+)*$", text)
/* A schema of this connector's (blocks.c). */
#define NAMED(name, schema, text) "\"" name "\":{\"$ref\":\"" schema "\"," TOLD(text) "}"
#define LIST_OF(name, schema, max, text) \
    "\"" name "\":{\"type\":\"array\",\"maxItems\":" max ",\"items\":{\"$ref\":\"" schema "\"}," TOLD(text) "}"

/* --- what many take --------------------------------------------------------------------------------- */

#define LIMIT \
    "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"description\":\"items a page; Slack advises 200\"}"
#define CHANNEL STRING("channel", "id of a channel: C..., G..., D...")
#define WHERE \
    STRING("channel", "id of a channel, group or user (C..., G..., D..., U...), or #name where Slack takes it")
#define USER STRING("user", "id: U... or W...")
#define TEAM STRING("team_id", "workspace, for a token of a whole organization")
#define BLOCKS LIST_OF("blocks", "block", "50", "Block Kit")
#define CONTENT \
    TEXT("text", "40000", "message, or what notifications show of blocks") "," \
    BLOCKS "," \
    LIST_OF("attachments", "attachment", "100", "legacy attachments")
#define HAS_CONTENT \
    "\"anyOf\":[{\"required\":[\"text\"]},{\"required\":[\"blocks\"]},{\"required\":[\"attachments\"]}],"
#define READING \
    BOOLEAN("link_names", "make links of #names and @names") "," \
    CHOICE("parse", "\"none\",\"full\"", "how Slack reads the text")
#define UNFURL \
    BOOLEAN("unfurl_links", "previews of text content") "," \
    BOOLEAN("unfurl_media", "previews of media")
#define SENDER \
    STRING("username", "needs chat:write.customize") "," \
    STRING("icon_emoji", ":robot_face:; needs chat:write.customize") "," \
    STRING("icon_url", "URL of an image; needs chat:write.customize")
#define THREAD TIMESTAMP("thread_ts", "ts of the message to answer in its thread")
#define BROADCAST BOOLEAN("reply_broadcast", "show the answer in the channel too")
#define METADATA \
    "\"metadata\":{\"type\":\"object\",\"required\":[\"event_type\",\"event_payload\"]," \
    TOLD("an event that apps can read") "}"

/* How a file is called, and where it is shown. */
#define NAMING \
    STRING("filename", "with its ending") "," \
    TEXT("alt_txt", "1000", "description of an image") "," \
    STRING("snippet_type", "language of a snippet: text, python, ...")
#define SHARING \
    STRING("channel_id", "where to share it: C..., G..., D...; default: nowhere") "," \
    IDS("channels", "CGDZ", "several, with commas between") "," \
    TIMESTAMP("thread_ts", "ts of the message to answer in its thread") "," \
    TEXT("initial_comment", "40000", "message beside it") "," \
    BLOCKS

/* --- outputs ---------------------------------------------------------------------------------------- */

#define OUTPUT(required, properties) \
    "{\"type\":\"object\",\"required\":[\"ok\"" required "],\"properties\":{\"ok\":{\"const\":true}," \
    "\"warning\":{\"type\":\"string\"}" properties "}}"
#define OUT_STRING(name) ",\"" name "\":{\"type\":\"string\"}"
#define OUT_OBJECT(name) ",\"" name "\":{\"type\":\"object\"}"
#define OUT_BOOLEAN(name) ",\"" name "\":{\"type\":\"boolean\"}"
#define OUT_OBJECTS(name) ",\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}"
#define OUT_STRINGS(name) ",\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"
#define NEXT \
    ",\"response_metadata\":{\"type\":\"object\",\"properties\":{\"next_cursor\":{\"type\":\"string\"}}}"
#define DONE_OUTPUT OUTPUT("", "")
#define FILES_OUTPUT OUTPUT(",\"files\"", OUT_OBJECTS("files"))

/* clang-format on */

#endif
