/* ingress_reply.c - what the sender reads. It learns that it was refused, and little of why: the reason is
 * for the admin, in the endpoint's state and the log. */
#include "webhook/ingress_internal.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdio.h>

static void send_problem(http_exchange *x, problem p, unsigned status, const char *text,
                         const http_header *headers, size_t count) {
    const problem_kind *kind = problem_of(p);
    char type[96];
    buf body;
    buf_init(&body);
    json_writer w;
    json_writer_init(&w, &body);
    snprintf(type, sizeof type, PROBLEM_TYPE_PREFIX "%s", kind->name);
    json_object(&w);
    json_member_string(&w, STR("type"), str_from(type));
    json_member_string(&w, STR("title"), str_from(kind->title));
    json_member_u64(&w, STR("status"), status);
    json_member_string(&w, STR("detail"), str_from(text));
    json_object_end(&w);
    bb_str part = buf_str(&body);
    http_response response = {.status = status,
                              .content_type = STR("application/problem+json"),
                              .headers = headers,
                              .header_count = count,
                              .body = &part,
                              .body_parts = 1};
    http_respond(x, &response);
    buf_free(&body);
}

/* The end of a request: `in` goes with the exchange. */
static void leave(ingress *in, ingress_outcome outcome) {
    atomic_fetch_add_explicit(&in->to->state->outcomes[outcome], 1, memory_order_relaxed);
}

/* Whoever sends nonsense does not fill the log with it: ten lines at once, then one a second. */
static void tell(const ingress *in, ingress_outcome outcome, bb_str reason) {
    const gcra_policy policy = {.interval_ns = 1000000000, .burst = 10};
    uint64_t wait;
    if (gcra_take(&in->to->state->told, &policy, clock_ns(), 0, &wait) == 0)
        log_info("endpoint %.*s: a webhook from %.*s is refused (%s): %.*s", STR_FMT(in->to->item.id),
                 STR_FMT(in->sender), ingress_outcome_name(outcome), STR_FMT(reason));
}

/* A 401 says what would be taken (RFC 9110 section 15.5.2): of signatures, which have no scheme that is
 * registered, a name of the hub's own. Whoever gave a token learns that it was that (RFC 6750 section 3.1).
 */
static bb_str challenge_of(const ingress *in) {
    const endpoint *to = in->to;
    bb_str scheme = to->own != NULL ? str_from(to->own->id) : STR("");
    bool bearer = str_eq(scheme, STR("bearer")), basic = str_eq(scheme, STR("basic"));
    bool gave = bearer && http_request_header(in->r, STR("Authorization")).ptr != NULL;
    return arena_printf(in->a, "%s realm=\"%.*s\"%s",
                        bearer  ? "Bearer"
                        : basic ? "Basic"
                                : "Webhook",
                        STR_FMT(to->item.id), gave ? ", error=\"invalid_token\"" : "");
}

void ingress_refuse(ingress *in, const ingress_refusal *why) {
    const endpoint *to = in->to;
    if (in->test) {
        ingress_tell_test(in, why->outcome, why);
        return;
    }
    char seconds[24];
    bb_str reason = why->reason.ptr != NULL ? why->reason : str_from(why->text);
    snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)why->retry_s);
    http_header headers[3];
    size_t n = 0;
    unsigned status = why->status != 0 ? why->status : problem_of(why->problem)->status;
    bb_str challenge = status == 401 ? challenge_of(in) : (bb_str){NULL, 0};
    if (challenge.ptr != NULL)
        headers[n++] = (http_header){STR("WWW-Authenticate"), challenge};
    if (why->retry_s > 0)
        headers[n++] = (http_header){STR("Retry-After"), str_from(seconds)};
    if (why->outcome == INGRESS_METHOD)
        headers[n++] = (http_header){STR("Allow"), ingress_methods(in)};
    leave(in, why->outcome);
    if (why->outcome != INGRESS_METHOD && why->outcome != INGRESS_LIMITED && why->outcome != INGRESS_PAUSED) {
        atomic_store_explicit(&to->state->last_refusal_ms, in->now_ms, memory_order_relaxed);
        atomic_store_explicit(&to->state->last_refusal, (int)why->outcome, memory_order_relaxed);
        tell(in, why->outcome, reason);
    }
    webhook_item *item = (webhook_item *)(uintptr_t)&to->item;
    send_problem(in->x, why->problem, status, why->text, headers, n);
    webhook_item_unref(item);
}

/* Senders of CloudEvents tell what was taken (202) from what was dealt with (204); a 200 without a body is
 * neither (http-webhook section 2.2). Other services know 200 best. */
static unsigned success_of(const ingress *in, ingress_outcome outcome) {
    if (in->said.status != 0)
        return (unsigned)in->said.status;
    if (!in->cloudevents && http_request_header(in->r, STR("WebHook-Request-Origin")).ptr == NULL)
        return 200;
    return outcome == INGRESS_IGNORED ? 204 : 202;
}

void ingress_succeed(ingress *in, ingress_outcome outcome) {
    if (in->test) {
        ingress_tell_test(in, outcome, NULL);
        return;
    }
    const plugin_webhook *said = &in->said;
    bb_str query = in->r->query;
    http_header headers[2];
    size_t n = 0;
    /* What a token in the URL opened is for nobody else (RFC 6750 section 2.3). */
    if (query.len > 13 && memmem(query.ptr, query.len, "access_token=", 13) != NULL)
        headers[n++] = (http_header){STR("Cache-Control"), STR("private")};
    /* A challenge is the asker's text: no browser is to take it for a page. */
    if (said->body.len > 0)
        headers[n++] = (http_header){STR("X-Content-Type-Options"), STR("nosniff")};
    webhook_item *item = (webhook_item *)(uintptr_t)&in->to->item;
    http_response response = {.status = success_of(in, outcome),
                              .content_type = said->content_type,
                              .headers = headers,
                              .header_count = n,
                              .body = &said->body,
                              .body_parts = said->body.len > 0 ? 1 : 0};
    leave(in, outcome);
    http_respond(in->x, &response);
    webhook_item_unref(item);
}

/* CloudEvents' consent to be sent events (http-webhook section 4): given to any origin, since what comes is
 * verified all the same, and at once, so that WebHook-Request-Callback need not be called: a URL of the
 * asker's. Without an origin it tells the methods. */
void ingress_options(ingress *in) {
    bb_str origin = http_request_header(in->r, STR("WebHook-Request-Origin"));
    char rate[24] = "*";
    if (in->to->rate.interval_ns > 0) {
        unsigned long long a_minute = 60000000000ull / in->to->rate.interval_ns;
        snprintf(rate, sizeof rate, "%llu", a_minute > 0 ? a_minute : 1); /* a positive integer: 4.2.2 */
    }
    http_header headers[] = {{STR("Allow"), ingress_methods(in)},
                             {STR("WebHook-Allowed-Origin"), origin},
                             {STR("WebHook-Allowed-Rate"), str_from(rate)}};
    webhook_item *item = (webhook_item *)(uintptr_t)&in->to->item;
    http_response response = {.status = 200, .headers = headers, .header_count = origin.len > 0 ? 3 : 1};
    leave(in, INGRESS_ANSWERED);
    http_respond(in->x, &response);
    webhook_item_unref(item);
}

void ingress_unknown(http_exchange *x, bool known) {
    if (known)
        send_problem(x, PROBLEM_CONNECTION_REFUSED, 503, "the endpoint's configuration is refused",
                     &(http_header){STR("Retry-After"), STR("60")}, 1);
    else
        send_problem(x, PROBLEM_NOT_FOUND, 404, "there is no such endpoint", NULL, 0);
}
