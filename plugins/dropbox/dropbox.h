/* dropbox.h - what the files of this connector share: the steps, and how an operation is declared.
 *
 * A file for each group of routes (folders.c, paths.c, batches.c, ...) declares the operations that
 * DROPBOX_OPERATIONS names. Every request is a POST: its arguments are its JSON body, or stand in the header
 * field Dropbox-API-Arg where the body is a file's
 * (https://www.dropbox.com/developers/documentation/http/documentation).
 */
#ifndef DROPBOX_DROPBOX_H
#define DROPBOX_DROPBOX_H

#include <busbar/content.h>
#include <busbar/rest.h>
#include <busbar/webhook.h>

/* Which of Dropbox's hosts takes a route. */
enum { DX_API, DX_CONTENT, DX_NOTIFY };

typedef struct dx_route {
    bb_rest_route rest; /* path: "/2/files/list_folder" */
    int32_t host;       /* DX_API, ... */
    int32_t bare;       /* it takes no arguments: the body is null */
    const char *expect; /* a member that its answer has; NULL: the answer is null; "": it is a list */
    const char *more;   /* lists: the route that goes on with {"cursor"}; NULL: this one, with a cursor */
    const char *check;  /* jobs: the route that tells how far one is */
} dx_route;

/* What a call that waits for a job remembers. */
typedef struct dx_state {
    uint32_t polls;
    char job[512]; /* id; "": there is none yet */
} dx_state;

/* request.c */
/* The arguments of the route: the input without what goes elsewhere. */
bb_str dx_arguments(bb_call *call, const dx_route *route);
/* Sends arguments as the body. */
bb_step dx_send_json(bb_call *call, int32_t host, const char *path, bb_str json);
/* Begins a request whose body is a file's: its arguments stand in the header. 0: the step has failed. */
int dx_begin_argued(bb_call *call, const char *path, bb_str json);
bb_step dx_start(bb_call *call, const dx_route *route);
bb_step dx_list_start(bb_call *call, const dx_route *route);
bb_step dx_revisions_start(bb_call *call, const dx_route *route);

/* errors.c */
bb_step dx_fail(bb_call *call);
/* The tags of the answer's error, "path/not_found"; absent: it has none. Owner: the call. */
bb_str dx_error_code(bb_call *call);
/* Whether it is, or has, that tag. */
int dx_error_has(bb_str code, const char *tag);
bb_step dx_not_understood(bb_call *call);
/* Fails with tags that did not come by a status: those of a job. */
bb_step dx_fail_job(bb_call *call, const bb_json *error);

/* answers.c */
/* Whether the answer is a 2xx and what the route gives; if not, the step has failed. */
int dx_ok(bb_call *call, const dx_route *route);
bb_step dx_resume(bb_call *call, const dx_route *route);
bb_step dx_list_resume(bb_call *call, const dx_route *route);
bb_step dx_revisions_resume(bb_call *call, const dx_route *route);
bb_step dx_members_resume(bb_call *call, const dx_route *route);

/* jobs.c: a job's result, or, where the call's time is over before, its id */
bb_step dx_job_resume(bb_call *call, const dx_route *route);

/* download.c, upload.c: digests that Dropbox calls a content hash
 * (https://www.dropbox.com/developers/reference/content-hash) */
#define DX_BLOCK (4 << 20)
int dx_has_content(bb_call *call);
/* Whether what passed has this hash; an absent one, or one that cannot be told, does. If not, the step has
 * failed. */
int dx_hash_fits(bb_call *call, bb_str theirs, const char *what);

/* objects.c, webhook.c, transfers.c */
extern const bb_schema *const dropbox_schemas[];
extern const bb_webhook_extension dropbox_webhooks;
extern const bb_content_extension dropbox_contents;

