/* The helpers of the SDK's headers, on the mock host: what two connectors would else write each for itself.
 */
#include <busbar/busbar.h>
#include <busbar/content.h>
#include <busbar/form.h>
#include <busbar/test.h>

static bb_str slice(const char *text) {
    return bb_s(text);
}

/* --- a connector that uses those which need a call ---------------------------------------------------------
 */

static bb_step up_start(bb_call *call) {
    bb_request_at(call, "POST", bb_in_text(call, "base"), "/v1/files");
    bb_counts_against(call, "POST /v1/files", bb_in_text(call, "scope"));
    bb_content_host(call)->multipart(call, bb_s("form-data"));
    if (!bb_content_parts_json(call, bb_s(NULL), bb_in(call, "form")))
        return BB_FAIL;
    return BB_SEND;
}

static bb_step join_start(bb_call *call) {
    bb_str parts[] = {bb_in_text(call, "a"), bb_s("."), bb_s(NULL), bb_in_text(call, "b")};
    bb_str whole = bb_joined(call, parts, 4);
    if (whole.ptr == NULL)
        return bb_fail(call, BB_E_NO_MEMORY, "no memory");
    bb_json_writer *w = call->host->json->writer(call);
    call->host->json->put_string(w, whole);
    return bb_done_writer(call, w);
}

/* The fields of a form as pairs. */
static bb_step form_start(bb_call *call) {
    const bb_json_api *json = call->host->json;
    bb_json_writer *w = json->writer(call);
    bb_form_fields form;
    bb_str name, value;
    if (!bb_form_open(call, bb_in_text(call, "text"), &form))
        return bb_fail(call, BB_E_NO_MEMORY, "no memory");
    json->begin_array(w);
    while (bb_form_next(&form, &name, &value)) {
        if (!bb_is_utf8(name) || !bb_is_utf8(value))
            return bb_fail(call, BB_E_INVALID_INPUT, "not UTF-8");
        json->put_string(w, name);
        json->put_string(w, value);
    }
    json->end_array(w);
    return bb_done_writer(call, w);
}

static const bb_operation up = {BB_SIZE(bb_operation), .id = "up", .start = up_start};
static const bb_operation join = {BB_SIZE(bb_operation), .id = "join", .start = join_start};
static const bb_operation form_ = {BB_SIZE(bb_operation), .id = "form", .start = form_start};
static const bb_operation *const operations[] = {&up, &join, &form_, NULL};
static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "helped",
    .name = "Helped",
    .version = "1.0.0",
    .summary = "Uses the helpers",
    .settings_schema = "{\"type\":\"object\",\"properties\":{\"base_url\":{\"type\":\"string\"},"
                       "\"files_url\":{\"type\":\"string\",\"x-busbar-credentials\":true}}}",
    .operations = operations,
};
BUSBAR_PLUGIN(plugin);

/* --- those that need none
 * ------------------------------------------------------------------------------------ */

