/* The steps of a connector's own schemes, without a network; and declarations that are refused. */
#include "custom_fixture.h"

static plugin_call call_;
static plugin_auth said;

static plugin_call *fresh(const bb_custom_auth *scheme) {
    plugin_call_free(&call_);
    arena_free(call_.memory);
    plugin_call_init(&call_);
    call_.memory = arena_new(0);
    said = (plugin_auth){.scheme = scheme};
    said.settings = json_read(call_.memory, STR("{\"tenant\":\"t&1\"}"), NULL, NULL);
    call_.auth = &said;
    call_.base_url = STR("https://vault.example/v1");
    call_.plugin_id = call_.connection_id = call_.execution_id = "t";
    call_.abi = (bb_call){.size = sizeof call_.abi, .host = host_get()};
    call_.abi.input = (const bb_json *)json_read(
        call_.memory, STR("{\"user\":\"u\",\"password\":\"p w\",\"zone\":\"main\"}"), NULL, NULL);
    return &call_;
}

static void answered(int32_t status, const char *body) {
    call_.answer = (plugin_answer){.status = status, .body = str_from(body)};
}

static void expect_error(bb_code code, const char *part) {
    ck_assert_int_eq(call_.error.code, code);
    ck_assert_msg(call_.error.message.ptr != NULL && strstr(call_.error.message.ptr, part) != NULL, "%s",
                  call_.error.message.ptr);
}

/* --- acquiring ------------------------------------------------------------------------------------------ */

START_TEST(a_login_of_two_requests) {
    plugin_call *c = fresh(&vault);
    ck_assert_int_eq(plugin_acquire_start(c), PLUGIN_SEND);
    ck_assert_str_eq(buf_cstr(&c->request.url), "https://vault.example/v1/nonce");
    answered(200, "{\"nonce\":\"n\"}");
    ck_assert_int_eq(plugin_acquire_resume(c), PLUGIN_SEND);
    ck_assert_str_eq(buf_cstr(&c->request.url), "https://vault.example/v1/login");
    ck_assert(str_eq(c->request.body, STR("user=u&password=p%20w&tenant=t%261&nonce=n")));
    answered(200, "{\"token\":\"tok\",\"seconds\":90}");
    ck_assert_int_eq(plugin_acquire_resume(c), PLUGIN_DONE);
    ck_assert(str_eq(said.token, STR("tok")));
    ck_assert_int_eq(said.expires_in_s, 90);
}
END_TEST

START_TEST(a_refused_login) {
    plugin_call *c = fresh(&vault);
    ck_assert_int_eq(plugin_acquire_start(c), PLUGIN_SEND);
    answered(401, "{\"error\":\"no such user\"}");
    ck_assert_int_eq(plugin_acquire_resume(c), PLUGIN_FAILED);
    expect_error(BB_E_UPSTREAM_AUTH, "no such user");
    ck_assert_ptr_null(said.token.ptr);
}
END_TEST

START_TEST(tokens_that_are_none) {
    static const char *const answers[] = {"{}", "{\"token\":\"\"}", "{\"token\":\"a\\nb\"}",
                                          "{\"token\":null}", "[]"};
    for (size_t i = 0; i < 5; i++) {
        plugin_call *c = fresh(&vault);
        ck_assert_int_eq(plugin_acquire_start(c), PLUGIN_SEND);
        c->abi.step = 2;
        answered(200, answers[i]);
        ck_assert_int_eq(plugin_acquire_resume(c), PLUGIN_FAILED);
        expect_error(BB_E_UPSTREAM_INVALID, "the token is empty");
    }
}
END_TEST

