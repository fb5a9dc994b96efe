/* steps.c - how an input becomes a request, and an answer an output or an error.
 *
 * Requests are forms with names in brackets. The instance is the connection's settings, which the host keeps
 * until `destroy` returns. */
#include "stripe.h"

/* --- requests --------------------------------------------------------------------------------------- */

void stripe_put_headers(bb_call *call) {
    bb_str version = bb_text(call, bb_get(call, call->instance, "api_version"));
    bb_str account = bb_in_text(call, "stripe_account");
    if (account.len == 0)
        account = bb_text(call, bb_get(call, call->instance, "stripe_account"));
    if (version.len > 0)
        bb_header(call, "Stripe-Version", version);
    if (account.len > 0)
        bb_header(call, "Stripe-Account", account);
}

bb_step stripe_start(bb_call *call, const bb_rest_route *route) {
    bb_rest_begin(call, route);
    stripe_put_headers(call);
    bb_rest_members(call, route);
    return BB_SEND;
}

/* A list is read backwards, to newer objects, where the input says `ending_before`. */
static int backwards(const bb_call *call) {
    return bb_in(call, "ending_before") != NULL;
}

/* The host's cursor is the id of the page before's object that the next page lies beyond. Stripe takes one
 * direction at a time. */
bb_step stripe_list_start(bb_call *call, const bb_rest_route *route) {
    bb_rest_route one = *route;
    if (backwards(call))
        one.cursor = "ending_before";
    if (call->cursor.len > 0)
        one.aside = "stripe_account starting_after ending_before";
    return stripe_start(call, &one);
}

/* --- errors ----------------------------------------------------------------------------------------- */

/* "metadata[order][id]" as the JSON Pointer (RFC 6901) "/metadata/order/id"; absent where it does not fit. */
static bb_str pointer_of(bb_str param, char *out, size_t cap) {
    bb_str pointer = {NULL, 0};
    size_t n = 0;
    out[n++] = '/';
    for (size_t i = 0; i < param.len; i++) {
        char c = param.ptr[i];
        if (n + 2 > cap)
            return pointer;
        if (c == '~' || c == '/') {
            out[n++] = '~';
            out[n++] = c == '~' ? '0' : '1';
        } else if (c != ']') {
            out[n++] = c == '[' ? '/' : c;
        }
    }
    pointer.ptr = out;
    pointer.len = n;
    return pointer;
}

/* Stripe calls what stands in a path "id", or has a name of its own for it ("subscription_exposed_id"); every
 * other parameter is named as in the input. */
static bb_str param_of(bb_call *call, const bb_rest_route *route, const bb_json *error) {
    bb_str param = bb_text(call, bb_get(call, error, "param")), hole;
    const char *path = route->path;
    bb_str top = {param.ptr, 0};
    while (top.len < param.len && param.ptr[top.len] != '[')
        top.len++;
    if (param.len == 0 || call->host->json->get(call->input, top) != NULL)
        return param;
    hole = bb_rest_hole(&path);
    if (hole.len > 0 && (bb_str_eq(param, "id") || bb_str_eq(param, "subscription_exposed_id") ||
                         bb_str_eq(param, "link") || bb_str_eq(param, "invoiceitem")))
        return hole;
    return param;
}

static bb_code code_of(bb_call *call, bb_str type, bb_str code) {
    if (bb_str_eq(type, "idempotency_error"))
        return BB_E_UPSTREAM_CONFLICT;
    if (bb_str_eq(code, "lock_timeout") || bb_str_eq(code, "rate_limit"))
        return BB_E_UPSTREAM_RATE_LIMITED;
    if (bb_str_eq(type, "api_error") && bb_status(call) < 500)
        return BB_E_UPSTREAM;
    bb_code by_status = bb_code_from_http(bb_status(call));
    return by_status != BB_OK ? by_status : BB_E_UPSTREAM_INVALID;
}

/* {"error": {"type", "code", "decline_code", "message", "param"}} (https://docs.stripe.com/api/errors) */
bb_step stripe_fail(bb_call *call, const bb_rest_route *route) {
    const bb_json *error = bb_get(call, bb_response(call), "error");
    bb_str type = bb_text(call, bb_get(call, error, "type")),
           code = bb_text(call, bb_get(call, error, "code"));
    bb_str decline = bb_text(call, bb_get(call, error, "decline_code")), param = param_of(call, route, error);
    char pointer[256];
    bb_error e;
    memset(&e, 0, sizeof e);
    e.size = (uint32_t)sizeof e;
    e.code = code_of(call, type, code);
    e.message = bb_text(call, bb_get(call, error, "message"));
    e.upstream_code = decline.len > 0 ? decline : code.len > 0 ? code : type;
    if (param.len > 0)
        e.pointer = pointer_of(param, pointer, sizeof pointer);
    if (e.message.len == 0)
        return bb_fail_http(call, e.upstream_code, bb_s(NULL));
    call->host->call->fail(call, &e);
    return BB_FAIL;
}

/* --- answers ---------------------------------------------------------------------------------------- */

bb_step stripe_resume(bb_call *call, const bb_rest_route *route) {
    const bb_json *answer = bb_response(call);
    if (!bb_ok(call))
        return stripe_fail(call, route);
    if (bb_text(call, bb_get(call, answer, "object")).len == 0)
        return bb_fail(call, BB_E_UPSTREAM_INVALID,
                       "the answer is none of Stripe's objects: is base_url Stripe's API?");
    return bb_done_body(call);
}

/* The data of a page; NULL: the step has failed. */
static const bb_json *data_of(bb_call *call, const bb_rest_route *route) {
    const bb_json *data = bb_get(call, bb_response(call), "data");
    if (!bb_ok(call))
        stripe_fail(call, route);
    else if (!bb_is(call, data, BB_JSON_ARRAY))
        bb_fail(call, BB_E_UPSTREAM_INVALID, "the answer is no list of Stripe's: is base_url Stripe's API?");
    else
        return data;
    return NULL;
}

static int has_more(bb_call *call) {
    return call->host->json->to_bool(bb_get(call, bb_response(call), "has_more"), 0);
}

bb_step stripe_list_resume(bb_call *call, const bb_rest_route *route) {
    const bb_json_api *json = call->host->json;
    const bb_json *data = data_of(call, route), *edge = NULL;
    bb_json_iter it = {0};
    if (data == NULL)
        return BB_FAIL;
    if (backwards(call))
        edge = json->at(data, 0);
    else
        while (json->next(data, &it))
            edge = it.value;
    if (has_more(call))
        call->host->call->next_cursor(call, bb_text(call, bb_get(call, edge, "id")));
    return bb_done_body(call);
}

bb_step stripe_search_resume(bb_call *call, const bb_rest_route *route) {
    if (data_of(call, route) == NULL)
        return BB_FAIL;
    if (has_more(call))
        call->host->call->next_cursor(call, bb_text(call, bb_get(call, bb_response(call), "next_page")));
    return bb_done_body(call);
}
