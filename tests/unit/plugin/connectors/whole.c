/* A connector that declares everything there is to declare, once at least. */
#include <busbar/auth.h>
#include <busbar/busbar.h>
#include <busbar/session.h>
#include <busbar/webhook.h>
#include <stdlib.h>

static bb_step start(bb_call *call) {
    bb_request(call, "GET", "/things");
    return BB_SEND;
}
static bb_step resume(bb_call *call) {
    return bb_done_body(call);
}

static const bb_operation list = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE | BB_OP_PAGINATED,
    .state_size = 64,
    .timeout_ms = 1234,
    .id = "things.list",
    .summary = "Lists things",
    .description = "All of them,\npage by page.",
    .input_schema = "{\"type\":\"object\",\"properties\":{\"of\":{\"$ref\":\"thing\"}}}",
    .output_schema = "{\"type\":\"object\",\"properties\":{\"data\":{\"type\":\"array\"}}}",
    .examples = "[{\"summary\":\"all\",\"input\":{}}]",
    .idempotency_header = "Idempotency-Key",
    .items = "/data",
    .start = start,
    .resume = resume,
};
static const bb_operation least = {BB_SIZE(bb_operation), .id = "least", .start = start};
static const bb_operation session_op = {BB_SIZE(bb_operation), .id = "run", .start = bb_session_start};
const bb_operation *const operations[] = {&list, &least, &session_op, NULL}; /* visible: by its symbol */

static const bb_schema thing = {BB_SIZE(bb_schema), .name = "thing", .text = "{\"type\":\"string\"}"};
static const bb_schema *const schemas[] = {&thing, NULL};

static const bb_auth_scheme bearer = {BB_SIZE(bb_auth_scheme), .scheme = "bearer", .summary = "a token",
                                      .defaults = "{\"prefix\":\"Token\"}"};
static const bb_auth_scheme none = {BB_SIZE(bb_auth_scheme), .scheme = "none"};
static const bb_auth_scheme *const auth_schemes[] = {&bearer, &none, NULL};

static bb_step sign(bb_call *call, const bb_auth_request *request) {
    (void)request;
    bb_auth_header(call, "X-Key", bb_in_text(call, "key"));
    return BB_DONE;
}
static const bb_auth_field key = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET,
                                  .name = "key", .description = "the key"};
static const bb_auth_field zone = {BB_SIZE(bb_auth_field), .name = "zone", .description = "a zone",
                                   .otherwise = "eu"};
static const bb_auth_field *const fields[] = {&key, &zone, NULL};
static const char *const headers[] = {"X-Key", "X-Zone", NULL};
static const bb_custom_auth custom = {
    BB_SIZE(bb_custom_auth), .timeout_ms = 77,   .id = "whole_key", .summary = "a key",
    .fields = fields,        .headers = headers, .sign = sign};
static const bb_custom_auth *const customs[] = {&custom, NULL};
static const bb_auth_extension auth = {BB_SIZE(bb_auth_extension), .schemes = customs};

static bb_step verify(bb_call *call, const bb_webhook_request *request) {
    (void)request;
    return bb_webhook_refuse(call, "no");
}
static const bb_webhook_scheme hook = {BB_SIZE(bb_webhook_scheme), .flags = BB_WEBHOOK_GET,
                                       .id = "whole_hook",         .summary = "a hook",
                                       .fields = fields,           .verify = verify};
static const bb_webhook_scheme *const hooks[] = {&hook, NULL};
static const bb_webhook_extension webhooks = {BB_SIZE(bb_webhook_extension), .schemes = hooks};

static bb_code session_open(bb_session *session) {
    return bb_session_fail(session, BB_E_UPSTREAM_UNAVAILABLE, "there is nobody");
}
static void session_close(bb_session *session) {
    (void)session;
}
static bb_step session_run(bb_call *call, bb_session *session) {
    (void)session;
    return bb_done_text(call, bb_s("{}"));
}
static const bb_session_operation run = {BB_SIZE(bb_session_operation), .operation = "run",
                                         .run = session_run};
static const bb_session_operation *const runs[] = {&run, NULL};
static const bb_session_extension sessions = {BB_SIZE(bb_session_extension), .sessions = 3,
                                              .open = session_open, .close = session_close,
                                              .operations = runs};

static const int nothing = 7;
static const bb_extension extensions[] = {{BB_EXT_AUTH, &auth},
                                          {"example.unheard_of/3", &nothing},
                                          {BB_EXT_WEBHOOK, &webhooks},
                                          {BB_EXT_SESSION, &sessions},
                                          {NULL, NULL}};

static bb_code create(const bb_connection *connection, void **instance) {
    (void)connection;
    *instance = malloc(1);
    return *instance != NULL ? BB_OK : BB_E_NO_MEMORY;
}
static bb_code self_test(const bb_host *host) {
    (void)host;
    return BB_OK;
}

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "whole",
    .name = "Whole",
    .version = "4.5.6",
    .summary = "Declares everything",
    .vendor = "Nobody",
    .homepage = "https://whole.example/",
    .license = "MIT",
    .settings_schema = "{\"type\":\"object\",\"properties\":{\"base_url\":{\"type\":\"string\"}}}",
    .operations = operations,
    .auth_schemes = auth_schemes,
    .schemas = schemas,
    .test_operation = "least",
    .create = create,
    .destroy = free, /* another library's */
    .self_test = self_test,
};
#ifdef BY_FUNCTION
static const void *get_extension(const char *id) {
    return bb_extension_find(extensions, id);
}
BUSBAR_PLUGIN_EXT(plugin, get_extension);
#else
BUSBAR_PLUGIN_WITH(plugin, extensions);
#endif
