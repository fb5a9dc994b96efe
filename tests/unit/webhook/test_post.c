/* Posts to a server on loopback: what arrives, and what is made of the answers. */
#include <busbar/busbar.h>

#include "../http/server_fixture.h"
#include "base/clock.h"
#include "webhook/cloudevents.h"
#include "webhook/post_internal.h"
#include "json/json.h"

#include <dlfcn.h>
#include <netdb.h>
#include <signal.h>

#define KEY "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define NOW_MS 1700000000123u

/* --- the receiver ------------------------------------------------------------------------------------- */

static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;
static buf seen_header, seen_body; /* of the last request: "name: value\n", names as sent */
static atomic_uint seen;

static void keep(const http_request *r) {
    pthread_mutex_lock(&seen_lock);
    buf_clear(&seen_header);
    buf_clear(&seen_body);
    for (size_t i = 0; i < r->header_count; i++)
        buf_printf(&seen_header, "%.*s: %.*s\n", STR_FMT(r->headers[i].name), STR_FMT(r->headers[i].value));
    buf_str_add(&seen_body, r->body);
    pthread_mutex_unlock(&seen_lock);
    atomic_fetch_add(&seen, 1);
}

static void answer(http_exchange *x, unsigned status, const char *text, http_header field) {
    bb_str body = str_from(text);
    http_respond(x, &(http_response){.status = status,
                                     .content_type = STR("text/plain"),
                                     .headers = &field,
                                     .header_count = field.name.len > 0,
                                     .body = &body,
                                     .body_parts = 1});
}

static void receive(http_exchange *x, void *ctx) {
    const http_request *r = http_exchange_request(x);
    bb_str path = r->path;
    const http_header none = {0};
    keep(r);
    if (str_eq(path, STR("/seconds")))
        answer(x, 503, "later", (http_header){STR("Retry-After"), STR("120")});
    else if (str_eq(path, STR("/date"))) /* 60 s after NOW_MS */
        answer(x, 429, "", (http_header){STR("Retry-After"), STR("Tue, 14 Nov 2023 22:14:20 GMT")});
    else if (str_eq(path, STR("/moved")))
        answer(x, 307, "", (http_header){STR("Location"), STR("/ok")});
    else if (str_eq(path, STR("/gone")))
        answer(x, 410, "gone\r\n\x01\x7f\xc2\x9b\xff h\xc3\xa9", none);
    else if (str_eq(path, STR("/echo")))
        answer(x, 400, "you sent Bearer opensesame and opensesame", none);
    else if (str_eq(path, STR("/large")))
        fixture_large(x);
    else if (str_eq(path, STR("/hold")))
        fixture_hold(ctx, x);
    else
        answer(x, 200, "thanks", none);
}

/* --- the sender ---------------------------------------------------------------------------------------- */

static fixture server;
static loop *turned;
static posts *sender;
static arena *memory;
static post_rules rules;

static void begin(void) {
    err e = {""};
    signal(SIGPIPE, SIG_IGN); /* as the hub does */
    atomic_store(&seen, 0);
    fixture_start_with(&server, (http_server_limits){0}, receive);
    turned = loop_new(1);
    ck_assert_ptr_nonnull(turned);
    sender = posts_new(turned, &e);
    ck_assert_msg(sender != NULL && loop_start(turned), "%s", e.text);
    memory = arena_new(0);
    rules = (post_rules){.guard = {.plain = true}};
    ck_assert(http_ranges_read(memory, STR("127.0.0.0/8"), &rules.guard.allow, &e));
}

static void free_sender(loop *l, void *arg) {
    (void)l, (void)arg;
    posts_free(sender);
}

static void end(void) {
    ck_assert(loop_post(turned, free_sender, NULL));
    loop_join(turned);
    loop_free(turned);
    fixture_stop(&server);
    arena_free(memory);
    buf_free(&seen_header);
    buf_free(&seen_body);
}

typedef struct outcome {
    post_what what;
    post *begun;
    atomic_bool over;
    post_result result;
    char text[POST_TEXT_MAX + 1];
} outcome;

