/* odd_test - what the mock host does with odd.c: every way that a call can end, and what it finds. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp */
#include <busbar/test.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SETTINGS "{\"base_url\":\"https://api.example.com/v2/\"}"
#define IS(text, expected) (strcmp((text), (expected)) == 0)
#define SAYS(text, part) (strstr((text), (part)) != NULL)

static bb_test *connected(void) {
    bb_test *t = bb_test_new(&busbar_entry);
    BB_CHECK(t, bb_test_connect(t, SETTINGS));
    return t;
}

static int connections(void) {
    bb_test *t = bb_test_new(&busbar_entry);
    BB_CHECK(t, bb_test_call(t, "plain", "{}")->code == BB_E_CONFIG);
    BB_CHECK(t, !bb_test_connect(t, "[]") && SAYS(bb_test_problem(t), "not a JSON object"));
    BB_CHECK(t, !bb_test_connect(t, NULL) && SAYS(bb_test_problem(t), "base_url"));
    BB_CHECK(t, !bb_test_connect(t, "{\"base_url\":\"ftp://x\"}") &&
                    SAYS(bb_test_problem(t), "base_url must be"));
    BB_CHECK(t, !bb_test_connect(t, "{\"base_url\":\"http://x\",\"more\":1}") &&
                    SAYS(bb_test_problem(t), "more"));
    BB_CHECK(t, !bb_test_connect(t, "{\"base_url\":\"http://x\",\"prefix\":\"bad\"}"));
    BB_CHECK(t, SAYS(bb_test_problem(t), "/prefix: is bad"));
    BB_CHECK(t, bb_test_call(t, "plain", "{}")->code == BB_E_CONFIG);
    BB_CHECK(t, SAYS(bb_test_call(t, "plain", "{}")->message, "/prefix: is bad"));
    BB_CHECK(t, bb_test_connect(t, SETTINGS) && IS(bb_test_problem(t), ""));
    BB_CHECK(t, bb_test_connect(t, SETTINGS)); /* the one before is destroyed */
    BB_CHECK(t, bb_test_call(t, "nope", "{}")->code == BB_E_UNSUPPORTED);
    return bb_test_end(t);
}

static int requests_and_outputs(void) {
    bb_test *t = connected();
    BB_TEST_EXCHANGE(t, .method = "POST", .url = "https://api.example.com/v2/echo/a%20b?q=1.50",
                     .status = 201,
                     .headers = BB_TEST_HEADERS("x-prefix: usual", "Content-Type: application/json", "X-No:"),
                     .body = "{\"q\":1.50,\"id\":\"a b\"}", .answer = "{\"n\":1.0}");
    const bb_test_result *r = bb_test_call(t, "echo", "{\"id\":\"a b\",\"q\":1.50}");
    BB_CHECK(t, r->code == BB_OK && IS(r->output, "{\"n\":1.0}") && r->requests == 1 &&
                    r->upstream_status == 201);
    BB_CHECK(t, bb_test_output_is(t, "{\"n\":1}") && !bb_test_output_is(t, "{\"n\":2}") &&
                    !bb_test_output_is(t, "{"));
    const bb_test_request *q = bb_test_request_at(t, 0);
    BB_CHECK(t, q != NULL && IS(q->body, "{\"id\":\"a b\",\"q\":1.50}") && q->body_len == strlen(q->body) &&
                    !q->foreign);
    BB_CHECK(t, IS(bb_test_header(t, 0, "X-PREFIX"), "usual") && IS(bb_test_header(t, 0, "x-none"), ""));
    BB_CHECK(t, bb_test_request_at(t, 1) == NULL && IS(bb_test_header(t, 1, "x"), ""));

    BB_TEST_EXCHANGE(t, .answer = "{\"name\":\"first\"}");
    BB_TEST_EXCHANGE(t, .url = "https://elsewhere.example/next", .answer = "not JSON");
    BB_TEST_EXCHANGE(t, .answer = "{\"name\":\"third\"}");
    r = bb_test_call(t, "chain", "{}");
    BB_CHECK(t, IS(r->output, "\"first\"") && r->requests == 3);
    BB_CHECK(t, !bb_test_request_at(t, 0)->foreign && bb_test_request_at(t, 1)->foreign);

    BB_TEST_EXCHANGE(t, .url = "/form?a=1", .body = "x%5By%5D=1&z=%26");
    BB_CHECK(t, IS(bb_test_call(t, "form", "{\"x\":{\"y\":1},\"z\":\"&\"}")->output, "null"));
    BB_TEST_EXCHANGE(t, .answer = "[1]\0", .answer_len = 4);
    BB_CHECK(t, bb_test_call(t, "bytes", "{}")->code == BB_E_UPSTREAM_INVALID);
    BB_CHECK(t, bb_test_request_at(t, 0)->body_len == 3 &&
                    memcmp(bb_test_request_at(t, 0)->body, "\377\0\1", 3) == 0);

    BB_TEST_EXCHANGE(t, .url = "/pages?from=a%26b", .answer = "{\"items\":[]}",
                     .answer_headers = BB_TEST_HEADERS("X-Next: c d"));
    BB_CHECK(t, IS(bb_test_page(t, "pages", NULL, "a&b")->next_cursor, "c d"));
    return bb_test_end(t);
}

