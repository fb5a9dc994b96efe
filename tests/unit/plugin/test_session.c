/* Session operations declared right and wrong, and what a session's functions can say. */
#include <busbar/busbar.h>

#include "plugin/host_session.h"
#include "unit.h"

static bb_code open_ok(bb_session *s) {
    s->handle = s;
    return BB_OK;
}
static bb_code open_unsaid(bb_session *s) {
    (void)s;
    return BB_E_UPSTREAM;
}
static bb_code open_said(bb_session *s) {
    char text[40] = "gone by the time it is read";
    bb_code code = bb_session_fail(s, BB_E_UPSTREAM_AUTH, text);
    memset(text, 'x', sizeof text - 1);
    return code;
}
static void close_it(bb_session *s) {
    s->handle = NULL;
}
static bb_step run_ok(bb_call *call, bb_session *s) {
    (void)s;
    return bb_done_text(call, bb_s("1"));
}
static bb_step run_send(bb_call *call, bb_session *s) {
    (void)call, (void)s;
    return BB_SEND;
}
static bb_step run_says_fail(bb_call *call, bb_session *s) {
    bb_session_fail(s, BB_E_UPSTREAM, "in the wrong way");
    return bb_done_text(call, bb_s("1"));
}
static bb_step run_reads_answer(bb_call *call, bb_session *s) {
    (void)s;
    return bb_status(call) == 0 ? bb_done_text(call, bb_s("1")) : BB_FAIL;
}
static bb_step run_breaks(bb_call *call, bb_session *s) {
    bb_session_broken(s, 1);
    bb_session_broken(s, 0); /* once it may have acted, it may */
    return bb_fail(call, BB_E_UPSTREAM, "lost");
}

static bb_session_operation on_session = {BB_SIZE(bb_session_operation), .operation = "op", .run = run_ok};
static bb_session_operation other = {BB_SIZE(bb_session_operation), .operation = "op", .run = run_ok};
static const bb_session_operation *list[3] = {&on_session, NULL, NULL};
static bb_session_extension sessions = {BB_SIZE(bb_session_extension), .open = open_ok, .close = close_it,
                                        .operations = list};
static const bb_operation op = {BB_SIZE(bb_operation), .id = "op", .summary = "Does",
                                .start = bb_session_start};
static const bb_operation *const operations[] = {&op, NULL};
static const bb_plugin plugin = {BB_SIZE(bb_plugin), .id = "p",      .name = "P",
                                 .version = "1",     .summary = "p", .operations = operations};
static const void *get_extension(const char *id) {
    return strcmp(id, BB_EXT_SESSION) == 0 ? &sessions : NULL;
}
static const bb_entry entry = {{'\211', 'B', 'U', 'S', 'B', 'A', 'R', '\n'},
                               BUSBAR_ABI_MAJOR,
                               BUSBAR_ABI_MINOR,
                               sizeof(bb_entry),
                               0,
                               &plugin,
                               get_extension};

static plugin_module *admit(err *e) {
    plugin_module *m = calloc(1, sizeof *m);
    ck_assert_ptr_nonnull(m);
    m->memory = arena_new(0);
    m->refs = 1;
    *e = (err){""};
    if (module_admit(m, &entry, STR("p"), e))
        return m;
    module_unref(m);
    return NULL;
}

static void refused(const char *text) {
    err e;
    ck_assert_ptr_null(admit(&e));
    ck_assert_msg(strstr(e.text, text) != NULL, "%s", e.text);
}

START_TEST(a_declaration_is_tied_to_its_operation) {
    err e;
    plugin_module *m = admit(&e);
    ck_assert_msg(m != NULL, "%s", e.text);
    ck_assert_ptr_eq(m->sessions, &sessions);
    ck_assert_ptr_eq(module_op(m, STR("op"))->session, &on_session);
    module_unref(m);
}
END_TEST