static void on_done(const post_result *r, void *ctx) {
    outcome *o = ctx;
    ck_assert(o->begun != NULL && !atomic_load(&o->over) && r->text.len <= POST_TEXT_MAX);
    o->result = *r;
    str_put(o->text, sizeof o->text, r->text);
    atomic_store(&o->over, true);
}

static void begin_post(loop *l, void *arg) {
    (void)l;
    outcome *o = arg;
    o->begun = post_begin(sender, &o->what, on_done, o);
    ck_assert_ptr_nonnull(o->begun);
}

static void cancel_post(loop *l, void *arg) {
    (void)l;
    post_cancel(((outcome *)arg)->begun);
}

static post_destination to(const char *path) {
    return (post_destination){.url = arena_printf(memory, "http://127.0.0.1:%u%s", server.port, path).ptr,
                              .target = post_target(&rules),
                              .standard = true,
                              .timeout_ms = 60000};
}

static outcome send_to(const post_destination *d, const delivery *events, size_t count, bool batch) {
    outcome o = {.what = {.to = d, .events = events, .count = count, .batch = batch, .now_ms = NOW_MS}};
    ck_assert(loop_post(turned, begin_post, &o));
    fixture_wait(atomic_load(&o.over));
    return o;
}

static const delivery one = {.event = {"evt_1", 5},
                             .source = {"api", 3},
                             .type = {"invoice.paid", 12},
                             .content_type = {"application/json", 16},
                             .payload = {"{\"n\":1}", 7},
                             .event_ms = 1700000000000u};
static const delivery two = {
    .event = {"evt_2", 5},
    .source = {"endpoint/shop", 13},
    .type = {"caf\xc3\xa9 \"x\"\r\nX-Forged: 1", 22},
    .attributes = {"{\"cloudevents\":{\"source\":\"/shop\",\"subject\":\"a b\","
                   "\"time\":\"2026-01-02T03:04:05Z\",\"n\":7},\"peer\":\"192.0.2.1\"}",
                   0},
    .content_type = {"text/plain", 10},
    .payload = {"h\xc3\xa9", 3},
    .event_ms = 1700000000000u};
static const delivery bytes = {
    .event = {"evt_3", 5}, .content_type = {"image/png", 9}, .payload = {"\xff\0\x01", 3}};

static delivery second(void) {
    delivery d = two;
    d.attributes.len = strlen(d.attributes.ptr);
    return d;
}

static bool header_has(const char *line) {
    bb_str all = buf_str(&seen_header);
    return memmem(all.ptr, all.len, line, strlen(line)) != NULL;
}

#define ck_header(line) \
    ck_assert_msg(header_has(line "\n"), "no \"%s\" in:\n%s", line, buf_cstr(&seen_header))
#define ck_body(text) ck_assert_str_eq(buf_cstr(&seen_body), text)

/* --- what arrives -----------------------------------------------------------------------------------------
 */

START_TEST(the_payload_goes_as_it_is) {
    begin();
    post_destination d = to("/ok");
    outcome o = send_to(&d, &one, 1, false);
    ck_assert_int_eq(o.result.failure, POST_OK);
    ck_assert_uint_eq(o.result.status, 200);
    ck_assert_str_eq(o.text, "thanks");
    ck_body("{\"n\":1}");
    ck_header("Content-Type: application/json");
    ck_header("Webhook-Id: evt_1");
    ck_header("Webhook-Timestamp: 1700000000");
    ck_header("Webhook-Type: invoice.paid");
    ck_header("User-Agent: Busbar");
    ck_assert(!header_has("Webhook-Signature"));
    end();
}
END_TEST