static int progress(void) {
    bb_test *t = connected();
    BB_TEST_EXCHANGE(t, .answer = "{}");
    BB_TEST_EXCHANGE(t, .answer = "{}");
    BB_CHECK(t, bb_test_progress_at(t, 0) == NULL);
    BB_CHECK(t, bb_test_call(t, "polls", "{}")->code == BB_OK);
    const bb_test_progress *first = bb_test_progress_at(t, 0), *second = bb_test_progress_at(t, 1),
                           *third = bb_test_progress_at(t, 2);
    BB_CHECK(t, first != NULL && first->done == -1 && first->total == 2 && IS(first->unit, "polls") &&
                    IS(first->stage, "begun"));
    BB_CHECK(t, second != NULL && second->done == 1 && IS(second->stage, "on its way"));
    BB_CHECK(t, third != NULL && third->done == 2 && IS(third->stage, "")); /* too long */
    BB_CHECK(t, bb_test_progress_at(t, 3) == NULL);
    BB_TEST_EXCHANGE(t, .answer = "1");
    BB_CHECK(t, bb_test_call(t, "plain", "{}")->code == BB_OK && bb_test_progress_at(t, 0) == NULL);
    return bb_test_end(t);
}

static int given_up(void) {
    bb_test *t = connected();
    bb_test_give_up(t, 1, BB_E_CANCELLED); /* nothing has been begun */
    const bb_test_result *r = bb_test_call(t, "polls", "{\"a\":1}");
    BB_CHECK(t, r->code == BB_E_CANCELLED && r->requests == 0 && IS(r->mismatch, ""));

    BB_TEST_EXCHANGE(t, .answer = "{}");
    BB_TEST_EXCHANGE(t, .method = "POST", .url = "/cancel", .body = "{\"a\":1}", .status = 500);
    bb_test_give_up(t, 2, BB_E_CANCELLED);
    r = bb_test_call(t, "polls", "{\"a\":1}");
    BB_CHECK(t, r->code == BB_E_CANCELLED && r->requests == 2 && SAYS(r->message, "given up"));

    BB_TEST_EXCHANGE(t, .answer = "{}");
    BB_TEST_EXCHANGE(t, .url = "/late");
    bb_test_give_up(t, 2, BB_E_DEADLINE);
    BB_CHECK(t, bb_test_call(t, "polls", "{}")->code == BB_E_DEADLINE);

    BB_TEST_EXCHANGE(t, .answer = "{}");
    bb_test_give_up(t, 2, BB_E_DEADLINE);
    r = bb_test_call(t, "polls", "{\"stubborn\":true}");
    BB_CHECK(t, r->code == BB_E_UNSUPPORTED && SAYS(r->message, "no way back"));

    BB_TEST_EXCHANGE(t, .answer = "{}");
    BB_TEST_EXCHANGE(t, .url = "/elsewhere");
    bb_test_give_up(t, 2, BB_E_CANCELLED);
    BB_CHECK(t, SAYS(bb_test_call(t, "polls", "{}")->mismatch, "/cancel"));

    BB_TEST_EXCHANGE(t, .answer = "1");
    bb_test_give_up(t, 2, BB_E_CANCELLED); /* it ends before */
    BB_CHECK(t, bb_test_call(t, "plain", "{}")->code == BB_OK);
    BB_TEST_EXCHANGE(t, .answer = "1");
    BB_CHECK(t, bb_test_call(t, "plain", "{}")->code == BB_OK);
    bb_test_give_up(t, 1, BB_E_CANCELLED); /* one that has nothing to say */
    BB_CHECK(t, bb_test_call(t, "plain", "{}")->code == BB_E_CANCELLED);
    return bb_test_end(t);
}

