/* rest - any REST API: one request at a time, or a list through all its pages.
 *
 * The instance is the connection's settings, which the host keeps until `destroy` returns. */
#include "rest.h"
#include "../settings.h"
#include "schemas.h"

#include <stdlib.h>

/* --- describing the request ------------------------------------------------------------------------- */

static const char *const reserved[] = {
    "authorization", "proxy-authorization", "host", "content-length", "transfer-encoding",
    "connection",    "keep-alive",          "te",   "trailer",        "upgrade",
    "expect"};

static int same_name(bb_str a, const char *b) {
    if (a.len != strlen(b))
        return 0;
    for (size_t i = 0; i < a.len; i++)
        if ((a.ptr[i] >= 'A' && a.ptr[i] <= 'Z' ? a.ptr[i] + 32 : a.ptr[i]) != b[i])
            return 0;
    return 1;
}

static int is_reserved(bb_str name) {
    for (size_t i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
        if (same_name(name, reserved[i]))
            return 1;
    return 0;
}

/* Fields of the settings stand before those of the input. False: the step has failed. */
static int put_headers(bb_call *call, const bb_json *headers, int from_input) {
    bb_json_iter it = {0};
    while (call->host->json->next(headers, &it)) {
        if (from_input && is_reserved(it.key)) {
            char pointer[120];
            snprintf(pointer, sizeof pointer, "/headers/%.*s", (int)(it.key.len < 100 ? it.key.len : 100),
                     it.key.ptr);
            bb_fail_input(call, pointer,
                          "this field is the connection's own: credentials belong into its [auth]");
            return 0;
        }
        call->host->http->header(call, it.key, bb_text(call, it.value));
    }
    return 1;
}

/* A list repeats its name: a=1&a=2. */
static void put_query_value(bb_call *call, bb_str name, const bb_json *value) {
    const bb_json_api *json = call->host->json;
    bb_json_iter it = {0};
    if (json->type(value) == BB_JSON_OBJECT)
        call->host->http->query_json(call, name, value);
    else if (json->type(value) == BB_JSON_ARRAY)
        while (json->next(value, &it))
            call->host->http->query(call, name, bb_text(call, it.value));
    else if (json->type(value) != BB_JSON_NULL)
        call->host->http->query(call, name, bb_text(call, value));
}

/* `skip`: a parameter that the pages set themselves. */
void rest_put_query(bb_call *call, bb_str skip) {
    bb_json_iter it = {0};
    const bb_json *query = bb_in(call, "query");
    while (call->host->json->next(query, &it))
        if (skip.len == 0 || it.key.len != skip.len || memcmp(it.key.ptr, skip.ptr, skip.len) != 0)
            put_query_value(call, it.key, it.value);
}

int rest_put_headers(bb_call *call) {
    return put_headers(call, bb_get(call, call->instance, "headers"), 0) &&
           put_headers(call, bb_in(call, "headers"), 1);
}

static void put_body(bb_call *call) {
    const bb_json *json = bb_in(call, "json"), *form = bb_in(call, "form"), *body = bb_in(call, "body");
    bb_str type = bb_in_text(call, "content_type");
    if (json != NULL)
        bb_body_json(call, json);
    else if (form != NULL)
        call->host->http->form_json(call, bb_s(NULL), form);
    else if (body != NULL)
        call->host->http->body(call, type.len > 0 ? type : bb_s("text/plain; charset=utf-8"),
                               bb_text(call, body));
}

static bb_step request_start(bb_call *call) {
    bb_str method = bb_in_text(call, "method");
    call->host->http->begin(call, method.len > 0 ? method : bb_s("GET"), bb_in_text(call, "path"));
    rest_put_query(call, bb_s(NULL));
    if (!rest_put_headers(call))
        return BB_FAIL;
    put_body(call);
    return BB_SEND;
}

static bb_step get_start(bb_call *call) {
    call->host->http->begin(call, bb_s("GET"), bb_in_text(call, "path"));
    rest_put_query(call, bb_s(NULL));
    return rest_put_headers(call) ? BB_SEND : BB_FAIL;
}

/* --- the answer ------------------------------------------------------------------------------------- */

static int status_fits(int32_t status, bb_str pattern) {
    char text[8];
    snprintf(text, sizeof text, "%d", (int)status);
    return pattern.len == 3 && pattern.ptr[0] == text[0] &&
           (pattern.ptr[1] == 'x' || (pattern.ptr[1] == text[1] && pattern.ptr[2] == text[2]));
}

static int is_expected(bb_call *call) {
    const bb_json *expect = bb_in(call, "expect");
    bb_json_iter it = {0};
    if (expect == NULL)
        return bb_ok(call);
    while (call->host->json->next(expect, &it))
        if (status_fits(bb_status(call), bb_text(call, it.value)))
            return 1;
    return 0;
}

/* What the service says went wrong, where its answer has one of the usual forms (RFC 9457, {"error":
 * {"message"}}, ...). */
static bb_str message_of(bb_call *call) {
    static const char *const members[] = {"detail", "message", "error_description",
                                          "error",  "title",   "reason"};
    const bb_json *body = bb_response(call), *error = bb_get(call, body, "error");
    const bb_json *places[] = {bb_is(call, error, BB_JSON_OBJECT) ? error : body, body};
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) {
            bb_str text = bb_text(call, bb_get(call, places[p], members[i]));
            if (text.len > 0)
                return text;
        }
    }
    return bb_s(NULL);
}