START_TEST(it_is_signed_with_every_secret) {
    begin();
    err e = {""};
    signing_keys *keys = signing_keys_read(STR(KEY "\nold"), &e);
    post_destination d = to("/ok");
    d.keys = keys;
    d.legacy_header = "X-Webhook-Signature";
    send_to(&d, &one, 1, false);
    buf expected = {0};
    buf_lit(&expected, "Webhook-Signature: ");
    ck_assert(signing_standard(keys, STR("evt_1.1700000000.{\"n\":1}"), &expected));
    ck_assert_msg(header_has(buf_cstr(&expected)), "%s", buf_cstr(&seen_header));
    buf_clear(&expected);
    buf_lit(&expected, "X-Webhook-Signature: ");
    ck_assert(signing_legacy(keys, STR("{\"n\":1}"), &expected));
    ck_assert_msg(header_has(buf_cstr(&expected)), "%s", buf_cstr(&seen_header));
    d.standard = false;
    send_to(&d, &one, 1, false);
    ck_assert(!header_has("\nWebhook-Signature") && header_has("X-Webhook-Signature"));
    buf_free(&expected);
    signing_keys_free(keys);
    end();
}
END_TEST

START_TEST(the_standard_format_says_type_and_time) {
    begin();
    post_destination d = to("/ok");
    d.format = POST_STANDARD;
    send_to(&d, &one, 1, false);
    ck_body("{\"type\":\"invoice.paid\",\"timestamp\":\"2023-11-14T22:13:20.000Z\",\"data\":{\"n\":1}}");
    delivery text = second();
    send_to(&d, &text, 1, false);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&seen_body), "\"data\":\"h\xc3\xa9\""));
    ck_header("Content-Type: application/json");
    send_to(&d, &bytes, 1, false);
    ck_assert_ptr_nonnull(strstr(buf_cstr(&seen_body), "\"data\":\"/wAB\""));
    end();
}
END_TEST

START_TEST(a_batch_is_an_array_of_one_id) {
    begin();
    post_destination d = to("/ok");
    const delivery both[] = {one, second(), bytes};
    send_to(&d, both, 3, true);
    ck_body("[{\"n\":1},\"h\xc3\xa9\",\"/wAB\"]");
    buf id = {0};
    const char *at = strstr(buf_cstr(&seen_header), "Webhook-Id: batch_");
    ck_assert_ptr_nonnull(at);
    buf_add(&id, at, 12 + 6 + 32 + 1);
    ck_assert_int_eq(id.ptr[id.len - 1], '\n');
    ck_assert(!header_has("Webhook-Type"));
    send_to(&d, both, 3, true);
    ck_assert(header_has(buf_cstr(&id)));
    send_to(&d, both, 2, true);
    ck_assert(!header_has(buf_cstr(&id)));
    send_to(&d, both, 1, true);
    ck_body("[{\"n\":1}]");
    buf_free(&id);
    d.format = POST_STANDARD;
    send_to(&d, both, 2, true);
    ck_body("[{\"id\":\"evt_1\",\"type\":\"invoice.paid\",\"timestamp\":\"2023-11-14T22:13:20.000Z\","
            "\"data\":{\"n\":1}},{\"id\":\"evt_2\",\"type\":\"caf\xc3\xa9 \\\"x\\\"\\r\\nX-Forged: 1\","
            "\"timestamp\":\"2023-11-14T22:13:20.000Z\",\"data\":\"h\xc3\xa9\"}]");
    end();
}
END_TEST

START_TEST(cloudevents_go_in_each_mode) {
    begin();
    post_destination d = to("/ok");
    d.format = POST_CLOUDEVENTS;
    send_to(&d, &one, 1, false);
    ck_header("Content-Type: " CLOUDEVENTS_TYPE);
    ck_body(
        "{\"specversion\":\"1.0\",\"id\":\"evt_1\",\"source\":\"urn:busbar:api\",\"type\":\"invoice.paid\","
        "\"time\":\"2023-11-14T22:13:20.000Z\",\"datacontenttype\":\"application/json\",\"data\":{\"n\":1}}");
    delivery text = second();
    text.type = STR("note");
    send_to(&d, &text, 1, false);
    ck_body(
        "{\"specversion\":\"1.0\",\"id\":\"evt_2\",\"source\":\"/shop\",\"type\":\"note\","
        "\"time\":\"2026-01-02T03:04:05Z\",\"datacontenttype\":\"text/plain\",\"subject\":\"a b\",\"n\":7,"
        "\"data_base64\":\"aMOp\"}");
    send_to(&d, &text, 1, true);
    ck_header("Content-Type: " CLOUDEVENTS_BATCH_TYPE);
    ck_assert(seen_body.ptr[0] == '[');
    d.format = POST_CLOUDEVENTS_BINARY;
    send_to(&d, &text, 1, false);
    ck_header("Content-Type: text/plain");
    ck_header("ce-specversion: 1.0");
    ck_header("ce-id: evt_2");
    ck_header("ce-source: /shop");
    ck_header("ce-type: note");
    ck_header("ce-time: 2026-01-02T03:04:05Z");
    ck_header("ce-subject: a%20b");
    ck_header("ce-n: 7");
    ck_body("h\xc3\xa9");
    end();
}
END_TEST