static int failures(void) {
    bb_test *t = connected();
    BB_CHECK(t, IS(bb_test_call(t, "echo", "{}")->pointer, "/id") &&
                    bb_test_call(t, "echo", "{}")->code == BB_E_INVALID_INPUT);
    BB_CHECK(t, SAYS(bb_test_call(t, "echo", "{x")->message, "line 1, column 2"));
    BB_CHECK(t, bb_test_call(t, "echo", "{\"id\":\"..\"}")->code == BB_E_INVALID_INPUT);
    BB_CHECK(t, IS(bb_test_call(t, "input", "{}")->pointer, "/n") &&
                    SAYS(bb_test_call(t, "input", "{}")->message, "odd"));
    BB_CHECK(t, bb_test_page(t, "plain", "{}", "x")->code == BB_E_INVALID_INPUT);

    BB_TEST_EXCHANGE(t, .status = 503);
    const bb_test_result *r = bb_test_call(t, "plain", "{}");
    BB_CHECK(t, r->code == BB_E_UPSTREAM_UNAVAILABLE && r->upstream_status == 503 &&
                    IS(r->message, "the service answered 503"));
    BB_CHECK(t, IS(r->output, "") && IS(r->mismatch, ""));
    BB_TEST_EXCHANGE(t, .status = 409);
    r = bb_test_call(t, "chain", "{}");
    BB_CHECK(t, r->code == BB_E_UPSTREAM_CONFLICT && IS(r->upstream_code, "broken_chain"));

    BB_TEST_EXCHANGE(t, .answer = "{}");
    BB_CHECK(t, SAYS(bb_test_call(t, "pages", "{}")->message, "no array at \"/items\""));
    BB_TEST_EXCHANGE(t, .answer = "{}");
    BB_CHECK(t, bb_test_call(t, "lies", "{}")->code == BB_E_PLUGIN &&
                    IS(bb_test_call(t, "nope", NULL)->output, ""));
    BB_TEST_EXCHANGE(t, .answer = "{}");
    BB_CHECK(t, SAYS(bb_test_call(t, "broken", "{}")->message, "is not JSON"));
    for (int i = 0; i < 1000; i++)
        BB_TEST_EXCHANGE(t, .method = "GET");
    r = bb_test_call(t, "endless", "{}");
    BB_CHECK(t, r->code == BB_E_PLUGIN && SAYS(r->message, "1000 requests"));
    return bb_test_end(t);
}

