/* A connector's steps, without a network: what they ask for, what they give, and what is refused. */
#include <busbar/busbar.h> /* first: Check has a macro `fail` */

#include "unit.h"

#include "plugin/call.h"
#include "plugin/host.h"
#include "plugin/host_abandon.h"
#include "plugin/module.h"
#include "plugin/origin.h"
#include "plugin/url.h"

static plugin_call call_;

static plugin_call *fresh(void) {
    static bool made;
    if (!made)
        plugin_call_init(&call_);
    made = true;
    plugin_call_reset(&call_);
    if (call_.memory == NULL)
        call_.memory = arena_new(0);
    call_.base_url = STR("https://api.example.com/v2");
    call_.plugin_id = call_.connection_id = call_.execution_id = "t";
    call_.abi = (bb_call){.size = sizeof call_.abi, .host = host_get()};
    call_.abi.input = (const bb_json *)json_read(
        call_.memory,
        STR("{\"id\":\"a/"
            "b\",\"n\":12345678901234567890,\"o\":{\"x\":[1,{\"y\":true}],\"z\":null},\"l\":[1,2,3]}"),
        NULL, NULL);
    return &call_;
}

static plugin_outcome run(bb_step (*start)(bb_call *)) {
    bb_operation op = {BB_SIZE(bb_operation), .id = "t", .start = start};
    return plugin_start(fresh(), &op);
}

static void assert_url(const char *expected) {
    ck_assert_str_eq(buf_cstr(&call_.request.url), expected);
}

static bb_step asks(bb_call *call) {
    bb_request(call, "GET", "/things");
    bb_segment(call, bb_in_text(call, "id"));
    bb_query_in(call, "n");
    call->host->http->query_json(call, bb_s("o"), bb_in(call, "o"));
    bb_header(call, "X-A", bb_s("1"));
    return BB_SEND;
}

START_TEST(a_request_is_put_together) {
    ck_assert_int_eq(run(asks), PLUGIN_SEND);
    assert_url("https://api.example.com/v2/things/"
               "a%2Fb?n=12345678901234567890&o%5Bx%5D%5B0%5D=1&o%5Bx%5D%5B1%5D%5By%5D=true&o%5Bz%5D=");
    ck_assert_uint_eq(call_.request.header_count, 1);
    ck_assert_str_eq(call_.request.headers[0].ptr, "X-A: 1");
    ck_assert(!call_.request.foreign);
}
END_TEST

static bb_step walks(bb_call *call) {
    const bb_json_api *json = call->host->json;
    bb_json_iter it = {0};
    int64_t n, sum = 0;
    size_t seen = 0;
    while (json->next(bb_in(call, "l"), &it) && seen < 100) {
        json->to_int64(it.value, &n);
        sum = sum * 10 + n;
        seen += 1 + it.index * 0;
    }
    ck_assert_int_eq(sum, 123);
    memset(&it, 0, sizeof it);
    for (seen = 0; json->next(call->input, &it) && seen < 100; seen++)
        ck_assert_uint_eq(it.index, seen);
    ck_assert_uint_eq(seen, 4);
    bb_json_writer *w = json->writer(call);
    json->begin_array(w);
    json->put_value(w, bb_in(call, "n"));
    json->end_array(w);
    return bb_done_writer(call, w);
}

START_TEST(a_walk_goes_through_all_members_and_ends) {
    ck_assert_int_eq(run(walks), PLUGIN_DONE);
    ck_assert(str_eq(call_.output, STR("[12345678901234567890]")));
}
END_TEST

static bb_step no_request(bb_call *call) {
    (void)call;
    return BB_SEND;
}
static bb_step no_output(bb_call *call) {
    (void)call;
    return BB_DONE;
}
static bb_step no_reason(bb_call *call) {
    (void)call;
    return BB_FAIL;
}
static bb_step nonsense(bb_call *call) {
    (void)call;
    return 77;
}
static bb_step not_json(bb_call *call) {
    return bb_done_text(call, bb_s("{"));
}
static bb_step body_too_early(bb_call *call) {
    return bb_done_body(call);
}
static bb_step query_before_begin(bb_call *call) {
    bb_query(call, "a", bb_s("b"));
    return BB_SEND;
}
static bb_step two_bodies(bb_call *call) {
    bb_request(call, "POST", "/");
    bb_form(call, "a", bb_s("b"));
    bb_body_json(call, call->input);
    return BB_SEND;
}
static bb_step bad_writer(bb_call *call) {
    bb_json_writer *w = call->host->json->writer(call);
    call->host->json->end_object(w);
    return bb_done_writer(call, w);
}

