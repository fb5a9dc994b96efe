/* odd - a connector for the tests of the mock host: one operation for each thing that a step can do, well or
 * badly. */
#include <busbar/abandon.h>
#include <busbar/auth.h>
#include <busbar/busbar.h>
#include <busbar/memory.h>
#include <busbar/webhook.h>
#include <stdlib.h>

typedef struct state {
    int64_t pages;
    char first[32];
} state;

/* --- operations that behave ------------------------------------------------------------------------------
 */

static bb_step echo_start(bb_call *call) {
    bb_request(call, "POST", "/echo");
    bb_segment(call, bb_in_text(call, "id"));
    bb_query_in(call, "q");
    bb_header(call, "X-Empty", bb_s(""));
    bb_header(call, "X-Prefix", bb_s((const char *)call->instance));
    bb_body_json(call, call->input);
    return BB_SEND;
}

static bb_step pages_start(bb_call *call) {
    bb_request(call, "GET", "/pages");
    if (call->cursor.len > 0)
        bb_query(call, "from", call->cursor);
    return BB_SEND;
}

static bb_step pages_resume(bb_call *call) {
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_s(NULL));
    call->host->call->next_cursor(call, call->host->http->response_header(call, bb_s("x-next")));
    return bb_done_body(call);
}

/* Three requests; what the first answered is used after the third. */
static bb_step chain_resume(bb_call *call) {
    state *s = call->state;
    bb_str name = bb_text(call, bb_get(call, bb_response(call), "name"));
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s("broken_chain"), bb_s(NULL));
    if (s->pages++ == 0 && name.len < sizeof s->first)
        memcpy(s->first, name.ptr, name.len);
    if (s->pages < 3) {
        bb_request(call, "GET", "https://elsewhere.example/next");
        return BB_SEND;
    }
    bb_json_writer *w = call->host->json->writer(call);
    call->host->json->put_string(w, bb_s(s->first));
    return bb_done_writer(call, w);
}

static bb_step default_start(bb_call *call) {
    bb_request(call, "GET", "/plain");
    return BB_SEND;
}

static bb_step form_start(bb_call *call) {
    bb_request(call, "POST", "/form?a=1");
    call->host->http->form_json(call, bb_s(NULL), call->input);
    return BB_SEND;
}

static bb_step bytes_start(bb_call *call) {
    bb_request(call, "PUT", "/bytes");
    bb_str bytes = {"\377\0\1", 3};
    call->host->http->body(call, bb_s("application/octet-stream"), bytes);
    return BB_SEND;
}

static bb_step input_start(bb_call *call) {
    return bb_fail_input(call, "/n", "odd numbers only");
}

/* --- operations that do not --------------------------------------------------------------------------------
 */

static bb_step lies_resume(bb_call *call) {
    return bb_done_text(call, bb_s("\"not what the schema says\""));
}
static bb_step broken_resume(bb_call *call) {
    return bb_done_text(call, bb_s("{"));
}
/* Tells how far it is from each step. */
static bb_step polls_start(bb_call *call) {
    bb_progress(call, -1, 2, "polls", bb_s("begun"));
    return default_start(call);
}
static bb_step polls_resume(bb_call *call) {
    static const char long_[] = "a state of which nobody would think that it is the name of a state, so long "
                                "is it, and so tiresome";
    bb_progress(call, call->step, 2, "polls", bb_s(call->step < 2 ? "on its way" : long_));
    return call->step < 2 ? default_start(call) : bb_done_text(call, bb_s("1"));
}
static bb_step endless_resume(bb_call *call) {
    bb_request(call, "GET", "/again");
    return BB_SEND;
}
/* Answers, whatever the host says: without memory the writer has failed, and this output is another one. */
static bb_step careless_resume(bb_call *call) {
    char *text = call->host->call->alloc(call, 64);
    return bb_done_text(call, text != NULL ? bb_s("1") : bb_s("2"));
}

