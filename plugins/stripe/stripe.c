/* stripe - customers, payment intents and refunds, by Stripe's API (https://docs.stripe.com/api).
 *
 * Requests are forms with names in brackets; every POST may be repeated, for Stripe knows it by its
 * Idempotency-Key. The instance is the connection's settings, which the host keeps until `destroy` returns.
 */
#include "schemas.h"

#include <busbar/busbar.h>

/* --- requests --------------------------------------------------------------------------------------- */

static void put_headers(bb_call *call) {
    bb_str version = bb_text(call, bb_get(call, call->instance, "api_version"));
    bb_str account = bb_text(call, bb_get(call, call->instance, "stripe_account"));
    if (version.len > 0)
        bb_header(call, "Stripe-Version", version);
    if (account.len > 0)
        bb_header(call, "Stripe-Account", account);
}

/* Every member of the input but the one that stands in the path. */
static void put_members(bb_call *call, const char *in_path, void (*put)(bb_call *, bb_str, const bb_json *)) {
    bb_json_iter it = {0};
    while (call->host->json->next(call->input, &it))
        if (in_path == NULL || !bb_str_eq(it.key, in_path))
            put(call, it.key, it.value);
}

static bb_step get(bb_call *call, const char *path, const char *id) {
    bb_request(call, "GET", path);
    if (id != NULL)
        bb_segment(call, bb_in_text(call, id));
    put_headers(call);
    put_members(call, id, call->host->http->query_json);
    return BB_SEND;
}

static bb_step post(bb_call *call, const char *path, const char *id, const char *action) {
    bb_request(call, "POST", path);
    if (id != NULL)
        bb_segment(call, bb_in_text(call, id));
    if (action != NULL)
        bb_segment(call, bb_s(action));
    put_headers(call);
    put_members(call, id, call->host->http->form_json);
    return BB_SEND;
}

/* A list is read backwards, to newer objects, where the input says `ending_before`. */
static const char *direction(const bb_call *call) {
    return bb_in(call, "ending_before") != NULL ? "ending_before" : "starting_after";
}

/* The host's cursor is the id of the page before's object that the next page lies beyond. */
static void put_page_member(bb_call *call, bb_str key, const bb_json *value) {
    if (call->cursor.len == 0 || (!bb_str_eq(key, "starting_after") && !bb_str_eq(key, "ending_before")))
        call->host->http->query_json(call, key, value);
}

static bb_step list(bb_call *call, const char *path) {
    bb_request(call, "GET", path);
    put_headers(call);
    put_members(call, NULL, put_page_member);
    if (call->cursor.len > 0)
        bb_query(call, direction(call), call->cursor);
    return BB_SEND;
}

static bb_step customers_create_start(bb_call *call) {
    return post(call, "/v1/customers", NULL, NULL);
}
static bb_step customers_retrieve_start(bb_call *call) {
    return get(call, "/v1/customers", "customer");
}
static bb_step customers_update_start(bb_call *call) {
    return post(call, "/v1/customers", "customer", NULL);
}
static bb_step customers_list_start(bb_call *call) {
    return list(call, "/v1/customers");
}
static bb_step intents_create_start(bb_call *call) {
    return post(call, "/v1/payment_intents", NULL, NULL);
}
static bb_step intents_retrieve_start(bb_call *call) {
    return get(call, "/v1/payment_intents", "intent");
}
static bb_step intents_update_start(bb_call *call) {
    return post(call, "/v1/payment_intents", "intent", NULL);
}
static bb_step intents_confirm_start(bb_call *call) {
    return post(call, "/v1/payment_intents", "intent", "confirm");
}
static bb_step intents_capture_start(bb_call *call) {
    return post(call, "/v1/payment_intents", "intent", "capture");
}
static bb_step intents_cancel_start(bb_call *call) {
    return post(call, "/v1/payment_intents", "intent", "cancel");
}
static bb_step intents_list_start(bb_call *call) {
    return list(call, "/v1/payment_intents");
}
static bb_step refunds_create_start(bb_call *call) {
    return post(call, "/v1/refunds", NULL, NULL);
}

static bb_step customers_delete_start(bb_call *call) {
    bb_request(call, "DELETE", "/v1/customers");
    bb_segment(call, bb_in_text(call, "customer"));
    put_headers(call);
    return BB_SEND;
}

/* --- answers ---------------------------------------------------------------------------------------- */

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