START_TEST(nobody_adds_fields_by_a_type_or_content_type) {
    begin();
    post_destination d = to("/ok");
    delivery text = second();
    text.content_type = STR("text/plain\r\nX-Forged: 2");
    d.format = POST_CLOUDEVENTS_BINARY;
    send_to(&d, &text, 1, false);
    ck_assert(!header_has("\nX-Forged"));
    ck_header("Webhook-Type: caf%C3%A9%20%22x%22%0D%0AX-Forged:%201");
    ck_header("Content-Type: application/octet-stream");
    end();
}
END_TEST

START_TEST(users_add_their_own_fields) {
    begin();
    const bb_str fields[] = {STR("Authorization: Bearer opensesame"), STR("User-Agent: mine")};
    post_destination d = to("/echo");
    d.headers = fields;
    d.header_count = 2;
    outcome o = send_to(&d, &one, 1, false);
    ck_header("Authorization: Bearer opensesame");
    ck_header("User-Agent: mine");
    ck_assert(!header_has("User-Agent: Busbar"));
    ck_assert_str_eq(o.text, "answered 400: you sent *** and ***");
    end();
}
END_TEST

/* --- what is made of answers -------------------------------------------------------------------------------
 */

START_TEST(a_url_with_a_secret_is_not_repeated) {
    post_destination d = {.url = "https://example.com/hooks/T0KEN?sig=S1GNATURE", .url_secret = true};
    const bb_str said = STR("Cannot POST /hooks/T0KEN at /hooks/T0KEN?sig=S1GNATURE");
    buf text = {0};
    post_text_add(&text, said, &d);
    ck_assert_str_eq(buf_cstr(&text), "Cannot POST *** at ***?***");
    buf_clear(&text);
    d.url_secret = false;
    post_text_add(&text, said, &d);
    ck_assert(str_eq(buf_str(&text), said));
    buf_clear(&text);
    d = (post_destination){.url = "https://example.com", .url_secret = true};
    post_text_add(&text, said, &d);
    ck_assert(str_eq(buf_str(&text), said));
    buf_free(&text);
}
END_TEST

START_TEST(answers_are_judged) {
    begin();
    post_destination d = to("/seconds");
    outcome o = send_to(&d, &one, 1, false);
    ck_assert_int_eq(o.result.failure, POST_STATUS);
    ck_assert_uint_eq(o.result.status, 503);
    ck_assert_uint_eq(o.result.retry_after_ms, 120000);
    ck_assert_str_eq(o.text, "answered 503: later");
    d = to("/date");
    o = send_to(&d, &one, 1, false);
    ck_assert_uint_eq(o.result.status, 429);
    ck_assert_uint_eq(o.result.retry_after_ms, 60000 - 123);
    d = to("/gone");
    o = send_to(&d, &one, 1, false);
    ck_assert_uint_eq(o.result.status, 410);
    ck_assert_str_eq(o.text, "answered 410: gone     ? h\xc3\xa9");
    end();
}
END_TEST

START_TEST(redirects_are_failures_and_not_followed) {
    begin();
    post_destination d = to("/moved");
    outcome o = send_to(&d, &one, 1, false);
    ck_assert_int_eq(o.result.failure, POST_STATUS);
    ck_assert_uint_eq(o.result.status, 307);
    ck_assert_ptr_nonnull(strstr(o.text, "redirects are not followed"));
    ck_assert_uint_eq(atomic_load(&seen), 1);
    end();
}
END_TEST

