#include "api/question.h"

question *question_new(api *a, http_exchange *x, const char *kept,
                       void (*refuse)(const question *q, store_result r)) {
    question *q = arena_zalloc(http_exchange_arena(x), sizeof *q);
    if (a->webhooks->hub->events == NULL) {
        reply_problemf(x, PROBLEM_STORE_UNAVAILABLE, "this hub runs offline: it keeps no %s", kept);
        return NULL;
    }
    if (q == NULL) {
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for this"));
        return NULL;
    }
    *q = (question){.api = a, .x = x, .query = {.state = -1}, .kept = kept, .refuse = refuse};
    return q;
}

void question_busy(const question *q) {
    reply_problem(q->x, PROBLEM_OVERLOADED, STR("the queue of events takes no more questions for now"));
}

/* --- a list -------------------------------------------------------------------------------------------- */

bool question_check_times(const question *q) {
    const event_query *e = &q->query;
    if (e->until_ms == 0 || e->until_ms >= e->since_ms)
        return true;
    reply_problem(q->x, PROBLEM_INVALID_INPUT,
                  STR("\"until\" is before \"since\": there is nothing between them"));
    return false;
}

bool question_read_list(question *q, const char *const *known) {
    event_query *e = &q->query;
    uint64_t before, limit;
    if (!query_known(q->x, known) || !query_time(q->x, STR("since"), &e->since_ms) ||
        !query_time(q->x, STR("until"), &e->until_ms) ||
        !query_count(q->x, STR("before"), INT64_MAX, &before) ||
        !query_count(q->x, STR("limit"), 1000, &limit))
        return false;
    query_text(q->x, STR("type"), &e->type);
    query_text(q->x, STR("source"), &e->source);
    e->before = (int64_t)before;
    e->limit = limit;
    return true;
}

void question_on_list(store_result r, bb_str json, int64_t next, void *ctx) {
    const question *q = ctx;
    if (r == STORE_OK)
        reply_rows(q->x, q->kept, json, next);
    else
        q->refuse(q, r);
}

/* --- a change ------------------------------------------------------------------------------------------ */

void question_on_changed(void *ctx) {
    const question *q = ctx;
    if (q->result != STORE_OK && q->count > 0) {
        reply_problemf(q->x, store_result_problem(q->result), "%llu were %s, and then: %s",
                       (unsigned long long)q->count, q->word, changes_ended(q->result));
        return;
    }
    if (q->result != STORE_OK) {
        q->refuse(q, q->result);
        return;
    }
    buf body;
    buf_init(&body);
    buf_printf(&body, "{\"%s\":%llu}", q->word, (unsigned long long)q->count);
    reply_json(q->x, 200, &body);
}