/* Stripe calls the customer in a path "id"; every other parameter is named as in the input. */
static bb_str param_of(bb_call *call, const bb_json *error) {
    bb_str param = bb_text(call, bb_get(call, error, "param"));
    if (bb_str_eq(param, "id") && bb_in(call, "customer") != NULL)
        return bb_s("customer");
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
static bb_step fail(bb_call *call) {
    const bb_json *error = bb_get(call, bb_response(call), "error");
    bb_str type = bb_text(call, bb_get(call, error, "type")),
           code = bb_text(call, bb_get(call, error, "code"));
    bb_str decline = bb_text(call, bb_get(call, error, "decline_code")), param = param_of(call, error);
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

static bb_step resume(bb_call *call) {
    const bb_json *answer = bb_response(call);
    if (!bb_ok(call))
        return fail(call);
    if (bb_text(call, bb_get(call, answer, "object")).len == 0)
        return bb_fail(call, BB_E_UPSTREAM_INVALID,
                       "the answer is none of Stripe's objects: is base_url Stripe's API?");
    return bb_done_body(call);
}

static bb_step list_resume(bb_call *call) {
    const bb_json_api *json = call->host->json;
    const bb_json *answer = bb_response(call), *data = bb_get(call, answer, "data"), *edge = NULL;
    bb_json_iter it = {0};
    if (!bb_ok(call))
        return fail(call);
    if (!bb_is(call, data, BB_JSON_ARRAY))
        return bb_fail(call, BB_E_UPSTREAM_INVALID,
                       "the answer is no list of Stripe's: is base_url Stripe's API?");
    if (bb_str_eq(bb_s(direction(call)), "ending_before"))
        edge = json->at(data, 0);
    else
        while (json->next(data, &it))
            edge = it.value;
    if (json->to_bool(bb_get(call, answer, "has_more"), 0))
        call->host->call->next_cursor(call, bb_text(call, bb_get(call, edge, "id")));
    return bb_done_body(call);
}

/* --- what it declares ------------------------------------------------------------------------------- */

#define READ(var, name, text, in, out, example)                                                              \
    static const bb_operation op_##var = {BB_SIZE(bb_operation), .flags = BB_OP_SAFE,  .id = name,           \
                                          .summary = text,       .input_schema = in,   .output_schema = out, \
                                          .examples = example,   .start = var##_start, .resume = resume}
#define LIST(var, name, text, in, out, example)                                  \
    static const bb_operation op_##var = {BB_SIZE(bb_operation),                 \
                                          .flags = BB_OP_SAFE | BB_OP_PAGINATED, \
                                          .id = name,                            \
                                          .summary = text,                       \
                                          .input_schema = in,                    \
                                          .output_schema = out,                  \
                                          .examples = example,                   \
                                          .items = "/data",                      \
                                          .start = var##_start,                  \
                                          .resume = list_resume}
#define WRITE(var, extra_flags, name, text, in, out, example)                      \
    static const bb_operation op_##var = {BB_SIZE(bb_operation),                   \
                                          .flags = extra_flags,                    \
                                          .id = name,                              \
                                          .summary = text,                         \
                                          .input_schema = in,                      \
                                          .output_schema = out,                    \
                                          .examples = example,                     \
                                          .idempotency_header = "Idempotency-Key", \
                                          .start = var##_start,                    \
                                          .resume = resume}

#define CUSTOMER_OUT "{\"$ref\":\"customer\"}"
#define INTENT_OUT "{\"$ref\":\"payment_intent\"}"

WRITE(customers_create, 0, "customers.create", "Create a customer", customers_create_input, CUSTOMER_OUT,
      "[{\"summary\":\"with "
      "metadata\",\"input\":{\"email\":\"jenny@example.com\",\"name\":\"Jenny\",\"metadata\":{\"order\":"
      "\"6735\"}}}]");
READ(customers_retrieve, "customers.retrieve", "Read a customer", customers_retrieve_input, CUSTOMER_OUT,
     "[{\"summary\":\"by id\",\"input\":{\"customer\":\"cus_NffrFeUfNV2Hib\"}}]");
WRITE(customers_update, 0, "customers.update", "Change a customer", customers_update_input, CUSTOMER_OUT,
      "[{\"summary\":\"another name\",\"input\":{\"customer\":\"cus_NffrFeUfNV2Hib\",\"name\":\"Jenny "
      "Rosen\"}}]");
WRITE(customers_delete, BB_OP_IDEMPOTENT | BB_OP_DESTRUCTIVE, "customers.delete",
      "Delete a customer and cancel their subscriptions", customers_delete_input, CUSTOMER_OUT,
      "[{\"summary\":\"by id\",\"input\":{\"customer\":\"cus_NffrFeUfNV2Hib\"}}]");
LIST(customers_list, "customers.list", "List customers, the newest first", customers_list_input,
     LIST_OF("customer"), "[{\"summary\":\"three of them\",\"input\":{\"limit\":3}}]");
