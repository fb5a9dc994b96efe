/* Frames, and what a step says as a frame: it comes back whole, and nothing that is said wrongly is taken. */
#include <busbar/busbar.h>

#include "isolate/internal.h"
#include "plugin/host.h"
#include "unit.h"

static arena *memory;
static buf out;

static void begin(plugin_call *c, bool in_resume) {
    if (memory == NULL)
        memory = arena_new((size_t)64 << 20);
    arena_reset(memory);
    plugin_call_init(c);
    c->memory = memory;
    c->base_url = STR("http://api.example:8080/v1");
    c->abi = (bb_call){.size = sizeof c->abi, .host = host_get()};
    c->in_resume = in_resume;
    buf_clear(&out);
}

static frame whole(void) {
    frame f;
    size_t size;
    ck_assert_int_eq(frame_read(buf_str(&out), FRAME_MAX_FROM_CHILD, &f, &size), FRAME_WHOLE);
    ck_assert_uint_eq(size, out.len);
    return f;
}

START_TEST(frames_come_back) {
    plugin_call c;
    begin(&c, false);
    size_t at = frame_begin(&out, FRAME_LOG, 7, 9);
    frame_u32(&out, 1);
    frame_u64(&out, UINT64_MAX);
    frame_str(&out, STR("text"));
    frame_str(&out, STR(""));
    frame_str(&out, (bb_str){NULL, 0});
    frame_end(&out, at);
    frame f = whole();
    ck_assert(f.head.kind == FRAME_LOG && f.head.slot == 7 && f.head.turn == 9);
    ck_assert_uint_eq(frame_get_u32(&f), 1);
    ck_assert(frame_get_u64(&f) == UINT64_MAX);
    ck_assert(str_eq(frame_get_str(&f), STR("text")));
    bb_str empty = frame_get_str(&f), absent = frame_get_str(&f);
    ck_assert(empty.ptr != NULL && empty.len == 0 && absent.ptr == NULL);
    ck_assert(frame_done(&f));
    ck_assert_uint_eq(frame_get_u32(&f), 0);
    ck_assert(!frame_done(&f));
}
END_TEST

START_TEST(lengths_are_not_trusted) {
    plugin_call c;
    frame f;
    size_t size;
    begin(&c, false);
    frame_head head = {.length = FRAME_MAX_FROM_CHILD + 1, .kind = FRAME_LOG};
    ck_assert_int_eq(frame_read(str_of(&head, sizeof head), FRAME_MAX_FROM_CHILD, &f, &size), FRAME_BAD);
    head.length = 8;
    ck_assert_int_eq(frame_read(str_of(&head, sizeof head - 1), FRAME_MAX_FROM_CHILD, &f, &size), FRAME_MORE);
    ck_assert_int_eq(frame_read(str_of(&head, sizeof head), FRAME_MAX_FROM_CHILD, &f, &size), FRAME_MORE);
    size_t at = frame_begin(&out, FRAME_LOG, 0, 0);
    frame_u32(&out, 100); /* of a text that is not there */
    frame_u32(&out, 0);
    frame_end(&out, at);
    f = whole();
    ck_assert(frame_get_str(&f).ptr == NULL && f.bad);
}
END_TEST

START_TEST(a_call_that_is_given_up_is_told_of) {
    plugin_call c;
    begin(&c, false);
    message_abandon(&out, 5, 6, BB_E_CANCELLED, 4711);
    frame f = whole();
    ck_assert(f.head.kind == FRAME_ABANDON && f.head.slot == 5 && f.head.turn == 6);
    ck_assert_int_eq((bb_code)frame_get_u32(&f), BB_E_CANCELLED);
    ck_assert_uint_eq(frame_get_u64(&f), 4711);
    ck_assert(frame_done(&f));
}
END_TEST

