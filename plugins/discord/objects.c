/* objects.c - schemas that several operations refer to by name: parts of messages, and the objects that come
 * back. The latter stay open: Discord adds members to them. */
#include "objects.h"

#include "schemas.h"

/* clang-format off */

/* --- parts of messages ------------------------------------------------------------------------------ */

#define URL(name) "\"" name "\":{\"type\":[\"string\",\"null\"],\"maxLength\":2048,\"description\":\"http, https or attachment://NAME\"}"
#define PART(name, properties) \
    "\"" name "\":{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,\"properties\":{" properties "}}"

static const char embed_text[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    MAYBE_TEXT("title", "256", "heading") ","
    MAYBE_TEXT("description", "4096", "text") ","
    URL("url") ","
    TIME("timestamp", "shown beside the footer") ","
    MAYBE_RANGE("color", "0", "16777215", "of the edge, as 65536 * red + 256 * green + blue") ","
    PART("footer", MAYBE_TEXT("text", "2048", "small text below") "," URL("icon_url")) ","
    PART("image", URL("url")) ","
    PART("thumbnail", URL("url")) ","
    PART("author", MAYBE_TEXT("name", "256", "who") "," URL("url") "," URL("icon_url")) ","
    "\"fields\":{\"type\":[\"array\",\"null\"],\"maxItems\":25,\"items\":{\"type\":\"object\",\"required\":[\"name\",\"value\"],"
    "\"additionalProperties\":false,\"properties\":{"
    NAME("name", "256", "heading") "," NAME("value", "1024", "text") "," MAYBE_BOOLEAN("inline", "side by side with others") "}}},"
    MAYBE_TEXT("type", "64", "rich") "}}";

static const char allowed_mentions_text[] =
    "{\"type\":[\"object\",\"null\"],\"additionalProperties\":false,\"properties\":{"
    "\"parse\":{\"type\":\"array\",\"uniqueItems\":true,\"items\":{\"enum\":[\"roles\",\"users\",\"everyone\"]}},"
    IDS("roles", "100", "only these") ","
    IDS("users", "100", "only these") ","
    BOOLEAN("replied_user", "whoever wrote the message that is answered") "}}";

/* Discord itself checks a component by its type, in depth. */
static const char component_text[] =
    "{\"type\":\"object\",\"required\":[\"type\"],\"properties\":{"
    RANGE("type", "1", "99", "1 row, 2 button, 3 to 8 menus and text input, 9 to 18 layout") ","
    MAYBE_TEXT("custom_id", "100", "comes back with the interaction") ","
    "\"components\":{\"type\":\"array\",\"maxItems\":40,\"items\":{\"$ref\":\"component\"}}}}";

static const char attachment_text[] =
    "{\"type\":\"object\",\"required\":[\"id\"],\"additionalProperties\":false,\"properties\":{"
    "\"id\":{\"type\":[\"string\",\"integer\"],\"pattern\":\"^[0-9]{1,20}$\",\"minimum\":0,"
    "\"description\":\"0, 1, ... of files; or the id of one that is there\"},"
    NAME("filename", "1024", "another name") ","
    MAYBE_TEXT("description", "1024", "for those who cannot see it") ","
    MAYBE_TEXT("title", "1024", "shown in place of the name") ","
    BOOLEAN("is_spoiler", "hidden until it is clicked") "}}";

static const char file_text[] =
    "{\"type\":\"object\",\"required\":[\"filename\"],\"additionalProperties\":false,"
    "\"oneOf\":[{\"required\":[\"content\"]},{\"required\":[\"content_base64\"]}],\"properties\":{"
    "\"filename\":{\"type\":\"string\",\"pattern\":\"^[^\\\\u0000-\\\\u001f\\\\u007f\\\"\\\\\\\\/]{1,260}$\",\"description\":\"without folders\"},"
    "\"content_type\":{\"type\":\"string\",\"maxLength\":127,\"pattern\":\"^[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+"
    "(; ?charset=[A-Za-z0-9-]+)?$\",\"description\":\"default application/octet-stream\"},"
    "\"content\":{\"type\":\"string\",\"description\":\"the text of a text file\"},"
    "\"content_base64\":{\"type\":\"string\",\"description\":\"the bytes, base64 (RFC 4648 section 4)\"},"
    MAYBE_TEXT("description", "1024", "for those who cannot see it") "}}";

static const char overwrite_text[] =
    "{\"type\":\"object\",\"required\":[\"id\",\"type\"],\"additionalProperties\":false,\"properties\":{"
    ID("id", "of the role or member") ","
    CHOICE("type", "0,1", "0 role, 1 member") ","
    BITS("allow", "permission bits that are given") ","
    BITS("deny", "permission bits that are taken") "}}";

/* Discord checks a command's options by their type, in depth. */
static const char command_input_text[] =
    "{\"type\":\"object\",\"properties\":{"
    NAME("name", "32", "lower case for type 1") ","
    MAYBE_TEXT("description", "100", "required for type 1, empty for others") ","
    CHOICE("type", "1,2,3,4", "1 slash command, 2 of users, 3 of messages, 4 entry point") ","
    "\"options\":{\"type\":[\"array\",\"null\"],\"maxItems\":25,\"items\":{\"$ref\":\"option\"}}}}";

static const char option_text[] =
    "{\"type\":\"object\",\"required\":[\"type\",\"name\",\"description\"],\"properties\":{"
    RANGE("type", "1", "11", "1 subcommand, 2 group, 3 text, 4 integer, 5 boolean, 6 user, 7 channel, 8 role, 9 mentionable, "
          "10 number, 11 attachment") ","
    NAME("name", "32", "lower case") ","
    NAME("description", "100", "what it is") ","
    MAYBE_BOOLEAN("required", "those that are come first") ","
    "\"choices\":{\"type\":[\"array\",\"null\"],\"maxItems\":25,\"items\":{\"type\":\"object\",\"required\":[\"name\",\"value\"]}},"
    "\"options\":{\"type\":[\"array\",\"null\"],\"maxItems\":25,\"items\":{\"$ref\":\"option\"}}}}";

/* --- what comes back -------------------------------------------------------------------------------- */

static const char user_text[] = OUT("\"id\",\"username\"",
    OUT_STRING("id") "," OUT_STRING("username") "," OUT_MAYBE("global_name") "," OUT_MAYBE("avatar") "," OUT_BOOLEAN("bot"));
static const char message_text[] = OUT("\"id\",\"channel_id\"",
    OUT_STRING("id") "," OUT_STRING("channel_id") "," OUT_STRING("content") "," OUT_OBJECT("author") ","
    OUT_STRING("timestamp") "," OUT_MAYBE("edited_timestamp") "," OUT_ARRAY("embeds") "," OUT_ARRAY("attachments") ","
    OUT_INTEGER("flags") ",\"nonce\":{\"type\":[\"string\",\"integer\",\"null\"]}");
static const char channel_text[] = OUT("\"id\",\"type\"",
    OUT_STRING("id") "," OUT_INTEGER("type") "," OUT_STRING("guild_id") "," OUT_MAYBE("name") "," OUT_MAYBE("topic") ","
    OUT_MAYBE("parent_id") "," OUT_OBJECT("thread_metadata"));
static const char guild_text[] = OUT("\"id\",\"name\"",
    OUT_STRING("id") "," OUT_STRING("name") "," OUT_MAYBE("icon") "," OUT_INTEGER("approximate_member_count"));
static const char member_text[] = OUT("\"roles\"",
    "\"user\":" REF("user") "," OUT_MAYBE("nick") "," OUT_ARRAY("roles") "," OUT_MAYBE("joined_at"));
static const char role_text[] = OUT("\"id\",\"name\"",
    OUT_STRING("id") "," OUT_STRING("name") "," OUT_INTEGER("color") "," OUT_STRING("permissions") "," OUT_INTEGER("position"));
static const char webhook_text[] = OUT("\"id\",\"type\"",
    OUT_STRING("id") "," OUT_INTEGER("type") "," OUT_MAYBE("name") "," OUT_MAYBE("channel_id") ","
    "\"token\":{\"type\":\"string\",\"description\":\"a secret: who has it may write to the channel\"}");
static const char command_text[] = OUT("\"id\",\"name\"",
    OUT_STRING("id") "," OUT_STRING("name") "," OUT_STRING("description") "," OUT_INTEGER("type") "," OUT_STRING("version"));
static const char thread_member_text[] = OUT("\"user_id\"",
    OUT_STRING("id") "," OUT_STRING("user_id") "," OUT_STRING("join_timestamp") ",\"member\":" REF("member"));
static const char threads_text[] = OUT("\"threads\",\"members\"",
    "\"threads\":" ARRAY_OF("channel") "," OUT_ARRAY("members") "," OUT_BOOLEAN("has_more"));

/* clang-format on */

#define SCHEMA(name_) \
    static const bb_schema schema_##name_ = {BB_SIZE(bb_schema), .name = #name_, .text = name_##_text}
SCHEMA(embed);
SCHEMA(allowed_mentions);
SCHEMA(component);
SCHEMA(attachment);
SCHEMA(file);
SCHEMA(overwrite);
SCHEMA(command_input);
SCHEMA(option);
SCHEMA(user);
SCHEMA(message);
SCHEMA(channel);
SCHEMA(guild);
SCHEMA(member);
SCHEMA(role);
SCHEMA(webhook);
SCHEMA(command);
SCHEMA(thread_member);
SCHEMA(threads);

const bb_schema *const dc_schemas[] = {&schema_embed,
                                       &schema_allowed_mentions,
                                       &schema_component,
                                       &schema_attachment,
                                       &schema_file,
                                       &schema_overwrite,
                                       &schema_command_input,
                                       &schema_option,
                                       &schema_user,
                                       &schema_message,
                                       &schema_channel,
                                       &schema_guild,
                                       &schema_member,
                                       &schema_role,
                                       &schema_webhook,
                                       &schema_command,
                                       &schema_thread_member,
                                       &schema_threads,
                                       NULL};
