/* google_drive.h - what the files of this connector share: the steps, and how an operation is declared.
 *
 * A file for each group of nouns (files.c, permissions.c, ...) declares the operations that GD_OPERATIONS
 * names: READ, LIST, WRITE or REMOVE, with the path below the API's, and the input schema that stands above
 * under the operation's name. Operations and inputs have the names of Google's reference
 * (https://developers.google.com/workspace/drive/api/reference/rest/v3).
 */
#ifndef GOOGLE_DRIVE_GOOGLE_DRIVE_H
#define GOOGLE_DRIVE_GOOGLE_DRIVE_H

#include <busbar/content.h>
#include <busbar/rest.h>
#include <busbar/webhook.h>

typedef struct gd_route {
    bb_rest_route rest;
    const char *fields; /* what is asked for where the input has no `fields`; NULL: what Google gives then */
    const char *page;   /* of a list: what `fields` must have beside its items; NULL: it is none */
    int32_t shared;     /* it takes supportsAllDrives */
} gd_route;

/* Members of the inputs that go to the query whatever the body is, and those that the connector puts itself.
 */
#define GD_QUERY                                                                                \
    "acknowledgeAbuse addParents allowItemDeletion emailMessage ignoreDefaultVisibility "       \
    "includeCorpusRemovals includeItemsFromAllDrives includeLabels includePermissionsForView "  \
    "includeRemoved keepRevisionForever moveToNewOwnersRoot ocrLanguage pageSize pageToken "    \
    "removeExpiration "                                                                         \
    "removeParents requestId restrictToMyDrive sendNotificationEmail spaces transferOwnership " \
    "useContentAsIndexableText useDomainAdminAccess"
#define GD_ASIDE "fields supportsAllDrives once uploadType contentType verify"

/* steps.c */
/* What every request has beside its path and members: fields, supportsAllDrives, the project that pays. */
void gd_extras(bb_call *call, const gd_route *route);
/* The members that go to the query, for who makes the body by itself. */
void gd_rest_query(bb_call *call, const gd_route *route);
bb_step gd_start(bb_call *call, const gd_route *route);
int gd_is_google(bb_call *call); /* the answer; 0: the step has failed */
bb_step gd_resume(bb_call *call, const gd_route *route);
bb_step gd_list_resume(bb_call *call, const gd_route *route);
bb_step gd_empty_resume(bb_call *call, const gd_route *route);
const bb_json *gd_setting(const bb_call *call, const char *name);
/* The input's members that belong to the body, with `id` in the place of its own, and `name` where it has
 * none; absent ones: not. Owner: the call. */
bb_str gd_metadata(bb_call *call, const gd_route *route, bb_str id, bb_str name);

/* errors.c */
bb_step gd_fail(bb_call *call);
bb_str gd_reason(bb_call *call); /* of the answer: "notFound"; absent: it has none */

/* once.c: an id that is known before the file is there, so that the request that makes it can be repeated. */
#define GD_ID_MAX 128
int gd_once(bb_call *call);
bb_step gd_ask_id(bb_call *call);
int gd_take_id(bb_call *call, char *id); /* 0: the step has failed */
bb_step gd_read_made(bb_call *call, const gd_route *route, const char *id);

/* webhook.c */
extern const bb_webhook_extension gd_webhooks;

/* objects.c */
extern const bb_schema *const gd_schemas[];

/* clang-format off */
#define GD_OPERATIONS(X) \
    X(about_get) \
    X(files_list) X(files_get) X(files_create) X(files_copy) X(files_update) X(files_delete) \
    X(files_empty_trash) X(files_generate_ids) X(files_list_labels) X(files_modify_labels) \
    X(files_upload) X(files_replace) X(files_download) X(files_export) X(files_watch) \
    X(permissions_list) X(permissions_get) X(permissions_create) X(permissions_update) X(permissions_delete) \
    X(changes_get_start_page_token) X(changes_list) X(changes_watch) X(channels_stop) \
    X(drives_list) X(drives_get) X(drives_create) X(drives_update) X(drives_delete) X(drives_hide) \
    X(drives_unhide) \
    X(revisions_list) X(revisions_get) X(revisions_update) X(revisions_delete) X(revisions_download) \
    X(comments_list) X(comments_get) X(comments_create) X(comments_update) X(comments_delete) \
    X(replies_list) X(replies_get) X(replies_create) X(replies_update) X(replies_delete)
/* clang-format on */

#define GD_DECLARE(var) extern const bb_operation gd_##var;
GD_OPERATIONS(GD_DECLARE)

/* --- an operation ----------------------------------------------------------------------------------- */

#define ROUTE(var, verb, place, where, cursor_, fields_, page_, shared_) \
    static const gd_route route_##var = {.rest = {.method = verb,        \
                                                  .path = place,         \
                                                  .members = where,      \
                                                  .query = GD_QUERY,     \
                                                  .aside = GD_ASIDE,     \
                                                  .cursor = cursor_},    \
                                         .fields = fields_,              \
                                         .page = page_,                  \
                                         .shared = shared_};

#define STEPS(var, begin, end)                   \
    static bb_step start_##var(bb_call *call) {  \
        return begin(call, &route_##var);        \
    }                                            \
    static bb_step resume_##var(bb_call *call) { \
        return end(call, &route_##var);          \
    }

#define OPERATION(var, bits, name, text, more, out, list, example, room)                                 \
    const bb_operation gd_##var = {                                                                      \
        BB_SIZE(bb_operation), .flags = bits,       .state_size = room,          .id = name,             \
        .summary = text,       .description = more, .input_schema = var##_input, .output_schema = out,   \
        .examples = example,   .items = list,       .start = start_##var,        .resume = resume_##var, \
    }

#define API "/drive/v3/"
#define SHARED 1
#define OWN 0
#define REF(name) "{\"$ref\":\"" name "\"}"

#define READ(var, name, path, fields, shared, out, text, example)          \
    ROUTE(var, "GET", API path, BB_REST_QUERY, NULL, fields, NULL, shared) \
    STEPS(var, gd_start, gd_resume)                                        \
    OPERATION(var, BB_OP_SAFE, name, text, NULL, out, NULL, example, 0)
#define LIST(var, name, path, fields, shared, list, out, text, example)                      \
    ROUTE(var, "GET", API path, BB_REST_QUERY, "pageToken", fields, "nextPageToken", shared) \
    STEPS(var, gd_start, gd_list_resume)                                                     \
    OPERATION(var, BB_OP_SAFE | BB_OP_PAGINATED, name, text, NULL, out, list, example, 0)
#define WRITE(var, bits, verb, name, path, fields, shared, out, text, example) \
    ROUTE(var, verb, API path, BB_REST_JSON, NULL, fields, NULL, shared)       \
    STEPS(var, gd_start, gd_resume)                                            \
    OPERATION(var, bits, name, text, NULL, out, NULL, example, 0)
/* What is deleted is not there: a DELETE answers 204, so does channels.stop. */
#define REMOVE(var, name, path, shared, text, example)                                                  \
    ROUTE(var, "DELETE", API path, BB_REST_QUERY, NULL, NULL, NULL, shared)                             \
    STEPS(var, gd_start, gd_empty_resume)                                                               \
    OPERATION(var, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, name, text, NULL, "{\"type\":\"null\"}", NULL, \
              example, 0)

#endif