START_TEST(progress_comes_back_and_what_is_none_does_not) {
    plugin_call c;
    begin(&c, false);
    const plugin_progress said = plugin_progress_of(5, -1, STR("records"), STR("InProgress"));
    plugin_progress heard;
    message_progress(&out, 3, 4, &said);
    frame f = whole();
    ck_assert(f.head.kind == FRAME_PROGRESS && f.head.slot == 3 && f.head.turn == 4);
    ck_assert(message_take_progress(&f, &heard));
    ck_assert(heard.done == 5 && heard.total == UINT64_MAX);
    ck_assert_str_eq(heard.unit, "records");
    ck_assert_str_eq(heard.stage, "InProgress");
    f = whole();
    f.end--; /* a part of it */
    ck_assert(!message_take_progress(&f, &heard));
    buf_clear(&out);
    size_t at = frame_begin(&out, FRAME_PROGRESS, 0, 1);
    frame_u64(&out, UINT64_MAX - 1); /* no such number */
    frame_u64(&out, 1);
    frame_str(&out, STR("0123456789012345678901234567890123456789"));
    frame_str(&out, (bb_str){NULL, 0});
    frame_end(&out, at);
    f = whole();
    ck_assert(message_take_progress(&f, &heard));
    ck_assert(heard.done == UINT64_MAX && heard.total == 1 && heard.unit[0] == '\0');
}
END_TEST

/* --- requests ------------------------------------------------------------------------------------------- */

START_TEST(a_request_comes_back_whole) {
    plugin_call child, hub;
    begin(&child, false);
    begin(&hub, false);
    host_http.begin(&child.abi, STR("POST"), STR("/things"));
    host_http.query(&child.abi, STR("a b"), STR("c&d"));
    host_http.header(&child.abi, STR("X-One"), STR("1"));
    host_http.header(&child.abi, STR("X-None"), STR(""));
    host_http.body(&child.abi, STR("text/plain"), STR("hello"));
    host_http.repeatable(&child.abi, 1);
    host_http.without_credentials(&child.abi);
    child.in_resume = hub.in_resume = true;
    host_http.after(&child.abi, 250);
    plugin_outcome outcome = plugin_finish(&child, BB_SEND);
    message_answer(&out, 0, 1, &child, outcome);
    frame f = whole();
    ck_assert(message_take(&f, &hub, &outcome));
    ck_assert_int_eq(outcome, PLUGIN_SEND);
    const plugin_request *r = &hub.request;
    ck_assert(str_eq(r->method, STR("POST")) && !r->foreign);
    ck_assert(str_eq(buf_str(&r->url), STR("http://api.example:8080/v1/things?a%20b=c%26d")));
    ck_assert_uint_eq(r->header_count, 3);
    ck_assert(str_eq(r->headers[0], STR("X-One: 1")) && str_eq(r->headers[1], STR("X-None;")));
    ck_assert(str_eq(r->headers[2], STR("Content-Type: text/plain")));
    ck_assert(r->body_kind == PLUGIN_BODY_BYTES && str_eq(r->body, STR("hello")));
    ck_assert_int_eq(r->repeatable, PLUGIN_REPEAT_YES);
    ck_assert_uint_eq(r->after_ms, 250);
    ck_assert(r->bare);
    plugin_call_free(&child);
    plugin_call_free(&hub);
}
END_TEST

/* A request as no host function would describe it. */
static void raw_request(const char *method, const char *url, uint32_t fields, const char *line, uint32_t more,
                        uint32_t after) {
    size_t at = frame_begin(&out, FRAME_REQUEST, 0, 1);
    frame_u32(&out, 0); /* no content */
    frame_str(&out, str_from(method));
    frame_str(&out, str_from(url));
    frame_u32(&out, fields);
    if (line != NULL)
        frame_str(&out, str_from(line));
    frame_u32(&out, 0);
    frame_str(&out, (bb_str){NULL, 0});
    frame_u32(&out, more);
    frame_u32(&out, after);
    frame_str(&out, (bb_str){NULL, 0}); /* no route, no scope */
    frame_str(&out, (bb_str){NULL, 0});
    frame_u32(&out, 0); /* with credentials */
    message_put_range(&out, &(const plugin_request){.has_content = false});
    frame_end(&out, at);
}