START_TEST(a_long_answer_is_an_answer) {
    begin();
    post_destination d = to("/large?n=1000000");
    outcome o = send_to(&d, &one, 1, false);
    ck_assert_int_eq(o.result.failure, POST_OK);
    ck_assert_uint_eq(o.result.text.len, POST_TEXT_MAX);
    end();
}
END_TEST

/* A receiver that says one thing and closes, or says it and is silent. */
typedef struct cutter {
    int listening;
    const char *says;
    bool hangs;
    atomic_bool over; /* of one that hangs: it may close */
    pthread_t thread;
} cutter;

static void *cut(void *arg) {
    cutter *c = arg;
    char got[4096];
    int fd = accept(c->listening, NULL, NULL);
    for (size_t n = 0; n < sizeof got - 1 && (n < 7 || memcmp(got + n - 7, "{\"n\":1}", 7) != 0);) {
        ssize_t more = recv(fd, got + n, sizeof got - 1 - n, 0);
        if (more <= 0)
            break;
        n += (size_t)more;
    }
    (void)!send(fd, c->says, strlen(c->says), MSG_NOSIGNAL);
    if (c->hangs)
        fixture_wait(atomic_load(&c->over));
    close(fd);
    return NULL;
}

static outcome send_to_cutter(const char *says, bool hangs) {
    cutter c = {.listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .says = says, .hangs = hangs};
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    ck_assert(bind(c.listening, (struct sockaddr *)&address, len) == 0 && listen(c.listening, 1) == 0 &&
              getsockname(c.listening, (struct sockaddr *)&address, &len) == 0 &&
              pthread_create(&c.thread, NULL, cut, &c) == 0);
    post_destination d = to("/");
    d.url = arena_printf(memory, "http://127.0.0.1:%u/", ntohs(address.sin_port)).ptr;
    d.timeout_ms = hangs ? 1000 : 60000;
    outcome o = send_to(&d, &one, 1, false);
    atomic_store(&c.over, true);
    pthread_join(c.thread, NULL);
    close(c.listening);
    return o;
}

START_TEST(a_refusal_stands_though_its_body_is_cut_off) {
    begin();
    outcome o = send_to_cutter("HTTP/1.1 410 Gone\r\nContent-Length: 50\r\n\r\ncut", false);
    ck_assert_int_eq(o.result.failure, POST_STATUS);
    ck_assert_uint_eq(o.result.status, 410);
    ck_assert_str_eq(o.text, "answered 410, not all of it came: cut");
    o = send_to_cutter("HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nContent-Length: 50\r\n\r\n", false);
    ck_assert_int_eq(o.result.failure, POST_STATUS);
    ck_assert_uint_eq(o.result.status, 503);
    ck_assert_uint_eq(o.result.retry_after_ms, 3600000);
    ck_assert_str_eq(o.text, "answered 503, not all of it came");
    o = send_to_cutter("HTTP/1.1 429 Slow\r\nRetry-After: 60\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ncut",
                       false);
    ck_assert_int_eq(o.result.failure, POST_STATUS);
    ck_assert_uint_eq(o.result.retry_after_ms, 60000);
    o = send_to_cutter("HTTP/1.1 429 Slow\r\nRetry-After: 60\r\nContent-Length: 50\r\n\r\ncut", true);
    ck_assert_int_eq(o.result.failure, POST_STATUS);
    ck_assert_uint_eq(o.result.retry_after_ms, 60000);
    end();
}
END_TEST

START_TEST(what_is_no_final_answer_or_half_a_good_one_is_none) {
    begin();
    outcome o = send_to_cutter("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut", false);
    ck_assert_int_eq(o.result.failure, POST_BROKEN);
    o = send_to_cutter("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\ncut", true);
    ck_assert_int_eq(o.result.failure, POST_TIMEOUT);
    o = send_to_cutter("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", false);
    ck_assert_int_eq(o.result.failure, POST_BROKEN);
    end();
}
END_TEST

