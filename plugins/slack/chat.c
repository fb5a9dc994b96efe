/* chat.c - messages: sent, scheduled, changed, deleted. */
#include "schemas.h"
#include "slack.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define MESSAGE_OUTPUT OUTPUT(",\"channel\",\"ts\"", OUT_STRING("channel") OUT_STRING("ts") OUT_OBJECT("message"))

/* --- sending ---------------------------------------------------------------------------------------- */

static const char chat_post_message_input[] = INPUT(REQUIRED("\"channel\"") HAS_CONTENT,
    WHERE ","
    CONTENT ","
    THREAD ","
    BROADCAST ","
    UNFURL ","
    BOOLEAN("mrkdwn", "false: the text is no markup") ","
    READING ","
    SENDER ","
    METADATA);
SEND(chat_post_message, "chat.postMessage", "Send a message to a conversation",
    "1 message a second and channel. Not repeated after a failure that may have reached Slack: it would stand there twice.",
    MESSAGE_OUTPUT,
    "[{\"summary\":\"plain text\",\"input\":{\"channel\":\"C0123456789\",\"text\":\"Deployed *v1.4.2*\"}},"
    "{\"summary\":\"in a thread\",\"input\":"
    "{\"channel\":\"C0123456789\",\"thread_ts\":\"1503435956.000247\",\"text\":\"done\"}},"
    "{\"summary\":\"with blocks\",\"input\":{\"channel\":\"C0123456789\",\"text\":\"Deployed v1.4.2\",\"blocks\":["
    "{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"Deployed *v1.4.2*\"}},{\"type\":\"divider\"}]}}]");

static const char chat_post_ephemeral_input[] = INPUT(REQUIRED("\"channel\",\"user\"") HAS_CONTENT,
    WHERE ","
    USER ","
    CONTENT ","
    THREAD ","
    READING ","
    SENDER);
SEND(chat_post_ephemeral, "chat.postEphemeral", "Send a message that one member of a conversation sees", TIER_4,
    OUTPUT(",\"message_ts\"", OUT_STRING("message_ts")),
    EXAMPLE("to one member",
        "{\"channel\":\"C0123456789\",\"user\":\"U0123456789\",\"text\":\"Only you see this\"}"));

static const char chat_me_message_input[] = INPUT(REQUIRED("\"channel\",\"text\""),
    WHERE ","
    TEXT("text", "40000", "message"));
SEND(chat_me_message, "chat.meMessage", "Send a /me message", TIER_3,
    OUTPUT(",\"channel\",\"ts\"", OUT_STRING("channel") OUT_STRING("ts")),
    EXAMPLE("a wave",
        "{\"channel\":\"C0123456789\",\"text\":\"waves\"}"));

/* --- changing --------------------------------------------------------------------------------------- */

static const char chat_update_input[] = INPUT(REQUIRED("\"channel\",\"ts\"") HAS_CONTENT,
    CHANNEL ","
    TIMESTAMP("ts", "of the message") ","
    CONTENT ","
    READING ","
    BROADCAST ","
    METADATA);
SET(chat_update, "chat.update", "Change a message", TIER_3, MESSAGE_OUTPUT,
    EXAMPLE("other text",
        "{\"channel\":\"C0123456789\",\"ts\":\"1503435956.000247\",\"text\":\"Deployed *v1.4.3*\"}"));

static const char chat_delete_input[] = INPUT(REQUIRED("\"channel\",\"ts\""),
    CHANNEL ","
    TIMESTAMP("ts", "of the message"));
REMOVE(chat_delete, "chat.delete", "Delete a message", TIER_3,
    OUTPUT(",\"channel\",\"ts\"", OUT_STRING("channel") OUT_STRING("ts")),
    EXAMPLE("by its ts",
        "{\"channel\":\"C0123456789\",\"ts\":\"1503435956.000247\"}"));

static const char chat_unfurl_input[] = INPUT(REQUIRED("\"channel\",\"ts\",\"unfurls\""),
    CHANNEL ","
    TIMESTAMP("ts", "of the message with the links") ","
    OBJECT("unfurls", "by URL: {\\\"blocks\\\": [...]} or a legacy attachment") ","
    TEXT("user_auth_message", "3000", "asks the user to sign in") ","
    BOOLEAN("user_auth_required", "ask the user to install the app") ","
    STRING("user_auth_url", "where the user signs in"));
SET(chat_unfurl, "chat.unfurl", "Show previews of links in a message", TIER_3, DONE_OUTPUT,
    EXAMPLE("one link",
        "{\"channel\":\"C0123456789\",\"ts\":\"1503435956.000247\",\"unfurls\":{\"https://example.com/1\":{\"blocks\":[{\"type\":\"section\",\"text\":{\"type\":\"mrkdwn\",\"text\":\"Order 1\"}}]}}}"));

static const char chat_get_permalink_input[] = INPUT(REQUIRED("\"channel\",\"message_ts\""),
    CHANNEL ","
    TIMESTAMP("message_ts", "ts of the message"));
READ(chat_get_permalink, "chat.getPermalink", "Give the URL of a message", "No tier: hundreds of calls a minute.",
    OUTPUT(",\"permalink\"", OUT_STRING("permalink") OUT_STRING("channel")),
    EXAMPLE("of a message",
        "{\"channel\":\"C0123456789\",\"message_ts\":\"1503435956.000247\"}"));

/* --- later ------------------------------------------------------------------------------------------ */

static const char chat_schedule_message_input[] = INPUT(REQUIRED("\"channel\",\"post_at\"") HAS_CONTENT,
    WHERE ","
    INTEGER("post_at", "Unix seconds, at most 120 days ahead") ","
    CONTENT ","
    THREAD ","
    BROADCAST ","
    UNFURL ","
    READING ","
    METADATA);
SEND(chat_schedule_message, "chat.scheduleMessage", "Send a message at a later time",
    TIER_3 " At most 30 messages within 5 minutes of a channel.",
    OUTPUT(",\"scheduled_message_id\"", OUT_STRING("scheduled_message_id") OUT_STRING("channel") ",\"post_at\":{\"type\":[\"integer\",\"string\"]}"),
    EXAMPLE("in the year 2030",
        "{\"channel\":\"C0123456789\",\"text\":\"Good morning\",\"post_at\":1893484800}"));

static const char chat_delete_scheduled_message_input[] = INPUT(REQUIRED("\"channel\",\"scheduled_message_id\""),
    CHANNEL ","
    STRING("scheduled_message_id", "id: Q..."));
REMOVE(chat_delete_scheduled_message, "chat.deleteScheduledMessage", "Delete a message that is not sent yet", TIER_3, DONE_OUTPUT,
    EXAMPLE("by id",
        "{\"channel\":\"C0123456789\",\"scheduled_message_id\":\"Q0123456789\"}"));

static const char chat_scheduled_messages_list_input[] = INPUT("",
    CHANNEL ","
    TIMESTAMP("latest", "only messages before") ","
    TIMESTAMP("oldest", "only messages after") ","
    LIMIT ","
    TEAM);
LIST(chat_scheduled_messages_list, "chat.scheduledMessages.list", "List messages that are not sent yet", TIER_3,
    OUTPUT(",\"scheduled_messages\"", OUT_OBJECTS("scheduled_messages") NEXT), "/scheduled_messages",
    EXAMPLE("of a channel",
        "{\"channel\":\"C0123456789\"}"));
