/* events.c - POST /api/v1/events: events that callers send, answered once they are on disk. */
#include "webhook/publish.h"

#include "api/idempotency.h"
#include "base/clock.h"
#include "base/log.h"
#include "plugin/host_crypto.h"

#include <stdio.h>

#define RETRY_S 5u /* a full queue or disk: that soon it is asked again */

/* A request on its way; in the exchange's memory, which stays until the exchange is answered. */
typedef struct sending {
    api *api;
    http_exchange *x;
    publish_request request;
    published events;
    bool keyed; /* an Idempotency-Key: `key` is its hash */
    uint8_t key[32], fingerprint[32];
    buf answer;
} sending;

/* --- refusing ------------------------------------------------------------------------------------------ */

static void write_error(json_writer *w, bb_str place, bb_str pointer, bb_str text) {
    buf whole = {0};
    buf_str_add(&whole, place);
    buf_str_add(&whole, pointer);
    json_object(w);
    json_member_string(w, STR("pointer"), buf_str(&whole));
    json_member_string(w, STR("detail"), text);
    json_object_end(w);
    buf_free(&whole);
}

static void refuse(sending *s, const publish_refusal *why) {
    json_writer w;
    json_writer_init(&w, &s->answer);
    reply_problem_head(&w, why->problem, str_from(why->detail.text), problem_of(why->problem)->retryable);
    if (why->pointer.ptr != NULL) {
        json_keyl(&w, "errors");
        json_array(&w);
        for (size_t i = 0; why->issues != NULL && i < why->issues->count; i++)
            write_error(&w, why->pointer, why->issues->items[i].pointer, why->issues->items[i].message);
        if (why->issues == NULL)
            write_error(&w, why->pointer, STR(""), str_from(why->detail.text));
        json_array_end(&w);
    }
    json_object_end(&w);
    reply_problem_body(s->x, why->problem, &s->answer, NULL, 0);
}

/* The same request may succeed a little later. */
static void refuse_for_now(http_exchange *x, problem p, uint64_t after_ms, const char *text) {
    char seconds[24];
    buf body;
    snprintf(seconds, sizeof seconds, "%llu", (unsigned long long)(after_ms + 999) / 1000);
    http_header after = {STR("Retry-After"), str_from(seconds)};
    json_writer w = reply_begin(&body);
    reply_problem_head(&w, p, str_from(text), true);
    json_object_end(&w);
    reply_problem_body(x, p, &body, &after, 1);
}

/* --- the answer ------------------------------------------------------------------------------------------
 */

static void send_answer(sending *s) {
    reply_json(s->x, 202, &s->answer);
}

static void on_kept(store_result r, void *ctx) {
    if (r != STORE_OK)
        log_error("an answer to an Idempotency-Key could not be kept: %s", store_result_text(r));
    send_answer(ctx);
}

/* A repeat has the id of the event that it repeats, unless that is not kept any more. */
static void write_answer(sending *s, const bool *repeated) {
    json_writer w;
    json_writer_init(&w, &s->answer);
    json_object(&w);
    json_keyl(&w, "events");
    json_array(&w);
    for (size_t i = 0; i < s->events.count; i++) {
        const event_new *e = &s->events.events[i];
        json_object(&w);
        bb_str id = !repeated[i] ? e->id : e->first != NULL ? str_from(e->first) : (bb_str){NULL, 0};
        if (id.len > 0)
            json_member_string(&w, STR("id"), id);
        json_member_string(&w, STR("type"), e->type);
        json_member_u64(&w, STR("targets"), repeated[i] ? 0 : e->target_count);
        json_member_bool(&w, STR("repeated"), repeated[i]);
        json_object_end(&w);
    }
    json_array_end(&w);
    json_object_end(&w);
}

static void on_put(store_result r, const bool *repeated, size_t count, void *ctx) {
    sending *s = ctx;
    store *kept = s->api->shared->store;
    if (r != STORE_OK) {
        if (s->keyed)
            store_idempotency_forget(kept, s->key);
        refuse_for_now(s->x, store_result_problem(r), RETRY_S * 1000, store_result_text(r));
        return;
    }
    for (size_t i = 0; i < count; i++)
        if (!repeated[i])
            webhooks_stored(s->api->webhooks->hub, s->events.events[i].targets,
                            s->events.events[i].target_count);
    write_answer(s, repeated);
    const idempotency_answer answer = {
        .status = 202, .content_type = STR("application/json"), .body = buf_str(&s->answer)};
    if (!s->keyed || s->answer.failed ||
        !store_idempotency_finish(kept, s->key, &answer, s->api->worker->loop, on_kept, s))
        send_answer(s);
}

/* --- putting -----------------------------------------------------------------------------------------------
 */

/* What will not fit later either is not asked for again. */
static bool check_fit(sending *s, publish_refusal *why) {
    events_fitting fit = events_fit(s->events.events, s->events.count);
    if (fit == EVENTS_FIT)
        return true;
    *why = (publish_refusal){.problem = PROBLEM_INVALID_INPUT};
    return err_set(&why->detail, "%s", events_fitting_text(fit));
}

