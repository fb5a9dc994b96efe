/* webhooks.c - webhooks: made by a bot, used by whoever has their token
 * (https://docs.discord.com/developers/resources/webhook).
 *
 * The token in a webhook's URL is its credential. It comes from [settings], where it stands as ${secret:...},
 * or from the caller that got it from webhooks.create; with it, no bot is needed. */
#include "discord.h"
#include "schemas.h"

/* clang-format off */

#define WEBHOOK \
    ID("webhook_id", "id of the webhook; default: the settings'") "," \
    SECRET("webhook_token", "its token; default: the settings'")
#define MESSAGE ID("message_id", "id of a message of the webhook's")
#define IN_THREAD ID("thread_id", "id of the thread that the message is in")
#define AVATAR MAYBE_TEXT("avatar", "400000", "data URI of an image (data:image/png;base64,...); null removes it")

static const char create_input[] = INPUT(REQUIRED("\"channel_id\",\"name\""), CHANNEL "," NAME("name", "80", "name") "," AVATAR "," REASON);
static const char list_input[] = INPUT("\"oneOf\":[{\"required\":[\"channel_id\"]},{\"required\":[\"guild_id\"]}],", CHANNEL "," GUILD);
static const char get_input[] = INPUT("", WEBHOOK "," BOOLEAN("as_bot", "by the bot's permissions, without the webhook's token"));
static const char update_input[] = INPUT("",
    WEBHOOK "," NAME("name", "80", "name") "," AVATAR ","
    ID("channel_id", "to move it there; only as the bot") ","
    BOOLEAN("as_bot", "by the bot's permissions, without the webhook's token") "," REASON);
static const char delete_input[] = INPUT("",
    WEBHOOK "," BOOLEAN("as_bot", "by the bot's permissions, without the webhook's token") "," REASON);
static const char execute_input[] = INPUT("",
    WEBHOOK ","
    CONTENT ","
    NAME("username", "80", "in place of the webhook's name") ","
    TEXT("avatar_url", "2048", "in place of the webhook's avatar") ","
    MESSAGE_PARTS ","
    BOOLEAN("tts", "read aloud") ","
    OBJECT("poll", "question, answers, duration, allow_multiselect") ","
    ID("thread_id", "thread of the channel to send to") ","
    NAME("thread_name", "100", "forum: makes a post of this name") ","
    IDS("applied_tags", "5", "forum: tags of the post") ","
    BOOLEAN("with_components", "components of a webhook that no application owns") ","
    BOOLEAN("wait", "wait for the message and give it; default false"));
static const char message_input[] = INPUT(REQUIRED("\"message_id\""), WEBHOOK "," MESSAGE "," IN_THREAD);
static const char edit_input[] = INPUT(REQUIRED("\"message_id\""),
    WEBHOOK "," MESSAGE "," IN_THREAD "," CONTENT "," MESSAGE_PARTS ","
    BOOLEAN("with_components", "components of a webhook that no application owns"));

/* clang-format on */

#define BY_TOKEN "/webhooks/{webhook_id}/{webhook_token}"
#define BY_BOT "/webhooks/{webhook_id}"
#define OF_MESSAGE BY_TOKEN "/messages/{message_id}"

DC_START(webhooks_create, .method = "POST", .path = "/channels/{channel_id}/webhooks")
DC_START(webhooks_execute, .method = "POST", .path = BY_TOKEN, .in_query = "wait thread_id with_components",
         .file = 1)
DC_START(webhooks_get_message, .method = "GET", .path = OF_MESSAGE)
DC_START(webhooks_edit_message, .method = "PATCH", .path = OF_MESSAGE,
         .in_query = "thread_id with_components")
DC_START(webhooks_delete_message, .method = "DELETE", .path = OF_MESSAGE)

static bb_step webhooks_list_start(bb_call *call) {
    static const dc_route of_channel = {.method = "GET", .path = "/channels/{channel_id}/webhooks"};
    static const dc_route of_guild = {.method = "GET", .path = "/guilds/{guild_id}/webhooks"};
    return dc_send(call, bb_in(call, "guild_id") != NULL ? &of_guild : &of_channel);
}