START_TEST(no_answer_in_time_is_a_timeout) {
    begin();
    post_destination d = to("/hold");
    d.timeout_ms = 20;
    outcome o = send_to(&d, &one, 1, false);
    ck_assert_int_eq(o.result.failure, POST_TIMEOUT);
    ck_assert_uint_eq(o.result.status, 0);
    ck_assert_uint_ge(o.result.duration_ms, 19);
    end();
}
END_TEST

START_TEST(nobody_listening_is_no_connection) {
    begin();
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    ck_assert(bind(fd, (struct sockaddr *)&address, len) == 0 &&
              getsockname(fd, (struct sockaddr *)&address, &len) == 0);
    post_destination d = to("/");
    d.url =
        arena_printf(memory, "http://127.0.0.1:%u/", ntohs(address.sin_port)).ptr; /* bound, not listening */
    outcome o = send_to(&d, &one, 1, false);
    ck_assert_int_eq(o.result.failure, POST_CONNECT);
    ck_assert_uint_gt(o.result.text.len, 0);
    close(fd);
    end();
}
END_TEST

/* --- the guard
 * ------------------------------------------------------------------------------------------------ */

START_TEST(nothing_reaches_a_refused_address_in_any_notation) {
    static const char *const hosts[] = {"127.0.0.1",       "127.1",
                                        "2130706433",      "0x7f000001",
                                        "0177.0.0.1",      "localhost",
                                        "[::1]",           "[::ffff:127.0.0.1]",
                                        "[::ffff:7f00:1]", "0",
                                        "%31%32%37.0.0.1", "[64:ff9b::7f00:1]",
                                        "[2002:7f00:1::]", "10.0.0.1",
                                        "169.254.169.254", "[fe80::1%25lo]",
                                        "224.0.0.1",       "255.255.255.255"};
    begin();
    rules.guard.allow = (http_ranges){0};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++) {
        post_destination d = to("/ok");
        d.url = arena_printf(memory, "http://%s:%u/ok", hosts[i], server.port).ptr;
        outcome o = send_to(&d, &one, 1, false);
        ck_assert_msg(o.result.failure == POST_REFUSED, "%s: %s, %s", hosts[i],
                      post_failure_name(o.result.failure), o.text);
        ck_assert_msg(strstr(o.text, "[webhooks] allow") != NULL, "%s", o.text);
    }
    /* What is an address to some resolvers and a name, or nothing, to others. */
    static const char *const odd[] = {"\xef\xbc\x91\x32\x37.0.0.1", "127\xe3\x80\x82\x30.0.1",
                                      "1\xc2\xad\x32\x37.0.0.1"};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        post_destination d = to("/ok");
        d.url = arena_printf(memory, "http://%s:%u/ok", odd[i], server.port).ptr;
        ck_assert_int_ne(send_to(&d, &one, 1, false).result.failure, POST_OK);
    }
    ck_assert_uint_eq(atomic_load(&server.requests), 0);
    ck_assert_uint_eq(http_server_connections(server.server), 0); /* not even connected */
    end();
}
END_TEST

/* --- names
 * ---------------------------------------------------------------------------------------------------- */

typedef int (*lookup)(const char *node, const char *service, const struct addrinfo *hints,
                      struct addrinfo **out);

static atomic_uint rebound; /* lookups of rebind.test */

/* libcurl asks this program's function instead of libc's: names end in .test, and nobody else is asked. */
__attribute__((visibility("default"))) int getaddrinfo(const char *node, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **out) {
    lookup real = (lookup)(uintptr_t)dlsym(RTLD_NEXT, "getaddrinfo");
    const char *first = node, *second = NULL;
    if (hints->ai_flags & AI_NUMERICHOST) /* the check of a URL: no lookup */
        return real(node, service, hints, out);
    if (node != NULL && strcmp(node, "inside.test") == 0)
        first = "10.0.0.1";
    if (node != NULL && strcmp(node, "metadata.test") == 0)
        first = "169.254.169.254";
    if (node != NULL && strcmp(node, "mapped.test") == 0)
        first = "::ffff:127.0.0.2";
    if (node != NULL && strcmp(node, "rebind.test") == 0)
        first = atomic_fetch_add(&rebound, 1) == 0 ? "127.0.0.1" : "127.0.0.2";
    if (node != NULL && strcmp(node, "mixed.test") == 0) {
        first = "10.0.0.1";
        second = "127.0.0.1";
    }
    int code = real(first, service, hints, out);
    if (code == 0 && second != NULL)
        code = real(second, service, hints, &(*out)->ai_next);
    return code;
}