bb_step rest_fail(bb_call *call) {
    int32_t status = bb_status(call);
    bb_str message = message_of(call), location = call->host->http->response_header(call, bb_s("Location"));
    if (status >= 300 && status <= 399)
        return bb_fail(
            call, BB_E_UPSTREAM_INVALID,
            "the service redirects (%d) to %.*s: redirects are not followed; set base_url or path to it",
            (int)status, (int)(location.len < 300 ? location.len : 300),
            location.ptr != NULL ? location.ptr : "nowhere");
    if (message.len == 0)
        return bb_fail_http(call, bb_s(NULL), bb_s(NULL));
    return bb_fail(call,
                   bb_code_from_http(status) != BB_OK ? bb_code_from_http(status) : BB_E_UPSTREAM_INVALID,
                   "the service answered %d: %.*s", (int)status, (int)(message.len < 400 ? message.len : 400),
                   message.ptr);
}

static const char *const shown[] = {"content-type",
                                    "location",
                                    "etag",
                                    "last-modified",
                                    "link",
                                    "retry-after",
                                    "cache-control",
                                    "date",
                                    "x-request-id",
                                    "x-total-count",
                                    "x-ratelimit-limit",
                                    "x-ratelimit-remaining",
                                    "x-ratelimit-reset",
                                    "ratelimit",
                                    "allow",
                                    "www-authenticate",
                                    "content-disposition"};

/* Bytes beyond ASCII are of old ISO-8859-1 (RFC 9110 section 5.5), unless they are UTF-8. Absent: no memory.
 */
static bb_str field_text(bb_call *call, bb_str value) {
    bb_str text = value;
    if (value.len == 0 || bb_is_utf8(value))
        return value;
    char *out = call->host->call->alloc(call, 2 * value.len);
    text.ptr = out;
    text.len = 0;
    for (size_t i = 0; out != NULL && i < value.len; i++) {
        unsigned char c = (unsigned char)value.ptr[i];
        if (c >= 0x80)
            out[text.len++] = (char)(0xc0 | c >> 6);
        out[text.len++] = (char)(c >= 0x80 ? 0x80 | (c & 0x3f) : c);
    }
    return text;
}

/* False: the step has failed. */
static int put_response_headers(bb_call *call, bb_json_writer *w) {
    const bb_json_api *json = call->host->json;
    json->begin_object(w);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        bb_str value = call->host->http->response_header(call, bb_s(shown[i]));
        if (value.ptr == NULL)
            continue;
        value = field_text(call, value);
        if (value.ptr == NULL) {
            bb_fail(call, BB_E_NO_MEMORY, "no memory for the answer's header fields");
            return 0;
        }
        json->key(w, bb_s(shown[i]));
        json->put_string(w, value);
    }
    json->end_object(w);
    return 1;
}

static int contains(bb_str text, const char *word) {
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= text.len; i++)
        if (memcmp(text.ptr + i, word, n) == 0)
            return 1;
    return 0;
}

/* Bytes that are no text. */
static int put_base64(bb_call *call, bb_json_writer *w, bb_str body) {
    size_t cap = (body.len + 2) / 3 * 4;
    char *text = call->host->call->alloc(call, cap + 1);
    if (text == NULL) {
        bb_fail(call, BB_E_NO_MEMORY, "no memory for the answer's bytes as base64");
        return 0;
    }
    call->host->json->key(w, bb_s("body_base64"));
    bb_str encoded = {text, call->host->crypto->base64_encode(body, text, cap)};
    call->host->json->put_string(w, encoded);
    return 1;
}