static const struct {
    const char *method, *url, *line;
    uint32_t fields, repeatable;
    bool taken;     /* as the connector's defect, else as a broken protocol */
    uint32_t after; /* milliseconds */
} lies[] = {
    {"GE T", "http://api.example:8080/", NULL, 0, 0, true, 0},
    {"GET\r\nX: y", "http://api.example:8080/", NULL, 0, 0, true, 0},
    {"GET", "http://api.example:8080/ HTTP/1.1", NULL, 0, 0, true, 0},
    {"GET", "http://api.example:8080/#part", NULL, 0, 0, true, 0},
    {"GET", "http://api.example:8080/", "X-A: b\r\nX-C: d", 1, 0, true, 0},
    {"GET", "http://api.example:8080/", "X A: b", 1, 0, true, 0},
    {"GET", "http://api.example:8080/", "nothing", 1, 0, false, 0},
    {"GET", "/path", NULL, 0, 0, false, 0},
    {"GET", "file:///etc/passwd", NULL, 0, 0, false, 0},
    {"GET", "http://api.example:8080/", NULL, 3, 0, false, 0},
    {"GET", "http://api.example:8080/", NULL, UINT32_MAX, 0, false, 0},
    {"GET", "http://api.example:8080/", NULL, 0, 9, false, 0},
    {"GET", "http://api.example:8080/", NULL, 0, 0, true, 3600001},
};

START_TEST(a_request_is_checked_as_within_the_hub) {
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        plugin_call c;
        plugin_outcome outcome = PLUGIN_SEND;
        begin(&c, false);
        raw_request(lies[i].method, lies[i].url, lies[i].fields, lies[i].line, lies[i].repeatable,
                    lies[i].after);
        frame f = whole();
        bool taken = message_take(&f, &c, &outcome);
        ck_assert_msg(taken == lies[i].taken, "lie %zu", i);
        ck_assert_msg(!taken || outcome == PLUGIN_FAILED, "lie %zu", i);
        plugin_call_free(&c);
    }
}
END_TEST

START_TEST(the_hub_decides_what_is_foreign) {
    static const struct {
        const char *url;
        bool foreign;
    } urls[] = {{"http://api.example:8080/other", false},  {"http://api.example:8081/v1", true},
                {"https://api.example:8080/v1", true},     {"http://api.example:8080@evil.example/", true},
                {"http://api.example:8080.evil/v1", true}, {"http://API.example:8080/v1/x", false}};
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
        plugin_call c;
        plugin_outcome outcome;
        begin(&c, false);
        raw_request("GET", urls[i].url, 0, NULL, 0, 0);
        frame f = whole();
        ck_assert(message_take(&f, &c, &outcome) && outcome == PLUGIN_SEND);
        ck_assert_msg(c.request.foreign == urls[i].foreign, "%s", urls[i].url);
        plugin_call_free(&c);
    }
}
END_TEST

/* --- outputs and errors -----------------------------------------------------------------------------------
 */

START_TEST(an_output_is_read_by_the_hub) {
    plugin_call child, hub;
    plugin_outcome outcome;
    begin(&child, false);
    begin(&hub, false);
    child.relayed = true; /* so the process does not look at it itself */
    host_call.done_text(&child.abi, STR("{\"half\":"));
    host_call.next_cursor(&child.abi, STR("c2"));
    message_answer(&out, 0, 1, &child, plugin_finish(&child, BB_DONE));
    frame f = whole();
    ck_assert(message_take(&f, &hub, &outcome));
    ck_assert_int_eq(outcome, PLUGIN_FAILED);
    ck_assert_int_eq(hub.error.code, BB_E_PLUGIN);

    begin(&child, false);
    begin(&hub, false);
    host_call.done_text(&child.abi, STR("{\"n\":1}"));
    host_call.next_cursor(&child.abi, STR("c2"));
    message_answer(&out, 0, 1, &child, plugin_finish(&child, BB_DONE));
    f = whole();
    ck_assert(message_take(&f, &hub, &outcome));
    ck_assert_int_eq(outcome, PLUGIN_DONE);
    ck_assert(str_eq(hub.output, STR("{\"n\":1}")) && str_eq(hub.next_cursor, STR("c2")));
}
END_TEST

