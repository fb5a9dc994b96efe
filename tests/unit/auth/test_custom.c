/* Schemes of a connector's own as the hub keeps them: chosen, configured, acquired over a real server,
 * renewed. */
#include "custom_fixture.h"

#include "auth/custom.h"
#include "auth/session.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#undef fail

/* --- a connector ---------------------------------------------------------------------------------------- */

static bb_step goes_on(bb_call *call) {
    bb_request(call, "GET", "/again");
    return BB_SEND;
}
static const bb_custom_auth endless = {BB_SIZE(bb_custom_auth), .id = "endless", .summary = "never done",
                                       .start = goes_on, .resume = goes_on};
static bb_step signs_nothing(bb_call *call, const bb_auth_request *r) {
    (void)r;
    return bb_fail(call, BB_E_CONFIG, "no: %.*s", (int)bb_in_text(call, "zone").len,
                   bb_in_text(call, "zone").ptr);
}
static const bb_auth_field *const zone_only[] = {&vault_zone, NULL};
static const bb_custom_auth tokenless = {BB_SIZE(bb_custom_auth), .id = "tokenless", .summary = "signs",
                                         .fields = zone_only, .sign = signs_nothing};
static const bb_custom_auth bare = {BB_SIZE(bb_custom_auth),       .id = "bare",
                                    .summary = "a bearer's token", .fields = vault_fields,
                                    .start = vault_start,          .resume = vault_resume};

static bb_step gives_at_once(bb_call *call) {
    return bb_done_token(call, bb_s("made here"), 60);
}
static const bb_custom_auth at_once = {BB_SIZE(bb_custom_auth), .id = "at_once", .summary = "asks nobody",
                                       .start = gives_at_once, .resume = gives_at_once};
static const bb_custom_auth hasty = {BB_SIZE(bb_custom_auth),  .timeout_ms = 1,  .id = "hasty",
                                     .summary = "has no time", .start = goes_on, .resume = goes_on};

static const bb_custom_auth *const schemes[] = {&vault, &endless, &tokenless, &bare, &at_once, &hasty, NULL};
static const bb_auth_extension custom = {BB_SIZE(bb_auth_extension), .schemes = schemes};

/* --- the service: what it answers is by path, and by what the test set ------------------------------------
 */

static struct {
    loop *loop;
    http_client *client;
    http_server *server;
    auth_loop lent;
    auth_runtime *runtime;
    char base_url[64];
    atomic_uint logins, requests, status;
    char form[256]; /* of the last login */
    sem_t done;
} world;

static void respond(http_exchange *x, unsigned status, const char *text) {
    bb_str body = str_from(text);
    http_respond(
        x, &(http_response){
               .status = status, .content_type = STR("application/json"), .body = &body, .body_parts = 1});
}

static void handle(http_exchange *x, void *ctx) {
    (void)ctx;
    const http_request *r = http_exchange_request(x);
    char text[128];
    atomic_fetch_add(&world.requests, 1);
    if (!str_ends(r->path, STR("/login"))) {
        respond(x, 200, "{\"nonce\":\"n\"}");
        return;
    }
    snprintf(world.form, sizeof world.form, "%.*s", STR_FMT(r->body));
    snprintf(text, sizeof text, "{\"token\":\"tok-%u\",\"seconds\":600}",
             atomic_fetch_add(&world.logins, 1) + 1);
    unsigned status = atomic_load(&world.status);
    respond(x, status, status == 200 ? text : "{\"error\":\"no entry with p\\nw \\\"1\\\"\"}");
}

static void wait_done(void) {
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += 30;
    ck_assert_int_eq(sem_timedwait(&world.done, &until), 0);
}

static void set_up(void) {
    err e = {""};
    int fd;
    memset(&world, 0, sizeof world);
    atomic_store(&world.status, 200);
    sem_init(&world.done, 0, 0);
    world.loop = loop_new(0);
    uint16_t port = http_bind(STR("127.0.0.1:0"), &fd, 1, &e);
    ck_assert_msg(port != 0, "%s", e.text);
    snprintf(world.base_url, sizeof world.base_url, "http://127.0.0.1:%u/v1", port);
    world.server = http_server_new(world.loop, fd, NULL, handle, NULL, &e);
    world.client = http_client_new(world.loop, &e);
    ck_assert_msg(world.server != NULL && world.client != NULL, "%s", e.text);
    world.lent = (auth_loop){world.loop, world.client};
    world.runtime = auth_runtime_new(&(auth_runtime_options){.loops = 1});
    ck_assert(auth_runtime_serve(world.runtime, "http://127.0.0.1:1", &world.lent));
    ck_assert(loop_start(world.loop));
}