static int mismatches(void) {
    bb_test *t = connected();
    BB_CHECK(t, SAYS(bb_test_call(t, "plain", "{}")->mismatch, "no further exchange"));
    static const struct {
        bb_test_exchange x;
        const char *says;
    } cases[] = {{{.method = "POST"}, "the method is GET, expected was POST"},
                 {{.url = "/plain?x=1"}, "expected was /plain?x=1"},
                 {{.url = "https://api.example.com/plain"}, "the URL is https://api.example.com/v2/plain"},
                 {{.body = "{}"}, "the body is \"\""}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bb_test_exchange x = cases[i].x;
        x.size = (uint32_t)sizeof x;
        bb_test_expect(t, &x);
        const bb_test_result *r = bb_test_call(t, "plain", "{}");
        BB_CHECK(t, r->code == BB_E_PLUGIN && SAYS(r->mismatch, cases[i].says) &&
                        SAYS(r->mismatch, "request 1, GET"));
    }
    BB_TEST_EXCHANGE(t, .headers = BB_TEST_HEADERS("X-Prefix: other"));
    BB_CHECK(t, SAYS(bb_test_call(t, "echo", "{\"id\":\"1\"}")->mismatch, "X-Prefix: other"));
    BB_TEST_EXCHANGE(t, .headers = BB_TEST_HEADERS("X-Prefix:"));
    BB_CHECK(t, SAYS(bb_test_call(t, "echo", "{\"id\":\"1\"}")->mismatch, "X-Prefix:"));
    return bb_test_end(t);
}

static int time_and_memory(void) {
    bb_test *t = connected();
    BB_TEST_EXCHANGE(t, .takes_ms = 999, .answer = "1");
    BB_CHECK(t, bb_test_call(t, "plain", "{}")->code == BB_OK);
    BB_TEST_EXCHANGE(t, .takes_ms = 1000, .answer = "1");
    BB_CHECK(t, bb_test_call(t, "plain", "{}")->code == BB_E_DEADLINE);
    BB_TEST_EXCHANGE(t, .takes_ms = 1000, .answer = "1");
    bb_test_deadline(t, 2000);
    BB_CHECK(t, bb_test_call(t, "plain", "{}")->code == BB_OK);

    BB_TEST_EXCHANGE(t, .answer = "{\"items\":[1]}", .answer_headers = BB_TEST_HEADERS("X-Next: b"));
    BB_CHECK(t, bb_test_torture(t, "pages", "{}"));
    BB_CHECK(t, bb_test_allocations(t) > 3);
    BB_TEST_EXCHANGE(t, .answer = "{}");
    bb_test_fail_allocation(t, 1);
    BB_CHECK(t, bb_test_call(t, "plain", "{}")->code == BB_E_NO_MEMORY);
    BB_CHECK(t, bb_test_call(t, "plain", "{}")->code == BB_OK); /* for one call alone */
    BB_TEST_EXCHANGE(t, .answer = "{}");
    freopen("/dev/null", "w", stderr); /* the line that is expected */
    BB_CHECK(t, !bb_test_torture(t, "careless", "{}"));
    return bb_test_end(t);
}

