/* threads.c - threads, and posts of forums (https://docs.discord.com/developers/topics/threads). */
#include "discord.h"
#include "schemas.h"

/* clang-format off */

#define THREAD ID("channel_id", "id of the thread")
#define THREAD_PARTS \
    NAME("name", "100", "name") "," \
    CHOICE("auto_archive_duration", "60,1440,4320,10080", "minutes without activity") "," \
    MAYBE_RANGE("rate_limit_per_user", "0", "21600", "slow mode: seconds between two messages of a user")

static const char create_input[] = INPUT(REQUIRED("\"channel_id\",\"name\""),
    CHANNEL ","
    THREAD_PARTS ","
    CHOICE("type", "10,11,12", "10 of an announcement channel, 11 public, 12 private; default 12") ","
    BOOLEAN("invitable", "private: members may add others") ","
    "\"message\":{\"type\":\"object\",\"additionalProperties\":false,\"description\":\"of a forum's post\",\"properties\":{"
    CONTENT ","
    LIST("embeds", "10", "embed", "rich content") ","
    ONE("allowed_mentions", "allowed_mentions", "who may be notified") ","
    LIST("components", "40", "component", "buttons, menus, layout") ","
    LIST("attachments", "10", "attachment", "about the files") ","
    IDS("sticker_ids", "3", "stickers of the guild") ","
    INTEGER("flags", "4: no embeds of links, 4096: silent") "}},"
    LIST("files", "10", "file", "files to upload with a forum's post") ","
    IDS("applied_tags", "5", "forum: tags of the post") ","
    REASON);
static const char start_input[] = INPUT(REQUIRED("\"channel_id\",\"message_id\",\"name\""),
    CHANNEL "," ID("message_id", "id of the message that the thread is about") "," THREAD_PARTS "," REASON);
static const char active_input[] = INPUT(REQUIRED("\"guild_id\""), GUILD);
static const char archived_input[] = INPUT(REQUIRED("\"channel_id\""),
    CHANNEL ","
    CHOICE("which", "\"public\",\"private\",\"joined\"", "joined: private ones that the bot is in; default public") ","
    NAME("before", "64", "archived before this time; joined: id of a thread") ","
    RANGE("limit", "2", "100", "threads a page"));
static const char thread_input[] = INPUT(REQUIRED("\"channel_id\""), THREAD);
static const char member_input[] = INPUT(REQUIRED("\"channel_id\",\"user_id\""), THREAD "," ID("user_id", "id of the user"));
static const char members_input[] = INPUT(REQUIRED("\"channel_id\""),
    THREAD ","
    BOOLEAN("with_member", "with the guild's member; default true, which pages need") ","
    ID("after", "id: users after it") ","
    LIMIT("100", "members a page; default 100"));

/* clang-format on */

DC_START(threads_create, .method = "POST", .path = "/channels/{channel_id}/threads", .message = "message")
DC_START(threads_start, .method = "POST", .path = "/channels/{channel_id}/messages/{message_id}/threads")
DC_START(threads_list_active, .method = "GET", .path = "/guilds/{guild_id}/threads/active")
DC_START(threads_join, .method = "PUT", .path = "/channels/{channel_id}/thread-members/@me")
DC_START(threads_leave, .method = "DELETE", .path = "/channels/{channel_id}/thread-members/@me")
DC_START(threads_add_member, .method = "PUT", .path = "/channels/{channel_id}/thread-members/{user_id}")
DC_START(threads_remove_member, .method = "DELETE", .path = "/channels/{channel_id}/thread-members/{user_id}")

static int is_joined(const bb_call *call) {
    return bb_str_eq(bb_in_text(call, "which"), "joined");
}

static bb_step threads_list_archived_start(bb_call *call) {
    static const dc_route public_ones = {.method = "GET",
                                         .path = "/channels/{channel_id}/threads/archived/public",
                                         .unsent = "which",
                                         .page = "before"};
    static const dc_route private_ones = {.method = "GET",
                                          .path = "/channels/{channel_id}/threads/archived/private",
                                          .unsent = "which",
                                          .page = "before"};
    static const dc_route joined = {.method = "GET",
                                    .path = "/channels/{channel_id}/users/@me/threads/archived/private",
                                    .unsent = "which",
                                    .page = "before"};
    if (is_joined(call))
        return dc_send(call, &joined);
    return dc_send(call, bb_str_eq(bb_in_text(call, "which"), "private") ? &private_ones : &public_ones);
}