START_TEST(a_defective_step_is_the_connectors_fault) {
    bb_step (*const steps[])(bb_call *) = {no_request,         no_output,  no_reason,
                                           nonsense,           not_json,   body_too_early,
                                           query_before_begin, two_bodies, bad_writer};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        ck_assert_int_eq(run(steps[i]), PLUGIN_FAILED);
        ck_assert_msg(call_.error.code == BB_E_PLUGIN, "case %zu: %d", i, (int)call_.error.code);
        ck_assert_uint_gt(call_.error.message.len, 0);
    }
}
END_TEST

static bb_step line_break(bb_call *call) {
    bb_request(call, "GET", "/");
    bb_header(call, "X-A", bb_s("a\r\nX-B: b"));
    return BB_SEND;
}
static bb_step dots(bb_call *call) {
    bb_request(call, "GET", "/a/%2e./b");
    return BB_SEND;
}
static bb_step empty_segment(bb_call *call) {
    bb_request(call, "GET", "/a");
    bb_segment(call, bb_s(""));
    return BB_SEND;
}
static bb_step blank(bb_call *call) {
    bb_request(call, "GET", "/a b");
    return BB_SEND;
}

START_TEST(what_cannot_be_sent_is_the_inputs_fault) {
    bb_step (*const steps[])(bb_call *) = {line_break, dots, empty_segment, blank};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        ck_assert_int_eq(run(steps[i]), PLUGIN_FAILED);
        ck_assert_msg(call_.error.code == BB_E_INVALID_INPUT, "case %zu", i);
    }
}
END_TEST

static bb_step waits_at_once(bb_call *call) {
    bb_request(call, "GET", "/");
    return bb_after(call, 10) ? BB_SEND : BB_FAIL;
}
static bb_step waits_too_long(bb_call *call) {
    bb_request(call, "GET", "/");
    return bb_after(call, 3600001) ? BB_SEND : BB_FAIL;
}
static bb_step waits(bb_call *call) {
    bb_request(call, "GET", "/");
    return bb_after(call, 3600000) ? BB_SEND : BB_FAIL;
}
static bb_step forgets_to_wait(bb_call *call) {
    waits(call);
    bb_request(call, "GET", "/other");
    return BB_SEND;
}

START_TEST(a_request_of_resume_may_wait) {
    const bb_operation later = {.size = sizeof later, .id = "x", .resume = waits},
                       longer = {.size = sizeof longer, .id = "x", .resume = waits_too_long},
                       other = {.size = sizeof other, .id = "x", .resume = forgets_to_wait};
    ck_assert_int_eq(run(waits_at_once), PLUGIN_FAILED);
    ck_assert_int_eq(call_.error.code, BB_E_PLUGIN);
    run(asks);
    ck_assert_int_eq(plugin_resume(&call_, &later), PLUGIN_SEND);
    ck_assert_uint_eq(call_.request.after_ms, 3600000);
    ck_assert_int_eq(plugin_resume(&call_, &other), PLUGIN_SEND);
    ck_assert_uint_eq(call_.request.after_ms, 0);
    ck_assert_int_eq(plugin_resume(&call_, &longer), PLUGIN_FAILED);
    ck_assert_int_eq(call_.error.code, BB_E_PLUGIN);
}
END_TEST

static bb_step elsewhere(bb_call *call) {
    bb_request(call, "GET", "https://api.example.com.evil.example/v2");
    return BB_SEND;
}
static bb_step same_place(bb_call *call) {
    bb_request(call, "GET", "HTTPS://x");
    bb_request(call, "GET", "https://API.example.com:443/other");
    return BB_SEND;
}

START_TEST(another_origin_is_foreign) {
    ck_assert_int_eq(run(elsewhere), PLUGIN_SEND);
    ck_assert(call_.request.foreign);
    run(same_place);
    ck_assert(!call_.request.foreign);
}
END_TEST

static bb_step at_files(bb_call *call) {
    bb_request(call, "POST", "https://files.example.com/v1/up");
    return BB_SEND;
}