WRITE(intents_create, 0, "payment_intents.create", "Create a payment intent", intents_create_input,
      INTENT_OUT,
      "[{\"summary\":\"20 "
      "dollars\",\"input\":{\"amount\":2000,\"currency\":\"usd\",\"automatic_payment_methods\":{\"enabled\":"
      "true}}}]");
READ(intents_retrieve, "payment_intents.retrieve", "Read a payment intent", intents_retrieve_input,
     INTENT_OUT, "[{\"summary\":\"by id\",\"input\":{\"intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\"}}]");
WRITE(intents_update, 0, "payment_intents.update", "Change a payment intent", intents_update_input,
      INTENT_OUT,
      "[{\"summary\":\"metadata\",\"input\":{\"intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\",\"metadata\":{"
      "\"order_id\":\"6735\"}}}]");
WRITE(intents_confirm, 0, "payment_intents.confirm", "Confirm a payment intent", intents_confirm_input,
      INTENT_OUT,
      "[{\"summary\":\"with a "
      "card\",\"input\":{\"intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\",\"payment_method\":\"pm_card_visa\"}}]");
WRITE(intents_capture, 0, "payment_intents.capture", "Capture the money of a confirmed payment intent",
      intents_capture_input, INTENT_OUT,
      "[{\"summary\":\"all of it\",\"input\":{\"intent\":\"pi_3MrPBM2eZvKYlo2C1TEMacFD\"}}]");
WRITE(intents_cancel, BB_OP_DESTRUCTIVE, "payment_intents.cancel", "Cancel a payment intent",
      intents_cancel_input, INTENT_OUT,
      "[{\"summary\":\"abandoned\",\"input\":{\"intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\",\"cancellation_"
      "reason\":\"abandoned\"}}]");
LIST(intents_list, "payment_intents.list", "List payment intents, the newest first", intents_list_input,
     LIST_OF("payment_intent"),
     "[{\"summary\":\"of a customer\",\"input\":{\"customer\":\"cus_NffrFeUfNV2Hib\"}}]");
WRITE(
    refunds_create, 0, "refunds.create", "Refund a payment, wholly or in part", refunds_create_input,
    "{\"$ref\":\"refund\"}",
    "[{\"summary\":\"of a payment intent\",\"input\":{\"payment_intent\":\"pi_3MtwBwLkdIwHu7ix28a3tqPa\"}}]");

static const bb_operation *const operations[] = {&op_customers_create, &op_customers_retrieve,
                                                 &op_customers_update, &op_customers_delete,
                                                 &op_customers_list,   &op_intents_create,
                                                 &op_intents_retrieve, &op_intents_update,
                                                 &op_intents_confirm,  &op_intents_capture,
                                                 &op_intents_cancel,   &op_intents_list,
                                                 &op_refunds_create,   NULL};

static const bb_schema address = {BB_SIZE(bb_schema), .name = "address", .text = address_schema};
static const bb_schema metadata = {BB_SIZE(bb_schema), .name = "metadata", .text = metadata_schema};
static const bb_schema customer = {BB_SIZE(bb_schema), .name = "customer", .text = customer_schema};
static const bb_schema payment_intent = {BB_SIZE(bb_schema), .name = "payment_intent",
                                         .text = payment_intent_schema};
static const bb_schema refund = {BB_SIZE(bb_schema), .name = "refund", .text = refund_schema};
static const bb_schema *const schemas[] = {&address, &metadata, &customer, &payment_intent, &refund, NULL};

static const bb_auth_scheme bearer = {
    BB_SIZE(bb_auth_scheme), .scheme = "bearer",
    .summary = "token: a secret key (sk_...), or better a restricted key (rk_...) with only the permissions "
               "that are needed; Stripe's "
               "dashboard, Developers, API keys"};
static const bb_auth_scheme basic = {BB_SIZE(bb_auth_scheme), .scheme = "basic",
                                     .summary = "username: the key; password: empty"};
static const bb_auth_scheme *const schemes[] = {&bearer, &basic, NULL};

static bb_code create(const bb_connection *connection, void **instance) {
    *instance = (void *)(uintptr_t)connection->settings;
    return BB_OK;
}

static void destroy(void *instance) {
    (void)instance; /* the settings are the host's */
}

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "stripe",
    .name = "Stripe",
    .version = "1.0.0",
    .summary = "Customers, payment intents and refunds",
    .vendor = "Busbar",
    .homepage = "https://docs.stripe.com/api",
    .settings_schema = settings_schema,
    .operations = operations,
    .auth_schemes = schemes,
    .schemas = schemas,
    .test_operation = "customers.list",
    .create = create,
    .destroy = destroy,
};

BUSBAR_PLUGIN(plugin);