#define OPERATION(name, ...) \
    static const bb_operation name = {BB_SIZE(bb_operation), .id = #name, __VA_ARGS__}
OPERATION(echo, .start = echo_start, .input_schema = "{\"type\":\"object\",\"required\":[\"id\"]}");
OPERATION(pages, .flags = BB_OP_SAFE | BB_OP_PAGINATED, .items = "/items", .start = pages_start,
          .resume = pages_resume);
OPERATION(chain, .state_size = sizeof(state), .start = default_start, .resume = chain_resume);
OPERATION(plain, .timeout_ms = 1000, .start = default_start);
OPERATION(form, .start = form_start);
OPERATION(bytes, .start = bytes_start);
OPERATION(input, .start = input_start);
OPERATION(lies, .output_schema = "{\"type\":\"object\"}", .start = default_start, .resume = lies_resume);
OPERATION(broken, .start = default_start, .resume = broken_resume);
OPERATION(polls, .start = polls_start, .resume = polls_resume);
OPERATION(endless, .start = default_start, .resume = endless_resume);
OPERATION(careless, .start = default_start, .resume = careless_resume);
static const bb_operation *const operations[] = {&echo, &pages,  &chain,   &plain,    &form,  &bytes, &input,
                                                 &lies, &broken, &endless, &careless, &polls, NULL};

/* --- an auth scheme without a signature: the token goes as a bearer's --------------------------------------
 */

static bb_step login_start(bb_call *call) {
    bb_request(call, "POST", "/login");
    bb_form(call, "client_secret", bb_in_text(call, "secret"));
    bb_form(call, "zone", bb_in_text(call, "zone"));
    return BB_SEND;
}
static bb_step login_resume(bb_call *call) {
    int64_t seconds = 0;
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_s("the login was refused"));
    call->host->json->to_int64(bb_get(call, bb_response(call), "seconds"), &seconds);
    return bb_done_token(call, bb_text(call, bb_get(call, bb_response(call), "access_token")), seconds);
}
static bb_step stamp_sign(bb_call *call, const bb_auth_request *request) {
    char text[64];
    snprintf(text, sizeof text, "%llu-%02x", (unsigned long long)request->now_ms, request->random[0]);
    bb_auth_header(call, "Authorization", bb_s(text));
    bb_auth_query(call, "count", bb_s(request->header_count == 1 ? "1" : "?"));
    return BB_DONE;
}

static const bb_auth_field secret = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET,
                                     .name = "secret", .description = "what it takes"};
static const bb_auth_field zone = {BB_SIZE(bb_auth_field), .name = "zone", .description = "where",
                                   .otherwise = "main"};
static const bb_auth_field *const fields[] = {&secret, &zone, NULL};
static const bb_custom_auth login = {BB_SIZE(bb_custom_auth), .flags = BB_AUTH_RENEW, .id = "odd_login",
                                     .summary = "a login",    .fields = fields,       .start = login_start,
                                     .resume = login_resume};
static const bb_custom_auth stamp = {BB_SIZE(bb_custom_auth), .id = "odd_stamp", .summary = "a stamp",
                                     .sign = stamp_sign};
static const bb_custom_auth *const custom[] = {&login, &stamp, NULL};
static const bb_auth_extension auth = {BB_SIZE(bb_auth_extension), .schemes = custom};

/* --- webhooks: "how" in the query says how it ends --------------------------------------------------------
 */