static void on_closed(void *ctx) {
    (void)ctx;
    sem_post(&world.done);
}

static void close_all(loop *l, void *arg) {
    (void)arg;
    auth_runtime_close_loop(world.runtime, l);
    http_client_free(world.client);
    http_server_close(world.server, 0, on_closed, NULL);
}

static void tear_down(void) {
    loop_post(world.loop, close_all, NULL);
    wait_done();
    loop_join(world.loop);
    loop_free(world.loop);
    auth_runtime_free(world.runtime);
    sem_destroy(&world.done);
}

/* --- connections ------------------------------------------------------------------------------------------
 */

typedef struct reading {
    arena *memory;
    auth auth;
    err error;
    bool ok;
} reading;

static const bb_plugin plugin = {BB_SIZE(bb_plugin), .id = "vaulted"};
#define LOGIN "scheme = vault\nuser = u\npassword = \"p w &1\"\n"

static reading read_with(const char *text, const char *settings) {
    reading r = {.memory = arena_new(0)};
    bb_str whole = arena_printf(r.memory, "[auth]\n%s", text);
    conf_file *file = arena_zalloc(r.memory, sizeof *file);
    ck_assert_msg(conf_read_text(r.memory, "conf.d/x.conf", whole, file), "%s", file->error.text);
    file->id = STR("x");
    auth_connector c = {.plugin = &plugin, .custom = &custom, .settings = str_from(settings)};
    r.ok = auth_compile_for(r.memory, file, conf_find_section(file, STR("auth")), &c, &r.auth, &r.error);
    return r;
}

static reading attached(const char *text) {
    arena *a = arena_new(0);
    bb_str settings = arena_printf(a, "{\"base_url\":\"%s/\",\"tenant\":\"t&1\"}", world.base_url);
    reading r = read_with(text, settings.ptr);
    http_target target = {.connect_timeout_ms = 5000, .max_response_bytes = 1 << 20};
    ck_assert_msg(r.ok, "%s", r.error.text);
    ck_assert(auth_attach(world.runtime, STR("x"), str_from(world.base_url), &target, &r.auth, &r.error));
    arena_free(a);
    return r;
}

static void done_reading(reading *r) {
    auth_release(&r->auth);
    arena_free(r->memory);
}

/* --- tickets: taken on the loop, waited for here ----------------------------------------------------------
 */

static void on_woken(auth_ticket *t, void *ctx) {
    (void)t, (void)ctx;
    sem_post(&world.done);
}

static void get_on_loop(loop *l, void *arg) {
    (void)l;
    if (auth_ticket_get(arg) != AUTH_WAIT)
        sem_post(&world.done);
}

static void get_all(reading *r, auth_ticket *tickets, size_t n) {
    for (size_t i = 0; i < n; i++) {
        tickets[i] = (auth_ticket){
            .auth = &r->auth, .loop = &world.lent, .memory = arena_new(0), .woken = on_woken};
        ck_assert(loop_post(world.loop, get_on_loop, &tickets[i]));
    }
    for (size_t i = 0; i < n; i++)
        wait_done();
}

static void drop(auth_ticket *tickets, size_t n) {
    for (size_t i = 0; i < n; i++)
        arena_free(tickets[i].memory);
}

static void expect_failure(const char *conf, bool retryable, const char *part) {
    reading r = attached(conf);
    auth_ticket t;
    get_all(&r, &t, 1);
    ck_assert_int_eq(t.state, AUTH_FAILED);
    ck_assert_int_eq(t.problem, PROBLEM_CREDENTIALS_UNAVAILABLE);
    ck_assert_int_eq(t.retryable, retryable);
    ck_assert_msg(memmem(t.detail.ptr, t.detail.len, part, strlen(part)) != NULL, "%.*s", STR_FMT(t.detail));
    drop(&t, 1);
    done_reading(&r);
}

START_TEST(one_login_for_all) {
    set_up();
    reading r = attached(LOGIN);
    auth_ticket tickets[50];
    get_all(&r, tickets, 50);
    for (size_t i = 0; i < 50; i++) {
        ck_assert_msg(tickets[i].state == AUTH_READY, "%.*s", STR_FMT(tickets[i].detail));
        ck_assert(str_eq(tickets[i].token, STR("tok-1")));
    }
    ck_assert_uint_eq(world.logins, 1);
    ck_assert_str_eq(world.form, "user=u&password=%22p%20w%20%261%22&tenant=t%261&nonce=n");
    drop(tickets, 50);
    done_reading(&r);
    tear_down();
}
END_TEST