static int schemes(void) {
    bb_test *t = connected();
    BB_CHECK(t, !bb_test_auth(t, "nope", NULL) && SAYS(bb_test_problem(t), "no auth scheme \"nope\""));
    BB_CHECK(t,
             !bb_test_auth(t, "odd_login", "{}") && SAYS(bb_test_problem(t), "needs the field \"secret\""));
    BB_CHECK(t, !bb_test_auth(t, "odd_login", "{\"secret\":\"x\",\"more\":\"\"}"));
    BB_CHECK(t, bb_test_auth(t, "odd_login", "{\"secret\":\"open sesame\"}"));
    BB_TEST_EXCHANGE(t, .status = 403);
    const bb_test_result *r = bb_test_call(t, "plain", "{}");
    BB_CHECK(t, r->code == BB_E_UPSTREAM_FORBIDDEN && SAYS(r->message, "the login was refused"));

    BB_TEST_EXCHANGE(t, .url = "/login", .body = "client_secret=open%20sesame&zone=main",
                     .answer = "{\"access_token\":\"t-one\",\"seconds\":60}",
                     .headers = BB_TEST_HEADERS("Authorization:"));
    BB_TEST_EXCHANGE(t, .url = "/plain", .headers = BB_TEST_HEADERS("Authorization: Bearer t-one"));
    BB_CHECK(t, bb_test_call(t, "plain", "{}")->requests == 2);
    BB_TEST_EXCHANGE(t, .url = "/plain", .takes_ms = 900); /* the same token */
    BB_CHECK(t, bb_test_call(t, "plain", "{}")->requests == 1);
    BB_TEST_EXCHANGE(t, .url = "/plain", .takes_ms = 60000, .answer = "{\"name\":\"x\"}");
    BB_TEST_EXCHANGE(t, .url = "https://elsewhere.example/next",
                     .headers = BB_TEST_HEADERS("Authorization:"));
    BB_TEST_EXCHANGE(t, .status = 200);
    bb_test_deadline(t, 100000);
    BB_CHECK(t, bb_test_call(t, "chain", "{}")->code == BB_OK);
    BB_TEST_EXCHANGE(t, .url = "/login",
                     .answer = "{\"access_token\":\"t-two\"}"); /* the first one's time is over */
    BB_TEST_EXCHANGE(t, .url = "/plain", .status = 401);
    BB_TEST_EXCHANGE(t, .url = "/login", .answer = "{\"access_token\":\"t-three\"}");
    BB_TEST_EXCHANGE(t, .url = "/plain", .status = 401,
                     .headers = BB_TEST_HEADERS("Authorization: Bearer t-three"));
    r = bb_test_call(t, "plain", "{}"); /* refused twice: once more is not tried */
    BB_CHECK(t, r->code == BB_E_UPSTREAM_AUTH && r->requests == 4);

    BB_CHECK(t, bb_test_auth(t, "odd_stamp", NULL));
    BB_TEST_EXCHANGE(t, .url = "/form?a=1&count=1", .body = "k=v");
    BB_CHECK(t, bb_test_call(t, "form", "{\"k\":\"v\"}")->code == BB_OK);
    BB_CHECK(t, SAYS(bb_test_header(t, 0, "authorization"), "17672256609")); /* 60.9 s later */
    BB_TEST_EXCHANGE(t, .url = "/login", .answer = "{\"access_token\":\"t-four\"}");
    BB_TEST_EXCHANGE(t, .url = "/plain", .answer = "[1]");
    BB_CHECK(t, bb_test_auth(t, "odd_login", "{\"secret\":\"open sesame\"}"));
    BB_CHECK(t, bb_test_torture(t, "plain", "{}"));
    return bb_test_end(t);
}

/* --- webhooks ------------------------------------------------------------------------------------ */