/* The next page lies before the last thread's time of archiving, or its id. */
static bb_step threads_list_archived_resume(bb_call *call) {
    const bb_json *answer = bb_response(call), *threads = bb_get(call, answer, "threads"), *last = NULL;
    bb_json_iter it = {0};
    if (!bb_ok(call))
        return dc_fail(call);
    if (!bb_is(call, threads, BB_JSON_ARRAY))
        return bb_fail(call, BB_E_UPSTREAM_INVALID,
                       "the answer has no list of threads: is base_url Discord's API?");
    while (call->host->json->next(threads, &it))
        last = it.value;
    const bb_json *edge = is_joined(call)
                              ? bb_get(call, last, "id")
                              : bb_get(call, bb_get(call, last, "thread_metadata"), "archive_timestamp");
    if (call->host->json->to_bool(bb_get(call, answer, "has_more"), 0))
        call->host->call->next_cursor(call, bb_text(call, edge));
    return bb_done_body(call);
}

static bb_step threads_list_members_start(bb_call *call) {
    static const dc_route route = {
        .method = "GET", .path = "/channels/{channel_id}/thread-members", .page = "after", .limit = "100"};
    bb_step step = dc_send(call, &route);
    if (step == BB_SEND && bb_in(call, "with_member") == NULL)
        bb_query(call, "with_member", bb_s("true"));
    return step;
}
static bb_step threads_list_members_resume(bb_call *call) {
    return dc_page_done(call, "user_id", "100", 0);
}

DC_OP(threads_create, 0, "threads.create", "Create a thread without a message, or a forum's post",
      create_input, REF("channel"),
      "[{\"summary\":\"public\",\"input\":{\"channel_id\":\"41771983423143937\",\"name\":\"Incident "
      "12\",\"type\":11}},"
      "{\"summary\":\"a forum's post\",\"input\":{\"channel_id\":\"41771983423143937\",\"name\":\"How "
      "to\",\"message\":{\"content\":"
      "\"Read me\"}}}]",
      dc_object_resume);
DC_OP(threads_start, 0, "threads.start", "Create a thread about a message", start_input, REF("channel"),
      "[{\"summary\":\"about a "
      "message\",\"input\":{\"channel_id\":\"41771983423143937\",\"message_id\":\"334385199974967042\","
      "\"name\":\"Why?\"}}]",
      dc_object_resume);
DC_OP(threads_list_active, BB_OP_SAFE, "threads.list_active", "List a guild's threads that are not archived",
      active_input, REF("threads"),
      "[{\"summary\":\"of a guild\",\"input\":{\"guild_id\":\"290926798626357999\"}}]", dc_object_resume);
DC_PAGED(
    threads_list_archived, "threads.list_archived", "List a channel's archived threads, the last one first",
    archived_input, REF("threads"), "/threads",
    "[{\"summary\":\"private ones\",\"input\":{\"channel_id\":\"41771983423143937\",\"which\":\"private\"}}]",
    threads_list_archived_resume);
DC_OP(threads_join, BB_OP_IDEMPOTENT, "threads.join", "Have the bot join a thread", thread_input, NOTHING,
      "[{\"summary\":\"by id\",\"input\":{\"channel_id\":\"41771983423143937\"}}]", dc_none_resume);
DC_OP(threads_leave, BB_OP_IDEMPOTENT, "threads.leave", "Have the bot leave a thread", thread_input, NOTHING,
      "[{\"summary\":\"by id\",\"input\":{\"channel_id\":\"41771983423143937\"}}]", dc_none_resume);
DC_OP(threads_add_member, BB_OP_IDEMPOTENT, "threads.add_member", "Add a user to a thread", member_input,
      NOTHING,
      "[{\"summary\":\"by "
      "id\",\"input\":{\"channel_id\":\"41771983423143937\",\"user_id\":\"80351110224678912\"}}]",
      dc_none_resume);
DC_OP(threads_remove_member, BB_OP_IDEMPOTENT, "threads.remove_member", "Remove a user from a thread",
      member_input, NOTHING,
      "[{\"summary\":\"by "
      "id\",\"input\":{\"channel_id\":\"41771983423143937\",\"user_id\":\"80351110224678912\"}}]",
      dc_none_resume);
DC_PAGED(threads_list_members, "threads.list_members", "List a thread's members", members_input,
         ARRAY_OF("thread_member"), "",
         "[{\"summary\":\"of a thread\",\"input\":{\"channel_id\":\"41771983423143937\"}}]",
         threads_list_members_resume);