START_TEST(a_401_renews_once_a_call) {
    set_up();
    reading r = attached(LOGIN);
    auth_ticket t;
    get_all(&r, &t, 1);
    ck_assert(!auth_ticket_rejected(&t, &(http_answer){.status = 403}));
    ck_assert(auth_ticket_rejected(&t, &(http_answer){.status = 401}));
    ck_assert(loop_post(world.loop, get_on_loop, &t));
    wait_done();
    ck_assert(str_eq(t.token, STR("tok-2")));
    ck_assert(!auth_ticket_rejected(&t, &(http_answer){.status = 401}));
    ck_assert_uint_eq(world.logins, 2);
    drop(&t, 1);
    done_reading(&r);
    tear_down();
}
END_TEST

START_TEST(a_scheme_that_does_not_ask_for_renewal) {
    set_up();
    reading r = attached("scheme = bare\nuser = u\npassword = p\n");
    auth_ticket t;
    sign_request request = {.method = STR("GET"), .url = STR("https://h.example/")};
    sign_addition added;
    get_all(&r, &t, 1);
    ck_assert(auth_ticket_sign(&t, &request, &added, &r.error));
    ck_assert_uint_eq(added.header_count, 1);
    ck_assert_str_eq(added.headers[0].ptr, "Authorization: Bearer tok-1");
    ck_assert_str_eq(auth_ticket_fields(&r.auth)[0], "Authorization");
    ck_assert(!auth_ticket_rejected(&t, &(http_answer){.status = 401}));
    drop(&t, 1);
    done_reading(&r);
    tear_down();
}
END_TEST

START_TEST(logins_that_fail) {
    set_up();
    atomic_store(&world.status, 401);
    expect_failure(LOGIN, false, "auth scheme vault: no entry with p w ");
    atomic_store(&world.status, 503);
    expect_failure("scheme = vault\nuser = v\npassword = x\n", true, "no entry");
    atomic_store(&world.status, 200);
    unsigned before = world.requests;
    expect_failure("scheme = endless\n", false, "request after request");
    ck_assert_uint_eq(world.requests - before, 20);
    snprintf(world.base_url, sizeof world.base_url, "http://127.0.0.1:1");
    expect_failure(LOGIN, true, "127.0.0.1:1 cannot be asked for a token");
    tear_down();
}
END_TEST

START_TEST(a_token_without_a_request) {
    set_up();
    reading r = attached("scheme = at_once\n");
    auth_ticket tickets[3];
    get_all(&r, tickets, 3);
    for (size_t i = 0; i < 3; i++)
        ck_assert(tickets[i].state == AUTH_READY && str_eq(tickets[i].token, STR("made here")));
    ck_assert_uint_eq(world.requests, 0);
    drop(tickets, 3);
    done_reading(&r);
    tear_down();
}
END_TEST

/* Of 1 ms nothing is left when the first request is put together. */
START_TEST(no_time_for_a_token) {
    set_up();
    expect_failure("scheme = hasty\n", true, "the time for getting a token is over");
    ck_assert_uint_eq(world.requests, 0);
    tear_down();
}
END_TEST

/* The service repeats the password in its text: nobody gets to see it. */
START_TEST(secrets_in_the_services_words) {
    set_up();
    atomic_store(&world.status, 401);
    reading r = attached("scheme = vault\nuser = u\npassword = entry with\n");
    auth_ticket t;
    get_all(&r, &t, 1);
    ck_assert_ptr_nonnull(memmem(t.detail.ptr, t.detail.len, "no [redacted] p", 15));
    drop(&t, 1);
    done_reading(&r);
    tear_down();
}
END_TEST

/* --- without a network
 * --------------------------------------------------------------------------------------- */

START_TEST(what_may_be_chosen) {
    reading r = read_with("scheme = bearer\ntoken = x\n", "{}");
    ck_assert(!r.ok);
    ck_assert_ptr_nonnull(
        strstr(r.error.text, "connector vaulted takes: vault, endless, tokenless, bare, at_once"));
    done_reading(&r);
    r = read_with("scheme = vault\nuser = u\n", "{}");
    ck_assert(!r.ok);
    ck_assert_ptr_nonnull(strstr(r.error.text, "vault needs `password` (with what); it is missing"));
    done_reading(&r);
    r = read_with("user = u\n", "{}"); /* several: which one? */
    ck_assert(!r.ok);
    ck_assert_ptr_nonnull(strstr(r.error.text, "[auth] needs `scheme`, one of: vault, endless"));
    done_reading(&r);
}
END_TEST

