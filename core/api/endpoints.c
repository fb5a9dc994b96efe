/* endpoints.c - webhooks in: what services post, and the endpoints themselves. */
#include "webhook/endpoint.h" /* before others name a type "call", as the SDK names parameters */

#include "api/routes.h"
#include "base/metric.h"
#include "webhook/ingress.h"

void route_hook(api *a, http_exchange *x, const route_params *p) {
    ingress_handle(a->webhooks, x, p->part[0]);
}

/* --- what there is -------------------------------------------------------------------------------------- */

/* A key that is bound to connections sees the endpoints of these, and no others. */
static bool sees(const principal *who, const webhook_entry *entry) {
    const endpoint *e = entry->item != NULL ? endpoint_of(entry->item) : NULL;
    if (who->connections.count == 0)
        return true;
    return e != NULL && e->connection.ptr != NULL && access_sees(who, e->connection);
}

static void write_counts(json_writer *w, const endpoint_state *s) {
    json_keyl(w, "requests");
    json_object(w);
    for (int i = 0; i < INGRESS_OUTCOMES; i++) {
        uint64_t n = metric_get(&s->outcomes[i]);
        if (n > 0)
            json_member_u64(w, str_from(ingress_outcome_name((ingress_outcome)i)), n);
    }
    json_object_end(w);
    json_member_u64(w, STR("events"), metric_get(&s->events));
    json_member_u64(w, STR("bytes"), metric_get(&s->bytes));
    json_member_time(w, STR("last_event_at"), metric_get(&s->last_event_ms));
    uint64_t refused = metric_get(&s->last_refusal_ms);
    json_member_time(w, STR("last_refusal_at"), refused);
    int last = atomic_load_explicit((_Atomic(int) *)(uintptr_t)&s->last_refusal, memory_order_relaxed);
    if (refused > 0)
        json_member_string(w, STR("last_refusal"), str_from(ingress_outcome_name((ingress_outcome)last)));
}

/* Why nothing can be verified now; NULL: it can. */
static const char *unready(const api *a, const endpoint *e) {
    if (endpoint_unready(e) != NULL)
        return endpoint_unready(e);
    return endpoint_scheme(e, a->worker->snapshot, NULL) == NULL ? "its connector is not there" : NULL;
}

static void write_url(json_writer *w, const api *a, http_exchange *x, bb_str id) {
    const char *known = a->webhooks->hub->public_url;
    const http_request *r = http_exchange_request(x);
    bb_str host = http_request_header(r, STR("Host"));
    arena *memory = http_exchange_arena(x);
    json_member_string(w, STR("url"),
                       known != NULL ? arena_printf(memory, "%s/hooks/%.*s", known, STR_FMT(id))
                                     : arena_printf(memory, "http%s://%.*s/hooks/%.*s", r->tls ? "s" : "",
                                                    STR_FMT(host), STR_FMT(id)));
}

static void write_endpoint(json_writer *w, const api *a, const endpoint *e) {
    const char *why = unready(a, e);
    json_member_string(w, STR("status"), str_from(e->paused ? "paused" : why != NULL ? "unready" : "ready"));
    if (why != NULL)
        json_member_string(w, STR("reason"), str_from(why));
    if (e->note != NULL)
        json_member_string(w, STR("note"), str_from(e->note));
    json_member_string(w, STR("name"), e->name.ptr != NULL ? e->name : e->item.id);
    json_member_string(w, STR("scheme"), e->scheme);
    json_member_bool(w, STR("verified"), !e->unverified);
    if (e->plugin.ptr != NULL)
        json_member_string(w, STR("plugin"), e->plugin);
    if (e->connection.ptr != NULL)
        json_member_string(w, STR("connection"), e->connection);
    json_keyl(w, "routes");
    json_array(w);
    for (size_t i = 0; i < e->item.target_count; i++)
        json_put_string_lossy(w, e->item.targets[i]->name);
    json_array_end(w);
    write_counts(w, e->state);
}

/* The object is left open. */
static void write_entry(json_writer *w, const api *a, http_exchange *x, const webhook_entry *entry) {
    json_object(w);
    json_member_string(w, STR("id"), entry->id);
    write_url(w, a, x, entry->id);
    json_member_string(w, STR("file"), str_from(entry->file));
    if (entry->item == NULL)
        json_member_string(w, STR("status"), STR("refused"));
    if (entry->error.ptr != NULL)
        json_member_string(w, STR("error"), entry->error);
    if (entry->item != NULL)
        write_endpoint(w, a, endpoint_of(entry->item));
}

void route_endpoints(api *a, http_exchange *x, const route_params *p) {
    const webhook_list *list = &a->webhooks->set->lists[WEBHOOK_ENDPOINT];
    if (!query_none(x))
        return;
    buf body;
    json_writer w = reply_list_begin(&body, "endpoints");
    for (size_t i = 0; i < list->count; i++) {
        if (!sees(p->who, &list->entries[i]))
            continue;
        write_entry(&w, a, x, &list->entries[i]);
        json_object_end(&w);
    }
    reply_list_end(x, &w, &body);
}