START_TEST(the_answer_itself_is_not_sent_back) {
    plugin_call child, hub;
    plugin_outcome outcome;
    begin(&child, true);
    begin(&hub, true);
    child.relayed = true;
    child.answer.body = hub.answer.body = STR("[1,2,3]");
    host_call.done_body(&child.abi);
    message_answer(&out, 0, 1, &child, plugin_finish(&child, BB_DONE));
    ck_assert_uint_lt(out.len, sizeof(frame_head) + 20);
    frame f = whole();
    ck_assert(message_take(&f, &hub, &outcome));
    ck_assert_int_eq(outcome, PLUGIN_DONE);
    ck_assert(str_eq(hub.output, STR("[1,2,3]")));

    begin(&hub, false); /* there is no answer yet */
    out.len = 0;
    message_answer(&out, 0, 1, &child, PLUGIN_DONE);
    f = whole();
    ck_assert(message_take(&f, &hub, &outcome));
    ck_assert_int_eq(outcome, PLUGIN_FAILED);
}
END_TEST

START_TEST(an_error_comes_back_whole) {
    plugin_call child, hub;
    plugin_outcome outcome;
    const bb_error error = {.size = sizeof error,
                            .code = BB_E_UPSTREAM_CONFLICT,
                            .message = STR("taken"),
                            .pointer = STR("/name"),
                            .upstream_code = STR("dup"),
                            .upstream_status = 409,
                            .retry = BB_RETRY_NO};
    begin(&child, false);
    begin(&hub, false);
    host_call.fail(&child.abi, &error);
    message_answer(&out, 0, 1, &child, plugin_finish(&child, BB_FAIL));
    frame f = whole();
    ck_assert(message_take(&f, &hub, &outcome));
    ck_assert_int_eq(outcome, PLUGIN_FAILED);
    ck_assert_int_eq(hub.error.code, BB_E_UPSTREAM_CONFLICT);
    ck_assert_int_eq(hub.error.upstream_status, 409);
    ck_assert_int_eq(hub.error.retry, BB_RETRY_NO);
    ck_assert(str_eq(hub.error.message, STR("taken")) && str_eq(hub.error.pointer, STR("/name")) &&
              str_eq(hub.error.upstream_code, STR("dup")));
}
END_TEST

START_TEST(what_is_cut_or_longer_is_refused) {
    plugin_call child, hub;
    begin(&child, false);
    begin(&hub, false);
    host_call.done_text(&child.abi, STR("{\"n\":1}"));
    message_answer(&out, 0, 1, &child, plugin_finish(&child, BB_DONE));
    for (size_t cut = 0; cut < out.len - sizeof(frame_head); cut++) {
        plugin_outcome outcome;
        frame f = whole();
        f.end = f.at + cut;
        plugin_call_reset(&hub);
        ck_assert_msg(!message_take(&f, &hub, &outcome), "cut at %zu", cut);
    }
    buf_char(&out, 'x');
    uint32_t length = (uint32_t)(out.len - sizeof(frame_head));
    memcpy(out.ptr + offsetof(frame_head, length), &length, sizeof length);
    frame f = whole();
    plugin_outcome outcome;
    ck_assert(!message_take(&f, &hub, &outcome));
    f = whole();
    f.head.kind = FRAME_READY;
    ck_assert(!message_take(&f, &hub, &outcome));
}
END_TEST

UNIT_MAIN(unit_test(frames_come_back), unit_test(a_call_that_is_given_up_is_told_of),
          unit_test(progress_comes_back_and_what_is_none_does_not), unit_test(lengths_are_not_trusted),
          unit_test(a_request_comes_back_whole), unit_test(a_request_is_checked_as_within_the_hub),
          unit_test(the_hub_decides_what_is_foreign), unit_test(an_output_is_read_by_the_hub),
          unit_test(the_answer_itself_is_not_sent_back), unit_test(an_error_comes_back_whole),
          unit_test(what_is_cut_or_longer_is_refused))
