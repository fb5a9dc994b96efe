/* schemas.h - what the operations of `slack` take and give: arguments as Slack's method reference names them.
 * One argument a line. */
#ifndef SLACK_SCHEMAS_H
#define SLACK_SCHEMAS_H

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define INPUT(required, properties) \
    "{\"type\":\"object\",\"additionalProperties\":false," required "\"properties\":{" properties "}}"
#define STRING(name, text) "\"" name "\":{\"type\":\"string\",\"minLength\":1,\"description\":\"" text "\"}"
#define TEXT(name, max, text) \
    "\"" name "\":{\"type\":\"string\",\"maxLength\":" max ",\"description\":\"" text "\"}"
#define BOOLEAN(name, text) "\"" name "\":{\"type\":\"boolean\",\"description\":\"" text "\"}"
#define OBJECTS(name, max, text) \
    "\"" name "\":{\"type\":\"array\",\"maxItems\":" max ",\"items\":{\"type\":\"object\"},\"description\":\"" text "\"}"
#define TIMESTAMP(name, text) \
    "\"" name "\":{\"type\":\"string\",\"pattern\":\"^[0-9]+(\\\\.[0-9]+)?$\",\"description\":\"" text "\"}"

#define LIMIT \
    "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"description\":\"items a page; Slack advises 200\"}"
#define CHANNEL \
    STRING("channel", "id of a channel, group or user (C..., G..., D..., U...), or #name where Slack takes it")
#define CONTENT \
    TEXT("text", "40000", "message, or what notifications show of blocks") "," \
    OBJECTS("blocks", "50", "Block Kit") "," \
    OBJECTS("attachments", "100", "legacy attachments")
#define HAS_CONTENT \
    "\"anyOf\":[{\"required\":[\"text\"]},{\"required\":[\"blocks\"]},{\"required\":[\"attachments\"]}],"
#define READING \
    BOOLEAN("link_names", "make links of #names and @names") "," \
    "\"parse\":{\"enum\":[\"none\",\"full\"],\"description\":\"how Slack reads the text\"}"
#define METADATA \
    "\"metadata\":{\"type\":\"object\",\"required\":[\"event_type\",\"event_payload\"]," \
    "\"description\":\"an event that apps can read\"}"
#define TEAM STRING("team_id", "workspace, for a token of a whole organization")

static const char post_message_input[] = INPUT("\"required\":[\"channel\"]," HAS_CONTENT,
    CHANNEL ","
    CONTENT ","
    TIMESTAMP("thread_ts", "ts of the message to answer in its thread") ","
    BOOLEAN("reply_broadcast", "show the answer in the channel too") ","
    BOOLEAN("unfurl_links", "previews of text content") ","
    BOOLEAN("unfurl_media", "previews of media") ","
    BOOLEAN("mrkdwn", "false: the text is no markup") ","
    READING ","
    STRING("username", "needs chat:write.customize") ","
    STRING("icon_emoji", ":robot_face:; needs chat:write.customize") ","
    STRING("icon_url", "URL of an image; needs chat:write.customize") ","
    METADATA);
static const char update_input[] = INPUT("\"required\":[\"channel\",\"ts\"]," HAS_CONTENT,
    CHANNEL ","
    TIMESTAMP("ts", "of the message") ","
    CONTENT ","
    READING ","
    BOOLEAN("reply_broadcast", "show the answer in the channel too") ","
    METADATA);
static const char conversations_list_input[] = INPUT("",
    BOOLEAN("exclude_archived", "without archived ones") ","
    "\"types\":{\"type\":\"string\","
    "\"pattern\":\"^(public_channel|private_channel|mpim|im)(,(public_channel|private_channel|mpim|im))*$\","
    "\"description\":\"with commas between; default public_channel\"},"
    LIMIT ","
    TEAM);
static const char history_input[] = INPUT("\"required\":[\"channel\"],",
    CHANNEL ","
    TIMESTAMP("latest", "only messages before") ","
    TIMESTAMP("oldest", "only messages after") ","
    BOOLEAN("inclusive", "with those at latest and oldest") ","
    LIMIT);
static const char users_list_input[] = INPUT("",
    LIMIT ","
    BOOLEAN("include_locale", "with each user's locale") ","
    TEAM);
static const char empty_input[] = INPUT("", "");

#define OUTPUT(required, properties) \
    "{\"type\":\"object\",\"required\":[\"ok\"" required "],\"properties\":{\"ok\":{\"const\":true}," properties "}}"
#define NEXT "\"response_metadata\":{\"type\":\"object\",\"properties\":{\"next_cursor\":{\"type\":\"string\"}}}"
#define OBJECT_LIST(name) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}"
#define OUT_STRING(name) "\"" name "\":{\"type\":\"string\"}"

static const char message_output[] = OUTPUT(",\"channel\",\"ts\"",
    OUT_STRING("channel") "," OUT_STRING("ts") ",\"message\":{\"type\":\"object\"}");
static const char conversations_output[] = OUTPUT(",\"channels\"", OBJECT_LIST("channels") "," NEXT);
static const char history_output[] = OUTPUT(",\"messages\"",
    OBJECT_LIST("messages") ",\"has_more\":{\"type\":\"boolean\"}," NEXT);
static const char users_output[] = OUTPUT(",\"members\"", OBJECT_LIST("members") "," NEXT);
static const char auth_test_output[] = OUTPUT(",\"team_id\"",
    OUT_STRING("url") "," OUT_STRING("team") "," OUT_STRING("user") ","
    OUT_STRING("team_id") "," OUT_STRING("user_id"));

static const char settings_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{"
    "\"base_url\":{\"type\":\"string\",\"pattern\":\"^https?://\",\"default\":\"https://slack.com/api\"}}}";

/* clang-format on */

#endif