static bool read_origins(const char *declared, const char *settings, plugin_origins *out, bb_str *wrong,
                         err *e) {
    arena *a = call_.memory;
    return plugin_origins_read(a, json_read(a, arena_copy(a, str_from(declared)), NULL, NULL),
                               json_read(a, arena_copy(a, str_from(settings)), NULL, NULL), out, wrong, e);
}

START_TEST(a_marked_setting_names_another_host_of_the_service) {
    static const char declared[] = "{\"properties\":{\"files_url\":{\"x-busbar-credentials\":true},"
                                   "\"docs_url\":{\"type\":\"string\"}}}";
    static const char settings[] = "{\"files_url\":\"https://files.example.com/v1/\","
                                   "\"docs_url\":\"https://docs.example.com\"}";
    bb_operation op = {BB_SIZE(bb_operation), .id = "t", .start = at_files};
    plugin_origins origins;
    bb_str wrong;
    err e = {""};
    fresh();
    ck_assert(read_origins(declared, settings, &origins, &wrong, &e));
    ck_assert_uint_eq(origins.count, 1);
    call_.origins = NULL;
    ck_assert_int_eq(plugin_start(&call_, &op), PLUGIN_SEND);
    ck_assert(call_.request.foreign);
    call_.origins = &origins;
    plugin_start(&call_, &op);
    ck_assert(!call_.request.foreign);
    op.start = elsewhere;
    plugin_start(&call_, &op);
    ck_assert(call_.request.foreign);
    call_.origins = NULL;
    ck_assert(
        !read_origins(declared, "{\"files_url\":\"https://u:p@files.example.com\"}", &origins, &wrong, &e));
    ck_assert(str_eq(wrong, STR("files_url")));
}
END_TEST