/* False: the step has failed, for what claims to be JSON is none, or for want of memory. */
static int put_response_body(bb_call *call, bb_json_writer *w) {
    const bb_json_api *json = call->host->json;
    bb_str body = call->host->http->response_body(call),
           type = call->host->http->response_header(call, bb_s("Content-Type"));
    const bb_json *value = body.len > 0 && (type.len == 0 || contains(type, "json")) ? bb_response(call)
                                                                                     : NULL;
    if (value == NULL && body.len > 0 && contains(type, "json")) {
        bb_fail(call, BB_E_UPSTREAM_INVALID, "the service says that its answer is JSON, and it is not");
        return 0;
    }
    json->key(w, bb_s("body"));
    if (value != NULL)
        json->put_value(w, value);
    else if (body.len == 0 || !bb_is_utf8(body))
        json->put_null(w);
    else
        json->put_string(w, body);
    if (value == NULL && body.len > 0 && !bb_is_utf8(body))
        return put_base64(call, w, body);
    return 1;
}

bb_step rest_request_resume(bb_call *call) {
    const bb_json_api *json = call->host->json;
    if (!is_expected(call))
        return rest_fail(call);
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    json->key(w, bb_s("status"));
    json->put_int64(w, bb_status(call));
    json->key(w, bb_s("headers"));
    if (!put_response_headers(call, w) || !put_response_body(call, w))
        return BB_FAIL;
    json->end_object(w);
    return bb_done_writer(call, w);
}

static bb_step get_resume(bb_call *call) {
    if (!bb_ok(call))
        return rest_fail(call);
    call->host->call->done_body(call);
    return BB_DONE;
}

/* --- the test --------------------------------------------------------------------------------------- */

static bb_step test_start(bb_call *call) {
    call->host->http->begin(call, bb_s("GET"), bb_text(call, bb_get(call, call->instance, "test_path")));
    put_headers(call, bb_get(call, call->instance, "headers"), 0);
    return BB_SEND;
}

/* An answer shows that the service is there and takes the credentials; what it has at that path is its own
 * affair. */
static bb_step test_resume(bb_call *call) {
    const bb_json_api *json = call->host->json;
    int32_t status = bb_status(call);
    if (status == 401 || status == 403 || status >= 500)
        return rest_fail(call);
    bb_json_writer *w = json->writer(call);
    json->begin_object(w);
    json->key(w, bb_s("status"));
    json->put_int64(w, status);
    json->end_object(w);
    return bb_done_writer(call, w);
}

/* --- what it declares ------------------------------------------------------------------------------- */

static const bb_operation request = {
    BB_SIZE(bb_operation),
    .id = "request",
    .summary = "Send one HTTP request",
    .description = "Sends a request below the connection's `base_url`. GET, HEAD, OPTIONS, PUT and DELETE "
                   "are repeated after a "
                   "failure that may pass; POST and PATCH only where the service cannot have acted on them.",
    .input_schema = request_input,
    .output_schema = request_output,
    .examples = "[{\"summary\":\"read a thing\",\"input\":{\"path\":\"/things/7\"}},"
                "{\"summary\":\"make a "
                "thing\",\"input\":{\"method\":\"POST\",\"path\":\"/things\",\"json\":{\"name\":\"x\"}}},"
                "{\"summary\":\"look, and take a 404 for an "
                "answer\",\"input\":{\"path\":\"/things/8\",\"expect\":[\"2xx\",\"404\"]}}]",
    .start = request_start,
    .resume = rest_request_resume,
};

static const bb_operation get = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE,
    .id = "get",
    .summary = "Read a JSON document: what the service answers is the output",
    .description = "A GET that may be cached ([cache] of the connection), and is repeated after a failure "
                   "that may pass.",
    .input_schema = get_input,
    .output_schema = "{}",
    .examples = "[{\"summary\":\"read a "
                "thing\",\"input\":{\"path\":\"/things/7\",\"query\":{\"fields\":\"id,name\"}}}]",
    .start = get_start,
    .resume = get_resume,
};

static const bb_operation list = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE | BB_OP_PAGINATED,
    .id = "list",
    .summary = "Read a list, page by page or all of it",
    .input_schema = list_input,
    .output_schema = list_output,
    .examples = "[{\"summary\":\"pages that link to the next\",\"input\":{\"path\":\"/issues\"}},"
                "{\"summary\":\"pages with a "
                "cursor\",\"input\":{\"path\":\"/"
                "orders\",\"items\":\"data\",\"style\":\"cursor\",\"next\":\"meta.next\"}}]",
    .items = "/items",
    .start = rest_list_start,
    .resume = rest_list_resume,
};