static void utf8(bb_test *t) {
    static const char *const good[] = {
        "", "a", "\xc3\xa9", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"};
    static const char *const bad[] = {
        "\x80",         "\xc3",         "\xc0\x80",         "\xc1\xbf",         "\xe0\x9f\xbf",
        "\xed\xa0\x80", "\xe2\x82",     "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80",
        "\xff",         "a\xe2\x28\xa1"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        BB_CHECK(t, bb_is_utf8(slice(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        BB_CHECK(t, !bb_is_utf8(slice(bad[i])));
    BB_CHECK(t, bb_is_utf8(bb_s(NULL)));
}

static void lists(bb_test *t) {
    bb_str rest = slice("t=1,v1=a=b,,bare,"), name, value;
    BB_CHECK(t, bb_split_pair(&rest, ',', &name, &value) && bb_str_eq(name, "t") && bb_str_eq(value, "1"));
    BB_CHECK(t, bb_split_pair(&rest, ',', &name, &value) && bb_str_eq(name, "v1") && bb_str_eq(value, "a=b"));
    BB_CHECK(t, bb_split_pair(&rest, ',', &name, &value) && name.len == 0 && value.ptr == NULL);
    BB_CHECK(t, bb_split_pair(&rest, ',', &name, &value) && bb_str_eq(name, "bare") && value.ptr == NULL);
    BB_CHECK(t, !bb_split_pair(&rest, ',', &name, &value));
    rest = slice("a b");
    BB_CHECK(t, bb_split(&rest, ' ', &name) && bb_str_eq(name, "a"));
    BB_CHECK(t, bb_split(&rest, ' ', &name) && bb_str_eq(name, "b"));
    BB_CHECK(t, !bb_split(&rest, ' ', &name));
    rest = bb_s(NULL);
    BB_CHECK(t, !bb_split(&rest, ' ', &name));
}

/* --- those that need a call
 * ---------------------------------------------------------------------------------- */

static void hosts(bb_test *t) {
    static const char input[] =
        "{\"base\":\"https://files.example.com/x//"
        "\",\"scope\":\"7\",\"form\":{\"a\":1,\"b\":{\"c\":[\"x\",null]},\"d\":{},\"e\":true}}";
    static const char body[] =
        "--busbar-test\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n"
        "--busbar-test\r\nContent-Disposition: form-data; name=\"b[c][0]\"\r\n\r\nx\r\n"
        "--busbar-test\r\nContent-Disposition: form-data; name=\"b[c][1]\"\r\n\r\n\r\n"
        "--busbar-test\r\nContent-Disposition: form-data; name=\"e\"\r\n\r\ntrue\r\n"
        "--busbar-test--\r\n";
    BB_CHECK(
        t, bb_test_connect(
               t, "{\"base_url\":\"https://api.example.com\",\"files_url\":\"https://files.example.com\"}"));
    BB_TEST_EXCHANGE(t, .method = "POST", .url = "https://files.example.com/x/v1/files", .body = body,
                     .answer = "{}");
    BB_CHECK(t, bb_test_call(t, "up", input)->code == BB_OK);
    BB_CHECK(t, !bb_test_request_at(t, 0)->foreign);
    BB_TEST_EXCHANGE(t, .answer = "{}");
    BB_CHECK(t,
             bb_test_call(t, "up", "{\"base\":\"https://files.example.org\",\"form\":{\"a\":\"\"}}")->code ==
                 BB_OK);
    BB_CHECK(t, bb_test_request_at(t, 0)->foreign);
    BB_TEST_EXCHANGE(t, .answer = "{}");
    BB_CHECK(t, bb_test_torture(t, "up", input));
    BB_CHECK(t, !bb_test_connect(t, "{\"files_url\":\"https://u:p@files.example.com\"}"));
}

static void texts(bb_test *t) {
    BB_CHECK(t, bb_test_connect(t, NULL));
    bb_test_call(t, "join", "{\"a\":\"x\",\"b\":\"y\"}");
    BB_CHECK(t, bb_test_output_is(t, "\"x.y\""));
    bb_test_call(t, "join", "{}");
    BB_CHECK(t, bb_test_output_is(t, "\".\""));
    bb_test_call(t, "form", "{\"text\":\"a=1&b+c=%C3%A9%2B&d&=e&f=%zz%4\"}");
    BB_CHECK(
        t, bb_test_output_is(t, "[\"a\",\"1\",\"b c\",\"\xc3\xa9+\",\"d\",\"\",\"\",\"e\",\"f\",\"%zz%4\"]"));
    BB_CHECK(t, bb_test_call(t, "form", "{\"text\":\"a=%ff\"}")->code == BB_E_INVALID_INPUT);
    BB_CHECK(t,
             bb_test_torture(t, "join", "{\"a\":\"x\"}") && bb_test_torture(t, "form", "{\"text\":\"a=1\"}"));
}

int main(void) {
    bb_test *t = bb_test_new(&busbar_entry);
    utf8(t);
    lists(t);
    hosts(t);
    texts(t);
    return bb_test_end(t);
}
