/* answers.c - what comes back: objects, lists page by page, nothing. */
#include "dropbox.h"

int dx_ok(bb_call *call, const dx_route *route) {
    const bb_json *answer = bb_ok(call) ? bb_response(call) : NULL;
    int fits;
    if (!bb_ok(call))
        return dx_fail(call), 0;
    if (route->expect == NULL)
        fits = call->host->http->response_body(call).len == 0 || bb_is(call, answer, BB_JSON_NULL);
    else if (route->expect[0] == '\0')
        fits = bb_is(call, answer, BB_JSON_ARRAY);
    else
        fits = bb_get(call, answer, route->expect) != NULL;
    return fits ? 1 : (dx_not_understood(call), 0);
}

bb_step dx_resume(bb_call *call, const dx_route *route) {
    if (!dx_ok(call, route))
        return BB_FAIL;
    return route->expect != NULL ? bb_done_body(call) : bb_done_text(call, bb_s("null"));
}

/* --- pages ------------------------------------------------------------------------------------------ */

/* Some say has_more, some only give no cursor at the end. */
static void put_cursor(bb_call *call) {
    const bb_json *answer = bb_response(call);
    bb_str cursor = bb_text(call, bb_get(call, answer, "cursor"));
    if (call->host->json->to_bool(bb_get(call, answer, "has_more"), 1))
        call->host->call->next_cursor(call, cursor);
}

bb_step dx_list_resume(bb_call *call, const dx_route *route) {
    if (!dx_ok(call, route))
        return BB_FAIL;
    if (!bb_is(call, bb_get(call, bb_response(call), route->expect), BB_JSON_ARRAY))
        return dx_not_understood(call);
    put_cursor(call);
    return bb_done_body(call);
}

bb_step dx_revisions_resume(bb_call *call, const dx_route *route) {
    const bb_json *answer, *entries, *last = NULL;
    bb_json_iter it;
    memset(&it, 0, sizeof it);
    if (!dx_ok(call, route))
        return BB_FAIL;
    answer = bb_response(call);
    entries = bb_get(call, answer, "entries");
    while (call->host->json->next(entries, &it))
        last = it.value;
    if (call->host->json->to_bool(bb_get(call, answer, "has_more"), 0))
        call->host->call->next_cursor(call, bb_text(call, bb_get(call, last, "rev")));
    return bb_done_body(call);
}

/* Users, groups and invitees, each a list of its own, in one: {".tag": "user", ...}. */
static void put_members(bb_call *call, bb_json_writer *w, const char *list, const char *tag) {
    const bb_json_api *json = call->host->json;
    const bb_json *members = bb_get(call, bb_response(call), list);
    bb_json_iter it, member;
    memset(&it, 0, sizeof it);
    while (json->next(members, &it)) {
        json->begin_object(w);
        json->key(w, bb_s(".tag"));
        json->put_string(w, bb_s(tag));
        for (memset(&member, 0, sizeof member); json->next(it.value, &member);) {
            json->key(w, member.key);
            json->put_value(w, member.value);
        }
        json->end_object(w);
    }
}

bb_step dx_members_resume(bb_call *call, const dx_route *route) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    if (!dx_ok(call, route))
        return BB_FAIL;
    json->begin_object(w);
    json->key(w, bb_s("members"));
    json->begin_array(w);
    put_members(call, w, "users", "user");
    put_members(call, w, "groups", "group");
    put_members(call, w, "invitees", "invitee");
    json->end_array(w);
    json->end_object(w);
    put_cursor(call);
    return bb_done_writer(call, w);
}