static const bb_operation files_get = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE,
    .id = "files.get",
    .summary = "Read a file of any size",
    .description =
        "What the service answers goes, as it comes, to the caller's own answer or to a file of the "
        "hub's. After a break in the middle the rest is asked for by Range.",
    .input_schema = files_get_input,
    .output_schema = files_get_output,
    .examples = "[{\"summary\":\"read a file\",\"input\":{\"path\":\"/files/7/content\"}}]",
    .start = rest_files_get_start,
    .resume = rest_files_get_resume,
};

static const bb_operation files_put = {
    BB_SIZE(bb_operation),
    .id = "files.put",
    .summary = "Send a file of any size",
    .description =
        "The request's body is the file that comes with the call, as it is, or with `field` as a part "
        "of a form.",
    .input_schema = files_put_input,
    .output_schema = request_output,
    .examples =
        "[{\"summary\":\"store a file\",\"input\":{\"path\":\"/files/report.pdf\"}},{\"summary\":\"as a "
        "form does\",\"input\":{\"method\":\"POST\",\"path\":\"/upload\",\"field\":\"file\"}}]",
    .start = rest_files_put_start,
    .resume = rest_request_resume,
};

static const bb_operation test = {
    BB_SIZE(bb_operation),
    .flags = BB_OP_SAFE,
    .id = "test",
    .summary = "Ask for test_path: the service answers, and takes the credentials",
    .input_schema = "{\"type\":\"object\",\"additionalProperties\":false}",
    .output_schema =
        "{\"type\":\"object\",\"required\":[\"status\"],\"properties\":{\"status\":{\"type\":\"integer\"}}}",
    .start = test_start,
    .resume = test_resume,
};

static const bb_operation *const operations[] = {&request, &get, &list, &files_get, &files_put, &test, NULL};

static const bb_auth_scheme none = {BB_SIZE(bb_auth_scheme), .scheme = "none", .summary = "no credentials"};
static const bb_auth_scheme api_key = {BB_SIZE(bb_auth_scheme), .scheme = "api_key",
                                       .summary = "a key in a header field or query parameter"};
static const bb_auth_scheme basic = {BB_SIZE(bb_auth_scheme), .scheme = "basic",
                                     .summary = "user name and password"};
static const bb_auth_scheme bearer = {BB_SIZE(bb_auth_scheme), .scheme = "bearer", .summary = "a token"};
static const bb_auth_scheme jwt = {BB_SIZE(bb_auth_scheme), .scheme = "jwt",
                                   .summary = "tokens that the hub signs itself"};
static const bb_auth_scheme oauth2 = {BB_SIZE(bb_auth_scheme), .scheme = "oauth2",
                                      .summary = "OAuth 2: tokens got and renewed by any of its grants"};
static const bb_auth_scheme aws_sigv4 = {BB_SIZE(bb_auth_scheme), .scheme = "aws_sigv4",
                                         .summary = "AWS Signature Version 4"};
static const bb_auth_scheme oauth1 = {BB_SIZE(bb_auth_scheme), .scheme = "oauth1",
                                      .summary = "OAuth 1.0 signatures"};
static const bb_auth_scheme mtls = {BB_SIZE(bb_auth_scheme), .scheme = "mtls",
                                    .summary = "a client certificate"};
static const bb_auth_scheme digest = {BB_SIZE(bb_auth_scheme), .scheme = "digest", .summary = "HTTP Digest"};
static const bb_auth_scheme *const schemes[] = {&none,      &api_key, &basic, &bearer, &jwt, &oauth2,
                                                &aws_sigv4, &oauth1,  &mtls,  &digest, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "rest",
    .name = "REST",
    .version = "1.0.0",
    .summary = "Any REST API: method, path, query, headers, JSON, form or raw body",
    .vendor = "Busbar",
    .settings_schema = settings_schema,
    .operations = operations,
    .auth_schemes = schemes,
    .test_operation = "test",
    .create = settings_create,
    .destroy = settings_destroy,
};

static const bb_content_operation gives = {BB_SIZE(bb_content_operation), BB_CONTENT_GIVES, "files.get"};
static const bb_content_operation takes = {BB_SIZE(bb_content_operation), BB_CONTENT_TAKES, "files.put"};
static const bb_content_operation *const with_content[] = {&gives, &takes, NULL};
static const bb_content_extension content = {BB_SIZE(bb_content_extension), .operations = with_content};
static const bb_extension extensions[] = {{BB_EXT_CONTENT, &content}, {NULL, NULL}};

BUSBAR_PLUGIN_WITH(plugin, extensions);
