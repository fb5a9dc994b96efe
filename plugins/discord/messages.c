/* messages.c - messages, pins and reactions of a channel
 * (https://docs.discord.com/developers/resources/message). */
#include "discord.h"
#include "schemas.h"

/* clang-format off */

#define MESSAGE ID("message_id", "id of the message")
#define EMOJI \
    "\"emoji\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":100,\"description\":\"the character itself, or NAME:ID of a custom one\"}"

static const char create_input[] = INPUT(REQUIRED("\"channel_id\""),
    CHANNEL ","
    CONTENT ","
    MESSAGE_PARTS ","
    BOOLEAN("tts", "read aloud") ","
    "\"message_reference\":{\"type\":\"object\",\"additionalProperties\":false,\"required\":[\"message_id\"],\"properties\":{"
    ID("message_id", "to answer, or to forward") "," ID("channel_id", "where it is") "," ID("guild_id", "where it is") ","
    CHOICE("type", "0,1", "0 answers, 1 forwards") "," BOOLEAN("fail_if_not_exists", "default true") "}},"
    IDS("sticker_ids", "3", "stickers of the guild") ","
    OBJECT("poll", "question, answers, duration, allow_multiselect") ","
    NAME("nonce", "25", "by which Discord knows a repeated message; default: one is made up") ","
    BOOLEAN("enforce_nonce", "default true: a nonce of the last minutes gives the message of then"));
static const char one_input[] = INPUT(REQUIRED("\"channel_id\",\"message_id\""), CHANNEL "," MESSAGE);
static const char list_input[] = INPUT(
    "\"not\":{\"anyOf\":[{\"required\":[\"before\",\"after\"]},{\"required\":[\"before\",\"around\"]},{\"required\":[\"after\",\"around\"]}]},"
    REQUIRED("\"channel_id\""),
    CHANNEL ","
    ID("before", "id: messages before it, the newest first") ","
    ID("after", "id: messages after it; pages go on to newer ones, each the newest first") ","
    ID("around", "id: messages around it; one page") ","
    LIMIT("100", "messages a page; default 50"));
static const char edit_input[] = INPUT(REQUIRED("\"channel_id\",\"message_id\""), CHANNEL "," MESSAGE "," CONTENT "," MESSAGE_PARTS);
static const char delete_input[] = INPUT(REQUIRED("\"channel_id\",\"message_id\""), CHANNEL "," MESSAGE "," REASON);
static const char bulk_delete_input[] = INPUT(REQUIRED("\"channel_id\",\"messages\""),
    CHANNEL ","
    "\"messages\":{\"type\":\"array\",\"minItems\":2,\"maxItems\":100,\"uniqueItems\":true,\"items\":" SNOWFLAKE ","
    "\"description\":\"ids, none older than two weeks\"},"
    REASON);

static const char pins_list_input[] = INPUT(REQUIRED("\"channel_id\""),
    CHANNEL "," TIME("before", "pinned before") "," LIMIT("50", "pins a page; default 50"));
static const char pins_output[] =
    "{\"type\":\"object\",\"required\":[\"items\",\"has_more\"],\"properties\":{\"has_more\":{\"type\":\"boolean\"},"
    "\"items\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"required\":[\"pinned_at\",\"message\"],"
    "\"properties\":{\"pinned_at\":{\"type\":\"string\"},\"message\":{\"$ref\":\"message\"}}}}}}";

static const char reaction_input[] = INPUT(REQUIRED("\"channel_id\",\"message_id\",\"emoji\""), CHANNEL "," MESSAGE "," EMOJI);
static const char reaction_remove_input[] = INPUT(REQUIRED("\"channel_id\",\"message_id\",\"emoji\""),
    CHANNEL "," MESSAGE "," EMOJI "," ID("user_id", "whose; default: the bot's own"));
static const char reaction_clear_input[] = INPUT(REQUIRED("\"channel_id\",\"message_id\""),
    CHANNEL "," MESSAGE ",\"emoji\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":100,\"description\":\"only this one\"}");
static const char reaction_list_input[] = INPUT(REQUIRED("\"channel_id\",\"message_id\",\"emoji\""),
    CHANNEL "," MESSAGE "," EMOJI ","
    CHOICE("type", "0,1", "0 usual, 1 burst") ","
    ID("after", "id: users after it") "," LIMIT("100", "users a page; default 100"));

/* clang-format on */

/* --- messages --------------------------------------------------------------------------------------- */

