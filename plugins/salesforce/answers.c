/* answers.c - what comes back: objects, lists, nothing; what else is an error (errors.c). */
#include "salesforce.h"

static bb_step not_understood(bb_call *call) {
    return bb_fail(call, BB_E_UPSTREAM_INVALID,
                   "the answer is none of Salesforce's: is base_url a Salesforce host, without a path?");
}

static int is_empty(bb_call *call) {
    return call->host->http->response_body(call).len == 0;
}

bb_step sf_object(bb_call *call, const sf_route *route) {
    (void)route;
    if (!bb_ok(call))
        return sf_fail(call);
    return bb_is(call, bb_response(call), BB_JSON_OBJECT) ? bb_done_body(call) : not_understood(call);
}

bb_step sf_array(bb_call *call, const sf_route *route) {
    (void)route;
    if (!bb_ok(call))
        return sf_fail(call);
    return bb_is(call, bb_response(call), BB_JSON_ARRAY) ? bb_done_body(call) : not_understood(call);
}

bb_step sf_any(bb_call *call, const sf_route *route) {
    (void)route;
    if (!bb_ok(call))
        return sf_fail(call);
    if (is_empty(call))
        return bb_done_text(call, bb_s("null"));
    return bb_response(call) != NULL ? bb_done_body(call) : not_understood(call);
}

bb_step sf_nothing(bb_call *call, const sf_route *route) {
    (void)route;
    if (!bb_ok(call))
        return sf_fail(call);
    return is_empty(call) ? bb_done_text(call, bb_s("null")) : not_understood(call);
}

bb_step sf_unless(bb_call *call, const sf_route *route) {
    return bb_status(call) == 304 ? bb_done_text(call, bb_s("null")) : sf_object(call, route);
}

/* As `create` answers, so that who changes a record reads the same. */
static bb_step done_with(bb_call *call, const bb_json *id, const char *created) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    json->key(w, bb_s("id"));
    json->put_value(w, id);
    json->key(w, bb_s("success"));
    json->put_bool(w, 1);
    json->key(w, bb_s("errors"));
    json->begin_array(w);
    json->end_array(w);
    if (created != NULL) {
        json->key(w, bb_s("created"));
        json->put_bool(w, *created == 'y');
    }
    json->end_object(w);
    return bb_done_writer(call, w);
}

bb_step sf_changed(bb_call *call, const sf_route *route) {
    if (bb_status(call) == 304)
        return bb_done_text(call, bb_s("null"));
    if (bb_status(call) != 204)
        return sf_object(call, route);
    return done_with(call, bb_in(call, "id"), NULL);
}

bb_step sf_upserted(bb_call *call, const sf_route *route) {
    (void)route;
    const bb_json *answer = is_empty(call) ? NULL : bb_response(call);
    if (bb_status(call) == 300)
        return bb_fail_with(
            call, BB_E_UPSTREAM_CONFLICT, bb_s("MULTIPLE_CHOICES"),
            bb_s("several records have this external id: make it unique, or change them by id"));
    if (!bb_ok(call))
        return sf_fail(call);
    if (bb_status(call) != 204 && bb_get(call, answer, "id") == NULL)
        return not_understood(call);
    /* Versions before 46.0 answer an update with nothing. */
    return done_with(call, bb_get(call, answer, "id"), bb_status(call) == 201 ? "yes" : "no");
}
