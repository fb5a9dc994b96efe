#include "webhook/ingress_internal.h"

#include "base/clock.h"

#define PAUSED_RETRY_S 60u
#define STORE_RETRY_S 10u

/* --- storing ---------------------------------------------------------------------------------------- */

static void refuse_unstored(ingress *in, store_result r) {
    const ingress_refusal why = {.outcome = INGRESS_UNSTORED,
                                 .problem = store_result_problem(r),
                                 .status = 503,
                                 .text = "the event cannot be stored now: send it again later",
                                 .reason = str_from(store_result_text(r)),
                                 .retry_s = STORE_RETRY_S};
    ingress_refuse(in, &why);
}

static void on_stored(store_result r, const bool *repeated, size_t count, void *ctx) {
    ingress *in = ctx;
    endpoint_state *s = in->to->state;
    size_t fresh = 0;
    if (r != STORE_OK) {
        refuse_unstored(in, r);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (repeated[i] && in->events[i].first != NULL)
            in->events[i].id = str_from(in->events[i].first);
        if (repeated[i])
            continue;
        fresh++;
        webhooks_stored(in->l->hub, in->events[i].targets, in->events[i].target_count);
        atomic_fetch_add_explicit(&s->bytes, in->events[i].payload.len, memory_order_relaxed);
    }
    atomic_fetch_add_explicit(&s->events, fresh, memory_order_relaxed);
    if (fresh > 0)
        atomic_store_explicit(&s->last_event_ms, in->now_ms, memory_order_relaxed);
    ingress_succeed(in, fresh > 0 ? INGRESS_STORED : INGRESS_REPEATED);
}

/* Never, not now alone. */
static void refuse_unfit(ingress *in, events_fitting fit) {
    const ingress_refusal why = {.outcome = fit == EVENTS_TOO_LARGE ? INGRESS_TOO_LARGE : INGRESS_INVALID,
                                 .problem = fit == EVENTS_TOO_LARGE ? PROBLEM_TOO_LARGE
                                                                    : PROBLEM_INVALID_INPUT,
                                 .status = fit == EVENTS_TOO_LARGE ? 413 : 422,
                                 .text = "the event does not fit into the queue",
                                 .reason = str_from(events_fitting_text(fit))};
    ingress_refuse(in, &why);
}

void ingress_put(ingress *in) {
    store *s = in->l->hub->events;
    events_fitting fit = events_fit(in->events, in->event_count);
    if (fit != EVENTS_FIT)
        refuse_unfit(in, fit);
    else if (s == NULL)
        refuse_unstored(in, STORE_READ_ONLY);
    else if (!events_put(s, in->events, in->event_count, in->l->worker->loop, on_stored, in))
        refuse_unstored(in, STORE_BUSY);
}

/* --- before it is looked at ---------------------------------------------------------------------------- */

static bool refuse_with(ingress *in, ingress_outcome outcome, problem p, const char *text, uint64_t retry_s) {
    const ingress_refusal why = {.outcome = outcome, .problem = p, .text = text, .retry_s = retry_s};
    ingress_refuse(in, &why);
    return false;
}

/* A handshake may come by GET. */
static bool takes_get(const ingress *in) {
    const bb_webhook_scheme *scheme = endpoint_scheme(in->to, in->l->worker->snapshot, NULL);
    return scheme != NULL && (scheme->flags & BB_WEBHOOK_GET) != 0;
}

bb_str ingress_methods(const ingress *in) {
    return takes_get(in) ? STR("GET, POST, OPTIONS") : STR("POST, OPTIONS");
}

static bool takes_method(ingress *in) {
    if (str_eq(in->r->method, STR("POST")) || (str_eq(in->r->method, STR("GET")) && takes_get(in)))
        return true;
    return refuse_with(in, INGRESS_METHOD, PROBLEM_METHOD_NOT_ALLOWED, "webhooks are posted", 0);
}

static bool refuse_limited(ingress *in, uint64_t wait) {
    return refuse_with(in, INGRESS_LIMITED, PROBLEM_RATE_LIMITED, "too many webhooks at once", wait);
}

bool ingress_within_rate(ingress *in) {
    uint64_t wait = in->test ? 0 : ingress_limited(in->to, clock_ns());
    return wait == 0 || refuse_limited(in, wait);
}

static bool admit(ingress *in) {
    const endpoint *to = in->to;
    uint64_t wait;
    if (to->allow.count > 0 && !ingress_in_ranges(&to->allow, in->sender))
        return refuse_with(in, INGRESS_FOREIGN, PROBLEM_FORBIDDEN,
                           "this address is not one that the endpoint takes webhooks from", 0);
    if ((wait = ingress_sender_limited(to, in->sender, clock_ns())) > 0)
        return refuse_limited(in, wait);
    if (to->paused)
        return refuse_with(in, INGRESS_PAUSED, PROBLEM_OVERLOADED, "the endpoint is paused", PAUSED_RETRY_S);
    if (in->r->body.len > to->max_body) {
        const ingress_refusal why = {.outcome = INGRESS_TOO_LARGE,
                                     .problem = PROBLEM_TOO_LARGE,
                                     .status = 413,
                                     .text = "the body is over the endpoint's limit"};
        ingress_refuse(in, &why);
        return false;
    }
    if (endpoint_unready(to) != NULL)
        return refuse_with(in, INGRESS_UNREADY, PROBLEM_UNAUTHORIZED, endpoint_unready(to), 0);
    return true;
}

/* --- the request ---------------------------------------------------------------------------------------- */

static ingress *begin(webhook_loop *l, http_exchange *x, const endpoint *to) {
    arena *a = http_exchange_arena(x);
    ingress *in = arena_zalloc(a, sizeof *in);
    if (in == NULL)
        return NULL;
    *in = (ingress){
        .l = l, .x = x, .r = http_exchange_request(x), .a = a, .to = to, .now_ms = clock_wall_ms()};
    in->sender = ingress_sender(to, in->r);
    webhook_item_ref((webhook_item *)(uintptr_t)&to->item);
    return in;
}

/* Of the body there is a copy at most while its signature is looked at, and one on its way into the queue. */
static bool hold(ingress *in) {
    return http_exchange_hold(in->x, 2 * (uint64_t)in->r->body.len) ||
           refuse_with(in, INGRESS_UNSTORED, PROBLEM_OVERLOADED, "too many large webhooks at once",
                       STORE_RETRY_S);
}

static void handle(ingress *in) {
    bool asks = str_eq(in->r->method, STR("OPTIONS"));
    if (!asks && !takes_method(in))
        return;
    if (!admit(in)) /* who may not send is given no consent to it, and cannot ask without end */
        return;
    if (asks && ingress_within_rate(in))
        ingress_options(in);
    else if (!asks && hold(in))
        ingress_verify(in);
}

void ingress_handle(webhook_loop *l, http_exchange *x, bb_str id) {
    const webhook_entry *entry = webhook_find(l->set, WEBHOOK_ENDPOINT, id);
    const endpoint *to = entry != NULL && entry->item != NULL ? endpoint_of(entry->item) : NULL;
    if (to == NULL) {
        ingress_unknown(x, entry != NULL);
        return;
    }
    ingress *in = begin(l, x, to);
    if (in != NULL)
        handle(in);
    else
        ingress_unknown(x, true);
}