static outcome send_to_name(const char *name) {
    err e = {""};
    post_destination d = to("/ok");
    d.url = arena_printf(memory, "http://%s:%u/ok", name, server.port).ptr;
    ck_assert_msg(post_url_check(&rules, d.url, &e), "%s", e.text); /* it cannot know yet */
    return send_to(&d, &one, 1, false);
}

START_TEST(a_name_is_judged_by_the_address_that_is_used) {
    static const char *const inside[][2] = {
        {"inside.test", "10.0.0.1"}, {"metadata.test", "169.254.169.254"}, {"mapped.test", "127.0.0.2"}};
    err e = {""};
    begin();
    ck_assert(http_ranges_read(memory, STR("127.0.0.1"), &rules.guard.allow, &e));
    for (size_t i = 0; i < sizeof inside / sizeof inside[0]; i++) {
        outcome o = send_to_name(inside[i][0]);
        ck_assert_msg(o.result.failure == POST_REFUSED, "%s: %s", inside[i][0], o.text);
        ck_assert_ptr_nonnull(strstr(o.text, inside[i][1]));
    }
    ck_assert_uint_eq(atomic_load(&server.requests), 0);
    outcome o = send_to_name("mixed.test"); /* the one of its addresses that is allowed */
    ck_assert_msg(o.result.failure == POST_OK, "%s", o.text);
    ck_assert_uint_eq(atomic_load(&seen), 1);
    end();
}
END_TEST

static void renew_sender(loop *l, void *arg) {
    err e = {""};
    posts_free(sender);
    sender = posts_new(l, &e); /* knows no name and has no connection */
    atomic_store((atomic_bool *)arg, sender != NULL);
}

/* The first lookup gives an address that is allowed, the next one another. */
START_TEST(a_name_that_changes_its_mind_gets_nowhere) {
    err e = {""};
    atomic_bool renewed = false;
    begin();
    ck_assert(http_ranges_read(memory, STR("127.0.0.1"), &rules.guard.allow, &e));
    ck_assert_int_eq(send_to_name("rebind.test").result.failure, POST_OK);
    ck_assert(loop_post(turned, renew_sender, &renewed));
    fixture_wait(atomic_load(&renewed));
    outcome o = send_to_name("rebind.test");
    ck_assert_msg(o.result.failure == POST_REFUSED, "%s", o.text);
    ck_assert_ptr_nonnull(strstr(o.text, "127.0.0.2"));
    ck_assert_uint_eq(atomic_load(&rebound), 2);
    ck_assert_uint_eq(atomic_load(&seen), 1);
    end();
}
END_TEST

/* A connection that stands from before the admin's mind changed is not used again. */
START_TEST(a_kept_connection_is_judged_anew) {
    begin();
    post_destination d = to("/ok");
    ck_assert_int_eq(send_to(&d, &one, 1, false).result.failure, POST_OK);
    post_rules strict = {.guard = {.plain = true}};
    d.target = post_target(&strict);
    ck_assert_int_eq(send_to(&d, &one, 1, false).result.failure, POST_REFUSED);
    ck_assert_uint_eq(atomic_load(&seen), 1);
    d.target = post_target(&rules);
    ck_assert_int_eq(send_to(&d, &one, 1, false).result.failure, POST_OK);
    end();
}
END_TEST

