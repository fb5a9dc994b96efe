/* custom_acquire.c - a token by a connector's own steps: each describes a request, which is sent here, until
 * one gives the token or fails. */
#include "auth/custom_internal.h"

#include "base/clock.h"

#define TIMEOUT_DEFAULT_MS 30000u
#define REQUESTS_MAX 20u /* a login takes two or three */

typedef struct work {
    const custom *scheme;
    plugin_auth said;
    uint64_t deadline_ns;
    uint32_t step;
    void *state;
    unsigned requests;
} work;

static void run(acquire *q, const http_answer *answer);

/* --- the end ----------------------------------------------------------------------------------------------
 */

/* What only a person can mend is asked for again after a long time only. */
static bool is_for_the_admin(const plugin_error *error) {
    if (error->retry != BB_RETRY_UNKNOWN)
        return error->retry == BB_RETRY_NO;
    switch (error->code) {
    case BB_E_NO_MEMORY:
    case BB_E_CANCELLED:
    case BB_E_DEADLINE:
    case BB_E_UPSTREAM:
    case BB_E_UPSTREAM_CONFLICT:
    case BB_E_UPSTREAM_RATE_LIMITED:
    case BB_E_UPSTREAM_UNAVAILABLE:
    case BB_E_UPSTREAM_TIMEOUT: return false;
    default: return true;
    }
}

/* Retry-After in seconds; the form with a date is not taken. 0: not said. */
static uint64_t retry_after_ms(const http_answer *answer) {
    uint64_t seconds = 0;
    for (size_t i = 0; answer != NULL && i < answer->header_count; i++)
        if (str_eq_nocase(answer->headers[i].name, STR("Retry-After")))
            str_to_u64(answer->headers[i].value, &seconds);
    return seconds < 86400 ? seconds * 1000 : 86400000;
}

static void fail(acquire *q, const plugin_error *error, const http_answer *answer) {
    const custom *k = ((work *)q->work)->scheme;
    unsigned flags = is_for_the_admin(error) ? ACQUIRE_ADMIN : ACQUIRE_RETRY;
    bb_str said = acquire_clean(q, error->message, 300);
    q->failure.retry_after_ms = retry_after_ms(answer);
    if (said.len > 0)
        acquire_fail(q, flags, "auth scheme %s: %.*s", k->desc->id, STR_FMT(said));
    else if (answer != NULL)
        acquire_fail(q, flags, "auth scheme %s: %.*s answered %u", k->desc->id, STR_FMT(acquire_host(q->url)),
                     answer->status);
    else
        acquire_fail(q, flags, "auth scheme %s fails without a reason", k->desc->id);
}

static void succeed(acquire *q) {
    const work *w = q->work;
    q->tokens.access = w->said.token;
    q->tokens.lifetime_ms = w->said.expires_in_s > INT32_MAX ? 0 : (uint64_t)w->said.expires_in_s * 1000u;
    acquire_succeed(q);
}

/* --- a request --------------------------------------------------------------------------------------------
 */

static void on_answer(const http_answer *answer, void *ctx) {
    acquire *q = ctx;
    q->transfer = NULL;
    if (answer->failure == HTTP_FAIL_CANCELLED)
        acquire_fail(q, ACQUIRE_RETRY, "the hub is stopping");
    else if (answer->failure != HTTP_FAIL_NONE)
        acquire_fail_by_transport(q, answer);
    else
        run(q, answer);
}

static bool has_user_agent(const plugin_request *r) {
    for (size_t i = 0; i < r->header_count; i++)
        if (r->headers[i].len > 11 && str_eq_nocase(str_of(r->headers[i].ptr, 11), STR("User-Agent:")))
            return true;
    return false;
}

static bool cannot(plugin_error *error, bb_code code, const char *text) {
    *error = (plugin_error){.code = code, .message = str_from(text)};
    return false;
}

/* False: *error says why it is not to be sent. */
static bool may_send(work *w, uint64_t *left_ms, plugin_error *error) {
    uint64_t now = clock_ns();
    *left_ms = w->deadline_ns > now ? (w->deadline_ns - now) / 1000000u : 0;
    if (++w->requests > REQUESTS_MAX)
        return cannot(error, BB_E_PLUGIN, "it makes request after request, and gives no token");
    return *left_ms > 0 || cannot(error, BB_E_DEADLINE, "the time for getting a token is over");
}

