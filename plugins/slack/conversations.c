/* conversations.c - channels, groups and direct messages. */
#include "schemas.h"
#include "slack.h"

/* JSON in macros reads best in the lines it was written in. */
/* clang-format off */

#define CHANNEL_OUTPUT OUTPUT(",\"channel\"", OUT_OBJECT("channel"))
#define TYPES \
    PATTERN("types", "^(public_channel|private_channel|mpim|im)(,(public_channel|private_channel|mpim|im))*$", \
            "with commas between; default public_channel")
#define ONLY_CHANNEL INPUT(REQUIRED("\"channel\""), CHANNEL)
#define BETWEEN \
    TIMESTAMP("latest", "only messages before") "," \
    TIMESTAMP("oldest", "only messages after") "," \
    BOOLEAN("inclusive", "with those at latest and oldest")

/* --- reading ---------------------------------------------------------------------------------------- */

static const char conversations_list_input[] = INPUT("",
    BOOLEAN("exclude_archived", "without archived ones") ","
    TYPES ","
    LIMIT ","
    TEAM);
LIST(conversations_list, "conversations.list", "List channels", TIER_2,
    OUTPUT(",\"channels\"", OUT_OBJECTS("channels") NEXT), "/channels",
    EXAMPLE("public and private ones",
        "{\"types\":\"public_channel,private_channel\",\"limit\":200}"));

static const char conversations_info_input[] = INPUT(REQUIRED("\"channel\""),
    CHANNEL ","
    BOOLEAN("include_locale", "with its locale") ","
    BOOLEAN("include_num_members", "with the number of members"));
READ(conversations_info, "conversations.info", "Read what is known of a conversation", TIER_3, CHANNEL_OUTPUT,
    EXAMPLE("by id",
        "{\"channel\":\"C0123456789\",\"include_num_members\":true}"));

static const char conversations_history_input[] = INPUT(REQUIRED("\"channel\""),
    CHANNEL ","
    BETWEEN ","
    BOOLEAN("include_all_metadata", "with the messages' metadata") ","
    LIMIT);
LIST(conversations_history, "conversations.history", "Read a conversation's messages, the newest first",
    TIER_3 " Apps outside Slack's marketplace that are not made for one workspace: 1 call a minute.",
    OUTPUT(",\"messages\"", OUT_OBJECTS("messages") OUT_BOOLEAN("has_more") NEXT), "/messages",
    EXAMPLE("the last ten",
        "{\"channel\":\"C0123456789\",\"limit\":10}"));

static const char conversations_replies_input[] = INPUT(REQUIRED("\"channel\",\"ts\""),
    CHANNEL ","
    TIMESTAMP("ts", "of the message that the thread hangs on") ","
    BETWEEN ","
    BOOLEAN("include_all_metadata", "with the messages' metadata") ","
    LIMIT);
LIST(conversations_replies, "conversations.replies", "Read a thread: its first message, then the answers",
    TIER_3 " Apps outside Slack's marketplace that are not made for one workspace: 1 call a minute.",
    OUTPUT(",\"messages\"", OUT_OBJECTS("messages") OUT_BOOLEAN("has_more") NEXT), "/messages",
    EXAMPLE("a thread",
        "{\"channel\":\"C0123456789\",\"ts\":\"1503435956.000247\"}"));

static const char conversations_members_input[] = INPUT(REQUIRED("\"channel\""),
    CHANNEL ","
    LIMIT);
LIST(conversations_members, "conversations.members", "List the ids of a conversation's members", TIER_4,
    OUTPUT(",\"members\"", OUT_STRINGS("members") NEXT), "/members",
    EXAMPLE("of a channel",
        "{\"channel\":\"C0123456789\",\"limit\":200}"));

/* --- making, coming, going -------------------------------------------------------------------------- */

static const char conversations_create_input[] = INPUT(REQUIRED("\"name\""),
    PATTERN("name", "^[^A-Z .,#]{1,80}$", "lower case, without blanks, at most 80 characters") ","
    BOOLEAN("is_private", "only for those who are invited") ","
    TEAM);
SEND(conversations_create, "conversations.create", "Create a channel", TIER_2, CHANNEL_OUTPUT,
    EXAMPLE("a private one",
        "{\"name\":\"deployments\",\"is_private\":true}"));

static const char conversations_open_input[] = INPUT("\"anyOf\":[{\"required\":[\"channel\"]},{\"required\":[\"users\"]}],",
    CHANNEL ","
    IDS("users", "UW", "ids, with commas between: one for a direct message, 2 to 8 for a group") ","
    BOOLEAN("return_im", "the whole conversation, not only its id"));
