/* steps.c - how an input becomes a request, and an answer an output.
 *
 * The instance is the connection's settings, which the host keeps until `destroy` returns. */
#include "google_drive.h"

const bb_json *gd_setting(const bb_call *call, const char *name) {
    return bb_get(call, (const bb_json *)call->instance, name);
}

/* --- requests --------------------------------------------------------------------------------------- */

#define FIELDS_MAX 5000 /* by the input schemas */

/* Whether the selection has the member itself, and not one of that name deeper down. */
static int selects(bb_str fields, const char *name) {
    size_t from = 0, depth = 0, n = strlen(name);
    for (size_t i = 0; i <= fields.len; i++) {
        char c = i < fields.len ? fields.ptr[i] : ',';
        if (depth == 0 && (c == ',' || c == '(' || c == '/')) {
            if (i - from == n && memcmp(fields.ptr + from, name, n) == 0)
                return 1;
            from = i + 1;
        }
        depth += c == '(';
        depth -= c == ')' && depth > 0;
    }
    return 0;
}

/* By `kind` an answer is known as Google's; without its token a list would end after the first page, and
 * nobody would see it. */
static void put_fields(bb_call *call, const gd_route *route) {
    bb_str fields = bb_in_text(call, "fields");
    char text[FIELDS_MAX + 64];
    if (fields.len == 0)
        fields = bb_s(route->fields);
    if (fields.len == 0)
        return;
    if (fields.len <= FIELDS_MAX && !selects(fields, "*")) {
        int page = route->page != NULL && !selects(fields, "nextPageToken");
        snprintf(text, sizeof text, "%.*s%s%s%s", (int)fields.len, fields.ptr,
                 selects(fields, "kind") ? "" : ",kind", page ? "," : "", page ? route->page : "");
        fields = bb_s(text);
    }
    bb_query(call, "fields", fields);
}

/* An application that says nothing gets 404 for whatever lies in a shared drive. */
static void put_shared(bb_call *call) {
    const bb_json *said = bb_in(call, "supportsAllDrives");
    if (said == NULL)
        said = gd_setting(call, "all_drives");
    if (call->host->json->to_bool(said, 0) || bb_in(call, "supportsAllDrives") != NULL)
        bb_query(call, "supportsAllDrives", bb_text(call, said));
}

void gd_extras(bb_call *call, const gd_route *route) {
    bb_str project = bb_text(call, gd_setting(call, "quota_project"));
    if (project.len > 0)
        bb_header(call, "X-Goog-User-Project", project);
    put_fields(call, route);
    if (route->shared)
        put_shared(call);
}

bb_step gd_start(bb_call *call, const gd_route *route) {
    bb_rest_begin(call, &route->rest);
    gd_extras(call, route);
    bb_rest_members(call, &route->rest);
    return BB_SEND;
}

void gd_rest_query(bb_call *call, const gd_route *route) {
    bb_rest_route one = route->rest;
    one.members = BB_REST_NONE;
    bb_rest_members(call, &one);
}

bb_str gd_metadata(bb_call *call, const gd_route *route, bb_str id, bb_str name) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    bb_json_iter it = {0};
    json->begin_object(w);
    while (json->next(call->input, &it)) {
        if (!bb_rest_is_member(&route->rest, it.key) || (id.len > 0 && bb_str_eq(it.key, "id")))
            continue;
        json->key(w, it.key);
        json->put_value(w, it.value);
    }
    if (id.len > 0) {
        json->key(w, bb_s("id"));
        json->put_string(w, id);
    }
    if (name.len > 0 && bb_in(call, "name") == NULL) {
        json->key(w, bb_s("name"));
        json->put_string(w, name);
    }
    json->end_object(w);
    return json->finish(w);
}

/* --- answers ---------------------------------------------------------------------------------------- */

int gd_is_google(bb_call *call) {
    static const char *const kinds[] = {"drive#", "api#"};
    bb_str kind = bb_text(call, bb_get(call, bb_response(call), "kind"));
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (kind.len > strlen(kinds[i]) && memcmp(kind.ptr, kinds[i], strlen(kinds[i])) == 0)
            return 1;
    bb_fail(call, BB_E_UPSTREAM_INVALID, "the answer is none of Google Drive's: is base_url Google's API?");
    return 0;
}

bb_step gd_resume(bb_call *call, const gd_route *route) {
    (void)route;
    if (!bb_ok(call))
        return gd_fail(call);
    return gd_is_google(call) ? bb_done_body(call) : BB_FAIL;
}

bb_step gd_list_resume(bb_call *call, const gd_route *route) {
    const bb_json *next = bb_get(call, bb_response(call), "nextPageToken");
    if (bb_ok(call) && next != NULL)
        call->host->call->next_cursor(call, bb_text(call, next));
    return gd_resume(call, route);
}

bb_step gd_empty_resume(bb_call *call, const gd_route *route) {
    (void)route;
    if (!bb_ok(call))
        return gd_fail(call);
    if (call->host->http->response_body(call).len > 0 && bb_response(call) == NULL)
        return bb_fail(call, BB_E_UPSTREAM_INVALID,
                       "the answer is none of Google Drive's: is base_url Google's API?");
    return bb_done_text(call, bb_s("null"));
}