static bb_step odd_verify(bb_call *call, const bb_webhook_request *request) {
    bb_str how = request->query;
    if (bb_str_eq(how, "refuse") || request->method.len == 0)
        return bb_webhook_refuse(call, "not the service's");
    if (bb_str_eq(how, "nothing"))
        return BB_DONE;
    if (bb_str_eq(how, "send")) {
        bb_request(call, "GET", "https://elsewhere.example/");
        return BB_SEND;
    }
    if (bb_str_eq(how, "status"))
        bb_webhook_answer(call, 302, NULL, bb_s(NULL));
    else if (bb_str_eq(how, "not_json"))
        bb_webhook_event(call, bb_s("1"), bb_s(NULL), bb_s("{"));
    else if (bb_str_eq(how, "bad_id"))
        bb_webhook_event(call, bb_s("a\nb"), bb_s(NULL), bb_s("{}"));
    else if (bb_str_eq(how, "challenge"))
        bb_webhook_answer(call, 200, "text/plain", bb_in_text(call, "zone"));
    else if (bb_str_eq(how, "many"))
        for (int i = 0; i < 1001; i++)
            bb_webhook_event(call, bb_s(NULL), bb_s(NULL), bb_s("1"));
    else {
        bb_webhook_signed_at(call, 1000);
        bb_webhook_event(call, bb_webhook_header(request, "X-Id"), bb_s("body"), bb_s(NULL));
        bb_webhook_event(call, bb_s(NULL), bb_s(NULL), bb_s("[2]"));
        bb_webhook_answer(call, 202, "application/json", bb_s("{}"));
    }
    return BB_DONE;
}

static const bb_webhook_scheme odd_hook = {BB_SIZE(bb_webhook_scheme), .flags = BB_WEBHOOK_GET,
                                           .id = "odd_hook",           .summary = "a hook",
                                           .fields = fields,           .verify = odd_verify};
static const bb_webhook_scheme post_hook = {BB_SIZE(bb_webhook_scheme), .id = "post_hook",
                                            .summary = "POST alone", .verify = odd_verify};
static const bb_webhook_scheme *const hooks[] = {&odd_hook, &post_hook, NULL};
static const bb_webhook_extension webhooks = {BB_SIZE(bb_webhook_extension), .schemes = hooks};

/* Has the service told where it is given up, but for a caller in whose hurry nothing was begun. */
static bb_step polls_abandon(bb_call *call, bb_code why) {
    if (call->step < 2)
        return BB_DONE;
    if (bb_in(call, "stubborn") != NULL)
        return bb_fail(call, BB_E_UNSUPPORTED, "there is no way back");
    bb_request(call, "POST", why == BB_E_CANCELLED ? "/cancel" : "/late");
    bb_body_json(call, call->input);
    return BB_SEND;
}
static const bb_abandon_operation polls_given_up = {BB_SIZE(bb_abandon_operation), .operation = "polls",
                                                    .abandon = polls_abandon};
static const bb_abandon_operation *const given_up[] = {&polls_given_up, NULL};
static const bb_abandon_extension abandons = {BB_SIZE(bb_abandon_extension), .operations = given_up};

static const bb_extension extensions[] = {
    {BB_EXT_AUTH, &auth}, {BB_EXT_WEBHOOK, &webhooks}, {BB_EXT_ABANDON, &abandons}, {NULL, NULL}};

/* --- settings
 * ------------------------------------------------------------------------------------------------ */

static bb_code create(const bb_connection *connection, void **instance) {
    const bb_json_api *json = connection->host->json;
    bb_str prefix = json->string(json->get(connection->settings, bb_s("prefix")));
    if (bb_str_eq(prefix, "bad")) {
        connection->host->reject(connection, "/prefix", "is bad");
        return BB_E_CONFIG;
    }
    if (bb_str_eq(prefix, "forgetful") && bb_connection_zalloc(connection, 30) == NULL)
        return BB_E_NO_MEMORY;
    char *copy = calloc(1, prefix.len + 1);
    memcpy(copy, prefix.ptr, prefix.len);
    *instance = copy;
    return BB_OK;
}

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "odd",
    .name = "Odd",
    .version = "1.0.0",
    .summary = "Every way to end",
    .settings_schema =
        "{\"type\":\"object\",\"required\":[\"base_url\"],\"additionalProperties\":false,\"properties\":"
        "{\"base_url\":{\"type\":\"string\"},\"prefix\":{\"type\":\"string\",\"default\":\"usual\"}}}",
    .operations = operations,
    .create = create,
    .destroy = free,
};
BUSBAR_PLUGIN_WITH(plugin, extensions);