DC_START(messages_create, .method = "POST", .path = "/channels/{channel_id}/messages", .file = 1, .nonce = 1)
DC_START(messages_get, .method = "GET", .path = "/channels/{channel_id}/messages/{message_id}")
DC_START(messages_list, .method = "GET", .path = "/channels/{channel_id}/messages", .page = "before")
DC_START(messages_edit, .method = "PATCH", .path = "/channels/{channel_id}/messages/{message_id}")
DC_START(messages_delete, .method = "DELETE", .path = "/channels/{channel_id}/messages/{message_id}")
DC_START(messages_bulk_delete, .method = "POST", .path = "/channels/{channel_id}/messages/bulk-delete")

DC_START(messages_crosspost, .method = "POST",
         .path = "/channels/{channel_id}/messages/{message_id}/crosspost", .bare = 1)

static bb_step messages_list_resume(bb_call *call) {
    if (bb_in(call, "around") != NULL)
        return dc_array_resume(call);
    return dc_page_done(call, "id", "50", bb_in(call, "after") != NULL);
}

DC_OP(messages_create, 0, "messages.create", "Send a message to a channel or thread", create_input,
      REF("message"),
      "[{\"summary\":\"text\",\"input\":{\"channel_id\":\"41771983423143937\",\"content\":\"Deployed "
      "v1.4.2\"}},"
      "{\"summary\":\"a file\",\"content\":true,\"input\":{\"channel_id\":\"41771983423143937\"}},"
      "{\"summary\":\"an embed, and nobody is "
      "notified\",\"input\":{\"channel_id\":\"41771983423143937\",\"embeds\":[{\"title\":"
      "\"Deployment\",\"color\":5763719,\"fields\":[{\"name\":\"Version\",\"value\":\"1.4.2\",\"inline\":"
      "true}]}],"
      "\"allowed_mentions\":{\"parse\":[]}}},{\"summary\":\"a "
      "file\",\"input\":{\"channel_id\":\"41771983423143937\",\"content\":"
      "\"the "
      "report\",\"nonce\":\"report-6735\",\"files\":[{\"filename\":\"report.csv\",\"content_type\":\"text/"
      "csv\",\"content\":\"a,b\\n1,2\\n\"}]}}]",
      dc_object_resume);
DC_OP(messages_get, BB_OP_SAFE, "messages.get", "Read a message", one_input, REF("message"),
      "[{\"summary\":\"by "
      "id\",\"input\":{\"channel_id\":\"41771983423143937\",\"message_id\":\"334385199974967042\"}}]",
      dc_object_resume);
DC_PAGED(messages_list, "messages.list", "Read a channel's messages, the newest first", list_input,
         ARRAY_OF("message"), "",
         "[{\"summary\":\"the last ten\",\"input\":{\"channel_id\":\"41771983423143937\",\"limit\":10}}]",
         messages_list_resume);
DC_OP(messages_edit, BB_OP_IDEMPOTENT, "messages.edit", "Change a message of the bot's own", edit_input,
      REF("message"),
      "[{\"summary\":\"other "
      "text\",\"input\":{\"channel_id\":\"41771983423143937\",\"message_id\":\"334385199974967042\","
      "\"content\":\"Deployed v1.4.3\"}}]",
      dc_object_resume);
DC_OP(messages_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "messages.delete", "Delete a message",
      delete_input, NOTHING,
      "[{\"summary\":\"by "
      "id\",\"input\":{\"channel_id\":\"41771983423143937\",\"message_id\":\"334385199974967042\",\"reason\":"
      "\"spam\"}}]",
      dc_none_resume);
DC_OP(messages_bulk_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "messages.bulk_delete",
      "Delete 2 to 100 messages of the last two weeks", bulk_delete_input, NOTHING,
      "[{\"summary\":\"two\",\"input\":{\"channel_id\":\"41771983423143937\",\"messages\":["
      "\"334385199974967042\","
      "\"334385199974967043\"]}}]",
      dc_none_resume);
DC_OP(messages_crosspost, 0, "messages.crosspost",
      "Publish a message of an announcement channel to those that follow it", one_input, REF("message"),
      "[{\"summary\":\"by "
      "id\",\"input\":{\"channel_id\":\"41771983423143937\",\"message_id\":\"334385199974967042\"}}]",
      dc_object_resume);

/* --- pins ------------------------------------------------------------------------------------------- */

DC_START(pins_add, .method = "PUT", .path = "/channels/{channel_id}/messages/pins/{message_id}")
DC_START(pins_remove, .method = "DELETE", .path = "/channels/{channel_id}/messages/pins/{message_id}")
DC_START(pins_list, .method = "GET", .path = "/channels/{channel_id}/messages/pins", .page = "before")