START_TEST(origins_are_compared_as_browsers_do) {
    bb_str base = STR("https://a.example:8443/x");
    ck_assert(url_same_origin(STR("https://A.example:8443/y"), base));
    ck_assert(!url_same_origin(STR("http://a.example:8443/y"), base));
    ck_assert(!url_same_origin(STR("https://a.example/y"), base));
    ck_assert(!url_same_origin(STR("https://a.example:8443@evil/"), base));
    /* for libcurl, what is before the "@" is a user's name */
    ck_assert(!url_same_origin(STR("https://a.example:8443\\@evil/"), base));
    ck_assert(!url_same_origin(STR("https://a.example:8443\\.evil/"), base));
    ck_assert(!url_same_origin(STR("https://a.example:84430/"), base));
    ck_assert(url_same_origin(STR("http://[::1]/"), STR("http://[::1]:80")));
    err e;
    ck_assert(url_check_base(STR("https://a.example/v1"), &e));
    static const char *const bad[] = {"ftp://x",         "https://",    "https://u:p@x",
                                      "https://x?y",     "https://x#y", "https://x:0",
                                      "https://x:99999", "https://x y", "x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!url_check_base(str_from(bad[i]), &e), "%s", bad[i]);
}
END_TEST

/* --- admission -------------------------------------------------------------------------------------- */

static bool admitted(const bb_entry *entry, char text[1024]) {
    plugin_module m = {.memory = arena_new(0)};
    err e = {""};
    bool ok = module_admit(&m, entry, STR("t"), &e);
    strcpy(text, e.text);
    for (size_t i = 0; i < m.op_count; i++) {
        schema_free(m.ops[i].input);
        schema_free(m.ops[i].output);
    }
    schema_free(m.settings);
    arena_free(m.memory);
    return ok;
}

START_TEST(descriptors_that_lie_are_refused) {
    char text[1024];
    bb_operation op = {BB_SIZE(bb_operation), .id = "a.b", .start = no_output};
    const bb_operation *ops[] = {&op, NULL}, *twice[] = {&op, &op, NULL};
    bb_plugin p = {BB_SIZE(bb_plugin), .id = "t",      .name = "T",
                   .version = "1",     .summary = "s", .operations = ops};
    bb_entry good = {{'\211', 'B', 'U', 'S', 'B', 'A', 'R', '\n'},
                     BUSBAR_ABI_MAJOR,
                     BUSBAR_ABI_MINOR,
                     sizeof(bb_entry),
                     0,
                     &p,
                     NULL},
             e = good;
    ck_assert_msg(admitted(&e, text), "%s", text);
    e.magic[0] = 'x';
    ck_assert(!admitted(&e, text) && strstr(text, "magic") != NULL);
    e = good, e.abi_major = 2;
    ck_assert(!admitted(&e, text) && strstr(text, "rebuild") != NULL);
    e = good, e.abi_minor = BUSBAR_ABI_MINOR + 1;
    ck_assert(!admitted(&e, text) && strstr(text, "upgrade the hub") != NULL);
    e = good, e.size = 8;
    ck_assert(!admitted(&e, text));
    p.size = 4;
    ck_assert(!admitted(&good, text));
    p.size = sizeof p, p.id = "other";
    ck_assert(!admitted(&good, text) && strstr(text, "other.so") != NULL);
    p.id = "t", p.operations = twice;
    ck_assert(!admitted(&good, text) && strstr(text, "twice") != NULL);
    p.operations = ops, op.flags = BB_OP_PAGINATED;
    ck_assert(!admitted(&good, text) && strstr(text, "items") != NULL);
    op.flags = 0, op.start = NULL;
    ck_assert(!admitted(&good, text));
    op.start = no_output, op.id = "a b";
    ck_assert(!admitted(&good, text));
    op.id = "a.b", op.input_schema = "{\"type\":7}";
    ck_assert(!admitted(&good, text) && strstr(text, "input schema of \"a.b\"") != NULL);
    op.input_schema = NULL, p.test_operation = "none";
    ck_assert(!admitted(&good, text));
    p.test_operation = NULL;
    ck_assert(admitted(&good, text));
    arena_free(call_.memory);
    plugin_call_free(&call_);
}
END_TEST

static bb_step asks_bare(bb_call *call) {
    bb_request(call, "PUT", "/signed?by=them");
    bb_without_credentials(call);
    return BB_SEND;
}

static bb_step asks_again(bb_call *call) {
    asks_bare(call);
    bb_request(call, "PUT", "/other");
    return BB_SEND;
}

START_TEST(a_request_may_go_without_credentials) {
    ck_assert_int_eq(run(asks), PLUGIN_SEND);
    ck_assert(!plugin_request_unsigned(&call_.request));
    ck_assert_int_eq(run(asks_bare), PLUGIN_SEND);
    ck_assert(plugin_request_unsigned(&call_.request) && !call_.request.foreign);
    ck_assert_int_eq(run(asks_again), PLUGIN_SEND); /* each request for itself */
    ck_assert(!plugin_request_unsigned(&call_.request));
}
END_TEST

/* --- given up --- */

static bb_code gave_up_for;

static bb_step says_drop(bb_call *call, bb_code why) {
    gave_up_for = why;
    return bb_done_body(call); /* a misuse: there is no answer */
}

static bb_step says_delete(bb_call *call, bb_code why) {
    gave_up_for = why;
    bb_request(call, "DELETE", "/jobs");
    bb_segment(call, bb_in_text(call, "id"));
    bb_body_json(call, bb_in(call, "o"));
    return BB_SEND;
}

static bb_step says_nothing(bb_call *call, bb_code why) {
    (void)call;
    gave_up_for = why;
    return BB_DONE;
}

static plugin_outcome give_up(bb_step (*abandon)(bb_call *, bb_code), bb_code why) {
    const bb_operation desc = {BB_SIZE(bb_operation), .id = "t", .start = asks};
    const bb_abandon_operation declares = {BB_SIZE(bb_abandon_operation), .operation = "t",
                                           .abandon = abandon};
    const plugin_op op = {.desc = &desc, .id = STR("t"), .abandon = &declares};
    ck_assert_int_eq(run(asks), PLUGIN_SEND);
    call_.answer = (plugin_answer){.status = 200, .body = STR("gone")};
    plugin_abandon_begin(&call_, 99);
    ck_assert(call_.deadline_ns == 99 && call_.answer.status == 0 && call_.request.url.len == 0);
    plugin_outcome outcome = plugin_abandon(&call_, &op, why);
    call_.deadline_ns = 0;
    return outcome;
}

START_TEST(a_call_that_is_given_up_describes_one_request_more) {
    ck_assert_int_eq(give_up(says_delete, BB_E_CANCELLED), PLUGIN_SEND);
    ck_assert_int_eq(gave_up_for, BB_E_CANCELLED);
    assert_url("https://api.example.com/v2/jobs/a%2Fb");
    ck_assert(str_eq(call_.request.body, STR("{\"x\":[1,{\"y\":true}],\"z\":null}")));
    bb_str raw = json_raw((const json_value *)bb_in(&call_.abi, "o"));
    ck_assert_ptr_ne(call_.request.body.ptr, raw.ptr); /* the input goes before the request does */
    ck_assert_int_eq(give_up(says_nothing, BB_E_DEADLINE), PLUGIN_DONE);
    ck_assert_int_eq(gave_up_for, BB_E_DEADLINE);
    ck_assert_int_eq(give_up(says_drop, BB_E_DEADLINE), PLUGIN_FAILED);
    ck_assert_int_eq(call_.error.code, BB_E_PLUGIN);
}
END_TEST

/* --- how far it is --- */

static plugin_progress heard;
static int times_heard;

static void hear(plugin_call *c, const plugin_progress *p) {
    ck_assert_ptr_eq(c, &call_);
    heard = *p;
    times_heard++;
}

static bb_step tells(bb_call *call) {
    bb_progress(call, 3, 10, "records", bb_s("InProgress"));
    return bb_done_text(call, bb_s("1"));
}

static bb_step tells_little(bb_call *call) {
    bb_progress(call, -1, -7, NULL, bb_s(NULL));
    return bb_done_text(call, bb_s("1"));
}

/* 31 and 95 bytes are what is kept: one more, and a part of a secret could stand at the end. */
static bb_step tells_too_much(bb_call *call) {
    static const char long_[] = "0123456789012345678901234567890123456789012345678901234567890123456789012345"
                                "6789012345678901234";
    bb_progress(call, INT64_MAX, 0, long_ + 95 - 31, (bb_str){long_, 95});
    ck_assert_uint_eq(strlen(heard.unit), 31);
    ck_assert_uint_eq(strlen(heard.stage), 95);
    bb_progress(call, 0, 0, long_ + 95 - 32, (bb_str){long_, 96});
    return bb_done_text(call, bb_s("1"));
}

/* As an older host has it. */
static bb_step tells_nobody(bb_call *call) {
    bb_call_api older = *call->host->call;
    bb_host host = *call->host;
    bb_call copy = *call;
    older.size = offsetof(bb_call_api, progress);
    older.progress = NULL;
    host.call = &older;
    copy.host = &host;
    bb_progress(&copy, 1, 2, "records", bb_s("x"));
    return bb_done_text(call, bb_s("1"));
}

START_TEST(progress_is_heard_as_it_was_said) {
    ck_assert_int_eq(run(tells), PLUGIN_DONE); /* nobody listens */
    fresh()->on_progress = hear;
    ck_assert_int_eq(run(tells), PLUGIN_DONE);
    ck_assert(times_heard == 1 && heard.done == 3 && heard.total == 10);
    ck_assert_str_eq(heard.unit, "records");
    ck_assert_str_eq(heard.stage, "InProgress");
    ck_assert_int_eq(run(tells_little), PLUGIN_DONE);
    ck_assert(heard.done == UINT64_MAX && heard.total == UINT64_MAX && heard.unit[0] == '\0' &&
              heard.stage[0] == '\0');
    ck_assert_int_eq(run(tells_too_much), PLUGIN_DONE);
    ck_assert(heard.unit[0] == '\0' && heard.stage[0] == '\0');
    times_heard = 0;
    ck_assert_int_eq(run(tells_nobody), PLUGIN_DONE);
    ck_assert_int_eq(times_heard, 0);
    call_.on_progress = NULL;
}
END_TEST

UNIT_MAIN(unit_test(a_request_of_resume_may_wait), progress_is_heard_as_it_was_said,
          a_request_may_go_without_credentials, a_call_that_is_given_up_describes_one_request_more,
          a_request_is_put_together, a_walk_goes_through_all_members_and_ends,
          a_defective_step_is_the_connectors_fault, what_cannot_be_sent_is_the_inputs_fault,
          another_origin_is_foreign, a_marked_setting_names_another_host_of_the_service,
          origins_are_compared_as_browsers_do, descriptors_that_lie_are_refused)
