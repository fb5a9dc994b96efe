/* events_list.c - events that the queue keeps: listed, shown, and delivered once more. */
#include "api/question.h"

#include "base/clock.h"

static void refuse(const question *q, store_result r) {
    if (r == STORE_NOT_FOUND)
        reply_problemf(q->x, PROBLEM_NOT_FOUND,
                       "there is no event \"%.*s\", or it was removed: [events] keep in busbar.conf",
                       STR_FMT(q->query.event));
    else
        reply_problem(q->x, store_result_problem(r), str_from(store_result_text(r)));
}

static question *ask(api *a, http_exchange *x) {
    return question_new(a, x, "events", refuse);
}

/* --- a list -------------------------------------------------------------------------------------------- */

void route_events(api *a, http_exchange *x, const route_params *p) {
    (void)p;
    static const char *const known[] = {"type", "source", "since", "until", "before", "limit", NULL};
    question *q = ask(a, x);
    if (q == NULL || !question_read_list(q, known))
        return;
    if (!events_list(a->webhooks->hub->events, &q->query, a->worker->loop, question_on_list, q))
        question_busy(q);
}

/* --- one ------------------------------------------------------------------------------------------------ */

static void on_deliveries(store_result r, bb_str json, int64_t next, void *ctx) {
    question *q = ctx;
    (void)next;
    if (r != STORE_OK) {
        refuse(q, r);
        return;
    }
    buf body = {0};
    buf_lit(&body, "{\"event\":");
    buf_str_add(&body, q->event);
    buf_lit(&body, ",\"deliveries\":[");
    buf_str_add(&body, json);
    buf_lit(&body, "]}");
    reply_json(q->x, 200, &body);
}

static void on_event(store_result r, bb_str json, int64_t next, void *ctx) {
    question *q = ctx;
    (void)next;
    q->event = r == STORE_OK ? arena_copy(http_exchange_arena(q->x), json) : json;
    if (r != STORE_OK)
        refuse(q, r);
    else if (q->event.ptr == NULL || !deliveries_list(q->api->webhooks->hub->events, &q->query,
                                                      q->api->worker->loop, on_deliveries, q))
        question_busy(q);
}

void route_event(api *a, http_exchange *x, const route_params *p) {
    question *q = ask(a, x);
    if (q == NULL)
        return;
    q->query.event = p->part[0];
    if (!events_list(a->webhooks->hub->events, &q->query, a->worker->loop, on_event, q))
        question_busy(q);
}

/* --- once more --------------------------------------------------------------------------------------------
 */

static void on_replayed(store_result r, uint64_t count, void *ctx) {
    question *q = ctx;
    const event_target whom = {.target = q->query.target};
    q->result = r;
    q->count = count;
    if (count > 0)
        webhooks_stored(q->api->webhooks->hub, &whom, 1);
    buf text = {0};
    buf_printf(&text, "%llu replayed", (unsigned long long)count);
    audited_which(&text, &q->query);
    audited_end(&q->note, r == STORE_OK, buf_str(&text), question_on_changed, q);
    buf_free(&text);
}

/* A member that is a text, or a time. False: the exchange has been answered. */
static bool member(question *q, const json_value *root, bb_str name, bb_str *out) {
    const json_value *v = json_get(root, name);
    if (v == NULL || json_is(v, JSON_NULL))
        return true;
    *out = json_string(v);
    if (json_is(v, JSON_STRING) && out->len > 0)
        return true;
    reply_problemf(q->x, PROBLEM_INVALID_INPUT, "\"%.*s\" is a string that is not empty", STR_FMT(name));
    return false;
}

static bool member_time(question *q, const json_value *root, bb_str name, uint64_t *out) {
    bb_str text = {NULL, 0};
    if (!member(q, root, name, &text))
        return false;
    if (text.ptr == NULL || time_of_text(text, out))
        return true;
    reply_problemf(q->x, PROBLEM_INVALID_INPUT,
                   "\"%.*s\" is a time as 2026-01-31T12:00:00Z, or 24h for so long ago", STR_FMT(name));
    return false;
}

