/* webhooks.c - endpoints, subscriptions and event types: read at the start and at each reload, handed to the
 * loops. */
#include "hub/internal.h"

#include "base/log.h"

#include <stdlib.h>

typedef struct handover {
    hub *hub;
    webhook_loop *to;
    webhook_set *set; /* with a reference */
} handover;

/* On the loop. */
static void take_set(loop *l, void *arg) {
    (void)l;
    handover *o = arg;
    webhook_loop_swap(o->to, o->set);
    uv_async_send(&o->hub->wake);
    free(o);
}

static void hand_over(hub *h, webhook_loop *to) {
    handover *o = malloc(sizeof *o);
    if (o != NULL)
        *o = (handover){.hub = h, .to = to, .set = webhook_set_ref(h->webhooks.set)};
    if (o != NULL && loop_post(to->worker->loop, take_set, o))
        return;
    if (o != NULL)
        webhook_set_unref(o->set);
    free(o);
    atomic_store_explicit(&to->generation, h->webhooks.set->generation, memory_order_release);
    log_error("no memory to hand the webhooks to loop %u: it keeps the old ones", to->worker->number);
}

/* What is new, and what is refused; `report` NULL: it is none of a reload. */
static void tell(const webhook_set *before, const webhook_set *next, report *told) {
    arena *own = told == NULL ? arena_new(0) : NULL, *a = told != NULL ? told->memory : own;
    size_t n = 0;
    report_item *items = a != NULL ? webhook_changes(before, next, a, &n) : NULL;
    for (size_t i = 0; items != NULL && i < n; i++) {
        if (items[i].error.ptr != NULL)
            log_error("%.*s refused%s: %.*s", STR_FMT(items[i].id),
                      items[i].kept ? ", the one before goes on" : "", STR_FMT(items[i].error));
        else if (items[i].change != CHANGE_UNCHANGED)
            log_info("%.*s: %s", STR_FMT(items[i].id), change_name(items[i].change));
        if (items[i].note.ptr != NULL)
            log_warn("%.*s: %.*s", STR_FMT(items[i].id), STR_FMT(items[i].note));
    }
    if (told != NULL && items != NULL) {
        told->webhooks = items;
        told->webhook_count = n;
    }
    arena_free(own);
}

/* Whether something is refused that holds all back. */
static bool held_back(const hub *h, const webhook_set *s) {
    for (size_t k = 0; h->settings.strict && k < WEBHOOK_KINDS; k++)
        for (size_t i = 0; i < s->lists[k].count; i++)
            if (s->lists[k].entries[i].error.ptr != NULL)
                return true;
    return false;
}

webhook_reading hub_webhooks_reading(const hub *h) {
    return (webhook_reading){.plugged = registry_current(h->registry),
                             .post = h->webhooks.post,
                             .loops = h->settings.loops,
                             .max_body = h->settings.limits.max_body_bytes,
                             .asks_clients = h->settings.offline
                                                 ? h->settings.tls.client_ca != NULL
                                                 : h->tls != NULL && tls_context_asks(h->tls)};
}

static void put_in_force(hub *h, webhook_set *next, report *told) {
    tell(h->webhooks.set, next, told);
    webhook_set_shut(next); /* held back or not: a secret that was removed opens nothing any more */
    if (held_back(h, next)) {
        log_error("strict: the webhooks stay as they are");
        webhook_set_unref(next);
        return;
    }
    hub_gone_note(h, next);
    webhook_set_unref(h->webhooks.set);
    h->webhooks.set = next;
    hub_gone_begin(h);
    for (unsigned i = 0; i < h->webhooks.loop_count; i++)
        hand_over(h, h->webhooks.loops[i]);
}

void hub_webhooks_reload(hub *h, report *told) {
    const webhook_reading reading = hub_webhooks_reading(h);
    err e = {""};
    webhook_set *next = webhook_set_read(h->settings.conf_dir, &reading, h->webhooks.set, &e);
    if (next != NULL)
        put_in_force(h, next, told);
    else
        log_error("the webhooks stay as they are: %s", e.text);
}

void hub_webhooks_reread(hub *h, webhook_kind kind, const char *path) {
    const webhook_reading reading = hub_webhooks_reading(h);
    err e = {""};
    /* strict: what stands in another file counts, too */
    webhook_set *next = h->settings.strict ? NULL
                                           : webhook_set_reread(h->webhooks.set, kind, path, &reading, &e);
    if (next != NULL)
        put_in_force(h, next, NULL);
    else
        hub_webhooks_reload(h, NULL);
}

/* The plan of a reload, which a child made of the connections, with the webhooks' changes. */
bb_str hub_webhooks_plan(hub *h, arena *a, bb_str text) {
    const webhook_reading reading = hub_webhooks_reading(h);
    const json_value *plan = json_read(a, text, NULL, NULL);
    webhook_set *next = webhook_set_read(h->settings.conf_dir, &reading, h->webhooks.set, NULL);
    size_t n = 0;
    report_item *items = next != NULL ? webhook_changes(h->webhooks.set, next, a, &n) : NULL;
    buf out;
    json_writer w;
    buf_init(&out);
    json_writer_init(&w, &out);
    json_object(&w);
    for (json_iter it = json_iterate(plan); json_next(&it);) {
        bool errors = str_eq(it.key, STR("errors"));
        json_key(&w, it.key);
        if (str_eq(it.key, STR("webhooks")))
            report_write_items(&w, items, n);
        else if (!errors)
            json_put_value(&w, it.value);
        if (!errors)
            continue;
        json_array(&w);
        for (json_iter e = json_iterate(it.value); json_next(&e);)
            json_put_value(&w, e.value);
        for (size_t i = 0; i < n; i++)
            if (items[i].error.ptr != NULL)
                json_put_string_lossy(&w, items[i].error);
        json_array_end(&w);
    }
    json_object_end(&w);
    webhook_set_unref(next);
    bb_str whole = json_writer_take(&w, a);
    return plan != NULL && items != NULL && whole.ptr != NULL ? whole : text;
}

/* --- who waits for the loops ------------------------------------------------------------------------------
 */

bool hub_webhooks_settled(const hub *h) {
    for (unsigned i = 0; i < h->webhooks.loop_count; i++)
        if (atomic_load_explicit(&h->webhooks.loops[i]->generation, memory_order_acquire) <
            h->webhooks.set->generation)
            return false;
    return true;
}

void hub_webhooks_wait(hub *h, api_job *job) {
    job->next = h->webhook_jobs;
    h->webhook_jobs = job;
    hub_webhooks_finish(h);
}

void hub_webhooks_finish(hub *h) {
    hub_gone_cancel(h);
    if (h->webhook_jobs == NULL || !(h->stopping || hub_webhooks_settled(h)))
        return;
    api_job *jobs = h->webhook_jobs;
    h->webhook_jobs = NULL;
    for (api_job *job = jobs, *next; job != NULL; job = next) {
        next = job->next;
        hub_job_finish(h, job);
    }
}

/* --- the beginning and the end ----------------------------------------------------------------------------
 */

bool hub_webhooks_open(hub *h, err *e) {
    h->webhooks.post = &h->settings.post;
    h->webhooks.subscriptions_per_key = h->settings.subscriptions_per_key;
    atomic_init(&h->webhooks.known_types, h->settings.known_types);
    h->webhooks.set = webhook_set_empty();
    return h->webhooks.set != NULL || err_set(e, "no memory");
}

void hub_webhooks_close(hub *h) {
    hub_gone_drop(h);
    webhook_set_unref(h->webhooks.set);
    h->webhooks.set = NULL;
}
