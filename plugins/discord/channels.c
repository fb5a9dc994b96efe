/* channels.c - channels and direct messages (https://docs.discord.com/developers/resources/channel). */
#include "discord.h"
#include "schemas.h"

/* clang-format off */

#define CHANNEL_PARTS \
    MAYBE_TEXT("topic", "4096", "what it is about") "," \
    MAYBE_RANGE("position", "0", "65535", "order among its kind") "," \
    MAYBE_ID("parent_id", "id of the category") "," \
    MAYBE_BOOLEAN("nsfw", "age-restricted") "," \
    MAYBE_RANGE("rate_limit_per_user", "0", "21600", "slow mode: seconds between two messages of a user") "," \
    MAYBE_RANGE("bitrate", "8000", "384000", "voice: bits a second") "," \
    MAYBE_RANGE("user_limit", "0", "10000", "voice: 0 is no limit") "," \
    MAYBE_TEXT("rtc_region", "100", "voice: region, null chooses") "," \
    MAYBE_RANGE("default_auto_archive_duration", "60", "10080", "threads: minutes; 60, 1440, 4320, 10080") "," \
    MAYBE_RANGE("default_thread_rate_limit_per_user", "0", "21600", "slow mode of new threads") "," \
    LIST("permission_overwrites", "100", "overwrite", "permissions of roles and members here") "," \
    OBJECTS("available_tags", "20", "forum: tags of posts") "," \
    "\"default_reaction_emoji\":{\"type\":[\"object\",\"null\"],\"description\":\"forum: emoji_id or emoji_name\"}," \
    MAYBE_RANGE("default_sort_order", "0", "1", "forum: 0 latest activity, 1 creation date") "," \
    MAYBE_RANGE("default_forum_layout", "0", "2", "forum: 1 list, 2 gallery")

static const char get_input[] = INPUT(REQUIRED("\"channel_id\""), CHANNEL);
static const char list_input[] = INPUT(REQUIRED("\"guild_id\""), GUILD);
static const char create_input[] = INPUT(REQUIRED("\"guild_id\",\"name\""),
    GUILD ","
    NAME("name", "100", "name") ","
    CHOICE("type", "0,2,4,5,13,14,15", "0 text, 2 voice, 4 category, 5 announcement, 13 stage, 14 directory, 15 forum; default 0") ","
    CHANNEL_PARTS ","
    REASON);
static const char update_input[] = INPUT(REQUIRED("\"channel_id\""),
    CHANNEL ","
    NAME("name", "100", "name") ","
    CHOICE("type", "0,5", "between text and announcement") ","
    CHANNEL_PARTS ","
    BOOLEAN("archived", "thread: archived") ","
    BOOLEAN("locked", "thread: only moderators open it again") ","
    BOOLEAN("invitable", "private thread: members may add others") ","
    CHOICE("auto_archive_duration", "60,1440,4320,10080", "thread: minutes without activity") ","
    IDS("applied_tags", "5", "forum post: its tags") ","
    INTEGER("flags", "channel flags; 2: pinned post of a forum") ","
    REASON);
static const char delete_input[] = INPUT(REQUIRED("\"channel_id\""), CHANNEL "," REASON);
static const char dm_input[] = INPUT(REQUIRED("\"recipient_id\""), ID("recipient_id", "id of the user"));

/* clang-format on */

DC_START(channels_get, .method = "GET", .path = "/channels/{channel_id}")
DC_START(channels_list, .method = "GET", .path = "/guilds/{guild_id}/channels")
DC_START(channels_create, .method = "POST", .path = "/guilds/{guild_id}/channels")
DC_START(channels_update, .method = "PATCH", .path = "/channels/{channel_id}")
DC_START(channels_delete, .method = "DELETE", .path = "/channels/{channel_id}")
DC_START(channels_typing, .method = "POST", .path = "/channels/{channel_id}/typing", .bare = 1)
DC_START(channels_create_dm, .method = "POST", .path = "/users/@me/channels")

DC_OP(channels_get, BB_OP_SAFE, "channels.get", "Read a channel or thread", get_input, REF("channel"),
      "[{\"summary\":\"by id\",\"input\":{\"channel_id\":\"41771983423143937\"}}]", dc_object_resume);
DC_OP(channels_list, BB_OP_SAFE, "channels.list", "List a guild's channels, without threads", list_input,
      ARRAY_OF("channel"), "[{\"summary\":\"of a guild\",\"input\":{\"guild_id\":\"290926798626357999\"}}]",
      dc_array_resume);
DC_OP(channels_create, 0, "channels.create", "Create a channel in a guild", create_input, REF("channel"),
      "[{\"summary\":\"text\",\"input\":{\"guild_id\":\"290926798626357999\",\"name\":\"deployments\","
      "\"topic\":\"what went "
      "out\"}}]",
      dc_object_resume);
DC_OP(
    channels_update, BB_OP_IDEMPOTENT, "channels.update", "Change a channel or thread", update_input,
    REF("channel"),
    "[{\"summary\":\"another topic\",\"input\":{\"channel_id\":\"41771983423143937\",\"topic\":\"what went "
    "wrong\"}},"
    "{\"summary\":\"archive a thread\",\"input\":{\"channel_id\":\"41771983423143937\",\"archived\":true}}]",
    dc_object_resume);
DC_OP(channels_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "channels.delete",
      "Delete a channel or thread, or close a direct message", delete_input, REF("channel"),
      "[{\"summary\":\"by id\",\"input\":{\"channel_id\":\"41771983423143937\"}}]", dc_object_resume);
DC_OP(channels_typing, BB_OP_IDEMPOTENT, "channels.typing", "Show for ten seconds that the bot is typing",
      get_input, NOTHING, "[{\"summary\":\"by id\",\"input\":{\"channel_id\":\"41771983423143937\"}}]",
      dc_none_resume);
DC_OP(channels_create_dm, BB_OP_IDEMPOTENT, "channels.create_dm",
      "Open the channel for direct messages with a user", dm_input, REF("channel"),
      "[{\"summary\":\"by id\",\"input\":{\"recipient_id\":\"80351110224678912\"}}]", dc_object_resume);
