/* slack.h - what the files of this connector share: the steps, and how an operation is declared.
 *
 * A file for each group of methods (chat.c, conversations.c, ...) declares the operations that
 * SLACK_OPERATIONS names: READ and LIST are sent as GET, SEND, SET and REMOVE as JSON. The input schema
 * stands above each, under the operation's name.
 */
#ifndef SLACK_SLACK_H
#define SLACK_SLACK_H

#include <busbar/content.h>
#include <busbar/rest.h>

/* steps.c */
bb_step slack_start(bb_call *call, const bb_rest_route *route);
bb_step slack_resume(bb_call *call, const bb_rest_route *route);
bb_step slack_list_resume(bb_call *call, const bb_rest_route *route);  /* cursors */
bb_step slack_pages_resume(bb_call *call, const bb_rest_route *route); /* numbered pages */
/* Whether the answer is Slack's and says "ok"; if not, the step has failed. */
int slack_ok(bb_call *call);
/* Sends a JSON text to a method. */
bb_step slack_post(bb_call *call, const char *path, bb_str json);

/* transfer.c */
extern const bb_content_extension slack_content;

/* blocks.c */
extern const bb_schema *const slack_schemas[];

/* clang-format off */
#define SLACK_OPERATIONS(X) \
    X(chat_post_message) X(chat_post_ephemeral) X(chat_update) X(chat_delete) X(chat_schedule_message) \
    X(chat_delete_scheduled_message) X(chat_scheduled_messages_list) X(chat_get_permalink) \
    X(chat_me_message) X(chat_unfurl) \
    X(messages_notification) X(messages_alert) X(messages_deployment) \
    X(webhook_send) X(webhook_notification) X(webhook_alert) X(webhook_deployment) \
    X(conversations_list) X(conversations_info) X(conversations_create) X(conversations_join) \
    X(conversations_leave) X(conversations_invite) X(conversations_kick) X(conversations_history) \
    X(conversations_replies) X(conversations_members) X(conversations_open) X(conversations_close) \
    X(conversations_archive) X(conversations_unarchive) X(conversations_rename) X(conversations_set_topic) \
    X(conversations_set_purpose) X(conversations_mark) \
    X(users_list) X(users_info) X(users_lookup_by_email) X(users_profile_get) X(users_profile_set) \
    X(users_get_presence) X(users_set_presence) X(users_conversations) \
    X(reactions_add) X(reactions_get) X(reactions_list) X(reactions_remove) \
    X(pins_add) X(pins_list) X(pins_remove) \
    X(bookmarks_add) X(bookmarks_edit) X(bookmarks_list) X(bookmarks_remove) \
    X(files_list) X(files_info) X(files_delete) X(files_get_upload_url) X(files_complete_upload) \
    X(files_upload) X(files_download) X(files_share) X(files_revoke) \
    X(views_open) X(views_publish) X(views_push) X(views_update) \
    X(search_messages) X(search_files) X(search_all) \
    X(auth_test) X(team_info) X(bots_info)
/* clang-format on */

#define SLACK_DECLARE(var) extern const bb_operation slack_##var;
SLACK_OPERATIONS(SLACK_DECLARE)

/* --- an operation ----------------------------------------------------------------------------------- */

/* Slack's rate tiers: calls a minute, of an app in a workspace, for each method
 * (https://docs.slack.dev/apis/web-api/rate-limits). */
#define TIER_1 "Tier 1: about 1 call a minute."
#define TIER_2 "Tier 2: about 20 calls a minute."
#define TIER_3 "Tier 3: about 50 calls a minute."
#define TIER_4 "Tier 4: about 100 calls a minute."

#define STEPS(var, verb, method_, where, page, end)                             \
    static const bb_rest_route route_##var = {                                  \
        .method = verb, .path = "/" method_, .members = where, .cursor = page}; \
    static bb_step start_##var(bb_call *call) {                                 \
        return slack_start(call, &route_##var);                                 \
    }                                                                           \
    static bb_step resume_##var(bb_call *call) {                                \
        return end(call, &route_##var);                                         \
    }

#define OPERATION(var, bits, name, text, tier, out, list, example)                  \
    const bb_operation slack_##var = {                                              \
        BB_SIZE(bb_operation), .flags = bits,          .id = name,                  \
        .summary = text,       .description = tier,    .input_schema = var##_input, \
        .output_schema = out,  .examples = example,    .items = list,               \
        .start = start_##var,  .resume = resume_##var,                              \
    }

#define READ(var, name, text, tier, out, example)              \
    STEPS(var, "GET", name, BB_REST_QUERY, NULL, slack_resume) \
    OPERATION(var, BB_OP_SAFE, name, text, tier, out, NULL, example)
#define LIST(var, name, text, tier, out, list, example)                 \
    STEPS(var, "GET", name, BB_REST_QUERY, "cursor", slack_list_resume) \
    OPERATION(var, BB_OP_SAFE | BB_OP_PAGINATED, name, text, tier, out, list, example)
/* Lists whose pages have numbers. */
#define PAGES(var, name, text, tier, out, list, example)               \
    STEPS(var, "GET", name, BB_REST_QUERY, "page", slack_pages_resume) \
    OPERATION(var, BB_OP_SAFE | BB_OP_PAGINATED, name, text, tier, out, list, example)
/* SEND does twice what is asked for twice; SET does it once; what REMOVE takes away is gone. */
#define SEND(var, name, text, tier, out, example)              \
    STEPS(var, "POST", name, BB_REST_JSON, NULL, slack_resume) \
    OPERATION(var, 0, name, text, tier, out, NULL, example)
#define SET(var, name, text, tier, out, example)               \
    STEPS(var, "POST", name, BB_REST_JSON, NULL, slack_resume) \
    OPERATION(var, BB_OP_IDEMPOTENT, name, text, tier, out, NULL, example)
#define REMOVE(var, name, text, tier, out, example)            \
    STEPS(var, "POST", name, BB_REST_JSON, NULL, slack_resume) \
    OPERATION(var, BB_OP_DESTRUCTIVE, name, text, tier, out, NULL, example)

#endif
