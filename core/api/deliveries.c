/* deliveries.c - deliveries that the queue keeps: listed, tried again, thrown away. */
#include "api/targets.h"

#include "api/question.h"
#include "base/clock.h"

static const char *const states[] = {"pending", "done", "filtered", "dead", "cancelled"};
#define STATES (sizeof states / sizeof states[0])

static void refuse(const question *q, store_result r) {
    if (r == STORE_NOT_FOUND)
        reply_problem(q->x, PROBLEM_NOT_FOUND,
                      STR("there is no such event; it may have been kept long enough"));
    else
        reply_problem(q->x, store_result_problem(r), str_from(store_result_text(r)));
}

static question *ask(api *a, http_exchange *x) {
    return question_new(a, x, "deliveries", refuse);
}

static bool read_state(question *q, bb_str text) {
    for (size_t i = 0; i < STATES; i++)
        if (str_eq(text, str_from(states[i]))) {
            q->query.state = (int)i;
            return true;
        }
    reply_problem(q->x, PROBLEM_INVALID_INPUT, STR("state is pending, done, filtered, dead or cancelled"));
    return false;
}

/* --- a list
 * -------------------------------------------------------------------------------------------------- */

void route_deliveries(api *a, http_exchange *x, const route_params *p) {
    (void)p;
    static const char *const known[] = {"target", "event", "state",  "type",  "source",
                                        "since",  "until", "before", "limit", NULL};
    bb_str state = {NULL, 0};
    question *q = ask(a, x);
    if (q == NULL || !question_read_list(q, known) ||
        (http_exchange_query(x, STR("state"), &state) && !read_state(q, state)))
        return;
    query_text(x, STR("target"), &q->query.target);
    query_text(x, STR("event"), &q->query.event);
    if (!deliveries_list(a->webhooks->hub->events, &q->query, a->worker->loop, question_on_list, q))
        question_busy(q);
}

/* --- changes
 * --------------------------------------------------------------------------------------------------- */

/* All targets look, where it may be any of them. */
static void wake(question *q) {
    const webhook_set *set = q->api->webhooks->set;
    dispatch *all = &q->api->webhooks->hub->dispatch;
    if (q->query.target.len > 0)
        dispatch_wake_name(all, q->query.target);
    for (size_t i = 0; q->query.target.len == 0 && i < set->target_count; i++)
        dispatch_wake_name(all, set->targets[i]->name);
}

/* Into the audit log: how many, and which. */
static void note(void *ctx) {
    question *q = ctx;
    const event_query *which = &q->query;
    buf text;
    buf_init(&text);
    buf_printf(&text, "%llu %s", (unsigned long long)q->count, q->word);
    if (which->state >= 0)
        buf_printf(&text, ", state %s", states[which->state]);
    audited_which(&text, which);
    audited_end(&q->note, q->result == STORE_OK, buf_str(&text), question_on_changed, q);
    buf_free(&text);
}

static void on_changed(store_result r, uint64_t count, void *ctx) {
    question *q = ctx;
    q->result = r;
    q->count = count;
    if (count > 0)
        wake(q);
    note(q);
}

/* Of those that were pending, some may be held already: nobody is told before they are let go of. */
static void on_purged(store_result r, uint64_t count, void *ctx) {
    question *q = ctx;
    q->result = r;
    q->count = count;
    if (q->query.state != DELIVERY_PENDING || count == 0 ||
        !dispatch_forget(&q->api->webhooks->hub->dispatch, q->query.target, q->api->worker->loop, note, q))
        note(q);
}

static bool read_text(question *q, bb_str name, const json_value *v, bb_str *out) {
    *out = json_string(v);
    if (out->len > 0)
        return true;
    reply_problemf(q->x, PROBLEM_INVALID_INPUT, "\"%.*s\" is a text that is not empty", STR_FMT(name));
    return false;
}

static bool read_time(question *q, bb_str name, const json_value *v, uint64_t *out) {
    bb_str text;
    if (!read_text(q, name, v, &text))
        return false;
    if (time_of_text(text, out))
        return true;
    reply_problemf(q->x, PROBLEM_INVALID_INPUT,
                   "\"%.*s\" is a time as 2026-01-31T12:00:00Z, or 24h for so long ago", STR_FMT(name));
    return false;
}

static bool refuse_member(const question *q, bb_str key) {
    reply_problemf(q->x, PROBLEM_INVALID_INPUT, "unknown member \"%.*s\"", (int)(key.len < 64 ? key.len : 64),
                   key.ptr);
    return false;
}