static int webhooks(void) {
    static const char fields[] = "{\"secret\":\"open sesame\"}";
    static const struct {
        const char *url, *says;
        bb_code code;
    } bad[] = {{"https://h/?refuse", "not the service's", BB_E_UPSTREAM_AUTH},
               {"https://h/?nothing", "neither an event nor an answer", BB_E_PLUGIN},
               {"https://h/?send", "begins a request in verify", BB_E_PLUGIN},
               {"https://h/?status", "status of 200 to 299", BB_E_PLUGIN},
               {"https://h/?not_json", "payload that is not JSON", BB_E_PLUGIN},
               {"https://h/?bad_id", "control characters", BB_E_INVALID_INPUT},
               {"https://h/?many", "more than 1000 events", BB_E_LIMIT},
               {"https://h/?", "body is not JSON", BB_E_INVALID_INPUT}};
    bb_test *t = connected();
    const bb_test_received *r;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        r = BB_TEST_RECEIVE(t, "odd_hook", fields, .url = bad[i].url, .body = "{");
        BB_CHECK(t, r->code == bad[i].code && SAYS(r->message, bad[i].says) && r->event_count == 0);
    }
    BB_CHECK(t,
             SAYS(BB_TEST_RECEIVE(t, "odd_hook", "{}", .body = "{}")->message, "needs the field \"secret\""));
    BB_CHECK(t, BB_TEST_RECEIVE(t, "nope", fields, .body = "{}")->code == BB_E_UNSUPPORTED);
    BB_CHECK(t, BB_TEST_RECEIVE(t, "post_hook", NULL, .method = "GET")->code == BB_E_INVALID_INPUT);
    r = BB_TEST_RECEIVE(t, "odd_hook", fields, .method = "GET", .url = "https://h/?challenge");
    BB_CHECK(t, r->code == BB_OK && IS(r->answer, "main") && IS(r->content_type, "text/plain") &&
                    r->status == 200);
    r = BB_TEST_RECEIVE(t, "odd_hook", fields, .body = "{\"a\":1}",
                        .headers = BB_TEST_HEADERS("x-ID:  seven"));
    BB_CHECK(t, r->code == BB_OK && r->event_count == 2 && r->status == 202 && r->signed_at_ms == 1000);
    BB_CHECK(t, IS(r->events[0].id, "seven") && IS(r->events[0].type, "body") &&
                    IS(r->events[0].payload, "{\"a\":1}"));
    BB_CHECK(t, IS(r->events[1].id, "") && IS(r->events[1].type, "") && IS(r->events[1].payload, "[2]"));
    for (size_t n = 1; n < 12; n++) { /* without memory it fails, and does not lie */
        bb_test_fail_allocation(t, n);
        r = BB_TEST_RECEIVE(t, "odd_hook", fields, .body = "{\"a\":1}",
                            .headers = BB_TEST_HEADERS("x-ID: seven"));
        BB_CHECK(t, r->code != BB_OK ||
                        (r->event_count == 2 && IS(r->events[0].id, "seven") && IS(r->answer, "{}")));
    }
    return bb_test_end(t);
}

/* --- exchanges in files
 * --------------------------------------------------------------------------------------- */

static int service(void *ctx, const bb_test_request *request, bb_test_exchange *answer) {
    static const char *const headers[] = {"Set-Cookie: sid=s3cr3t", "X-Next: nobody-knows", NULL};
    if (strstr(request->url, "/echo") != NULL)
        return 0;
    answer->answer_headers = headers;
    answer->answer = strstr(request->url, "/login") != NULL ? "{\"access_token\":\"t-real\",\"seconds\":60}"
                                                            : (const char *)ctx;
    return 1;
}

static char *contents(const char *path) {
    char *text = calloc(1, 65536);
    FILE *f = fopen(path, "r");
    if (f != NULL && fread(text, 1, 65535, f) > 0)
        fclose(f);
    return text;
}