START_TEST(no_proxy_of_the_environment_is_used) {
    setenv("http_proxy", "http://127.0.0.1:9", 1);
    setenv("ALL_PROXY", "http://127.0.0.1:9", 1);
    begin();
    post_destination d = to("/ok");
    ck_assert_int_eq(send_to(&d, &one, 1, false).result.failure, POST_OK);
    end();
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
}
END_TEST

/* --- the end
 * ---------------------------------------------------------------------------------------------------- */

START_TEST(a_post_is_taken_back_or_cancelled) {
    begin();
    post_destination d = to("/hold");
    const post_what what = {.to = &d, .events = &one, .count = 1, .now_ms = NOW_MS};
    outcome back = {.what = what}, ended = {.what = what};
    ck_assert(loop_post(turned, begin_post, &back) && loop_post(turned, begin_post, &ended));
    fixture_wait(atomic_load(&seen) == 2);
    ck_assert(loop_post(turned, cancel_post, &back));
    end();
    ck_assert(!atomic_load(&back.over));
    ck_assert(atomic_load(&ended.over) && ended.result.failure == POST_CANCELLED);
}
END_TEST

START_TEST(fields_of_users_are_checked) {
    static const char *const right[] = {"Authorization: Bearer x", "X-A:b", "x_y.z: \xc3\xa9", "A:  b\tc "};
    static const char *const wrong[] = {"",
                                        "Name",
                                        ": x",
                                        "Na me: x",
                                        "Name:",
                                        "Name:  ",
                                        "Name: a\rb",
                                        "Name: a\nb",
                                        "Host: x",
                                        "content-LENGTH: 1",
                                        "Transfer-Encoding: chunked",
                                        "Webhook-Id: x",
                                        "ce-id: x",
                                        "Content-Type: x",
                                        "N\xc3\xa9: x",
                                        "Name : x",
                                        "Connection: close"};
    err e = {""};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        ck_assert_msg(post_header_check(str_from(right[i]), &e), "%s: %s", right[i], e.text);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        e.text[0] = '\0';
        ck_assert_msg(!post_header_check(str_from(wrong[i]), &e), "%s is taken", wrong[i]);
        ck_assert_msg(e.text[0] != '\0', "%s: no word", wrong[i]);
    }
    ck_assert(!post_header_check(str_of("A: \0", 4), &e));
}
END_TEST

START_TEST(formats_have_names) {
    static const char *const names[] = {"plain", "standard", "cloudevents", "cloudevents-binary"};
    post_format f;
    for (int i = 0; i < 4; i++)
        ck_assert(post_format_from(str_from(names[i]), &f) && (int)f == i);
    ck_assert(!post_format_from(STR("xml"), &f));
    for (int i = POST_OK; i <= POST_NO_MEMORY; i++)
        ck_assert_uint_gt(strlen(post_failure_name((post_failure)i)), 1);
}
END_TEST

UNIT_MAIN(unit_test(the_payload_goes_as_it_is), unit_test(it_is_signed_with_every_secret),
          unit_test(the_standard_format_says_type_and_time), unit_test(a_batch_is_an_array_of_one_id),
          unit_test(cloudevents_go_in_each_mode), unit_test(nobody_adds_fields_by_a_type_or_content_type),
          unit_test(users_add_their_own_fields), unit_test(a_url_with_a_secret_is_not_repeated),
          unit_test(answers_are_judged), unit_test(redirects_are_failures_and_not_followed),
          unit_test(a_long_answer_is_an_answer), unit_test(a_refusal_stands_though_its_body_is_cut_off),
          unit_test(what_is_no_final_answer_or_half_a_good_one_is_none),
          unit_test(no_answer_in_time_is_a_timeout), unit_test(nobody_listening_is_no_connection),
          unit_test(nothing_reaches_a_refused_address_in_any_notation),
          unit_test(a_name_is_judged_by_the_address_that_is_used),
          unit_test(a_name_that_changes_its_mind_gets_nowhere), unit_test(a_kept_connection_is_judged_anew),
          unit_test(no_proxy_of_the_environment_is_used), unit_test(a_post_is_taken_back_or_cancelled),
          unit_test(fields_of_users_are_checked), unit_test(formats_have_names))