static bb_str *copy_headers(acquire *q, const plugin_request *r, size_t *n) {
    bb_str *headers = arena_alloc(q->memory, (r->header_count + 1) * sizeof *headers);
    for (*n = 0; headers != NULL && *n < r->header_count; ++*n)
        headers[*n] = r->headers[*n];
    if (headers != NULL && !has_user_agent(r))
        headers[(*n)++] = STR("User-Agent: Busbar");
    return headers;
}

/* Takes the request over from the call: its body into q->form, which is wiped at the end. */
static bool take(acquire *q, const plugin_request *r, plugin_error *error) {
    bool has_length = str_eq(r->method, STR("POST")) || str_eq(r->method, STR("PUT")) ||
                      str_eq(r->method, STR("PATCH")); /* RFC 9110 section 8.6: also of nothing */
    uint64_t left_ms;
    size_t n;
    if (!may_send(q->work, &left_ms, error))
        return false;
    bb_str *headers = copy_headers(q, r, &n);
    q->url = arena_copy(q->memory, buf_str(&r->url));
    buf_clear(&q->form);
    if (r->body_kind != PLUGIN_BODY_NONE)
        buf_str_add(&q->form, r->body);
    if (headers == NULL || q->url.ptr == NULL || q->form.failed)
        return cannot(error, BB_E_NO_MEMORY, "no memory for the request");
    q->send = (http_send){.target = &q->target,
                          .method = r->method,
                          .url = q->url.ptr,
                          .headers = headers,
                          .header_count = n,
                          .body = q->form.len > 0 ? buf_str(&q->form) : STR(""),
                          .has_body = has_length || r->body_kind != PLUGIN_BODY_NONE,
                          .timeout_ms = left_ms,
                          .memory = q->memory,
                          .answer_body = &q->answer};
    return true;
}

/* The request that `take` has put into q->send. */
static void send_request(acquire *q) {
    if (acquire_may_send(q) &&
        (q->transfer = http_client_send(q->loop.client, &q->send, on_answer, q)) == NULL)
        acquire_fail(q, ACQUIRE_ADMIN, "%.*s cannot be asked for a token: is its URL right?",
                     STR_FMT(acquire_host(q->url)));
}

/* --- steps -------------------------------------------------------------------------------------------------
 */

/* A copy of the body where the steps go on: values read from it may be held in their state. */
static bb_str kept_body(acquire *q) {
    bb_str body = buf_str(&q->answer);
    return body.len > 0 ? arena_copy(q->memory, body) : body;
}

static void run(acquire *q, const http_answer *answer) {
    work *w = q->work;
    plugin_call c;
    custom_call(w->scheme, &w->said, q->memory, &c);
    c.deadline_ns = w->deadline_ns;
    c.abi.state = w->state;
    c.abi.step = w->step;
    if (answer != NULL)
        c.answer = (plugin_answer){.status = (int32_t)answer->status,
                                   .headers = answer->headers,
                                   .header_count = answer->header_count,
                                   .body = kept_body(q)};
    plugin_outcome outcome = answer != NULL ? plugin_acquire_resume(&c) : plugin_acquire_start(&c);
    plugin_error error = c.error; /* its texts are in q->memory */
    w->step = c.abi.step;
    if (outcome == PLUGIN_SEND && !take(q, &c.request, &error))
        outcome = PLUGIN_FAILED;
    plugin_call_free(&c); /* before the end, which frees q with what the call stands on */
    if (outcome == PLUGIN_SEND)
        send_request(q);
    else if (outcome == PLUGIN_DONE)
        succeed(q);
    else
        fail(q, &error, answer);
}

void custom_acquire(acquire *q) {
    const custom *k = q->config->settings;
    work *w = arena_zalloc(q->memory, sizeof *w);
    uint32_t state = k->desc->state_size, ms = k->desc->timeout_ms;
    if (w == NULL || (state > 0 && (w->state = arena_zalloc(q->memory, state)) == NULL)) {
        acquire_fail(q, ACQUIRE_RETRY, "no memory to ask for a token");
        return;
    }
    w->scheme = k;
    w->deadline_ns = clock_ns() + (uint64_t)(ms > 0 ? ms : TIMEOUT_DEFAULT_MS) * 1000000u;
    q->work = w;
    run(q, NULL);
}