static bb_step says_done(bb_call *call) {
    (void)call;
    return BB_DONE;
}
static bb_step gives_output(bb_call *call) {
    return bb_done_text(call, bb_s("{}"));
}
static bb_step gives_long_token(bb_call *call) {
    char *text = (char *)call->host->call->alloc(call, 65537);
    memset(text, 't', 65537);
    bb_str token = {text, 65537};
    return bb_done_token(call, token, 0);
}
static bb_step gives_at_once(bb_call *call) {
    return bb_done_token(call, bb_in_text(call, "user"), -5);
}
static bb_step signs_early(bb_call *call) {
    bb_auth_header(call, "Authorization", bb_s("x"));
    return BB_DONE;
}

static plugin_outcome run_start(bb_step (*start)(bb_call *)) {
    static bb_custom_auth scheme;
    scheme = (bb_custom_auth){BB_SIZE(bb_custom_auth), .id = "s", .start = start, .resume = says_done};
    return plugin_acquire_start(fresh(&scheme));
}

START_TEST(ends_that_are_none) {
    ck_assert_int_eq(run_start(says_done), PLUGIN_FAILED);
    expect_error(BB_E_PLUGIN, "gave no output");
    ck_assert_int_eq(run_start(gives_output), PLUGIN_FAILED);
    expect_error(BB_E_PLUGIN, "gave no token");
    ck_assert_int_eq(run_start(gives_long_token), PLUGIN_FAILED);
    expect_error(BB_E_UPSTREAM_INVALID, "over 64 KiB");
    ck_assert_int_eq(run_start(signs_early), PLUGIN_FAILED);
    expect_error(BB_E_PLUGIN, "called header outside an auth scheme's sign");
    ck_assert_int_eq(run_start(gives_at_once), PLUGIN_DONE);
    ck_assert_int_eq(said.expires_in_s, 0);
}
END_TEST

/* An operation's steps have none of this. */
START_TEST(operations_are_no_schemes) {
    plugin_call *c = fresh(&vault);
    c->auth = NULL;
    bb_operation op = {BB_SIZE(bb_operation), .id = "o", .start = gives_at_once};
    ck_assert_int_eq(plugin_start(c, &op), PLUGIN_FAILED);
    expect_error(BB_E_PLUGIN, "called done_token outside");
    c = fresh(&vault);
    c->auth = NULL;
    ck_assert_ptr_null(bb_auth_host(&c->abi)->settings(&c->abi));
    ck_assert(c->misused);
}
END_TEST

/* --- signing -------------------------------------------------------------------------------------------- */

static const bb_auth_request request = {.size = sizeof(bb_auth_request),
                                        .method = {"POST", 4},
                                        .url = {"https://vault.example/v1/x", 26},
                                        .body = {"hi", 2}};

START_TEST(a_signature) {
    plugin_call *c = fresh(&vault);
    said.token = STR("Jefe");
    ck_assert_int_eq(plugin_sign(c, &request), PLUGIN_DONE);
    ck_assert_uint_eq(said.header_count, 2);
    ck_assert_str_eq(said.headers[0].ptr,
                     "X-Signature: e6400563f8046be18dcb77073c728e04116ad8a015d7ce45b9c4fbc7c52fa17c");
    ck_assert_str_eq(said.headers[1].ptr, "x-user: u");
    ck_assert_str_eq(said.query.ptr, "at=1%202&method=POST");
    /* signed again, as a repeated request is: nothing is left of the first time */
    ck_assert_int_eq(plugin_sign(c, &request), PLUGIN_DONE);
    ck_assert_uint_eq(said.header_count, 2);
}
END_TEST

static const char *wanted_path;
static bb_step sets_target(bb_call *call, const bb_auth_request *r) {
    (void)r;
    return bb_auth_target(call, bb_s(wanted_path)) ? BB_DONE : BB_FAIL;
}

