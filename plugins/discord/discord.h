/* discord.h - what the files of this connector share: one file a noun of Discord's API declares its
 * operations (messages.c, channels.c, ...), and describes each by a route; request.c makes the request of it.
 */
#ifndef DISCORD_H
#define DISCORD_H

#include <busbar/content.h>
#include <busbar/webhook.h>

/* --- requests: request.c ---------------------------------------------------------------------------- */

/* What becomes of an operation's input. Members that the path names go into it, `reason` into its header
 * field, `files` into a multipart body; of the others, a request with a body takes all that `in_query` does
 * not name, and one without (GET, DELETE, PUT without members) puts them into the query. */
typedef struct dc_route {
    const char *method;
    const char *path;     /* "/channels/{channel_id}/messages"; what the input lacks, the settings give */
    const char *in_query; /* names with blanks between; NULL: none */
    const char *unsent;   /* likewise: members that only say what is to be done */
    const char *whole;    /* the member that is the body; NULL: an object of the members is */
    const char *message;  /* the member that holds the message, where that is not the body itself */
    const char *page;     /* lists in pages: the parameter that a cursor is for ("after") */
    const char *limit;    /* lists in pages: the page's size where the input has none */
    int bare;             /* a POST without a body */
    int file;             /* a message that may come with a file; it has some content at least */
    int nonce;            /* a message that Discord knows again by its nonce: it may be sent twice */
} dc_route;

bb_step dc_send(bb_call *call, const dc_route *route);

/* A text of the input, else of the settings. */
bb_str dc_given(bb_call *call, const char *name);

#define DC_START(var, ...)                           \
    static bb_step var##_start(bb_call *call) {      \
        static const dc_route route = {__VA_ARGS__}; \
        return dc_send(call, &route);                \
    }

/* Sets the body of the request: `payload` as payload_json, then the files (schema "file"), then the one that
 * comes with the call: multipart.c. */
bb_step dc_body_files(bb_call *call, bb_str payload, const bb_json *files);
/* How the file that comes with the call is called; absent: there is none. */
bb_str dc_file_name(bb_call *call);
extern const bb_content_extension dc_content;

/* --- answers: answers.c ----------------------------------------------------------------------------- */

bb_step dc_fail(bb_call *call);          /* by status, code and `errors` of the body */
bb_step dc_object_resume(bb_call *call); /* an object */
bb_step dc_array_resume(bb_call *call);  /* an array */
bb_step dc_none_resume(bb_call *call);   /* nothing: the output is null */
bb_step dc_maybe_resume(bb_call *call);  /* an object, or nothing */

/* The end of a step whose answer is a page: where it is full, there is a next one, behind the item that is
 * last in the page's direction; `id` leads to its name, dots between ("user.id"). */
bb_step dc_page_done(bb_call *call, const char *id, const char *default_limit, int first_is_edge);

/* --- the guard: guard.c ----------------------------------------------------------------------------- */

/* Discord bans an address for an hour that has 10,000 requests refused (401, 403, 429) in ten minutes. A
 * connection that comes near that sends nothing until the ten minutes are over. */
typedef struct dc_instance dc_instance;

dc_instance *dc_instance_new(const bb_json *settings, int64_t most);
void dc_instance_free(dc_instance *self);
const bb_json *dc_settings(const bb_call *call);

void dc_guard_count(bb_call *call);           /* after an answer */
int64_t dc_guard_left_s(const bb_call *call); /* seconds until requests may go out again; 0: now */

/* --- what Discord posts: incoming.c ------------------------------------------------------------------- */

extern const bb_webhook_extension dc_webhooks;

/* --- declarations ----------------------------------------------------------------------------------- */

#define DC_OP(var, flag, name, text, in, out, sample, then)                                           \
    const bb_operation dc_##var = {BB_SIZE(bb_operation), .flags = flag,        .id = name,           \
                                   .summary = text,       .input_schema = in,   .output_schema = out, \
                                   .examples = sample,    .start = var##_start, .resume = then}
#define DC_PAGED(var, name, text, in, out, list, sample, then)            \
    const bb_operation dc_##var = {BB_SIZE(bb_operation),                 \
                                   .flags = BB_OP_SAFE | BB_OP_PAGINATED, \
                                   .id = name,                            \
                                   .summary = text,                       \
                                   .input_schema = in,                    \
                                   .output_schema = out,                  \
                                   .items = list,                         \
                                   .examples = sample,                    \
                                   .start = var##_start,                  \
                                   .resume = then}

/* clang-format off */
#define DC_OPERATIONS(X)                                                                             \
    X(messages_create) X(messages_get) X(messages_list) X(messages_edit) X(messages_delete)          \
    X(messages_bulk_delete) X(messages_crosspost)                                                    \
    X(pins_add) X(pins_remove) X(pins_list)                                                          \
    X(reactions_add) X(reactions_remove) X(reactions_list) X(reactions_clear)                        \
    X(channels_get) X(channels_list) X(channels_create) X(channels_update) X(channels_delete)        \
    X(channels_typing) X(channels_create_dm)                                                         \
    X(threads_create) X(threads_start) X(threads_list_active) X(threads_list_archived)               \
    X(threads_join) X(threads_leave) X(threads_add_member) X(threads_remove_member)                  \
    X(threads_list_members)                                                                          \
    X(guilds_get) X(guilds_list)                                                                     \
    X(users_me) X(users_get)                                                                         \
    X(test)                                                                                          \
    X(members_get) X(members_list) X(members_search) X(members_update) X(members_remove)             \
    X(members_add_role) X(members_remove_role)                                                       \
    X(roles_list) X(roles_get) X(roles_create) X(roles_update) X(roles_delete)                       \
    X(webhooks_create) X(webhooks_list) X(webhooks_get) X(webhooks_update) X(webhooks_delete)        \
    X(webhooks_execute) X(webhooks_get_message) X(webhooks_edit_message) X(webhooks_delete_message)  \
    X(commands_list) X(commands_get) X(commands_create) X(commands_update) X(commands_delete)        \
    X(commands_replace)                                                                              \
    X(interactions_respond) X(interactions_get_response) X(interactions_edit_response)               \
    X(interactions_delete_response) X(interactions_follow_up)
/* clang-format on */

#define DC_DECLARE(var) extern const bb_operation dc_##var;
DC_OPERATIONS(DC_DECLARE)
#undef DC_DECLARE

#endif
