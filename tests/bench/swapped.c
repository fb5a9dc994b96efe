/* swapped.c - a connector that answers with its own build. Each swap gives the built file another number in
 * place of 000000, which makes it another build: a call tells which of them it ran on. */
#include <busbar/auth.h>
#include <busbar/busbar.h>

#include <stdio.h>
#include <stdlib.h>

static const char build[] = "0.0.0-build-000000";

static bb_step build_start(bb_call *call) {
    call->host->call->done_text(call, bb_s((const char *)call->instance));
    return BB_DONE;
}

/* Two requests, so that a swap can come between any two steps of a call. */
static bb_step fetch_start(bb_call *call) {
    bb_request(call, "GET", "/first");
    return BB_SEND;
}

static bb_step fetch_resume(bb_call *call) {
    if (call->step > 1)
        return build_start(call);
    bb_request(call, "GET", "/second");
    return BB_SEND;
}

/* --- its auth scheme: a token got by a request, put in with the build's own words ----------------- */

static bb_step login_start(bb_call *call) {
    bb_request(call, "GET", "/login");
    return BB_SEND;
}

static bb_step login_resume(bb_call *call) {
    return bb_done_token(call, bb_s("token"), 3600);
}

static bb_step sign(bb_call *call, const bb_auth_request *request) {
    (void)request;
    bb_auth_header(call, "X-Build", bb_s(build));
    return BB_DONE;
}

static const char *const headers[] = {"X-Build", NULL};
static const bb_custom_auth scheme = {
    BB_SIZE(bb_custom_auth),
    .id = "stamp",
    .summary = "Puts the build into each request",
    .headers = headers,
    .start = login_start,
    .resume = login_resume,
    .sign = sign,
};
static const bb_custom_auth *const schemes[] = {&scheme, NULL};
static const bb_auth_extension auth = {BB_SIZE(bb_auth_extension), .schemes = schemes};
static const bb_auth_scheme none = {BB_SIZE(bb_auth_scheme), .scheme = "none", .summary = "No credentials"};
static const bb_auth_scheme *const auth_schemes[] = {&none, NULL};

static const void *extension(const char *id) {
    return strcmp(id, BB_EXT_AUTH) == 0 ? &auth : NULL;
}

/* --- its connections -------------------------------------------------------------------------------- */

/* The answer is made once for a connection, so that a generation that outlives its instance would be seen. */
static bb_code create(const bb_connection *connection, void **instance) {
    static const char pattern[] = "{\"build\":\"%s\"}";
    (void)connection;
    size_t size = sizeof pattern + sizeof build;
    char *answer = malloc(size);
    if (answer == NULL)
        return BB_E_NO_MEMORY;
    snprintf(answer, size, pattern, build);
    *instance = answer;
    return BB_OK;
}

static void destroy(void *instance) {
    free(instance);
}

static const bb_operation build_operation = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE,
    .id = "build",
    .summary = "Which build answers",
    .input_schema = "{\"type\":\"object\",\"additionalProperties\":false}",
    .output_schema = "{\"type\":\"object\",\"required\":[\"build\"]}",
    .start = build_start,
};

static const bb_operation fetch_operation = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE,
    .id = "fetch",
    .summary = "Which build answers, after two requests to base_url",
    .input_schema = "{\"type\":\"object\",\"additionalProperties\":false}",
    .output_schema = "{\"type\":\"object\",\"required\":[\"build\"]}",
    .start = fetch_start,
    .resume = fetch_resume,
};

static const bb_operation *const operations[] = {&build_operation, &fetch_operation, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "swapped",
    .name = "Swapped",
    .version = build,
    .summary = "Answers with its own build",
    .settings_schema = "{\"type\":\"object\",\"additionalProperties\":false,"
                       "\"properties\":{\"base_url\":{\"type\":\"string\"}}}",
    .operations = operations,
    .auth_schemes = auth_schemes,
    .create = create,
    .destroy = destroy,
};

BUSBAR_PLUGIN_EXT(plugin, extension);