START_TEST(a_signature_without_a_token) {
    reading r = read_with("scheme = tokenless\n", "{}");
    ck_assert_msg(r.ok, "%s", r.error.text);
    auth_ticket t = {.auth = &r.auth, .memory = r.memory};
    sign_request request = {.method = STR("GET"), .url = STR("https://h.example/")};
    sign_addition added;
    ck_assert_int_eq(auth_ticket_get(&t), AUTH_READY);
    ck_assert(!auth_ticket_sign(&t, &request, &added, &r.error));
    ck_assert_str_eq(r.error.text, "auth scheme tokenless of connector vaulted: no: main");
    ck_assert(!auth_ticket_rejected(&t, &(http_answer){.status = 401}));
    done_reading(&r);
}
END_TEST

START_TEST(a_signature_with_one) {
    reading r = read_with(LOGIN, "{}");
    auth_ticket t = {.auth = &r.auth, .memory = r.memory, .token = STR("Jefe")};
    sign_request request = {.method = STR("PUT"), .url = STR("https://h.example/"), .body = STR("hi")};
    sign_addition added;
    ck_assert_msg(auth_ticket_sign(&t, &request, &added, &r.error), "%s", r.error.text);
    ck_assert_uint_eq(added.header_count, 2);
    ck_assert_str_eq(added.headers[1].ptr, "x-user: u");
    ck_assert_str_eq(added.query.ptr, "at=1%202&method=PUT");
    ck_assert_str_eq(auth_ticket_fields(&r.auth)[1], "X-User");
    bb_str text = auth_ticket_redact(&t, r.memory, STR("Jefe says \"p w &1\" to u"));
    ck_assert(str_eq(text, STR("[redacted] says [redacted] to u")));
    done_reading(&r);
}
END_TEST

/* Builds that declare the same are the same scheme, so that sessions last; others are not. */
START_TEST(builds_of_one_scheme) {
    bb_custom_auth rebuilt = vault, renamed = vault;
    rebuilt.sign = signs_nothing;
    renamed.summary = "something else";
    const bb_custom_auth *const one[] = {&rebuilt, NULL}, *const two[] = {&renamed, NULL};
    bb_auth_extension x = {BB_SIZE(bb_auth_extension), .schemes = one},
                      y = {BB_SIZE(bb_auth_extension), .schemes = two};
    const auth_scheme *s = custom_scheme_find("vaulted", &custom, STR("vault"));
    ck_assert_ptr_nonnull(s);
    ck_assert_str_eq(s->fields[2].otherwise, "main");
    ck_assert(s->fields[1].secret && s->fields[1].required && !s->fields[0].secret);
    ck_assert_ptr_null(s->fields[3].name);
    ck_assert_ptr_eq(custom_scheme_find("vaulted", &x, STR("vault")), s);
    ck_assert_ptr_ne(custom_scheme_find("vaulted", &y, STR("vault")), s);
    ck_assert_ptr_ne(custom_scheme_find("other", &custom, STR("vault")), s);
    ck_assert_ptr_null(custom_scheme_find("vaulted", &custom, STR("none")));
    ck_assert_ptr_null(custom_scheme_find("vaulted", NULL, STR("vault")));
}
END_TEST

START_TEST(ids_of_the_hubs_own) {
    err e = {""};
    bb_custom_auth taken = vault;
    const bb_custom_auth *const one[] = {&taken, NULL};
    bb_auth_extension x = {BB_SIZE(bb_auth_extension), .schemes = one};
    ck_assert(custom_check(NULL, &e) && custom_check(&x, &e));
    taken.id = "api_key";
    ck_assert(!custom_check(&x, &e));
    ck_assert_ptr_nonnull(strstr(e.text, "\"api_key\" has the id of one of the hub's own"));
}
END_TEST

UNIT_MAIN(unit_test(one_login_for_all), unit_test(a_401_renews_once_a_call),
          unit_test(a_scheme_that_does_not_ask_for_renewal), unit_test(logins_that_fail),
          unit_test(a_token_without_a_request), unit_test(no_time_for_a_token),
          unit_test(secrets_in_the_services_words), unit_test(what_may_be_chosen),
          unit_test(a_signature_without_a_token), unit_test(a_signature_with_one),
          unit_test(builds_of_one_scheme), unit_test(ids_of_the_hubs_own))
