/* routes - where busbar/rest.h puts the members of an input, and an auth scheme whose secret is the path. */
#include <busbar/auth.h>
#include <busbar/rest.h>
#include <busbar/test.h>
#include <stdio.h>
#include <string.h>

#define ANY "{\"type\":\"object\"}"
#define ROUTE(var, name, ...)                                                                               \
    static const bb_rest_route var##_route = {__VA_ARGS__};                                                 \
    static bb_step var##_start(bb_call *call) {                                                             \
        return bb_rest_send(call, &var##_route);                                                            \
    }                                                                                                       \
    static const bb_operation var = {                                                                       \
        BB_SIZE(bb_operation), .flags = BB_OP_PAGINATED, .id = name,          .summary = name, .items = "", \
        .input_schema = ANY,   .output_schema = "true",  .start = var##_start}

ROUTE(query, "query", .method = "GET", .path = "/a/{id}/b/{sub}/c", .cursor = "after");
ROUTE(form, "form", .method = "POST", .path = "/a", .members = BB_REST_FORM, .query = "q r", .aside = "own");
ROUTE(json, "json", .method = "PATCH", .path = "/a/{id}", .members = BB_REST_JSON, .query = "q");
ROUTE(none, "none", .method = "DELETE", .path = "/a/{id}", .members = BB_REST_NONE);
static const bb_operation *const operations[] = {&query, &form, &json, &none, NULL};

static bb_step sign(bb_call *call, const bb_auth_request *request) {
    (void)request;
    return bb_auth_target(call, bb_in_text(call, "path")) ? BB_DONE : BB_FAIL;
}
static const bb_auth_field path = {BB_SIZE(bb_auth_field), .flags = BB_AUTH_REQUIRED | BB_AUTH_SECRET,
                                   .name = "path", .description = "the secret"};
static const bb_auth_field *const fields[] = {&path, NULL};
static const bb_custom_auth hook = {BB_SIZE(bb_custom_auth), .id = "hook", .summary = "a path",
                                    .fields = fields, .sign = sign};
static const bb_custom_auth *const schemes[] = {&hook, NULL};
static const bb_auth_extension auth = {BB_SIZE(bb_auth_extension), .schemes = schemes};
static const bb_auth_scheme bare = {BB_SIZE(bb_auth_scheme), .scheme = "none", .summary = "no credentials"};
static const bb_auth_scheme *const bares[] = {&bare, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "routes",
    .name = "Routes",
    .version = "1.0.0",
    .summary = "Routes",
    .settings_schema = "{\"type\":\"object\",\"properties\":{\"base_url\":{\"type\":\"string\"}}}",
    .operations = operations,
    .auth_schemes = bares,
};
static const bb_extension extensions[] = {{BB_EXT_AUTH, &auth}, {NULL, NULL}};
BUSBAR_PLUGIN_WITH(plugin, extensions);

/* --- the test --------------------------------------------------------------------------------------- */

static void expect(bb_test *t, const char *operation, const char *input, const char *cursor) {
    const bb_test_result *r = bb_test_page(t, operation, input, cursor);
    BB_CHECK(t, r->code == BB_OK);
}

static void members(bb_test *t) {
    BB_TEST_EXCHANGE(t, .method = "GET", .url = "/a/x%2Fy/b/7/c?n%5Bm%5D=1&l%5B0%5D=z&after=p", .body = "",
                     .answer = "[]");
    expect(t, "query", "{\"id\":\"x/y\",\"n\":{\"m\":1},\"sub\":7,\"l\":[\"z\"],\"after\":\"p\"}", NULL);
    /* the cursor goes before the input's own */
    BB_TEST_EXCHANGE(t, .method = "GET", .url = "/a/x/b/y/c?z=1&after=next", .answer = "[]");
    expect(t, "query", "{\"id\":\"x\",\"after\":\"p\",\"sub\":\"y\",\"z\":1}", "next");
    BB_TEST_EXCHANGE(t, .method = "POST", .url = "/a?q=1&r=2", .body = "s=3&qr%5Ba%5D=", .answer = "[]");
    expect(t, "form", "{\"q\":1,\"own\":\"mine\",\"s\":3,\"r\":2,\"qr\":{\"a\":null}}", NULL);
    BB_TEST_EXCHANGE(t, .method = "PATCH", .url = "/a/x?q=1", .body = "{\"n\":{\"id\":1.50},\"l\":[]}",
                     .headers = BB_TEST_HEADERS("Content-Type: application/json"), .answer = "[]");
    expect(t, "json", "{\"id\":\"x\",\"q\":1,\"n\":{\"id\":1.50},\"l\":[]}", NULL);
    BB_TEST_EXCHANGE(t, .method = "PATCH", .url = "/a/x", .body = "{}", .answer = "[]");
    expect(t, "json", "{\"id\":\"x\"}", NULL);
    BB_TEST_EXCHANGE(t, .method = "DELETE", .url = "/a/x", .body = "", .answer = "[]");
    expect(t, "none", "{\"id\":\"x\",\"more\":1}", NULL);
}

static void ids_that_are_none(bb_test *t) {
    static const char *const bad[] = {"{}", "{\"id\":\"\"}", "{\"id\":\"..\"}", "{\"id\":{}}",
                                      "{\"id\":null}"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        BB_CHECK(t, bb_test_call(t, "none", bad[i])->code == BB_E_INVALID_INPUT);
}

int main(void) {
    bb_test *t = bb_test_new(&busbar_entry);
    BB_CHECK(t, bb_test_connect(t, "{\"base_url\":\"https://api.example.com/v2\"}"));
    members(t);
    ids_that_are_none(t);
    BB_TEST_EXCHANGE(t, .method = "PATCH", .answer = "[]");
    BB_CHECK(t, bb_test_torture(t, "json", "{\"id\":\"x\",\"n\":1}"));
    BB_CHECK(t, bb_test_auth(t, "hook", "{\"path\":\"/T0/secret?k=1\"}"));
    BB_TEST_EXCHANGE(t, .method = "DELETE", .url = "https://api.example.com/T0/secret?k=1", .answer = "[]");
    expect(t, "none", "{\"id\":\"x\"}", NULL);
    BB_CHECK(t, bb_test_auth(t, "hook", "{\"path\":\"T0/secret\"}"));
    BB_CHECK(t, bb_test_call(t, "none", "{\"id\":\"x\"}")->code == BB_E_CONFIG);
    return bb_test_end(t);
}
