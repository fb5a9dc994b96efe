/* schemas.h - the words that the schemas of `discord` are made of; each noun's own stand beside its
 * operations. Names and limits are those of Discord's API reference. */
#ifndef DISCORD_SCHEMAS_H
#define DISCORD_SCHEMAS_H

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define INPUT(required, properties) \
    "{\"type\":\"object\",\"additionalProperties\":false," required "\"properties\":{" properties "}}"
#define REQUIRED(names) "\"required\":[" names "],"
#define SNOWFLAKE "{\"type\":\"string\",\"pattern\":\"^[0-9]{1,20}$\"}"
#define ID(name, text) \
    "\"" name "\":{\"type\":\"string\",\"pattern\":\"^[0-9]{1,20}$\",\"description\":\"" text "\"}"
#define MAYBE_ID(name, text) \
    "\"" name "\":{\"type\":[\"string\",\"null\"],\"pattern\":\"^[0-9]{1,20}$\",\"description\":\"" text "\"}"
#define IDS(name, max, text) \
    "\"" name "\":{\"type\":[\"array\",\"null\"],\"maxItems\":" max ",\"uniqueItems\":true,\"items\":" SNOWFLAKE "," \
    "\"description\":\"" text "\"}"
#define TEXT(name, max, text) "\"" name "\":{\"type\":\"string\",\"maxLength\":" max ",\"description\":\"" text "\"}"
#define NAME(name, max, text) \
    "\"" name "\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":" max ",\"description\":\"" text "\"}"
#define MAYBE_TEXT(name, max, text) \
    "\"" name "\":{\"type\":[\"string\",\"null\"],\"maxLength\":" max ",\"description\":\"" text "\"}"
#define INTEGER(name, text) "\"" name "\":{\"type\":\"integer\",\"description\":\"" text "\"}"
#define RANGE(name, least, most, text) \
    "\"" name "\":{\"type\":\"integer\",\"minimum\":" least ",\"maximum\":" most ",\"description\":\"" text "\"}"
#define MAYBE_RANGE(name, least, most, text) \
    "\"" name "\":{\"type\":[\"integer\",\"null\"],\"minimum\":" least ",\"maximum\":" most ",\"description\":\"" text "\"}"
#define BOOLEAN(name, text) "\"" name "\":{\"type\":\"boolean\",\"description\":\"" text "\"}"
#define MAYBE_BOOLEAN(name, text) "\"" name "\":{\"type\":[\"boolean\",\"null\"],\"description\":\"" text "\"}"
#define CHOICE(name, values, text) "\"" name "\":{\"enum\":[" values "],\"description\":\"" text "\"}"
#define OBJECT(name, text) "\"" name "\":{\"type\":\"object\",\"description\":\"" text "\"}"
#define OBJECTS(name, max, text) \
    "\"" name "\":{\"type\":[\"array\",\"null\"],\"maxItems\":" max ",\"items\":{\"type\":\"object\"},\"description\":\"" text "\"}"
/* Objects of a schema of this connector's. */
#define LIST(name, max, of, text) \
    "\"" name "\":{\"type\":[\"array\",\"null\"],\"maxItems\":" max ",\"items\":{\"$ref\":\"" of "\"},\"description\":\"" text "\"}"
#define ONE(name, of, text) "\"" name "\":{\"$ref\":\"" of "\",\"description\":\"" text "\"}"
#define TIME(name, text) \
    "\"" name "\":{\"type\":[\"string\",\"null\"],\"pattern\":\"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(Z|[+-][0-9]{2}:[0-9]{2})$\"," \
    "\"description\":\"ISO 8601: " text "\"}"
/* Permission bits: as a number, or as a text where a caller's numbers end at 2^53. */
#define BITS(name, text) \
    "\"" name "\":{\"type\":[\"integer\",\"string\",\"null\"],\"minimum\":0,\"pattern\":\"^[0-9]{1,20}$\",\"description\":\"" text "\"}"
#define SECRET(name, text) \
    "\"" name "\":{\"type\":\"string\",\"pattern\":\"^[A-Za-z0-9._~=+-]{1,512}$\",\"writeOnly\":true,\"description\":\"" text "\"}"

#define REASON NAME("reason", "512", "for the audit log")
#define CHANNEL ID("channel_id", "id of a channel or thread")
#define GUILD ID("guild_id", "id of the guild (server)")
#define LIMIT(most, text) RANGE("limit", "1", most, text)

/* What a message is made of. */
#define MESSAGE_PARTS \
    LIST("embeds", "10", "embed", "rich content, 6000 characters in all") "," \
    ONE("allowed_mentions", "allowed_mentions", "who may be notified; default: all that the content mentions") "," \
    LIST("components", "40", "component", "buttons, menus, layout; type says which") "," \
    LIST("attachments", "10", "attachment", "about the files: id 0 is the first of files; when editing, those to keep too") "," \
    LIST("files", "10", "file", "files to upload") "," \
    INTEGER("flags", "4: no embeds of links, 4096: silent, 32768: components v2")
#define CONTENT MAYBE_TEXT("content", "2000", "text of the message")

#define OUT(required, properties) "{\"type\":\"object\",\"required\":[" required "],\"properties\":{" properties "}}"
#define OUT_STRING(name) "\"" name "\":{\"type\":\"string\"}"
#define OUT_MAYBE(name) "\"" name "\":{\"type\":[\"string\",\"null\"]}"
#define OUT_INTEGER(name) "\"" name "\":{\"type\":\"integer\"}"
#define OUT_BOOLEAN(name) "\"" name "\":{\"type\":\"boolean\"}"
#define OUT_OBJECT(name) "\"" name "\":{\"type\":\"object\"}"
#define OUT_ARRAY(name) "\"" name "\":{\"type\":\"array\"}"
#define REF(name) "{\"$ref\":\"" name "\"}"
#define ARRAY_OF(name) "{\"type\":\"array\",\"items\":{\"$ref\":\"" name "\"}}"
#define NOTHING "{\"type\":\"null\"}"
#define MAYBE(name) "{\"anyOf\":[{\"type\":\"null\"},{\"$ref\":\"" name "\"}]}"

/* clang-format on */

#endif