SET(conversations_open, "conversations.open", "Open a direct message, or find it", TIER_3, CHANNEL_OUTPUT,
    EXAMPLE("with one person",
        "{\"users\":\"U0123456789\",\"return_im\":true}"));

static const char conversations_join_input[] = ONLY_CHANNEL;
SET(conversations_join, "conversations.join", "Join a public channel", TIER_3, CHANNEL_OUTPUT,
    EXAMPLE("by id",
        "{\"channel\":\"C0123456789\"}"));

static const char conversations_leave_input[] = ONLY_CHANNEL;
SET(conversations_leave, "conversations.leave", "Leave a conversation", TIER_3, DONE_OUTPUT,
    EXAMPLE("by id",
        "{\"channel\":\"C0123456789\"}"));

static const char conversations_invite_input[] = INPUT(REQUIRED("\"channel\",\"users\""),
    CHANNEL ","
    IDS("users", "UW", "ids, with commas between, at most 1000") ","
    BOOLEAN("force", "invite those who can be, though others cannot"));
SEND(conversations_invite, "conversations.invite", "Invite users to a channel", TIER_3, CHANNEL_OUTPUT,
    EXAMPLE("two users",
        "{\"channel\":\"C0123456789\",\"users\":\"U0123456789,U9876543210\"}"));

static const char conversations_kick_input[] = INPUT(REQUIRED("\"channel\",\"user\""),
    CHANNEL ","
    USER);
REMOVE(conversations_kick, "conversations.kick", "Remove a user from a channel", TIER_3, DONE_OUTPUT,
    EXAMPLE("one user",
        "{\"channel\":\"C0123456789\",\"user\":\"U0123456789\"}"));

static const char conversations_close_input[] = ONLY_CHANNEL;
SET(conversations_close, "conversations.close", "Close a direct message", TIER_2, DONE_OUTPUT,
    EXAMPLE("by id",
        "{\"channel\":\"D0123456789\"}"));

static const char conversations_archive_input[] = ONLY_CHANNEL;
REMOVE(conversations_archive, "conversations.archive", "Archive a channel", TIER_2, DONE_OUTPUT,
    EXAMPLE("by id",
        "{\"channel\":\"C0123456789\"}"));

static const char conversations_unarchive_input[] = ONLY_CHANNEL;
SEND(conversations_unarchive, "conversations.unarchive", "Bring an archived channel back", TIER_2, DONE_OUTPUT,
    EXAMPLE("by id",
        "{\"channel\":\"C0123456789\"}"));

/* --- changing --------------------------------------------------------------------------------------- */

static const char conversations_rename_input[] = INPUT(REQUIRED("\"channel\",\"name\""),
    CHANNEL ","
    PATTERN("name", "^[^A-Z .,#]{1,80}$", "lower case, without blanks, at most 80 characters"));
SET(conversations_rename, "conversations.rename", "Rename a channel", TIER_2, CHANNEL_OUTPUT,
    EXAMPLE("by id",
        "{\"channel\":\"C0123456789\",\"name\":\"releases\"}"));

static const char conversations_set_topic_input[] = INPUT(REQUIRED("\"channel\",\"topic\""),
    CHANNEL ","
    TEXT("topic", "250", "shown beside the name"));
SET(conversations_set_topic, "conversations.setTopic", "Set a channel's topic", TIER_2, DONE_OUTPUT,
    EXAMPLE("a topic",
        "{\"channel\":\"C0123456789\",\"topic\":\"Releases of this week\"}"));

static const char conversations_set_purpose_input[] = INPUT(REQUIRED("\"channel\",\"purpose\""),
    CHANNEL ","
    TEXT("purpose", "250", "what it is for"));
SET(conversations_set_purpose, "conversations.setPurpose", "Set a channel's purpose", TIER_2, DONE_OUTPUT,
    EXAMPLE("a purpose",
        "{\"channel\":\"C0123456789\",\"purpose\":\"What goes live, and when\"}"));

static const char conversations_mark_input[] = INPUT(REQUIRED("\"channel\",\"ts\""),
    CHANNEL ","
    TIMESTAMP("ts", "of the last message that was read"));
SET(conversations_mark, "conversations.mark", "Set how far a channel is read", TIER_3, DONE_OUTPUT,
    EXAMPLE("up to a message",
        "{\"channel\":\"C0123456789\",\"ts\":\"1503435956.000247\"}"));