/* NULL: the exchange has been answered. */
static const webhook_entry *find(api *a, http_exchange *x, const route_params *p) {
    const webhook_entry *entry = webhook_find(a->webhooks->set, WEBHOOK_ENDPOINT, p->part[0]);
    if (entry != NULL && sees(p->who, entry))
        return entry;
    reply_problemf(x, PROBLEM_NOT_FOUND, "there is no endpoint \"%.*s\"", STR_FMT(p->part[0]));
    return NULL;
}

void route_endpoint(api *a, http_exchange *x, const route_params *p) {
    const webhook_entry *entry = find(a, x, p);
    if (entry == NULL)
        return;
    buf body;
    json_writer w = reply_begin(&body);
    write_entry(&w, a, x, entry);
    if (entry->item != NULL) {
        json_keyl(&w, "configuration");
        json_put_raw(&w, entry->item->conf_json);
    }
    json_object_end(&w);
    reply_json(x, 200, &body);
}

/* --- schemes ----------------------------------------------------------------------------------------------
 */

static void write_fields(json_writer *w, const bb_auth_field *const *fields) {
    json_keyl(w, "fields");
    json_array(w);
    for (; fields != NULL && *fields != NULL; fields++) {
        const bb_auth_field *f = *fields;
        json_object(w);
        json_member_string(w, STR("name"), str_from(f->name));
        json_member_string(w, STR("description"), str_from(f->description));
        json_member_bool(w, STR("required"), (f->flags & BB_AUTH_REQUIRED) != 0);
        json_member_bool(w, STR("secret"), (f->flags & BB_AUTH_SECRET) != 0);
        if (f->otherwise != NULL)
            json_member_string(w, STR("default"), str_from(f->otherwise));
        json_object_end(w);
    }
    json_array_end(w);
}

static void write_scheme(json_writer *w, const bb_webhook_scheme *s, bb_str plugin) {
    json_object(w);
    json_member_string(w, STR("id"), str_from(s->id));
    if (plugin.ptr != NULL)
        json_member_string(w, STR("plugin"), plugin);
    json_member_string(w, STR("summary"), str_from(s->summary));
    write_fields(w, s->fields);
    json_object_end(w);
}

void route_webhook_schemes(api *a, http_exchange *x, const route_params *p) {
    (void)p;
    const snapshot *s = a->worker->snapshot;
    buf body;
    json_writer w = reply_list_begin(&body, "schemes");
    for (size_t i = 0; own_schemes[i] != NULL; i++)
        write_scheme(&w, own_schemes[i], (bb_str){NULL, 0});
    for (size_t i = 0; i < s->plugin_count; i++) {
        const plugin_module *m = s->plugins[i].module;
        for (size_t k = 0; m != NULL && m->webhooks != NULL && m->webhooks->schemes[k] != NULL; k++)
            write_scheme(&w, m->webhooks->schemes[k], m->id);
    }
    reply_list_end(x, &w, &body);
}

/* --- changes
 * ------------------------------------------------------------------------------------------------
 */

void webhook_submit(api *a, http_exchange *x, const route_params *p, api_job_kind kind, int of, bb_str body) {
    api_job *job = api_job_new(a, x, p->who, kind, p->part[0]);
    if (job != NULL) {
        job->webhook_kind = of;
        if (body.ptr != NULL)
            job->body = arena_copy(job->memory, body);
    }
    api_job_submit(a, x, job);
}

void route_endpoint_create(api *a, http_exchange *x, const route_params *p) {
    webhook_submit(a, x, p, JOB_WEBHOOK_CREATE, WEBHOOK_ENDPOINT, (bb_str){NULL, 0});
}

void route_endpoint_replace(api *a, http_exchange *x, const route_params *p) {
    webhook_submit(a, x, p, JOB_WEBHOOK_REPLACE, WEBHOOK_ENDPOINT, (bb_str){NULL, 0});
}

void route_endpoint_merge(api *a, http_exchange *x, const route_params *p) {
    webhook_submit(a, x, p, JOB_WEBHOOK_MERGE, WEBHOOK_ENDPOINT, (bb_str){NULL, 0});
}

void route_endpoint_delete(api *a, http_exchange *x, const route_params *p) {
    webhook_submit(a, x, p, JOB_WEBHOOK_DELETE, WEBHOOK_ENDPOINT, (bb_str){NULL, 0});
}

void route_endpoint_test(api *a, http_exchange *x, const route_params *p) {
    const webhook_entry *entry = find(a, x, p);
    if (entry != NULL && entry->item != NULL)
        ingress_test(a->webhooks, x, endpoint_of(entry->item));
    else if (entry != NULL)
        reply_problem(x, PROBLEM_CONNECTION_REFUSED, entry->error);
}

void route_endpoint_pause(api *a, http_exchange *x, const route_params *p) {
    webhook_submit(a, x, p, JOB_WEBHOOK_MERGE, WEBHOOK_ENDPOINT, STR("{\"paused\":\"yes\"}"));
}

void route_endpoint_resume(api *a, http_exchange *x, const route_params *p) {
    webhook_submit(a, x, p, JOB_WEBHOOK_MERGE, WEBHOOK_ENDPOINT, STR("{\"paused\":null}"));
}

void render_endpoints(api *a, buf *out) {
    endpoints_render(a->webhooks->set, out);
}
