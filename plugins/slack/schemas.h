/* schemas.h - what the operations of `slack` take and give: arguments as Slack's method reference names them.
 */
#ifndef SLACK_SCHEMAS_H
#define SLACK_SCHEMAS_H

/* clang-format off: JSON in macros reads best in the lines it was written in */

#define INPUT(required, properties) \
    "{\"type\":\"object\",\"additionalProperties\":false," required "\"properties\":{" properties "}}"
#define STRING(name, text) "\"" name "\":{\"type\":\"string\",\"minLength\":1,\"description\":\"" text "\"}"
#define TEXT(name, max, text) \
    "\"" name "\":{\"type\":\"string\",\"maxLength\":" max ",\"description\":\"" text "\"}"
#define BOOLEAN(name, text) "\"" name "\":{\"type\":\"boolean\",\"description\":\"" text "\"}"
#define OBJECTS(name, max, text)                         \
    "\"" name "\":{\"type\":\"array\",\"maxItems\":" max \
    ",\"items\":{\"type\":\"object\"},\"description\":\"" text "\"}"
#define TIMESTAMP(name, text) \
    "\"" name "\":{\"type\":\"string\",\"pattern\":\"^[0-9]+(\\\\.[0-9]+)?$\",\"description\":\"" text "\"}"
#define LIMIT                                                                                               \
    "\"limit\":{\"type\":\"integer\",\"minimum\":1,\"maximum\":1000,\"description\":\"items a page; Slack " \
    "advises 200\"}"
#define CHANNEL       \
    STRING("channel", \
           "id of a channel, group or user (C..., G..., D..., U...), or #name where Slack takes it")
#define CONTENT                                                            \
    TEXT("text", "40000", "message, or what notifications show of blocks") \
    "," OBJECTS("blocks", "50", "Block Kit") "," OBJECTS("attachments", "100", "legacy attachments")
#define HAS_CONTENT \
    "\"anyOf\":[{\"required\":[\"text\"]},{\"required\":[\"blocks\"]},{\"required\":[\"attachments\"]}],"

static const char post_message_input[] = INPUT(
    "\"required\":[\"channel\"]," HAS_CONTENT,
    CHANNEL "," CONTENT "," TIMESTAMP("thread_ts", "ts of the message to answer in its thread") "," BOOLEAN(
        "reply_broadcast",
        "s"
        "h"
        "o"
        "w"
        " "
        "t"
        "h"
        "e"
        " "
        "a"
        "n"
        "s"
        "w"
        "e"
        "r"
        " "
        "i"
        "n"
        " "
        "t"
        "h"
        "e"
        " "
        "c"
        "h"
        "a"
        "n"
        "n"
        "e"
        "l"
        " "
        "t"
        "o"
        "o") "," BOOLEAN("unfurl_links",
                         "") "," BOOLEAN("unfurl_media",
                                         "") "," BOOLEAN("mrkdwn",
                                                         "") "," BOOLEAN("link_names",
                                                                         "") ","
                                                                             "\"parse\":{\"enum\":[\"none\","
                                                                             "\"full\"]}"
                                                                             "," STRING(
                                                                                 "username",
                                                                                 "needs "
                                                                                 "chat:write."
                                                                                 "customize") "," STRING("ico"
                                                                                                         "n_"
                                                                                                         "emo"
                                                                                                         "ji",
                                                                                                         ":ro"
                                                                                                         "bot"
                                                                                                         "_fa"
                                                                                                         "ce"
                                                                                                         ":") "," STRING("icon_url",
                                                                                                                         "") ",\"metadata\""
                                                                                                                             ":{\"type\":"
                                                                                                                             "\"object\","
                                                                                                                             "\"required\":"
                                                                                                                             "[\"event_"
                                                                                                                             "type\","
                                                                                                                             "\"event_"
                                                                                                                             "payload\"]}");
static const char update_input[] = INPUT(
    "\"required\":[\"channel\",\"ts\"]," HAS_CONTENT,
    CHANNEL "," TIMESTAMP(
        "ts",
        "of the message") "," CONTENT
                          "," BOOLEAN("link_names", "") ",\"parse\":{\"enum\":[\"none\",\"full\"]}," BOOLEAN(
                              "reply_broadcast", "") ",\"metadata\":{\"type\":\"object\",\"required\":["
                                                     "\"event_type\",\"event_payload\"]}");
static const char conversations_list_input[] = INPUT(
    "", BOOLEAN("exclude_archived", "") ",\"types\":{\"type\":\"string\",\"pattern\":\"^(public_channel|"
                                        "private_channel|mpim|im)(,(public_channel|"
                                        "private_channel|mpim|im))*$\",\"description\":\"with commas "
                                        "between; default public_channel\"}," LIMIT
                                        "," STRING("team_id", "for org tokens"));
static const char history_input[] = INPUT(
    "\"required\":[\"channel\"],",
    CHANNEL "," TIMESTAMP("latest", "only messages before") "," TIMESTAMP(
        "oldest", "only messages after") "," BOOLEAN("inclusive",
                                                     "with those at latest and oldest") "," LIMIT);
static const char users_list_input[] = INPUT(
    "", LIMIT "," BOOLEAN("include_locale", "") "," STRING("team_id", "for org tokens"));
static const char empty_input[] = INPUT("", "");

#define OK "\"ok\":{\"const\":true}"
#define NEXT \
    "\"response_metadata\":{\"type\":\"object\",\"properties\":{\"next_cursor\":{\"type\":\"string\"}}}"
#define OBJECT_LIST(name) "\"" name "\":{\"type\":\"array\",\"items\":{\"type\":\"object\"}}"
#define OUTPUT(required, properties) \
    "{\"type\":\"object\",\"required\":[\"ok\"" required "],\"properties\":{" OK "," properties "}}"

static const char message_output[] = OUTPUT(
    ",\"channel\",\"ts\"",
    "\"channel\":{\"type\":\"string\"},\"ts\":{\"type\":\"string\"},\"message\":{\"type\":\"object\"}");
static const char conversations_output[] = OUTPUT(",\"channels\"", OBJECT_LIST("channels") "," NEXT);
static const char history_output[] = OUTPUT(
    ",\"messages\"", OBJECT_LIST("messages") ",\"has_more\":{\"type\":\"boolean\"}," NEXT);
static const char users_output[] = OUTPUT(",\"members\"", OBJECT_LIST("members") "," NEXT);
static const char auth_test_output[] = OUTPUT(
    ",\"team_id\"", "\"url\":{\"type\":\"string\"},\"team\":{\"type\":\"string\"},\"user\":{\"type\":"
                    "\"string\"},\"team_id\":{\"type\":\"string\"},"
                    "\"user_id\":{\"type\":\"string\"}");

static const char settings_schema[] =
    "{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"base_url\":{\"type\":\"string\","
    "\"pattern\":\"^https?://\",\"default\":"
    "\"https://slack.com/api\"}}}";

/* clang-format on */

#endif