static bool read_member(question *q, bb_str key, const json_value *v) {
    bb_str state;
    if (str_eq(key, STR("target")))
        return read_text(q, key, v, &q->query.target);
    if (str_eq(key, STR("event")))
        return read_text(q, key, v, &q->query.event);
    if (str_eq(key, STR("type")))
        return read_text(q, key, v, &q->query.type);
    if (str_eq(key, STR("source")))
        return read_text(q, key, v, &q->query.source);
    if (str_eq(key, STR("since")))
        return read_time(q, key, v, &q->query.since_ms);
    if (str_eq(key, STR("until")))
        return read_time(q, key, v, &q->query.until_ms);
    if (str_eq(key, STR("state")))
        return read_text(q, key, v, &state) && read_state(q, state);
    return refuse_member(q, key);
}

/* One whose file is gone may have some in the queue still; of one that nobody knows, it is a slip. */
static bool check_target(const question *q) {
    target_counts counts;
    bb_str name = q->query.target;
    if (name.len == 0 || webhook_target(q->api->webhooks->set, name) != NULL ||
        events_target_counts(q->api->webhooks->hub->events, name, &counts))
        return true;
    reply_problemf(q->x, PROBLEM_INVALID_INPUT,
                   "\"target\" is \"subscription/ID\" or \"endpoint/ID/ROUTE\": there is none named \"%.*s\"",
                   (int)(name.len < 200 ? name.len : 200), name.ptr);
    return false;
}

/* Which ones: not all by an oversight. */
static bool read_which(question *q) {
    const json_value *root = json_read(http_exchange_arena(q->x), http_exchange_request(q->x)->body, NULL,
                                       NULL);
    for (json_iter it = json_iterate(root); json_next(&it);)
        if (!read_member(q, it.key, it.value))
            return false;
    if (json_is(root, JSON_OBJECT) && json_count(root) > 0)
        return check_target(q) && question_check_times(q);
    reply_problem(q->x, PROBLEM_INVALID_INPUT,
                  STR("the body is an object that says which deliveries: \"target\", \"event\", \"type\", "
                      "\"source\", \"since\", \"until\", \"state\"; at least one of these"));
    return false;
}

static bool begin(question *q, const route_params *p, const char *action, const char *word) {
    q->word = word;
    return audited_begin(q->api, q->x, p->who, action, q->query.target, &q->note);
}

void route_deliveries_redrive(api *a, http_exchange *x, const route_params *p) {
    question *q = ask(a, x);
    if (q == NULL || !query_none(x) || !read_which(q) || !begin(q, p, "delivery.redrive", "redriven"))
        return;
    if (!deliveries_redrive(a->webhooks->hub->events, &q->query, clock_wall_ms(), a->worker->loop, on_changed,
                            q))
        question_busy(q);
}

void route_deliveries_purge(api *a, http_exchange *x, const route_params *p) {
    question *q = ask(a, x);
    if (q == NULL || !query_none(x) || !read_which(q) || !begin(q, p, "delivery.purge", "purged"))
        return;
    if (!deliveries_purge(a->webhooks->hub->events, &q->query, a->worker->loop, on_purged, q))
        question_busy(q);
}

/* {"since": ...} */
static bool read_since(question *q, const json_value *root) {
    for (json_iter it = json_iterate(root); json_next(&it);)
        if (!str_eq(it.key, STR("since")))
            return refuse_member(q, it.key);
    return read_time(q, STR("since"), json_getl(root, "since"), &q->query.since_ms);
}

/* What a subscription did not get since then: given up or cancelled. */
void route_subscription_recover(api *a, http_exchange *x, const route_params *p) {
    question *q = ask(a, x);
    if (q == NULL || !query_none(x))
        return;
    const json_value *root = json_read(http_exchange_arena(x), http_exchange_request(x)->body, NULL, NULL);
    if (!read_since(q, root))
        return;
    q->query.target = arena_printf(http_exchange_arena(x), "subscription/%.*s", STR_FMT(p->part[0]));
    q->query.state = DELIVERY_LOST;
    if (q->query.target.ptr == NULL || webhook_target(a->webhooks->set, q->query.target) == NULL)
        reply_problemf(x, PROBLEM_NOT_FOUND, "there is no subscription \"%.*s\"", STR_FMT(p->part[0]));
    else if (begin(q, p, "delivery.recover", "recovered") &&
             !deliveries_redrive(a->webhooks->hub->events, &q->query, clock_wall_ms(), a->worker->loop,
                                 on_changed, q))
        question_busy(q);
}