static void put(sending *s) {
    publish_refusal why;
    bool read = publish_read(s->api->webhooks, http_exchange_arena(s->x), &s->request, &s->events, &why) &&
                check_fit(s, &why);
    if (read && s->events.count == 0) { /* an empty batch */
        on_put(STORE_OK, NULL, 0, s);
        return;
    }
    if (read && events_put(s->api->webhooks->hub->events, s->events.events, s->events.count,
                           s->api->worker->loop, on_put, s))
        return;
    if (s->keyed)
        store_idempotency_forget(s->api->shared->store, s->key);
    if (!read)
        refuse(s, &why);
    else
        refuse_for_now(s->x, PROBLEM_OVERLOADED, RETRY_S * 1000, "the queue of events takes no more for now");
}

/* --- with an Idempotency-Key
 * ---------------------------------------------------------------------------------- */

/* Whose key it is, and that it is of events: one of a call is another. */
static bool hash_key(sending *s, bb_str key) {
    buf text = {0};
    char *hex = arena_alloc(http_exchange_arena(s->x), 64);
    buf_part(&text, s->request.sender);
    buf_part(&text, key);
    buf_part(&text, STR("events"));
    if (!idempotency_hash(&text, s->key) || hex == NULL)
        return false;
    s->request.key = str_of(hex, host_crypto.hex_encode(str_of(s->key, 32), hex, 64));
    return true;
}

/* All that makes the events: the body, and of the header what a CloudEvent has there. */
static bool hash_request(sending *s) {
    const http_request *r = s->request.http;
    buf text = {0};
    buf_part(&text, r->body);
    for (size_t i = 0; i < r->header_count; i++) {
        bb_str name = r->headers[i].name;
        if (str_eq_nocase(name, STR("Content-Type")) ||
            (name.len > 3 && str_eq_nocase(str_of(name.ptr, 3), STR("ce-")))) {
            buf_part(&text, name);
            buf_part(&text, r->headers[i].value);
        }
    }
    return idempotency_hash(&text, s->fingerprint);
}

static void on_begun(store_result r, idempotency_state state, const idempotency_answer *answer, void *ctx) {
    sending *s = ctx;
    if (r != STORE_OK) {
        refuse_for_now(s->x, store_result_problem(r), RETRY_S * 1000, store_result_text(r));
        return;
    }
    switch (state) {
    case IDEMPOTENCY_NEW:
    case IDEMPOTENCY_LOST: /* what is on disk already is known by the key: publish.h */ put(s); return;
    case IDEMPOTENCY_DONE: idempotency_replay(s->x, answer); return;
    case IDEMPOTENCY_RUNNING:
        reply_problem(s->x, PROBLEM_IDEMPOTENCY_RUNNING, STR("the first request of this key is under way"));
        return;
    case IDEMPOTENCY_MISMATCH:
        reply_problem(s->x, PROBLEM_IDEMPOTENCY_MISMATCH,
                      STR("the events differ from those of the key's first request"));
        return;
    }
}

static void begin_keyed(sending *s, bb_str key) {
    if (!idempotency_key(s->x, &key))
        return;
    s->keyed = true;
    if (!hash_key(s, key) || !hash_request(s) ||
        !store_idempotency_begin(s->api->shared->store, s->key, s->fingerprint, s->request.now_ms,
                                 s->api->shared->idempotency_keep_ms, s->api->worker->loop, on_begun, s))
        refuse_for_now(s->x, PROBLEM_OVERLOADED, RETRY_S * 1000, "the store takes no more for now");
}

/* --- the beginning
 * -------------------------------------------------------------------------------------------- */

/* A request counts as a call of its key. */
static bool admit(http_exchange *x, principal *who) {
    access_limits limits = {0};
    if ((who->rate.interval_ns == 0 && who->used == NULL) ||
        access_count(who, clock_ns(), clock_wall_ms(), &limits))
        return true;
    refuse_for_now(x, limits.problem, limits.retry_after_ms, "the key's own limit is reached");
    return false;
}

/* What is kept is given on as it came, without a word that it is compressed (RFC 9110 section 15.5.16). */
static bool check_coding(http_exchange *x, const http_request *r) {
    bb_str coding = http_request_header(r, STR("Content-Encoding"));
    if (coding.len == 0 || str_eq_nocase(coding, STR("identity")))
        return true;
    reply_problem(x, PROBLEM_UNSUPPORTED_MEDIA_TYPE,
                  STR("events are taken as they are: send the body without Content-Encoding"));
    return false;
}

void route_events_send(api *a, http_exchange *x, const route_params *p) {
    const http_request *r = http_exchange_request(x);
    sending *s = arena_zalloc(http_exchange_arena(x), sizeof *s);
    bb_str key = http_request_header(r, STR("Idempotency-Key"));
    if (a->webhooks->hub->events == NULL || a->shared->store == NULL) {
        reply_problem(x, PROBLEM_STORE_UNAVAILABLE, STR("this hub runs offline: it takes no events"));
        return;
    }
    if (!query_none(x) || !check_coding(x, r) || !admit(x, p->who))
        return;
    if (s == NULL || !http_exchange_hold(x, 2 * (uint64_t)r->body.len)) { /* as JSON, and for the queue */
        refuse_for_now(x, PROBLEM_OVERLOADED, RETRY_S * 1000, "no memory for the events");
        return;
    }
    *s = (sending){.api = a,
                   .x = x,
                   .request = {.http = r,
                               .sender = p->who->id,
                               .now_ms = clock_wall_ms(),
                               .dedup_ms = a->shared->idempotency_keep_ms,
                               .known_only = atomic_load_explicit(&a->webhooks->hub->known_types,
                                                                  memory_order_relaxed)}};
    if (key.ptr != NULL)
        begin_keyed(s, key);
    else
        put(s);
}
