/* salesforce.h - what the files of this connector share: the steps, and how an operation is declared.
 *
 * A file for each group of nouns (records.c, composite.c, ...) declares the operations that
 * SALESFORCE_OPERATIONS names, with the route, the steps, and the input schema that stands above under the
 * operation's name.
 */
#ifndef SALESFORCE_SALESFORCE_H
#define SALESFORCE_SALESFORCE_H

#include <busbar/abandon.h>
#include <busbar/content.h>
#include <busbar/rest.h>
#include <busbar/webhook.h>

/* Behind this, `path` is as the REST API's reference has it; {@} is the version of the settings. */
#define DATA "/services/data/{@}"

/* A route, and what of the input goes elsewhere than the members. Members that stand in OPTIONS become header
 * fields. */
typedef struct sf_route {
    bb_rest_route rest;
    const char *body;  /* the member that is the body as it is; NULL: none */
    const char *lists; /* members of the query, whose items go with commas between; NULL: none */
} sf_route;

#define OPTIONS \
    "if_match if_none_match if_modified_since if_unmodified_since auto_assign allow_duplicates batch_size"

/* request.c */
const bb_json *sf_setting(const bb_call *call, const char *name);
bb_str sf_version(const bb_call *call);
void sf_begin(bb_call *call, const bb_rest_route *route); /* method and path */
void sf_options(bb_call *call);                           /* header fields */
bb_step sf_send(bb_call *call, const sf_route *route);    /* all of it */
/* The items of a list with commas between; a text as it is. 0: no memory, and the call has failed. */
int sf_joined(bb_call *call, const bb_json *list, bb_str *out);

/* limits.c: heeds what the answer tells of the day's requests. First of all in `resume`. */
void sf_heed_limit(bb_call *call);

/* errors.c */
bb_step sf_fail(bb_call *call);
/* What a code of Salesforce's means; `otherwise` where it is not one of those that are known. */
bb_code sf_code_of(bb_str code, bb_code otherwise);
/* Whether the answer has that errorCode. */
int sf_answered(bb_call *call, const char *code);

/* answers.c */
bb_step sf_object(bb_call *call, const sf_route *route);   /* a JSON object */
bb_step sf_array(bb_call *call, const sf_route *route);    /* a JSON array */
bb_step sf_any(bb_call *call, const sf_route *route);      /* any JSON, or nothing: null */
bb_step sf_nothing(bb_call *call, const sf_route *route);  /* an empty body: null */
bb_step sf_changed(bb_call *call, const sf_route *route);  /* 204: {"id", "success", "errors"} */
bb_step sf_upserted(bb_call *call, const sf_route *route); /* 200, 201, 204; 300 is a conflict */
bb_step sf_unless(bb_call *call, const sf_route *route);   /* an object; null for a 304 */

/* files.c */
extern const bb_content_extension sf_content;

/* webhook.c */
extern const bb_webhook_extension sf_webhooks;
extern const bb_abandon_extension sf_abandons; /* bulk.c */

/* salesforce.c, objects.c */
extern const bb_schema *const sf_schemas[];

/* clang-format off */
#define SALESFORCE_OPERATIONS(X) \
    X(query) X(query_all) X(query_more) X(query_explain) X(search) X(search_parameterized) \
    X(sobjects_list) X(sobjects_info) X(sobjects_describe) X(recent) \
    X(records_create) X(records_retrieve) X(records_update) X(records_delete) X(records_upsert) \
    X(records_get_by_external_id) X(records_related) X(records_updated) X(records_deleted) \
    X(composite) X(composite_batch) X(composite_tree) X(composite_graph) \
    X(collections_create) X(collections_retrieve) X(collections_update) X(collections_upsert) \
    X(collections_delete) \
    X(bulk_ingest) X(bulk_ingest_upload) X(bulk_query) X(bulk_query_download) \
    X(ingest_create) X(ingest_upload) X(ingest_close) X(ingest_get) X(ingest_list) X(ingest_abort) \
    X(ingest_delete) X(ingest_results) \
    X(queries_create) X(queries_get) X(queries_list) X(queries_abort) X(queries_delete) X(queries_results) \
    X(queries_download) \
    X(files_upload) X(files_download) \
    X(events_publish) X(limits) X(userinfo) X(versions) X(apex)
/* clang-format on */

#define SALESFORCE_DECLARE(var) extern const bb_operation sf_##var;
SALESFORCE_OPERATIONS(SALESFORCE_DECLARE)

/* --- an operation ----------------------------------------------------------------------------------- */

#define ROUTE(var, verb, place, where, body_member, list_members)                                     \
    static const sf_route route_##var = {.rest = {.method = verb,                                     \
                                                  .path = place,                                      \
                                                  .members = where,                                   \
                                                  .aside = OPTIONS " " body_member " " list_members}, \
                                         .body = body_member,                                         \
                                         .lists = list_members};                                      \
    static bb_step start_##var(bb_call *call) {                                                       \
        return sf_send(call, &route_##var);                                                           \
    }

#define RESUME(var, end)                         \
    static bb_step resume_##var(bb_call *call) { \
        sf_heed_limit(call);                     \
        return end(call, &route_##var);          \
    }

#define OPERATION(var, bits, name, text, more, out, list, example)                  \
    const bb_operation sf_##var = {                                                 \
        BB_SIZE(bb_operation), .flags = bits,          .id = name,                  \
        .summary = text,       .description = more,    .input_schema = var##_input, \
        .output_schema = out,  .examples = example,    .items = list,               \
        .start = start_##var,  .resume = resume_##var,                              \
    }

#define READ(var, name, path, lists, end, out, text, more, example) \
    ROUTE(var, "GET", path, BB_REST_QUERY, "", lists)               \
    RESUME(var, end) OPERATION(var, BB_OP_SAFE, name, text, more, out, NULL, example)

#endif