static bb_step by(bb_call *call, const dc_route *token, const dc_route *bot) {
    return dc_send(call, call->host->json->to_bool(bb_in(call, "as_bot"), 0) ? bot : token);
}
#define UNSENT "as_bot webhook_token"
static bb_step webhooks_get_start(bb_call *call) {
    static const dc_route token = {.method = "GET", .path = BY_TOKEN, .unsent = UNSENT};
    static const dc_route bot = {.method = "GET", .path = BY_BOT, .unsent = UNSENT};
    return by(call, &token, &bot);
}
static bb_step webhooks_update_start(bb_call *call) {
    static const dc_route token = {.method = "PATCH", .path = BY_TOKEN, .unsent = UNSENT};
    static const dc_route bot = {.method = "PATCH", .path = BY_BOT, .unsent = UNSENT};
    return by(call, &token, &bot);
}
static bb_step webhooks_delete_start(bb_call *call) {
    static const dc_route token = {.method = "DELETE", .path = BY_TOKEN, .unsent = UNSENT};
    static const dc_route bot = {.method = "DELETE", .path = BY_BOT, .unsent = UNSENT};
    return by(call, &token, &bot);
}

#define A_WEBHOOK \
    "\"webhook_id\":\"223704706495545344\",\"webhook_token\":\"3d89bb7572e0fb30d8128367b3b1b44f\""

DC_OP(webhooks_create, 0, "webhooks.create", "Create a webhook of a channel; its token is in the answer",
      create_input, REF("webhook"),
      "[{\"summary\":\"for alerts\",\"input\":{\"channel_id\":\"41771983423143937\",\"name\":\"Alerts\"}}]",
      dc_object_resume);
DC_OP(webhooks_list, BB_OP_SAFE, "webhooks.list", "List the webhooks of a channel or guild", list_input,
      ARRAY_OF("webhook"),
      "[{\"summary\":\"of a channel\",\"input\":{\"channel_id\":\"41771983423143937\"}}]", dc_array_resume);
DC_OP(webhooks_get, BB_OP_SAFE, "webhooks.get", "Read a webhook", get_input, REF("webhook"),
      "[{\"summary\":\"by its token\",\"input\":{" A_WEBHOOK "}}]", dc_object_resume);
DC_OP(webhooks_update, BB_OP_IDEMPOTENT, "webhooks.update", "Change a webhook's name, avatar or channel",
      update_input, REF("webhook"),
      "[{\"summary\":\"another name\",\"input\":{" A_WEBHOOK ",\"name\":\"Deployments\"}}]",
      dc_object_resume);
DC_OP(webhooks_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "webhooks.delete", "Delete a webhook",
      delete_input, NOTHING, "[{\"summary\":\"by its token\",\"input\":{" A_WEBHOOK "}}]", dc_none_resume);
DC_OP(webhooks_execute, 0, "webhooks.execute", "Send a message by a webhook", execute_input, MAYBE("message"),
      "[{\"summary\":\"text, under a name\",\"input\":{" A_WEBHOOK
      ",\"content\":\"Disk is 91% full\",\"username\":\"Alerts\","
      "\"wait\":true}},"
      "{\"summary\":\"a file\",\"content\":true,\"input\":{" A_WEBHOOK "}}]",
      dc_maybe_resume);
DC_OP(webhooks_get_message, BB_OP_SAFE, "webhooks.get_message", "Read a message of a webhook", message_input,
      REF("message"),
      "[{\"summary\":\"by id\",\"input\":{" A_WEBHOOK ",\"message_id\":\"334385199974967042\"}}]",
      dc_object_resume);
DC_OP(webhooks_edit_message, BB_OP_IDEMPOTENT, "webhooks.edit_message", "Change a message of a webhook",
      edit_input, REF("message"),
      "[{\"summary\":\"other text\",\"input\":{" A_WEBHOOK
      ",\"message_id\":\"334385199974967042\",\"content\":\"Disk is 40% full\"}}]",
      dc_object_resume);
DC_OP(webhooks_delete_message, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "webhooks.delete_message",
      "Delete a message of a webhook", message_input, NOTHING,
      "[{\"summary\":\"by id\",\"input\":{" A_WEBHOOK ",\"message_id\":\"334385199974967042\"}}]",
      dc_none_resume);
