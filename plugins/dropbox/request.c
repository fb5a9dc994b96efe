/* request.c - where a request goes, for whom it is, and where its arguments stand. */
#include "dropbox.h"

/* --- hosts ------------------------------------------------------------------------------------------ */

static bb_str place_of(bb_call *call, int32_t host) {
    static const char *const settings[] = {"base_url", "content_url", "notify_url"};
    return bb_text(call, bb_get(call, (const bb_json *)call->instance, settings[host]));
}

/* --- for whom it is --------------------------------------------------------------------------------- */

/* "root:ID" as {".tag": "root", "root": "ID"}
 * (https://www.dropbox.com/developers/reference/path-root-header-modes). */
static bb_str path_root(bb_call *call, bb_str said) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    const char *colon = memchr(said.ptr, ':', said.len);
    bb_str tag = said, id = {NULL, 0};
    if (colon != NULL) {
        tag = said.ptr[0] == 'n' ? bb_s("namespace_id") : bb_s("root");
        id.ptr = colon + 1;
        id.len = said.len - (size_t)(id.ptr - said.ptr);
    }
    json->begin_object(w);
    json->key(w, bb_s(".tag"));
    json->put_string(w, tag);
    if (colon != NULL) {
        json->key(w, tag);
        json->put_string(w, id);
    }
    json->end_object(w);
    return json->finish(w);
}

/* The input's, or the connection's. */
static bb_str said_of(bb_call *call, const char *name) {
    bb_str own = bb_in_text(call, name);
    return own.len > 0 ? own : bb_text(call, bb_get(call, (const bb_json *)call->instance, name));
}

static void put_whom(bb_call *call) {
    bb_str root = said_of(call, "path_root"), user = said_of(call, "select_user"),
           admin = said_of(call, "select_admin");
    if (root.len > 0)
        bb_header(call, "Dropbox-API-Path-Root", path_root(call, root));
    if (user.len > 0)
        bb_header(call, "Dropbox-API-Select-User", user);
    if (admin.len > 0)
        bb_header(call, "Dropbox-API-Select-Admin", admin);
}

static void begin(bb_call *call, int32_t host, const char *path) {
    bb_request_at(call, "POST", place_of(call, host), path);
    if (host != DX_NOTIFY) /* which takes no account */
        put_whom(call);
}

/* --- arguments -------------------------------------------------------------------------------------- */

bb_str dx_arguments(bb_call *call, const dx_route *route) {
    return bb_rest_json(call, &route->rest);
}

bb_step dx_send_json(bb_call *call, int32_t host, const char *path, bb_str json) {
    if (json.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the request's arguments");
    begin(call, host, path);
    call->host->http->body(call, bb_s("application/json"), json);
    return BB_SEND;
}

int dx_begin_argued(bb_call *call, const char *path, bb_str json) {
    bb_str argument = json.ptr != NULL ? bb_json_ascii(call, json) : json;
    if (argument.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory for the request's arguments"), 0;
    begin(call, DX_CONTENT, path);
    bb_header(call, "Dropbox-API-Arg", argument);
    return 1;
}

bb_step dx_start(bb_call *call, const dx_route *route) {
    return dx_send_json(call, route->host, route->rest.path,
                        route->bare ? bb_s("null") : dx_arguments(call, route));
}

/* --- pages ------------------------------------------------------------------------------------------ */

/* Dropbox's cursors are printable ASCII; any other is none of them. */
static int is_cursor(bb_call *call) {
    for (size_t i = 0; i < call->cursor.len; i++)
        if ((unsigned char)call->cursor.ptr[i] < 0x20 || (unsigned char)call->cursor.ptr[i] > 0x7e)
            return bb_fail(call, BB_E_INVALID_INPUT, "the cursor is none of Dropbox's"), 0;
    return 1;
}

/* The input with this member in place of its own; alone: nothing else of it. */
static bb_str with(bb_call *call, const dx_route *route, const char *name, bb_str value, int alone) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    bb_json_iter it;
    memset(&it, 0, sizeof it);
    json->begin_object(w);
    while (!alone && json->next(call->input, &it)) {
        if (!bb_rest_is_member(&route->rest, it.key) || bb_str_eq(it.key, name))
            continue;
        json->key(w, it.key);
        json->put_value(w, it.value);
    }
    json->key(w, bb_s(name));
    json->put_string(w, value);
    json->end_object(w);
    return json->finish(w);
}

bb_step dx_list_start(bb_call *call, const dx_route *route) {
    int alone = route->more != NULL;
    if (call->cursor.len == 0)
        return dx_start(call, route);
    if (!is_cursor(call))
        return BB_FAIL;
    return dx_send_json(call, route->host, alone ? route->more : route->rest.path,
                        with(call, route, "cursor", call->cursor, alone));
}

/* Goes on before the last revision that was given. */
bb_step dx_revisions_start(bb_call *call, const dx_route *route) {
    if (call->cursor.len == 0)
        return dx_start(call, route);
    if (!is_cursor(call))
        return BB_FAIL;
    return dx_send_json(call, route->host, route->rest.path,
                        with(call, route, "before_rev", call->cursor, 0));
}
