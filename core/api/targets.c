/* targets.c - whom events are delivered to, subscriptions and routes alike: how each is, and what an operator
 * does to one. */
#include "webhook/plan.h" /* before others name a type "call", as the SDK names parameters */

#include "api/audited.h"
#include "api/targets.h"
#include "webhook/health.h"

/* Of a subscription: a route has no secrets. */
static bool is_unready(const target *t) {
    return t->item->kind == WEBHOOK_SUBSCRIPTION && webhook_item_gone(t->item);
}

static const char *status_of(const target *t, const health *h) {
    return h->paused              ? "paused"
           : h->disabled_ms > 0   ? "disabled"
           : !plan_of(t)->enabled ? "off"
           : is_unready(t)        ? "unready"
                                  : "active";
}

static void write_where(json_writer *w, const delivery_plan *plan) {
    if (plan->kind == PLAN_URL)
        json_member_string(w, STR("url"), plan->url);
    if (plan->kind == PLAN_OPERATION) {
        json_member_string(w, STR("connection"), plan->connection);
        json_member_string(w, STR("operation"), plan->operation);
    }
    if (plan->kind == PLAN_EMIT)
        json_member_string(w, STR("emit"), plan->emit);
    json_keyl(w, "types");
    json_array(w);
    for (size_t i = 0; i < plan->target.types.count; i++)
        json_put_string_lossy(w, plan->target.types.items[i]);
    json_array_end(w);
}

static void write_counts(json_writer *w, const target_counts *n) {
    json_member_u64(w, STR("pending"), n->pending);
    json_member_u64(w, STR("dead"), n->dead);
    json_member_u64(w, STR("done"), n->done);
    json_member_time(w, STR("oldest_pending_at"), n->oldest_ms);
}

void write_target(json_writer *w, const api *a, arena *memory, const target *t) {
    store *events = a->webhooks->hub->events;
    const delivery_plan *plan = plan_of(t);
    target_counts counts = {0};
    health h = {0};
    if (events != NULL) {
        events_target_counts(events, t->name, &counts);
        health_read(events_target_state(events, t->name, memory), &h);
    }
    json_member_string(w, STR("target"), t->name);
    json_member_string(w, STR("status"), str_from(status_of(t, &h)));
    if (h.disabled_ms > 0)
        json_member_string(w, STR("reason"), str_from(h.reason));
    else if (is_unready(t))
        json_member_string(w, STR("reason"), STR("a secret that it was read with is gone: what comes waits"));
    json_member_time(w, STR("disabled_at"), h.disabled_ms);
    json_member_time(w, STR("failing_since"), h.failing_ms);
    if (health_rest_left_ms(&h, events_age_ms(events, h.rested_ms)) > 0)
        json_member_time(w, STR("rests_until"), h.rested_ms + h.rest_ms);
    write_where(w, plan);
    write_counts(w, &counts);
}

void route_targets(api *a, http_exchange *x, const route_params *p) {
    (void)p;
    const webhook_set *set = a->webhooks->set;
    if (!query_none(x))
        return;
    buf body;
    json_writer w = reply_list_begin(&body, "targets");
    for (size_t i = 0; i < set->target_count; i++) {
        json_object(&w);
        write_target(&w, a, http_exchange_arena(x), set->targets[i]);
        json_object_end(&w);
    }
    reply_list_end(x, &w, &body);
}

/* --- changes
 * ------------------------------------------------------------------------------------------------ */

typedef struct doing {
    api *a;
    http_exchange *x;
    bb_str name;
    audited note;
    store_result result;
} doing;

static void answer(void *ctx) {
    doing *d = ctx;
    store_result r = d->result;
    const target *t = r == STORE_OK ? webhook_target(d->a->webhooks->set, d->name) : NULL;
    if (t == NULL) {
        reply_problem(d->x, r == STORE_OK ? PROBLEM_NOT_FOUND : store_result_problem(r),
                      r == STORE_NOT_FOUND || r == STORE_OK ? STR("there is no such target any more")
                                                            : str_from(store_result_text(r)));
        return;
    }
    buf body;
    json_writer w = reply_begin(&body);
    json_object(&w);
    write_target(&w, d->a, http_exchange_arena(d->x), t);
    json_object_end(&w);
    reply_json(d->x, 200, &body);
}

static void on_done(store_result r, void *ctx) {
    doing *d = ctx;
    d->result = r;
    audited_end(&d->note, r == STORE_OK, r == STORE_OK ? STR("") : str_from(store_result_text(r)), answer, d);
}

static const char *const actions[] = {[DISPATCH_PAUSE] = "target.pause",
                                      [DISPATCH_RESUME] = "target.resume",
                                      [DISPATCH_DISABLE] = "target.disable"};

void target_do(api *a, http_exchange *x, const principal *who, bb_str name, dispatch_command what) {
    arena *memory = http_exchange_arena(x);
    doing *d = arena_zalloc(memory, sizeof *d);
    if (webhook_target(a->webhooks->set, name) == NULL) {
        reply_problemf(x, PROBLEM_NOT_FOUND,
                       "there is no target \"%.*s\": \"subscription/ID\", or \"endpoint/ID/ROUTE\"",
                       STR_FMT(name));
        return;
    }
    if (d != NULL)
        *d = (doing){.a = a, .x = x, .name = arena_copy(memory, name)};
    if (d != NULL && d->name.ptr != NULL && !audited_begin(a, x, who, actions[what], d->name, &d->note))
        return;
    if (d == NULL || d->name.ptr == NULL ||
        !dispatch_do(&a->webhooks->hub->dispatch, d->name, what, a->worker->loop, on_done, d))
        reply_problem(x, PROBLEM_OVERLOADED, STR("no memory for this, or the hub runs offline"));
}

/* {"target": "endpoint/ID/ROUTE"} */
static void by_body(api *a, http_exchange *x, const route_params *p, dispatch_command what) {
    const json_value *root = json_read(http_exchange_arena(x), http_exchange_request(x)->body, NULL, NULL);
    bb_str name = json_string(json_getl(root, "target"));
    if (name.len == 0)
        reply_problem(x, PROBLEM_INVALID_INPUT,
                      STR("the body is {\"target\": \"subscription/ID\"}, or a route's "
                          "\"endpoint/ID/ROUTE\""));
    else
        target_do(a, x, p->who, name, what);
}

void route_target_pause(api *a, http_exchange *x, const route_params *p) {
    by_body(a, x, p, DISPATCH_PAUSE);
}

void route_target_resume(api *a, http_exchange *x, const route_params *p) {
    by_body(a, x, p, DISPATCH_RESUME);
}

void route_target_disable(api *a, http_exchange *x, const route_params *p) {
    by_body(a, x, p, DISPATCH_DISABLE);
}