static int recorded_and_replayed(void) {
    char folder[] = "/tmp/busbar-test-XXXXXX", path[64];
    bb_test *t = connected();
    BB_CHECK(t, mkdtemp(folder) != NULL);
    snprintf(path, sizeof path, "%s/exchanges.json", folder);
    bb_test_live(t, service,
                 "{\"id\":7,\"code\":\"kept\",\"password\":\"hunter2\",\"owner\":\"nobody-knows "
                 "it\",\"keys\":[{\"api_key\":5}]}");
    bb_test_secret(t, "nobody-knows");
    bb_test_secret(t, "i"); /* too short to be taken out everywhere */
    BB_CHECK(t, bb_test_auth(t, "odd_login", "{\"secret\":\"opensesame\"}"));
    BB_CHECK(t, bb_test_call(t, "form", "{\"token\":\"hidden\",\"shown\":\"plain\"}")->code == BB_OK);
    BB_CHECK(t, bb_test_call(t, "bytes", "{}")->code == BB_OK);
    BB_CHECK(t, bb_test_call(t, "echo", "{\"id\":\"1\"}")->code == BB_E_UPSTREAM_UNAVAILABLE);
    BB_CHECK(t, bb_test_record(t, path));
    char *text = contents(path);
    static const char *const gone[] = {"opensesame", "t-real",  "s3cr3t",        "nobody-knows",
                                       "hidden",     "hunter2", "\"api_key\": 5"};
    for (size_t i = 0; i < sizeof gone / sizeof gone[0]; i++)
        BB_CHECK(t, !SAYS(text, gone[i]));
    static const char *const there[] = {"busbar-exchanges/1",
                                        "REDACTED it",
                                        "shown=plain",
                                        "token=REDACTED",
                                        "\"id\": 7",
                                        "\"base64\": \"/wAB\"",
                                        "\"Authorization\": \"REDACTED\"",
                                        "https://api.example.com/v2/form?a=1"};
    for (size_t i = 0; i < sizeof there / sizeof there[0]; i++)
        BB_CHECK(t, SAYS(text, there[i]));
    BB_CHECK(t, !SAYS(text, "/echo")); /* had no answer */
    free(text);
    BB_CHECK(t, !bb_test_record(t, "/nonexistent/x") && SAYS(bb_test_problem(t), "cannot be written"));
    int code = bb_test_end(t);

    t = connected();
    BB_CHECK(t, bb_test_auth(t, "odd_login", "{\"secret\":\"another one\"}"));
    BB_CHECK(t, bb_test_replay(t, path));
    BB_CHECK(t, bb_test_call(t, "form", "{\"token\":\"any other\",\"shown\":\"plain\"}")->code == BB_OK);
    BB_CHECK(
        t, bb_test_output_is(t, "{\"id\":7,\"code\":\"kept\",\"password\":\"REDACTED\",\"owner\":\"REDACTED "
                                "it\",\"keys\":[{\"api_key\":\"REDACTED\"}]}"));
    BB_CHECK(t, bb_test_call(t, "bytes", "{}")->code == BB_OK);
    BB_CHECK(t, !bb_test_replay(t, "/nonexistent/x") && SAYS(bb_test_problem(t), "cannot be read"));
    FILE *f = fopen(path, "w");
    fputs("{\"format\":\"other/1\"}", f);
    fclose(f);
    BB_CHECK(t, !bb_test_replay(t, path) && SAYS(bb_test_problem(t), "busbar-exchanges/1"));
    remove(path);
    remove(folder);
    return bb_test_end(t) + code;
}

/* --- what a check that does not hold gives
 * ----------------------------------------------------------------------- */

static int a_false_check(void) {
    bb_test *t = connected();
    BB_CHECK(t, bb_test_call(t, "nope", "{}")->code == BB_OK);
    return bb_test_end(t);
}

static int an_unused_script(void) {
    bb_test *t = connected();
    BB_TEST_EXCHANGE(t, .url = "/never");
    return bb_test_end(t);
}

static int forgotten_memory(void) {
    bb_test *t = bb_test_new(&busbar_entry);
    BB_CHECK(t, bb_test_connect(t, "{\"base_url\":\"https://api.example.com\",\"prefix\":\"forgetful\"}"));
    return bb_test_end(t);
}

static int no_check(void) {
    return bb_test_end(bb_test_new(&busbar_entry));
}

static int no_connector(void) {
    bb_test *t = bb_test_new(NULL);
    BB_CHECK(t, bb_test_connect(t, SETTINGS));
    return bb_test_end(t);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        int (*run)(void);
    } all[] = {{"connections", connections},
               {"requests_and_outputs", requests_and_outputs},
               {"progress", progress},
               {"given_up", given_up},
               {"failures", failures},
               {"mismatches", mismatches},
               {"time_and_memory", time_and_memory},
               {"schemes", schemes},
               {"webhooks", webhooks},
               {"recorded_and_replayed", recorded_and_replayed},
               {"a_false_check", a_false_check},
               {"an_unused_script", an_unused_script},
               {"forgotten_memory", forgotten_memory},
               {"no_check", no_check},
               {"no_connector", no_connector}};
    for (size_t i = 0; argc == 2 && i < sizeof all / sizeof all[0]; i++)
        if (IS(argv[1], all[i].name))
            return all[i].run();
    return 64;
}