static bb_step pins_list_resume(bb_call *call) {
    const bb_json *answer = bb_response(call), *items = bb_get(call, answer, "items"), *last = NULL;
    bb_json_iter it = {0};
    if (!bb_ok(call) || !bb_is(call, items, BB_JSON_ARRAY))
        return bb_ok(call) ? bb_fail(call, BB_E_UPSTREAM_INVALID,
                                     "the answer has no list of pins: is base_url Discord's API?")
                           : dc_fail(call);
    while (call->host->json->next(items, &it))
        last = it.value;
    if (call->host->json->to_bool(bb_get(call, answer, "has_more"), 0))
        call->host->call->next_cursor(call, bb_text(call, bb_get(call, last, "pinned_at")));
    return bb_done_body(call);
}

DC_OP(pins_add, BB_OP_IDEMPOTENT, "pins.add", "Pin a message", delete_input, NOTHING,
      "[{\"summary\":\"by "
      "id\",\"input\":{\"channel_id\":\"41771983423143937\",\"message_id\":\"334385199974967042\"}}]",
      dc_none_resume);
DC_OP(pins_remove, BB_OP_IDEMPOTENT, "pins.remove", "Unpin a message", delete_input, NOTHING,
      "[{\"summary\":\"by "
      "id\",\"input\":{\"channel_id\":\"41771983423143937\",\"message_id\":\"334385199974967042\"}}]",
      dc_none_resume);
DC_PAGED(pins_list, "pins.list", "Read a channel's pinned messages", pins_list_input, pins_output, "/items",
         "[{\"summary\":\"all\",\"input\":{\"channel_id\":\"41771983423143937\"}}]", pins_list_resume);

/* --- reactions -------------------------------------------------------------------------------------- */

#define REACTIONS "/channels/{channel_id}/messages/{message_id}/reactions"

DC_START(reactions_add, .method = "PUT", .path = REACTIONS "/{emoji}/@me")
DC_START(reactions_list, .method = "GET", .path = REACTIONS "/{emoji}", .page = "after", .limit = "100")

static bb_step reactions_remove_start(bb_call *call) {
    static const dc_route mine = {.method = "DELETE", .path = REACTIONS "/{emoji}/@me"};
    static const dc_route theirs = {.method = "DELETE", .path = REACTIONS "/{emoji}/{user_id}"};
    return dc_send(call, bb_in(call, "user_id") != NULL ? &theirs : &mine);
}
static bb_step reactions_clear_start(bb_call *call) {
    static const dc_route all = {.method = "DELETE", .path = REACTIONS};
    static const dc_route one = {.method = "DELETE", .path = REACTIONS "/{emoji}"};
    return dc_send(call, bb_in(call, "emoji") != NULL ? &one : &all);
}
static bb_step reactions_list_resume(bb_call *call) {
    return dc_page_done(call, "id", "100", 0);
}

DC_OP(reactions_add, BB_OP_IDEMPOTENT, "reactions.add", "React to a message", reaction_input, NOTHING,
      "[{\"summary\":\"a "
      "character\",\"input\":{\"channel_id\":\"41771983423143937\",\"message_id\":\"334385199974967042\","
      "\"emoji\":\"\\ud83d\\udd25\"}},{\"summary\":\"a custom "
      "emoji\",\"input\":{\"channel_id\":\"41771983423143937\","
      "\"message_id\":\"334385199974967042\",\"emoji\":\"party:41771983429993937\"}}]",
      dc_none_resume);
DC_OP(reactions_remove, BB_OP_IDEMPOTENT, "reactions.remove", "Take back a reaction", reaction_remove_input,
      NOTHING,
      "[{\"summary\":\"the bot's "
      "own\",\"input\":{\"channel_id\":\"41771983423143937\",\"message_id\":\"334385199974967042\","
      "\"emoji\":\"\\ud83d\\udd25\"}}]",
      dc_none_resume);
DC_PAGED(reactions_list, "reactions.list", "List who reacted with an emoji", reaction_list_input,
         ARRAY_OF("user"), "",
         "[{\"summary\":\"a "
         "character\",\"input\":{\"channel_id\":\"41771983423143937\",\"message_id\":\"334385199974967042\","
         "\"emoji\":\"\\ud83d\\udd25\"}}]",
         reactions_list_resume);
DC_OP(reactions_clear, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "reactions.clear",
      "Remove everybody's reactions to a message, of one emoji or all", reaction_clear_input, NOTHING,
      "[{\"summary\":\"all\",\"input\":{\"channel_id\":\"41771983423143937\",\"message_id\":"
      "\"334385199974967042\"}}]",
      dc_none_resume);