START_TEST(a_url_that_is_the_secret) {
    bb_custom_auth s = {BB_SIZE(bb_custom_auth), .id = "hook", .sign = sets_target};
    static const char *const bad[] = {"",          "T0/secret",   "/T0/../secret", "/T0/%2e%2e/secret",
                                      "/secret x", "/secret\r\n", "/secret#x"};
    wanted_path = "/T0/B0?a=%20";
    plugin_call *c = fresh(&s);
    ck_assert_int_eq(plugin_sign(c, &request), PLUGIN_DONE);
    ck_assert_str_eq(said.target.ptr, "/T0/B0?a=%20");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        wanted_path = bad[i];
        ck_assert_int_eq(plugin_sign(fresh(&s), &request), PLUGIN_FAILED);
        expect_error(BB_E_CONFIG, "auth scheme \"hook\": its path");
        ck_assert_ptr_null(strstr(call_.error.message.ptr, "secret"));
        ck_assert_ptr_null(said.target.ptr);
    }
}
END_TEST

static bb_auth_api old_api;
static const void *old_extension(const bb_host *host, const char *id) {
    (void)host;
    return strcmp(id, BB_EXT_AUTH) == 0 ? &old_api : NULL;
}
static bb_step on_an_old_host(bb_call *call, const bb_auth_request *r) {
    const bb_host *host = call->host;
    bb_host old = *host;
    (void)r;
    old_api = *bb_auth_host(call);
    old_api.size = (uint32_t)offsetof(bb_auth_api, target);
    old.get_extension = old_extension;
    call->host = &old;
    int done = bb_auth_target(call, bb_s("/secret"));
    call->host = host;
    return done ? BB_DONE : BB_FAIL;
}
START_TEST(a_host_without_targets) {
    bb_custom_auth scheme = {BB_SIZE(bb_custom_auth), .id = "hook", .sign = on_an_old_host};
    ck_assert_int_eq(plugin_sign(fresh(&scheme), &request), PLUGIN_FAILED);
    expect_error(BB_E_UNSUPPORTED, "too old");
}
END_TEST

static bb_step sets_other(bb_call *call, const bb_auth_request *r) {
    (void)r;
    bb_auth_header(call, "X-Other", bb_s("x"));
    return BB_DONE;
}
static bb_step sets_lines(bb_call *call, const bb_auth_request *r) {
    (void)r;
    bb_auth_header(call, "Authorization", bb_s("a\r\nHost: evil"));
    return BB_DONE;
}
static bb_step sets_seven(bb_call *call, const bb_auth_request *r) {
    (void)r;
    for (int i = 0; i < 7; i++)
        bb_auth_header(call, "authorization", bb_s("x"));
    return BB_DONE;
}
static bb_step sends(bb_call *call, const bb_auth_request *r) {
    (void)r;
    bb_request(call, "GET", "/");
    return BB_SEND;
}
static bb_step asks_to_send(bb_call *call, const bb_auth_request *r) {
    (void)call, (void)r;
    return BB_SEND;
}
static bb_step fails_silently(bb_call *call, const bb_auth_request *r) {
    (void)call, (void)r;
    return BB_FAIL;
}
static bb_step fails(bb_call *call, const bb_auth_request *r) {
    (void)r;
    return bb_fail(call, BB_E_CONFIG, "the key is of no use");
}
static bb_step gives_token(bb_call *call, const bb_auth_request *r) {
    (void)r;
    return bb_done_token(call, bb_s("x"), 0);
}