static bool check_members(question *q, const json_value *root) {
    static const char *const known[] = {"target", "event", "type", "source", "since", "until", NULL};
    if (!json_is(root, JSON_OBJECT)) {
        reply_problem(
            q->x, PROBLEM_INVALID_JSON,
            STR("the body is an object: {\"target\", and which events: \"event\", or \"since\", \"until\", "
                "\"type\", \"source\"}"));
        return false;
    }
    for (json_iter it = json_iterate(root); json_next(&it);) {
        size_t i = 0;
        while (known[i] != NULL && !str_eq(it.key, str_from(known[i])))
            i++;
        if (known[i] != NULL)
            continue;
        reply_problemf(q->x, PROBLEM_INVALID_INPUT, "unknown member \"%.*s\"",
                       (int)(it.key.len < 64 ? it.key.len : 64), it.key.ptr);
        return false;
    }
    return true;
}

/* All events ever are nobody's wish: they are asked for by name, or from a time on. */
static bool read_replay(question *q, const json_value *root) {
    event_query *e = &q->query;
    if (!check_members(q, root) || !member(q, root, STR("target"), &e->target) ||
        !member(q, root, STR("event"), &e->event) || !member(q, root, STR("type"), &e->type) ||
        !member(q, root, STR("source"), &e->source) || !member_time(q, root, STR("since"), &e->since_ms) ||
        !member_time(q, root, STR("until"), &e->until_ms) || !question_check_times(q))
        return false;
    if (webhook_target(q->api->webhooks->set, e->target) == NULL) {
        reply_problemf(
            q->x, PROBLEM_INVALID_INPUT,
            "\"target\" is who gets the events, \"subscription/ID\" or \"endpoint/ID/ROUTE\": there is "
            "none named \"%.*s\"",
            STR_FMT(e->target));
        return false;
    }
    if (e->event.len > 0 || e->since_ms > 0)
        return true;
    reply_problem(q->x, PROBLEM_INVALID_INPUT, STR("say which events: \"event\", or \"since\" with a time"));
    return false;
}

/* As webhook_targets does it for one that comes in. */
static bb_str key_of(const void *rule, bb_str payload, arena *a) {
    const target *t = rule;
    return target_key(t, t->key.ptr != NULL ? json_read(a, payload, NULL, NULL) : NULL);
}

static bool wants(const void *rule, bb_str source, bb_str type) {
    return target_wants(rule, source, type);
}

static bool copy_patterns(arena *a, const patterns *from, patterns *to) {
    bb_str *items = arena_alloc(a, (from->count + 1) * sizeof *items);
    bool ok = items != NULL;
    *to = (patterns){items, from->count};
    for (size_t i = 0; ok && i < from->count; i++) {
        items[i] = arena_copy(a, from->items[i]);
        ok = items[i].ptr != NULL;
    }
    return ok;
}

/* A reload may take the target away while its rule is in use. */
static bool copy_rule(arena *a, const target *from, target *to) {
    to->fifo = from->fifo;
    to->key = from->key.ptr != NULL ? arena_copy(a, from->key) : from->key;
    return (from->key.ptr == NULL || to->key.ptr != NULL) && copy_patterns(a, &from->types, &to->types) &&
           copy_patterns(a, &from->sources, &to->sources);
}

/* Of a time, a target gets what it asks for; an event that is named, whatever it is. */
void route_events_replay(api *a, http_exchange *x, const route_params *p) {
    arena *memory = http_exchange_arena(x);
    question *q = ask(a, x);
    if (q == NULL || !query_none(x) ||
        !read_replay(q, json_read(memory, http_exchange_request(x)->body, NULL, NULL)) ||
        !audited_begin(a, x, p->who, "event.replay", q->query.target, &q->note))
        return;
    q->word = "replayed";
    const events_rule rule = {
        .key = key_of, .wants = q->query.event.len > 0 ? NULL : wants, .of = &q->ordered};
    if (!copy_rule(memory, webhook_target(a->webhooks->set, q->query.target), &q->ordered) ||
        !events_replay(a->webhooks->hub->events, &q->query, clock_wall_ms(), &rule, a->worker->loop,
                       on_replayed, q))
        question_busy(q);
}
