/* weather - a first connector: one operation, one request, and the service's own error text. */
#include <busbar/busbar.h>

static bb_step current_start(bb_call *call) {
    bb_request(call, "GET", "/v1/current");
    bb_query(call, "city", bb_in_text(call, "city"));
    return BB_SEND;
}

static bb_step current_resume(bb_call *call) {
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_text(call, bb_get(call, bb_response(call), "error")));
    return bb_done_body(call);
}

static const bb_operation current = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE,
    .id = "current",
    .summary = "The weather of a city, now",
    .input_schema = "{\"type\":\"object\",\"required\":[\"city\"],\"additionalProperties\":false,"
                    "\"properties\":{\"city\":{\"type\":\"string\",\"minLength\":1}}}",
    .output_schema = "{\"type\":\"object\"}",
    .start = current_start,
    .resume = current_resume,
};
static const bb_operation *const operations[] = {&current, NULL};

static const bb_auth_scheme key = {BB_SIZE(bb_auth_scheme), .scheme = "api_key", .summary = "your key",
                                   .defaults = "{\"name\":\"X-Weather-Key\"}"};
static const bb_auth_scheme *const schemes[] = {&key, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "weather",
    .name = "Weather",
    .version = "1.0.0",
    .summary = "Current weather",
    .settings_schema = "{\"type\":\"object\",\"required\":[\"base_url\"],\"additionalProperties\":false,"
                       "\"properties\":{\"base_url\":{\"type\":\"string\"}}}",
    .operations = operations,
    .auth_schemes = schemes,
};
BUSBAR_PLUGIN(plugin);