START_TEST(what_is_wrong_with_one_is_told) {
    sessions.size = 8;
    refused("extension busbar.session/1");
    sessions.size = sizeof sessions;
    sessions.open = NULL;
    refused("lacks `open`, `close` or operations");
    sessions.open = open_ok;
    sessions.sessions = PLUGIN_SESSIONS_MAX + 1;
    refused("asks for 257 sessions; 256 are allowed");
    sessions.sessions = 0;
    list[1] = &other;
    refused("\"op\" is declared twice");
    other.operation = "nowhere";
    refused("\"nowhere\" is not one of its operations");
    other.operation = "op";
    list[1] = NULL;
    on_session.run = NULL;
    refused("no id, or no `run`");
    on_session.run = run_ok;
    on_session.size = 4;
    refused("a session operation");
    on_session.size = sizeof on_session;
    list[0] = NULL;
    refused("lacks `open`, `close` or operations");
    list[0] = &on_session;
}
END_TEST

static plugin_session session_of(plugin_module *m) {
    static const bb_connection connection = {.size = sizeof connection, .id = "a"};
    plugin_session s;
    plugin_session_init(&s, m, &connection, NULL);
    return s;
}

START_TEST(open_says_why) {
    err e;
    plugin_module *m = admit(&e);
    plugin_session s = session_of(m);
    ck_assert(plugin_session_open(&s));
    ck_assert(plugin_session_check(&s)); /* without a check of its own */
    plugin_session_close(&s);
    sessions.open = open_unsaid;
    ck_assert(!plugin_session_open(&s));
    ck_assert_int_eq(s.error.code, BB_E_UPSTREAM);
    ck_assert(str_eq(s.error.message, STR("the connector cannot open a session, and does not say why")));
    sessions.open = open_said;
    plugin_session fresh = session_of(m);
    ck_assert(!plugin_session_open(&fresh));
    ck_assert_int_eq(fresh.error.code, BB_E_UPSTREAM_AUTH);
    ck_assert(str_eq(str_from(fresh.message), STR("gone by the time it is read")));
    sessions.open = open_ok;
    module_unref(m);
}
END_TEST

static plugin_outcome run_by(bb_step (*run)(bb_call *, bb_session *), plugin_call *c, plugin_session *s) {
    bb_session_operation one = {BB_SIZE(bb_session_operation), .operation = "op", .run = run};
    plugin_call_reset(c);
    return plugin_session_run(s, c, &one);
}

START_TEST(run_ends_as_a_step_does) {
    err e;
    plugin_module *m = admit(&e);
    plugin_session s = session_of(m);
    plugin_call c;
    plugin_call_init(&c);
    c.memory = arena_new(0);
    c.abi = (bb_call){.size = sizeof c.abi, .host = s.abi.host};
    ck_assert(plugin_session_open(&s));
    ck_assert_int_eq(run_by(run_ok, &c, &s), PLUGIN_DONE);
    ck_assert(str_eq(c.output, STR("1")) && !s.broken);
    ck_assert_int_eq(run_by(run_send, &c, &s), PLUGIN_FAILED);
    ck_assert_int_eq(c.error.code, BB_E_PLUGIN);
    ck_assert_int_eq(run_by(run_says_fail, &c, &s), PLUGIN_FAILED);
    ck_assert_int_eq(c.error.code, BB_E_PLUGIN);
    ck_assert_int_eq(run_by(run_reads_answer, &c, &s), PLUGIN_FAILED);
    ck_assert_int_eq(c.error.code, BB_E_PLUGIN);
    ck_assert_int_eq(run_by(run_breaks, &c, &s), PLUGIN_FAILED);
    ck_assert(s.broken && s.acted);
    plugin_session_close(&s);
    plugin_call_free(&c);
    arena_free(c.memory);
    module_unref(m);
}
END_TEST

/* What a host answers that knows no sessions. */
START_TEST(the_step_in_its_place_fails_properly) {
    plugin_call c;
    plugin_call_init(&c);
    c.memory = arena_new(0);
    c.abi = (bb_call){.size = sizeof c.abi, .host = session_of(&(plugin_module){.desc = &plugin}).abi.host};
    ck_assert_int_eq(plugin_start(&c, &op), PLUGIN_FAILED);
    ck_assert_int_eq(c.error.code, BB_E_UNSUPPORTED);
    plugin_call_free(&c);
    arena_free(c.memory);
}
END_TEST

UNIT_MAIN(unit_test(a_declaration_is_tied_to_its_operation), unit_test(what_is_wrong_with_one_is_told),
          unit_test(open_says_why), unit_test(run_ends_as_a_step_does),
          unit_test(the_step_in_its_place_fails_properly))