/* clang-format off */
#define DROPBOX_OPERATIONS(X) \
    X(list_folder) X(list_folder_continue) X(list_folder_get_latest_cursor) X(list_folder_longpoll) \
    X(search) X(list_revisions) X(restore) \
    X(get_metadata) X(create_folder) X(move) X(copy) X(delete) X(permanently_delete) \
    X(get_temporary_link) X(get_temporary_upload_link) X(copy_reference_get) X(copy_reference_save) \
    X(save_url) X(save_url_check) \
    X(create_folder_batch) X(create_folder_batch_check) X(delete_batch) X(delete_batch_check) \
    X(move_batch) X(move_batch_check) X(copy_batch) X(copy_batch_check) \
    X(upload) X(session_start) X(session_start_batch) X(session_append) X(session_append_batch) \
    X(session_finish) X(session_finish_batch) \
    X(download) X(download_zip) X(export) X(get_preview) X(get_thumbnail) X(get_thumbnail_batch) \
    X(tags_add) X(tags_remove) X(tags_get) X(lock_file_batch) X(unlock_file_batch) X(get_file_lock_batch) \
    X(create_shared_link) X(list_shared_links) X(modify_shared_link) X(revoke_shared_link) \
    X(get_shared_link_metadata) X(get_shared_link_file) \
    X(share_folder) X(share_folder_check) X(unshare_folder) X(sharing_check) X(list_folders) \
    X(get_folder_metadata) X(mount_folder) X(unmount_folder) \
    X(add_folder_member) X(update_folder_member) X(remove_folder_member) X(remove_folder_member_check) \
    X(list_folder_members) \
    X(get_current_account) X(get_account) X(get_account_batch) X(get_space_usage) X(features_get_values) \
    X(check_user)
/* clang-format on */

#define DROPBOX_DECLARE(var) extern const bb_operation dropbox_##var;
DROPBOX_OPERATIONS(DROPBOX_DECLARE)

/* --- an operation ----------------------------------------------------------------------------------- */

#define WHO "path_root select_user select_admin"
#define REST(place) .rest = {.method = "POST", .path = place, .members = BB_REST_JSON, .aside = WHO}
#define JOB_TIMEOUT 300000u /* ms */

#define STEPS(var, begin, end, ...)                    \
    static const dx_route route_##var = {__VA_ARGS__}; \
    static bb_step start_##var(bb_call *call) {        \
        return begin(call, &route_##var);              \
    }                                                  \
    static bb_step resume_##var(bb_call *call) {       \
        return end(call, &route_##var);                \
    }

#define OPERATION(var, bits, name, text, told, out, list, time, example) \
    const bb_operation dropbox_##var = {                                 \
        BB_SIZE(bb_operation),                                           \
        .flags = bits,                                                   \
        .state_size = sizeof(dx_state),                                  \
        .timeout_ms = time,                                              \
        .id = name,                                                      \
        .summary = text,                                                 \
        .description = told,                                             \
        .input_schema = var##_input,                                     \
        .output_schema = out,                                            \
        .examples = example,                                             \
        .items = list,                                                   \
        .start = start_##var,                                            \
        .resume = resume_##var,                                          \
    }

/* `has`: a member that the answer must have. */
#define CALL(var, bits, name, place, has, text, told, out, example)   \
    STEPS(var, dx_start, dx_resume, REST("/2/" place), .expect = has) \
    OPERATION(var, bits, name, text, told, out, NULL, 0, example)
#define READ(var, name, place, has, text, told, out, example) \
    CALL(var, BB_OP_SAFE, name, place, has, text, told, out, example)
/* Without arguments. */
#define ASK(var, name, place, has, text, told, out, example)                     \
    STEPS(var, dx_start, dx_resume, REST("/2/" place), .bare = 1, .expect = has) \
    OPERATION(var, BB_OP_SAFE, name, text, told, out, NULL, 0, example)
#define LIST(var, name, place, then, has, text, told, out, example)                           \
    STEPS(var, dx_list_start, dx_list_resume, REST("/2/" place), .expect = has, .more = then) \
    OPERATION(var, BB_OP_SAFE | BB_OP_PAGINATED, name, text, told, out, "/" has, 0, example)
/* A job: started, then asked after until it is done. */
#define DO(var, bits, name, place, asks, text, told, out, example)                                \
    STEPS(var, dx_start, dx_job_resume, REST("/2/" place), .expect = ".tag", .check = "/2/" asks) \
    OPERATION(var, bits, name, text, told, out, NULL, JOB_TIMEOUT, example)

#endif
