/* stepped.c - a connector for pipeline-edges.test.mjs:
 *
 *     pay     two requests, neither of them safe to repeat
 *     wordy   fails without a word, after it has begun to describe a further request
 *     quote   fails with the service's own text
 *     later   two requests with an idempotency key, which wait where the service says "busy"
 *     poll    asks until the service says "ready", 10 ms after each answer
 *     note    says which build it is: -DNOTE */
#include <busbar/busbar.h>

#ifndef NOTE
#define NOTE "first"
#endif

static bb_step pay_start(bb_call *call) {
    bb_request(call, "POST", "/reserve");
    return BB_SEND;
}

static bb_step pay_resume(bb_call *call) {
    if (!bb_ok(call))
        return bb_fail_http(call, bb_s(NULL), bb_s(NULL));
    if (call->step > 1) {
        call->host->call->done_body(call);
        return BB_DONE;
    }
    bb_request(call, "POST", "/capture");
    return BB_SEND;
}

static bb_step wordy_start(bb_call *call) {
    bb_request(call, "GET", "/503");
    return BB_SEND;
}

/* A far longer URL than the last: its buffer moves. */
static bb_step wordy_resume(bb_call *call) {
    char text[4000];
    memset(text, 'a', sizeof text);
    bb_request(call, "GET", "/next");
    for (int i = 0; i < 10; i++)
        call->host->http->query(call, bb_s("q"), (bb_str){text, sizeof text});
    return bb_fail_with(call, BB_E_UPSTREAM, bb_s(NULL), bb_s(NULL));
}

static bb_step quote_start(bb_call *call) {
    bb_request(call, "GET", "/quote");
    return BB_SEND;
}

static bb_step quote_resume(bb_call *call) {
    return bb_fail_with(call, BB_E_UPSTREAM, bb_s(NULL),
                        bb_text(call, bb_get(call, bb_response(call), "text")));
}

static bb_step later_resume(bb_call *call) {
    bb_error e;
    if (bb_get(call, bb_response(call), "busy") == NULL)
        return pay_resume(call);
    memset(&e, 0, sizeof e);
    e.size = (uint32_t)sizeof e;
    e.code = BB_E_UPSTREAM_RATE_LIMITED;
    e.retry = BB_RETRY_YES;
    call->host->call->fail(call, &e);
    return BB_FAIL;
}

static bb_step poll_start(bb_call *call) {
    bb_request(call, "GET", "/ready");
    return BB_SEND;
}

static bb_step poll_resume(bb_call *call) {
    if (bb_get(call, bb_response(call), "ready") != NULL)
        return bb_done_body(call);
    bb_request(call, "GET", "/ready");
    return bb_after(call, 10) ? BB_SEND : BB_FAIL;
}

static bb_step note_start(bb_call *call) {
    call->host->call->done_text(call, bb_s("\"" NOTE "\""));
    return BB_DONE;
}

#define OPERATION(name, flag, step, next, ...)                                 \
    static const bb_operation name = {BB_SIZE(bb_operation),                   \
                                      .flags = (flag),                         \
                                      .id = #name,                             \
                                      .summary = "For a test",                 \
                                      .input_schema = "{\"type\":\"object\"}", \
                                      .output_schema = "{}",                   \
                                      .start = (step),                         \
                                      .resume = (next),                        \
                                      __VA_ARGS__}

OPERATION(pay, 0, pay_start, pay_resume, );
OPERATION(wordy, BB_OP_SAFE, wordy_start, wordy_resume, );
OPERATION(quote, BB_OP_SAFE, quote_start, quote_resume, );
OPERATION(later, 0, pay_start, later_resume, .idempotency_header = "Idempotency-Key", );
OPERATION(poll, BB_OP_SAFE, poll_start, poll_resume, .timeout_ms = 300000, );
OPERATION(note, BB_OP_SAFE, note_start, NULL, );

static const bb_operation *const operations[] = {&pay, &wordy, &quote, &later, &poll, &note, NULL};

static const bb_auth_scheme bearer = {BB_SIZE(bb_auth_scheme), .scheme = "bearer", .summary = "Token"};
static const bb_auth_scheme *const schemes[] = {&bearer, NULL};

static const bb_plugin plugin = {
    BB_SIZE(bb_plugin),
    .id = "stepped",
    .name = "Stepped",
    .version = "1.0.0",
    .summary = "Several requests in one call",
    .settings_schema = "{\"type\":\"object\",\"properties\":{\"base_url\":{\"type\":\"string\"}}}",
    .auth_schemes = schemes,
    .operations = operations,
};

BUSBAR_PLUGIN(plugin);