START_TEST(signatures_that_are_none) {
    static const struct {
        bb_step (*sign)(bb_call *, const bb_auth_request *);
        bb_code code;
        const char *part;
    } wrong[] = {{sets_other, BB_E_PLUGIN, "\"X-Other\", which it does not declare"},
                 {sets_lines, BB_E_INVALID_INPUT, "control characters"},
                 {sets_seven, BB_E_INVALID_INPUT, "seventh"},
                 {sends, BB_E_PLUGIN, "begins a request in sign"},
                 {asks_to_send, BB_E_PLUGIN, "sign ends with BB_DONE or BB_FAIL"},
                 {fails_silently, BB_E_PLUGIN, "without saying why"},
                 {fails, BB_E_CONFIG, "the key is of no use"},
                 {gives_token, BB_E_PLUGIN, "called done_token outside an auth scheme's start and resume"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        bb_custom_auth scheme = {BB_SIZE(bb_custom_auth), .id = "s", .sign = wrong[i].sign};
        ck_assert_int_eq(plugin_sign(fresh(&scheme), &request), PLUGIN_FAILED);
        expect_error(wrong[i].code, wrong[i].part);
    }
}
END_TEST

/* --- declarations -----------------------------------------------------------------------------------------
 */

static const bb_auth_extension *offered;
static const void *extension(const char *id) {
    return strcmp(id, BB_EXT_AUTH) == 0 ? offered : NULL;
}

static bool admit(const bb_auth_extension *x, err *e) {
    static const bb_plugin plugin = {BB_SIZE(bb_plugin), .id = "p"};
    const bb_entry entry = {.size = sizeof(bb_entry), .plugin = &plugin, .get_extension = extension};
    const bb_auth_extension *got = NULL;
    offered = x;
    *e = (err){""};
    bool ok = host_auth_admit(&(plugin_module){.entry = &entry}, &got, e);
    ck_assert(got == (ok ? x : NULL));
    return ok;
}

static void refused(const bb_custom_auth *s, const char *part) {
    const bb_custom_auth *const schemes[] = {s, NULL};
    bb_auth_extension x = {BB_SIZE(bb_auth_extension), .schemes = schemes};
    err e;
    ck_assert_msg(!admit(&x, &e), "expected: %s", part);
    ck_assert_msg(strstr(e.text, part) != NULL, "%s", e.text);
}

START_TEST(a_good_declaration) {
    const bb_custom_auth *const schemes[] = {&vault, NULL};
    bb_auth_extension x = {BB_SIZE(bb_auth_extension), .schemes = schemes};
    err e;
    ck_assert_msg(admit(&x, &e), "%s", e.text);
    ck_assert(admit(NULL, &e)); /* has an extension function, but not this one */
}
END_TEST

START_TEST(extensions_that_are_none) {
    static const bb_custom_auth *const none[] = {NULL}, *const twice[] = {&vault, &vault, NULL};
    const bb_custom_auth *many[18] = {0};
    static bb_custom_auth copies[17];
    char ids[17][8];
    for (int i = 0; i < 17; i++) {
        copies[i] = vault;
        snprintf(ids[i], sizeof ids[i], "s%d", i);
        copies[i].id = ids[i];
        many[i] = &copies[i];
    }
    bb_auth_extension x = {BB_SIZE(bb_auth_extension), .schemes = none};
    err e;
    ck_assert(!admit(&x, &e) && strstr(e.text, "no schemes") != NULL);
    x.schemes = NULL;
    ck_assert(!admit(&x, &e) && strstr(e.text, "no schemes") != NULL);
    x.schemes = twice;
    ck_assert(!admit(&x, &e) && strstr(e.text, "\"vault\" is declared twice") != NULL);
    x.schemes = many;
    ck_assert(!admit(&x, &e) && strstr(e.text, "more than 16 auth schemes") != NULL);
    many[16] = NULL;
    ck_assert_msg(admit(&x, &e), "%s", e.text);
    x.size = 8;
    ck_assert(!admit(&x, &e) && strstr(e.text, "smaller than") != NULL);
}
END_TEST

START_TEST(schemes_that_are_none) {
    bb_custom_auth s;
#define REFUSED(part, ...) (s = vault, __VA_ARGS__, refused(&s, part))
    REFUSED("size is 4", s.size = 4);
    REFUSED("has the id \"\"", s.id = NULL);
    REFUSED("has the id \"Vault\"", s.id = "Vault");
    REFUSED("has the id \"1a\"", s.id = "1a");
    REFUSED("no summary", s.summary = NULL);
    REFUSED("no summary of one line", s.summary = "a\nb");
    REFUSED("start and resume go together", s.resume = NULL);
    REFUSED("start and resume go together", s.start = NULL);
    REFUSED("neither acquires a token nor signs", s.start = s.resume = NULL, s.sign = NULL);
    REFUSED("asks for renewal, but acquires no token", s.start = s.resume = NULL);
    REFUSED("asks for 65537 bytes", s.state_size = 65537);
    REFUSED("asks for 300001 ms", s.timeout_ms = 300001);
    static const char *const host[] = {"host", NULL}, *const blank[] = {"X A", NULL},
                             *const empty[] = {"", NULL};
    static const char *const seven[] = {"a", "b", "c", "d", "e", "f", "g", NULL};
    REFUSED("\"host\", which is no name or is the hub's own", s.headers = host);
    REFUSED("\"X A\", which is no name", s.headers = blank);
    REFUSED("\"\", which is no name", s.headers = empty);
    REFUSED("more than 6 header fields", s.headers = seven);
}
END_TEST

START_TEST(fields_that_are_none) {
    bb_custom_auth s = vault;
    bb_auth_field f;
    const bb_auth_field *fields[18] = {&f, NULL};
    s.fields = fields;
#define FIELD_REFUSED(part, ...) (f = vault_user, __VA_ARGS__, refused(&s, part))
    FIELD_REFUSED("a field's size is 0", f.size = 0);
    FIELD_REFUSED("a field named \"\"", f.name = NULL);
    FIELD_REFUSED("a field named \"scheme\"", f.name = "scheme");
    FIELD_REFUSED("a field named \"a-b\"", f.name = "a-b");
    FIELD_REFUSED("\"user\" has no description", f.description = "");
    FIELD_REFUSED("has a default, but is required or secret", f.otherwise = "x");
    FIELD_REFUSED("has a default, but is required or secret", f.flags = BB_AUTH_SECRET, f.otherwise = "x");
    fields[1] = &vault_user;
    FIELD_REFUSED("two fields named \"user\"", (void)0);
    static bb_auth_field copies[17];
    char names[17][8];
    for (int i = 0; i < 17; i++) {
        copies[i] = vault_zone;
        snprintf(names[i], sizeof names[i], "f%d", i);
        copies[i].name = names[i];
        fields[i] = &copies[i];
    }
    refused(&s, "more than 16 fields");
}
END_TEST

/* What connectors were compiled with: a member that moves breaks them all. */
START_TEST(layouts_are_frozen) {
    ck_assert_uint_eq(sizeof(bb_auth_field), 32);
    ck_assert_uint_eq(offsetof(bb_auth_field, otherwise), 24);
    ck_assert_uint_eq(sizeof(bb_auth_request), 88);
    ck_assert_uint_eq(offsetof(bb_auth_request, body), 48);
    ck_assert_uint_eq(offsetof(bb_auth_request, random), 72);
    ck_assert_uint_eq(sizeof(bb_custom_auth), 72);
    ck_assert_uint_eq(offsetof(bb_custom_auth, fields), 32);
    ck_assert_uint_eq(offsetof(bb_custom_auth, sign), 64);
    ck_assert_uint_eq(sizeof(bb_auth_extension), 16);
    ck_assert_uint_eq(offsetof(bb_auth_api, settings), 8);
    ck_assert_uint_eq(offsetof(bb_auth_api, query), 40);
    ck_assert_uint_eq(offsetof(bb_auth_api, target), 48);
}
END_TEST

UNIT_MAIN(unit_test(layouts_are_frozen), unit_test(a_login_of_two_requests), unit_test(a_refused_login),
          unit_test(tokens_that_are_none), unit_test(ends_that_are_none),
          unit_test(operations_are_no_schemes), unit_test(a_signature), unit_test(a_url_that_is_the_secret),
          unit_test(a_host_without_targets), unit_test(signatures_that_are_none),
          unit_test(a_good_declaration), unit_test(extensions_that_are_none),
          unit_test(schemes_that_are_none), unit_test(fields_that_are_none))
